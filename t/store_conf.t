# What nginx -t says about the store, and that it changes nothing.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;
use Store;

repeat_each(1);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n>>> bad.db\nno database" . '!' x 8000 . "\n");
    $block->set_value('http_config', "realtime_jwt_key ../html/jwt.key alg=HS256;\n" . ($block->http // ''));
    $block->set_value('config', 'location /t { realtime_transcripts; }') unless defined $block->config;
    $block->set_value('request', 'GET /') unless defined $block->request;

    if (defined $block->must_die) {
        $block->set_value('no_error_log', '[alert]');
    } else {
        $block->set_value('no_error_log', "[alert]\n[crit]");
    }
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: no store
--- must_die
--- error_log
"realtime_transcripts" needs a store: write "realtime_store sqlite:/var/lib/nginx/realtime/realtime.db;"



=== TEST 2: no such scheme
--- http
realtime_store redis://localhost/voice;
--- must_die
--- error_log
invalid "realtime_store": the URI begins with none of



=== TEST 3: a relative path
--- http
realtime_store sqlite:;
--- must_die
--- error_log
invalid "realtime_store":



=== TEST 4: twice
--- http
realtime_store sqlite:/tmp/a.db;
realtime_store sqlite:/tmp/b.db;
--- must_die
--- error_log
"realtime_store" directive is duplicate



=== TEST 5: an unknown parameter
--- http
realtime_store sqlite:/tmp/a.db table=x;
--- must_die
--- error_log
invalid parameter of "realtime_store": "table=x"



=== TEST 6: a ttl that is no time
--- http
realtime_store sqlite:/tmp/a.db ttl=soon;
--- must_die
--- error_log
invalid ttl in "realtime_store": "ttl=soon"



=== TEST 7: a collection of the database itself
--- http
realtime_store sqlite:/tmp/a.db collection=sqlite_master;
--- must_die
--- error_log
"sqlite_master" cannot be the name of a collection



=== TEST 8: a timeout that is none
--- http
realtime_store sqlite:/tmp/a.db;
realtime_store_timeout 10ms;
--- must_die
--- error_log
"realtime_store_timeout" directive must be between 100ms and 1h



=== TEST 9: a queue of nothing
--- http
realtime_store sqlite:/tmp/a.db;
realtime_store_queue 0;
--- must_die
--- error_log
"realtime_store_queue" directive must be at least 1



=== TEST 10: a location given by a regular expression
--- http
realtime_store sqlite:/tmp/a.db;
--- config
location ~ ^/t { realtime_transcripts; }
--- must_die
--- error_log
cannot be used in a location given by regular expression



=== TEST 11: without authentication
--- http
realtime_store sqlite:/tmp/a.db;
--- config
location /t { realtime_transcripts; realtime_auth off; }
--- must_die
--- error_log
realtime_transcripts



=== TEST 12: no directory to make the file in
--- http
realtime_store sqlite:/nonexistent/dir/a.db;
--- must_die
--- error_log
there is no directory "/nonexistent/dir"



=== TEST 13: a file that is no database: 503, the reason in the log, the file as it was
--- http eval
"realtime_store sqlite:$Test::Nginx::Util::ServRoot/html/bad.db;"
--- config
location /t { realtime_transcripts; }
location /bad.db { root html; }
--- more_headers eval
Store::as()
--- request eval
["POST /t\n{\"text\":\"hello\"}", "GET /t", "GET /bad.db"]
--- error_code eval
[503, 503, 200]
--- response_headers eval
["Retry-After: 1", "Retry-After: 1", ""]
--- response_body_like eval
[('"code":"store_unavailable"') x 2, '^no database']



=== TEST 14: and the log says why
--- http eval
"realtime_store sqlite:$Test::Nginx::Util::ServRoot/html/bad.db;"
--- more_headers eval
Store::as()
--- request
GET /t
--- error_code: 503
--- error_log
realtime store: read broken:



=== TEST 15: a name for DNS to resolve, which nothing asks before the store is used
--- http
realtime_store mongodb+srv://voice:secret@cluster.example.org/voice?retryWrites=true&w=majority;
--- config
location = /x { return 204; }
--- request
GET /x
--- error_code: 204



=== TEST 16: such a name has no port, and its password is not told
--- http
realtime_store mongodb+srv://voice:secret@cluster.example.org:27017/voice;
--- must_die
--- error_log
invalid "realtime_store":
--- no_error_log
secret



=== TEST 17: a spool for a file
--- http
realtime_store sqlite:/tmp/a.db;
realtime_store_spool /tmp/spool.db;
--- must_die
--- error_log
"realtime_store_spool" needs a "realtime_store mongodb://HOST/DATABASE;": only a server can be away



=== TEST 18: a spool for nothing
--- http
realtime_store_spool /tmp/spool.db;
--- config
--- must_die
--- error_log
"realtime_store_spool" needs a "realtime_store mongodb://HOST/DATABASE;"



=== TEST 19: no directory to make the spool in
--- http
realtime_store mongodb://127.0.0.1:1/voice;
realtime_store_spool /nonexistent/dir/spool.db;
--- must_die
--- error_log
invalid "realtime_store_spool": there is no directory "/nonexistent/dir"



=== TEST 20: a spool that is a directory
--- http
realtime_store mongodb://127.0.0.1:1/voice;
realtime_store_spool /tmp;
--- must_die
--- error_log
invalid "realtime_store_spool": "/tmp" is not a file



=== TEST 21: two spools
--- http
realtime_store mongodb://127.0.0.1:1/voice;
realtime_store_spool /tmp/a.db;
realtime_store_spool /tmp/b.db;
--- must_die
--- error_log
"realtime_store_spool" directive is duplicate



=== TEST 22: a spool without a name
--- http
realtime_store mongodb://127.0.0.1:1/voice;
realtime_store_spool "";
--- must_die
--- error_log
"realtime_store_spool" directive names no file



=== TEST 23: nothing is made where no location needs it
--- http eval
"realtime_store mongodb://127.0.0.1:1/voice;
realtime_store_spool $Test::Nginx::Util::ServRoot/html/spool.db;"
--- config
location /spool.db { root html; }
--- request
GET /spool.db
--- error_code: 404



=== TEST 24: a named location
--- http
realtime_store sqlite:/tmp/a.db;
--- config
location @t { realtime_transcripts; }
--- must_die
--- error_log
cannot be used in a named location



=== TEST 25: a file in the root of the file system
--- http
realtime_store sqlite:/realtime-that-nobody-opens.db;
--- config
location /x { return 204; }
--- request
GET /x
--- error_code: 204



=== TEST 26: a path that ends as that of a folder does
--- http
realtime_store sqlite:/tmp/no-such-folder/;
--- config
location /x { return 204; }
--- must_die
--- error_log
there is no directory "/tmp/no-such-folder"
