/*
 * Documents that other programs put into the collection: what can be shown is,
 * and what is sent to a client is JSON whatever they hold.
 */

#include "rt_mongo.h"

#include <jansson.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>


static bson_oid_t       oid;
static rt_page_t        page;
static rt_transcript_t  t;
static int              dateless;


static bson_t *
document(void)
{
    bson_t  *doc;

    bson_oid_init_from_string(&oid, "650000000000000000000007");

    doc = bson_new();
    BSON_APPEND_OID(doc, "_id", &oid);
    BSON_APPEND_UTF8(doc, "user_id", "ann");
    BSON_APPEND_UTF8(doc, "text", "said");

    return doc;
}


static int
decode(bson_t *doc)
{
    int  rc;

    rt_page_free(&page);
    rc = rt_mongo_decode(doc, &page, &t, &dateless);
    bson_destroy(doc);

    return rc;
}


/* the JSON that a client gets of the item */

static json_t *
shown(void)
{
    json_t     *json;
    rt_buf_t    b;
    rt_page_t   one;

    memset(&b, 0, sizeof(rt_buf_t));
    memset(&one, 0, sizeof(rt_page_t));

    one.items = &t;
    one.n = 1;
    rt_page_lines(&b, &one);

    json = json_loadb(b.data, b.len, JSON_ALLOW_NUL, NULL);
    if (json == NULL) {
        fail_msg("not JSON: %.*s", (int) b.len, b.data);
    }

    rt_buf_free(&b);

    return json;
}


static void
test_plain(void **state)
{
    bson_t  *doc;

    (void) state;

    assert_int_equal(decode(document()), 0);
    assert_int_equal(dateless, 1);
    assert_int_equal(t.timestamp, 0x65000000LL * 1000);
    assert_int_equal(t.created_at, t.timestamp);
    assert_int_equal(t.seq, -1);
    assert_memory_equal(t.text.data, "said", 4);
    assert_null(t.session_id.data);

    doc = document();
    BSON_APPEND_DATE_TIME(doc, "timestamp", 5);
    BSON_APPEND_INT32(doc, "seq", 9);
    assert_int_equal(decode(doc), 0);
    assert_int_equal(dateless, 0);
    assert_int_equal(t.timestamp, 5);
    assert_int_equal(t.seq, 9);
}


static void
test_none(void **state)
{
    bson_t  *doc;

    (void) state;

    assert_int_equal(decode(bson_new()), 1);

    doc = bson_new();
    BSON_APPEND_UTF8(doc, "_id", "650000000000000000000007");
    BSON_APPEND_UTF8(doc, "text", "said");
    assert_int_equal(decode(doc), 1);

    doc = bson_new();
    BSON_APPEND_OID(doc, "_id", &oid);
    assert_int_equal(decode(doc), 1);

    doc = bson_new();
    BSON_APPEND_OID(doc, "_id", &oid);
    BSON_APPEND_INT32(doc, "text", 7);
    assert_int_equal(decode(doc), 1);

    doc = bson_new();
    BSON_APPEND_OID(doc, "_id", &oid);
    BSON_APPEND_UTF8(doc, "text", "\xff");
    assert_int_equal(decode(doc), 1);
}


static void
test_odd_values(void **state)
{
    json_t  *json, *metadata;
    bson_t  *doc, child;

    (void) state;

    doc = document();
    BSON_APPEND_UTF8(doc, "session_id", "caf\xe9");
    BSON_APPEND_UTF8(doc, "call_id", "\xed\xa0\x80");
    BSON_APPEND_UTF8(doc, "timestamp", "yesterday");
    BSON_APPEND_BOOL(doc, "seq", true);
    bson_append_utf8(doc, "language", -1, "f\0r", 3);

    BSON_APPEND_DOCUMENT_BEGIN(doc, "metadata", &child);
    BSON_APPEND_DOUBLE(&child, "nan", strtod("nan", NULL));
    BSON_APPEND_DOUBLE(&child, "inf", strtod("inf", NULL));
    BSON_APPEND_UTF8(&child, "bytes", "\xfe\xff");
    BSON_APPEND_BOOL(&child, "\xff name", true);
    BSON_APPEND_BINARY(&child, "binary", BSON_SUBTYPE_BINARY,
                       (const uint8_t *) "x", 1);
    BSON_APPEND_DATE_TIME(&child, "when", 5);
    BSON_APPEND_OID(&child, "who", &oid);
    bson_append_document_end(doc, &child);

    assert_int_equal(decode(doc), 0);
    assert_int_equal(dateless, 1);
    assert_int_equal(t.seq, -1);

    json = shown();
    assert_true(json_is_null(json_object_get(json, "session_id")));
    assert_true(json_is_null(json_object_get(json, "call_id")));

    metadata = json_object_get(json, "metadata");
    assert_int_equal(json_object_size(metadata), 6);
    assert_true(json_is_null(json_object_get(metadata, "nan")));
    assert_true(json_is_null(json_object_get(metadata, "inf")));
    assert_true(json_is_null(json_object_get(metadata, "bytes")));
    assert_true(json_is_null(json_object_get(metadata, "binary")));
    assert_string_equal(json_string_value(json_object_get(metadata, "when")),
                        "1970-01-01T00:00:00.005Z");
    assert_string_equal(json_string_value(json_object_get(metadata, "who")),
                        "650000000000000000000007");

    json_decref(json);
}


/* deeper than any stack would bear, were it followed */

static void
test_deep(void **state)
{
    int      i;
    json_t  *json, *level;
    bson_t  *doc, *inner, *outer;

    (void) state;

    inner = bson_new();

    for (i = 0; i < 2000; i++) {
        outer = bson_new();
        BSON_APPEND_DOCUMENT(outer, "a", inner);
        bson_destroy(inner);
        inner = outer;
    }

    doc = document();
    BSON_APPEND_DOCUMENT(doc, "metadata", inner);
    bson_destroy(inner);

    assert_int_equal(decode(doc), 0);

    json = shown();
    level = json_object_get(json, "metadata");

    for (i = 0; json_is_object(level); i++) {
        level = json_object_get(level, "a");
    }

    assert_int_equal(i, 100);
    assert_true(json_is_null(level));

    json_decref(json);
}


int
main(void)
{
    int  failed;

    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_odd_values),
        cmocka_unit_test(test_deep),
    };

    failed = cmocka_run_group_tests_name("rt_mongo_doc", tests, NULL, NULL);
    rt_page_free(&page);

    return failed;
}
