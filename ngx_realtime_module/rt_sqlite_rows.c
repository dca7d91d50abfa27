
#include "rt_sqlite_rows.h"

#include <stdlib.h>
#include <string.h>


static int rt_sqlite_row(sqlite3_stmt *stmt, rt_page_t *page,
    rt_transcript_t *t);


rt_store_rc_e
rt_sqlite_insert(rt_sqlite_conn_t *conn, const char *table,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    rt_store_error_t *err)
{
    int                     code;
    size_t                  i;
    rt_str_t                role, source;
    sqlite3_stmt           *stmt;
    rt_store_rc_e           rc;
    const rt_transcript_t  *t;

    if (conn->insert == NULL) {
        conn->insert = rt_sqlite_prepare(conn,
                           "INSERT INTO \"%w\" (" RT_SQLITE_COLUMNS ")"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                           " ?11, ?12, ?13, ?14) ON CONFLICT (id) DO NOTHING",
                           table);
        if (conn->insert == NULL) {
            return rt_sqlite_fail(conn, err);
        }
    }

    stmt = conn->insert;

    for (i = 0; i < n; i++) {
        t = items[i];

        role.data = rt_role_name(t->role);
        role.len = strlen(role.data);
        source.data = rt_source_name(t->source);
        source.len = strlen(source.data);

        sqlite3_bind_blob(stmt, 1, t->id.bytes, RT_ID_LEN, SQLITE_STATIC);
        rt_sqlite_bind(stmt, 2, t->user_id);
        rt_sqlite_bind(stmt, 3, t->session_id);
        rt_sqlite_bind(stmt, 4, role);
        rt_sqlite_bind(stmt, 5, t->text);
        sqlite3_bind_int64(stmt, 6, t->timestamp);
        sqlite3_bind_int64(stmt, 7, t->created_at);
        sqlite3_bind_int64(stmt, 8, t->seq);
        rt_sqlite_bind(stmt, 9, t->call_id);
        rt_sqlite_bind(stmt, 10, t->item_id);
        rt_sqlite_bind(stmt, 11, t->previous_item_id);
        rt_sqlite_bind(stmt, 12, t->language);
        rt_sqlite_bind(stmt, 13, t->metadata);
        rt_sqlite_bind(stmt, 14, source);

        if (sqlite3_step(stmt) == SQLITE_DONE) {
            results[i] = sqlite3_changes(conn->db) ? RT_STORE_OK
                                                   : RT_STORE_DUPLICATE;
            sqlite3_reset(stmt);
            continue;
        }

        rc = rt_sqlite_fail(conn, err);
        code = sqlite3_errcode(conn->db) & 0xff;
        sqlite3_reset(stmt);

        /* a read-only file refuses all of them, a constraint this one */

        if (code != SQLITE_CONSTRAINT && code != SQLITE_TOOBIG) {
            return rc;
        }

        results[i] = RT_STORE_REFUSED;
    }

    return RT_STORE_OK;
}


rt_store_rc_e
rt_sqlite_read(rt_sqlite_conn_t *conn, sqlite3_stmt *stmt, size_t max,
    rt_page_t *page, rt_store_error_t *err)
{
    int            step;
    rt_store_rc_e  rc;

    rc = RT_STORE_OK;

    page->items = calloc(max, sizeof(rt_transcript_t));
    if (page->items == NULL) {
        rc = rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        goto done;
    }

    while (page->n < max) {
        step = sqlite3_step(stmt);

        if (step == SQLITE_DONE) {
            break;
        }

        if (step != SQLITE_ROW) {
            rc = rt_sqlite_fail(conn, err);
            break;
        }

        if (rt_sqlite_row(stmt, page, &page->items[page->n]) == -1) {
            rc = rt_store_fail(err, RT_STORE_BROKEN,
                               "a row of \"%s\" cannot be read",
                               sqlite3_db_filename(conn->db, "main"));
            break;
        }

        page->n++;
    }

done:

    sqlite3_finalize(stmt);

    return rc;
}


static int
rt_sqlite_row(sqlite3_stmt *stmt, rt_page_t *page, rt_transcript_t *t)
{
    const char  *text;

    if (sqlite3_column_bytes(stmt, 0) != RT_ID_LEN) {
        return -1;
    }

    memcpy(t->id.bytes, sqlite3_column_blob(stmt, 0), RT_ID_LEN);

    text = (const char *) sqlite3_column_text(stmt, 3);
    if (text == NULL) {
        return -1;
    }

    t->role = strcmp(text, rt_role_name(RT_ROLE_ASSISTANT)) == 0
              ? RT_ROLE_ASSISTANT : RT_ROLE_USER;

    text = (const char *) sqlite3_column_text(stmt, 13);
    if (text == NULL) {
        return -1;
    }

    t->source = strcmp(text, rt_source_name(RT_SOURCE_OBSERVED)) == 0
                ? RT_SOURCE_OBSERVED : RT_SOURCE_CLIENT;

    t->timestamp = sqlite3_column_int64(stmt, 5);
    t->created_at = sqlite3_column_int64(stmt, 6);
    t->seq = sqlite3_column_int64(stmt, 7);

    return rt_sqlite_column(stmt, 1, page, &t->user_id) == 0
           && rt_sqlite_column(stmt, 2, page, &t->session_id) == 0
           && rt_sqlite_column(stmt, 4, page, &t->text) == 0
           && rt_sqlite_column(stmt, 8, page, &t->call_id) == 0
           && rt_sqlite_column(stmt, 9, page, &t->item_id) == 0
           && rt_sqlite_column(stmt, 10, page, &t->previous_item_id) == 0
           && rt_sqlite_column(stmt, 11, page, &t->language) == 0
           && rt_sqlite_column(stmt, 12, page, &t->metadata) == 0
           ? 0 : -1;
}


rt_store_rc_e
rt_sqlite_delete(rt_sqlite_conn_t *conn, const char *table,
    const rt_store_match_t *match, int64_t before, int64_t first, int limit,
    uint64_t *deleted, rt_store_error_t *err)
{
    sqlite3_stmt   *stmt;
    rt_store_rc_e   rc;

    stmt = rt_sqlite_prepare(conn,
               "DELETE FROM \"%w\" WHERE rowid IN (SELECT rowid FROM \"%w\""
               " WHERE %s%s%s%s LIMIT %d)",
               table, table,
               match ? "user_id = ?1" : "created_at < ?4",
               match && match->session_id.data ? " AND session_id = ?2" : "",
               match && match->id ? " AND id = ?3" : "",
               first ? " AND rowid BETWEEN ?5 AND ?6" : "",
               limit);

    if (stmt != NULL && match != NULL) {
        rt_sqlite_bind(stmt, 1, match->user_id);
        rt_sqlite_bind(stmt, 2, match->session_id);

        if (match->id != NULL) {
            sqlite3_bind_blob(stmt, 3, match->id->bytes, RT_ID_LEN,
                              SQLITE_STATIC);
        }
    }

    if (stmt != NULL && match == NULL) {
        sqlite3_bind_int64(stmt, 4, before);
    }

    if (stmt != NULL && first) {
        sqlite3_bind_int64(stmt, 5, first);
        sqlite3_bind_int64(stmt, 6, first + limit - 1);
    }

    rc = rt_sqlite_run(conn, stmt, err);
    *deleted = rc == RT_STORE_OK ? sqlite3_changes(conn->db) : 0;

    return rc;
}
