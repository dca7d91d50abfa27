# A reload that names another store: what the zone knows of users is the old
# one's, and counts for nothing.

use strict;
use warnings;

use lib 't/lib';
use Nginx;
use Test::More;

my $nginx = Nginx->new(
    http => "realtime_store sqlite:%%DIR%%/one.db;\nrealtime_user_lookup users ttl=1h;",
    config => 'location = /me { realtime_me; }',
);
$nginx->{owner} = $$;


sub user {
    my ($store, @args) = @_;

    system('scripts/user', '--file', "$nginx->{dir}/$store.db", @args) == 0 or die 'scripts/user';
}


# the status of a request, after a reload with that store
sub reloaded {
    my ($store) = @_;

    my $conf = "$nginx->{dir}/nginx.conf";
    my $text = do { local (@ARGV, $/) = $conf; <> };
    $text =~ s/\w+\.db;/$store.db;/;
    Nginx::put($conf, $text);

    my %old = map { $_ => 1 } Nginx::workers($nginx->{pid});
    $nginx->signal('HUP');
    Nginx::wait_until(sub { !grep { $old{$_} } Nginx::workers($nginx->{pid}) }, 'the old workers have gone');

    return me();
}


sub me { return ($nginx->request($nginx->connected, 'GET /me', undef, sub => 'anna@example.org'))[0] }


user($_, 'add', 'anna@example.org') for qw(one two three);
user('two', 'ban', 'anna@example.org');

is(me(), 200, 'a user of the first store');
is(reloaded('two'), 403, 'banned in the second');
is(reloaded('four'), 401, 'unknown to a store without any');
is(reloaded('three'), 200, 'a user of the third');

user('three', 'ban', 'anna@example.org');
is(reloaded('three'), 200, 'the same store again: what is known is good for its time');

$nginx->stop('QUIT');
unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'a quiet log');

done_testing();
