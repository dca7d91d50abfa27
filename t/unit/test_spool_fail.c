/*
 * A spool whose file is not there, damaged, locked or on a full disk.
 */

#define _GNU_SOURCE

#include "spool_fixture.h"
#include "rt_time.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>


/* each call fails with rc, and says of what file */

static void
all_fail(rt_store_rc_e rc, const char *word)
{
    int64_t           from;
    uint64_t          deleted;
    rt_page_t         page;
    rt_transcript_t   t;
    rt_store_match_t  match;
    rt_spool_depth_t  d;

    from = 0;
    t = item("ann", "s", 'a');
    match.user_id = str("ann");
    match.session_id = str(NULL);
    match.id = NULL;

    assert_int_equal(put_one(&t), rc);
    assert_non_null(strstr(err.text, word));
    assert_int_equal(rt_spool_take(sp, 9, &from, &page, &err), rc);
    assert_int_equal(rt_spool_newest(sp, 0, 9, &page, &err), rc);
    assert_int_equal(rt_spool_remove(sp, &t.id, 1, &err), rc);
    assert_int_equal(rt_spool_dead(sp, &t.id, "no", &err), rc);
    assert_int_equal(rt_spool_erase(sp, &match, &deleted, &err), rc);
    assert_int_equal(rt_spool_expire(sp, TIME, &deleted, &err), rc);
    assert_int_equal(rt_spool_depth(sp, &d, &err), rc);
    assert_non_null(strstr(err.text, word));
}


static void
test_no_file(void **state)
{
    int  lock;

    (void) state;

    rt_spool_close(sp);
    open_spool("/proc/self/spool.db");

    all_fail(RT_STORE_UNAVAILABLE, "/proc/self/spool.db");
    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_ERASE, &lock, &err),
                     RT_STORE_UNAVAILABLE);
}


static void
test_not_a_database(void **state)
{
    int  fd;

    (void) state;

    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC, 0600);
    assert_int_equal(write(fd, "something else, of some length\n", 31), 31);
    close(fd);

    all_fail(RT_STORE_BROKEN, path);
}


static void
test_newer(void **state)
{
    (void) state;

    sql("PRAGMA user_version=99");
    all_fail(RT_STORE_BROKEN, "newer");
}


static void
test_locked(void **state)
{
    int64_t          start;
    sqlite3         *db;
    rt_transcript_t  t;

    (void) state;

    depth(0, 0);

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                     SQLITE_OK);

    start = rt_time_now();
    t = item("ann", "s", 'a');
    assert_int_equal(put_one(&t), RT_STORE_UNAVAILABLE);
    assert_in_range(rt_time_now() - start, 900000, 3000000);

    /* reading goes on */

    depth(0, 0);
    sqlite3_close(db);

    assert_int_equal(put_one(&t), RT_STORE_OK);
    waits("a");
}


/* a disk that takes no more: RLIMIT_FSIZE is what a test can set */

static void
test_full(void **state)
{
    size_t           i, full;
    rt_store_rc_e    rc;
    struct rlimit    limit, all;
    rt_transcript_t  t;
    static char      text[16000];

    (void) state;

    memset(text, 'x', sizeof(text) - 1);
    t = item("ann", "s", 0);
    t.text = str(text);

    assert_int_equal(put_one(&t), RT_STORE_OK);

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    limit = all;
    limit.rlim_cur = 300000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

    full = 0;

    for (i = 1; i < 200; i++) {
        t.id.bytes[RT_ID_LEN - 1] = (unsigned char) i;
        rc = put_one(&t);

        if (rc != RT_STORE_OK) {
            assert_int_equal(rc, RT_STORE_UNAVAILABLE);
            full++;
        }
    }

    assert_in_range(full, 150, 195);
    depth(200 - full, 0);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);

    /* what was acknowledged is there, nothing else is */

    depth(200 - full, 0);
    assert_int_equal(put_one(&t), RT_STORE_OK);
    depth(200 - full + 1, 0);
}


/* a disk that is all but full: what is there can still be removed */

static int
fill_small_disk(const char *dir)
{
    unsigned          i, n;
    rt_transcript_t   t;
    static char       text[16000];
    rt_spool_depth_t  d;

    if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) != 0
        || mount("none", "/", NULL, MS_REC|MS_PRIVATE, NULL) != 0
        || mount("none", dir, "tmpfs", 0, "size=40m") != 0)
    {
        return 77;
    }

    snprintf(path, sizeof(path), "%.300s/spool.db", dir);
    open_spool(path);

    memset(text, 'x', sizeof(text) - 1);

    for (n = 0; n < 3000; n++) {
        t = item("ann", "s", (unsigned char) n);
        t.id.bytes[5] = (unsigned char) (n >> 8);
        t.text = str(text);

        if (put_one(&t) != RT_STORE_OK) {
            break;
        }
    }

    if (n < 50 || n == 3000 || strstr(err.text, "16 MB") == NULL) {
        return 1;
    }

    for (i = 0; i < n; i++) {
        t.id.bytes[RT_ID_LEN - 1] = (unsigned char) i;
        t.id.bytes[5] = (unsigned char) (i >> 8);

        if (rt_spool_remove(sp, &t.id, 1, &err) != RT_STORE_OK) {
            return 2;
        }
    }

    /* and then there is room again */

    return rt_spool_depth(sp, &d, &err) == RT_STORE_OK && d.waiting == 0
           && rt_spool_shrink(sp, &err) == RT_STORE_OK
           && put_one(&t) == RT_STORE_OK ? 0 : 3;
}


static void
test_small_disk(void **state)
{
    int    status;
    char   dir[300];
    pid_t  pid;

    (void) state;

    snprintf(dir, sizeof(dir), "%.200s.disk", path);
    assert_int_equal(mkdir(dir, 0700), 0);

    pid = fork();

    if (pid == 0) {
        _exit(fill_small_disk(dir));
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    rmdir(dir);
    assert_true(WIFEXITED(status));

    if (WEXITSTATUS(status) == 77) {
        print_message("no disk of its own: mounting is not allowed here\n");
        skip();
    }

    assert_int_equal(WEXITSTATUS(status), 0);
}


static void
test_shrink(void **state)
{
    unsigned         i;
    struct stat      large, small;
    rt_transcript_t  t;
    static char      text[16000];

    (void) state;

    memset(text, 'x', sizeof(text) - 1);

    for (i = 0; i < 400; i++) {
        t = item("ann", "s", (unsigned char) i);
        t.id.bytes[5] = (unsigned char) (i >> 8);
        t.text = str(text);
        put(sp, &t, 1);
    }

    assert_int_equal(rt_spool_dead(sp, &t.id, "no", &err), RT_STORE_OK);
    assert_int_equal(stat(path, &large), 0);

    for (i = 0; i < 399; i++) {
        t.id.bytes[RT_ID_LEN - 1] = (unsigned char) i;
        t.id.bytes[5] = (unsigned char) (i >> 8);
        assert_int_equal(rt_spool_remove(sp, &t.id, 1, &err), RT_STORE_OK);
    }

    assert_int_equal(rt_spool_shrink(sp, &err), RT_STORE_OK);
    assert_int_equal(stat(path, &small), 0);

    assert_true(large.st_size > 4000000);
    assert_true(small.st_size < 100000);
    depth(0, 1);
}


/* a file is not written anew to give back a small part of it */

static void
test_shrink_little(void **state)
{
    struct stat  before, after;

    (void) state;

    depth(0, 0);
    sql("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
        " WHERE i < 4000) INSERT INTO spool (id, user_id, session_id, role,"
        " text, timestamp, created_at, seq, source) SELECT"
        " CAST(printf('%012d', i) AS BLOB), 'ann', 's', 'user',"
        " printf('%.4000c', 'x'), 0, 0, i, 'client' FROM c;"
        "INSERT INTO dead_letters SELECT id, 'no', 0 FROM spool"
        " WHERE seq > 1500;"
        "DELETE FROM spool WHERE seq <= 1500;"
        "PRAGMA wal_checkpoint(TRUNCATE)");

    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(rt_spool_shrink(sp, &err), RT_STORE_OK);
    assert_int_equal(stat(path, &after), 0);

    assert_true(before.st_size > 16000000);
    assert_int_equal(after.st_size, before.st_size);
    depth(0, 2500);
}


static void
test_refused(void **state)
{
    rt_transcript_t   t[2];
    rt_spool_depth_t  d;

    const rt_transcript_t  *all[2] = { &t[0], &t[1] };

    (void) state;

    t[0] = item("ann", "s", 'a');
    t[1] = item("ann", "s", 'b');
    t[1].text = str(NULL);

    /* all of them or none */

    assert_int_equal(rt_spool_put(sp, all, 2, &d, &err), RT_STORE_REFUSED);
    depth(0, 0);
    waits("");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_a_database, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_small_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shrink, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shrink_little, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };

    if (spool_path() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
