# POST: what is stored, what is refused, and how.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;
use Store;

# an array of one text N times
sub list {
    my ($text, $n) = @_;

    return '[' . CORE::join(',', (qq({"text":"$text"})) x $n) . ']';
}

# a file that is no database, and the log's variables
our $broken = ">>> jwt.key\n$JWT::SECRET\n>>> broken.db\n" . 'no database ' x 100;
our $broken_store = "realtime_jwt_key ../html/jwt.key alg=HS256;"
                    . "realtime_store sqlite:$Test::Nginx::Util::ServRoot/html/broken.db;"
                    . 'log_format store "[$status $uri $realtime_store_status $realtime_error]";';

repeat_each(1);
no_root_location();
no_long_string();

add_block_preprocessor(sub { use_store(shift) });

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: one transcript is stored and read back
--- request eval
['POST /t
{"text":"Bonjour","session_id":"s-1"}', 'GET /t?session_id=s-1']
--- response_body_like eval
['^\{"id":"[0-9a-f]{24}"}$', '^\{"transcripts":\[\{"id":"[0-9a-f]{24}","user_id":"u-17","session_id":"s-1","role":"user","text":"Bonjour","timestamp":"20[0-9T:.-]+Z","created_at":"20[0-9T:.-]+Z",.*"source":"client"}\],"next":null}$']
--- error_code eval
[200, 200]



=== TEST 2: an array keeps its order, every field comes back
--- request eval
['POST /t
[{"text":"one","role":"assistant","call_id":"rtc_1","item_id":"i1","language":"fr","metadata":{"a":[1,{"$x":null}]}},{"text":"two"}]',
'POST /t
[{"text":"one","role":"assistant","call_id":"rtc_1","item_id":"i1","language":"fr","metadata":{"a":[1,{"b":null}]}},{"text":"two"}]',
'GET /t']
--- error_code eval
[422, 200, 200]
--- response_body_like eval
['"loc":\["body",0,"metadata"\]', '^\{"ids":\["[0-9a-f]{24}","[0-9a-f]{24}"\]}$',
 '"role":"assistant","text":"one".*"call_id":"rtc_1","item_id":"i1","language":"fr","metadata":\{"a":\[1,\{"b":null}\]},.*"text":"two"']



=== TEST 3: a resend gives the same id and adds nothing
--- request eval
['POST /t
{"text":"again","session_id":"s","item_id":"i"}', 'POST /t
{"text":"again","session_id":"s","item_id":"i"}', 'GET /t/sessions']
--- response_body_like eval
['^\{"id":"([0-9a-f]{24})"}$', '^\{"id":"[0-9a-f]{24}"}$', '"session_id":"s".*"count":1,"preview":"again"']



=== TEST 4: no token
--- request
POST /t
{"text":"hello"}
--- more_headers
Content-Type: application/json
--- error_code: 401
--- response_body_like: "missing_token"



=== TEST 5: somebody else's user_id
--- request
POST /t
{"text":"hello","user_id":"u-18"}
--- error_code: 403
--- response_body_like chomp
^\{"detail":"Cannot save transcript for another user","error":\{.*"type":"permission_error","code":"user_mismatch"



=== TEST 6: an admin writes for nobody else either
--- request
POST /t
{"text":"hello","user_id":"u-18"}
--- more_headers eval
Store::as(sub => 'boss', roles => ['Admin'])
--- error_code: 403
--- response_body_like: "user_mismatch"



=== TEST 7: FastAPI's list says what is wrong
--- request
POST /t
[{"text":"ok"},{"text":" ","rol":"user"}]
--- error_code: 422
--- raw_response_headers_like: ^HTTP/1\.1 422 Unprocessable Entity\r\n
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"detail":\[\{"loc":\["body",1,"text"\],"msg":"[^"]+","type":"[a-z_]+"},\{"loc":\["body",1,"rol"\],"msg":"[^"]+","type":"[a-z_]+"}\],"error":\{"message":"Invalid transcript","type":"invalid_request_error","code":"invalid_transcript","param":null}}$



=== TEST 8: of an array with one bad item nothing is stored
--- request eval
['POST /t
[{"text":"good"},{"text":""}]', 'GET /t']
--- error_code eval
[422, 200]
--- response_body_like eval
['"invalid_transcript"', '^\{"transcripts":\[\],"next":null}$']



=== TEST 9: malformed, empty, deep, doubled, too many: each a 422
--- request eval
["POST /t\n{", "POST /t\n", "POST /t\n" . '[' x 200_000, "POST /t\n" . '{"text":"a","text":"b"}',
 "POST /t\n" . main::list('a', 101), "POST /t\n{\"text\":\"\xff\"}", "POST /t\n[]",
 "POST /t\n" . '{"text":"a\u0000b"}', "POST /t\n" . '{"text":"\ud800"}', "POST /t\n{\"text\":" . '9' x 65536 . '}']
--- error_code eval
[(422) x 10]
--- response_body_like eval
[('"code":"invalid_transcript"') x 10]



=== TEST 10: 256 KB pass, one byte more does not, with a length and chunked
--- request eval
["POST /t\n[" . ' ' x (262144 - 2 - 15 - 16 * 16011) . substr(main::list('x' x 16000, 16), 1),
 "POST /t\n[" . ' ' x (262145 - 2 - 15 - 16 * 16011) . substr(main::list('x' x 16000, 16), 1)]
--- error_code eval
[200, 413]
--- response_body_like eval
['^\{"ids":\[("[0-9a-f]{24}",?){16}\]}$', '"code":"too_large"']



=== TEST 11: a chunked body, and one that nginx put into a file
--- http
client_body_in_file_only clean;
--- request eval
["POST /t\n" . main::list('spilled' . 'x' x 1000, 50), 'GET /t?limit=200']
--- response_body_like eval
['^\{"ids":\[("[0-9a-f]{24}",?){50}\]}$', '^\{"transcripts":\[(\{[^\{}]*"text":"spilledx{1000}"[^\{}]*},?){50}\],']



=== TEST 12: chunked
--- raw_request eval
"POST /t HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
. "Content-Type: application/json\r\n"
. JWT::bearer() . "\r\n\r\n7\r\n{\"text\"\r\n6\r\n:\"abc\"\r\n1\r\n}\r\n0\r\n\r\n"
--- response_body_like: ^\{"id":"[0-9a-f]{24}"}$



=== TEST 13: another type of body
--- request
POST /t
{"text":"hello"}
--- more_headers eval
JWT::bearer() . "\nContent-Type: application/jsonp"
--- error_code: 415
--- response_body_like: "unsupported_media_type"



=== TEST 14: a type with parameters, in other letters
--- request eval
[("POST /t\n{\"text\":\"hello\"}") x 4]
--- more_headers eval
[map { JWT::bearer() . "\nContent-Type: $_" } 'Application/JSON; charset=utf-8', 'application/json;charset=utf-8',
 'application/json ;charset=utf-8', "application/json\t;charset=utf-8"]
--- error_code eval
[(200) x 4]



=== TEST 15: no type
--- request
POST /t
{"text":"hello"}
--- more_headers eval
JWT::bearer()
--- error_code: 415



=== TEST 16: paths that begin alike are not ours
--- request eval
["POST /tX\n{}", "POST /t/\n{}", 'GET /t/sessions/', 'GET /t/1',
 'DELETE /t/6b04da88e7b88a0632e106a', 'GET /t/sessionsX']
--- error_code eval
[(404) x 6]
--- response_body_like eval
[('"code":"not_found"') x 6]



=== TEST 17: methods
--- request eval
["PUT /t\n{}", "OPTIONS /t", "POST /t/sessions\n{}", "GET /t/6b04da88e7b88a0632e106a4", "DELETE /t/sessions"]
--- error_code eval
[(405) x 5]
--- response_headers eval
["Allow: GET, HEAD, POST, DELETE", "Allow: GET, HEAD, POST, DELETE", "Allow: GET, HEAD",
 "Allow: DELETE", "Allow: GET, HEAD"]



=== TEST 18: the log's variables
--- http
log_format store '[$status $realtime_store_status $realtime_store_time $realtime_error]';
--- config
location /t { realtime_transcripts; access_log logs/error.log store; }
--- request
POST /t
{"text":"hello"}
--- error_log eval
qr/\[200 ok 0\.\d\d\d -\]/



=== TEST 19: a location with a slash at its end
--- config
location /t/ { realtime_transcripts; }
--- request eval
["POST /t/\n{\"text\":\"hello\"}", 'GET /t/', 'GET /t/sessions']
--- error_code eval
[200, 200, 200]



=== TEST 20: limit_except leaves the handler in place
--- config
location /t { realtime_transcripts; limit_except GET { deny all; } }
--- request eval
["POST /t\n{\"text\":\"hello\"}", 'GET /t']
--- error_code eval
[403, 200]



=== TEST 21: no condition of a request hides its answer
--- request eval
[("POST /t\n{\"text\":\"hello\",\"item_id\":\"i\"}", 'GET /t', 'GET /t/sessions', 'DELETE /t?session_id=none') x 4]
--- more_headers eval
[map { (Store::as() . "\n$_") x 4 } 'If-None-Match: *', 'If-Match: "x"',
 'If-Unmodified-Since: Thu, 01 Jan 2015 00:00:00 GMT', 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT']
--- error_code eval
[(200) x 16]
--- response_body_like eval
[('^\{"id":"[0-9a-f]{24}"}$', '"text":"hello"', '"count":1', '^\{"deleted":0}$') x 4]



=== TEST 22: a path that was rewritten within the location
--- config
location /t { rewrite ^/t/same /u break; rewrite ^/t/short /v break; rewrite ^/t/root / break; realtime_transcripts; }
--- request eval
['GET /t', 'GET /t/same', 'GET /t/short', 'DELETE /t/root?user_id=u-17']
--- error_code eval
[200, 404, 404, 404]



=== TEST 23: the log's variables where a write fails
--- user_files eval: $main::broken
--- http_config eval: $main::broken_store
--- config
location /t { realtime_transcripts; access_log logs/error.log store; }
--- request
POST /t
{"text":"hello"}
--- error_code: 503
--- response_headers
Retry-After: 1
--- error_log
[503 /t broken store_unavailable]
realtime store: write broken



=== TEST 24: and where a read does
--- user_files eval: $main::broken
--- http_config eval: $main::broken_store
--- config
location /t { realtime_transcripts; access_log logs/error.log store; }
--- request
GET /t/sessions
--- error_code: 503
--- response_headers
Retry-After: 1
--- error_log
[503 /t/sessions broken store_unavailable]
realtime store: read broken



=== TEST 25: and where an erasure does
--- user_files eval: $main::broken
--- http_config eval: $main::broken_store
--- config
location /t { realtime_transcripts; access_log logs/error.log store; }
--- request
DELETE /t?session_id=s
--- error_code: 503
--- response_headers
Retry-After: 1
--- error_log
[503 /t broken store_unavailable]
realtime store: erasure broken



=== TEST 26: and behind an error_page
--- user_files eval: $main::broken
--- http_config eval: $main::broken_store
--- config
location /t { realtime_transcripts; error_page 503 /sorry; }
location /sorry { return 503 "sorry"; access_log logs/error.log store; }
--- request
GET /t
--- error_code: 503
--- response_body chomp
sorry
--- error_log
[503 /sorry broken store_unavailable]



=== TEST 27: what never came to the store has no word of it
--- http
log_format store '[$status $realtime_store_status $realtime_store_time $realtime_error]';
--- config
location /t { realtime_transcripts; access_log logs/error.log store; }
--- request
POST /t
{"text":""}
--- error_code: 422
--- error_log
[422 - - invalid_transcript]
