/*
 * One store and many threads: SQLite in TEST_DIR, MongoDB at TEST_MONGODB_URI.
 * The same items come from all of them at once, and each is written once.
 */

#include "items.h"
#include "rt_store.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>


#define THREADS  6
#define ITEMS    200
#define BATCH    10


static char           uri[512];
static rt_store_t    *st;
static atomic_int     written[ITEMS];
static atomic_int     reads;
static atomic_int     wrong;
static atomic_int     writing;


static void
complain(const char *what, const rt_store_error_t *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    wrong++;
}


/* all items in batches, each thread from a place of its own */

static void *
writer(void *data)
{
    unsigned                i, k, n;
    rt_store_rc_e           results[BATCH];
    rt_transcript_t         t[BATCH];
    rt_store_error_t        err;
    const rt_transcript_t  *all[BATCH];

    for (i = 0; i < ITEMS; i += BATCH) {

        for (k = 0; k < BATCH; k++) {
            n = (*(unsigned *) data * ITEMS / THREADS + i + k) % ITEMS;
            t[k] = item("ann", "threads", (unsigned char) n);
            all[k] = &t[k];
        }

        if (rt_store_append(st, all, BATCH, results, &err) != RT_STORE_OK) {
            complain("append", &err);
            break;
        }

        for (k = 0; k < BATCH; k++) {
            if (results[k] == RT_STORE_OK) {
                written[t[k].id.bytes[11]]++;

            } else if (results[k] != RT_STORE_DUPLICATE) {
                complain("item", &err);
            }
        }
    }

    writing--;

    return NULL;
}


/* a page is in order and holds nothing twice, whatever is written meanwhile */

static void *
reader(void *data)
{
    unsigned          i;
    rt_page_t         page;
    rt_store_query_t  q;
    rt_store_error_t  err;

    (void) data;

    memset(&q, 0, sizeof(rt_store_query_t));

    q.user_id = str("ann");
    q.limit = RT_PAGE_LIMIT_MAX;

    while (writing) {

        if (rt_store_list(st, &q, &page, &err) != RT_STORE_OK) {
            complain("list", &err);
            break;
        }

        for (i = 1; i < page.n; i++) {
            wrong += page.items[i].seq <= page.items[i - 1].seq;
        }

        rt_page_free(&page);
        reads++;
    }

    return NULL;
}


static void
test_threads(void **state)
{
    unsigned          i, numbers[THREADS];
    uint64_t          deleted;
    pthread_t         threads[THREADS + 1];
    rt_store_conf_t   conf;
    rt_store_match_t  match;
    rt_store_error_t  err;

    (void) state;

    memset(&conf, 0, sizeof(rt_store_conf_t));
    memset(&match, 0, sizeof(rt_store_match_t));
    memset(written, 0, sizeof(written));

    conf.uri = uri;
    conf.collection = "transcripts";
    conf.timeout_ms = 20000;
    conf.threads = THREADS + 1;
    match.user_id = str("ann");

    reads = 0;
    wrong = 0;
    writing = THREADS;

    st = rt_store_open(&conf, &err);
    assert_non_null(st);
    assert_int_equal(rt_store_erase(st, &match, &deleted, &err), RT_STORE_OK);

    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, writer,
                                        &numbers[i]), 0);
    }

    assert_int_equal(pthread_create(&threads[i], NULL, reader, NULL), 0);

    for (i = 0; i <= THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }

    assert_int_equal(wrong, 0);
    assert_true(reads > 0);

    for (i = 0; i < ITEMS; i++) {
        assert_int_equal(written[i], 1);
    }

    assert_int_equal(rt_store_erase(st, &match, &deleted, &err), RT_STORE_OK);
    assert_int_equal(deleted, ITEMS);

    rt_store_close(st);
}


static int
run(const char *name)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_threads),
    };

    printf("# %s\n", name);

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}


int
main(void)
{
    int          failed;
    const char  *dir, *server;

    dir = getenv("TEST_DIR");
    server = getenv("TEST_MONGODB_URI");

    if (dir == NULL || server == NULL) {
        fprintf(stderr, "TEST_DIR and TEST_MONGODB_URI are not set\n");
        return 1;
    }

    snprintf(uri, sizeof(uri), "sqlite:%s/threads.db", dir);
    failed = run("sqlite");

    snprintf(uri, sizeof(uri), "%s/threads", server);
    failed += run("mongodb");

    return failed != 0;
}
