
/*
 * Pages of transcripts out of MongoDB.
 *
 * The order is timestamp, seq, _id.  Documents of the service before this
 * module have only the last of them and come first, as a missing value does
 * on the server.
 */

#include "rt_mongo_store.h"

#include <stdlib.h>


static void rt_mongo_filter(bson_t *filter, const rt_store_query_t *q);
static void rt_mongo_behind(bson_t *filter, const rt_store_query_t *q);
static void rt_mongo_branch(bson_t *branches, const rt_store_query_t *q,
    unsigned n);
static void rt_mongo_field(bson_t *branch, const rt_cursor_t *c, unsigned n,
    const char *op);
static rt_store_rc_e rt_mongo_read(rt_mongo_op_t *op, mongoc_cursor_t *cursor,
    const rt_store_query_t *q, rt_page_t *page, rt_store_error_t *err);


static const char *const  rt_mongo_order[] = { "timestamp", "seq", "_id" };


rt_store_rc_e
rt_mongo_list(rt_store_t *st, const rt_store_query_t *q, rt_page_t *page,
    rt_store_error_t *err)
{
    rt_store_mongo_t  *s = (rt_store_mongo_t *) st;

    bson_t           *opts, filter;
    int32_t           way;
    rt_mongo_op_t     op;
    rt_store_rc_e     rc;
    mongoc_cursor_t  *cursor;

    rc = rt_mongo_begin(s->mongo, NULL, &op, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    way = q->desc ? -1 : 1;

    /* one answer holds the page: servers have a smaller first batch */

    opts = BCON_NEW("sort", "{", "timestamp", BCON_INT32(way),
                                 "seq", BCON_INT32(way),
                                 "_id", BCON_INT32(way), "}",
                    "limit", BCON_INT64(q->limit + 1),
                    "batchSize", BCON_INT64(q->limit + 1),
                    "maxTimeMS", BCON_INT64(rt_mongo_time(&op)));

    bson_init(&filter);
    rt_mongo_filter(&filter, q);

    cursor = mongoc_collection_find_with_opts(op.collection, &filter, opts,
                                              NULL);

    rc = rt_mongo_read(&op, cursor, q, page, err);

    mongoc_cursor_destroy(cursor);
    bson_destroy(&filter);
    bson_destroy(opts);
    rt_mongo_end(&op);

    return rc;
}


static rt_store_rc_e
rt_mongo_read(rt_mongo_op_t *op, mongoc_cursor_t *cursor,
    const rt_store_query_t *q, rt_page_t *page, rt_store_error_t *err)
{
    int               rc, dateless;
    unsigned          rows;
    rt_cursor_t       last;
    bson_error_t      error;
    const bson_t     *doc;
    rt_transcript_t  *t;

    page->items = calloc(q->limit, sizeof(rt_transcript_t));
    if (page->items == NULL) {
        return rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
    }

    rows = 0;
    last.set = 0;

    while (mongoc_cursor_next(cursor, &doc)) {

        /* one more than asked for: there is a next page */

        if (rows++ == q->limit) {
            page->next = last;
            break;
        }

        t = &page->items[page->n];
        rc = rt_mongo_decode(doc, page, t, &dateless);

        if (rc == -1) {
            return rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        }

        rt_cursor_item(&last, t);
        last.dateless = dateless;

        if (rc == 0) {
            page->n++;
        }
    }

    if (mongoc_cursor_error(cursor, &error)) {
        return rt_mongo_fail(op, &error, err);
    }

    return RT_STORE_OK;
}


static void
rt_mongo_filter(bson_t *filter, const rt_store_query_t *q)
{
    bson_t  id;

    /* a document of others with another _id has no place in the order */

    BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &id);
    BSON_APPEND_INT32(&id, "$type", BSON_TYPE_OID);
    bson_append_document_end(filter, &id);

    bson_append_utf8(filter, "user_id", -1, q->user_id.data,
                     (int) q->user_id.len);

    if (q->session_id.data != NULL) {
        bson_append_utf8(filter, "session_id", -1, q->session_id.data,
                         (int) q->session_id.len);
    }

    if (q->cursor.set) {
        rt_mongo_behind(filter, q);
    }
}


/*
 * Behind the cursor: a later timestamp; or the same and a later seq; or both
 * the same and a later _id.  No value comes before every value.
 */

static void
rt_mongo_behind(bson_t *filter, const rt_store_query_t *q)
{
    bson_t       branches, branch;
    unsigned     n, missing;
    char         key[4];
    const char  *name;
    unsigned     count;

    rt_mongo_array_begin(filter, "$or", -1, &branches);

    count = 0;

    for (n = 0; n < 3; n++) {
        missing = (n == 0 && q->cursor.dateless)
                  || (n == 1 && q->cursor.seq < 0);

        if (q->desc && missing) {
            continue;                       /* nothing is before no value */
        }

        bson_uint32_to_string(count++, &name, key, sizeof(key));
        bson_append_document_begin(&branches, name, -1, &branch);
        rt_mongo_branch(&branch, q, n);
        rt_mongo_field(&branch, &q->cursor, n,
                       missing ? "$ne" : q->desc ? "$lt" : "$gt");
        bson_append_document_end(&branches, &branch);

        if (q->desc && n < 2) {
            bson_uint32_to_string(count++, &name, key, sizeof(key));
            bson_append_document_begin(&branches, name, -1, &branch);
            rt_mongo_branch(&branch, q, n);
            BSON_APPEND_NULL(&branch, rt_mongo_order[n]);
            bson_append_document_end(&branches, &branch);
        }
    }

    bson_append_array_end(filter, &branches);
}


/* the fields before the n-th equal those of the cursor */

static void
rt_mongo_branch(bson_t *branch, const rt_store_query_t *q, unsigned n)
{
    unsigned  i;

    for (i = 0; i < n; i++) {
        rt_mongo_field(branch, &q->cursor, i, NULL);
    }
}


/* {field: value}, or {field: {op: value}} */

static void
rt_mongo_field(bson_t *branch, const rt_cursor_t *c, unsigned n,
    const char *op)
{
    bson_t      *doc, range;
    bson_oid_t   oid;
    const char  *name;

    doc = branch;
    name = rt_mongo_order[n];

    if (op != NULL) {
        BSON_APPEND_DOCUMENT_BEGIN(branch, name, &range);
        doc = &range;
        name = op;
    }

    if ((n == 0 && c->dateless) || (n == 1 && c->seq < 0)) {
        BSON_APPEND_NULL(doc, name);

    } else if (n == 0) {
        BSON_APPEND_DATE_TIME(doc, name, c->timestamp);

    } else if (n == 1) {
        BSON_APPEND_INT64(doc, name, c->seq);

    } else {
        bson_oid_init_from_data(&oid, c->id.bytes);
        BSON_APPEND_OID(doc, name, &oid);
    }

    if (op != NULL) {
        bson_append_document_end(branch, &range);
    }
}
