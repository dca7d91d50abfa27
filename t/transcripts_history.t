# GET and DELETE: pages, sessions, who may read and erase what.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;
use Store;

repeat_each(1);
no_root_location();
no_long_string();

our $five = "POST /t\n["
    . CORE::join(',', map {
        my $s = $_ % 2;
        qq({"text":"turn $_","session_id":"s-$s","timestamp":"2026-01-0${_}T10:00:00Z"})
    } 1 .. 5)
    . ']';

our $boss = Store::as(sub => 'boss', roles => ['Admin']);
our $other = Store::as(sub => 'u-18');

add_block_preprocessor(sub { use_store(shift) });

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: both orders, a limit, a session
--- request eval
[$::five, 'GET /t?limit=2', 'GET /t?limit=2&order=desc', 'GET /t?session_id=s-1', 'GET /t?session_id=none']
--- response_headers eval
[('! Link') x 5]
--- response_body_like eval
['"ids"', '"turn 1".*"turn 2".*"next":"\w+"', '"turn 5".*"turn 4".*"next":"\w+"',
 '"turn 1".*"turn 3".*"turn 5".*"next":null', '^\{"transcripts":\[\],"next":null\}$']



=== TEST 2: an argument is decoded, others are ignored
--- request eval
['POST /t
{"text":"x","session_id":"a b/é&c"}', 'GET /t?session_id=a+b%2F%c3%A9%26c', 'GET /t?page=7',
 'GET /t?limited=x&the_limit=x&limit=1&', 'GET /t?&&session_id=none']
--- response_body_like eval
['"id"', '"text":"x"', '"text":"x"', '"text":"x"', '"transcripts":\[\]']



=== TEST 3: what a parameter cannot be
--- request eval
['GET /t?limit=0', 'GET /t?limit=201', 'GET /t?limit=x', 'GET /t?limit=-1', 'GET /t?limit=', 'GET /t?order=up',
 'GET /t?cursor=1', 'GET /t?session_id=', 'GET /t?user_id=', 'GET /t/sessions?cursor=i00', 'GET /t/sessions?limit=1e2',
 'DELETE /t?session_id=', 'GET /t?limit', 'DELETE /t?user_id=u-17&session_id',
 'DELETE /t?session_id&user_id=u-17', 'DELETE /t?session_id=s-0&session_id=s-1',
 'DELETE /t?user_id=u-17&session_id=s-0&USER_ID=u-18', 'GET /t?limit=1&limit',
 'GET /t?order=ascending', 'GET /t?order=descending']
--- error_code eval
[(422) x 20]
--- response_body_like eval
[('^\{"detail":\[\{"loc":\["query","limit"\],"msg":"[^"]+","type":"value_error"\}\],.*"code":"invalid_parameter"') x 5,
 ('^\{"detail":\[\{"loc":\["query","\w+"\],.*"code":"invalid_parameter"') x 15]



=== TEST 4: sessions, newest first
--- request eval
[$::five, 'GET /t/sessions', 'GET /t/sessions?limit=1']
--- response_body_like eval
['"ids"',
 '^\{"sessions":\[\{"session_id":"s-1","first_at":"2026-01-01T10:00:00.000Z","last_at":"2026-01-05T10:00:00.000Z","count":3,"preview":"turn 1"\},\{"session_id":"s-0",.*"count":2,"preview":"turn 2"\}\],"next":null\}$',
 '^\{"sessions":\[\{"session_id":"s-1",[^{]*\}\],"next":"\w+"\}$']



=== TEST 5: somebody else sees nothing and may not ask
--- request eval
[$::five, 'GET /t', 'GET /t?user_id=u-17', 'GET /t/sessions?user_id=u-17', 'DELETE /t?user_id=u-17',
 'DELETE /t?user_id=u-1', 'GET /t?user_id=u-180']
--- more_headers eval
[Store::as(), $::other, $::other, $::other, $::other, $::other, $::other]
--- error_code eval
[200, 200, 403, 403, 403, 403, 403]
--- response_body_like eval
['"ids"', '^\{"transcripts":\[\],"next":null\}$',
 ('^\{"detail":"Access Denied: Insufficient permissions".*"user_mismatch"') x 5]



=== TEST 6: an admin reads for others
--- request eval
[$::five, 'GET /t?user_id=u-17&limit=1', 'GET /t/sessions?user_id=u-17', 'GET /t']
--- more_headers eval
[Store::as(), $::boss, $::boss, $::boss]
--- response_body_like eval
['"ids"', '"user_id":"u-17".*"turn 1"', '"session_id":"s-1"', '^\{"transcripts":\[\],"next":null\}$']



=== TEST 7: one's own user_id is no admin's business
--- request eval
[$::five, 'GET /t?user_id=u-17&limit=1']
--- response_body_like eval
['"ids"', '"turn 1"']



=== TEST 8: erase a session
--- request eval
[$::five, 'DELETE /t?session_id=s-1', 'GET /t', 'DELETE /t?session_id=s-1']
--- response_body_like eval
['"ids"', '^\{"deleted":3\}$', '"turn 2".*"turn 4".*"next":null', '^\{"deleted":0\}$']



=== TEST 9: erase all of oneself, not of others
--- request eval
[$::five, $::five, 'DELETE /t?user_id=u-17', 'GET /t', 'GET /t?limit=1']
--- more_headers eval
[Store::as(), $::other, Store::as(), Store::as(), $::other]
--- response_body_like eval
['"ids"', '"ids"', '^\{"deleted":5\}$', '^\{"transcripts":\[\]', '"user_id":"u-18".*"turn 1"']



=== TEST 10: an admin erases a user, and a session of a user
--- request eval
[$::five, 'DELETE /t?user_id=u-17&session_id=s-0', 'DELETE /t?user_id=u-17', 'GET /t']
--- more_headers eval
[Store::as(), $::boss, $::boss, Store::as()]
--- response_body_like eval
['"ids"', '^\{"deleted":2\}$', '^\{"deleted":3\}$', '^\{"transcripts":\[\]']



=== TEST 11: erase what?
--- request
DELETE /t
--- error_code: 400
--- response_body_like: "code":"bad_request"



=== TEST 12: an item that is not there
--- request
DELETE /t/6b04da88e7b88a0632e106a4
--- error_code: 404
--- response_body_like: "code":"not_found"



=== TEST 13: HEAD
--- request
HEAD /t
--- response_headers
Content-Type: application/json
Content-Length: 30
--- response_body:



=== TEST 14: a page that holds just all of it is the last
--- request eval
[$::five, 'GET /t?limit=4', 'GET /t?limit=5', 'GET /t?limit=5&order=desc', 'GET /t/sessions?limit=1',
 'GET /t/sessions?limit=2']
--- response_body_like eval
['"ids"', '"next":"\w+"', '"next":null', '"next":null', '"next":"\w+"', '"next":null']



=== TEST 15: of a preview 120 characters, also of a session without a name
--- request eval
["POST /t\n" . '[{"text":"' . "\xc3\xa9" x 121 . '","timestamp":"2026-01-01T00:00:00Z"},{"text":"later"},'
 . '{"text":"' . 'x' x 120 . '","session_id":"s"}]', 'GET /t/sessions']
--- response_body_like eval
['"ids"', '^(?=.*"session_id":null,[^{}]*"count":2,"preview":"(\xc3\xa9){120}").*"count":1,"preview":"x{120}"']
