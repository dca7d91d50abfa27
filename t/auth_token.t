# Where a token comes from, and what other sites may not do with a cookie.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;

repeat_each(1);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;
    my $http = $block->http_config // '';

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n>>> api.key\nsk-test-0123456789\n");
    $block->set_value('http_config', "realtime_jwt_key ../html/jwt.key alg=HS256;\n$http");
    $block->set_value('config', 'location = /me { realtime_me; }') unless defined $block->config;
    $block->set_value('request', 'GET /me') unless defined $block->request;
    $block->set_value('no_error_log', "[alert]\n[crit]");
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: the first of several variables that has one
--- http_config
    realtime_jwt_token $cookie_token $arg_t;
--- request eval
['GET /me', 'GET /me?t=' . main::token(sub => 'b'), 'GET /me?t=' . main::token(sub => 'b'), 'GET /me']
--- more_headers eval
['Cookie: token=' . main::token(sub => 'a'), '', 'Cookie: token=' . main::token(sub => 'a'), main::bearer()]
--- response_body_like eval
['"id":"a"', '"id":"b"', '"id":"a"', 'missing_token']
--- error_code eval
[200, 200, 200, 401]



=== TEST 2: a WebSocket's subprotocols
--- http_config
    realtime_jwt_token $http_authorization $http_sec_websocket_protocol;
--- request eval
['GET /me', 'GET /me', 'GET /me', 'GET /me']
--- more_headers eval
['Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.' . main::token(sub => 'w'),
 'Sec-WebSocket-Protocol: openai-insecure-api-key.ek_' . main::token(sub => 'w') . ', openai-beta.realtime-v1',
 'Sec-WebSocket-Protocol: realtime',
 'Sec-WebSocket-Protocol: realtime, xopenai-insecure-api-key.' . main::token(sub => 'w')]
--- error_code eval
[200, 200, 401, 401]



=== TEST 3: two Authorization headers
--- more_headers eval
main::bearer() . "\n" . main::bearer()
--- error_code: 400



=== TEST 4: a cookie, asked for by another site
--- http_config
    realtime_jwt_token $cookie_token;
--- request eval
[('GET /me') x 6]
--- more_headers eval
my $c = 'Cookie: token=' . main::token() . "\n";
["${c}Sec-Fetch-Site: cross-site",
 "${c}Origin: https://evil.example",
 "${c}Origin: null",
 "${c}Sec-Fetch-Site: same-site\nOrigin: http://other.localhost",
 "${c}Origin: http://localhost.evil.example",
 "${c}Sec-Fetch-Site: anything"]
--- response_body_like eval
[('"type":"permission_error","code":"cross_site"') x 6]
--- error_code eval
[(403) x 6]



=== TEST 5: a cookie, asked for by this site
--- http_config
    realtime_jwt_token $cookie_token;
--- request eval
[('GET /me') x 4]
--- more_headers eval
my $c = 'Cookie: token=' . main::token() . "\n";
["${c}Sec-Fetch-Site: same-origin", "${c}Sec-Fetch-Site: none", "${c}Origin: http://localhost", $c]
--- error_code eval
[(200) x 4]



=== TEST 6: a token that a page has to set itself is no matter of sites
--- more_headers eval
main::bearer() . "\nSec-Fetch-Site: cross-site\nOrigin: https://app.example"
--- error_code: 200
--- response_body_like: "id":"u-17"



=== TEST 7: an offer that another site's form posts with the user's cookie: the key is not spent
--- http_config
    realtime_jwt_token $cookie_token;
--- config
    location = /offer {
        realtime_offer;
        realtime_upstream http://127.0.0.1:1/v1;
        realtime_api_key_file ../html/api.key;
        realtime_models m;
    }
--- request eval
[("POST /offer\r\nv=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n") x 3]
--- more_headers eval
my $c = 'Cookie: token=' . main::token() . "\nContent-Type: text/plain\n";
["${c}Sec-Fetch-Site: cross-site", "${c}Origin: https://evil.example", "${c}Sec-Fetch-Site: same-origin"]
--- error_code eval
[403, 403, 500]
--- response_body_like eval
['"cross_site"', '"cross_site"', '"upstream_unreachable"']
