
/*
 * Transcripts in a MongoDB collection.
 */

#include "rt_mongo_store.h"


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
static rt_store_rc_e rt_store_mongo_bulk(rt_mongo_op_t *op,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    size_t *gone, rt_store_error_t *err);
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
    size_t         gone;
    rt_store_rc_e  rc;

    rc = rt_store_mongo_bulk(op, items, n, results, &gone, err);

    /* who erased them is done by now; an index would refuse them again */

    if (rc == RT_STORE_OK && gone) {
        err->text[0] = '\0';
        rc = rt_store_mongo_bulk(op, items, n, results, &gone, err);
    }

    return rc;
}


static rt_store_rc_e
rt_store_mongo_bulk(rt_mongo_op_t *op, const rt_transcript_t *const *items,
    size_t n, rt_store_rc_e *results, size_t *gone, rt_store_error_t *err)
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
        rc = rt_mongo_failed(op, &reply, &error, err);
    }

    if (rc == RT_STORE_OK) {
        rc = rt_mongo_results(op, &reply, items, n, results, gone, err);
    }

    bson_destroy(&reply);

done:

    mongoc_bulk_operation_destroy(bulk);
    bson_destroy(&plain);
    bson_destroy(&opts);

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
