# GET /realtime/status: counters as JSON and as Prometheus text.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;

repeat_each(1);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n");
    $block->set_value('http_config', "    realtime_jwt_key ../html/jwt.key alg=HS256;\n");
    $block->set_value('request', 'GET /status') unless defined $block->request || defined $block->pipelined_requests;
    $block->set_value('no_error_log', "[alert]\n[crit]");
    $block->set_value('config', <<'END') unless defined $block->config;
location = /status {
    realtime_status;
    realtime_auth off;
}
location = /me { realtime_me; }
END
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: JSON
--- response_headers
Content-Type: application/json
Cache-Control: no-store
--- response_body_like: ^\{"offers_total":0,.*"errors":\{"missing_token":0,



=== TEST 2: an error is counted by its code
--- pipelined_requests eval
["GET /me", "GET /status"]
--- error_code eval
[401, 200]
--- response_body_like eval
["missing_token", '"missing_token":1,"invalid_token":0,']



=== TEST 3: Prometheus by argument
--- request
GET /status?format=prometheus
--- response_headers
Content-Type: text/plain; version=0.0.4
--- response_body_like eval
qr/^# HELP nginx_realtime_offers_total .*
# TYPE nginx_realtime_offers_total counter
nginx_realtime_offers_total 0
(.*\n)*nginx_realtime_errors_total\{reason="missing_token"\} 0
/



=== TEST 4: Prometheus by Accept, as a scraper sends it
--- more_headers
Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3
--- response_headers
Content-Type: text/plain; version=0.0.4
--- response_body_like: ^# HELP



=== TEST 5: the argument wins over Accept
--- request
GET /status?format=json
--- more_headers
Accept: text/plain
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{



=== TEST 6: a HEAD has no body
--- request
HEAD /status
--- response_headers
Content-Type: application/json
--- response_body:



=== TEST 7: nothing is changed by it
--- request
POST /status
x=1
--- error_code: 405
--- response_headers
Allow: GET, HEAD
--- response_body_like: "method_not_allowed"



=== TEST 8: it asks for a token unless told otherwise
--- config
location = /status { realtime_status; }
--- error_code: 401
--- response_body_like: "missing_token"



=== TEST 9: and takes one
--- config
location = /status { realtime_status; }
--- more_headers eval
main::bearer()
--- response_body_like: ^\{"offers_total"
