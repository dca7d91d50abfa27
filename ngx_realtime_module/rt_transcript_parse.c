
/*
 * The rules of a posted body, one function for each kind of field.
 */

#include "rt_transcript.h"
#include "rt_time.h"
#include "rt_utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>


#define RT_PARSE_ERRORS_MAX  32
#define RT_PARSE_ECHO_MAX    64             /* of an unknown name */
#define RT_PARSE_AHEAD_MAX   86400000       /* ms */


typedef struct {
    rt_transcript_batch_t  *batch;
    rt_buf_t               *detail;
    rt_str_t                user_id;
    int64_t                 now;            /* ms */
    unsigned                item;
    unsigned                errors;
    unsigned                mismatch:1;
    unsigned                no_memory:1;
} rt_parse_t;


typedef struct rt_field_s  rt_field_t;

struct rt_field_s {
    const char  *name;
    void       (*handler)(rt_parse_t *p, const rt_field_t *f, json_t *value,
                          rt_transcript_t *t);
    size_t       offset;                    /* of the rt_str_t it fills */
    size_t       max;                       /* characters */
};


static void rt_parse_item(rt_parse_t *p, json_t *json, rt_transcript_t *t);
static void rt_parse_text(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t);
static void rt_parse_user(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t);
static void rt_parse_name(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t);
static void rt_parse_role(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t);
static void rt_parse_timestamp(rt_parse_t *p, const rt_field_t *f,
    json_t *value, rt_transcript_t *t);
static void rt_parse_metadata(rt_parse_t *p, const rt_field_t *f,
    json_t *value, rt_transcript_t *t);
static const char *rt_parse_metadata_check(const json_t *value,
    unsigned depth);
static void rt_parse_error(rt_parse_t *p, const char *field, const char *msg,
    const char *type);
static void rt_parse_error_json(rt_buf_t *detail, const json_error_t *err);


static const rt_field_t  rt_fields[] = {

    { "text", rt_parse_text, offsetof(rt_transcript_t, text), 0 },

    { "user_id", rt_parse_user, offsetof(rt_transcript_t, user_id), 0 },

    { "session_id", rt_parse_name,
      offsetof(rt_transcript_t, session_id), RT_TRANSCRIPT_NAME_MAX },

    { "role", rt_parse_role, 0, 0 },

    { "call_id", rt_parse_name,
      offsetof(rt_transcript_t, call_id), RT_TRANSCRIPT_NAME_MAX },

    { "item_id", rt_parse_name,
      offsetof(rt_transcript_t, item_id), RT_TRANSCRIPT_NAME_MAX },

    { "previous_item_id", rt_parse_name,
      offsetof(rt_transcript_t, previous_item_id), RT_TRANSCRIPT_NAME_MAX },

    { "timestamp", rt_parse_timestamp, 0, 0 },

    { "language", rt_parse_name,
      offsetof(rt_transcript_t, language), RT_TRANSCRIPT_LANGUAGE_MAX },

    { "metadata", rt_parse_metadata,
      offsetof(rt_transcript_t, metadata), 0 },
};


rt_transcript_rc_e
rt_transcript_parse(const char *body, size_t len, rt_str_t user_id,
    int64_t now, rt_transcript_batch_t *batch, rt_buf_t *detail)
{
    size_t            i, n;
    json_t           *json;
    int64_t           seq;
    rt_parse_t        p;
    json_error_t      err;
    rt_transcript_t  *t;

    memset(batch, 0, sizeof(rt_transcript_batch_t));
    memset(&p, 0, sizeof(rt_parse_t));

    json = json_loadb(body, len, JSON_REJECT_DUPLICATES|JSON_DECODE_ANY, &err);

    if (json == NULL) {
        if (json_error_code(&err) == json_error_out_of_memory) {
            return RT_TRANSCRIPT_NO_MEMORY;
        }

        rt_parse_error_json(detail, &err);

        return detail->failed ? RT_TRANSCRIPT_NO_MEMORY
                              : RT_TRANSCRIPT_INVALID;
    }

    batch->json = json;
    batch->array = json_is_array(json);

    p.batch = batch;
    p.detail = detail;
    p.now = now / 1000;

    n = batch->array ? json_array_size(json) : 1;

    if (n == 0) {
        batch->array = 0;
        rt_parse_error(&p, NULL, "The list is empty", "too_short");
        goto invalid;
    }

    if (n > RT_TRANSCRIPT_BATCH_MAX) {
        batch->array = 0;
        rt_parse_error(&p, NULL, "More than 100 items", "too_long");
        goto invalid;
    }

    batch->items = calloc(n, sizeof(rt_transcript_t));
    batch->user_id = malloc(user_id.len + 1);

    if (batch->items == NULL || batch->user_id == NULL) {
        goto no_memory;
    }

    batch->n = n;

    memcpy(batch->user_id, user_id.data, user_id.len);
    p.user_id.data = batch->user_id;
    p.user_id.len = user_id.len;

    for (i = 0; i < n; i++) {
        p.item = i;
        rt_parse_item(&p, batch->array ? json_array_get(json, i) : json,
                      &batch->items[i]);
    }

    if (p.no_memory) {
        goto no_memory;
    }

    if (p.errors) {
        goto invalid;
    }

    if (p.mismatch) {
        rt_transcript_batch_free(batch);
        return RT_TRANSCRIPT_MISMATCH;
    }

    seq = rt_transcript_seq(now, n);

    for (i = 0; i < n; i++) {
        t = &batch->items[i];
        t->seq = seq + i;

        if (rt_transcript_id(&t->id, t, now) == -1) {
            goto no_memory;
        }
    }

    return RT_TRANSCRIPT_OK;

invalid:

    rt_buf_str(detail, "]");
    rt_transcript_batch_free(batch);

    return detail->failed ? RT_TRANSCRIPT_NO_MEMORY : RT_TRANSCRIPT_INVALID;

no_memory:

    rt_transcript_batch_free(batch);

    return RT_TRANSCRIPT_NO_MEMORY;
}


static void
rt_parse_item(rt_parse_t *p, json_t *json, rt_transcript_t *t)
{
    size_t             i;
    json_t            *value;
    const char        *name;
    const rt_field_t  *f;

    if (!json_is_object(json)) {
        rt_parse_error(p, NULL, "Not an object", "dict_type");
        return;
    }

    t->user_id = p->user_id;
    t->created_at = p->now;
    t->timestamp = p->now;

    json_object_foreach(json, name, value) {

        for (i = 0; i < sizeof(rt_fields) / sizeof(rt_fields[0]); i++) {
            f = &rt_fields[i];

            if (strcmp(f->name, name) == 0) {
                f->handler(p, f, value, t);
                goto next;
            }
        }

        rt_parse_error(p, name, "No such field", "extra_forbidden");

    next:

        continue;
    }

    if (json_object_get(json, "text") == NULL) {
        rt_parse_error(p, "text", "Field required", "missing");
    }
}


static void
rt_parse_text(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t)
{
    if (!json_is_string(value)) {
        rt_parse_error(p, f->name, "Not a string", "string_type");
        return;
    }

    t->text.data = json_string_value(value);
    t->text.len = json_string_length(value);

    if (t->text.len > RT_TRANSCRIPT_TEXT_MAX) {
        rt_parse_error(p, f->name, "Longer than 16 KB", "string_too_long");
        return;
    }

    if (rt_utf8_blank(t->text)) {
        rt_parse_error(p, f->name, "Empty or blank", "string_too_short");
    }
}


static void
rt_parse_user(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t)
{
    if (json_is_null(value)) {
        return;
    }

    if (!json_is_string(value)) {
        rt_parse_error(p, f->name, "Not a string", "string_type");
        return;
    }

    if (json_string_length(value) != t->user_id.len
        || memcmp(json_string_value(value), t->user_id.data, t->user_id.len)
           != 0)
    {
        p->mismatch = 1;
    }
}


static void
rt_parse_name(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t)
{
    rt_str_t  *s;

    if (json_is_null(value)) {
        return;
    }

    if (!json_is_string(value)) {
        rt_parse_error(p, f->name, "Not a string", "string_type");
        return;
    }

    /*
     * An empty name is no name: as an item_id it would make different turns
     * one.
     */

    if (json_string_length(value) == 0) {
        return;
    }

    s = (rt_str_t *) ((char *) t + f->offset);
    s->data = json_string_value(value);
    s->len = json_string_length(value);

    if (rt_utf8_cut(*s, f->max).len < s->len) {
        rt_parse_error(p, f->name,
                       f->max == RT_TRANSCRIPT_NAME_MAX
                       ? "Longer than 200 characters"
                       : "Longer than 35 characters",
                       "string_too_long");
    }
}


static void
rt_parse_role(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t)
{
    rt_role_e    role;
    const char  *s;

    if (json_is_string(value)) {
        s = json_string_value(value);

        for (role = RT_ROLE_USER; role <= RT_ROLE_ASSISTANT; role++) {
            if (strcmp(s, rt_role_name(role)) == 0) {
                t->role = role;
                return;
            }
        }
    }

    rt_parse_error(p, f->name, "Neither 'user' nor 'assistant'",
                   "literal_error");
}


static void
rt_parse_timestamp(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t)
{
    rt_str_t  s;

    if (json_is_null(value)) {
        return;
    }

    if (!json_is_string(value)) {
        rt_parse_error(p, f->name, "Not a string", "datetime_type");
        return;
    }

    s.data = json_string_value(value);
    s.len = json_string_length(value);

    if (rt_time_parse(&t->timestamp, s) == -1) {
        rt_parse_error(p, f->name, "Not a date and time of RFC 3339",
                       "datetime_parsing");
        return;
    }

    if (t->timestamp - p->now > RT_PARSE_AHEAD_MAX) {
        rt_parse_error(p, f->name, "More than 24 hours ahead",
                       "datetime_past");
    }
}


static void
rt_parse_metadata(rt_parse_t *p, const rt_field_t *f, json_t *value,
    rt_transcript_t *t)
{
    char        *data;
    size_t       len;
    const char  *msg;

    if (json_is_null(value)) {
        return;
    }

    if (!json_is_object(value)) {
        rt_parse_error(p, f->name, "Not an object", "dict_type");
        return;
    }

    msg = rt_parse_metadata_check(value, 1);
    if (msg != NULL) {
        rt_parse_error(p, f->name, msg, "value_error");
        return;
    }

    len = json_dumpb(value, NULL, 0, JSON_COMPACT);

    if (len > RT_TRANSCRIPT_METADATA_MAX) {
        rt_parse_error(p, f->name, "More than 4 KB", "too_long");
        return;
    }

    data = len ? malloc(len) : NULL;

    if (data == NULL || json_dumpb(value, data, len, JSON_COMPACT) != len) {
        free(data);
        p->no_memory = 1;
        return;
    }

    t->metadata.data = data;
    t->metadata.len = len;
}


static const char *
rt_parse_metadata_check(const json_t *value, unsigned depth)
{
    size_t       i, n;
    json_t      *child;
    const char  *name, *msg;

    if (depth > RT_TRANSCRIPT_DEPTH_MAX) {
        return "Nested deeper than 32 levels";
    }

    if (json_is_object(value)) {

        json_object_foreach((json_t *) value, name, child) {

            if (name[0] == '$') {
                return "A name begins with '$'";
            }

            if (json_is_object(child) || json_is_array(child)) {
                msg = rt_parse_metadata_check(child, depth + 1);
                if (msg != NULL) {
                    return msg;
                }
            }
        }

        return NULL;
    }

    n = json_array_size(value);

    for (i = 0; i < n; i++) {
        child = json_array_get(value, i);

        if (json_is_object(child) || json_is_array(child)) {
            msg = rt_parse_metadata_check(child, depth + 1);
            if (msg != NULL) {
                return msg;
            }
        }
    }

    return NULL;
}


static void
rt_parse_error(rt_parse_t *p, const char *field, const char *msg,
    const char *type)
{
    rt_str_t  name;

    if (++p->errors > RT_PARSE_ERRORS_MAX) {
        return;
    }

    rt_buf_str(p->detail, p->errors > 1 ? ",{\"loc\":[\"body\""
                                        : "[{\"loc\":[\"body\"");

    if (p->batch->array) {
        rt_buf_str(p->detail, ",");
        rt_buf_int(p->detail, p->item);
    }

    if (field != NULL) {
        name.data = field;
        name.len = strlen(field);

        rt_buf_str(p->detail, ",");
        rt_buf_json(p->detail, rt_utf8_cut(name, RT_PARSE_ECHO_MAX));
    }

    rt_buf_str(p->detail, "],\"msg\":\"");
    rt_buf_str(p->detail, msg);
    rt_buf_str(p->detail, "\",\"type\":\"");
    rt_buf_str(p->detail, type);
    rt_buf_str(p->detail, "\"}");
}


static void
rt_parse_error_json(rt_buf_t *detail, const json_error_t *err)
{
    const char  *msg;

    /* the library's own text quotes the body */

    switch (json_error_code(err)) {

    case json_error_duplicate_key:
        msg = "A field is given twice";
        break;

    case json_error_invalid_utf8:
        msg = "Not UTF-8";
        break;

    case json_error_null_character:
    case json_error_null_byte_in_key:
        msg = "A NUL character";
        break;

    case json_error_numeric_overflow:
        msg = "A number is too large";
        break;

    case json_error_stack_overflow:
        msg = "Nested too deep";
        break;

    default:
        msg = "Not JSON";
    }

    rt_buf_str(detail, "[{\"loc\":[\"body\",");
    rt_buf_int(detail, err->position < 0 ? 0 : err->position);
    rt_buf_str(detail, "],\"msg\":\"");
    rt_buf_str(detail, msg);
    rt_buf_str(detail, "\",\"type\":\"json_invalid\"}]");
}
