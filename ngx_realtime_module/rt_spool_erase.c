
/*
 * What is erased in the spool, and the lock that keeps an erasure and the way
 * to the store apart.
 */

#define _GNU_SOURCE

#include "rt_spool_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


/* rows of one transaction, and a pause in ms: writes get in between */
#define RT_SPOOL_ERASE_BATCH  2000
#define RT_SPOOL_ERASE_PAUSE  3

/* bytes of the lock */
#define RT_SPOOL_GATE         0
#define RT_SPOOL_WAY          1

/* how long the drainer keeps the gate closed for the way to be free, ms */
#define RT_SPOOL_LOCK_WAIT    250


static rt_store_rc_e rt_spool_delete(rt_spool_t *sp,
    const rt_store_match_t *match, int64_t before, uint64_t *deleted,
    rt_store_error_t *err);
static int rt_spool_byte(int fd, off_t byte, short type);
static rt_store_rc_e rt_spool_rows(rt_spool_t *sp, int64_t *first,
    int64_t *last, rt_store_error_t *err);


rt_store_rc_e
rt_spool_erase(rt_spool_t *sp, const rt_store_match_t *match,
    uint64_t *deleted, rt_store_error_t *err)
{
    rt_store_rc_e  rc;

    rc = rt_spool_delete(sp, match, 0, deleted, err);

    /* also where nothing waits: what the store has by now was in the log */

    if (rc == RT_STORE_OK) {
        rt_sqlite_forget(sp->file);
    }

    return rc;
}


rt_store_rc_e
rt_spool_expire(rt_spool_t *sp, int64_t before, uint64_t *deleted,
    rt_store_error_t *err)
{
    return rt_spool_delete(sp, NULL, before, deleted, err);
}


/* all that matches, or without a match a batch of what is older */

static rt_store_rc_e
rt_spool_delete(rt_spool_t *sp, const rt_store_match_t *match, int64_t before,
    uint64_t *deleted, rt_store_error_t *err)
{
    int64_t            row, last, deadline;
    uint64_t           n;
    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    static const struct timespec  pause = { 0, RT_SPOOL_ERASE_PAUSE * 1000000 };

    *deleted = 0;
    deadline = rt_store_clock() + sp->timeout_ms;

    row = last = 0;
    rc = RT_STORE_OK;

    if (match == NULL || match->id == NULL) {
        rc = rt_spool_rows(sp, &row, &last, err);
    }

    for ( /* void */ ; rc == RT_STORE_OK && row <= last;
         row += RT_SPOOL_ERASE_BATCH)
    {
        if (rt_store_clock() > deadline) {
            return rt_store_fail(err, RT_STORE_TIMEOUT,
                                 "erased %llu of the spool so far",
                                 (unsigned long long) *deleted);
        }

        rc = rt_sqlite_begin(sp->file, RT_SQLITE_WRITE, &conn, err);
        if (rc != RT_STORE_OK) {
            break;
        }

        rc = rt_sqlite_delete(conn, RT_SPOOL_TABLE, match, before, row,
                              RT_SPOOL_ERASE_BATCH, &n, err);
        rc = rt_sqlite_end(sp->file, conn, rc, err);

        if (rc != RT_STORE_OK || n == 0) {
            continue;
        }

        *deleted += n;

        if (match == NULL) {
            break;
        }

        nanosleep(&pause, NULL);
    }

    return rc;
}


/* the first rowid and the last; 1 and 0: there is none */

static rt_store_rc_e
rt_spool_rows(rt_spool_t *sp, int64_t *first, int64_t *last,
    rt_store_error_t *err)
{
    rt_store_rc_e      rc;
    sqlite3_stmt      *stmt;
    rt_sqlite_conn_t  *conn;

    rc = rt_sqlite_begin(sp->file, RT_SQLITE_READ, &conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    stmt = rt_sqlite_prepare(conn,
               "SELECT ifnull((SELECT min(rowid) FROM " RT_SPOOL_TABLE "), 1),"
               " ifnull((SELECT max(rowid) FROM " RT_SPOOL_TABLE "), 0)");

    if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
        *first = sqlite3_column_int64(stmt, 0);
        *last = sqlite3_column_int64(stmt, 1);

    } else {
        rc = rt_sqlite_fail(conn, err);
    }

    sqlite3_finalize(stmt);

    return rt_sqlite_end(sp->file, conn, rc, err);
}


/*
 * The gate is for the drainer: while it has that, no erasure begins, and
 * those under way end.  An erasure goes through and leaves it open.
 */

rt_store_rc_e
rt_spool_lock(rt_spool_t *sp, rt_spool_lock_e mode, int *lock,
    rt_store_error_t *err)
{
    int              fd, gate, tries;
    short            type;
    int64_t          deadline;
    struct timespec  ts;

    /* a file of its own: SQLite loses its locks where another closes its */

    fd = open(sp->lock, O_CREAT|O_RDWR|O_CLOEXEC, 0600);

    if (fd == -1) {
        return rt_store_fail(err, RT_STORE_UNAVAILABLE, "\"%s\": %s",
                             sp->lock, strerror(errno));
    }

    gate = 0;
    type = (mode == RT_SPOOL_DRAIN) ? F_WRLCK : F_RDLCK;
    deadline = rt_store_clock()
               + (mode == RT_SPOOL_DRAIN ? RT_SPOOL_LOCK_WAIT
                                         : sp->timeout_ms);
    ts.tv_sec = 0;
    ts.tv_nsec = RT_SPOOL_LOCK_POLL * 1000000;

    for (tries = 0; /* void */ ; tries++) {

        if (!gate) {
            gate = rt_spool_byte(fd, RT_SPOOL_GATE, type) == 0;
        }

        if (gate && rt_spool_byte(fd, RT_SPOOL_WAY, type) == 0) {
            break;
        }

        if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
            rt_store_fail(err, RT_STORE_UNAVAILABLE, "\"%s\": %s", sp->lock,
                          strerror(errno));
            close(fd);
            return RT_STORE_UNAVAILABLE;
        }

        /* behind a gate that stays closed another one drains */

        if (rt_store_clock() > deadline
            || (mode == RT_SPOOL_DRAIN && !gate && tries == 2))
        {
            close(fd);
            return rt_store_fail(err, RT_STORE_TIMEOUT,
                                 "\"%s\" is locked by another", sp->lock);
        }

        if (mode == RT_SPOOL_ERASE && gate) {
            (void) rt_spool_byte(fd, RT_SPOOL_GATE, F_UNLCK);
            gate = 0;
        }

        nanosleep(&ts, NULL);
    }

    if (mode == RT_SPOOL_ERASE) {
        (void) rt_spool_byte(fd, RT_SPOOL_GATE, F_UNLCK);
    }

    *lock = fd;

    return RT_STORE_OK;
}


/* of the descriptor, so that each thread has its own: it ends with close() */

static int
rt_spool_byte(int fd, off_t byte, short type)
{
    struct flock  fl;

    memset(&fl, 0, sizeof(struct flock));

    fl.l_type = type;
    fl.l_whence = SEEK_SET;
    fl.l_start = byte;
    fl.l_len = 1;

    return fcntl(fd, F_OFD_SETLK, &fl);
}


void
rt_spool_unlock(int lock)
{
    close(lock);
}
