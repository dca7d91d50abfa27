# scripts/migrate: a SQLite store becomes a MongoDB one that answers the same,
# however often and wherever it is stopped.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Mongo;
use Nginx;
use Test::More;
use Time::HiRes qw(sleep);

my $json = JSON::PP->new->utf8;
my $mongo = Mongo->new;


sub nginx {
    my ($uri) = @_;

    my $nginx = Nginx->new(http => "realtime_store $uri;", config => 'location /t { realtime_transcripts; }',
                           workers => 1);
    $nginx->{owner} = $$;

    return $nginx;
}


# (exit status, output) of scripts/migrate
sub migrate {
    my $out = `scripts/migrate @_ 2>&1 < /dev/null`;

    return ($? >> 8, $out);
}


# all that a client can see of a user
sub history {
    my ($nginx, $user) = @_;

    my $socket = $nginx->connected;
    my $all = '';
    my $query = '?format=jsonl&limit=200';

    while (defined $query) {
        my (undef, $body, $head) = $nginx->request($socket, "GET /t$query", undef, sub => $user);
        $all .= $body;
        $query = $head =~ /^Link: <([^>]*)>/m ? $1 : undef;
    }

    return $all . ($nginx->request($socket, 'GET /t/sessions', undef, sub => $user))[1];
}


my $old = nginx('sqlite:%%DIR%%/store.db');
my $file = "$old->{dir}/store.db";
my $socket = $old->connected;

for my $i (0 .. 5) {
    my @items = map { { text => "turn $i.$_ \x{e9}\x{1f399}", session_id => $i ? "s$i" : undef, item_id => "i$_",
                        role => $_ % 2 ? 'user' : 'assistant', call_id => 'rtc_1', language => 'fr',
                        metadata => { a => [1, 2.5, 12345678901, { c => undef, '' => JSON::PP::true }] } } } 1 .. 100;
    my ($status) = $old->request($socket, 'POST /t', $json->encode(\@items));
    is($status, 200, 'stored');
}
$old->request($socket, 'POST /t', '{"text":"old","timestamp":"0001-01-01T00:00:00Z"}', sub => 'u-2');

is(system("scripts/user --file $file add anna\@example.org --role Staff > /dev/null"), 0, 'a user');
is(system('sqlite3', $file, <<'END'), 0, 'and users as others made them');
ALTER TABLE users ADD COLUMN login TEXT;
INSERT INTO users (_id, email, roles, is_active, login) VALUES ('b', 'ben@example.org', 'Staff, Admin', 'false', 'ben'),
    ('c', NULL, '["Staff"', 1, NULL), ('d', NULL, NULL, 0, NULL);
END

for my $case (
    ['a server that is away', qr/^migrate: /, $file, $mongo->uri('?serverSelectionTimeoutMS=300')],
    ['no such file', qr/^migrate: .*unable to open/, '/nonexistent.db', $mongo->uri],
    ['no database', qr/^migrate: the URI cannot be used/, $file, 'mongodb://u:secret-x@127.0.0.1:1'],
    ['no URI', qr/^migrate: no URI/, $file],
) {
    my ($name, $why, @args) = @$case;
    my ($status, $out) = migrate(@args);

    isnt($status, 0, "$name: refused");
    like($out, $why, 'with the reason');
    unlike($out, qr/secret-x|Traceback/, 'in words, without the password');
}

$mongo->start;

# killed on its way

$mongo->python('c.insert_one({"_id": "not ours"}), c.delete_many({})');

my $pid = fork // die "fork: $!";
if ($pid == 0) {
    open STDOUT, '>', '/dev/null';
    exec 'scripts/migrate', '--batch', '1', $file, $mongo->uri;
}
Nginx::wait_until(sub { $mongo->python('print(c.count_documents({}))') > 20 }, 'some documents', 30);
kill 'KILL', $pid;
waitpid $pid, 0;

my ($status, $out) = migrate('--batch', 250, $file, $mongo->uri);
is($status, 0, 'it goes on where it was killed');
like($out, qr/^transcripts: 601 in the file, (\d+) copied, 601 found in the database$/m, 'and counts');
ok($out =~ /, (\d+) copied/ && $1 > 0 && $1 < 581, 'without what was there');
like($out, qr/^users: 4 in the file, 4 copied, 4 found/m, 'the users, too');
is($mongo->python(<<'END'), <<'END', 'each with what he has, and no more rights');
for user in c.database["users"].find({}, sort=[("email", -1), ("_id", 1)]):
    print(*sorted((name, value) for name, value in user.items() if name != "_id" or len(value) < 24))
END
('_id', 'b') ('email', 'ben@example.org') ('is_active', False) ('login', 'ben') ('roles', 'Staff, Admin')
('email', 'anna@example.org') ('is_active', True) ('roles', ['Staff'])
('_id', 'c') ('is_active', True) ('roles', '["Staff"')
('_id', 'd') ('is_active', False)
END

my $new = nginx($mongo->uri);

is(history($new, 'u-17'), history($old, 'u-17'), 'a client sees the same');
is(history($new, 'u-2'), history($old, 'u-2'), 'also what was said in the year 1');

($status, $out) = migrate($file, $mongo->uri('?w=1'));
is($status, 0, 'once more');
like($out, qr/^transcripts: 601 in the file, 0 copied, 601 found/m, 'copies nothing');

# a resend after the move is the same turn, a new one is kept by the next run

my $resend = $json->encode({ text => 'other words', session_id => 's1', item_id => 'i1' });
$new->request($new->connected, 'POST /t', $resend);
$old->request($old->connected, 'POST /t', '{"text":"late"}');
{
    local $ENV{MONGODB_URI} = $mongo->uri;
    ($status, $out) = migrate($file);
}
like($out, qr/^transcripts: 602 in the file, 1 copied, 602 found/m, 'what came meanwhile is copied');
is($mongo->python('print(c.count_documents({}))'), "602\n", 'and nothing is there twice');

($status, $out) = migrate("$file", $mongo->uri, '--collection', 'nosuch');
isnt($status, 0, 'another table');
like($out, qr/has no table "nosuch"/, 'is not there');

$old->stop('QUIT');
system("sqlite3 $file 'PRAGMA user_version=2'");
($status, $out) = migrate($file, $mongo->uri);
isnt($status, 0, 'a newer file');
like($out, qr/its schema has the version 2, this program knows 1/, 'is refused');

done_testing();
