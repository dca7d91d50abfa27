# Issuers, audiences and keys that differ from place to place, and the cache of
# verified tokens, which must not mix them.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;

our $OTHER = 'another secret of 32 bytes and more, for tests only';

repeat_each(2);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;
    my $http = $block->http_config // '';

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n>>> other.key\n$OTHER\n");
    $block->set_value('http_config', "realtime_jwt_key ../html/jwt.key alg=HS256;\n$http");
    $block->set_value('no_error_log', "[alert]\n[crit]");
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: issuers
--- http_config
    realtime_jwt_issuer https://a.example https://b.example;
--- config
    location = /me { realtime_me; }
--- request eval
[('GET /me') x 5]
--- more_headers eval
[main::bearer(iss => 'https://b.example'), main::bearer(iss => 'https://b.example/'), main::bearer(),
 main::bearer(iss => ['https://x.example']), main::bearer(iss => 7)]
--- error_code eval
[200, 401, 401, 401, 401]



=== TEST 2: audiences, one or several
--- http_config
    realtime_jwt_audience voice;
--- config
    location = /me { realtime_me; }
--- request eval
[('GET /me') x 6]
--- more_headers eval
[main::bearer(aud => 'voice'), main::bearer(aud => ['mail', 'voice']), main::bearer(aud => ['mail']),
 main::bearer(aud => 'voice2'), main::bearer(), main::bearer(aud => [])]
--- error_code eval
[200, 200, 401, 401, 401, 401]



=== TEST 3: a token verified in one location is none for another's audience
--- config
    location = /a { realtime_me; realtime_jwt_audience a; }
    location = /b { realtime_me; realtime_jwt_audience b; }
--- request eval
['GET /a', 'GET /b', 'GET /a', 'GET /b']
--- more_headers eval
[(main::bearer(aud => 'a')) x 4]
--- error_code eval
[200, 401, 200, 401]



=== TEST 4: nor for another's key, issuer or user
--- config
    location = /a { realtime_me; }
    location = /k { realtime_me; realtime_jwt_key ../html/other.key alg=HS256; }
    location = /i { realtime_me; realtime_jwt_issuer x; }
    location = /u { realtime_me; realtime_user_claim uid; }
--- request eval
['GET /a', 'GET /k', 'GET /i', 'GET /u', 'GET /a']
--- more_headers eval
[(main::bearer(uid => 'other')) x 5]
--- error_code eval
[200, 401, 401, 200, 200]
--- response_body_like eval
['"id":"u-17"', 'invalid_token', 'invalid_token', '"id":"other"', '"id":"u-17"']



=== TEST 5: two keys, during a rotation
--- http_config
    realtime_jwt_key ../html/other.key alg=HS256;
--- config
    location = /me { realtime_me; }
--- request eval
[('GET /me') x 3]
--- more_headers eval
[main::bearer(), main::bearer(_secret => $main::OTHER), main::bearer(_secret => 'x' x 40)]
--- error_code eval
[200, 200, 401]



=== TEST 6: two keys of one algorithm, chosen by kid
--- config
    location = /me {
        realtime_me;
        realtime_jwt_key ../html/jwt.key alg=HS256 kid=a;
        realtime_jwt_key ../html/other.key alg=HS256 kid=b;
    }
--- request eval
[('GET /me') x 5]
--- more_headers eval
[main::bearer(_kid => 'a'), main::bearer(_kid => 'b'), main::bearer(_kid => 'b', _secret => $main::OTHER),
 main::bearer(_kid => 'c'), main::bearer()]
--- error_code eval
[200, 401, 200, 401, 200]
