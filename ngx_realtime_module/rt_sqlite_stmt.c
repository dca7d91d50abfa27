
/*
 * Statements of a connection, their values, and what their errors mean.
 */

#include "rt_sqlite.h"

#include <stdarg.h>


rt_store_rc_e
rt_sqlite_fail(rt_sqlite_conn_t *conn, rt_store_error_t *err)
{
    int            code;
    rt_store_rc_e  rc;

    switch (sqlite3_errcode(conn->db) & 0xff) {

    case SQLITE_INTERRUPT:
        rc = RT_STORE_TIMEOUT;
        break;

    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        rc = RT_STORE_REFUSED;
        break;

    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_NOMEM:
    case SQLITE_MISUSE:
        rc = RT_STORE_BROKEN;
        break;

    default:
        rc = RT_STORE_UNAVAILABLE;
    }

    code = sqlite3_extended_errcode(conn->db);

    (void) rt_store_fail(err, rc, "\"%s\": %s (%d)",
                         sqlite3_db_filename(conn->db, "main"),
                         sqlite3_errmsg(conn->db), code);
    err->code = code;

    return rc;
}


sqlite3_stmt *
rt_sqlite_prepare(rt_sqlite_conn_t *conn, const char *fmt, ...)
{
    char          *sql;
    va_list        args;
    sqlite3_stmt  *stmt;

    va_start(args, fmt);
    sql = sqlite3_vmprintf(fmt, args);
    va_end(args);

    stmt = NULL;

    if (sql != NULL) {
        sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);
        sqlite3_free(sql);
    }

    return stmt;
}


rt_store_rc_e
rt_sqlite_run(rt_sqlite_conn_t *conn, sqlite3_stmt *stmt,
    rt_store_error_t *err)
{
    rt_store_rc_e  rc;

    rc = stmt == NULL || sqlite3_step(stmt) != SQLITE_DONE
         ? rt_sqlite_fail(conn, err) : RT_STORE_OK;

    sqlite3_finalize(stmt);

    return rc;
}


rt_store_rc_e
rt_sqlite_number(rt_sqlite_conn_t *conn, sqlite3_stmt *stmt, int64_t *n,
    rt_store_error_t *err)
{
    rt_store_rc_e  rc;

    *n = 0;

    if (stmt == NULL || sqlite3_step(stmt) != SQLITE_ROW) {
        rc = rt_sqlite_fail(conn, err);

    } else {
        *n = sqlite3_column_int64(stmt, 0);
        rc = RT_STORE_OK;
    }

    sqlite3_finalize(stmt);

    return rc;
}


void
rt_sqlite_bind(sqlite3_stmt *stmt, int n, rt_str_t s)
{
    if (s.data == NULL) {
        sqlite3_bind_null(stmt, n);

    } else {
        sqlite3_bind_text(stmt, n, s.data, (int) s.len, SQLITE_STATIC);
    }
}


int
rt_sqlite_column(sqlite3_stmt *stmt, int n, rt_page_t *page, rt_str_t *s)
{
    rt_str_t  value;

    s->data = NULL;
    s->len = 0;

    if (sqlite3_column_type(stmt, n) == SQLITE_NULL) {
        return 0;
    }

    value.data = (const char *) sqlite3_column_text(stmt, n);
    value.len = sqlite3_column_bytes(stmt, n);

    if (value.data == NULL) {
        return -1;
    }

    *s = rt_page_copy(page, value);

    return s->data ? 0 : -1;
}
