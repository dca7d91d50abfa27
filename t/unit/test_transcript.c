#include "rt_page.h"
#include "rt_transcript.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>


#define NOW  1795478550123456LL              /* us */


static const rt_str_t  ann = rt_string("ann");


static rt_transcript_rc_e
parse(const char *body, size_t len, rt_transcript_batch_t *batch,
    rt_buf_t *detail)
{
    char                *copy;
    rt_transcript_rc_e   rc;

    /* a copy of its exact size: the sanitizer sees a byte read beyond */

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, body, len);

    memset(detail, 0, sizeof(rt_buf_t));
    rc = rt_transcript_parse(copy, len, ann, NOW, batch, detail);
    rt_buf_add(detail, "", 1);

    free(copy);

    return rc;
}


static rt_transcript_batch_t
good(const char *body)
{
    rt_buf_t               detail;
    rt_transcript_batch_t  batch;

    if (parse(body, strlen(body), &batch, &detail) != RT_TRANSCRIPT_OK) {
        fail_msg("%s: %s", body, detail.data);
    }

    rt_buf_free(&detail);

    return batch;
}


static void
bad(const char *body, const char *want)
{
    rt_buf_t               detail;
    rt_transcript_batch_t  batch;

    if (parse(body, strlen(body), &batch, &detail) != RT_TRANSCRIPT_INVALID) {
        fail_msg("%.200s was accepted", body);
    }

    if (strstr(detail.data, want) == NULL) {
        fail_msg("%.200s: %s holds no %s", body, detail.data, want);
    }

    rt_buf_free(&detail);
}


/* a body with a text of n times s in the place of %s */

static char *
fill(const char *fmt, const char *s, size_t n)
{
    char    *text, *body;
    size_t   len;

    len = strlen(s);
    text = malloc(n * len + 1);
    body = malloc(strlen(fmt) + n * len + 1);
    assert_non_null(text);
    assert_non_null(body);

    text[n * len] = '\0';
    while (n--) {
        memcpy(text + n * len, s, len);
    }

    sprintf(body, fmt, text);
    free(text);

    return body;
}


static void
bad_long(const char *fmt, const char *s, size_t n, const char *want)
{
    char                  *body;
    rt_transcript_batch_t  batch;

    /* n - 1 is the longest that is taken */

    body = fill(fmt, s, n - 1);
    batch = good(body);
    rt_transcript_batch_free(&batch);
    free(body);

    body = fill(fmt, s, n);
    bad(body, want);
    free(body);
}


static void
test_one(void **state)
{
    rt_transcript_t        *t;
    rt_transcript_batch_t   batch;

    (void) state;

    batch = good("{\"text\":\"Bonjour\",\"user_id\":\"ann\",\"role\":"
                 "\"assistant\",\"session_id\":\"s\",\"call_id\":\"c\","
                 "\"item_id\":\"i\",\"previous_item_id\":\"h\","
                 "\"timestamp\":\"2020-01-01T00:00:00Z\","
                 "\"language\":\"fr\",\"metadata\":{ \"b\" : [1, 2.5] }}");

    assert_int_equal(batch.n, 1);
    assert_false(batch.array);

    t = &batch.items[0];

    assert_int_equal(t->role, RT_ROLE_ASSISTANT);
    assert_int_equal(t->timestamp, 1577836800000);
    assert_int_equal(t->created_at, NOW / 1000);
    assert_memory_equal(t->text.data, "Bonjour", 7);
    assert_int_equal(t->metadata.len, strlen("{\"b\":[1,2.5]}"));
    assert_memory_equal(t->metadata.data, "{\"b\":[1,2.5]}", t->metadata.len);

    rt_transcript_batch_free(&batch);
}


static void
test_defaults(void **state)
{
    rt_transcript_t        *t;
    rt_transcript_batch_t   batch;

    (void) state;

    batch = good("[{\"text\":\"a\"},{\"text\":\"b\",\"user_id\":null,"
                 "\"session_id\":null,\"item_id\":\"\",\"timestamp\":null,"
                 "\"metadata\":null}]");

    assert_int_equal(batch.n, 2);
    assert_true(batch.array);

    t = batch.items;

    assert_int_equal(t[1].role, RT_ROLE_USER);
    assert_int_equal(t[1].timestamp, NOW / 1000);
    assert_null(t[1].session_id.data);
    assert_null(t[1].item_id.data);
    assert_null(t[1].metadata.data);
    assert_int_equal(t[1].user_id.len, 3);
    assert_true(t[1].seq > t[0].seq);
    assert_memory_not_equal(&t[0].id, &t[1].id, sizeof(rt_id_t));

    rt_transcript_batch_free(&batch);
}


static void
test_ids(void **state)
{
    unsigned               i, j;
    rt_transcript_batch_t  a, b;

    static const char  body[] =
        "[{\"text\":\"1\",\"session_id\":\"s\",\"item_id\":\"i\"},"
        " {\"text\":\"1\",\"session_id\":\"s\",\"item_id\":\"j\"},"
        " {\"text\":\"1\",\"session_id\":\"t\",\"item_id\":\"i\"},"
        " {\"text\":\"1\",\"session_id\":\"si\",\"item_id\":\"x\"},"
        " {\"text\":\"1\",\"session_id\":\"s\",\"item_id\":\"ix\"},"
        " {\"text\":\"1\",\"session_id\":\"s\",\"item_id\":\"i\","
        "  \"role\":\"assistant\"}]";

    (void) state;

    a = good(body);
    b = good(body);

    for (i = 0; i < a.n; i++) {
        for (j = 0; j < b.n; j++) {
            assert_int_equal(memcmp(&a.items[i].id, &b.items[j].id,
                                    sizeof(rt_id_t)) == 0, i == j);
        }
    }

    assert_true(b.items[0].seq > a.items[a.n - 1].seq);

    rt_transcript_batch_free(&a);
    rt_transcript_batch_free(&b);
}


static void
test_users(void **state)
{
    size_t                 i;
    rt_buf_t               detail;
    rt_transcript_batch_t  batch;

    static const char *const  bodies[] = {
        "{\"text\":\"a\",\"user_id\":\"bob\"}",
        "{\"text\":\"a\",\"user_id\":\"an\"}",
        "{\"text\":\"a\",\"user_id\":\"Ann\"}",
        "{\"text\":\"a\",\"user_id\":\"\"}",
        "[{\"text\":\"a\",\"user_id\":\"ann\"},"
         "{\"text\":\"a\",\"user_id\":\"ann \"}]",
    };

    (void) state;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(parse(bodies[i], strlen(bodies[i]), &batch, &detail),
                         RT_TRANSCRIPT_MISMATCH);
        rt_buf_free(&detail);
    }

    bad("{\"text\":\"\",\"user_id\":\"bob\"}", "[\"body\",\"text\"]");
}


static void
test_fields(void **state)
{
    size_t  i;

    static const struct {
        const char  *body;
        const char  *want;
    } cases[] = {
        { "{}", "{\"loc\":[\"body\",\"text\"],\"msg\":\"Field required\","
                "\"type\":\"missing\"}" },
        { "[{\"text\":\"a\"},{}]", "[\"body\",1,\"text\"]" },
        { "[]", "too_short" },
        { "[1]", "[\"body\",0]" },
        { "[[{\"text\":\"a\"}]]", "dict_type" },
        { "1", "dict_type" },
        { "\"text\"", "dict_type" },
        { "null", "dict_type" },
        { "{\"text\":1}", "string_type" },
        { "{\"text\":null}", "string_type" },
        { "{\"text\":\"\"}", "string_too_short" },
        { "{\"text\":\" \\t\\n\\u00a0\\u2003\\u3000\"}", "string_too_short" },
        { "{\"text\":\"a\",\"user_id\":1}", "[\"body\",\"user_id\"]" },
        { "{\"text\":\"a\",\"session_id\":7}", "[\"body\",\"session_id\"]" },
        { "{\"text\":\"a\",\"call_id\":[]}", "[\"body\",\"call_id\"]" },
        { "{\"text\":\"a\",\"item_id\":{}}", "[\"body\",\"item_id\"]" },
        { "{\"text\":\"a\",\"previous_item_id\":true}", "string_type" },
        { "{\"text\":\"a\",\"language\":1}", "[\"body\",\"language\"]" },
        { "{\"text\":\"a\",\"role\":\"system\"}", "literal_error" },
        { "{\"text\":\"a\",\"role\":\"User\"}", "literal_error" },
        { "{\"text\":\"a\",\"role\":null}", "literal_error" },
        { "{\"text\":\"a\",\"role\":0}", "literal_error" },
        { "{\"text\":\"a\",\"timestamp\":1795478550}", "datetime_type" },
        { "{\"text\":\"a\",\"timestamp\":\"today\"}", "datetime_parsing" },
        { "{\"text\":\"a\",\"timestamp\":\"2026-11-25T00:02:31Z\"}",
          "More than 24 hours ahead" },
        { "{\"text\":\"a\",\"metadata\":[]}", "dict_type" },
        { "{\"text\":\"a\",\"metadata\":\"{}\"}", "dict_type" },
        { "{\"text\":\"a\",\"metadata\":{\"$set\":1}}", "value_error" },
        { "{\"text\":\"a\",\"metadata\":{\"a\":[{\"$date\":1}]}}",
          "value_error" },
        { "{\"text\":\"a\",\"txet\":\"b\"}",
          "[\"body\",\"txet\"],\"msg\":\"No such field\","
          "\"type\":\"extra_forbidden\"" },
        { "{\"text\":\"a\",\"Role\":\"user\"}", "extra_forbidden" },
        { "{\"text\":\"a\",\"id\":\"x\"}", "extra_forbidden" },
        { "{\"text\":\"a\",\"source\":\"observed\"}", "extra_forbidden" },
        { "{\"text\":\"a\",\"text\":\"b\"}", "given twice" },
        { "{\"text\":\"a\",\"metadata\":{\"a\":1,\"a\":2}}", "given twice" },
        { "", "json_invalid" },
        { "{\"text\":\"a\"", "json_invalid" },
        { "{\"text\":\"a\"} x", "json_invalid" },
        { "{'text':'a'}", "json_invalid" },
        { "{\"text\":\"a\",}", "json_invalid" },
        { "{\"text\":\"a\\u0000\"}", "A NUL character" },
        { "{\"text\":\"a\",\"metadata\":{\"a\\u0000\":1}}", "json_invalid" },
        { "{\"text\":\"\\ud800\"}", "json_invalid" },
        { "{\"text\":\"\\udc00\\ud800\"}", "json_invalid" },
        { "{\"text\":\"\xff\"}", "Not UTF-8" },
        { "{\"text\":\"\xc0\x80\"}", "Not UTF-8" },
        { "{\"text\":\"\xed\xa0\x80\"}", "Not UTF-8" },
        { "{\"text\":\"a\",\"metadata\":{\"n\":99999999999999999999}}",
          "A number is too large" },
        { "{\"text\":\"a\",\"metadata\":{\"n\":1e999}}",
          "A number is too large" },
        { "{\"text\":\"a\",\"metadata\":{\"n\":NaN}}", "json_invalid" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bad(cases[i].body, cases[i].want);
    }
}


static void
test_limits(void **state)
{
    (void) state;

    bad_long("{\"text\":\"%s\"}", "a", RT_TRANSCRIPT_TEXT_MAX + 1,
             "string_too_long");
    bad_long("{\"text\":\"%s\"}", "\xc3\xa9", RT_TRANSCRIPT_TEXT_MAX / 2 + 1,
             "string_too_long");
    bad_long("{\"text\":\"a\",\"session_id\":\"%s\"}", "\xf0\x9f\x8e\x99", 201,
             "[\"body\",\"session_id\"]");
    bad_long("{\"text\":\"a\",\"item_id\":\"%s\"}", "i", 201,
             "string_too_long");
    bad_long("{\"text\":\"a\",\"language\":\"%s\"}", "l", 36,
             "Longer than 35 characters");
    bad_long("{\"text\":\"a\",\"metadata\":{\"a\":\"%s\"}}", "m",
             RT_TRANSCRIPT_METADATA_MAX - 7, "[\"body\",\"metadata\"]");
    bad_long("[%s{\"text\":\"a\"}]", "{\"text\":\"a\"},", 100, "too_long");
}


static void
test_hostile(void **state)
{
    char  *body;

    (void) state;

    body = fill("{\"text\":\"a\",\"metadata\":{\"a\":%s1", "[", 100);
    bad(body, "json_invalid");
    free(body);

    body = fill("{\"text\":\"a\",\"metadata\":{\"a\":"
                "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[%s"
                "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}", " ", 1);
    bad(body, "Nested deeper than 32 levels");
    free(body);

    body = fill("%s", "[", 200000);
    bad(body, "json_invalid");
    free(body);

    body = fill("{\"text\":\"a\",\"metadata\":{\"n\":%s}}", "9", 65536);
    bad(body, "A number is too large");
    free(body);

    body = fill("{\"%s\":1}", "\xc3\xa9", 5000);
    bad(body, "extra_forbidden");
    free(body);

    body = fill("[{}%s]", ",{}", 99);
    bad(body, "[\"body\",31,\"text\"]");
    free(body);
}


static void
test_reply(void **state)
{
    rt_buf_t               b;
    rt_transcript_batch_t  batch;

    (void) state;

    memset(&b, 0, sizeof(rt_buf_t));

    batch = good("{\"text\":\"a\"}");
    memcpy(batch.items[0].id.bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef"
                                    "\x00\xff\x10\x0a", RT_ID_LEN);

    rt_transcript_reply(&b, &batch, 0);
    rt_transcript_reply(&b, &batch, 1);
    batch.array = 1;
    rt_transcript_reply(&b, &batch, 1);
    rt_buf_add(&b, "", 1);

    assert_string_equal(b.data,
        "{\"id\":\"0123456789abcdef00ff100a\"}"
        "{\"id\":\"0123456789abcdef00ff100a\",\"queued\":true}"
        "{\"ids\":[\"0123456789abcdef00ff100a\"],\"queued\":true}");

    rt_buf_free(&b);
    rt_transcript_batch_free(&batch);
}


static void
test_cursors(void **state)
{
    size_t           i;
    rt_buf_t         b;
    rt_str_t         text;
    rt_cursor_t      c, back;
    rt_session_t     s;
    rt_transcript_t  t;

    static const char *const  wrong[] = {
        "", "i", "x", "i00", "../../etc", "s", "sz",
        "i0000000000000000000000000000000000000000000000000000000g",
    };

    (void) state;

    memset(&b, 0, sizeof(rt_buf_t));
    memset(&t, 0, sizeof(rt_transcript_t));
    memset(&s, 0, sizeof(rt_session_t));

    t.timestamp = -5;
    t.seq = 77;
    t.id.bytes[3] = 9;
    rt_cursor_item(&c, &t);
    rt_cursor_format(&b, &c);

    text.data = b.data;
    text.len = b.len;

    assert_int_equal(rt_cursor_parse(&back, text, 0), 0);
    assert_memory_equal(&back, &c, sizeof(rt_cursor_t));
    assert_int_equal(rt_cursor_parse(&back, text, 1), -1);

    text.len--;
    assert_int_equal(rt_cursor_parse(&back, text, 0), -1);

    b.len = 0;
    s.session_id.data = "caf\xc3\xa9";
    s.session_id.len = 5;
    s.last_at = 123;
    rt_cursor_session(&c, &s);
    rt_cursor_format(&b, &c);

    text.data = b.data;
    text.len = b.len;

    assert_int_equal(rt_cursor_parse(&back, text, 1), 0);
    assert_memory_equal(&back, &c, sizeof(rt_cursor_t));
    assert_int_equal(rt_cursor_parse(&back, text, 0), -1);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        text.data = wrong[i];
        text.len = strlen(wrong[i]);

        assert_int_equal(rt_cursor_parse(&back, text, 0), -1);
        assert_int_equal(rt_cursor_parse(&back, text, 1), -1);
    }

    rt_buf_free(&b);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_reply),
        cmocka_unit_test(test_cursors),
    };

    return cmocka_run_group_tests_name("rt_transcript", tests, NULL, NULL);
}
