# A user lookup beside nginx's own means: satisfy, dry runs, subrequests,
# redirects, limit_except; a client that leaves while it waits.

use lib 't/lib';
use IO::Socket::INET;
use Test::Nginx::Socket;
use JWT;
use Store;

repeat_each(1);
no_root_location();
no_long_string();

sub who {
    my ($user) = @_;

    return bearer(sub => $user, roles => ['Staff', 'Boss']);
}

our $page = '[' . join('|', map { "<!--#include virtual=\"/$_\" -->" } qw(a b a)) . ']';

# a server that takes connections and never says a word
our $deaf = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1') or die "no port: $!";
$ENV{TEST_NGINX_DEAF_PORT} = $deaf->sockport;

our ($anna, $bob, $nobody) = map { who($_) } qw(anna bob nobody);

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('users', <<'END');
{"_id":"u-1","email":"anna","roles":["Staff"],"is_active":true}
{"_id":"u-2","email":"bob","roles":["Staff"],"is_active":false}
END
    $block->set_value('http', "    realtime_user_lookup users;\n" . ($block->http // ''));
    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n>>> f.txt\nfile\n>>> page.txt\n$page\n");
    $block->set_value('more_headers', $anna) unless defined $block->more_headers;

    use_store($block);
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: it guards static files and proxy_pass
--- config
    location = /f.txt { realtime_auth on; realtime_roles Staff; }
    location = /in {
        realtime_auth on;
        proxy_set_header X-User $realtime_user:$realtime_roles;
        proxy_pass http://127.0.0.1:$server_port/up;
    }
    location = /up { return 200 "$http_x_user\n"; }
--- request eval
['GET /f.txt', 'GET /in', 'GET /f.txt', 'GET /in', 'GET /f.txt', 'GET /in']
--- more_headers eval
[($::anna) x 2, ($::bob) x 2, ($::nobody) x 2]
--- error_code eval
[200, 200, 403, 403, 401, 401]
--- response_body_like eval
['^file$', '^u-1:Staff$', 'insufficient_role', 'insufficient_role', 'invalid_token', 'invalid_token']



=== TEST 2: a handler that "satisfy any" opened wants a user of the store
--- config
    location = /me { realtime_me; satisfy any; allow all; }
--- request eval
[('GET /me') x 3]
--- more_headers eval
[$::anna, $::bob, $::nobody]
--- error_code eval
[200, 403, 401]
--- response_body_like eval
['"id":"u-1","roles":\["Staff"\]', 'insufficient_role', 'invalid_token']



=== TEST 3: satisfy any takes back what the lookup refused
--- config
    location = /f.txt { realtime_auth on; satisfy any; allow 127.0.0.1; deny all; }
--- request
GET /f.txt
--- more_headers eval
$::nobody
--- response_body
file
--- response_headers
! WWW-Authenticate



=== TEST 4: a handler in a dry run wants one too, other locations let in and say so
--- config
    location = /me { realtime_me; realtime_auth_dry_run on; }
    location = /f.txt {
        realtime_auth on;
        realtime_auth_dry_run on;
        add_header X-Seen "$realtime_auth_status$realtime_user";
    }
--- request eval
['GET /me', 'GET /me', 'GET /f.txt', 'GET /f.txt']
--- more_headers eval
[$::anna, $::bob, $::bob, $::anna]
--- error_code eval
[200, 403, 200, 200]
--- response_headers eval
['', '', 'X-Seen: inactive_user', 'X-Seen: oku-1']



=== TEST 5: auth_request: the subrequest waits
--- config
    location = /f.txt { auth_request /check; }
    location = /check { internal; realtime_me; }
--- request eval
[('GET /f.txt') x 3]
--- more_headers eval
[$::anna, $::bob, $::nobody]
--- error_code eval
[200, 403, 401]
--- response_body_like eval
['^file$', '', '']



=== TEST 6: subrequests of a page, each under its own rules, all at once
--- config
    location = /page.txt { ssi on; ssi_types text/plain; }
    location = /a { realtime_me; }
    location = /b { realtime_me; realtime_roles Boss; }
--- request eval
['GET /page.txt', 'GET /page.txt']
--- response_body_like eval
[('^\[\{"id":"u-1".*\n\|\{"detail":"Access Denied.*\n\|\{"id":"u-1".*\n\]$') x 2]



=== TEST 7: a mirror
--- config
    location = /f.txt { mirror /copy; }
    location = /copy { internal; realtime_me; }
    location = /status { realtime_status; realtime_auth off; }
--- request eval
['GET /f.txt', 'GET /f.txt', 'GET /status']
--- error_code eval
[200, 200, 200]
--- response_body_like eval
['^file$', '^file$', '"user_lookups_total":1,']



=== TEST 8: a redirect to stricter rules asks again, a redirect out of a refusal keeps it
--- config
    location = /t { realtime_auth on; try_files /absent /boss; }
    location = /boss { realtime_me; realtime_roles Boss; }
    location = /u { realtime_auth on; error_page 403 = @sorry; empty_gif; }
    location @sorry { return 200 "sorry $realtime_auth_status [$realtime_user]\n"; }
--- request eval
['GET /t', 'GET /u', 'GET /u']
--- more_headers eval
[$::anna, $::bob, $::anna]
--- error_code eval
[403, 200, 200]
--- response_body_like eval
['insufficient_role', '^sorry inactive_user \[\]$', 'GIF']



=== TEST 9: error_page for a store that is away
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_store mongodb://127.0.0.1:1/voice;
    realtime_store_timeout 200ms;
    realtime_user_lookup users;
--- config
    location = /me { realtime_me; error_page 503 /busy; }
    location = /any { realtime_me; satisfy any; allow all; }
    location = /dry { realtime_me; realtime_auth_dry_run on; }
    location = /sub { auth_request /any; }
    location = /busy { internal; return 503 "busy $realtime_auth_status [$realtime_user$realtime_claim_sub]\n"; }
--- request eval
['GET /me', 'GET /any', 'GET /dry', 'GET /sub']
--- error_code eval
[503, 503, 503, 500]
--- response_body_like eval
['^busy unavailable \[\]$', 'store_unavailable', 'store_unavailable', '']



=== TEST 10: only some methods
--- config
    location = /f.txt { limit_except GET { realtime_auth on; } }
    location = /me { realtime_me; limit_except GET { deny all; } }
--- request eval
['GET /f.txt', 'POST /f.txt', 'GET /me', 'POST /me']
--- more_headers eval
[($::bob) x 4]
--- error_code eval
[200, 403, 403, 403]



=== TEST 11: a map, and the access log
--- http
    map $realtime_user $kind { default "known"; "" "unknown"; }
    log_format seen "seen $realtime_auth_status [$realtime_user] $kind";
--- config
    location = /me { realtime_me; access_log logs/error.log seen; }
--- request
GET /me
--- wait: 0.2
--- error_log
seen ok [u-1] known



=== TEST 12: the same of a banned user
--- http
    map $realtime_user $kind { default "known"; "" "unknown"; }
    log_format seen "seen $realtime_auth_status [$realtime_user] $kind";
--- config
    location = /me { realtime_me; realtime_auth_dry_run on; access_log logs/error.log seen; }
--- request
GET /me
--- more_headers eval
$::bob
--- error_code: 403
--- wait: 0.2
--- error_log
seen inactive_user [-] unknown
dry run, would be refused, inactive_user, user bob



=== TEST 13: a client that leaves while its user is looked up; the next one is answered
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_store mongodb://127.0.0.1:$TEST_NGINX_DEAF_PORT/voice;
    realtime_store_timeout 3s;
    realtime_user_lookup users;
--- config
    location = /me { realtime_me; }
    location = /leave {
        proxy_pass http://127.0.0.1:$server_port/me;
        proxy_read_timeout 100ms;
    }
    location = /sub { auth_request /check; }
    location = /check { internal; realtime_me; }
    location = /leave_sub {
        proxy_pass http://127.0.0.1:$server_port/sub;
        proxy_read_timeout 100ms;
    }
--- request eval
['GET /leave', 'GET /leave_sub', 'GET /me']
--- error_code eval
[504, 504, 503]
--- response_body_like eval
['', '', 'store_unavailable']



=== TEST 14: post_action after a client that left while it waited
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_store mongodb://127.0.0.1:$TEST_NGINX_DEAF_PORT/voice;
    realtime_store_timeout 3s;
    realtime_user_lookup users;
--- config
    location = /me { realtime_me; post_action /after; }
    location = /after { internal; proxy_pass http://127.0.0.1:$server_port/slow; }
    location = /slow { limit_rate 1; return 200 "slow\n"; }
    location = /leave {
        proxy_pass http://127.0.0.1:$server_port/me;
        proxy_read_timeout 100ms;
    }
    location = /other { realtime_me; }
--- request eval
['GET /leave', 'GET /other']
--- error_code eval
[504, 503]



=== TEST 15: what a regular expression took of the user outlives a change of rules
--- config
    location = /f.txt {
        realtime_auth on;
        if ($realtime_user ~ "^(?<kind>.)-(.*)$") { add_header X-Taken "$kind$2"; }
    }
--- request eval
[('GET /f.txt') x 3]
--- response_headers eval
['! X-Taken', 'X-Taken: u1', 'X-Taken: u1']
