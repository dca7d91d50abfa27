
/*
 * The list of sessions out of MongoDB.
 *
 * One pass over an index that covers it, grouped here: the same on every
 * server, whatever its aggregation can do.  Memory is one page's.
 */

#include "rt_mongo_store.h"
#include "rt_utf8.h"

#include <stdlib.h>
#include <string.h>


typedef struct {
    rt_page_t               *page;
    const rt_store_query_t  *q;
    bson_oid_t              *first;         /* of page->sessions[i] */
    rt_session_t             session;       /* the one under way */
    bson_oid_t               oid;           /* its first */
    char                    *name;          /* its name */
    unsigned                 open:1;
} rt_mongo_group_t;


static rt_store_rc_e rt_mongo_scan(rt_mongo_op_t *op, rt_mongo_group_t *g,
    rt_store_error_t *err);
static int rt_mongo_add(rt_mongo_group_t *g, const bson_t *doc);
static int rt_mongo_close(rt_mongo_group_t *g);
static int rt_mongo_compare(const rt_session_t *a, const rt_session_t *b);
static int rt_mongo_compare_names(rt_str_t a, rt_str_t b);
static rt_store_rc_e rt_mongo_previews(rt_mongo_op_t *op, rt_mongo_group_t *g,
    rt_store_error_t *err);
static int rt_mongo_preview(rt_mongo_group_t *g, const bson_t *doc);


rt_store_rc_e
rt_mongo_sessions(rt_store_t *st, const rt_store_query_t *q, rt_page_t *page,
    rt_store_error_t *err)
{
    rt_store_mongo_t  *s = (rt_store_mongo_t *) st;

    rt_mongo_op_t     op;
    rt_store_rc_e     rc;
    rt_mongo_group_t  g;

    memset(&g, 0, sizeof(rt_mongo_group_t));

    g.page = page;
    g.q = q;

    /* one more for the next page, and one to sort a new one in */

    g.first = calloc(q->limit + 2, sizeof(bson_oid_t));
    page->sessions = calloc(q->limit + 2, sizeof(rt_session_t));

    if (g.first == NULL || page->sessions == NULL) {
        free(g.first);
        return rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
    }

    rc = rt_mongo_begin(s->mongo, NULL, &op, err);

    if (rc == RT_STORE_OK) {
        rc = rt_mongo_scan(&op, &g, err);

        if (rc == RT_STORE_OK && page->n > q->limit) {
            page->n = q->limit;
            rt_cursor_session(&page->next, &page->sessions[page->n - 1]);
        }

        if (rc == RT_STORE_OK && page->n) {
            rc = rt_mongo_previews(&op, &g, err);
        }

        rt_mongo_end(&op);
    }

    free(g.first);

    return rc;
}


/* names in the order of the index: the items of one session follow another */

static rt_store_rc_e
rt_mongo_scan(rt_mongo_op_t *op, rt_mongo_group_t *g, rt_store_error_t *err)
{
    int               rc;
    bson_t           *opts, filter;
    bson_error_t      error;
    const bson_t     *doc;
    rt_store_rc_e     result;
    mongoc_cursor_t  *cursor;

    opts = BCON_NEW("sort", "{", "session_id", BCON_INT32(1),
                                 "timestamp", BCON_INT32(1),
                                 "seq", BCON_INT32(1),
                                 "_id", BCON_INT32(1), "}",
                    "projection", "{", "session_id", BCON_INT32(1),
                                       "timestamp", BCON_INT32(1), "}",
                    "maxTimeMS", BCON_INT64(rt_mongo_time(op)));

    bson_init(&filter);
    bson_append_utf8(&filter, "user_id", -1, g->q->user_id.data,
                     (int) g->q->user_id.len);

    cursor = mongoc_collection_find_with_opts(op->collection, &filter, opts,
                                              NULL);
    rc = 0;
    result = RT_STORE_OK;

    while (rc == 0 && mongoc_cursor_next(cursor, &doc)) {
        rc = rt_mongo_add(g, doc);
    }

    if (rc == 0 && mongoc_cursor_error(cursor, &error)) {
        result = rt_mongo_fail(op, &error, err);

    } else if (rc == -1 || rt_mongo_close(g) == -1) {
        result = rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
    }

    free(g->name);

    mongoc_cursor_destroy(cursor);
    bson_destroy(&filter);
    bson_destroy(opts);

    return result;
}


static int
rt_mongo_add(rt_mongo_group_t *g, const bson_t *doc)
{
    char          *copy;
    int64_t        time;
    rt_str_t       name;
    uint32_t       len;
    bson_iter_t    iter;
    bson_oid_t     oid;
    rt_session_t  *s;

    s = &g->session;
    name.data = NULL;
    name.len = 0;

    if (bson_iter_init_find(&iter, doc, "session_id")
        && BSON_ITER_HOLDS_UTF8(&iter))
    {
        name.data = bson_iter_utf8(&iter, &len);
        name.len = len;
    }

    if (!bson_iter_init_find(&iter, doc, "_id") || !BSON_ITER_HOLDS_OID(&iter))
    {
        return 0;
    }

    bson_oid_copy(bson_iter_oid(&iter), &oid);
    time = rt_mongo_oid_time(&oid);

    if (bson_iter_init_find(&iter, doc, "timestamp")
        && BSON_ITER_HOLDS_DATE_TIME(&iter))
    {
        time = bson_iter_date_time(&iter);
    }

    if (!g->open || rt_mongo_compare_names(name, s->session_id) != 0) {

        if (rt_mongo_close(g) == -1) {
            return -1;
        }

        /* the document's memory is gone with the next one */

        copy = realloc(g->name, name.len + 1);
        if (copy == NULL) {
            return -1;
        }

        g->name = copy;

        memset(s, 0, sizeof(rt_session_t));

        if (name.data != NULL) {
            memcpy(copy, name.data, name.len);
            s->session_id.data = copy;
            s->session_id.len = name.len;
        }

        s->first_at = time;
        s->last_at = time;
        g->oid = oid;
        g->open = 1;
    }

    s->count++;

    if (time < s->first_at) {
        s->first_at = time;
    }

    if (time > s->last_at) {
        s->last_at = time;
    }

    return 0;
}


/* a session is complete: sorts it in where it belongs to the page */

static int
rt_mongo_close(rt_mongo_group_t *g)
{
    rt_str_t       name;
    unsigned       i;
    rt_page_t     *page;
    rt_session_t  *s, last;

    if (!g->open) {
        return 0;
    }

    g->open = 0;
    page = g->page;
    s = &g->session;

    if (g->q->cursor.set) {
        memset(&last, 0, sizeof(rt_session_t));

        last.last_at = g->q->cursor.timestamp;
        last.session_id.data = g->q->cursor.null ? NULL : g->q->cursor.name;
        last.session_id.len = g->q->cursor.name_len;

        if (rt_mongo_compare(s, &last) <= 0) {
            return 0;
        }
    }

    for (i = page->n; i; i--) {
        if (rt_mongo_compare(&page->sessions[i - 1], s) <= 0) {
            break;
        }
    }

    if (i > g->q->limit) {
        return 0;
    }

    if (s->session_id.data != NULL) {
        name = rt_page_copy(page, s->session_id);
        if (name.data == NULL) {
            return -1;
        }

        s->session_id = name;
    }

    memmove(&page->sessions[i + 1], &page->sessions[i],
            (page->n - i) * sizeof(rt_session_t));
    memmove(&g->first[i + 1], &g->first[i],
            (page->n - i) * sizeof(bson_oid_t));

    page->sessions[i] = *s;
    g->first[i] = g->oid;

    if (page->n <= g->q->limit) {
        page->n++;
    }

    return 0;
}


/* in the order of the list: the newest first, then names backwards */

static int
rt_mongo_compare(const rt_session_t *a, const rt_session_t *b)
{
    if (a->last_at != b->last_at) {
        return a->last_at > b->last_at ? -1 : 1;
    }

    return rt_mongo_compare_names(b->session_id, a->session_id);
}


/* no name comes before every name */

static int
rt_mongo_compare_names(rt_str_t a, rt_str_t b)
{
    int     rc;
    size_t  len;

    if (a.data == NULL || b.data == NULL) {
        return (a.data != NULL) - (b.data != NULL);
    }

    len = a.len < b.len ? a.len : b.len;
    rc = memcmp(a.data, b.data, len);

    return rc ? rc : (a.len > b.len) - (a.len < b.len);
}


static rt_store_rc_e
rt_mongo_previews(rt_mongo_op_t *op, rt_mongo_group_t *g,
    rt_store_error_t *err)
{
    char              key[16];
    bson_t           *opts, filter, in, list;
    unsigned          i;
    const char       *name;
    bson_error_t      error;
    const bson_t     *doc;
    rt_store_rc_e     rc;
    mongoc_cursor_t  *cursor;

    opts = BCON_NEW("projection", "{", "text", BCON_INT32(1), "}",
                    "maxTimeMS", BCON_INT64(rt_mongo_time(op)));

    bson_init(&filter);
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "_id", &in);
    rt_mongo_array_begin(&in, "$in", -1, &list);

    for (i = 0; i < g->page->n; i++) {
        bson_uint32_to_string(i, &name, key, sizeof(key));
        BSON_APPEND_OID(&list, name, &g->first[i]);
    }

    bson_append_array_end(&in, &list);
    bson_append_document_end(&filter, &in);

    cursor = mongoc_collection_find_with_opts(op->collection, &filter, opts,
                                              NULL);
    rc = RT_STORE_OK;

    while (rc == RT_STORE_OK && mongoc_cursor_next(cursor, &doc)) {
        if (rt_mongo_preview(g, doc) == -1) {
            rc = rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        }
    }

    if (rc == RT_STORE_OK && mongoc_cursor_error(cursor, &error)) {
        rc = rt_mongo_fail(op, &error, err);
    }

    mongoc_cursor_destroy(cursor);
    bson_destroy(&filter);
    bson_destroy(opts);

    return rc;
}


static int
rt_mongo_preview(rt_mongo_group_t *g, const bson_t *doc)
{
    rt_str_t            text;
    unsigned            i;
    uint32_t            len;
    bson_iter_t         iter;
    const bson_oid_t   *oid;

    if (!bson_iter_init_find(&iter, doc, "_id") || !BSON_ITER_HOLDS_OID(&iter))
    {
        return 0;
    }

    oid = bson_iter_oid(&iter);

    for (i = 0; i < g->page->n; i++) {
        if (bson_oid_equal(oid, &g->first[i])) {
            break;
        }
    }

    if (i == g->page->n
        || !bson_iter_init_find(&iter, doc, "text")
        || !BSON_ITER_HOLDS_UTF8(&iter))
    {
        return 0;
    }

    text.data = bson_iter_utf8(&iter, &len);
    text.len = len;

    if (!rt_utf8_valid(text)) {
        return 0;
    }

    text = rt_page_copy(g->page, rt_utf8_cut(text, RT_PREVIEW_MAX));
    g->page->sessions[i].preview = text;

    return text.data ? 0 : -1;
}
