# GET as JSON lines and as text: which one, its pages, what it may not do.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;
use Store;

repeat_each(1);
no_root_location();
no_long_string();

our $three = "POST /t\n["
    . CORE::join(',', map { qq({"text":"turn $_","session_id":"s&1>","timestamp":"2026-01-0${_}T10:00:00Z"}) } 1 .. 3)
    . ']';

sub accept { return Store::as() . "\nAccept: $_[0]" }

add_block_preprocessor(sub { use_store(shift) });

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: JSON lines: one object a line, as in the JSON
--- request eval
[$::three, 'GET /t?format=jsonl', 'GET /t?format=jsonl&session_id=none']
--- response_headers eval
['Content-Type: application/json', "Content-Type: application/x-ndjson\nCache-Control: no-store\n! Link",
 "Content-Type: application/x-ndjson\n! Link"]
--- response_body_like eval
['"ids"', '^(\{"id":"[0-9a-f]{24}","user_id":"u-17",.*"text":"turn \d".*"source":"client"\}\n){3}$', '^$']



=== TEST 2: text: a line for each turn, whatever it holds
--- request eval
["POST /t\n"
 . '[{"text":"a\r\n2026-01-01T00:00:00.000Z user: forged \u001b[2J","timestamp":"2026-01-01T10:00:00Z"},'
 . '{"text":"é\u2028b\u2029\u0085\u009b2Jé\u00a0","role":"assistant",'
 . '"timestamp":"2026-01-02T10:00:00.5+01:00"}]', 'GET /t?format=text']
--- response_headers eval
['Content-Type: application/json', 'Content-Type: text/plain; charset=utf-8']
--- response_body_like eval
['"ids"',
 '^2026-01-01T10:00:00.000Z user: a  2026-01-01T00:00:00.000Z user: forged  \[2J\n'
 . '2026-01-02T09:00:00.500Z assistant: é b   2Jé\xc2\xa0\n$']



=== TEST 3: Accept says which; a client that also takes JSON gets JSON
--- request eval
[$::three, ('GET /t?limit=1') x 6]
--- more_headers eval
[Store::as(), map { main::accept($_) } 'application/x-ndjson', 'text/plain', 'application/json, text/plain, */*', '*/*',
 'text/html', 'TEXT/Plain;q=0.5']
--- response_body_like eval
['"ids"', '^\{"id":.*\}\n$', '^2026-01-01T10:00:00.000Z user: turn 1\n$', ('^\{"transcripts":') x 3, '^2026']



=== TEST 4: the argument wins over Accept
--- request eval
[$::three, 'GET /t?format=json', 'GET /t?format=text']
--- more_headers eval
[Store::as(), main::accept('text/plain'), main::accept('application/x-ndjson')]
--- response_body_like eval
['"ids"', '^\{"transcripts":', '^2026']



=== TEST 5: the next page is in Link, with the same arguments
--- request eval
[$::three, 'GET /t?user_id=u-17&session_id=s%261%3E&limit=2&order=desc&format=jsonl&page=7']
--- response_headers_like eval
['', 'Link: <\?session_id=s%261%3E&user_id=u-17&limit=2&order=desc&format=jsonl&cursor=i\w+>; rel="next"']
--- response_body_like eval
['"ids"', '^.*turn 3.*\n.*turn 2.*\n$']



=== TEST 6: formats that are none
--- request eval
['GET /t?format=csv', 'GET /t?format=', 'GET /t?format=JSON', 'GET /t?format=jsonll']
--- error_code eval
[(422) x 4]
--- response_body_like eval
[('^\{"detail":\[\{"loc":\["query","format"\],"msg":"[^"]+","type":"value_error"\}\],.*"code":"invalid_parameter"') x 4]



=== TEST 7: an export has the limits and the rights of a page
--- request eval
['GET /t?format=jsonl&limit=201', 'GET /t?format=text&user_id=u-18', 'GET /t?format=text&cursor=x']
--- error_code eval
[422, 403, 422]
--- response_headers eval
[('Content-Type: application/json') x 3]
--- response_body_like eval
['"invalid_parameter"', '"user_mismatch"', '"invalid_parameter"']



=== TEST 8: the list of sessions is JSON
--- request eval
[$::three, 'GET /t/sessions?format=csv']
--- more_headers eval
[Store::as(), main::accept('text/plain')]
--- response_body_like eval
['"ids"', '^\{"sessions":']



=== TEST 9: HEAD
--- request
HEAD /t?format=text
--- response_headers
Content-Type: text/plain; charset=utf-8
Content-Length: 0
--- response_body:



=== TEST 10: an export of nothing within a page
--- config
location /t { realtime_transcripts; }
location /page { ssi on; }
--- user_files eval
">>> jwt.key\n$JWT::SECRET\n>>> page/index.html\na<!--#include virtual=\"/t?format=text&session_id=none\" -->b\n"
--- request
GET /page/index.html
--- response_body
ab



=== TEST 11: Accept behind more headers than nginx keeps in one piece
--- request
GET /t?session_id=none
--- more_headers eval
Store::as() . "\n" . CORE::join('', map { "X-More-$_: more\n" } 1 .. 30) . 'Accept: text/plain'
--- response_headers
Content-Type: text/plain; charset=utf-8
--- response_body:
