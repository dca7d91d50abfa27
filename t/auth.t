# Who gets in: tokens signed with a secret, their times, users and roles.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;

repeat_each(1);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n") unless defined $block->user_files;
    $block->set_value('request', 'GET /me') unless defined $block->request;
    $block->set_value('no_error_log', "[alert]\n[crit]") unless defined $block->no_error_log;

    if (!defined $block->http_config) {
        $block->set_value('http_config', <<'END');
    realtime_jwt_key ../html/jwt.key alg=HS256;
END
    }

    $block->set_value('config', 'location = /me { realtime_me; }') unless defined $block->config;
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: a good token
--- more_headers eval
main::bearer(email => 'ada@example.org')
--- response_body
{"id":"u-17","roles":["Staff"],"email":"ada@example.org","models":[],"limits":{"calls":null,"max_duration":null}}
--- response_headers
Content-Type: application/json
Cache-Control: no-store



=== TEST 2: no token
--- error_code: 401
--- response_headers
WWW-Authenticate: Bearer
Content-Type: application/json
--- response_body eval
'{"detail":"Not authenticated","error":{"message":"Not authenticated",'
. qq("type":"authentication_error","code":"missing_token","param":null}}\n)



=== TEST 3: another scheme is no token
--- more_headers
Authorization: Basic dTpw
--- error_code: 401
--- response_headers
WWW-Authenticate: Bearer
--- response_body_like: "missing_token"



=== TEST 4: no token behind the scheme
--- more_headers
Authorization: Bearer
--- error_code: 401
--- response_headers
WWW-Authenticate: Bearer
--- response_body_like: "missing_token"



=== TEST 5: the scheme's name in other letters, blanks, and the prefix of OpenAI's SDK
--- more_headers eval
'Authorization: bEARER   ek_' . main::token()
--- response_body_like: "id":"u-17"
--- error_code: 200



=== TEST 6: signed with another secret
--- more_headers eval
main::bearer(_secret => 'x' x 64)
--- error_code: 401
--- response_headers
WWW-Authenticate: Bearer error="invalid_token"
--- response_body eval
'{"detail":"Could not validate credentials","error":{"message":"Could not validate credentials",'
. qq("type":"authentication_error","code":"invalid_token","param":null}}\n)



=== TEST 7: the key's algorithm decides, not the token's
--- more_headers eval
main::bearer(_alg => 'HS384')
--- error_code: 401
--- error_log
refused, no_key
--- response_body_like: "invalid_token"



=== TEST 8: HS384 and HS512, chosen by algorithm
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS384;
    realtime_jwt_key ../html/jwt.key alg=HS512;
--- request eval
['GET /me', 'GET /me', 'GET /me']
--- more_headers eval
[main::bearer(_alg => 'HS384'), main::bearer(_alg => 'HS512'), main::bearer()]
--- error_code eval
[200, 200, 401]



=== TEST 9: alg none
--- more_headers eval
use MIME::Base64 qw(encode_base64url);
'Authorization: Bearer ' . encode_base64url('{"alg":"none"}') . '.' . encode_base64url('{"sub":"u-17"}') . '.'
--- error_code: 401
--- response_body_like: "invalid_token"
--- error_log
refused, no_key



=== TEST 10: one letter of the payload changed
--- more_headers eval
my $t = main::token();
$t =~ s/\.(.)/'.' . ($1 eq 'e' ? 'f' : 'e')/e;
"Authorization: Bearer $t"
--- error_code: 401
--- response_body_like: "invalid_token"
--- error_log
refused, bad_signature



=== TEST 11: a signature that is not canonical base64url
--- more_headers eval
my $t = main::token();
my $digits = CORE::join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-_';
substr($t, -1) = substr($digits, CORE::index($digits, substr($t, -1)) + 1, 1);
"Authorization: Bearer $t"
--- error_code: 401
--- response_body_like: "invalid_token"
--- error_log
refused, bad_format



=== TEST 12: expired this second
--- more_headers eval
main::bearer(exp => time())
--- error_code: 401
--- response_headers
WWW-Authenticate: Bearer error="invalid_token"
--- response_body eval
'{"detail":"Could not validate credentials","error":{"message":"Could not validate credentials",'
. qq("type":"authentication_error","code":"expired_token","param":null}}\n)



=== TEST 13: expired, within the leeway
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_jwt_leeway 1m;
--- more_headers eval
main::bearer(exp => time() - 30, nbf => time() + 30)
--- response_body_like: "id":"u-17"
--- error_code: 200



=== TEST 14: no exp
--- more_headers eval
main::bearer(exp => undef)
--- error_code: 401
--- error_log
refused, bad_claims
--- response_body_like: "invalid_token"



=== TEST 15: no exp, where it need not be there
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_jwt_require_exp off;
--- more_headers eval
main::bearer(exp => undef)
--- response_body_like: "id":"u-17"
--- error_code: 200



=== TEST 16: exp as a text
--- more_headers eval
main::bearer(exp => '99999999999')
--- error_code: 401
--- error_log
refused, bad_claims
--- response_body_like: "invalid_token"



=== TEST 17: exp as a real number
--- more_headers eval
my $exp = time() + 60;
'Authorization: Bearer ' . main::sign_token('{"alg":"HS256"}', qq({"sub":"u-17","exp":$exp.5}))
--- response_body_like: "id":"u-17","roles":\[\],"email":null
--- error_code: 200



=== TEST 18: not yet valid
--- more_headers eval
main::bearer(nbf => time() + 60)
--- error_code: 401
--- error_log
refused, not_yet_valid
--- response_body_like: "invalid_token"



=== TEST 19: issued in the future
--- more_headers eval
main::bearer(iat => time() + 60)
--- error_code: 401
--- error_log
refused, not_yet_valid
--- response_body_like: "invalid_token"



=== TEST 20: a user with a line end
--- more_headers eval
main::bearer(sub => "u\n17")
--- error_code: 401
--- error_log
refused, bad_claims
--- response_body_like: "invalid_token"



=== TEST 21: no user, and an empty one
--- request eval
['GET /me', 'GET /me', 'GET /me', 'GET /me']
--- more_headers eval
[main::bearer(sub => undef), main::bearer(sub => ''), main::bearer(sub => ['u-17']), main::bearer(sub => 'u' x 201)]
--- error_code eval
[401, 401, 401, 401]



=== TEST 22: user and roles from other claims
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_user_claim uid;
    realtime_roles_claim realm_access.roles;
--- more_headers eval
main::bearer(uid => 17, realm_access => { roles => ["Form\x{e9}", 'b'] })
--- response_body_like eval
qr/^\{"id":"17","roles":\["Form\xc3\xa9","b"\],/
--- error_code: 200



=== TEST 23: roles in one text, in a claim whose name has dots
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_roles_claim https://example.org/roles;
--- more_headers eval
main::bearer('https://example.org/roles' => 'a b, c')
--- response_body_like: "roles":\["a","b","c"\]
--- error_code: 200



=== TEST 24: an allowed role, UTF-8
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_roles SuperAdmin Formé;
--- more_headers eval
main::bearer(roles => ['x', "Form\x{e9}"])
--- response_body_like eval
qr/"roles":\["x","Form\xc3\xa9"\]/
--- error_code: 200



=== TEST 25: no allowed role
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_roles SuperAdmin Formé;
--- more_headers eval
main::bearer(roles => ['Form', 'superadmin', 'SuperAdmin2'])
--- error_code: 403
--- response_headers
! WWW-Authenticate
--- response_body eval
'{"detail":"Access Denied: Insufficient permissions","error":{"message":"Access Denied: Insufficient permissions",'
. qq("type":"permission_error","code":"insufficient_role","param":null}}\n)



=== TEST 26: the same member twice
--- request eval
['GET /me', 'GET /me']
--- more_headers eval
['Authorization: Bearer ' . main::sign_token('{"alg":"HS256"}', '{"sub":"a","exp":99999999999,"sub":"b"}'),
 'Authorization: Bearer ' . main::sign_token('{"alg":"none","alg":"HS256"}', '{"sub":"a","exp":99999999999}')]
--- error_code eval
[401, 401]



=== TEST 27: an extension that must be understood
--- more_headers eval
'Authorization: Bearer ' . main::sign_token('{"alg":"HS256","crit":["exp"],"exp":1}', '{"sub":"a","exp":99999999999}')
--- error_code: 401
--- error_log
refused, bad_format
--- response_body_like: "invalid_token"



=== TEST 28: 8 KB of token
--- request eval
['GET /me', 'GET /me']
--- http_config
    large_client_header_buffers 4 32k;
    realtime_jwt_key ../html/jwt.key alg=HS256;
--- more_headers eval
[main::bearer(pad => 'x' x 5900), main::bearer(pad => 'x' x 6100)]
--- error_code eval
[200, 401]



=== TEST 29: encrypted: five parts; its header before three of them
--- request eval
['GET /me', 'GET /me', 'GET /me']
--- more_headers eval
my $jwe = main::sign_token('{"alg":"dir","enc":"A128GCM"}', '{"sub":"a","exp":99999999999}');
my $mix = main::sign_token('{"alg":"HS256","enc":"A128GCM"}', '{"sub":"a","exp":99999999999}');
["Authorization: Bearer $jwe.AAAA.AAAA", "Authorization: Bearer $jwe", "Authorization: Bearer $mix"]
--- error_code eval
[401, 401, 401]
--- response_body_like eval
[('"invalid_token"') x 3]
