/*
 * The spool as a file: what is put, taken and removed, and by whom.
 */

#include "spool_fixture.h"
#include "rt_time.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>


static void
test_order(void **state)
{
    rt_page_t        page;
    rt_transcript_t  t[4];

    (void) state;

    depth(0, 0);
    waits("");

    /* of arrival: neither that of ids nor that of time */

    t[0] = item("bob", "s", 'd');
    t[1] = item("ann", "s", 'a');
    t[2] = item("bob", NULL, 'c');
    t[3] = item("ann", "s", 'b');

    put(sp, t, 2);
    put(sp, &t[2], 2);

    depth(4, 0);
    waits("dacb");

    page = take(sp, 3);
    assert_int_equal(page.n, 3);
    assert_int_equal(rt_spool_remove(sp, &page.items[0].id, 1, &err),
                     RT_STORE_OK);
    rt_page_free(&page);

    waits("acb");

    put(sp, t, 1);
    waits("acbd");
    depth(4, 0);
}


static void
takes(size_t n, int64_t *from, const char *want)
{
    rt_page_t  page;

    if (rt_spool_take(sp, n, from, &page, &err) != RT_STORE_OK) {
        fail_msg("take: %s", err.text);
    }

    has(&page, want);
}


static void
test_from(void **state)
{
    int64_t          from, behind;
    unsigned         i;
    rt_transcript_t  t[5];

    (void) state;

    from = 0;
    takes(9, &from, "");

    for (i = 0; i < 5; i++) {
        t[i] = item("ann", "s", (unsigned char) ('a' + i));
    }

    put(sp, t, 5);
    takes(2, &from, "ab");

    /* past those that died */

    assert_int_equal(rt_spool_dead(sp, &t[0].id, "no", &err), RT_STORE_OK);
    assert_int_equal(rt_spool_dead(sp, &t[1].id, "no", &err), RT_STORE_OK);
    behind = from;
    takes(2, &from, "cd");
    assert_true(from > behind);

    /* one that waits again has its place, if not at once */

    sql("DELETE FROM dead_letters WHERE substr(id, 12) = x'61'");
    takes(2, &from, "cd");
    takes(9, &from, "acde");
    takes(2, &from, "ac");

    /* a place that is gone, as with a file that was replaced */

    from = 1000000;
    takes(2, &from, "ac");

    sql("DELETE FROM spool");
    takes(2, &from, "");
    put(sp, t, 1);
    takes(2, &from, "a");
}


static void
newest(size_t skip, size_t n, const char *want)
{
    rt_page_t  page;

    if (rt_spool_newest(sp, skip, n, &page, &err) != RT_STORE_OK) {
        fail_msg("newest: %s", err.text);
    }

    has(&page, want);
}


static void
test_newest(void **state)
{
    unsigned         i;
    rt_transcript_t  t[5];

    (void) state;

    newest(0, 9, "");

    for (i = 0; i < 5; i++) {
        t[i] = item("ann", "s", (unsigned char) ('a' + i));
    }

    put(sp, t, 5);
    newest(0, 1, "e");
    newest(1, 2, "dc");

    assert_int_equal(rt_spool_dead(sp, &t[3].id, "no", &err), RT_STORE_OK);
    newest(1, 9, "cba");
    newest(4, 9, "");
}


static void
test_every_field(void **state)
{
    rt_page_t        page;
    rt_transcript_t  t;

    (void) state;

    t = whole_item();
    put(sp, &t, 1);

    page = take(sp, 10);

    assert_int_equal(page.n, 1);
    same_item(&t, &page.items[0]);

    rt_page_free(&page);
}


static void
test_once(void **state)
{
    rt_spool_t      *other;
    rt_transcript_t  t[3];

    (void) state;

    t[0] = item("ann", "s", 'a');
    t[1] = t[0];
    t[2] = item("ann", "s", 'b');

    put(sp, t, 3);
    put(sp, t, 3);
    waits("ab");
    depth(2, 0);

    /* another process */

    other = rt_spool_open(path, 1000);
    assert_non_null(other);
    put(other, t, 3);
    depth(2, 0);

    t[0] = item("ann", "s", 'c');
    put(other, t, 1);
    waits("abc");

    rt_spool_close(sp);
    sp = other;
    waits("abc");
}


static void
test_dead(void **state)
{
    rt_transcript_t  t[3], absent;

    (void) state;

    t[0] = item("ann", "s", 'a');
    t[1] = item("ann", "s", 'b');
    t[2] = item("ann", "s", 'c');
    put(sp, t, 3);

    assert_int_equal(rt_spool_dead(sp, &t[1].id, "no", &err), RT_STORE_OK);
    assert_int_equal(rt_spool_dead(sp, &t[1].id, "again", &err), RT_STORE_OK);
    waits("ac");
    depth(2, 1);

    /* one that was removed or erased meanwhile */

    absent = item("ann", "s", 'x');
    assert_int_equal(rt_spool_dead(sp, &absent.id, "no", &err), RT_STORE_OK);
    depth(2, 1);

    /* putting it again does not revive it */

    put(sp, &t[1], 1);
    depth(2, 1);

    /* what scripts/spool retry does: it has its place again */

    sql("DELETE FROM dead_letters");
    waits("abc");
    depth(3, 0);

    assert_int_equal(rt_spool_dead(sp, &t[1].id, "no", &err), RT_STORE_OK);
    assert_int_equal(rt_spool_remove(sp, &t[1].id, 1, &err), RT_STORE_OK);
    depth(2, 0);
}


/* more than there is time for: a part, and the next call goes on */


static void
test_check(void **state)
{
    size_t  i;

    static const char *const  wrong[] = {
        "/nonexistent-directory/spool.db", "/tmp", "/tmp/", "/tmp/x/", "/",
        "/dev/null",
    };

    (void) state;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {

        if (rt_spool_check(wrong[i], &err) == 0) {
            fail_msg("%s was accepted", wrong[i]);
        }
    }

    rt_spool_close(sp);
    unlink(path);

    assert_int_equal(rt_spool_check(path, &err), 0);
    open_spool(path);
    assert_int_equal(access(path, F_OK), -1);
}


static void
test_lock(void **state)
{
    int      drain, erase, second;
    int64_t  start;

    (void) state;

    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_DRAIN, &drain, &err),
                     RT_STORE_OK);
    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_DRAIN, &second, &err),
                     RT_STORE_TIMEOUT);

    start = rt_time_now();
    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_ERASE, &erase, &err),
                     RT_STORE_TIMEOUT);
    assert_in_range(rt_time_now() - start, 900000, 3000000);

    rt_spool_unlock(drain);

    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_ERASE, &erase, &err),
                     RT_STORE_OK);
    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_ERASE, &second, &err),
                     RT_STORE_OK);
    rt_spool_unlock(second);
    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_DRAIN, &drain, &err),
                     RT_STORE_TIMEOUT);
    rt_spool_unlock(erase);
}


/* erases without end, so that with another one there is no gap */

static void *
erase_on(void *data)
{
    int               lock;
    atomic_int       *stop = data;
    rt_store_error_t  why;

    static const struct timespec  ts = { 0, 3000000 };

    while (!atomic_load(stop)) {

        if (rt_spool_lock(sp, RT_SPOOL_ERASE, &lock, &why) != RT_STORE_OK) {
            return data;
        }

        nanosleep(&ts, NULL);
        rt_spool_unlock(lock);
    }

    return NULL;
}


static void
test_lock_in_turn(void **state)
{
    int         i, lock, drained;
    void       *failed;
    atomic_int  stop;
    pthread_t   threads[4];

    static const struct timespec  ts = { 0, 20000000 };

    (void) state;

    atomic_init(&stop, 0);
    drained = 0;

    for (i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, erase_on, &stop),
                         0);
    }

    for (i = 0; i < 20; i++) {
        nanosleep(&ts, NULL);

        if (rt_spool_lock(sp, RT_SPOOL_DRAIN, &lock, &err) == RT_STORE_OK) {
            drained++;
            nanosleep(&ts, NULL);
            rt_spool_unlock(lock);
        }
    }

    atomic_store(&stop, 1);

    for (i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }

    assert_in_range(drained, 10, 20);
}


static void
test_lock_of_the_dead(void **state)
{
    int    lock, ready[2];
    char   c;
    pid_t  pid;

    (void) state;

    assert_int_equal(pipe(ready), 0);

    pid = fork();

    if (pid == 0) {
        if (rt_spool_lock(sp, RT_SPOOL_DRAIN, &lock, &err) == RT_STORE_OK
            && write(ready[1], "x", 1) == 1)
        {
            pause();
        }

        _exit(1);
    }

    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_DRAIN, &lock, &err),
                     RT_STORE_TIMEOUT);

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);

    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_DRAIN, &lock, &err),
                     RT_STORE_OK);
    rt_spool_unlock(lock);
    close(ready[0]);
    close(ready[1]);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_from, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock_in_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock_of_the_dead, setup,
                                        teardown),
    };

    if (spool_path() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
