# scripts/user: the users of an SQLite store, from the command line.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

my $dir = tempdir(CLEANUP => 1);


# its output and errors, and whether it succeeded
sub user {
    my (@args) = @_;

    open my $p, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', 'scripts/user', '--file', "$dir/users.db", @args or die $!;
    local $/;
    my $text = <$p> // '';

    return ($text, close $p ? 1 : 0);
}


is_deeply([user('list')], ["user: there is no $dir/users.db\n", 0], 'no store to list');
is_deeply([user('ban', 'anna')], ["user: there is no $dir/users.db\n", 0], 'nor to ban in');
ok(!-e "$dir/users.db", 'neither makes one');

my ($id, $ok) = user('add', 'anna@example.org', '--role', 'Staff', '--role', 'Two words');
ok($ok && $id =~ /^[0-9a-f]{24}\n$/, 'add tells the id');
is((stat "$dir/users.db")[2] & 0777, 0600, 'the file is for nobody else');
chomp $id;

is((user('list'))[0], qq($id\tanna\@example.org\t["Staff", "Two words"]\tactive\n), 'list');

ok((user('ban', 'anna@example.org'))[1], 'ban by e-mail');
is((user('list'))[0], qq($id\tanna\@example.org\t["Staff", "Two words"]\tbanned\n), 'banned');

ok((user('add', 'anna@example.org', '--role', 'Boss'))[1], 'other roles');
is((user('list'))[0], qq($id\tanna\@example.org\t["Boss"]\tbanned\n), 'do not end a ban, nor change an id');

ok((user('unban', $id))[1], 'unban by id');
like((user('list'))[0], qr/\tactive$/, 'active');

is_deeply([user('ban', 'nobody')], ["user: there is no nobody\n", 0], 'nobody to ban');
is_deeply([user('add', 'anna@example.org', '--id', 'x')], ["user: anna\@example.org is there and keeps its id\n", 0],
          'an id is for life');
ok(!(user('add', 'bob@example.org', '--id', $id))[1], 'an id is taken');

my %bad = ('a name' => ["a\nb"], 'nothing' => [''], 'a long name' => ['x' x 201], 'an id' => ['b', '--id', "x\x7f"],
           'a role' => ['b', '--role', "x\x01"], 'a comma' => ['b', '--role', 'x,y']);

for my $what (sort keys %bad) {
    ok(!(user('add', @{ $bad{$what} }))[1], "not added: $what");
}

is((user('list'))[0], qq($id\tanna\@example.org\t["Boss"]\tactive\n), 'nothing of that is there');

done_testing();
