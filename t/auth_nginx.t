# Beside nginx's own means: satisfy, limit_except, auth_basic, proxy_pass,
# static files, dry runs.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;

repeat_each(1);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;
    my $http = $block->http_config // '';

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n>>> f.txt\nfile\n>>> users\nu:{PLAIN}p\n");
    $block->set_value('http_config', "realtime_jwt_key ../html/jwt.key alg=HS256;\n$http");
    $block->set_value('no_error_log', "[alert]\n[crit]") unless defined $block->no_error_log;
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: it guards static files
--- config
    location / { realtime_auth on; }
--- request eval
['GET /f.txt', 'GET /f.txt']
--- more_headers eval
['', main::bearer()]
--- error_code eval
[401, 200]



=== TEST 2: it guards proxy_pass, and tells upstream who it is
--- config
    location /in {
        realtime_auth on;
        proxy_set_header X-User $realtime_user;
        proxy_pass http://127.0.0.1:$server_port/up;
    }
    location /up { return 200 "$http_x_user\n"; }
--- request eval
['GET /in', 'GET /in']
--- more_headers eval
["X-User: root", main::bearer() . "\nX-User: root"]
--- response_body_like eval
['missing_token', '^u-17$']
--- error_code eval
[401, 200]



=== TEST 3: satisfy any lets an address in, without the challenge
--- config
    location / { satisfy any; allow 127.0.0.1; deny all; realtime_auth on; }
--- request
GET /f.txt
--- response_headers
! WWW-Authenticate
--- response_body
file



=== TEST 4: satisfy any, neither of them
--- config
    location / { satisfy any; deny all; realtime_auth on; }
--- request
GET /f.txt
--- response_headers
WWW-Authenticate: Bearer
--- error_code: 401



=== TEST 5: satisfy any with a token
--- config
    location / { satisfy any; deny all; realtime_auth on; }
--- request
GET /f.txt
--- more_headers eval
main::bearer()
--- response_body
file



=== TEST 6: satisfy all wants both
--- config
    location / { deny all; realtime_auth on; }
--- request
GET /f.txt
--- more_headers eval
main::bearer()
--- error_code: 403



=== TEST 7: a handler wants a user whatever let the request in
--- config
    location = /me { realtime_me; satisfy any; allow all; }
--- request eval
['GET /me', 'GET /me', 'GET /me']
--- more_headers eval
['', main::bearer(exp => 1), main::bearer()]
--- error_code eval
[401, 401, 200]
--- response_body_like eval
['missing_token', 'expired_token', '"id":"u-17"']



=== TEST 8: auth_basic or a token
--- config
    location / { satisfy any; auth_basic realm; auth_basic_user_file ../html/users; realtime_auth on; }
--- request eval
[('GET /f.txt') x 4]
--- more_headers eval
['Authorization: Basic dTpw', main::bearer(), 'Authorization: Basic dTpx', '']
--- error_code eval
[200, 200, 401, 401]



=== TEST 9: only some methods
--- config
    location / { limit_except GET { realtime_auth on; } }
--- request eval
['GET /f.txt', 'POST /f.txt', 'OPTIONS /f.txt']
--- error_code eval
[200, 401, 401]



=== TEST 10: limit_except in a handler's location keeps it guarded
--- config
    location = /me { realtime_me; limit_except GET { deny all; } }
--- request eval
['GET /me', 'POST /me', 'OPTIONS /me']
--- more_headers eval
['', main::bearer(), '']
--- error_code eval
[401, 403, 401]



=== TEST 11: off for one file below
--- config
    location / { realtime_auth on; }
    location = /f.txt { realtime_auth off; }
--- request
GET /f.txt
--- response_body
file



=== TEST 12: a dry run lets all in, and says so
--- config
    location / { realtime_auth on; realtime_auth_dry_run on; add_header X-Status $realtime_auth_status; }
--- request
GET /f.txt
--- more_headers eval
main::bearer(exp => 1)
--- response_headers
X-Status: expired
! WWW-Authenticate
--- response_body
file
--- error_log
dry run, would be refused, expired



=== TEST 13: a handler wants a user in a dry run too
--- config
    location = /me { realtime_me; realtime_auth_dry_run on; }
--- request
GET /me
--- error_code: 401
--- response_body_like: missing_token



=== TEST 14: OPTIONS needs a token too
--- config
    location = /me { realtime_me; }
--- request eval
['OPTIONS /me', 'OPTIONS /me', 'HEAD /me']
--- more_headers eval
['', main::bearer(), main::bearer()]
--- error_code eval
[401, 405, 200]



=== TEST 15: nothing of a token or the key in the log
--- config
    location = /me { realtime_me; }
--- request
GET /me
--- more_headers eval
main::bearer(_secret => 'x' x 40)
--- error_code: 401
--- log_level: info
--- no_error_log
[alert]
eyJ
a secret of 32



=== TEST 16: auth_request may ask realtime_me
--- config
    location = /me { internal; realtime_me; }
    location / { auth_request /me; }
--- request eval
['GET /f.txt', 'GET /f.txt', 'GET /f.txt']
--- more_headers eval
['', main::bearer(exp => time - 1), main::bearer()]
--- error_code eval
[401, 401, 200]
