# Upstream that fails: each failure its error, nothing sent twice, and calls
# that nobody got are hung up.

use lib 't/lib';
use Test::Nginx::Socket;
use Offer;

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: 200 with JSON is no answer
--- request eval: post('json')
--- error_code: 500
--- response_body eval
'{"detail":"OpenAI Realtime API error: {\"id\":\"x\"}","error":{"message":"OpenAI Realtime API error: '
. '{\"id\":\"x\"}","type":"api_error","code":"upstream_bad_answer","param":null}}' . "\n"



=== TEST 2: upstream's 401 is not the user's, and no key is shown
--- request eval: post('error401')
--- error_code: 500
--- response_headers
! WWW-Authenticate
--- response_body eval
my $m = '{\"error\":{\"message\":\"No: sk-**************** or ******\"}}';
'{"detail":"OpenAI Realtime API error: ' . $m . '","error":{"message":"OpenAI Realtime API error: ' . $m
. '","type":"api_error","code":"upstream_error","param":null}}' . "\n"
--- no_error_log
[alert]
[crit]
Zq0key
sk-secret



=== TEST 3: each failure has its code
--- request eval: [map { post($_) } qw(error403 error404 error429 error500 empty big truncated reset garbage)]
--- error_code eval: [(500) x 9]
--- response_body_like eval
[('"upstream_error"') x 4, ('"upstream_bad_answer"') x 2, ('"upstream_unreachable"') x 2, '"upstream_bad_answer"']



=== TEST 4: slow
--- request eval: [post('slow'), post('')]
--- error_code eval: [500, 201]
--- response_body_like eval: ['"upstream_timeout"', '^v=0']



=== TEST 5: down
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://127.0.0.1:1;
    realtime_api_key_file ../html/key;
    realtime_models m;
}
--- request eval: post('')
--- error_code: 500
--- response_body_like: Request to OpenAI failed: no connection.*"upstream_unreachable"



=== TEST 6: gateway: the statuses of a gateway
--- offer
realtime_errors gateway;
--- request eval: [map { post($_) } qw(json error401 error403 error404 error500 reset slow)]
--- error_code eval: [502, 502, 502, 404, 502, 502, 504]
--- response_body_like eval: ['bad_answer', ('"upstream_error"') x 4, 'unreachable', 'timeout']



=== TEST 7: gateway: 429 with upstream's Retry-After
--- offer
realtime_errors gateway;
--- request eval: post('error429')
--- error_code: 429
--- response_headers
Retry-After: 7
--- response_body_like: "type":"rate_limit_error","code":"upstream_error"



=== TEST 8: a kept connection that dies with an offer costs one offer, no second
--- request eval: ['GET /log', post(''), post('second'), 'GET /log']
--- error_code eval: [200, 201, 500, 200]
--- response_body_like eval
['', '^v=0', '"upstream_unreachable"', '^POST /v1/realtime/calls \nPOST /v1/realtime/calls second\n$']



=== TEST 9: the same in an upstream block with two servers
--- http_config
upstream voice {
    server 127.0.0.1:$TEST_NGINX_PEER_PORT;
    server localhost:$TEST_NGINX_PEER_PORT;
    keepalive 4;
}
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://voice/v1;
    realtime_api_key_file ../html/key;
    realtime_models m;
}
location /log { proxy_pass http://127.0.0.1:$TEST_NGINX_PEER_PORT; }
--- request eval: ['GET /log', post('reset'), 'GET /log']
--- error_code eval: [200, 500, 200]
--- response_body_like eval: ['', '"upstream_unreachable"', '^POST /v1/realtime/calls reset\n$']



=== TEST 10: a named call without a usable answer is hung up
--- request eval: ['GET /log', post('empty'), 'GET /log?wait=hangup']
--- error_code eval: [200, 500, 200]
--- response_body_like eval: ['', 'bad_answer', 'POST /v1/realtime/calls/rtc_u7_empty/hangup']



=== TEST 11: so is one whose answer was cut off, and one too large
--- request eval
['GET /log', post('truncated'), 'GET /log?wait=hangup', post('big'), 'GET /log?wait=hangup']
--- error_code eval: [200, 500, 200, 500, 200]
--- response_body_like eval: ['', 'unreachable', 'rtc_u7_truncated/hangup', 'bad_answer', 'rtc_u7_big/hangup']



=== TEST 12: the client leaves: the answer is awaited, the call hung up
--- request eval: ['GET /log', "POST /leave\r\n" . offer('late'), 'GET /log?wait=hangup']
--- error_code eval: [200, 504, 200]
--- response_body_like eval: ['', '', 'POST /v1/realtime/calls late\nPOST /v1/realtime/calls/rtc_u7_late/hangup']



=== TEST 13: an answer that was delivered is not hung up
--- request eval: ['GET /log', post(''), post(''), 'GET /log']
--- error_code eval: [200, 201, 201, 200]
--- response_body_like eval: ['', '^v=0', '^v=0', '^(POST /v1/realtime/calls \n){2}$']



=== TEST 14: error_page has the last word, the log still knows the code
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://127.0.0.1:$TEST_NGINX_PEER_PORT/v1;
    realtime_api_key_file ../html/key;
    realtime_models m;
    error_page 500 /own;
}
location = /own { internal; return 200 "code=$realtime_error model=$realtime_model\n"; }
--- request eval: post('json')
--- error_code: 500
--- response_body
code=upstream_bad_answer model=m



=== TEST 15: the client leaves before upstream was reached: nothing is sent
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream https://127.0.0.1:$TEST_NGINX_PEER_PORT/v1;
    realtime_api_key_file ../html/key;
    realtime_models m;
}
location /leave {
    proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/offer;
    proxy_read_timeout 200ms;
}
--- request eval: "POST /leave\r\n" . offer('early')
--- error_code: 504
--- wait: 0.2
--- error_log
client left before its offer was sent



=== TEST 16: gateway: down
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://127.0.0.1:1;
    realtime_api_key_file ../html/key;
    realtime_models m;
    realtime_errors gateway;
}
--- request eval: post('')
--- error_code: 502
--- response_body_like: no connection.*"upstream_unreachable"



=== TEST 17: gateway: upstream's 401 asks nobody to sign in
--- offer
realtime_errors gateway;
--- request eval: post('error401')
--- error_code: 502
--- response_headers
! WWW-Authenticate
--- response_body_like: "type":"api_error","code":"upstream_error"



=== TEST 18: a long text is cut, at the end of a character
--- request eval: post('long')
--- error_code: 500
--- response_body eval
my $m = 'OpenAI Realtime API error: x' . "\xc3\xa9" x 511;
'{"detail":"' . $m . '","error":{"message":"' . $m
. '","type":"api_error","code":"upstream_error","param":null}}' . "\n"



=== TEST 19: an answer that comes byte by byte has no more time than another
--- request eval: ['GET /log', post('drip'), 'GET /log?wait=hangup']
--- error_code eval: [200, 500, 200]
--- response_body_like eval: ['', '"upstream_timeout"', 'rtc_u7_drip/hangup']



=== TEST 20: the log has the status that the client got, and upstream's beside it
--- http_config
log_format failures '$status $upstream_status $realtime_error';
--- offer
access_log logs/access.log failures;
--- request eval: post('reset')
--- error_code: 500
--- access_log
500 502 upstream_unreachable



=== TEST 21: a hang-up goes to a server of the upstream block that is up
--- http_config
upstream voice {
    server 127.0.0.1:1 down;
    server 127.0.0.1:2 backup;
    server 127.0.0.1:$TEST_NGINX_PEER_PORT;
}
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://voice/v1;
    realtime_api_key_file ../html/key;
    realtime_models m;
}
location /log { proxy_pass http://127.0.0.1:$TEST_NGINX_PEER_PORT; }
--- request eval
['GET /log', post('empty'), 'GET /log?wait=hangup', post('empty'), 'GET /log?wait=hangup']
--- error_code eval: [200, 500, 200, 500, 200]
--- response_body_like eval
['', ('bad_answer', '^POST /v1/realtime/calls empty\nPOST /v1/realtime/calls/rtc_u7_empty/hangup \n$') x 2]
--- no_error_log
[alert]
[crit]
is not ended yet



=== TEST 22: error_page: another upstream gets the offer whole, though its beginning came with the header
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://127.0.0.1:1;
    realtime_api_key_file ../html/key;
    realtime_models m;
    error_page 502 = @second;
}
location @second {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://127.0.0.1:$TEST_NGINX_PEER_PORT/v1;
    realtime_api_key_file ../html/key;
    realtime_models m;
}
--- raw_request eval: my $r = raw(long(9000)); [substr($r, 0, 1100), substr($r, 1100)]
--- raw_request_middle_delay: 0.1
--- error_code: 201
--- response_body eval
"v=0\r\ns=" . length(long(9000)) . ' ' . sha256_hex(long(9000)) . "\r\n"



=== TEST 23: and so does proxy_pass
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://127.0.0.1:1;
    realtime_api_key_file ../html/key;
    realtime_models m;
    error_page 502 = @second;
}
location @second { proxy_pass http://127.0.0.1:$TEST_NGINX_PEER_PORT; }
--- raw_request eval: my $r = raw(long(9000)); [substr($r, 0, 1100), substr($r, 1100)]
--- raw_request_middle_delay: 0.1
--- error_code: 201
--- response_body eval
"v=0\r\ns=" . length(long(9000)) . ' ' . sha256_hex(long(9000)) . "\r\n"
