
/*
 * The user lookup in a MongoDB collection.
 */

#include "rt_mongo_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static void rt_mongo_user_filter(bson_t *filter, const char *name,
    rt_str_t value);
static int rt_mongo_user_number(rt_str_t value, int64_t *number);
static int rt_mongo_user_read(const bson_t *doc,
    const rt_store_lookup_t *lookup, rt_user_t *user);
static int rt_mongo_user_active(const bson_iter_t *iter);
static int rt_mongo_user_text(const bson_t *doc, const char *name,
    rt_user_t *user, rt_str_t *text);
static int rt_mongo_user_roles(const bson_iter_t *iter, rt_user_t *user);
static int rt_mongo_user_find(const bson_t *doc, const char *name,
    bson_iter_t *found);


rt_store_rc_e
rt_mongo_find_user(rt_store_t *st, const rt_store_lookup_t *lookup,
    rt_str_t value, rt_user_t *user, rt_store_error_t *err)
{
    rt_store_mongo_t  *s = (rt_store_mongo_t *) st;

    bson_t           *opts, filter;
    bson_error_t      error;
    const bson_t     *doc;
    rt_mongo_op_t     op;
    rt_store_rc_e     rc;
    mongoc_cursor_t  *cursor;

    rc = rt_mongo_begin(s->mongo, lookup->collection, &op, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    opts = BCON_NEW("limit", BCON_INT64(2),
                    "maxTimeMS", BCON_INT64(rt_mongo_time(&op)));

    bson_init(&filter);
    rt_mongo_user_filter(&filter, lookup->match, value);

    cursor = mongoc_collection_find_with_opts(op.collection, &filter, opts,
                                              NULL);

    if (mongoc_cursor_next(cursor, &doc)) {
        if (rt_mongo_user_read(doc, lookup, user) == -1) {
            rc = rt_store_fail(err, RT_STORE_BROKEN,
                               "a document of \"%s\" cannot be used",
                               lookup->collection);

        } else if (mongoc_cursor_next(cursor, &doc)) {
            rc = rt_store_fail(err, RT_STORE_REFUSED,
                               "two documents of \"%s\" have the same "
                               "\"%s\"", lookup->collection, lookup->match);
        }
    }

    if (mongoc_cursor_error(cursor, &error)) {
        rc = rt_mongo_fail(&op, &error, err);
    }

    mongoc_cursor_destroy(cursor);
    bson_destroy(&filter);
    bson_destroy(opts);
    rt_mongo_end(&op);

    return rc;
}


/* a token has text; what looks like an ObjectId or a number may be one */

static void
rt_mongo_user_filter(bson_t *filter, const char *name, rt_str_t value)
{
    bson_t      in, list;
    rt_id_t     id;
    int64_t     number;
    bson_oid_t  oid;

    BSON_APPEND_DOCUMENT_BEGIN(filter, name, &in);
    rt_mongo_array_begin(&in, "$in", -1, &list);
    bson_append_utf8(&list, "0", -1, value.data, (int) value.len);

    if (rt_id_parse(&id, value) == 0) {
        bson_oid_init_from_data(&oid, id.bytes);
        BSON_APPEND_OID(&list, "1", &oid);

    } else if (rt_mongo_user_number(value, &number) == 0) {
        BSON_APPEND_INT64(&list, "1", number);
    }

    bson_append_array_end(&in, &list);
    bson_append_document_end(filter, &in);
}


/* an integer in the one way to write it */

static int
rt_mongo_user_number(rt_str_t value, int64_t *number)
{
    char  in[24], out[24];

    if (value.len >= sizeof(in)) {
        return -1;
    }

    memcpy(in, value.data, value.len);
    in[value.len] = '\0';

    *number = strtoll(in, NULL, 10);
    snprintf(out, sizeof(out), "%" PRId64, *number);

    return strcmp(in, out) == 0 ? 0 : -1;
}


static int
rt_mongo_user_read(const bson_t *doc, const rt_store_lookup_t *lookup,
    rt_user_t *user)
{
    bson_iter_t  iter;

    user->found = 1;
    user->active = 1;

    if (rt_mongo_user_find(doc, lookup->active, &iter)) {
        user->active = rt_mongo_user_active(&iter);
    }

    if (rt_mongo_user_text(doc, lookup->id, user, &user->id) == -1
        || rt_mongo_user_text(doc, "email", user, &user->email) == -1
        || user->id.len == 0)
    {
        return -1;
    }

    if (!rt_mongo_user_find(doc, lookup->roles, &iter)) {
        return 0;
    }

    return rt_mongo_user_roles(&iter, user);
}


/* to bson_iter_as_bool() the text "false" is true */

static int
rt_mongo_user_active(const bson_iter_t *iter)
{
    if (BSON_ITER_HOLDS_NUMBER(iter)) {
        return bson_iter_as_double(iter) != 0;
    }

    return BSON_ITER_HOLDS_BOOL(iter) && bson_iter_bool(iter);
}


static int
rt_mongo_user_text(const bson_t *doc, const char *name, rt_user_t *user,
    rt_str_t *text)
{
    char         buf[32];
    rt_str_t     s;
    uint32_t     len;
    bson_iter_t  iter;

    if (!rt_mongo_user_find(doc, name, &iter)) {
        return 0;
    }

    if (BSON_ITER_HOLDS_UTF8(&iter)) {
        s.data = bson_iter_utf8(&iter, &len);
        s.len = len;

    } else if (BSON_ITER_HOLDS_OID(&iter)) {
        bson_oid_to_string(bson_iter_oid(&iter), buf);
        s.data = buf;
        s.len = RT_ID_HEX_LEN;

    } else if (BSON_ITER_HOLDS_INT(&iter)) {
        s.data = buf;
        s.len = snprintf(buf, sizeof(buf), "%" PRId64,
                         bson_iter_as_int64(&iter));

    } else {
        return 0;
    }

    *text = rt_page_copy(&user->memory, s);

    return text->data ? 0 : -1;
}


static int
rt_mongo_user_roles(const bson_iter_t *iter, rt_user_t *user)
{
    rt_str_t     role;
    uint32_t     len;
    bson_iter_t  list;

    if (BSON_ITER_HOLDS_UTF8(iter)) {
        role.data = bson_iter_utf8(iter, &len);
        role.len = len;

        return rt_user_split_roles(user, role);
    }

    if (!BSON_ITER_HOLDS_ARRAY(iter) || !bson_iter_recurse(iter, &list)) {
        return 0;
    }

    while (bson_iter_next(&list)) {

        if (!BSON_ITER_HOLDS_UTF8(&list)) {
            continue;
        }

        role.data = bson_iter_utf8(&list, &len);
        role.len = len;

        if (rt_user_add_role(user, role) == -1) {
            return -1;
        }
    }

    return 0;
}


/* a field, or one within others by its dotted path */

static int
rt_mongo_user_find(const bson_t *doc, const char *name, bson_iter_t *found)
{
    bson_iter_t  iter;

    return bson_iter_init(&iter, doc)
           && bson_iter_find_descendant(&iter, name, found);
}
