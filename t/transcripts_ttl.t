# ttl: what arrived earlier is erased, all of it and nothing else, soon after the
# start; by the server's own index or by the worker.

use strict;
use warnings;

use lib 't/lib';
use File::Temp;
use JSON::PP;
use Nginx;
use Store;
use Test::More;

my $json = JSON::PP->new->utf8;
my $dir = File::Temp->newdir;
my $old = $ENV{TEST_MONGODB_URI} ? 200 : 3500;      # more than SQLite erases at once
my $uri = $ENV{TEST_MONGODB_URI} ? store_uri() : "sqlite:$dir/store.db";


sub nginx {
    my ($ttl) = @_;

    my $nginx = Nginx->new(http => "realtime_store $uri $ttl;", config => 'location /t { realtime_transcripts; }');
    $nginx->{owner} = $$;

    return $nginx;
}


sub post {
    my ($nginx, $session, $n) = @_;

    my $socket = $nginx->connected;

    for (my $i = 0; $i < $n; $i += 100) {
        my @items = map { { text => "turn $_", session_id => $session } } $i + 1 .. $i + 100;
        my ($status) = $nginx->request($socket, 'POST /t', $json->encode(\@items));
        die 'not stored' if $status != 200;
    }
}


# a session's name => the number of its turns
sub counts {
    my ($nginx) = @_;

    my (undef, $body) = $nginx->request($nginx->connected, 'GET /t/sessions');

    return { map { $_->{session_id} => $_->{count} } @{ $json->decode($body)->{sessions} } };
}


# two hours ago; said when it was, since it is the arrival that counts
sub let_age {
    my ($session) = @_;

    my $done = $ENV{TEST_MONGODB_URI} ? <<"MONGODB" : <<"SQLITE";
import datetime, pymongo
pymongo.MongoClient("$uri").get_default_database()["transcripts"].update_many({"session_id": "$session"},
    {"\$set": {"created_at": datetime.datetime.utcnow() - datetime.timedelta(hours=2)}})
MONGODB
import sqlite3
with sqlite3.connect("$dir/store.db") as c:
    c.execute("UPDATE transcripts SET created_at = created_at - 7200000 WHERE session_id = '$session'")
SQLITE

    system('/usr/bin/python3', '-c', $done) == 0 or die 'not aged';
}


my $nginx = nginx('');
post($nginx, 'old', $old);
post($nginx, 'new', 100);
let_age('old');
is_deeply(counts($nginx), { old => $old, new => 100 }, 'without a ttl all of it stays');
$nginx->stop('QUIT');

# a TTL index of MongoDB's own is looked after once a minute

$nginx = nginx('ttl=1h');
Nginx::wait_until(sub { !exists counts($nginx)->{old} }, 'the old ones go', 90);
is_deeply(counts($nginx), { new => 100 }, 'they alone');

if ($ENV{TEST_MONGODB_URI}) {
    my $log = $nginx->log;
    ok($log !~ /no TTL index/ || $log =~ /\[warn\].*no TTL index, so this module erases what has expired/,
       'the log says who erases');
}

$nginx->stop('QUIT');
unlike($nginx->log, qr/\[(error|alert|crit|emerg)\]/, 'a quiet log');

done_testing();
