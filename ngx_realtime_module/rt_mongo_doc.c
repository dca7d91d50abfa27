
/*
 * Transcripts as BSON documents, and metadata as plain values: "$date" in it
 * is a name, never a date.
 */

#include "rt_mongo.h"
#include "rt_time.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>


#define RT_MONGO_DEPTH_MAX  100             /* of documents of others */


static int rt_mongo_text(bson_t *doc, const char *name, rt_str_t s);
static int rt_mongo_object(bson_t *doc, json_t *json);
static int rt_mongo_array(bson_t *doc, json_t *json);
static int rt_mongo_value(bson_t *doc, const char *name, size_t len,
    json_t *json);
static int rt_mongo_copy(rt_page_t *page, const bson_iter_t *iter,
    rt_str_t *s);
static int rt_mongo_metadata(rt_page_t *page, const bson_iter_t *iter,
    rt_str_t *s);
static json_t *rt_mongo_json(const bson_iter_t *iter, unsigned depth);
static json_t *rt_mongo_json_children(const bson_iter_t *iter,
    unsigned depth);
static json_t *rt_mongo_json_time(int64_t ms);
static int rt_mongo_is(const bson_iter_t *iter, const char *text);


int
rt_mongo_encode(bson_t *doc, const rt_transcript_t *t)
{
    int         rc;
    bson_t      metadata;
    json_t     *json;
    bson_oid_t  oid;

    bson_oid_init_from_data(&oid, t->id.bytes);

    if (!BSON_APPEND_OID(doc, "_id", &oid)
        || rt_mongo_text(doc, "user_id", t->user_id) == -1
        || rt_mongo_text(doc, "session_id", t->session_id) == -1
        || !BSON_APPEND_UTF8(doc, "role", rt_role_name(t->role))
        || rt_mongo_text(doc, "text", t->text) == -1
        || !BSON_APPEND_DATE_TIME(doc, "timestamp", t->timestamp)
        || !BSON_APPEND_DATE_TIME(doc, "created_at", t->created_at)
        || !BSON_APPEND_INT64(doc, "seq", t->seq)
        || rt_mongo_text(doc, "call_id", t->call_id) == -1
        || rt_mongo_text(doc, "item_id", t->item_id) == -1
        || rt_mongo_text(doc, "previous_item_id", t->previous_item_id) == -1
        || rt_mongo_text(doc, "language", t->language) == -1
        || !BSON_APPEND_UTF8(doc, "source", rt_source_name(t->source)))
    {
        return -1;
    }

    if (t->metadata.data == NULL) {
        return 0;
    }

    json = json_loadb(t->metadata.data, t->metadata.len, 0, NULL);

    if (!json_is_object(json)) {
        json_decref(json);
        return -1;
    }

    rc = -1;

    if (BSON_APPEND_DOCUMENT_BEGIN(doc, "metadata", &metadata)) {
        rc = rt_mongo_object(&metadata, json);
        bson_append_document_end(doc, &metadata);
    }

    json_decref(json);

    return rc;
}


static int
rt_mongo_text(bson_t *doc, const char *name, rt_str_t s)
{
    if (s.data == NULL) {
        return 0;
    }

    return bson_append_utf8(doc, name, -1, s.data, (int) s.len) ? 0 : -1;
}


static int
rt_mongo_object(bson_t *doc, json_t *json)
{
    json_t      *value;
    const char  *name;

    json_object_foreach(json, name, value) {

        if (rt_mongo_value(doc, name, strlen(name), value) == -1) {
            return -1;
        }
    }

    return 0;
}


static int
rt_mongo_array(bson_t *doc, json_t *json)
{
    char         text[16];
    size_t       i, n, len;
    const char  *name;

    n = json_array_size(json);

    for (i = 0; i < n; i++) {
        len = bson_uint32_to_string((uint32_t) i, &name, text, sizeof(text));

        if (rt_mongo_value(doc, name, len, json_array_get(json, i)) == -1) {
            return -1;
        }
    }

    return 0;
}


static int
rt_mongo_value(bson_t *doc, const char *name, size_t len, json_t *json)
{
    int      ok, n;
    bson_t   child;
    int64_t  integer;

    n = (int) len;

    switch (json_typeof(json)) {

    case JSON_OBJECT:
        if (!bson_append_document_begin(doc, name, n, &child)) {
            return -1;
        }

        ok = rt_mongo_object(&child, json) == 0;
        bson_append_document_end(doc, &child);
        break;

    case JSON_ARRAY:
        if (!rt_mongo_array_begin(doc, name, n, &child)) {
            return -1;
        }

        ok = rt_mongo_array(&child, json) == 0;
        bson_append_array_end(doc, &child);
        break;

    case JSON_STRING:
        ok = bson_append_utf8(doc, name, n, json_string_value(json),
                              (int) json_string_length(json));
        break;

    case JSON_INTEGER:
        integer = json_integer_value(json);

        if (integer >= INT32_MIN && integer <= INT32_MAX) {
            ok = bson_append_int32(doc, name, n, (int32_t) integer);

        } else {
            ok = bson_append_int64(doc, name, n, integer);
        }

        break;

    case JSON_REAL:
        ok = bson_append_double(doc, name, n, json_real_value(json));
        break;

    case JSON_TRUE:
    case JSON_FALSE:
        ok = bson_append_bool(doc, name, n, json_is_true(json));
        break;

    default:
        ok = bson_append_null(doc, name, n);
    }

    return ok ? 0 : -1;
}


int
rt_mongo_decode(const bson_t *doc, rt_page_t *page, rt_transcript_t *t,
    int *dateless)
{
    size_t       i;
    rt_str_t    *s;
    const char  *name;
    bson_iter_t  iter;

    static const struct {
        const char  *name;
        size_t       offset;
    } fields[] = {
        { "user_id", offsetof(rt_transcript_t, user_id) },
        { "session_id", offsetof(rt_transcript_t, session_id) },
        { "text", offsetof(rt_transcript_t, text) },
        { "call_id", offsetof(rt_transcript_t, call_id) },
        { "item_id", offsetof(rt_transcript_t, item_id) },
        { "previous_item_id", offsetof(rt_transcript_t, previous_item_id) },
        { "language", offsetof(rt_transcript_t, language) },
    };

    memset(t, 0, sizeof(rt_transcript_t));
    *dateless = 1;

    if (!bson_iter_init_find(&iter, doc, "_id")
        || !BSON_ITER_HOLDS_OID(&iter))
    {
        return 1;
    }

    memcpy(t->id.bytes, bson_iter_oid(&iter)->bytes, RT_ID_LEN);

    t->timestamp = rt_mongo_oid_time(bson_iter_oid(&iter));
    t->created_at = t->timestamp;
    t->seq = -1;

    if (!bson_iter_init(&iter, doc)) {
        return 1;
    }

    while (bson_iter_next(&iter)) {
        name = bson_iter_key(&iter);

        if (BSON_ITER_HOLDS_UTF8(&iter)) {

            if (strcmp(name, "role") == 0) {
                t->role = rt_mongo_is(&iter, "assistant");
                continue;
            }

            if (strcmp(name, "source") == 0) {
                t->source = rt_mongo_is(&iter, "observed");
                continue;
            }

            for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {

                if (strcmp(name, fields[i].name) == 0) {
                    s = (rt_str_t *) ((char *) t + fields[i].offset);

                    if (rt_mongo_copy(page, &iter, s) == -1) {
                        return -1;
                    }
                }
            }

            continue;
        }

        if (BSON_ITER_HOLDS_DATE_TIME(&iter)) {

            if (strcmp(name, "timestamp") == 0) {
                t->timestamp = bson_iter_date_time(&iter);
                *dateless = 0;
            }

            if (strcmp(name, "created_at") == 0) {
                t->created_at = bson_iter_date_time(&iter);
            }

            continue;
        }

        if (strcmp(name, "seq") == 0 && BSON_ITER_HOLDS_INT(&iter)) {
            t->seq = bson_iter_as_int64(&iter);
        }

        if (strcmp(name, "metadata") == 0 && BSON_ITER_HOLDS_DOCUMENT(&iter)
            && rt_mongo_metadata(page, &iter, &t->metadata) == -1)
        {
            return -1;
        }
    }

    return t->text.data ? 0 : 1;
}


static int
rt_mongo_copy(rt_page_t *page, const bson_iter_t *iter, rt_str_t *s)
{
    uint32_t  len;
    rt_str_t  value;

    value.data = bson_iter_utf8(iter, &len);
    value.len = len;

    /* a driver of somebody else may have written anything */

    if (!bson_utf8_validate(value.data, value.len, true)) {
        return 0;
    }

    *s = rt_page_copy(page, value);

    return s->data ? 0 : -1;
}


static int
rt_mongo_is(const bson_iter_t *iter, const char *text)
{
    return strcmp(bson_iter_utf8(iter, NULL), text) == 0;
}


static int
rt_mongo_metadata(rt_page_t *page, const bson_iter_t *iter, rt_str_t *s)
{
    char      *text;
    json_t    *json;
    rt_str_t   value;

    json = rt_mongo_json(iter, 0);
    text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);

    if (text == NULL) {
        return -1;
    }

    value.data = text;
    value.len = strlen(text);

    *s = rt_page_copy(page, value);
    free(text);

    return s->data ? 0 : -1;
}


static json_t *
rt_mongo_json(const bson_iter_t *iter, unsigned depth)
{
    char         hex[25];
    json_t      *json;
    uint32_t     len;
    const char  *text;

    switch (bson_iter_type(iter)) {

    case BSON_TYPE_DOCUMENT:
    case BSON_TYPE_ARRAY:
        return depth == RT_MONGO_DEPTH_MAX
               ? json_null() : rt_mongo_json_children(iter, depth + 1);

    case BSON_TYPE_UTF8:
        text = bson_iter_utf8(iter, &len);
        json = json_stringn(text, len);

        return json ? json : json_null();   /* not UTF-8 */

    case BSON_TYPE_INT32:
        return json_integer(bson_iter_int32(iter));

    case BSON_TYPE_INT64:
        return json_integer(bson_iter_int64(iter));

    case BSON_TYPE_DOUBLE:
        json = json_real(bson_iter_double(iter));

        return json ? json : json_null();   /* not finite */

    case BSON_TYPE_BOOL:
        return json_boolean(bson_iter_bool(iter));

    case BSON_TYPE_DATE_TIME:
        return rt_mongo_json_time(bson_iter_date_time(iter));

    case BSON_TYPE_OID:
        bson_oid_to_string(bson_iter_oid(iter), hex);
        return json_string(hex);

    default:
        return json_null();
    }
}


static json_t *
rt_mongo_json_children(const bson_iter_t *iter, unsigned depth)
{
    int           rc;
    json_t       *json, *value;
    bson_iter_t   child;
    const char   *name;

    json = BSON_ITER_HOLDS_ARRAY(iter) ? json_array() : json_object();

    if (json == NULL || !bson_iter_recurse(iter, &child)) {
        return json;
    }

    while (bson_iter_next(&child)) {
        value = rt_mongo_json(&child, depth);
        name = bson_iter_key(&child);

        if (json_is_array(json)) {
            rc = json_array_append_new(json, value);

        } else {
            rc = !bson_utf8_validate(name, strlen(name), false)
                 ? (json_decref(value), 0)
                 : json_object_set_new(json, name, value);
        }

        if (rc == -1) {
            json_decref(json);
            return NULL;
        }
    }

    return json;
}


static json_t *
rt_mongo_json_time(int64_t ms)
{
    json_t    *json;
    rt_buf_t   b;

    memset(&b, 0, sizeof(rt_buf_t));

    rt_time_format(&b, ms);
    json = b.failed ? NULL : json_stringn(b.data, b.len);
    rt_buf_free(&b);

    return json;
}


int64_t
rt_mongo_oid_time(const bson_oid_t *oid)
{
    return (int64_t) bson_oid_get_time_t(oid) * 1000;
}
