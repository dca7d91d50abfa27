
#include "rt_spool_int.h"
#include "rt_time.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>


#define RT_SPOOL_LOCK_NAME  "-lock"
#define RT_SPOOL_WAITS      " AND id NOT IN (SELECT id FROM dead_letters)"

/* what is put leaves this much of the disk, or nothing could be removed */
#define RT_SPOOL_RESERVE    (16 * 1024 * 1024)

/* free pages that the file may keep when nothing waits */
#define RT_SPOOL_PAGES      1024


static rt_store_rc_e rt_spool_room(rt_spool_t *sp, rt_store_error_t *err);
static rt_store_rc_e rt_spool_first(rt_sqlite_conn_t *conn, int64_t *from,
    rt_store_error_t *err);
static rt_store_rc_e rt_spool_count(rt_sqlite_conn_t *conn,
    rt_spool_depth_t *depth, rt_store_error_t *err);


/*
 * Arrival is the order of rowids.  The depth is counted by triggers: a status
 * asks for it all the time, and scripts change these tables, too.
 */

static const char  rt_spool_schema[] =
    RT_SQLITE_TRANSCRIPTS
    "CREATE TABLE IF NOT EXISTS dead_letters ("
    " id BLOB PRIMARY KEY NOT NULL,"
    " reason TEXT NOT NULL,"
    " refused_at INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS depth ("
    " waiting INTEGER NOT NULL,"
    " dead INTEGER NOT NULL);"
    "INSERT INTO depth SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM depth);"
    "CREATE TRIGGER IF NOT EXISTS put AFTER INSERT ON spool BEGIN"
    " UPDATE depth SET waiting = waiting + 1; END;"
    "CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON spool BEGIN"
    " DELETE FROM dead_letters WHERE id = old.id;"
    " UPDATE depth SET waiting = waiting - 1; END;"
    "CREATE TRIGGER IF NOT EXISTS died AFTER INSERT ON dead_letters BEGIN"
    " UPDATE depth SET waiting = waiting - 1, dead = dead + 1; END;"
    "CREATE TRIGGER IF NOT EXISTS revived AFTER DELETE ON dead_letters BEGIN"
    " UPDATE depth SET waiting = waiting + 1, dead = dead - 1; END;";


int
rt_spool_check(const char *path, rt_store_error_t *err)
{
    return rt_sqlite_check(path, err);
}


rt_spool_t *
rt_spool_open(const char *path, unsigned timeout_ms)
{
    size_t       len;
    rt_spool_t  *sp;

    sp = calloc(1, sizeof(rt_spool_t));
    if (sp == NULL) {
        return NULL;
    }

    len = strlen(path);

    sp->timeout_ms = timeout_ms;
    sp->path = strdup(path);
    sp->lock = malloc(len + sizeof(RT_SPOOL_LOCK_NAME));

    if (sp->path == NULL || sp->lock == NULL) {
        goto failed;
    }

    memcpy(sp->lock, path, len);
    memcpy(sp->lock + len, RT_SPOOL_LOCK_NAME, sizeof(RT_SPOOL_LOCK_NAME));

    sp->file = rt_sqlite_create(sp->path, RT_SPOOL_TABLE, rt_spool_schema,
                                timeout_ms);
    if (sp->file != NULL) {
        return sp;
    }

failed:

    free(sp->path);
    free(sp->lock);
    free(sp);

    return NULL;
}


void
rt_spool_close(rt_spool_t *sp)
{
    rt_sqlite_destroy(sp->file);

    free(sp->path);
    free(sp->lock);
    free(sp);
}


rt_store_rc_e
rt_spool_put(rt_spool_t *sp, const rt_transcript_t *const *items, size_t n,
    rt_spool_depth_t *depth, rt_store_error_t *err)
{
    size_t             i;
    rt_store_rc_e      rc, *results;
    rt_sqlite_conn_t  *conn;

    rc = rt_spool_room(sp, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    results = calloc(n, sizeof(rt_store_rc_e));
    if (results == NULL) {
        return rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
    }

    rc = rt_sqlite_begin(sp->file, RT_SQLITE_WRITE, &conn, err);

    if (rc == RT_STORE_OK) {
        rc = rt_sqlite_insert(conn, RT_SPOOL_TABLE, items, n, results, err);

        for (i = 0; rc == RT_STORE_OK && i < n; i++) {
            if (results[i] == RT_STORE_REFUSED) {
                rc = RT_STORE_REFUSED;
            }
        }

        if (rc == RT_STORE_OK) {
            rc = rt_spool_count(conn, depth, err);
        }

        rc = rt_sqlite_end(sp->file, conn, rc, err);
    }

    free(results);

    return rc;
}


static rt_store_rc_e
rt_spool_room(rt_spool_t *sp, rt_store_error_t *err)
{
    struct statvfs  fs;

    if (statvfs(sp->path, &fs) == 0
        && (uint64_t) fs.f_bavail * fs.f_frsize < RT_SPOOL_RESERVE)
    {
        return rt_store_fail(err, RT_STORE_UNAVAILABLE,
                             "\"%s\": less than %d MB of the disk are free",
                             sp->path, RT_SPOOL_RESERVE / (1024 * 1024));
    }

    return RT_STORE_OK;
}


rt_store_rc_e
rt_spool_take(rt_spool_t *sp, size_t n, int64_t *from, rt_page_t *page,
    rt_store_error_t *err)
{
    int64_t            start;
    rt_store_rc_e      rc;
    sqlite3_stmt      *stmt;
    rt_spool_depth_t   depth;
    rt_sqlite_conn_t  *conn;

    memset(page, 0, sizeof(rt_page_t));

    rc = rt_sqlite_begin(sp->file, RT_SQLITE_READ, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    depth.waiting = 0;
    rc = rt_spool_count(conn, &depth, err);

    while (rc == RT_STORE_OK && depth.waiting) {
        start = *from;

        rc = rt_spool_first(conn, from, err);
        if (rc != RT_STORE_OK) {
            break;
        }

        stmt = rt_sqlite_prepare(conn,
                   "SELECT " RT_SQLITE_COLUMNS " FROM " RT_SPOOL_TABLE
                   " WHERE rowid >= ?1" RT_SPOOL_WAITS
                   " ORDER BY rowid LIMIT ?2");

        if (stmt == NULL) {
            rc = rt_sqlite_fail(conn, err);
            break;
        }

        sqlite3_bind_int64(stmt, 1, *from);
        sqlite3_bind_int64(stmt, 2, n);
        rc = rt_sqlite_read(conn, stmt, n, page, err);

        /* others wait before that: those made to wait again, for one */

        if (start == 0 || page->n == n || page->n >= depth.waiting) {
            break;
        }

        *from = 0;
        rt_page_free(page);
    }

    rc = rt_sqlite_end(sp->file, conn, rc, err);

    if (rc != RT_STORE_OK) {
        rt_page_free(page);
    }

    return rc;
}


/* the rowid of the first that waits, as far as there is one */

static rt_store_rc_e
rt_spool_first(rt_sqlite_conn_t *conn, int64_t *from, rt_store_error_t *err)
{
    int            step;
    rt_store_rc_e  rc;
    sqlite3_stmt  *stmt;

    rc = RT_STORE_OK;
    stmt = rt_sqlite_prepare(conn,
               "SELECT rowid FROM " RT_SPOOL_TABLE " WHERE rowid >= ?1"
               RT_SPOOL_WAITS " ORDER BY rowid LIMIT 1");

    if (stmt != NULL) {
        sqlite3_bind_int64(stmt, 1, *from);
    }

    step = (stmt != NULL) ? sqlite3_step(stmt) : SQLITE_ERROR;

    if (step == SQLITE_ROW) {
        *from = sqlite3_column_int64(stmt, 0);

    } else if (step != SQLITE_DONE) {
        rc = rt_sqlite_fail(conn, err);
    }

    sqlite3_finalize(stmt);

    return rc;
}


rt_store_rc_e
rt_spool_newest(rt_spool_t *sp, size_t skip, size_t n, rt_page_t *page,
    rt_store_error_t *err)
{
    rt_store_rc_e      rc;
    sqlite3_stmt      *stmt;
    rt_sqlite_conn_t  *conn;

    memset(page, 0, sizeof(rt_page_t));

    rc = rt_sqlite_begin(sp->file, RT_SQLITE_READ, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    stmt = rt_sqlite_prepare(conn,
               "SELECT " RT_SQLITE_COLUMNS " FROM " RT_SPOOL_TABLE
               " WHERE rowid >= 0" RT_SPOOL_WAITS
               " ORDER BY rowid DESC LIMIT ?1 OFFSET ?2");

    if (stmt == NULL) {
        rc = rt_sqlite_fail(conn, err);

    } else {
        sqlite3_bind_int64(stmt, 1, n);
        sqlite3_bind_int64(stmt, 2, skip);
        rc = rt_sqlite_read(conn, stmt, n, page, err);
    }

    rc = rt_sqlite_end(sp->file, conn, rc, err);

    if (rc != RT_STORE_OK) {
        rt_page_free(page);
    }

    return rc;
}


rt_store_rc_e
rt_spool_remove(rt_spool_t *sp, const rt_id_t *ids, size_t n,
    rt_store_error_t *err)
{
    size_t             i;
    sqlite3_stmt      *stmt;
    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(sp->file, RT_SQLITE_WRITE, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    stmt = rt_sqlite_prepare(conn,
                             "DELETE FROM " RT_SPOOL_TABLE " WHERE id = ?1");
    if (stmt == NULL) {
        rc = rt_sqlite_fail(conn, err);
    }

    for (i = 0; rc == RT_STORE_OK && i < n; i++) {
        sqlite3_bind_blob(stmt, 1, ids[i].bytes, RT_ID_LEN, SQLITE_STATIC);

        if (sqlite3_step(stmt) != SQLITE_DONE) {
            rc = rt_sqlite_fail(conn, err);
        }

        sqlite3_reset(stmt);
    }

    sqlite3_finalize(stmt);

    return rt_sqlite_end(sp->file, conn, rc, err);
}


rt_store_rc_e
rt_spool_dead(rt_spool_t *sp, const rt_id_t *id, const char *reason,
    rt_store_error_t *err)
{
    sqlite3_stmt      *stmt;
    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(sp->file, RT_SQLITE_WRITE, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    stmt = rt_sqlite_prepare(conn,
               "INSERT INTO dead_letters (id, reason, refused_at)"
               " SELECT id, ?2, ?3 FROM " RT_SPOOL_TABLE " WHERE id = ?1"
               " ON CONFLICT (id) DO NOTHING");

    if (stmt != NULL) {
        sqlite3_bind_blob(stmt, 1, id->bytes, RT_ID_LEN, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, reason, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 3, rt_time_now() / 1000);
    }

    rc = rt_sqlite_run(conn, stmt, err);

    return rt_sqlite_end(sp->file, conn, rc, err);
}


rt_store_rc_e
rt_spool_depth(rt_spool_t *sp, rt_spool_depth_t *depth, rt_store_error_t *err)
{
    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(sp->file, RT_SQLITE_READ, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    rc = rt_spool_count(conn, depth, err);

    return rt_sqlite_end(sp->file, conn, rc, err);
}


static rt_store_rc_e
rt_spool_count(rt_sqlite_conn_t *conn, rt_spool_depth_t *depth,
    rt_store_error_t *err)
{
    rt_store_rc_e   rc;
    sqlite3_stmt   *stmt;

    rc = RT_STORE_OK;
    stmt = rt_sqlite_prepare(conn, "SELECT waiting, dead FROM depth");

    if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
        depth->waiting = sqlite3_column_int64(stmt, 0);
        depth->dead = sqlite3_column_int64(stmt, 1);

    } else {
        rc = rt_sqlite_fail(conn, err);
    }

    sqlite3_finalize(stmt);

    return rc;
}


rt_store_rc_e
rt_spool_shrink(rt_spool_t *sp, rt_store_error_t *err)
{
    int                rows;
    sqlite3_stmt      *stmt;
    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(sp->file, RT_SQLITE_READ, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    /* dead letters may be many: what is written anew is less than is freed */

    stmt = rt_sqlite_prepare(conn,
               "SELECT 1 FROM pragma_freelist_count, pragma_page_count"
               " WHERE freelist_count > max(%d, page_count / 2)",
               RT_SPOOL_PAGES);

    rows = stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);

    if (rows
        && sqlite3_exec(conn->db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
                        NULL, NULL, NULL)
           != SQLITE_OK)
    {
        rc = rt_sqlite_fail(conn, err);
    }

    return rt_sqlite_end(sp->file, conn, rc, err);
}
