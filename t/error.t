# Errors: JSON of one shape, also for what nginx itself decides, and nginx's
# own means (error_page, satisfy, limit_except, allow and deny) on top of it.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;

repeat_each(1);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('user_files',
        ">>> jwt.key\n$SECRET\n>>> denied.txt\nplease log in\n>>> a.txt\na file\n");
    $block->set_value('http_config', <<'END');
    realtime_jwt_key ../html/jwt.key alg=HS256;
    log_format code '$status $realtime_error $uri';
    access_log logs/access.log code;
    limit_req_zone $uri zone=one:1m rate=1r/m;
END
    $block->set_value('request', 'GET /me') unless defined $block->request || defined $block->pipelined_requests;
    $block->set_value('no_error_log', "[alert]\n[crit]");
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: one line of JSON, never cached
--- config
location = /me { realtime_me; }
--- error_code: 401
--- response_headers
Content-Type: application/json
Cache-Control: no-store
--- response_body eval
'{"detail":"Not authenticated","error":{"message":"Not authenticated",' .
'"type":"authentication_error","code":"missing_token","param":null}}' . "\n"



=== TEST 2: what the core decides in a location of ours
--- config
location = /me { realtime_me; deny all; }
--- more_headers eval
main::bearer()
--- error_code: 403
--- response_body eval
'{"detail":"Access forbidden","error":{"message":"Access forbidden",' .
'"type":"permission_error","code":"forbidden","param":null}}' . "\n"



=== TEST 3: what the core decides elsewhere stays nginx's
--- config
location / { deny all; }
--- error_code: 403
--- response_headers
Content-Type: text/html
--- response_body_like: <h1>403 Forbidden</h1>



=== TEST 4: a location that is guarded only speaks JSON for the guard
--- config
location / { realtime_auth on; root html; }
--- error_code: 401
--- response_body_like: "missing_token"



=== TEST 5: and is nginx's behind it
--- config
location / { realtime_auth on; root html; }
--- more_headers eval
main::bearer()
--- error_code: 404
--- response_headers
! Cache-Control
--- response_body_like: <h1>404 Not Found</h1>



=== TEST 6: error_page wins
--- config
location = /me { realtime_me; error_page 401 /denied.txt; }
location = /denied.txt { root html; }
--- error_code: 401
--- response_headers
Content-Type: text/plain
WWW-Authenticate: Bearer
--- response_body
please log in



=== TEST 7: an error_page for another code changes nothing
--- config
error_page 404 /denied.txt;
location = /me { realtime_me; }
--- error_code: 401
--- response_headers
Content-Type: application/json
--- response_body_like: "missing_token"



=== TEST 8: error_page to a redirect
--- config
location = /me { realtime_me; error_page 401 =302 /login; }
location = /login { return 200 "log in"; }
--- error_code: 302
--- response_body: log in



=== TEST 9: a HEAD has the header only
--- config
location = /me { realtime_me; }
--- request
HEAD /me
--- error_code: 401
--- response_headers
Content-Type: application/json
--- response_body:



=== TEST 10: the connection is kept after a 401
--- config
location = /me { realtime_me; }
--- pipelined_requests eval
["GET /me", "GET /me"]
--- error_code eval
[401, 401]
--- response_body_like eval
["missing_token", "missing_token"]



=== TEST 11: satisfy any: another module lets in, nothing of ours is seen
--- config
location / { satisfy any; allow all; realtime_auth on; root html; }
--- request
GET /a.txt
--- response_headers
! WWW-Authenticate
! Cache-Control
--- response_body
a file



=== TEST 12: limit_except keeps the handler
--- config
location = /me { realtime_me; limit_except GET { deny all; } }
--- more_headers eval
main::bearer()
--- request
DELETE /me
--- error_code: 403
--- response_body_like: "forbidden"



=== TEST 13: so does an "if"
--- config
location = /me { realtime_me; if ($arg_x) { add_header X-Seen yes; } }
--- request
GET /me?x=1
--- more_headers eval
main::bearer()
--- response_headers
X-Seen: yes
--- response_body_like: "id":"u-17"



=== TEST 14: the code is a variable for the log
--- config
location = /me { realtime_me; }
location = /code { return 200 "$realtime_error|"; }
--- pipelined_requests eval
["GET /me", "GET /code"]
--- error_code eval
[401, 200]
--- response_body_like eval
["missing_token", '^\|$']
--- access_log
401 missing_token /me



=== TEST 15: a directive of this module twice in one location
--- config
location = /me { realtime_me; realtime_me; }
--- must_die
--- error_log
"realtime_me" directive is duplicate



=== TEST 16: two handlers in one location
--- config
location = /me { realtime_me; realtime_status; }
--- must_die
--- error_log
"realtime_status" directive cannot share its location with another realtime handler



=== TEST 17: nginx's limits: 503
--- config
location = /me { realtime_me; limit_req zone=one; }
--- pipelined_requests eval
["GET /me", "GET /me"]
--- more_headers eval
main::bearer()
--- error_code eval
[200, 503]
--- response_headers eval
["Cache-Control: no-store", "Retry-After: 1"]
--- response_body_like eval
['"id"', '"type":"api_error","code":"busy"']



=== TEST 18: nginx's limits: 429
--- config
location = /me { realtime_me; limit_req zone=one; limit_req_status 429; }
--- pipelined_requests eval
["GET /me", "GET /me"]
--- more_headers eval
main::bearer()
--- error_code eval
[200, 429]
--- response_headers eval
["Cache-Control: no-store", "Retry-After: 1"]
--- response_body_like eval
['"id"', '"type":"rate_limit_error","code":"too_many_requests"']
