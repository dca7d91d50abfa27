# An offer that is answered: what goes upstream, what comes back.

use lib 't/lib';
use Test::Nginx::Socket;
use Offer;

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: an answer that names a call
--- request eval: post('')
--- error_code: 201
--- response_headers
Content-Type: application/sdp
Location: /calls/rtc_u7_
Cache-Control: no-store
--- response_body eval
"v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"



=== TEST 2: upstream gets two parts, the key, and no header of the client
--- request eval: post('echo')
--- more_headers
Content-Type: text/plain; charset=utf-8
Cookie: a=b
X-OpenAI-Agents-SDK: x
--- error_code: 201
--- response_body eval
"v=0\r\nPOST /v1/realtime/calls HTTP/1.1\r\nHost: 127.0.0.1:$ENV{TEST_NGINX_PEER_PORT}\r\n"
. "Authorization: Bearer Zq0key\r\nAccept: application/sdp\r\nUser-Agent: ngx_http_realtime_module\r\n"
. "Content-Type: multipart/form-data; boundary=BOUNDARY\r\n"
. 'Content-Length: ' . (length(offer('echo')) + 310) . "\r\n\r\n"
. "--BOUNDARY\r\nContent-Disposition: form-data; name=\"sdp\"\r\nContent-Type: application/sdp\r\n\r\n"
. offer('echo')
. "\r\n--BOUNDARY\r\nContent-Disposition: form-data; name=\"session\"\r\nContent-Type: application/json\r\n\r\n"
. "{\"type\":\"realtime\",\"model\":\"model-a\"}\r\n--BOUNDARY--\r\n"



=== TEST 3: an alias stands for a model, dcid is passed on, the rest dropped
--- request eval: post('echo', '?x=1&dcid=65534&model=model%2Dold')
--- error_code: 201
--- response_body_like eval
qr{POST /v1/realtime/calls\?dcid=65534 HTTP.*"model":"model-b"}s



=== TEST 4: a template of the session, its model replaced
--- user_files
>>> key
Zq0key
>>> session.json
{"type":"realtime","model":"other","audio":{"output":{"voice":"marin"}},"instructions":"Sois bref"}
--- offer
realtime_session ../html/session.json;
--- request eval: post('echo')
--- error_code: 201
--- response_body_like eval
qr/\{"type":"realtime","model":"model-a","audio":\{"output":\{"voice":"marin"\}\},"instructions":"Sois bref"\}/



=== TEST 5: the offer arrives byte for byte
--- raw_request eval: raw(offer('digest') . "a=x:\xc3\xa9\t\x80\xff\n\r\n\n")
--- error_code: 201
--- response_body eval
my $o = offer('digest') . "a=x:\xc3\xa9\t\x80\xff\n\r\n\n"; "v=0\r\ns=" . length($o) . ' ' . sha256_hex($o) . "\r\n"



=== TEST 6: whatever part of it came with the header
--- request eval: [map { "POST /offer\r\n" . long($_) } 1, 700 .. 800, 1000, 5000, 60000]
--- error_code eval: [(201) x 105]
--- response_body eval
[map { "v=0\r\ns=" . length(long($_)) . ' ' . sha256_hex(long($_)) . "\r\n" } 1, 700 .. 800, 1000, 5000, 60000]



=== TEST 7: and however many packets the rest came in
--- raw_request eval
my $request = raw(long(9000));
[substr($request, 0, 1100), substr($request, 1100, 1), substr($request, 1101, 3000), substr($request, 4101)]
--- raw_request_middle_delay: 0.02
--- error_code: 201
--- response_body eval
"v=0\r\ns=" . length(long(9000)) . ' ' . sha256_hex(long(9000)) . "\r\n"



=== TEST 8: a last line without an end gets one
--- request eval: "POST /offer\r\n" . offer('digest') . "a=end"
--- error_code: 201
--- response_body eval
my $o = offer('digest') . "a=end\r\n"; "v=0\r\ns=" . length($o) . ' ' . sha256_hex($o) . "\r\n"



=== TEST 9: 64 KB arrive whole
--- raw_request eval: my $o = offer('digest'); raw($o . 'a' x (65536 - 1 - length $o) . "\n")
--- error_code: 201
--- response_body eval
my $o = offer('digest'); $o .= 'a' x (65536 - 1 - length $o) . "\n"; "v=0\r\ns=65536 " . sha256_hex($o) . "\r\n"



=== TEST 10: a chunked offer, of tiny chunks too
--- raw_request eval
my $o = offer('digest');
"POST /offer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
. "Content-Type: application/sdp\r\nTransfer-Encoding: chunked\r\n\r\n"
. CORE::join('', map { "1\r\n$_\r\n" } split //, $o) . "0\r\n\r\n"
--- error_code: 201
--- response_body eval
my $o = offer('digest'); "v=0\r\ns=" . length($o) . ' ' . sha256_hex($o) . "\r\n"



=== TEST 11: a chunked offer whose framing is larger than the buffer
--- raw_request eval
my $o = offer('digest'); $o .= 'a' x (30000 - length $o) . "\n";
"POST /offer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
. "Content-Type: application/sdp\r\nTransfer-Encoding: chunked\r\n\r\n"
. CORE::join('', map { "1\r\n$_\r\n" } split //, $o) . "0\r\n\r\n"
--- error_code: 201
--- response_body eval
my $o = offer('digest'); $o .= 'a' x (30000 - length $o) . "\n"; "v=0\r\ns=30001 " . sha256_hex($o) . "\r\n"



=== TEST 12: v=0 is an answer whatever its status
--- request eval: [map { post("status$_") } 200, 201, 400, 401, 404, 500, 503]
--- error_code eval: [(200) x 7]
--- response_body_like eval: [('^v=0') x 7]



=== TEST 13: no cookie passes, the request's id does
--- request eval: post('cookie')
--- error_code: 201
--- response_headers
X-Request-Id: req_9
! Set-Cookie



=== TEST 14: a Location that names no call
--- request eval: post('noid')
--- error_code: 200
--- response_headers
! Location



=== TEST 15: an answer in chunks, and one after an interim response
--- request eval: [post('chunked'), post('interim')]
--- error_code eval: [201, 201]
--- response_body eval
["v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
 "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"]



=== TEST 16: an answer that ends with its connection
--- request eval: post('close')
--- error_code: 201
--- response_body eval
"v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"



=== TEST 17: api=sdp posts the offer itself, without a call
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://127.0.0.1:$TEST_NGINX_PEER_PORT/v1/realtime api=sdp;
    realtime_api_key_file ../html/key header=api-key;
    realtime_models "a b&c";
}
--- request eval: post('echo', '?dcid=7')
--- error_code: 200
--- response_headers
! Location
--- response_body_like eval
qr{POST /v1/realtime\?model=a%20b%26c&dcid=7 HTTP/1.1\r\n.*\r\napi-key: Zq0key\r\n.*Content-Type: application/sdp\r\n}s



=== TEST 18: servers of an upstream block, by name
--- http_config
upstream voice {
    server 127.0.0.1:1 backup;
    server 127.0.0.1:$TEST_NGINX_PEER_PORT;
    keepalive 4;
}
--- config
location = /a/offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://voice/v1 name=api.example.org;
    realtime_api_key_file ../html/key;
    realtime_models m;
}
--- request eval: "POST /a/offer\r\n" . offer('echo')
--- error_code: 201
--- response_headers
Location: /a/calls/rtc_u7_echo
--- response_body_like: Host: api.example.org\r\n



=== TEST 19: the backup of an upstream block, where its server is down
--- http_config
upstream voice {
    server 127.0.0.1:1;
    server 127.0.0.1:$TEST_NGINX_PEER_PORT backup;
}
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://voice/v1;
    realtime_api_key_file ../html/key;
    realtime_models m;
    add_header X-Upstream "$upstream_addr $upstream_status" always;
}
--- request eval: post('')
--- error_code: 201
--- response_headers eval
"X-Upstream: 127.0.0.1:1, 127.0.0.1:$ENV{TEST_NGINX_PEER_PORT} 502, 201"



=== TEST 20: keepalive of an upstream block
--- http_config
upstream voice {
    server 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    keepalive 4;
}
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    location / { return 201 "v=0 request $connection_requests of a connection\n"; }
}
--- config
location = /offer {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://voice/v1;
    realtime_api_key_file ../html/key;
    realtime_models m;
}
--- request eval: [(post('')) x 3]
--- error_code eval: [(200) x 3]
--- response_body eval: [map { "v=0 request $_ of a connection\n" } 1 .. 3]



=== TEST 21: an offer that writes parts of its own stays one part
--- raw_request eval
raw(offer('digest')
    . "\r\n--x\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\n{\"model\":\"y\"}\r\n--x--\r\n")
--- error_code: 201
--- response_body eval
my $o = offer('digest')
    . "\r\n--x\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\n{\"model\":\"y\"}\r\n--x--\r\n";
"v=0\r\ns=" . length($o) . ' ' . sha256_hex($o) . "\r\n"



=== TEST 22: because nobody can guess what ends a part
--- request eval: [(post('boundary')) x 70]
--- error_code eval: [(201) x 70]
--- response_body_filters eval
our %seen; sub { my $body = shift; $seen{$body}++ ? 'again' : $body }
--- response_body_like eval: [('^v=0\r\ns=[0-9a-f]{32}\r\n$') x 70]



=== TEST 23: a path below the location cannot add a header
--- config
location /a/ {
    realtime_auth off;
    realtime_offer;
    realtime_upstream http://127.0.0.1:$TEST_NGINX_PEER_PORT/v1;
    realtime_api_key_file ../html/key;
    realtime_models m;
}
--- request eval: "POST /a/x%0D%0AX-Evil:%20y/%C3%A9%3F/offer\r\n" . offer('')
--- error_code: 201
--- response_headers
Location: /a/x%0D%0AX-Evil:%20y/%C3%A9%3F/calls/rtc_u7_
! X-Evil
