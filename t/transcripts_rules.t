# Each rule of a transcript's fields, as docs/http-api.md has them, with the whole
# error that a client gets; what is just allowed passes.

use lib 't/lib';
use Test::Nginx::Socket;
use JWT;
use Store;

repeat_each(1);
no_root_location();
no_long_string();

sub field { my ($field, $msg, $type) = @_; return [qq(["body","$field"]), $msg, $type] }

my $long = 'x' x 201;
my $deep = ('{"a":' x 32) . 1 . ('}' x 32);

our @wrong = (
    ['{}', field('text', 'Field required', 'missing')],
    ['{"text":1}', field('text', 'Not a string', 'string_type')],
    ['{"text":null}', field('text', 'Not a string', 'string_type')],
    ['{"text":""}', field('text', 'Empty or blank', 'string_too_short')],
    ['{"text":" \t\u00a0\u3000"}', field('text', 'Empty or blank', 'string_too_short')],
    ['{"text":"' . 'x' x 16385 . '"}', field('text', 'Longer than 16 KB', 'string_too_long')],
    ['{"text":"' . "\xc3\xa9" x 8193 . '"}', field('text', 'Longer than 16 KB', 'string_too_long')],
    ['{"text":"a","user_id":17}', field('user_id', 'Not a string', 'string_type')],
    ['{"text":"a","role":"system"}', field('role', "Neither 'user' nor 'assistant'", 'literal_error')],
    ['{"text":"a","role":null}', field('role', "Neither 'user' nor 'assistant'", 'literal_error')],
    (map { [qq({"text":"a","$_":{}}), field($_, 'Not a string', 'string_type')],
           [qq({"text":"a","$_":"$long"}), field($_, 'Longer than 200 characters', 'string_too_long')] }
         qw(session_id call_id item_id previous_item_id)),
    ['{"text":"a","language":1}', field('language', 'Not a string', 'string_type')],
    ['{"text":"a","language":"' . 'x' x 36 . '"}', field('language', 'Longer than 35 characters', 'string_too_long')],
    ['{"text":"a","timestamp":1767225600}', field('timestamp', 'Not a string', 'datetime_type')],
    ['{"text":"a","timestamp":"yesterday"}',
     field('timestamp', 'Not a date and time of RFC 3339', 'datetime_parsing')],
    ['{"text":"a","timestamp":"2026-02-30T00:00:00Z"}',
     field('timestamp', 'Not a date and time of RFC 3339', 'datetime_parsing')],
    ['{"text":"a","timestamp":"2026-01-01T00:00:00"}',
     field('timestamp', 'Not a date and time of RFC 3339', 'datetime_parsing')],
    ['{"text":"a","timestamp":"0000-12-31T23:59:59Z"}',
     field('timestamp', 'Not a date and time of RFC 3339', 'datetime_parsing')],
    ['{"text":"a","timestamp":"9999-01-01T00:00:00Z"}',
     field('timestamp', 'More than 24 hours ahead', 'datetime_past')],
    ['{"text":"a","metadata":[]}', field('metadata', 'Not an object', 'dict_type')],
    ['{"text":"a","metadata":"{}"}', field('metadata', 'Not an object', 'dict_type')],
    ['{"text":"a","metadata":{"a":{"$gt":""}}}', field('metadata', "A name begins with '\$'", 'value_error')],
    [qq({"text":"a","metadata":{"a":$deep}}), field('metadata', 'Nested deeper than 32 levels', 'value_error')],
    ['{"text":"a","metadata":{"a":"' . 'x' x 4089 . '"}}', field('metadata', 'More than 4 KB', 'too_long')],
    ['{"text":"a","source":"observed"}', field('source', 'No such field', 'extra_forbidden')],
    ['{"text":"a","<b>\u001b":1}', field('<b>\u001b', 'No such field', 'extra_forbidden')],
    ['[]', ['["body"]', 'The list is empty', 'too_short']],
    ['[' . CORE::join(',', ('{"text":"a"}') x 101) . ']', ['["body"]', 'More than 100 items', 'too_long']],
    ['["a"]', ['["body",0]', 'Not an object', 'dict_type']],
    ['"text"', ['["body"]', 'Not an object', 'dict_type']],
    ['{"text":"a","text":"b"}', ['["body",\d+]', 'A field is given twice', 'json_invalid']],
    ['{"text":"a","metadata":{"a":1,"a":2}}', ['["body",\d+]', 'A field is given twice', 'json_invalid']],
    ["{\"text\":\"\xff\"}", ['["body",9]', 'Not UTF-8', 'json_invalid']],
    ["{\"text\":\"\xed\xa0\x80\"}", ['["body",9]', 'Not UTF-8', 'json_invalid']],
    ['{"text":"\u0000"}', ['["body",\d+]', 'A NUL character', 'json_invalid']],
    ['{"text":"a","metadata":{"\u0000":1}}', ['["body",\d+]', 'A NUL character', 'json_invalid']],
    ['{"text":"\ud800"}', ['["body",\d+]', 'Not JSON', 'json_invalid']],
    ['{"text":"\udc00\ud800"}', ['["body",\d+]', 'Not JSON', 'json_invalid']],
    ['{"text":"a","metadata":{"n":' . '9' x 65536 . '}}', ['["body",\d+]', 'A number is too large', 'json_invalid']],
    ['[' x 100_000, ['["body",\d+]', 'Nested too deep', 'json_invalid']],
    ['', ['["body",0]', 'Not JSON', 'json_invalid']],
    ['{"text":"a"} x', ['["body",\d+]', 'Not JSON', 'json_invalid']],
);

# the whole body of the answer, where \d+ stands for a position in the request's
sub answer {
    my ($loc, $msg, $type) = @{ $_[0][1] };

    my $text = quotemeta(qq({"detail":[{"loc":$loc,"msg":"$msg","type":"$type"}],"error":)
                         . '{"message":"Invalid transcript","type":"invalid_request_error",'
                         . '"code":"invalid_transcript","param":null}}');
    $text =~ s/\\\\d\\\+/\\d+/;

    return "^$text\$";
}

our @right = map { "POST /t\n$_" } (
    '{"text":"' . 'x' x 16384 . '"}',
    '{"text":"a","session_id":"' . "\xf0\x9f\x8e\x99" x 200 . '"}',
    '{"text":"a","language":"' . 'x' x 35 . '"}',
    '{"text":"a","user_id":null,"session_id":null,"timestamp":null,"metadata":null,"language":null}',
    '{"text":"a","timestamp":"0001-01-01T00:00:00Z"}',
    '{"text":"a","metadata":{"a":"' . 'x' x 4088 . '"}}',
    '{"text":"a","metadata":' . ('{"a":' x 32) . 1 . ('}' x 32) . '}',
    '{"text":"\ud83c\udf99 \u00e9"}',
    '[' . CORE::join(',', ('{"text":"a"}') x 100) . ']',
);

add_block_preprocessor(sub { use_store(shift) });

plan('no_plan');

run_tests();

__DATA__

=== TEST 1: each rule, and the whole of its error
--- request eval
[map { "POST /t\n$_->[0]" } @::wrong]
--- error_code eval
[map { 422 } @::wrong]
--- response_body_like eval
[map { main::answer($_) } @::wrong]



=== TEST 2: what is just allowed
--- request eval
[@::right, 'GET /t?limit=200']
--- error_code eval
[map { 200 } @::right, 1]
--- response_body_like eval
[(map { '^\{"ids?":' } @::right), '"text":"x{16384}"']



=== TEST 3: of many faults the first 32
--- request eval
"POST /t\n[" . CORE::join(',', ('{"text":"a","typo":1}') x 100) . ']'
--- error_code: 422
--- response_body_like eval
'^\{"detail":\[(\{"loc":\["body",\d+,"typo"\],"msg":"No such field","type":"extra_forbidden"\},?){32}\],"error":'
