# $realtime_user, $realtime_roles and $realtime_auth_status: verified on first
# use, wherever nginx takes a variable.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;

repeat_each(1);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;
    my $http = $block->http_config // '';

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n");
    $block->set_value('http_config', "realtime_jwt_key ../html/jwt.key alg=HS256;\n$http");
    $block->set_value('no_error_log', "[alert]\n[crit]");
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: where nothing is guarded
--- config
    location /t { return 200 "$realtime_user|$realtime_roles|$realtime_auth_status\n"; }
--- request
GET /t
--- more_headers eval
main::bearer(roles => ['a', 'b'])
--- response_body
u-17|a,b|ok



=== TEST 2: without a token
--- config
    location /t { return 200 "$realtime_user|$realtime_roles|$realtime_auth_status\n"; }
--- request
GET /t
--- response_body
||missing_token



=== TEST 3: of a token that is not good, nothing
--- config
    location /t { return 200 "$realtime_user|$realtime_roles|$realtime_auth_status\n"; }
--- request eval
['GET /t', 'GET /t', 'GET /t', 'GET /t']
--- more_headers eval
[main::bearer(exp => 1), main::bearer(nbf => 99999999999), main::bearer(_secret => 'x' x 40),
 main::bearer(sub => "a\x7f")]
--- response_body eval
["||expired\n", "||not_yet_valid\n", "||bad_signature\n", "||bad_claims\n"]



=== TEST 4: a name with a comma, which would read as two
--- config
    location /t { return 200 "$realtime_roles\n"; }
--- request
GET /t
--- more_headers eval
main::bearer(roles => ['a,SuperAdmin', 'b', "c\n", 7, ''])
--- response_body
b



=== TEST 5: in limit_req_zone, before the access phase
--- http_config
    limit_req_zone $realtime_user zone=users:1m rate=1r/m;
--- config
    location /t { limit_req zone=users; return 200 "$realtime_user\n"; }
    location /u { limit_req zone=users; realtime_auth on; empty_gif; }
--- request eval
['GET /u', 'GET /u', 'GET /u']
--- more_headers eval
[main::bearer(sub => 'a'), main::bearer(sub => 'a'), main::bearer(sub => 'b')]
--- error_code eval
[200, 503, 200]



=== TEST 6: in a map
--- http_config
    map $realtime_roles $staff { default no; Staff yes; }
--- config
    location /t { return 200 "$staff\n"; }
--- request eval
['GET /t', 'GET /t']
--- more_headers eval
[main::bearer(), 'X: y']
--- response_body eval
["yes\n", "no\n"]



=== TEST 7: the log of a request that error_page sent on has what the access phase decided
--- http_config
    log_format users '$realtime_user|$realtime_auth_status';
--- config
    location /t { realtime_auth on; realtime_roles Boss; error_page 403 /sorry; empty_gif; }
    location /sorry { access_log logs/error.log users; return 200 "$realtime_user|$realtime_auth_status\n"; }
--- request
GET /t
--- more_headers eval
main::bearer()
--- error_code: 403
--- response_body
u-17|insufficient_role
--- error_log
u-17|insufficient_role



=== TEST 8: a redirect to stricter rules is verified again
--- config
    location /t { realtime_auth on; try_files /absent /u; }
    location /u { realtime_auth on; realtime_roles Boss; empty_gif; }
--- request
GET /t
--- more_headers eval
main::bearer()
--- error_code: 403



=== TEST 9: in a subrequest, under its own location's rules
--- config
    location /t { auth_request /check; empty_gif; }
    location /check { internal; if ($realtime_user != u-17) { return 403; } return 204; }
--- request eval
['GET /t', 'GET /t']
--- more_headers eval
[main::bearer(), main::bearer(sub => 'u-18')]
--- error_code eval
[200, 403]



=== TEST 10: claims as variables: texts, numbers, JSON; names in any case
--- config
    location /t { return 200 "$realtime_claim_name|$realtime_claim_n|$realtime_claim_r|$realtime_claim_b|$realtime_claim_o|$realtime_claim_givenname|$realtime_claim_absent|$realtime_claim_nil\n"; }
--- request
GET /t
--- more_headers eval
'Authorization: Bearer ' . main::sign_token('{"alg":"HS256"}',
    '{"sub":"a","exp":99999999999,"name":"Form' . "\xc3\xa9" . '","n":-7,"r":1.5,"b":true,"o":{"a":[1,"x\n"]},'
    . '"givenName":"Ada","nil":null}')
--- response_body eval
"Form\xc3\xa9|-7|1.5|true|{\"a\":[1,\"x\\n\"]}|Ada||\n"



=== TEST 11: a claim that would break a header, and claims of a token that is not good
--- config
    location /t { add_header X-Name "n:$realtime_claim_name"; return 200; }
--- request eval
['GET /t', 'GET /t']
--- more_headers eval
[main::bearer(name => "a\r\nX-Admin: yes"), main::bearer(name => 'a', exp => 1)]
--- response_headers eval
["X-Name: n:\n! X-Admin", "X-Name: n:"]
