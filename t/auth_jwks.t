# Keys that a server publishes: fetched in the background, rotated without a
# reload, kept while the server is away.

use lib 't/lib';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64url);
use Test::Nginx::Socket;
use JWT;

our $dir = tempdir(CLEANUP => 1);

sub jwk {
    my ($name) = @_;

    system("openssl genpkey -algorithm ed25519 -out $dir/$name.key") == 0 or die;
    my $der = `openssl pkey -in $dir/$name.key -pubout -outform DER`;

    return qq({"kty":"OKP","crv":"Ed25519","kid":"$name","x":") . encode_base64url(substr($der, -32)) . '"}';
}

sub signed {
    my ($key, $kid) = @_;

    open my $p, '-|', 'scripts/token', '--key', "$dir/$key.key", '--alg', 'EdDSA', '--kid', $kid // $key or die $!;
    chomp(my $token = <$p>);

    return "Authorization: Bearer $token";
}

our $old = jwk('old');
our $new = jwk('new');
our $put = sub { my $body = "{\"keys\":[$_[0]]}"; return "PUT /keys/set.json\n$body" };

# a server that takes connections and never says a word
our $deaf = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1') or die "no port: $!";
$ENV{TEST_NGINX_DEAF_PORT} = $deaf->sockport;

# a delay of a second, as nginx counts it
our $slow = 'limit_req_zone $server_name zone=slow:1m rate=30r/m;';

add_block_preprocessor(sub {
    my $block = shift;
    my $config = $block->config // '';

    $block->set_value('user_files', ">>> keys/set.json\n{\"keys\":[$old]}\n>>> bad.json\n<html>\n");
    $block->set_value('http_config', $slow . ($block->http_config // ''));
    $block->set_value('config', <<"END" . $config);
        location /keys/ { dav_methods PUT; create_full_put_path on; }
        location /later { limit_req zone=slow burst=5; try_files /bad.json =404; }
END
    $block->set_value('no_error_log', "[alert]\n[crit]");
});

repeat_each(1);
no_root_location();
plan('no_plan');

run_tests();

__DATA__

=== TEST 1: a key of the set, none of it, and one that only says so
--- config
    location = /me { realtime_me; realtime_jwks_uri http://127.0.0.1:$TEST_NGINX_SERVER_PORT/keys/set.json; }
--- request eval
['GET /later', 'GET /me', 'GET /me', 'GET /me', 'GET /me']
--- more_headers eval
['', main::signed('old'), main::signed('new', 'old'), main::signed('new'), main::bearer()]
--- error_code eval
[200, 200, 401, 401, 401]



=== TEST 2: rotation without a reload; the old key is gone from the cache too (503 while the next set is under way)
--- config
    location = /me {
        realtime_me;
        realtime_jwks_uri http://127.0.0.1:$TEST_NGINX_SERVER_PORT/keys/set.json refresh=1s;
    }
--- timeout: 10
--- request eval
['GET /later', 'GET /me', $main::put->($main::new), 'GET /later', 'GET /later', 'GET /me', 'GET /me']
--- more_headers eval
['', main::signed('old'), '', '', '', main::signed('new'), main::signed('old')]
--- error_code_like eval
['^200$', '^200$', '^204$', '^200$', '^200$', '^200$', '^(401|503)$']



=== TEST 3: what is no JWK set changes nothing
--- config
    location = /me {
        realtime_me;
        realtime_jwks_uri http://127.0.0.1:$TEST_NGINX_SERVER_PORT/keys/set.json refresh=1s;
    }
--- timeout: 10
--- request eval
['GET /later', 'GET /me', $main::put->(''), 'GET /later', 'GET /later', 'GET /me']
--- more_headers eval
['', main::signed('old'), '', '', '', main::signed('old')]
--- error_code eval
[200, 200, 204, 200, 200, 200]



=== TEST 4: no set yet
--- config
    location = /me { realtime_me; realtime_jwks_uri http://127.0.0.1:1/set.json; }
--- request
GET /me
--- more_headers eval
main::signed('old')
--- error_code: 503
--- response_headers
Retry-After: 1
--- response_body_like: "keys_unavailable"
--- error_log
no keys from "http://127.0.0.1:1/set.json"



=== TEST 5: beside keys of files
--- config
    location = /me {
        realtime_me;
        realtime_jwt_key ../html/keys/set.json;
        realtime_jwks_uri http://127.0.0.1:1/set.json;
    }
--- request
GET /me
--- more_headers eval
main::signed('old')
--- error_code: 200



=== TEST 6: no URL
--- config
    location = /me { realtime_me; realtime_jwks_uri 127.0.0.1/set.json; }
--- must_die
--- error_log
"realtime_jwks_uri" "127.0.0.1/set.json" does not begin with http:// or https://



=== TEST 7: a set that is too large changes nothing
--- config
    location = /me {
        realtime_me;
        realtime_jwks_uri http://127.0.0.1:$TEST_NGINX_SERVER_PORT/keys/set.json refresh=1s;
    }
--- timeout: 10
--- request eval
['GET /later', 'GET /me', $main::put->($main::new . ' ' x 65536), 'GET /later', 'GET /later', 'GET /me', 'GET /me']
--- more_headers eval
['', main::signed('old'), '', '', '', main::signed('old'), main::signed('new', 'old')]
--- error_code eval
[200, 200, 204, 200, 200, 200, 401]



=== TEST 8: of too many keys the first 64 count (503 while the next set is under way)
--- config
    location = /me {
        realtime_me;
        realtime_jwks_uri http://127.0.0.1:$TEST_NGINX_SERVER_PORT/keys/set.json refresh=1s;
    }
--- timeout: 10
--- request eval
['GET /later', 'GET /me', $main::put->(CORE::join(',', ($main::new) x 64, $main::old)), 'GET /later', 'GET /later',
 'GET /me', 'GET /me']
--- more_headers eval
['', main::signed('old'), '', '', '', main::signed('new'), main::signed('old')]
--- error_code_like eval
['^200$', '^200$', '^204$', '^200$', '^200$', '^200$', '^(401|503)$']



=== TEST 9: a server that never answers: 503, and the worker is free meanwhile
--- config
    location = /me { realtime_me; realtime_jwks_uri http://127.0.0.1:$TEST_NGINX_DEAF_PORT/set.json; }
    location = /ok { return 204; }
--- request eval
['GET /me', 'GET /ok']
--- more_headers eval
main::signed('old')
--- error_code eval
[503, 204]



=== TEST 10: without keys "satisfy any" lets nobody in either, and says why
--- config
    location = /me { realtime_me; satisfy any; allow all; realtime_jwks_uri http://127.0.0.1:1/set.json; }
--- request
GET /me
--- more_headers eval
main::signed('old')
--- error_code: 503
--- response_body_like: "keys_unavailable"
