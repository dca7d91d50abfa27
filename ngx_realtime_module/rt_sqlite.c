
#define _GNU_SOURCE

#include "rt_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


/* of the schema, in the file's user_version */

#define RT_SQLITE_VERSION      1
#define RT_SQLITE_SET_VERSION  "PRAGMA user_version=1;"

#define RT_SQLITE_STEPS        4000         /* between looks at the clock */

/* what emptying the log waits for readers, and writers for it: ms */
#define RT_SQLITE_FORGET_WAIT  500


struct rt_sqlite_s {
    const char        *path;
    const char        *table;
    const char        *schema;
    unsigned           timeout_ms;

    pthread_mutex_t    lock;                /* of the list of connections, and
                                               of the making of the file */
    pthread_mutex_t    writer;              /* one of our threads writes: the
                                               others wait without polling */
    rt_sqlite_conn_t  *idle;
};


static rt_store_rc_e rt_sqlite_get(rt_sqlite_t *s, unsigned mode,
    int64_t deadline, rt_sqlite_conn_t **out, rt_store_error_t *err);
static int rt_sqlite_moved(rt_sqlite_conn_t *conn);
static rt_store_rc_e rt_sqlite_connect(rt_sqlite_t *s, unsigned mode,
    rt_sqlite_conn_t *conn, rt_store_error_t *err);
static rt_store_rc_e rt_sqlite_setup(rt_sqlite_t *s, unsigned mode,
    rt_sqlite_conn_t *conn, rt_store_error_t *err);
static rt_store_rc_e rt_sqlite_wal(rt_sqlite_conn_t *conn,
    rt_store_error_t *err);
static rt_store_rc_e rt_sqlite_make(rt_sqlite_conn_t *conn, const char *sql,
    rt_store_error_t *err);
static rt_store_rc_e rt_sqlite_turn(rt_sqlite_t *s, int64_t deadline,
    rt_store_error_t *err);
static rt_store_rc_e rt_sqlite_transaction(rt_sqlite_conn_t *conn,
    rt_store_error_t *err);
static void rt_sqlite_close(rt_sqlite_conn_t *conn);
static int rt_sqlite_busy(void *data, int n);
static int rt_sqlite_progress(void *data);


rt_sqlite_t *
rt_sqlite_create(const char *path, const char *table, const char *schema,
    unsigned timeout_ms)
{
    rt_sqlite_t  *s;

    s = calloc(1, sizeof(rt_sqlite_t));
    if (s == NULL) {
        return NULL;
    }

    s->path = path;
    s->table = table;
    s->schema = schema;
    s->timeout_ms = timeout_ms;

    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->writer, NULL);

    return s;
}


void
rt_sqlite_destroy(rt_sqlite_t *s)
{
    rt_sqlite_conn_t  *conn;

    while (s->idle) {
        conn = s->idle;
        s->idle = conn->next;
        rt_sqlite_close(conn);
    }

    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->writer);
    free(s);
}


rt_store_rc_e
rt_sqlite_begin(rt_sqlite_t *s, unsigned mode, rt_sqlite_conn_t **conn,
    rt_store_error_t *err)
{
    int64_t        deadline;
    rt_store_rc_e  rc;

    deadline = rt_store_clock() + s->timeout_ms;

    if (mode == RT_SQLITE_READ) {
        return rt_sqlite_get(s, mode, deadline, conn, err);
    }

    /* its turn first: the last writer's connection knows the pages still */

    rc = rt_sqlite_turn(s, deadline, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    rc = rt_sqlite_get(s, mode, deadline, conn, err);

    if (rc == RT_STORE_OK) {
        rc = rt_sqlite_transaction(*conn, err);

        if (rc == RT_STORE_OK) {
            return RT_STORE_OK;
        }

        rt_sqlite_close(*conn);
    }

    pthread_mutex_unlock(&s->writer);

    return rc;
}


rt_store_rc_e
rt_sqlite_end(rt_sqlite_t *s, rt_sqlite_conn_t *conn, rt_store_rc_e rc,
    rt_store_error_t *err)
{
    unsigned  write;

    write = conn->write;

    if (write) {
        conn->deadline = 0;

        if (rc == RT_STORE_OK
            && sqlite3_exec(conn->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        {
            rc = rt_sqlite_fail(conn, err);
        }

        if (!sqlite3_get_autocommit(conn->db)) {
            (void) sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
        }

        conn->write = 0;
    }

    /* the file may have been repaired or made writable by the next time */

    if (rc != RT_STORE_OK || sqlite3_db_readonly(conn->db, "main") == 1) {
        rt_sqlite_close(conn);

    } else {
        pthread_mutex_lock(&s->lock);

        conn->next = s->idle;
        s->idle = conn;

        pthread_mutex_unlock(&s->lock);
    }

    if (write) {
        pthread_mutex_unlock(&s->writer);
    }

    return rc;
}


void
rt_sqlite_forget(rt_sqlite_t *s)
{
    rt_store_error_t   err;
    rt_sqlite_conn_t  *conn;

    if (rt_sqlite_begin(s, RT_SQLITE_READ, &conn, &err) != RT_STORE_OK) {
        return;
    }

    conn->deadline = rt_store_clock() + RT_SQLITE_FORGET_WAIT;

    (void) sqlite3_wal_checkpoint_v2(conn->db, "main",
                                     SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    (void) rt_sqlite_end(s, conn, RT_STORE_OK, &err);
}


static rt_store_rc_e
rt_sqlite_get(rt_sqlite_t *s, unsigned mode, int64_t deadline,
    rt_sqlite_conn_t **out, rt_store_error_t *err)
{
    rt_store_rc_e      rc;
    rt_sqlite_conn_t  *conn;

    pthread_mutex_lock(&s->lock);

    conn = s->idle;
    if (conn != NULL) {
        s->idle = conn->next;
    }

    pthread_mutex_unlock(&s->lock);

    if (conn != NULL && rt_sqlite_moved(conn)) {
        rt_sqlite_close(conn);
        conn = NULL;
    }

    if (conn == NULL) {
        conn = calloc(1, sizeof(rt_sqlite_conn_t));
        if (conn == NULL) {
            return rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        }
    }

    conn->deadline = deadline;
    conn->forever = (mode == RT_SQLITE_FOREVER);

    if (conn->db == NULL) {
        rc = rt_sqlite_connect(s, mode, conn, err);

        if (rc != RT_STORE_OK) {
            rt_sqlite_close(conn);
            return rc;
        }
    }

    *out = conn;

    return RT_STORE_OK;
}


/* a file that was replaced is nobody's any more: what goes there is lost */

static int
rt_sqlite_moved(rt_sqlite_conn_t *conn)
{
    int  moved;

    moved = 0;
    sqlite3_file_control(conn->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);

    return moved;
}


static rt_store_rc_e
rt_sqlite_connect(rt_sqlite_t *s, unsigned mode, rt_sqlite_conn_t *conn,
    rt_store_error_t *err)
{
    int            fd, reason;
    rt_store_rc_e  rc;

    /*
     * Nobody else's to read.  Only a file that is not there is opened here,
     * and no other thread comes to it meanwhile: closing a second descriptor
     * would drop SQLite's locks on it.
     */

    pthread_mutex_lock(&s->lock);

    fd = open(s->path, O_CREAT|O_EXCL|O_RDWR|O_CLOEXEC, 0600);

    reason = (fd == -1 && errno != EEXIST) ? errno : 0;

    if (fd != -1) {
        close(fd);
    }

    pthread_mutex_unlock(&s->lock);

    if (sqlite3_open_v2(s->path, &conn->db,
                        SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX, NULL)
        != SQLITE_OK)
    {
        if (conn->db == NULL) {
            return rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        }

        /* where it could not be made, SQLite only says that it is not there */

        if (reason == 0) {
            reason = sqlite3_system_errno(conn->db);
        }

        return rt_store_fail(err, RT_STORE_UNAVAILABLE, "\"%s\": %s", s->path,
                             reason ? strerror(reason)
                                    : sqlite3_errmsg(conn->db));
    }

    sqlite3_extended_result_codes(conn->db, 1);
    sqlite3_busy_handler(conn->db, rt_sqlite_busy, conn);
    sqlite3_progress_handler(conn->db, RT_SQLITE_STEPS, rt_sqlite_progress,
                             conn);

    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);

    rc = rt_sqlite_wal(conn, err);

    if (rc != RT_STORE_OK) {
        return rc;
    }

    /* what is erased is overwritten, what is acknowledged is on the disk */

    if (sqlite3_exec(conn->db, "PRAGMA synchronous=FULL;"
                               "PRAGMA secure_delete=ON;"
                               "PRAGMA journal_size_limit=67108864;",
                     NULL, NULL, NULL)
        != SQLITE_OK)
    {
        return rt_sqlite_fail(conn, err);
    }

    return rt_sqlite_setup(s, mode, conn, err);
}


static rt_store_rc_e
rt_sqlite_wal(rt_sqlite_conn_t *conn, rt_store_error_t *err)
{
    int            n, rc;
    const char    *mode;
    sqlite3_stmt  *stmt;

    /* the change to WAL does not always ask the busy handler */

    for (n = 0; /* void */ ; n++) {

        stmt = rt_sqlite_prepare(conn, "PRAGMA journal_mode=WAL");
        if (stmt == NULL) {
            return rt_sqlite_fail(conn, err);
        }

        rc = sqlite3_step(stmt);

        if (rc == SQLITE_ROW) {
            mode = (const char *) sqlite3_column_text(stmt, 0);
            rc = mode && strcmp(mode, "wal") == 0 ? SQLITE_OK : SQLITE_ERROR;
            sqlite3_finalize(stmt);

            return rc == SQLITE_OK
                   ? RT_STORE_OK
                   : rt_store_fail(err, RT_STORE_UNAVAILABLE,
                                   "\"%s\": no write-ahead log there",
                                   sqlite3_db_filename(conn->db, "main"));
        }

        sqlite3_finalize(stmt);

        if ((rc & 0xff) != SQLITE_BUSY || !rt_sqlite_busy(conn, n)) {
            return rt_sqlite_fail(conn, err);
        }
    }
}


static rt_store_rc_e
rt_sqlite_setup(rt_sqlite_t *s, unsigned mode, rt_sqlite_conn_t *conn,
    rt_store_error_t *err)
{
    char           *sql;
    int64_t         version, found;
    rt_store_rc_e   rc;
    sqlite3_stmt   *stmt;

    stmt = rt_sqlite_prepare(conn, "PRAGMA user_version");

    rc = rt_sqlite_number(conn, stmt, &version, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    if (version > RT_SQLITE_VERSION) {
        return rt_store_fail(err, RT_STORE_BROKEN,
                             "\"%s\": schema %lld is newer than this module's "
                             "%d", s->path, (long long) version,
                             RT_SQLITE_VERSION);
    }

    stmt = rt_sqlite_prepare(conn, "SELECT count(*) FROM sqlite_master "
                                   "WHERE type = 'table' AND name = ?1");
    if (stmt != NULL) {
        sqlite3_bind_text(stmt, 1, s->table, -1, SQLITE_STATIC);
    }

    rc = rt_sqlite_number(conn, stmt, &found, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    if (found && version == RT_SQLITE_VERSION) {
        return RT_STORE_OK;
    }

    sql = sqlite3_mprintf(s->schema, s->table, s->table, s->table, s->table,
                          s->table, s->table, s->table, s->table, s->table);
    if (sql == NULL) {
        return rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
    }

    /* who writes has the turn already */

    if (mode == RT_SQLITE_READ) {
        rc = rt_sqlite_turn(s, conn->deadline, err);
    }

    if (rc == RT_STORE_OK) {
        rc = rt_sqlite_make(conn, sql, err);

        if (mode == RT_SQLITE_READ) {
            pthread_mutex_unlock(&s->writer);
        }
    }

    sqlite3_free(sql);

    return rc;
}


static rt_store_rc_e
rt_sqlite_make(rt_sqlite_conn_t *conn, const char *sql, rt_store_error_t *err)
{
    rt_store_rc_e  rc;

    rc = rt_sqlite_transaction(conn, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    if (sqlite3_exec(conn->db, sql, NULL, NULL, NULL) != SQLITE_OK
        || sqlite3_exec(conn->db, RT_SQLITE_SET_VERSION "COMMIT", NULL, NULL,
                        NULL)
           != SQLITE_OK)
    {
        rc = rt_sqlite_fail(conn, err);
        (void) sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
    }

    conn->write = 0;

    return rc;
}


static rt_store_rc_e
rt_sqlite_turn(rt_sqlite_t *s, int64_t deadline, rt_store_error_t *err)
{
    struct timespec  ts;

    ts.tv_sec = deadline / 1000;
    ts.tv_nsec = deadline % 1000 * 1000000;

    if (pthread_mutex_clocklock(&s->writer, CLOCK_MONOTONIC, &ts) != 0) {
        return rt_store_fail(err, RT_STORE_UNAVAILABLE,
                             "the writes before this one take too long");
    }

    return RT_STORE_OK;
}


static rt_store_rc_e
rt_sqlite_transaction(rt_sqlite_conn_t *conn, rt_store_error_t *err)
{
    if (sqlite3_exec(conn->db, "BEGIN IMMEDIATE", NULL, NULL, NULL)
        != SQLITE_OK)
    {
        return rt_sqlite_fail(conn, err);
    }

    conn->write = 1;

    return RT_STORE_OK;
}


static void
rt_sqlite_close(rt_sqlite_conn_t *conn)
{
    sqlite3_finalize(conn->insert);
    sqlite3_close(conn->db);
    free(conn);
}


static int
rt_sqlite_busy(void *data, int n)
{
    rt_sqlite_conn_t  *conn = data;

    int64_t            left;
    struct timespec    ts;

    static const int  waits[] = { 1, 1, 2, 3, 5, 8, 13, 20 };

    ts.tv_sec = 0;
    ts.tv_nsec = waits[n < 8 ? n : 7] * 1000000;

    if (conn->deadline) {
        left = conn->deadline - rt_store_clock();

        if (left <= 0) {
            return 0;
        }

        if (left * 1000000 < ts.tv_nsec) {
            ts.tv_nsec = left * 1000000;
        }
    }

    nanosleep(&ts, NULL);

    return 1;
}


static int
rt_sqlite_progress(void *data)
{
    rt_sqlite_conn_t  *conn = data;

    return conn->deadline && !conn->forever
           && rt_store_clock() > conn->deadline;
}
