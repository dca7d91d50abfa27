# Users looked up in the store: SQLite here, MongoDB by scripts/prove --mongodb.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;
use Store;

repeat_each(1);
no_root_location();
no_long_string();

# as the FastAPI service kept them, its tokens with nothing but an e-mail
our $people = <<'END';
{"_id":{"$oid":"65f0a1b2c3d4e5f601234567"},"email":"anna@example.org","roles":["Formateur-int","Formé"],"is_active":true,"hashed_password":"$2b$12$x"}
{"_id":{"$oid":"65f0a1b2c3d4e5f601234568"},"email":"bob@example.org","roles":["SuperAdmin"],"is_active":false,"hashed_password":"$2b$12$x"}
END

our $shown = '$realtime_auth_status user=$realtime_user roles=$realtime_roles claim=$realtime_claim_sub';

sub who {
    my ($user, %claims) = @_;

    return bearer(sub => $user, roles => undef, %claims);
}

add_block_preprocessor(sub {
    my $block = shift;
    my $lookup = $block->lookup // 'users';

    chomp $lookup;
    $block->set_value('users', $people) unless defined $block->users;
    $block->set_value('http', "    realtime_user_lookup $lookup;\n" . ($block->http // ''));
    $block->set_value('config', <<'END' . ($block->config // ''));
        location = /me { realtime_me; add_header X-Seen "$main::shown" always; }
END
    my $config = $block->config;
    $config =~ s/\$main::shown/$shown/g;
    $block->set_value('config', $config);
    $block->set_value('request', 'GET /me') unless defined $block->request;
    $block->set_value('more_headers', who('anna@example.org')) unless defined $block->more_headers;

    use_store($block);
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: a user of the original service: his id, roles and e-mail
--- response_body
{"id":"65f0a1b2c3d4e5f601234567","roles":["Formateur-int","Formé"],"email":"anna@example.org","models":[],"limits":{"calls":null,"max_duration":null}}
--- response_headers
X-Seen: ok user=65f0a1b2c3d4e5f601234567 roles=Formateur-int,Formé claim=anna@example.org



=== TEST 2: the token's own claims count for nothing
--- http
    realtime_roles SuperAdmin;
--- more_headers eval
main::who('anna@example.org', roles => ['SuperAdmin'], email => 'boss@example.org')
--- error_code: 403
--- response_body_like: "insufficient_role"
--- response_headers
X-Seen: insufficient_role user=65f0a1b2c3d4e5f601234567 roles=Formateur-int,Formé claim=anna@example.org



=== TEST 3: nobody of that name, also in another case or as a pattern
--- request eval
['GET /me', 'GET /me', 'GET /me', 'GET /me', 'GET /me']
--- more_headers eval
[map { main::who($_, roles => ['SuperAdmin']) } 'nobody@example.org', 'ANNA@example.org', '{"$ne":null}', 'email', '%']
--- error_code eval
[(401) x 5]
--- response_body_like eval
[('"invalid_token"') x 5]
--- response_headers eval
[("X-Seen: bad_claims user= roles= claim=\nWWW-Authenticate: Bearer error=\"invalid_token\"") x 5]



=== TEST 4: a banned user
--- more_headers eval
main::who('bob@example.org')
--- error_code: 403
--- response_body_like: "insufficient_role"
--- response_headers
X-Seen: inactive_user user= roles= claim=
--- error_log
refused, inactive_user, user bob@example.org



=== TEST 5: what is active, and what is not
--- users
{"_id":"a1","email":"true","is_active":true}
{"_id":"a2","email":"absent"}
{"_id":"a3","email":"one","is_active":1}
{"_id":"a4","email":"false","is_active":false}
{"_id":"a5","email":"zero","is_active":0}
{"_id":"a6","email":"text","is_active":"false"}
{"_id":"a7","email":"list","is_active":[]}
--- request eval
[('GET /me') x 6]
--- more_headers eval
[map { main::who($_) } qw(true one false zero text list)]
--- error_code eval
[200, 200, 403, 403, 403, 403]



=== TEST 6: roles as one text; none; what is no role
--- users
{"_id":"r1","email":"text","roles":"Staff, Boss","is_active":1}
{"_id":"r2","email":"none","roles":[],"is_active":1}
{"_id":"r3","email":"odd","roles":["A,B","C\u0007","","Staff and Boss",7],"is_active":1}
--- request eval
[('GET /me') x 3]
--- more_headers eval
[map { main::who($_) } qw(text none odd)]
--- response_body_like eval
['"roles":\["Staff","Boss"\]', '"roles":\[\]', '"roles":\["Staff and Boss"\]']



=== TEST 7: control characters: in an id no user, in an e-mail no e-mail; an id that is too long
--- users eval
'{"_id":"c\u000a1","email":"id","roles":[],"is_active":1}
{"_id":"c2","email":"e\u009b","name":"mail","roles":[],"is_active":1}
{"_id":"' . 'x' x 201 . '","email":"long","roles":[],"is_active":1}'
--- request eval
[('GET /me') x 2]
--- more_headers eval
[map { main::who($_) } qw(id long)]
--- error_code eval
[401, 401]



=== TEST 8: an e-mail with control characters is not shown
--- users
{"_id":"c2","email":"e\u009b","name":"mail","roles":[],"is_active":1}
--- lookup: users match=name
--- more_headers eval
main::who('mail')
--- response_body_like: ^\{"id":"c2","roles":\[\],"email":null,



=== TEST 9: other fields
--- users
{"_id":"x","login":"anna","key":"k-1","groups":["Staff"],"enabled":true}
{"_id":"y","login":"bob","key":"k-2","groups":["Staff"],"enabled":false}
--- lookup: users match=login id=key roles=groups active=enabled ttl=1h
--- request eval
[('GET /me') x 2]
--- more_headers eval
[map { main::who($_) } qw(anna bob)]
--- error_code eval
[200, 403]
--- response_body_like eval
['^\{"id":"k-1","roles":\["Staff"\],"email":null', 'insufficient_role']



=== TEST 10: by the ObjectId
--- lookup: users match=_id
--- more_headers eval
main::who('65f0a1b2c3d4e5f601234567')
--- response_body_like: "email":"anna@example.org"



=== TEST 11: two users of the same e-mail: neither
--- users
{"_id":"a","email":"anna@example.org","roles":["Staff"],"is_active":1}
{"_id":"b","email":"anna@example.org","roles":["Boss"],"is_active":1}
--- error_code: 503
--- response_body_like: "store_unavailable"
--- error_log
user lookup refused: two



=== TEST 12: a user without what is his id
--- lookup: users id=nothing
--- error_code: 503
--- response_body_like: "store_unavailable"
--- response_headers
Retry-After: 1
--- error_log
user lookup broken



=== TEST 13: asked once, for all locations
--- config
    location = /t { realtime_transcripts; }
    location = /status { realtime_status; realtime_auth off; }
--- request eval
['GET /me', 'GET /t', 'GET /me', 'GET /status']
--- error_code eval
[200, 200, 200, 200]
--- response_body_like eval
['', '', '', '"user_lookups_total":1,"user_lookups_failed_total":0,']



=== TEST 14: also who is not there, and who is banned
--- config
    location = /status { realtime_status; realtime_auth off; }
--- request eval
[('GET /me') x 4, 'GET /status']
--- more_headers eval
[(main::who('nobody')) x 2, (main::who('bob@example.org')) x 2, '']
--- error_code eval
[401, 401, 403, 403, 200]
--- response_body_like eval
['', '', '', '', '"user_lookups_total":2,']



=== TEST 15: a variable cannot wait: nothing, until the user is known
--- config
    location = /open { return 200 "$main::shown\n"; }
--- request eval
['GET /open', 'GET /me', 'GET /open']
--- response_body_like eval
['^unavailable user= roles= claim=$', 'anna',
 '^ok user=65f0a1b2c3d4e5f601234567 roles=Formateur-int,Formé claim=anna@example.org$']



=== TEST 16: a variable of the rewrite phase, before the wait
--- config
    location = /t {
        set $early "$realtime_user";
        realtime_me;
        add_header X-Users "early=$early late=$realtime_user";
    }
--- request
GET /t
--- response_headers
X-Users: early= late=65f0a1b2c3d4e5f601234567



=== TEST 17: limit_req counts by the looked-up user from his first request on
--- http
    limit_req_zone $realtime_user zone=u:1m rate=1r/m;
--- config
    location = /t { realtime_me; limit_req zone=u; limit_req_status 429; }
--- request eval
['GET /t', 'GET /t']
--- error_code eval
[200, 429]



=== TEST 18: what a user says is his by the id of the store
--- config
    location = /t { realtime_transcripts; }
--- request eval
["POST /t\n{\"text\":\"x\",\"user_id\":\"65f0a1b2c3d4e5f601234567\"}",
 "POST /t\n{\"text\":\"x\",\"user_id\":\"anna\@example.org\"}", 'GET /t']
--- more_headers eval
main::who('anna@example.org') . "\nContent-Type: application/json"
--- error_code eval
[200, 403, 200]
--- response_body_like eval
['"id"', 'user_mismatch', '"user_id":"65f0a1b2c3d4e5f601234567"']



=== TEST 19: a store that is away: nobody gets in
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_store mongodb://127.0.0.1:1/voice;
    realtime_store_timeout 300ms;
    realtime_user_lookup users;
--- config
    location = /file {
        realtime_auth on;
        realtime_roles Staff;
        empty_gif;
        add_header X-Seen $realtime_auth_status always;
    }
--- request eval
['GET /me', 'GET /file']
--- more_headers eval
main::bearer(roles => ['Staff'])
--- error_code eval
[503, 503]
--- response_body_like eval
['"store_unavailable"', '"store_unavailable"']
--- response_headers eval
["X-Seen: unavailable user= roles= claim=\nRetry-After: 1", 'X-Seen: unavailable']
--- error_log
user lookup



=== TEST 20: a store that cannot be opened
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_store sqlite:/proc/self/users.db;
    realtime_user_lookup users;
--- error_code: 503
--- response_body_like: "store_unavailable"



=== TEST 21: by a number
--- users
{"_id":7,"email":"seven","roles":[],"is_active":true}
--- lookup: users match=_id
--- request eval
[('GET /me') x 5]
--- more_headers eval
[map { main::who($_) } 7, '7', '07', '7.0', '7x']
--- error_code eval
[200, 200, 401, 401, 401]
--- response_body_like eval
[('^\{"id":"7"') x 2, ('invalid_token') x 3]



=== TEST 22: who is an admin is the store's to say
--- users
{"_id":"u-1","email":"anna","roles":["Admin"],"is_active":true}
{"_id":"u-2","email":"bob","roles":["Staff"],"is_active":true}
--- config
    location /t { realtime_transcripts; }
--- request eval
["POST /t\n{\"text\":\"x\"}", 'GET /t?user_id=u-1', 'GET /t?user_id=u-2', 'DELETE /t?user_id=u-1']
--- more_headers eval
my ($anna, $bob) = map { main::who($_, roles => ['Admin']) . "\nContent-Type: application/json" } qw(anna bob);
[$anna, $bob, $anna, $bob]
--- error_code eval
[200, 403, 200, 403]
--- response_body_like eval
['"id"', 'user_mismatch', '"transcripts":\[\]', 'user_mismatch']
