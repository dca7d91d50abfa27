# A collection that the service before this module wrote: user_id, text and
# session_id, no dates; and what others may have put there.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Mongo;
use Nginx;
use Test::More;

my $json = JSON::PP->new->utf8;
my $mongo = Mongo->new;

$mongo->start;
$mongo->python(<<'END');
import datetime
from bson import ObjectId

day = datetime.datetime(2026, 1, 2, 3, 4, 5)

def id(n):
    return ObjectId("65000000%016x" % n)

c.insert_many([
    {"_id": id(1), "user_id": "u-17", "text": "old 1", "session_id": "s"},
    {"_id": id(3), "user_id": "u-17", "text": "old 3", "session_id": None},
    {"_id": id(2), "user_id": "u-17", "text": "old 2", "session_id": "s", "language": 7, "mood": {"good": True}},
    {"_id": id(4), "user_id": "u-17", "text": "dated", "timestamp": day, "session_id": 5,
     "metadata": {"at": day, "who": id(9), "deep": [{"x": [1.5, None]}], "big": 2 ** 40}},
    {"_id": id(5), "user_id": "u-17"},
    {"_id": id(6), "user_id": "u-17", "text": 7},
    {"_id": "seven", "user_id": "u-17", "text": "no ObjectId"},
    {"_id": True, "user_id": "u-17", "text": "no ObjectId", "session_id": "s"},
    {"_id": id(8), "user_id": "u-18", "text": "somebody else's"},
    {"_id": id(9), "user_id": 17, "text": "nobody's"},
    {"_id": id(10), "user_id": "u-19", "text": "undated", "session_id": "s"},
    {"_id": id(11), "user_id": "u-19", "text": "before", "session_id": "s", "timestamp": datetime.datetime(2020, 1, 1)},
])
END

my $nginx = Nginx->new(
    http => 'realtime_store ' . $mongo->uri . ';',
    config => 'location /t { realtime_transcripts; }',
    workers => 1,
);
my $socket = $nginx->connected;


sub get {
    my ($status, $body) = $nginx->request($socket, $_[0]);
    die "$_[0]: $status $body" if $status != 200;

    return $json->decode($body);
}


sub texts {
    my ($query, $limit) = @_;

    my ($cursor, @items);

    do {
        my $page = get("GET /t?limit=$limit$query" . (defined $cursor ? "&cursor=$cursor" : ''));
        push @items, @{ $page->{transcripts} };
        $cursor = $page->{next};
    } while (defined $cursor);

    return map { $_->{text} } @items;
}


my ($status) = $nginx->request($socket, 'POST /t',
                               '{"text":"new","session_id":"s","timestamp":"2026-02-01T00:00:00Z"}');
is($status, 200, 'a new one beside them');

my @all = ('old 1', 'old 2', 'old 3', 'dated', 'new');

for my $limit (1, 2, 3, 200) {
    is_deeply([texts('', $limit)], \@all, "$limit a page, the old ones first");
    is_deeply([texts('&order=desc', $limit)], [reverse @all], 'and backwards');
}

is_deeply([texts('&session_id=s', 1)], ['old 1', 'old 2', 'new'], 'of one session');

my $items = get('GET /t')->{transcripts};

is($items->[0]{timestamp}, '2023-09-12T06:06:56.000Z', 'the time of the ObjectId is when it was said');
is($items->[0]{created_at}, $items->[0]{timestamp}, 'and when it came');
is_deeply([@{ $items->[0] }{qw(role source metadata)}], ['user', 'client', undef], 'the defaults for the rest');
is($items->[1]{language}, undef, 'a value of another type is none');
is($items->[3]{timestamp}, '2026-01-02T03:04:05.000Z', 'a date is kept');
is_deeply($items->[3]{metadata}, { at => '2026-01-02T03:04:05.000Z', who => '650000000000000000000009',
                                   deep => [{ x => [1.5, undef] }], big => 1099511627776 }, 'metadata becomes JSON');

my %counts = map { ($_->{session_id} // '') => $_->{count} } @{ get('GET /t/sessions')->{sessions} };
is($counts{s}, 3, 'the session counts its old turns');

like(($nginx->request($socket, 'GET /t/sessions', undef, sub => 'u-19'))[1],
     qr/"first_at":"2020-01-01T00:00:00\.000Z","last_at":"2023-09-12T06:06:56\.000Z","count":2,"preview":"undated"/,
     'its times are those of all turns, its preview the first of the list');

($status) = $nginx->request($socket, 'DELETE /t/650000000000000000000001');
is($status, 200, 'an old one is erased by its id');
is_deeply([texts('&session_id=s', 200)], ['old 2', 'new'], 'it alone');

($status, my $body) = $nginx->request($socket, 'DELETE /t/650000000000000000000008');
is($status, 404, "somebody else's is not");

($status, $body) = $nginx->request($socket, 'DELETE /t?user_id=u-17');
is($status, 200, 'all of a user');
is_deeply([texts('', 200)], [], 'are erased');

(undef, $body) = $nginx->request($socket, 'GET /t', undef, sub => 'u-18');
like($body, qr/somebody else's/, 'nobody else is');

$nginx->stop('QUIT');
unlike($nginx->log, qr/\[(error|alert|crit|emerg)\]/, 'a quiet log');

done_testing();
