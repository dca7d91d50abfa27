
/*
 * A SQLite file used by several threads of several processes: connections,
 * transactions that end in time, and what SQLite's errors mean to a store.
 *
 * Ownership: a file is opened after fork and closed by the same process; a
 * connection is one thread's between rt_sqlite_begin() and rt_sqlite_end().
 * Threads: rt_sqlite_create() and rt_sqlite_destroy() in the main thread,
 * which touch no file; all the others block.
 */

#ifndef _RT_SQLITE_H_INCLUDED_
#define _RT_SQLITE_H_INCLUDED_


#include "rt_store_driver.h"

#include <sqlite3.h>


typedef struct rt_sqlite_s       rt_sqlite_t;
typedef struct rt_sqlite_conn_s  rt_sqlite_conn_t;


struct rt_sqlite_conn_s {
    sqlite3           *db;
    sqlite3_stmt      *insert;      /* the caller's, kept for its next use */
    int64_t            deadline;    /* ms of the monotonic clock; 0: none */
    rt_sqlite_conn_t  *next;
    unsigned           write:1;     /* in a transaction */
    unsigned           forever:1;   /* the deadline is for locks only */
};


#define RT_SQLITE_READ      0
#define RT_SQLITE_WRITE     1
#define RT_SQLITE_FOREVER   2       /* write, with a deadline only for the
                                       lock */


/*
 * Whether an absolute path can be that of a file: for a test of the
 * configuration.  Opens nothing, changes nothing.  0, or -1 with the reason
 * in err.
 */

int rt_sqlite_check(const char *path, rt_store_error_t *err);


/*
 * table is made by schema, SQL with each %w standing for the name of the
 * table, wherever it is missing.  path and table must stay.  NULL: no memory.
 */

rt_sqlite_t *rt_sqlite_create(const char *path, const char *table,
    const char *schema, unsigned timeout_ms);

void rt_sqlite_destroy(rt_sqlite_t *s);


/*
 * A connection, its deadline set; for RT_SQLITE_WRITE in a transaction that
 * holds the write lock.  After anything but OK there is nothing to end.
 */

rt_store_rc_e rt_sqlite_begin(rt_sqlite_t *s, unsigned mode,
    rt_sqlite_conn_t **conn, rt_store_error_t *err);

/*
 * Commits where rc is OK, else rolls back; gives the connection back, or
 * closes it after a failure.  Returns rc, or why the commit failed.
 */

rt_store_rc_e rt_sqlite_end(rt_sqlite_t *s, rt_sqlite_conn_t *conn,
    rt_store_rc_e rc, rt_store_error_t *err);


/*
 * After an erasure: what is gone from the file may still be read in the log
 * beside it, which is emptied.  Where somebody reads for longer than half a
 * second it is left to the next time.
 */

void rt_sqlite_forget(rt_sqlite_t *s);


/* what the connection's last error means; its text goes to err */
rt_store_rc_e rt_sqlite_fail(rt_sqlite_conn_t *conn, rt_store_error_t *err);


/* a statement whose text may hold %w; NULL: see rt_sqlite_fail() */
sqlite3_stmt *rt_sqlite_prepare(rt_sqlite_conn_t *conn, const char *fmt, ...);


/* runs a statement that returns no rows, and finalizes it */
rt_store_rc_e rt_sqlite_run(rt_sqlite_conn_t *conn, sqlite3_stmt *stmt,
    rt_store_error_t *err);


/* the first column of a statement's one row; finalizes it */
rt_store_rc_e rt_sqlite_number(rt_sqlite_conn_t *conn, sqlite3_stmt *stmt,
    int64_t *n, rt_store_error_t *err);


/* text that stays until the statement is done; no value is NULL */
void rt_sqlite_bind(sqlite3_stmt *stmt, int n, rt_str_t s);

/* -1: no memory */
int rt_sqlite_column(sqlite3_stmt *stmt, int n, rt_page_t *page, rt_str_t *s);


#endif /* _RT_SQLITE_H_INCLUDED_ */
