# What the tests of the offer share: a peer, its address, and offers.

package Offer;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Peer;
use Test::Nginx::Socket;

# an offer that asks the peer for MODE
sub offer {
    my $mode = shift;

    return "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\na=peer:$mode\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
}

# an offer that asks for its own digest, with a line of LENGTH bytes that differ
sub long {
    my $length = shift;

    return offer('digest') . 'a=' . join('', map { chr(97 + $_ * 7 % 25) } 1 .. $length) . "\r\n";
}

sub post {
    my ($mode, $args) = @_;

    return 'POST /offer' . ($args // '') . "\r\n" . offer($mode);
}


# a whole request with this body: what Test::Nginx makes lacks final line ends
sub raw {
    my $body = shift;

    return "POST /offer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
           . "Content-Type: application/sdp\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
}


# the blocks' eval filters run in this package
*Test::Base::Filter::offer = \&offer;
*Test::Base::Filter::long = \&long;
*Test::Base::Filter::post = \&post;
*Test::Base::Filter::raw = \&raw;
*Test::Base::Filter::sha256_hex = \&sha256_hex;

$ENV{TEST_NGINX_PEER_PORT} = Peer::start();

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('user_files', ">>> key\nZq0key\n") unless defined $block->user_files;
    $block->set_value('no_error_log', "[alert]\n[crit]") unless defined $block->no_error_log;
    $block->set_value('more_headers', 'Content-Type: application/sdp') unless defined $block->more_headers;

    if (!defined $block->config) {
        $block->set_value('config', 'location = /offer {
            realtime_auth off;
            realtime_offer;
            realtime_upstream http://127.0.0.1:$TEST_NGINX_PEER_PORT/v1;
            realtime_api_key_file ../html/key;
            realtime_models model-a model-b;
            realtime_model_alias model-old model-b;
            realtime_timeout 1s;
            ' . ($block->offer // '') . '
        }
        location /log { proxy_pass http://127.0.0.1:$TEST_NGINX_PEER_PORT; }
        location /leave {
            proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/offer;
            proxy_read_timeout 200ms;
        }');
    }
});

no_root_location();


1;
