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
    openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem &&
    openssl req -x509 -key key.pem -out stranger.pem -days 2 -subj /CN=api.test -addext subjectAltName=DNS:api.test &&
    printf '%s\\n' openssl_conf=a [a] ssl_conf=b [b] system_default=c [c] MinProtocol=TLSv1 \\
        CipherString=DEFAULT:\@SECLEVEL=0 > old.cnf
}) == 0 or die 'no certificates';

# what the system's store holds; a system that would speak TLS 1.1 if asked to
$ENV{SSL_CERT_FILE} = "$dir/ca.pem";
$ENV{OPENSSL_CONF} = "$dir/old.cnf";

$ENV{TEST_NGINX_TLS} = "$dir";

add_block_preprocessor(sub {
    my $block = shift;
    my $port = '$TEST_NGINX_RAND_PORT_1';

    $block->set_value('http_config', ($block->more_http // '') . "
        server {
            listen 127.0.0.1:$port ssl;
            ssl_certificate $dir/" . ($block->certificate // 'cert.pem') . ";
            ssl_certificate_key $dir/key.pem;
            ssl_protocols " . ($block->protocol // 'TLSv1.3') . ';
            keepalive_requests 2;
            location / {
                return 201 "v=0 $ssl_protocol $ssl_server_name $connection_requests $ssl_session_reused\n";
            }
        }');

    my $host = $block->host // "127.0.0.1:$port";
    my $name = $block->name_is // 'api.test';

    $block->set_value('config', "
        location = /offer {
            realtime_auth off;
            realtime_offer;
            realtime_upstream https://$host/v1 name=$name;" . '
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
--- certificate: stranger.pem
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



=== TEST 7: a certificate the system knows
--- offer
--- request eval: post('')
--- error_code: 200
--- response_body_like: ^v=0 TLSv1.3 api.test



=== TEST 8: which the configuration's own store does not know
--- certificate: stranger.pem
--- request eval: post('')
--- error_code: 500
--- response_body_like: "upstream_unreachable"
--- error_log
upstream SSL certificate verify error



=== TEST 9: no time is left for another server once it is over
--- more_http
upstream voice {
    server 127.0.0.1:$TEST_NGINX_PEER_PORT;     # never begins to speak TLS
    server 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
}
--- host: voice
--- offer
realtime_ssl_verify off;
realtime_timeout 500ms;
--- request eval: post('')
--- error_code: 500
--- response_body_like: "upstream_timeout"
