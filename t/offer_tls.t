# Upstream over TLS: its name and its certificate are checked, its connection
# and its session used again.

use lib 't/lib';
use File::Temp;
use Test::Nginx::Socket;
use Offer;

my $dir = File::Temp->newdir;

system(qq{
    cd $dir && exec 2> /dev/null
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca &&
    openssl req -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=api.test &&
    echo subjectAltName=DNS:api.test > ext &&
    openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem
}) == 0 or die 'no certificates';

$ENV{TEST_NGINX_TLS} = "$dir";

add_block_preprocessor(sub {
    my $block = shift;
    my $port = '$TEST_NGINX_RAND_PORT_1';

    $block->set_value('http_config', "
        server {
            listen 127.0.0.1:$port ssl;
            ssl_certificate $dir/cert.pem;
            ssl_certificate_key $dir/key.pem;
            ssl_protocols " . ($block->protocol // 'TLSv1.3') . ';
            keepalive_requests 2;
            location / {
                return 201 "v=0 $ssl_protocol $ssl_server_name $connection_requests $ssl_session_reused\n";
            }
        }');

    $block->set_value('config', "
        location = /offer {
            realtime_auth off;
            realtime_offer;
            realtime_upstream https://127.0.0.1:$port/v1 name=" . ($block->name_is // 'api.test') . ';
            realtime_api_key_file ../html/key;
            realtime_models m;
            ' . ($block->offer // "realtime_ssl_trusted_certificate $dir/ca.pem;") . '
        }');
});

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: TLS 1.3: the connection is kept, then the session resumed
--- request eval: [(post('')) x 3]
--- error_code eval: [(200) x 3]
--- response_body eval
["v=0 TLSv1.3 api.test 1 .\n", "v=0 TLSv1.3 api.test 2 .\n", "v=0 TLSv1.3 api.test 1 r\n"]



=== TEST 2: TLS 1.2
--- protocol: TLSv1.2
--- request eval: [(post('')) x 3]
--- error_code eval: [(200) x 3]
--- response_body eval
["v=0 TLSv1.2 api.test 1 .\n", "v=0 TLSv1.2 api.test 2 .\n", "v=0 TLSv1.2 api.test 1 r\n"]



=== TEST 3: nothing older
--- protocol: TLSv1.1
--- request eval: post('')
--- error_code: 500
--- response_body_like: "upstream_unreachable"
--- no_error_log
[alert]



=== TEST 4: a certificate of another name
--- name_is: other.test
--- request eval: post('')
--- error_code: 500
--- response_body_like: "upstream_unreachable"
--- error_log
upstream SSL certificate does not match "other.test"



=== TEST 5: a certificate the system does not know
--- offer
--- request eval: post('')
--- error_code: 500
--- response_body_like: "upstream_unreachable"
--- error_log
upstream SSL certificate verify error



=== TEST 6: unless nobody looks
--- name_is: other.test
--- offer
realtime_ssl_verify off;
--- request eval: post('')
--- error_code: 200
--- response_body_like: ^v=0 TLSv1.3 other.test
