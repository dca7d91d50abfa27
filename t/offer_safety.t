# The identifier of a user that the API is told: a hash that only the key of
# the API can make, remembered with the user's token.

use lib 't/lib';
use Test::Nginx::Socket;
use Digest::SHA qw(hmac_sha256_hex);
use JWT;
use Offer;

our @who = map { bearer(sub => $_) . "\nContent-Type: application/sdp" } qw(u-1 u-2);

sub request {
    my $uri = shift;
    return "POST $uri\r\n" . Offer::offer('echo');
}

# the request upstream has the identifier of a user under a key, and no other
sub has {
    my ($user, $key) = @_;
    my $hash = hmac_sha256_hex($user, $key);
    return qr/\A(?!.*Identifier.*Identifier).*\r\nOpenAI-Safety-Identifier: $hash\r\n/s;
}

our $none = qr/\Av=0\r\nPOST (?!.*Identifier)/s;

add_block_preprocessor(sub {
    my $block = shift;
    my $offer = 'realtime_offer;
        realtime_upstream http://127.0.0.1:$TEST_NGINX_PEER_PORT/v1;
        realtime_models model-a;';

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n>>> key\nZq0key\n>>> other\nYp1key\n");
    $block->set_value('http_config', 'realtime_jwt_key ../html/jwt.key alg=HS256;');
    $block->set_value('config', "
        location = /offer { $offer realtime_api_key_file ../html/key; }
        location = /other { $offer realtime_api_key_file ../html/other; }
        location = /off   { $offer realtime_api_key_file ../html/key; realtime_safety_identifier off; }
        location = /open  { $offer realtime_api_key_file ../html/key; realtime_auth off; }");
});

repeat_each(2);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: one user, again and again, under two keys
--- request eval
[map { main::request($_) } qw(/offer /offer /other /offer /other)]
--- more_headers eval
[($main::who[0]) x 5]
--- error_code eval
[(201) x 5]
--- response_body_like eval
[main::has('u-1', 'Zq0key'), main::has('u-1', 'Zq0key'), main::has('u-1', 'Yp1key'), main::has('u-1', 'Zq0key'),
 main::has('u-1', 'Yp1key')]



=== TEST 2: two users in turn
--- request eval
[(main::request('/offer')) x 4]
--- more_headers eval
[@main::who, @main::who]
--- error_code eval
[(201) x 4]
--- response_body_like eval
[main::has('u-1', 'Zq0key'), main::has('u-2', 'Zq0key'), main::has('u-1', 'Zq0key'), main::has('u-2', 'Zq0key')]



=== TEST 3: none where it is off, none without a user
--- request eval
[map { main::request($_) } qw(/offer /off /open)]
--- more_headers eval
[($main::who[0]) x 3]
--- error_code eval
[(201) x 3]
--- response_body_like eval
[main::has('u-1', 'Zq0key'), $main::none, $main::none]
