# What nginx -t refuses of an offer's configuration.

use lib 't/lib';
use Test::Nginx::Socket;

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('user_files', ">>> key\nsk-x\n>>> empty\n\n>>> two\nsk-a\nsk-b\n>>> accent\nsk-\xc3\xa9\n"
        . ">>> large\n" . 'k' x 8193 . "\n>>> modelless.json\n{\"model\":7}\n"
        . ">>> list.json\n[]\n>>> bad.json\n{\n>>> nomodel.json\n{\"type\":\"realtime\"}\n");
    $block->set_value('request', 'GET /');
    $block->set_value('must_die', 1);
    $block->set_value('no_error_log', "[alert]\n[crit]\nsk-a") unless defined $block->no_error_log;
    $block->set_value('config', $block->whole
        // "location /offer {\nrealtime_auth off;\nrealtime_offer;\n" . $block->offer . "\n}");
});

no_root_location();
repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: no key
--- offer
realtime_upstream http://127.0.0.1;
realtime_models m;
--- error_log
realtime_offer in location "/offer" needs realtime_api_key_file



=== TEST 2: a key's file that is not there
--- offer
realtime_api_key_file ../html/nokey;
--- error_log
html/nokey" cannot be read



=== TEST 3: an empty key
--- offer
realtime_api_key_file ../html/empty;
--- error_log
html/empty" is empty



=== TEST 4: a key that would be two lines
--- offer
realtime_api_key_file ../html/two;
--- error_log
html/two" has a character that no key has



=== TEST 5: a header that is none
--- offer
realtime_api_key_file ../html/key "header=api key";
--- error_log
"api key" is no name of a header



=== TEST 6: no model
--- offer
realtime_api_key_file ../html/key;
realtime_upstream http://127.0.0.1;
realtime_session ../html/nomodel.json;
--- error_log
realtime_offer in location "/offer" has no model



=== TEST 7: a session that is no object
--- offer
realtime_session ../html/list.json;
--- error_log
html/list.json" is no JSON object



=== TEST 8: a session that is no JSON
--- offer
realtime_session ../html/bad.json;
--- error_log
html/bad.json": string



=== TEST 9: an alias to a model that is not allowed
--- offer
realtime_api_key_file ../html/key;
realtime_upstream http://127.0.0.1;
realtime_models a b;
realtime_model_alias old c;
--- error_log
stands for "c", which is no model allowed there



=== TEST 10: an alias that is a model
--- offer
realtime_api_key_file ../html/key;
realtime_upstream http://127.0.0.1;
realtime_models a b;
realtime_model_alias a b;
--- error_log
realtime_model_alias "a" in location "/offer" is a model allowed there



=== TEST 11: a model twice
--- offer
realtime_models a b a;
--- error_log
realtime_models names "a" twice



=== TEST 12: an alias twice
--- offer
realtime_model_alias a b;
realtime_model_alias a c;
--- error_log
duplicate realtime_model_alias "a"



=== TEST 13: a URL without a scheme
--- offer
realtime_upstream api.openai.com/v1;
--- error_log
does not begin with "http://" or "https://"



=== TEST 14: a URL without a host
--- offer
realtime_upstream https:///v1;
--- error_log
no host in realtime_upstream "https:///v1"



=== TEST 15: a URL with a query
--- offer
realtime_upstream https://127.0.0.1/v1?x=1;
--- error_log
is no URL of a scheme, a host and a path alone



=== TEST 16: a host that does not resolve
--- offer
realtime_api_key_file ../html/key;
realtime_upstream http://nowhere.invalid/v1;
realtime_models m;
--- error_log
host not found in realtime_upstream "http://nowhere.invalid/v1" of location "/offer"



=== TEST 17: an API nobody speaks
--- offer
realtime_upstream http://127.0.0.1 api=sip;
--- error_log
invalid parameter "api=sip" of realtime_upstream



=== TEST 18: twice
--- offer
realtime_upstream http://127.0.0.1;
realtime_upstream http://127.0.0.1;
--- error_log
"realtime_upstream" directive is duplicate



=== TEST 19: no time
--- offer
realtime_api_key_file ../html/key;
realtime_upstream http://127.0.0.1;
realtime_models m;
realtime_timeout 0;
--- error_log
must not be 0



=== TEST 20: a certificate's file that is not there
--- offer
realtime_api_key_file ../html/key;
realtime_upstream https://127.0.0.1;
realtime_models m;
realtime_ssl_trusted_certificate ../html/none.pem;
--- error_log
html/none.pem



=== TEST 21: no time to connect
--- offer
realtime_api_key_file ../html/key;
realtime_upstream http://127.0.0.1;
realtime_models m;
realtime_connect_timeout 0;
--- error_log
must not be 0



=== TEST 22: no room for an offer
--- offer
realtime_api_key_file ../html/key;
realtime_upstream http://127.0.0.1;
realtime_models m;
realtime_offer_max_size 0;
--- error_log
must not be 0



=== TEST 23: a key twice
--- offer
realtime_api_key_file ../html/key;
realtime_api_key_file ../html/key;
--- error_log
"realtime_api_key_file" directive is duplicate



=== TEST 24: a key with a parameter that is none
--- offer
realtime_api_key_file ../html/key heading=api-key;
--- error_log
invalid parameter "heading=api-key" of realtime_api_key_file



=== TEST 25: a key with a letter that no header holds
--- offer
realtime_api_key_file ../html/accent;
--- error_log
html/accent" has a character that no key has



=== TEST 26: a file too large for a key
--- offer
realtime_api_key_file ../html/large;
--- error_log
html/large" is too large for a key



=== TEST 27: models in two directives
--- offer
realtime_models a;
realtime_models b;
--- error_log
"realtime_models" directive is duplicate



=== TEST 28: a model without a name
--- offer
realtime_models a "";
--- error_log
"realtime_models" directive has an empty name



=== TEST 29: two sessions
--- offer
realtime_session ../html/nomodel.json;
realtime_session ../html/nomodel.json;
--- error_log
"realtime_session" directive is duplicate



=== TEST 30: a session whose model is no name
--- offer
realtime_session ../html/modelless.json;
--- error_log
html/modelless.json": "model" is no name



=== TEST 31: a URL with a password
--- offer
realtime_upstream https://user:Zq0password@127.0.0.1/v1;
--- error_log
is no URL of a scheme, a host and a path alone
--- no_error_log
Zq0password



=== TEST 32: a URL with a fragment
--- offer
realtime_upstream https://127.0.0.1/v1#x;
--- error_log
is no URL of a scheme, a host and a path alone



=== TEST 33: a name that is no host
--- offer
realtime_upstream https://127.0.0.1/v1 name=api.test/v1;
--- error_log
"realtime_upstream" directive has a name= that is no host



=== TEST 34: an offer needs keys of users, or it says that it needs none
--- whole
location /offer {
    realtime_offer;
    realtime_api_key_file ../html/key;
    realtime_upstream http://127.0.0.1;
    realtime_models m;
}
--- error_log
realtime_jwt_key



=== TEST 35: an error's form that is none
--- offer
realtime_errors plain;
--- error_log
invalid value "plain"
