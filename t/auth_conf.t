# What nginx -t refuses about authentication, with the directive, the file and
# the reason.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;

repeat_each(1);
no_root_location();

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n") unless defined $block->user_files;
    $block->set_value('config', 'location = /me { realtime_me; }') unless defined $block->config;
    $block->set_value('request', 'GET /me');
    $block->set_value('must_die', '');
    $block->set_value('no_error_log', "[alert]\n[crit]");
});

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: a handler without a key
--- error_log eval
qr/location "\/me" verifies users but has no key: write "realtime_jwt_key file alg=HS256" in \S+nginx\.conf/



=== TEST 2: realtime_auth without a key
--- config
    location /private { realtime_auth on; }
--- error_log
location "/private" verifies users but has no key



=== TEST 3: a key file that is not there
--- http_config
    realtime_jwt_key ../html/absent.key alg=HS256;
--- error_log eval
qr/"realtime_jwt_key": open\(\) "\S+absent\.key" failed \(2: No such file or directory\) in \S+nginx\.conf:\d+/



=== TEST 4: a key file that is a directory
--- http_config
    realtime_jwt_key ../html alg=HS256;
--- error_log eval
qr/"realtime_jwt_key" "\S+html": it cannot be read \(21: Is a directory\) in/



=== TEST 5: an empty key file
--- user_files
>>> jwt.key
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
--- error_log eval
qr/"realtime_jwt_key" "\S+jwt\.key": it is empty in \S+nginx\.conf:\d+/



=== TEST 6: a secret shorter than the hash
--- user_files
>>> jwt.key
only 31 bytes, which is one less
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS384;
--- error_log eval
qr/"realtime_jwt_key" "\S+jwt\.key": the secret has 32 bytes, HS384 needs 48 at least in \S+nginx\.conf:\d+/



=== TEST 7: a secret without an algorithm
--- http_config
    realtime_jwt_key ../html/jwt.key;
--- error_log
it is no PEM and no JWK; a secret needs alg=HS256, HS384 or HS512



=== TEST 8: an unknown algorithm
--- http_config
    realtime_jwt_key ../html/jwt.key alg=hs256;
--- error_log
invalid parameter "alg=hs256" of "realtime_jwt_key"



=== TEST 9: no algorithm at all
--- http_config
    realtime_jwt_key ../html/jwt.key alg=none;
--- error_log
invalid parameter "alg=none" of "realtime_jwt_key"



=== TEST 10: realtime_me for everybody
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
--- config
    location = /me { realtime_me; realtime_auth off; }
--- error_log
"realtime_me" in location "/me" needs a user, it cannot have "realtime_auth off"



=== TEST 11: roles twice
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_roles a;
    realtime_roles b;
--- error_log
"realtime_roles" directive is duplicate



=== TEST 12: a role without a name
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_roles a "";
--- error_log
"realtime_roles" directive has an empty name



=== TEST 13: a user lookup without a store
--- http_config
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_user_lookup users;
--- error_log
"realtime_user_lookup" needs a store: write "realtime_store sqlite:



=== TEST 14: two user lookups
--- http_config
    realtime_user_lookup users;
    realtime_user_lookup people;
--- error_log
"realtime_user_lookup" directive is duplicate



=== TEST 15: a parameter that a user lookup does not have
--- http_config
    realtime_user_lookup users key=email;
--- error_log eval
qr/invalid or duplicate parameter of "realtime_user_lookup": "key=email" in \S+nginx\.conf:\d+/



=== TEST 16: what is no time
--- http_config
    realtime_user_lookup users ttl=soon;
--- error_log
invalid or duplicate parameter of "realtime_user_lookup": "ttl=soon"



=== TEST 17: a ban that takes effect next week
--- http_config
    realtime_user_lookup users ttl=7d;
--- error_log
"ttl" of "realtime_user_lookup" must be between 1s and 1h



=== TEST 18: a ttl of nothing
--- http_config
    realtime_user_lookup users ttl=0;
--- error_log
"ttl" of "realtime_user_lookup" must be between 1s and 1h



=== TEST 19: a field without a name
--- http_config
    realtime_user_lookup users match=;
--- error_log
invalid "realtime_user_lookup": "" cannot be the name of a field



=== TEST 20: an operator for a field
--- http_config
    realtime_user_lookup users match=$where;
--- error_log
invalid "realtime_user_lookup": "$where" cannot be the name of a field



=== TEST 21: a table of the database's own
--- http_config
    realtime_user_lookup sqlite_master;
--- error_log
invalid "realtime_user_lookup": "sqlite_master" cannot be the name of a collection



=== TEST 22: a user lookup elsewhere than in the http block
--- config
    realtime_user_lookup users;
--- error_log
"realtime_user_lookup" directive is not allowed here



=== TEST 23: a parameter of a user lookup twice
--- http_config
    realtime_user_lookup users match=email match=name;
--- error_log
invalid or duplicate parameter of "realtime_user_lookup": "match=name"



=== TEST 24: a ttl twice
--- http_config
    realtime_user_lookup users ttl=5s ttl=10s;
--- error_log
invalid or duplicate parameter of "realtime_user_lookup": "ttl=10s"
