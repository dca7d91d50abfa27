# GET /realtime/me: who the token names and what he may use.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;

repeat_each(1);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;
    my $http = $block->http_config // '';

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n>>> openai.key\nsk-test-0123456789\n");
    $block->set_value('http_config', "realtime_jwt_key ../html/jwt.key alg=HS256;\n$http");
    $block->set_value('no_error_log', "[alert]\n[crit]");
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: texts are JSON, whatever they hold
--- config
    location = /me { realtime_me; }
--- request
GET /me
--- more_headers eval
main::bearer(sub => 'a "b" \\ c', roles => ['x"y', "Form\x{e9}"], email => 'e')
--- response_body eval
'{"id":"a \"b\" \\\\ c","roles":["x\"y","Form' . "\xc3\xa9" . '"],"email":"e","models":[],'
. qq("limits":{"calls":null,"max_duration":null}}\n)



=== TEST 2: the models of the server's offer location
--- config
    location = /me { realtime_me; }
    location = /offer {
        realtime_offer;
        realtime_upstream http://127.0.0.1:1/v1;
        realtime_api_key_file ../html/openai.key;
        realtime_models gpt-realtime-2.1-mini gpt-realtime-2.1;
    }
--- request
GET /me
--- more_headers eval
main::bearer()
--- response_body_like: "models":\["gpt-realtime-2.1-mini","gpt-realtime-2.1"\],



=== TEST 3: only GET and HEAD
--- config
    location = /me { realtime_me; }
--- request eval
["POST /me\nbody", 'DELETE /me', 'PUT /me']
--- more_headers eval
[(main::bearer()) x 3]
--- response_headers eval
[('Allow: GET, HEAD') x 3]
--- error_code eval
[405, 405, 405]



=== TEST 4: without a token the method does not matter
--- config
    location = /me { realtime_me; }
--- request
DELETE /me
--- error_code: 401
--- response_body_like: missing_token
