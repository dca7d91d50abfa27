# Offers that are refused before upstream hears of them.

use lib 't/lib';
use Test::Nginx::Socket;
use Offer;

add_block_preprocessor(sub {
    my $block = shift;

    if (defined $block->guarded) {
        $block->set_value('http_config', 'realtime_jwt_key ../html/jwt.key alg=HS256;');
        $block->set_value('user_files', ">>> key\nZq0key\n>>> jwt.key\n" . '0' x 32 . "\n");
        $block->set_value('config', 'location = /offer {
            realtime_offer;
            realtime_upstream http://127.0.0.1:$TEST_NGINX_PEER_PORT/v1;
            realtime_api_key_file ../html/key;
            realtime_models m;
        }
        location /log { proxy_pass http://127.0.0.1:$TEST_NGINX_PEER_PORT; }');
    }

    # each is followed by a look at what upstream got
    if (defined $block->refused) {
        $block->set_value('request', [$block->refused, "GET /log"]);
        $block->set_value('error_code', [$block->status, 200]);
        $block->set_value('response_body_like', ['"code":"' . $block->code . '"', '^$']);
    }
});

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: a body that is no SDP
--- refused eval: "POST /offer\r\n{\"sdp\":\"v=0\"}"
--- status: 400
--- code: invalid_offer



=== TEST 2: an empty body
--- refused: POST /offer
--- status: 400
--- code: invalid_offer



=== TEST 3: without audio
--- refused eval: "POST /offer\r\nv=0\r\ns=-\r\nm=video 9 X 96\r\n"
--- status: 400
--- code: invalid_offer



=== TEST 4: control characters
--- refused eval: post("\x01")
--- status: 400
--- code: invalid_offer



=== TEST 5: a NUL
--- refused eval: post("\0")
--- status: 400
--- code: invalid_offer



=== TEST 6: a version that only begins right
--- refused eval: "POST /offer\r\nv=01\r\nm=audio 9 X 0\r\n"
--- status: 400
--- code: invalid_offer



=== TEST 7: a model that is not allowed, the allowed ones named
--- request eval: [post('', '?model=gpt-5'), 'GET /log']
--- error_code eval: [400, 200]
--- response_body eval
['{"detail":"Model not allowed; allowed: model-a, model-b","error":{"message":"Model not allowed; '
 . 'allowed: model-a, model-b","type":"invalid_request_error","code":"model_not_allowed","param":null}}' . "\n", '']



=== TEST 8: an empty model
--- refused eval: post('', '?model=')
--- status: 400
--- code: model_not_allowed



=== TEST 9: dcid beyond the last
--- refused eval: post('', '?dcid=65535')
--- status: 400
--- code: invalid_offer



=== TEST 10: dcid that would be a header
--- refused eval: post('', '?dcid=1%0d%0aX:%20y')
--- status: 400
--- code: invalid_offer



=== TEST 11: dcid empty
--- refused eval: post('', '?dcid=')
--- status: 400
--- code: invalid_offer



=== TEST 12: another content type
--- more_headers
Content-Type: application/sdpx
--- refused eval: post('')
--- status: 415
--- code: unsupported_media_type



=== TEST 13: no content type
--- more_headers
X-Nothing: 1
--- refused eval: post('')
--- status: 415
--- code: unsupported_media_type



=== TEST 14: another method
--- request: GET /offer
--- error_code: 405
--- response_headers
Allow: POST
--- response_body_like: "method_not_allowed"



=== TEST 15: a byte more than 64 KB
--- refused eval: my $o = offer(''); "POST /offer\r\n" . $o . 'a' x (65537 - length $o)
--- status: 413
--- code: too_large



=== TEST 16: a limit of its own
--- offer
realtime_offer_max_size 60;
--- refused eval: post('')
--- status: 413
--- code: too_large



=== TEST 17: a chunked body beyond the limit
--- raw_request eval
my $o = offer(''); $o .= 'a' x (65537 - length $o);
"POST /offer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
. "Content-Type: application/sdp\r\nTransfer-Encoding: chunked\r\n\r\n"
. sprintf("%x\r\n", length $o) . $o . "\r\n0\r\n\r\n"
--- error_code: 413
--- response_body_like: "too_large"



=== TEST 18: without a token, where it is asked for
--- guarded
--- refused eval: post('')
--- status: 401
--- code: missing_token



=== TEST 19: HEAD and OPTIONS are methods like others
--- request eval: ['HEAD /offer', 'OPTIONS /offer', 'GET /log']
--- error_code eval: [405, 405, 200]
--- response_headers eval: ['Allow: POST', 'Allow: POST', '']
--- response_body_like eval: ['^$', '"method_not_allowed"', '^$']



=== TEST 20: a chunked body without a byte
--- raw_request eval
"POST /offer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
. "Content-Type: application/sdp\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
--- error_code: 400
--- response_body_like: "invalid_offer"



=== TEST 21: a token in the address is none
--- guarded
--- refused eval: post('', '?access_token=a.b.c&token=a.b.c')
--- status: 401
--- code: missing_token
