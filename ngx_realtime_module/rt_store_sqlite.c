
/*
 * Transcripts in a SQLite file, the store where there is no database server.
 */

#include "rt_sqlite_rows.h"
#include "rt_utf8.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>


#define RT_SQLITE_PREFIX       (sizeof("sqlite:") - 1)

/* rows of one transaction that erases, so that writes get in between */

#define RT_SQLITE_ERASE_BATCH  1000


typedef struct {
    rt_store_t    store;
    rt_sqlite_t  *file;
} rt_store_sqlite_t;


static int rt_store_sqlite_check(const rt_store_conf_t *conf,
    rt_store_error_t *err);
static int rt_store_sqlite_open(rt_store_t *st, rt_store_error_t *err);
static void rt_store_sqlite_close(rt_store_t *st);
static rt_store_rc_e rt_store_sqlite_prepare(rt_store_t *st,
    rt_store_error_t *err);
static rt_store_rc_e rt_store_sqlite_ping(rt_store_t *st,
    rt_store_error_t *err);
static rt_store_rc_e rt_store_sqlite_append(rt_store_t *st,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    rt_store_error_t *err);
static rt_store_rc_e rt_store_sqlite_list(rt_store_t *st,
    const rt_store_query_t *q, rt_page_t *page, rt_store_error_t *err);
static rt_store_rc_e rt_store_sqlite_sessions(rt_store_t *st,
    const rt_store_query_t *q, rt_page_t *page, rt_store_error_t *err);
static rt_store_rc_e rt_store_sqlite_erase(rt_store_t *st,
    const rt_store_match_t *match, uint64_t *deleted, rt_store_error_t *err);
static rt_store_rc_e rt_store_sqlite_expire(rt_store_t *st, int64_t before,
    uint64_t *deleted, rt_store_error_t *err);
static rt_store_rc_e rt_store_sqlite_find_user(rt_store_t *st,
    const rt_store_lookup_t *lookup, rt_str_t value, rt_user_t *user,
    rt_store_error_t *err);

static rt_store_rc_e rt_store_sqlite_delete(rt_store_t *st,
    const rt_store_match_t *match, int64_t before, uint64_t *deleted,
    rt_store_error_t *err);
static int rt_store_sqlite_session(sqlite3_stmt *stmt, rt_page_t *page);


const rt_store_driver_t  rt_store_sqlite = {
    sizeof(rt_store_sqlite_t),
    1,
    rt_store_sqlite_check,
    rt_store_sqlite_open,
    rt_store_sqlite_close,
    rt_store_sqlite_prepare,
    rt_store_sqlite_ping,
    rt_store_sqlite_append,
    rt_store_sqlite_list,
    rt_store_sqlite_sessions,
    rt_store_sqlite_erase,
    rt_store_sqlite_expire,
    rt_store_sqlite_find_user
};


static const char  rt_store_sqlite_schema[] =
    RT_SQLITE_TRANSCRIPTS
    "CREATE INDEX IF NOT EXISTS \"%w_session\" ON \"%w\""
    " (user_id, session_id, timestamp, seq, id);"
    "CREATE INDEX IF NOT EXISTS \"%w_user\" ON \"%w\""
    " (user_id, timestamp, seq, id);"
    "CREATE TABLE IF NOT EXISTS users ("
    " _id TEXT PRIMARY KEY NOT NULL,"
    " email TEXT UNIQUE,"
    " roles TEXT,"
    " is_active INTEGER NOT NULL DEFAULT 1);";


static int
rt_store_sqlite_check(const rt_store_conf_t *conf, rt_store_error_t *err)
{
    if (strcasecmp(conf->collection, "users") == 0) {
        rt_store_fail(err, RT_STORE_REFUSED,
                      "\"users\" is the table of the user lookup");
        return -1;
    }

    if (conf->uri[RT_SQLITE_PREFIX] != '/') {
        rt_store_fail(err, RT_STORE_REFUSED,
                      "\"sqlite:\" needs the absolute path of a file");
        return -1;
    }

    return rt_sqlite_check(conf->uri + RT_SQLITE_PREFIX, err);
}


static int
rt_store_sqlite_open(rt_store_t *st, rt_store_error_t *err)
{
    rt_store_sqlite_t  *s = (rt_store_sqlite_t *) st;

    s->file = rt_sqlite_create(st->conf.uri + RT_SQLITE_PREFIX,
                               st->conf.collection, rt_store_sqlite_schema,
                               st->conf.timeout_ms);
    if (s->file == NULL) {
        rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        return -1;
    }

    return 0;
}


static void
rt_store_sqlite_close(rt_store_t *st)
{
    rt_sqlite_destroy(((rt_store_sqlite_t *) st)->file);
}


static rt_store_rc_e
rt_store_sqlite_prepare(rt_store_t *st, rt_store_error_t *err)
{
    rt_store_sqlite_t  *s = (rt_store_sqlite_t *) st;

    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    /* the schema is made by any first use; an index may take its time */

    rc = rt_sqlite_begin(s->file, RT_SQLITE_FOREVER, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    if (st->conf.ttl) {
        rc = rt_sqlite_run(conn,
                 rt_sqlite_prepare(conn,
                     "CREATE INDEX IF NOT EXISTS \"%w_created\" ON \"%w\""
                     " (created_at)",
                     st->conf.collection, st->conf.collection),
                 err);
    }

    return rt_sqlite_end(s->file, conn, rc, err);
}


static rt_store_rc_e
rt_store_sqlite_ping(rt_store_t *st, rt_store_error_t *err)
{
    rt_store_sqlite_t  *s = (rt_store_sqlite_t *) st;

    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(s->file, RT_SQLITE_READ, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    rc = rt_sqlite_run(conn,
             rt_sqlite_prepare(conn, "SELECT 1 FROM \"%w\" WHERE id = x''",
                               st->conf.collection),
             err);

    return rt_sqlite_end(s->file, conn, rc, err);
}


static rt_store_rc_e
rt_store_sqlite_append(rt_store_t *st, const rt_transcript_t *const *items,
    size_t n, rt_store_rc_e *results, rt_store_error_t *err)
{
    rt_store_sqlite_t  *s = (rt_store_sqlite_t *) st;

    size_t             i;
    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(s->file, RT_SQLITE_WRITE, &conn, err);

    if (rc == RT_STORE_OK) {
        rc = rt_sqlite_insert(conn, st->conf.collection, items, n, results,
                              err);
        rc = rt_sqlite_end(s->file, conn, rc, err);
    }

    if (rc != RT_STORE_OK) {
        for (i = 0; i < n; i++) {
            results[i] = rc;
        }
    }

    return rc;
}


static rt_store_rc_e
rt_store_sqlite_list(rt_store_t *st, const rt_store_query_t *q,
    rt_page_t *page, rt_store_error_t *err)
{
    rt_store_sqlite_t  *s = (rt_store_sqlite_t *) st;

    rt_store_rc_e      rc;
    sqlite3_stmt      *stmt;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(s->file, RT_SQLITE_READ, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    stmt = rt_sqlite_prepare(conn,
               "SELECT " RT_SQLITE_COLUMNS " FROM \"%w\" WHERE user_id = ?1"
               "%s%s ORDER BY timestamp%s, seq%s, id%s LIMIT ?6",
               st->conf.collection,
               q->session_id.data ? " AND session_id = ?2" : "",
               !q->cursor.set ? ""
               : q->desc ? " AND (timestamp, seq, id) < (?3, ?4, ?5)"
                         : " AND (timestamp, seq, id) > (?3, ?4, ?5)",
               q->desc ? " DESC" : "", q->desc ? " DESC" : "",
               q->desc ? " DESC" : "");

    if (stmt == NULL) {
        rc = rt_sqlite_fail(conn, err);
        return rt_sqlite_end(s->file, conn, rc, err);
    }

    rt_sqlite_bind(stmt, 1, q->user_id);
    rt_sqlite_bind(stmt, 2, q->session_id);
    sqlite3_bind_int64(stmt, 3, q->cursor.timestamp);
    sqlite3_bind_int64(stmt, 4, q->cursor.seq);
    sqlite3_bind_blob(stmt, 5, q->cursor.id.bytes, RT_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 6, q->limit + 1);

    rc = rt_sqlite_read(conn, stmt, q->limit + 1, page, err);

    /* one more than asked for: there is a next page, behind the last shown */

    if (rc == RT_STORE_OK && page->n > q->limit) {
        page->n = q->limit;
        rt_cursor_item(&page->next, &page->items[page->n - 1]);
    }

    return rt_sqlite_end(s->file, conn, rc, err);
}


static rt_store_rc_e
rt_store_sqlite_sessions(rt_store_t *st, const rt_store_query_t *q,
    rt_page_t *page, rt_store_error_t *err)
{
    rt_store_sqlite_t  *s = (rt_store_sqlite_t *) st;

    int                rc;
    const char        *table;
    sqlite3_stmt      *stmt;
    rt_store_rc_e      result;
    rt_sqlite_conn_t  *conn;

    result = rt_sqlite_begin(s->file, RT_SQLITE_READ, &conn, err);
    if (result != RT_STORE_OK) {
        return result;
    }

    table = st->conf.collection;

    /* of equal times, names run backwards and no name comes last */

    stmt = rt_sqlite_prepare(conn,
               "SELECT s.session_id, s.first_at, s.last_at, s.n,"
               " (SELECT text FROM \"%w\" AS t WHERE t.user_id = ?1"
               "  AND t.session_id IS s.session_id"
               "  ORDER BY t.timestamp, t.seq, t.id LIMIT 1)"
               " FROM (SELECT session_id, min(timestamp) AS first_at,"
               "  max(timestamp) AS last_at, count(*) AS n"
               "  FROM \"%w\" WHERE user_id = ?1 GROUP BY session_id%s"
               "  ORDER BY last_at DESC, session_id DESC LIMIT ?4) AS s"
               " ORDER BY s.last_at DESC, s.session_id DESC",
               table, table,
               !q->cursor.set ? ""
               : q->cursor.null
                 ? " HAVING max(timestamp) < ?2"
                 : " HAVING max(timestamp) < ?2"
                   " OR (max(timestamp) = ?2"
                   "  AND (session_id < ?3 OR session_id IS NULL))");

    page->sessions = calloc(q->limit + 1, sizeof(rt_session_t));

    if (stmt == NULL || page->sessions == NULL) {
        sqlite3_finalize(stmt);
        result = rt_sqlite_fail(conn, err);
        return rt_sqlite_end(s->file, conn, result, err);
    }

    rt_sqlite_bind(stmt, 1, q->user_id);
    sqlite3_bind_int64(stmt, 2, q->cursor.timestamp);
    sqlite3_bind_text(stmt, 3, q->cursor.name, (int) q->cursor.name_len,
                      SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 4, q->limit + 1);

    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {

        if (rt_store_sqlite_session(stmt, page) == -1) {
            result = rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
            goto done;
        }
    }

    if (rc != SQLITE_DONE) {
        result = rt_sqlite_fail(conn, err);
        goto done;
    }

    if (page->n > q->limit) {
        page->n = q->limit;
        rt_cursor_session(&page->next, &page->sessions[page->n - 1]);
    }

done:

    sqlite3_finalize(stmt);

    return rt_sqlite_end(s->file, conn, result, err);
}


static int
rt_store_sqlite_session(sqlite3_stmt *stmt, rt_page_t *page)
{
    rt_session_t  *s;

    s = &page->sessions[page->n++];

    s->first_at = sqlite3_column_int64(stmt, 1);
    s->last_at = sqlite3_column_int64(stmt, 2);
    s->count = sqlite3_column_int64(stmt, 3);

    if (rt_sqlite_column(stmt, 0, page, &s->session_id) == -1
        || rt_sqlite_column(stmt, 4, page, &s->preview) == -1)
    {
        return -1;
    }

    s->preview = rt_utf8_cut(s->preview, RT_PREVIEW_MAX);

    return 0;
}


static rt_store_rc_e
rt_store_sqlite_erase(rt_store_t *st, const rt_store_match_t *match,
    uint64_t *deleted, rt_store_error_t *err)
{
    rt_store_sqlite_t  *s = (rt_store_sqlite_t *) st;

    int64_t        deadline;
    uint64_t       n;
    rt_store_rc_e  rc;

    deadline = rt_store_clock() + st->conf.timeout_ms;

    for ( ;; ) {

        rc = rt_store_sqlite_delete(st, match, 0, &n, err);
        if (rc != RT_STORE_OK) {
            return rc;
        }

        *deleted += n;

        if (n < RT_SQLITE_ERASE_BATCH) {
            break;
        }

        if (rt_store_clock() > deadline) {
            return rt_store_fail(err, RT_STORE_TIMEOUT,
                                 "erased %llu so far",
                                 (unsigned long long) *deleted);
        }
    }

    if (*deleted) {
        rt_sqlite_forget(s->file);
    }

    return RT_STORE_OK;
}


static rt_store_rc_e
rt_store_sqlite_expire(rt_store_t *st, int64_t before, uint64_t *deleted,
    rt_store_error_t *err)
{
    return rt_store_sqlite_delete(st, NULL, before, deleted, err);
}


/* one batch of what matches, or without a match of what is older */

static rt_store_rc_e
rt_store_sqlite_delete(rt_store_t *st, const rt_store_match_t *match,
    int64_t before, uint64_t *deleted, rt_store_error_t *err)
{
    rt_store_sqlite_t  *s = (rt_store_sqlite_t *) st;

    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(s->file, RT_SQLITE_WRITE, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    rc = rt_sqlite_delete(conn, st->conf.collection, match, before, 0,
                          RT_SQLITE_ERASE_BATCH, deleted, err);

    return rt_sqlite_end(s->file, conn, rc, err);
}


static rt_store_rc_e
rt_store_sqlite_find_user(rt_store_t *st, const rt_store_lookup_t *lookup,
    rt_str_t value, rt_user_t *user, rt_store_error_t *err)
{
    rt_store_sqlite_t  *s = (rt_store_sqlite_t *) st;

    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(s->file, RT_SQLITE_READ, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    rc = rt_sqlite_user(conn, lookup, value, user, err);

    return rt_sqlite_end(s->file, conn, rc, err);
}
