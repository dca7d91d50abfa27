/*
 * Threads that come to a file that is not there yet: whoever makes it must not
 * drop the locks that SQLite has on it for another.  Includes the source: the
 * maker is held up where it closes the file.
 *
 * And a power cut: what is committed was flushed to the disk before.
 */

#define _GNU_SOURCE

#include <unistd.h>

static int held_close(int fd);

#define close  held_close
#include "rt_sqlite.c"
#undef close

#include "rt_sqlite_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cmocka.h>


static char         path[512];
static sem_t        made;
static sem_t        on;
static rt_sqlite_t *s;
static unsigned     flushes;


/* SQLite calls these, not the C library's */

int
fdatasync(int fd)
{
    flushes++;

    return (int) syscall(SYS_fdatasync, fd);
}


int
fsync(int fd)
{
    flushes++;

    return (int) syscall(SYS_fsync, fd);
}


static int
held_close(int fd)
{
    sem_post(&made);
    sem_wait(&on);

    return close(fd);
}


static void *
begin(void *data)
{
    rt_sqlite_conn_t  *conn;
    rt_store_error_t   err;

    (void) data;

    if (rt_sqlite_begin(s, RT_SQLITE_READ, &conn, &err) == RT_STORE_OK) {
        rt_sqlite_end(s, conn, RT_STORE_OK, &err);
    }

    return NULL;
}


/* of all processes, on the file itself */

static int
locks(void)
{
    int          n;
    char         line[256], inode[32];
    FILE        *in;
    struct stat  sb;

    assert_int_equal(stat(path, &sb), 0);
    snprintf(inode, sizeof(inode), ":%lu ", (unsigned long) sb.st_ino);

    in = fopen("/proc/locks", "r");
    assert_non_null(in);

    for (n = 0; fgets(line, sizeof(line), in); /* void */) {
        n += strstr(line, inode) != NULL;
    }

    fclose(in);

    return n;
}


static void
test_first_use(void **state)
{
    pthread_t        maker, other;
    struct timespec  ts;

    (void) state;

    assert_int_equal(pthread_create(&maker, NULL, begin, NULL), 0);
    sem_wait(&made);

    assert_int_equal(pthread_create(&other, NULL, begin, NULL), 0);

    /* it opens the file now or waits for the maker, both are allowed */

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec++;

    if (pthread_timedjoin_np(other, NULL, &ts) == 0) {
        other = 0;
    }

    sem_post(&on);
    pthread_join(maker, NULL);

    if (other) {
        pthread_join(other, NULL);
    }

    assert_int_not_equal(locks(), 0);
}


static void
test_flush(void **state)
{
    int                i;
    rt_sqlite_conn_t  *conn;
    rt_store_error_t   err;

    (void) state;

    for (i = 0; i < 3; i++) {
        assert_int_equal(rt_sqlite_begin(s, RT_SQLITE_WRITE, &conn, &err),
                         RT_STORE_OK);
        assert_int_equal(rt_sqlite_run(conn, rt_sqlite_prepare(conn,
                             "INSERT INTO transcripts VALUES (randomblob(12),"
                             " 'ann', NULL, 'user', 'said', 1, 2, 3, NULL,"
                             " NULL, NULL, NULL, NULL, 'client')"), &err),
                         RT_STORE_OK);

        flushes = 0;
        assert_int_equal(rt_sqlite_end(s, conn, RT_STORE_OK, &err),
                         RT_STORE_OK);
        assert_int_not_equal(flushes, 0);
    }
}


int
main(void)
{
    const char  *dir;

    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_first_use),
        cmocka_unit_test(test_flush),
    };

    dir = getenv("TEST_DIR");

    if (dir == NULL) {
        fprintf(stderr, "TEST_DIR is not set\n");
        return 1;
    }

    snprintf(path, sizeof(path), "%s/first.db", dir);

    sem_init(&made, 0, 0);
    sem_init(&on, 0, 0);

    s = rt_sqlite_create(path, "transcripts", RT_SQLITE_TRANSCRIPTS, 5000);
    if (s == NULL) {
        return 1;
    }

    if (cmocka_run_group_tests(tests, NULL, NULL) != 0) {
        return 1;
    }

    rt_sqlite_destroy(s);

    return 0;
}
