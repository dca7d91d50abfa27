# Every algorithm, with keys as PEM, certificate, JWK and JWK set, and what
# must not pass with them. Keys are made by openssl(1) for this run.

use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use Test::Nginx::Socket;
use JWT;

our $dir = tempdir(CLEANUP => 1);

sub openssl {
    system("cd $dir && openssl $_[0] 2>/dev/null") == 0 or die "openssl $_[0]";
}

sub slurp {
    open my $f, '<', "$dir/$_[0]" or die "$_[0]: $!";
    local $/;
    return scalar <$f>;
}

# signed(KEY, ALG, ARG...): an Authorization header made by scripts/token
sub signed {
    my ($key, $alg, @args) = @_;

    open my $p, '-|', 'scripts/token', '--key', "$dir/$key.key", '--alg', $alg, '--user', 'u-17', @args
        or die $!;
    chomp(my $token = <$p>);

    return "Authorization: Bearer $token";
}

openssl('genrsa -out rsa.key 2048');
openssl('genrsa -out small.key 1024');
openssl("ecparam -name prime256v1 -genkey -noout -out p256.key");
openssl("ecparam -name secp384r1 -genkey -noout -out p384.key");
openssl("ecparam -name secp521r1 -genkey -noout -out p521.key");
openssl("ecparam -name secp256k1 -genkey -noout -out k256.key");
openssl('genpkey -algorithm ed25519 -out ed.key');
openssl("pkey -in $_.key -pubout -out $_.pub") for qw(rsa small p256 p384 p521 k256 ed);
openssl('req -x509 -new -key rsa.key -subj /CN=test -days 2 -out rsa.crt');

my ($modulus) = `openssl rsa -in $dir/rsa.key -noout -modulus` =~ /=(\w+)/;
our %rsa = (kty => 'RSA', e => 'AQAB', n => encode_base64url(pack 'H*', $modulus));
our $files = join '', map { ">>> $_.pub\n" . slurp("$_.pub") } qw(rsa small p256 p384 p521 k256 ed);
$files .= ">>> rsa.crt\n" . slurp('rsa.crt');
$files .= ">>> private.key\n" . slurp('rsa.key');
$files .= ">>> $_->[0]\n" . JSON::PP->new->canonical->encode($_->[1]) . "\n" for
    ['rsa.jwk', { %rsa, kid => 'one', alg => 'RS256' }],
    ['enc.jwk', { %rsa, use => 'enc' }],
    ['set.jwks', { keys => [{ %rsa, kid => 'ps', alg => 'PS256', use => 'sig', x5c => ['x'] },
                            { %rsa, kid => 'enc', use => 'enc' },
                            { kty => 'oct', alg => 'A128KW', k => 'AAAA' },
                            { %rsa, kid => 'rs', key_ops => ['verify'] }] }];

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('user_files', $files);
    $block->set_value('config', 'location = /me { realtime_me; }');
    $block->set_value('request', 'GET /me') unless defined $block->request;
    $block->set_value('no_error_log', "[alert]\n[crit]");
});

repeat_each(1);
no_root_location();
plan('no_plan');

run_tests();

__DATA__

=== TEST 1: RS256 from PEM, and every other algorithm with it refused
--- http_config
    realtime_jwt_key ../html/rsa.pub;
--- request eval
[('GET /me') x 6]
--- more_headers eval
[main::signed('rsa', 'RS256'), main::signed('rsa', 'RS384'), main::signed('rsa', 'PS256'),
 main::signed('small', 'RS256'), main::signed('p256', 'ES256'), main::signed('rsa', 'RS256')]
--- error_code eval
[200, 401, 401, 401, 401, 200]



=== TEST 2: the public key as an HMAC secret
--- http_config
    realtime_jwt_key ../html/rsa.pub;
--- more_headers eval
main::bearer(_secret => main::slurp('rsa.pub'))
--- error_code: 401
--- error_log
refused, no_key



=== TEST 3: RS384, RS512, PS256, PS384, PS512, one key for each
--- http_config
    realtime_jwt_key ../html/rsa.pub alg=RS384;
    realtime_jwt_key ../html/rsa.pub alg=RS512;
    realtime_jwt_key ../html/rsa.crt alg=PS256;
    realtime_jwt_key ../html/rsa.pub alg=PS384;
    realtime_jwt_key ../html/rsa.pub alg=PS512;
--- request eval
[('GET /me') x 6]
--- more_headers eval
[map { main::signed('rsa', $_) } qw(RS384 RS512 PS256 PS384 PS512 RS256)]
--- error_code eval
[200, 200, 200, 200, 200, 401]



=== TEST 4: ES256, ES384, ES512, EdDSA
--- http_config
    realtime_jwt_key ../html/p256.pub;
    realtime_jwt_key ../html/p384.pub;
    realtime_jwt_key ../html/p521.pub;
    realtime_jwt_key ../html/ed.pub;
--- request eval
[('GET /me') x 4]
--- more_headers eval
[main::signed('p256', 'ES256'), main::signed('p384', 'ES384'), main::signed('p521', 'ES512'),
 main::signed('ed', 'EdDSA')]
--- error_code eval
[200, 200, 200, 200]



=== TEST 5: an ES256 signature of zeros
--- http_config
    realtime_jwt_key ../html/p256.pub;
--- more_headers eval
my $h = main::signed('p256', 'ES256');
$h =~ s/[^.]+$/'A' x 86/e;
$h
--- error_code: 401
--- error_log
refused, bad_signature



=== TEST 6: a certificate
--- http_config
    realtime_jwt_key ../html/rsa.crt;
--- more_headers eval
main::signed('rsa', 'RS256')
--- error_code: 200



=== TEST 7: a JWK with a kid
--- http_config
    realtime_jwt_key ../html/rsa.jwk;
--- request eval
[('GET /me') x 3]
--- more_headers eval
[main::signed('rsa', 'RS256', '--kid', 'one'), main::signed('rsa', 'RS256', '--kid', 'two'),
 main::signed('rsa', 'RS256')]
--- error_code eval
[200, 401, 200]



=== TEST 8: a JWK set: kid and algorithm choose, keys for encryption do not count
--- http_config
    realtime_jwt_key ../html/set.jwks;
--- request eval
[('GET /me') x 4]
--- more_headers eval
[main::signed('rsa', 'PS256', '--kid', 'ps'), main::signed('rsa', 'RS256', '--kid', 'rs'),
 main::signed('rsa', 'RS256', '--kid', 'enc'), main::signed('rsa', 'RS256', '--kid', 'ps')]
--- error_code eval
[200, 200, 401, 401]



=== TEST 9: a good signature after a bad one, in one worker
--- http_config
    realtime_jwt_key ../html/ed.pub;
    realtime_jwt_key ../html/rsa.pub;
--- request eval
[('GET /me') x 4]
--- more_headers eval
my $bad = main::signed('rsa', 'RS256');
$bad =~ s/[^.]+$/'B' x 342/e;
[$bad, main::signed('rsa', 'RS256'), $bad, main::signed('ed', 'EdDSA')]
--- error_code eval
[401, 200, 401, 200]



=== TEST 10: an RSA key of 1024 bits
--- http_config
    realtime_jwt_key ../html/small.pub;
--- must_die
--- error_log
an RSA key needs 2048 to 8192 bits



=== TEST 11: a key that does not fit the algorithm
--- http_config
    realtime_jwt_key ../html/p256.pub alg=RS256;
--- must_die
--- error_log
the key is not one for the algorithm



=== TEST 12: a curve that no algorithm here has
--- http_config
    realtime_jwt_key ../html/k256.pub;
--- must_die
--- error_log
a key of this kind or curve is not supported



=== TEST 13: a public key as a secret
--- http_config
    realtime_jwt_key ../html/rsa.pub alg=HS256;
--- must_die
--- error_log
a public key is no secret for HS256



=== TEST 14: a private key
--- http_config
    realtime_jwt_key ../html/private.key;
--- must_die
--- error_log
it has a private key, which this server should not have



=== TEST 15: a JWK for encryption
--- http_config
    realtime_jwt_key ../html/enc.jwk;
--- must_die
--- error_log
the JWK is not for verifying signatures



=== TEST 16: a JWK of another algorithm
--- http_config
    realtime_jwt_key ../html/rsa.jwk alg=PS256;
--- must_die
--- error_log
"alg" of the JWK is another one
