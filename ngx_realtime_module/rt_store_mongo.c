
/*
 * Transcripts in a MongoDB collection.
 */

#include "rt_mongo_store.h"

#include <stdlib.h>
#include <string.h>


/* which unique index a duplicate was found in */

typedef enum {
    RT_STORE_MONGO_ID = 0,
    RT_STORE_MONGO_OTHER,
    RT_STORE_MONGO_UNNAMED                  /* the server does not say */
} rt_store_mongo_index_e;


static int rt_store_mongo_open(rt_store_t *st, rt_store_error_t *err);
static void rt_store_mongo_close(rt_store_t *st);
static rt_store_rc_e rt_store_mongo_ping(rt_store_t *st,
    rt_store_error_t *err);
static rt_store_rc_e rt_store_mongo_append(rt_store_t *st,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    rt_store_error_t *err);
static rt_store_rc_e rt_store_mongo_erase(rt_store_t *st,
    const rt_store_match_t *match, uint64_t *deleted, rt_store_error_t *err);
static rt_store_rc_e rt_store_mongo_expire(rt_store_t *st, int64_t before,
    uint64_t *deleted, rt_store_error_t *err);

static rt_store_rc_e rt_store_mongo_write(rt_mongo_op_t *op,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    rt_store_error_t *err);
static rt_store_rc_e rt_store_mongo_failed(rt_mongo_op_t *op,
    const bson_t *reply, const bson_error_t *error, rt_store_error_t *err);
static rt_store_rc_e rt_store_mongo_results(rt_mongo_op_t *op,
    const bson_t *reply, const rt_transcript_t *const *items, size_t n,
    rt_store_rc_e *results, rt_store_error_t *err);
static rt_store_rc_e rt_store_mongo_item(rt_mongo_op_t *op,
    const bson_iter_t *entry, const rt_transcript_t *t,
    rt_store_error_t *err);
static rt_store_mongo_index_e rt_store_mongo_index(const bson_iter_t *entry);
static rt_store_rc_e rt_store_mongo_look(rt_mongo_op_t *op, const rt_id_t *id,
    rt_store_mongo_index_e *which, rt_store_error_t *err);
static rt_store_rc_e rt_store_mongo_delete(rt_mongo_op_t *op,
    const bson_t *filter, uint64_t *deleted, rt_store_error_t *err);


const rt_store_driver_t  rt_store_mongo = {
    sizeof(rt_store_mongo_t),
    3,
    rt_mongo_check,
    rt_store_mongo_open,
    rt_store_mongo_close,
    rt_mongo_prepare,
    rt_store_mongo_ping,
    rt_store_mongo_append,
    rt_mongo_list,
    rt_mongo_sessions,
    rt_store_mongo_erase,
    rt_store_mongo_expire,
    rt_mongo_find_user
};


static int
rt_store_mongo_open(rt_store_t *st, rt_store_error_t *err)
{
    rt_store_mongo_t  *s = (rt_store_mongo_t *) st;

    s->mongo = rt_mongo_create(&st->conf, err);

    return s->mongo ? 0 : -1;
}


static void
rt_store_mongo_close(rt_store_t *st)
{
    rt_mongo_destroy(((rt_store_mongo_t *) st)->mongo);
}


static rt_store_rc_e
rt_store_mongo_ping(rt_store_t *st, rt_store_error_t *err)
{
    rt_store_mongo_t  *s = (rt_store_mongo_t *) st;

    bson_t         ping;
    bson_error_t   error;
    rt_mongo_op_t  op;
    rt_store_rc_e  rc;

    rc = rt_mongo_begin(s->mongo, NULL, &op, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    bson_init(&ping);
    BSON_APPEND_INT32(&ping, "ping", 1);

    if (!mongoc_collection_command_simple(op.collection, &ping, NULL, NULL,
                                          &error))
    {
        rc = rt_mongo_fail(&op, &error, err);
    }

    bson_destroy(&ping);
    rt_mongo_end(&op);

    return rc;
}


static rt_store_rc_e
rt_store_mongo_append(rt_store_t *st, const rt_transcript_t *const *items,
    size_t n, rt_store_rc_e *results, rt_store_error_t *err)
{
    rt_store_mongo_t  *s = (rt_store_mongo_t *) st;

    size_t         i;
    int64_t        start;
    rt_mongo_op_t  op;
    rt_store_rc_e  rc;

    start = rt_store_clock();

    do {
        err->text[0] = '\0';

        rc = rt_mongo_begin(s->mongo, NULL, &op, err);

        if (rc == RT_STORE_OK) {
            rc = rt_store_mongo_write(&op, items, n, results, err);
            rt_mongo_end(&op);
        }

        /* the ids are the same, so nothing is written twice */

    } while (rc == RT_STORE_UNAVAILABLE && rt_mongo_elects(s->mongo, start));

    if (rc != RT_STORE_OK) {
        for (i = 0; i < n; i++) {
            results[i] = rc;
        }
    }

    return rc;
}


static rt_store_rc_e
rt_store_mongo_write(rt_mongo_op_t *op, const rt_transcript_t *const *items,
    size_t n, rt_store_rc_e *results, rt_store_error_t *err)
{
    size_t                    i;
    bson_t                    opts, plain, doc, reply;
    bson_error_t              error;
    rt_store_rc_e             rc;
    mongoc_bulk_operation_t  *bulk;

    bson_init(&opts);
    BSON_APPEND_BOOL(&opts, "ordered", false);

    /* the parser has seen to UTF-8 and names; an empty name is a name */

    bson_init(&plain);
    BSON_APPEND_BOOL(&plain, "validate", false);

    bulk = mongoc_collection_create_bulk_operation_with_opts(op->collection,
                                                             &opts);
    rc = RT_STORE_OK;

    for (i = 0; i < n; i++) {
        bson_init(&doc);

        if (rt_mongo_encode(&doc, items[i]) == -1) {
            rc = rt_store_fail(err, RT_STORE_BROKEN, "out of memory");

        } else if (!mongoc_bulk_operation_insert_with_opts(bulk, &doc, &plain,
                                                           &error))
        {
            rc = rt_mongo_fail(op, &error, err);
        }

        bson_destroy(&doc);

        if (rc != RT_STORE_OK) {
            goto done;
        }

        results[i] = RT_STORE_OK;
    }

    if (!mongoc_bulk_operation_execute(bulk, &reply, &error)) {
        rc = rt_store_mongo_failed(op, &reply, &error, err);
    }

    if (rc == RT_STORE_OK) {
        rc = rt_store_mongo_results(op, &reply, items, n, results, err);
    }

    bson_destroy(&reply);

done:

    mongoc_bulk_operation_destroy(bulk);
    bson_destroy(&plain);
    bson_destroy(&opts);

    return rc;
}


/* OK: nothing but documents failed, and the reply says which */

static rt_store_rc_e
rt_store_mongo_failed(rt_mongo_op_t *op, const bson_t *reply,
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

        return again && rc == RT_STORE_REFUSED ? RT_STORE_UNAVAILABLE : rc;
    }

    return RT_STORE_OK;
}


/*
 * Either the server has answered for every document, then each has its result,
 * or it is as if none had been written.
 */

static rt_store_rc_e
rt_store_mongo_results(rt_mongo_op_t *op, const bson_t *reply,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    rt_store_error_t *err)
{
    size_t         answered, index;
    bson_iter_t    iter, list, item, field;
    rt_store_rc_e  rc;

    answered = 0;

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

        rc = rt_store_mongo_item(op, &list, items[index], err);

        if (rc != RT_STORE_DUPLICATE && rc != RT_STORE_REFUSED) {
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

    return RT_STORE_OK;
}


static rt_store_rc_e
rt_store_mongo_item(rt_mongo_op_t *op, const bson_iter_t *entry,
    const rt_transcript_t *t, rt_store_error_t *err)
{
    int32_t                 code;
    const char             *text;
    bson_iter_t             item, field;
    rt_store_rc_e           rc;
    rt_store_mongo_index_e  which;

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

        which = rt_store_mongo_index(entry);

        if (which == RT_STORE_MONGO_UNNAMED) {
            rc = rt_store_mongo_look(op, &t->id, &which, err);
            if (rc != RT_STORE_OK) {
                return rc;
            }
        }

        if (which == RT_STORE_MONGO_ID) {
            return RT_STORE_DUPLICATE;
        }

        /* a unique index of somebody else; the message quotes the values */

        text = "a unique index other than \"_id_\" refuses it";
        rc = RT_STORE_REFUSED;

    } else if (rc != RT_STORE_REFUSED) {

        /* this one goes to the log, where nobody may be quoted */

        text = "the server takes no documents now";
    }

    (void) rt_store_fail(err, rc, "%s (%d)", text, code);
    err->code = code;

    return rc;
}


static rt_store_mongo_index_e
rt_store_mongo_index(const bson_iter_t *entry)
{
    const char   *index;
    bson_iter_t   item, field;

    if (bson_iter_recurse(entry, &item)
        && bson_iter_find_descendant(&item, "keyPattern", &field))
    {
        return bson_iter_recurse(entry, &item)
               && bson_iter_find_descendant(&item, "keyPattern._id", &field)
               ? RT_STORE_MONGO_ID : RT_STORE_MONGO_OTHER;
    }

    /* before MongoDB 4.4 only the message says, that of FerretDB does not */

    if (!bson_iter_recurse(entry, &item)
        || !bson_iter_find_descendant(&item, "errmsg", &field)
        || !BSON_ITER_HOLDS_UTF8(&field))
    {
        return RT_STORE_MONGO_UNNAMED;
    }

    index = strstr(bson_iter_utf8(&field, NULL), " index: ");

    if (index == NULL) {
        return RT_STORE_MONGO_UNNAMED;
    }

    return strncmp(index, " index: _id_", 12) == 0
           ? RT_STORE_MONGO_ID : RT_STORE_MONGO_OTHER;
}


static rt_store_rc_e
rt_store_mongo_look(rt_mongo_op_t *op, const rt_id_t *id,
    rt_store_mongo_index_e *which, rt_store_error_t *err)
{
    bson_t            filter, opts;
    bson_oid_t        oid;
    bson_error_t      error;
    const bson_t     *doc;
    rt_store_rc_e     rc;
    mongoc_cursor_t  *cursor;

    bson_oid_init_from_data(&oid, id->bytes);

    bson_init(&filter);
    BSON_APPEND_OID(&filter, "_id", &oid);

    bson_init(&opts);
    BSON_APPEND_INT64(&opts, "limit", 1);
    BSON_APPEND_INT64(&opts, "maxTimeMS", rt_mongo_time(op));

    cursor = mongoc_collection_find_with_opts(op->collection, &filter, &opts,
                                              NULL);
    rc = RT_STORE_OK;

    if (mongoc_cursor_next(cursor, &doc)) {
        *which = RT_STORE_MONGO_ID;

    } else if (mongoc_cursor_error(cursor, &error)) {
        rc = rt_mongo_fail(op, &error, err);

    } else {
        *which = RT_STORE_MONGO_OTHER;
    }

    mongoc_cursor_destroy(cursor);
    bson_destroy(&opts);
    bson_destroy(&filter);

    return rc;
}


static rt_store_rc_e
rt_store_mongo_erase(rt_store_t *st, const rt_store_match_t *match,
    uint64_t *deleted, rt_store_error_t *err)
{
    rt_store_mongo_t  *s = (rt_store_mongo_t *) st;

    bson_t         filter;
    bson_oid_t     oid;
    rt_mongo_op_t  op;
    rt_store_rc_e  rc;

    rc = rt_mongo_begin(s->mongo, NULL, &op, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    bson_init(&filter);
    bson_append_utf8(&filter, "user_id", -1, match->user_id.data,
                     (int) match->user_id.len);

    if (match->session_id.data != NULL) {
        bson_append_utf8(&filter, "session_id", -1, match->session_id.data,
                         (int) match->session_id.len);
    }

    if (match->id != NULL) {
        bson_oid_init_from_data(&oid, match->id->bytes);
        BSON_APPEND_OID(&filter, "_id", &oid);
    }

    rc = rt_store_mongo_delete(&op, &filter, deleted, err);

    bson_destroy(&filter);
    rt_mongo_end(&op);

    return rc;
}


static rt_store_rc_e
rt_store_mongo_expire(rt_store_t *st, int64_t before, uint64_t *deleted,
    rt_store_error_t *err)
{
    rt_store_mongo_t  *s = (rt_store_mongo_t *) st;

    bson_t         filter, range;
    rt_mongo_op_t  op;
    rt_store_rc_e  rc;

    if (atomic_load(&s->ttl_index)) {
        return RT_STORE_OK;
    }

    rc = rt_mongo_begin(s->mongo, NULL, &op, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    bson_init(&filter);
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "created_at", &range);
    BSON_APPEND_DATE_TIME(&range, "$lt", before);
    bson_append_document_end(&filter, &range);

    rc = rt_store_mongo_delete(&op, &filter, deleted, err);

    bson_destroy(&filter);
    rt_mongo_end(&op);

    return rc;
}


/*
 * Where the time is up the server has erased a part, and the next call goes
 * on.
 */

static rt_store_rc_e
rt_store_mongo_delete(rt_mongo_op_t *op, const bson_t *filter,
    uint64_t *deleted, rt_store_error_t *err)
{
    bson_t         opts, reply;
    bson_iter_t    iter;
    bson_error_t   error;
    rt_store_rc_e  rc;

    bson_init(&opts);
    BSON_APPEND_INT64(&opts, "maxTimeMS", rt_mongo_time(op));

    rc = RT_STORE_OK;

    if (!mongoc_collection_delete_many(op->collection, filter, &opts, &reply,
                                       &error))
    {
        rc = rt_mongo_fail(op, &error, err);
    }

    if (bson_iter_init_find(&iter, &reply, "deletedCount")) {
        *deleted = bson_iter_as_int64(&iter);
    }

    bson_destroy(&reply);
    bson_destroy(&opts);

    return rc;
}
