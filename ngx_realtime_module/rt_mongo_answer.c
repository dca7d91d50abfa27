
/*
 * What the server answers to a bulk of inserts, document by document.
 */

#include "rt_mongo_store.h"

#include <string.h>


/* a duplicate in an index that the server does not name, until it is known */
#define RT_MONGO_LOOK  RT_STORE_BROKEN


/* which unique index a duplicate was found in */

typedef enum {
    RT_MONGO_ID = 0,
    RT_MONGO_OTHER,
    RT_MONGO_UNNAMED                        /* the server does not say */
} rt_mongo_index_e;


static rt_store_rc_e rt_mongo_item(const bson_iter_t *entry,
    rt_store_error_t *err);
static rt_store_rc_e rt_mongo_other(rt_store_error_t *err);
static rt_mongo_index_e rt_mongo_index(const bson_iter_t *entry);
static rt_store_rc_e rt_mongo_look(rt_mongo_op_t *op,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    size_t *gone, rt_store_error_t *err);


rt_store_rc_e
rt_mongo_failed(rt_mongo_op_t *op, const bson_t *reply,
    const bson_error_t *error, rt_store_error_t *err)
{
    int            again;
    bson_iter_t    iter, list;
    rt_store_rc_e  rc;

    /* a new primary may take it, a server less busy may take it */

    again = mongoc_error_has_label(reply, "RetryableWriteError")
            || mongoc_error_has_label(reply, "RetryableError");

    /* written, but not on as many servers as was asked for */

    if (bson_iter_init_find(&iter, reply, "writeConcernErrors")
        && BSON_ITER_HOLDS_ARRAY(&iter)
        && bson_iter_recurse(&iter, &list)
        && bson_iter_next(&list))
    {
        return rt_store_fail(err,
                             again ? RT_STORE_UNAVAILABLE : RT_STORE_TIMEOUT,
                             "not enough servers have acknowledged: %s",
                             error->message);
    }

    if (!bson_iter_init_find(&iter, reply, "writeErrors")
        || !BSON_ITER_HOLDS_ARRAY(&iter)
        || !bson_iter_recurse(&iter, &list)
        || !bson_iter_next(&list))
    {
        rc = rt_mongo_fail(op, error, err);

        /* libmongoc 2 has the label also where a login failed */

        return again && rc == RT_STORE_REFUSED
               && error->domain != MONGOC_ERROR_CLIENT
               ? RT_STORE_UNAVAILABLE : rc;
    }

    return RT_STORE_OK;
}


rt_store_rc_e
rt_mongo_results(rt_mongo_op_t *op, const bson_t *reply,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    size_t *gone, rt_store_error_t *err)
{
    size_t         answered, index, unnamed;
    bson_iter_t    iter, list, item, field;
    rt_store_rc_e  rc;

    answered = 0;
    unnamed = 0;
    *gone = 0;

    if (bson_iter_init_find(&iter, reply, "nInserted")) {
        answered = bson_iter_as_int64(&iter);
    }

    if (!bson_iter_init_find(&iter, reply, "writeErrors")
        || !BSON_ITER_HOLDS_ARRAY(&iter)
        || !bson_iter_recurse(&iter, &list))
    {
        goto done;
    }

    while (bson_iter_next(&list)) {

        if (!bson_iter_recurse(&list, &item)
            || !bson_iter_find_descendant(&item, "index", &field))
        {
            continue;
        }

        index = bson_iter_as_int64(&field);

        if (index >= n || results[index] != RT_STORE_OK) {
            continue;
        }

        rc = rt_mongo_item(&list, err);

        if (rc == RT_MONGO_LOOK) {
            unnamed++;

        } else if (rc != RT_STORE_DUPLICATE && rc != RT_STORE_REFUSED) {
            return rc;
        }

        results[index] = rc;
        answered++;
    }

done:

    if (answered != n) {
        return rt_store_fail(err, RT_STORE_UNAVAILABLE,
                             "the server has answered for %zu of %zu "
                             "documents", answered, n);
    }

    return unnamed ? rt_mongo_look(op, items, n, results, gone, err)
                   : RT_STORE_OK;
}


static rt_store_rc_e
rt_mongo_item(const bson_iter_t *entry, rt_store_error_t *err)
{
    int32_t         code;
    const char     *text;
    bson_iter_t     item, field;
    rt_store_rc_e   rc;

    code = 0;
    text = "";

    if (bson_iter_recurse(entry, &item)
        && bson_iter_find_descendant(&item, "code", &field))
    {
        code = (int32_t) bson_iter_as_int64(&field);
    }

    if (bson_iter_recurse(entry, &item)
        && bson_iter_find_descendant(&item, "errmsg", &field)
        && BSON_ITER_HOLDS_UTF8(&field))
    {
        text = bson_iter_utf8(&field, NULL);
    }

    rc = rt_mongo_code(code);

    if (rc == RT_STORE_DUPLICATE) {

        switch (rt_mongo_index(entry)) {

        case RT_MONGO_ID:
            return RT_STORE_DUPLICATE;

        case RT_MONGO_OTHER:
            return rt_mongo_other(err);

        case RT_MONGO_UNNAMED:
            return RT_MONGO_LOOK;
        }
    }

    /* what is no refusal goes to the log, where nobody may be quoted */

    if (rc != RT_STORE_REFUSED) {
        text = "the server takes no documents now";
    }

    (void) rt_store_fail(err, rc, "%s (%d)", text, code);
    err->code = code;

    return rc;
}


/* a unique index of somebody else; the server's message quotes the values */

static rt_store_rc_e
rt_mongo_other(rt_store_error_t *err)
{
    (void) rt_store_fail(err, RT_STORE_REFUSED, "a unique index other than "
                         "\"_id_\" refuses it (11000)");
    err->code = 11000;

    return RT_STORE_REFUSED;
}


static rt_mongo_index_e
rt_mongo_index(const bson_iter_t *entry)
{
    const char   *index;
    bson_iter_t   item, field;

    if (bson_iter_recurse(entry, &item)
        && bson_iter_find_descendant(&item, "keyPattern", &field))
    {
        return bson_iter_recurse(entry, &item)
               && bson_iter_find_descendant(&item, "keyPattern._id", &field)
               ? RT_MONGO_ID : RT_MONGO_OTHER;
    }

    /* before MongoDB 4.4 only the message says, that of FerretDB does not */

    if (!bson_iter_recurse(entry, &item)
        || !bson_iter_find_descendant(&item, "errmsg", &field)
        || !BSON_ITER_HOLDS_UTF8(&field))
    {
        return RT_MONGO_UNNAMED;
    }

    index = strstr(bson_iter_utf8(&field, NULL), " index: ");

    if (index == NULL) {
        return RT_MONGO_UNNAMED;
    }

    return strncmp(index, " index: _id_", 12) == 0
           ? RT_MONGO_ID : RT_MONGO_OTHER;
}


/* which of them are there by their _id, on the server that has just written */

static rt_store_rc_e
rt_mongo_look(rt_mongo_op_t *op, const rt_transcript_t *const *items,
    size_t n, rt_store_rc_e *results, size_t *gone, rt_store_error_t *err)
{
    char                  key[16];
    bson_t               *opts, filter, in, list;
    size_t                i;
    uint32_t              wanted;
    bson_oid_t            oid;
    const char           *name;
    bson_iter_t           iter;
    bson_error_t          error;
    const bson_t         *doc;
    rt_store_rc_e         rc;
    mongoc_cursor_t      *cursor;
    mongoc_read_prefs_t  *primary;

    opts = BCON_NEW("projection", "{", "_id", BCON_INT32(1), "}",
                    "batchSize", BCON_INT64((int64_t) n),
                    "maxTimeMS", BCON_INT64(rt_mongo_time(op)));

    bson_init(&filter);
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "_id", &in);
    rt_mongo_array_begin(&in, "$in", -1, &list);

    wanted = 0;

    for (i = 0; i < n; i++) {

        if (results[i] == RT_MONGO_LOOK) {
            bson_oid_init_from_data(&oid, items[i]->id.bytes);
            bson_uint32_to_string(wanted++, &name, key, sizeof(key));
            BSON_APPEND_OID(&list, name, &oid);
        }
    }

    bson_append_array_end(&in, &list);
    bson_append_document_end(&filter, &in);

    primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    cursor = mongoc_collection_find_with_opts(op->collection, &filter, opts,
                                              primary);

    while (mongoc_cursor_next(cursor, &doc)) {

        if (!bson_iter_init_find(&iter, doc, "_id")
            || !BSON_ITER_HOLDS_OID(&iter))
        {
            continue;
        }

        for (i = 0; i < n; i++) {

            if (results[i] == RT_MONGO_LOOK
                && memcmp(bson_iter_oid(&iter)->bytes, items[i]->id.bytes,
                          RT_ID_LEN)
                   == 0)
            {
                results[i] = RT_STORE_DUPLICATE;
            }
        }
    }

    rc = RT_STORE_OK;

    if (mongoc_cursor_error(cursor, &error)) {
        rc = rt_mongo_fail(op, &error, err);
    }

    for (i = 0; i < n && rc == RT_STORE_OK; i++) {

        if (results[i] == RT_MONGO_LOOK) {
            results[i] = rt_mongo_other(err);
            (*gone)++;
        }
    }

    mongoc_cursor_destroy(cursor);
    mongoc_read_prefs_destroy(primary);
    bson_destroy(&filter);
    bson_destroy(opts);

    return rc;
}
