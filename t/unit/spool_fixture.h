/*
 * A spool in TEST_DIR, made anew for each test: for one thread.
 */

#ifndef _SPOOL_FIXTURE_H_INCLUDED_
#define _SPOOL_FIXTURE_H_INCLUDED_

#include "items.h"
#include "rt_spool.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>


static char              path[512];
static rt_spool_t       *sp;
static rt_store_error_t  err;


static inline void
put(rt_spool_t *spool, const rt_transcript_t *items, size_t n)
{
    size_t                  i;
    rt_spool_depth_t        depth;
    const rt_transcript_t  *all[300] = { NULL };

    for (i = 0; i < n; i++) {
        all[i] = &items[i];
    }

    if (rt_spool_put(spool, all, n, &depth, &err) != RT_STORE_OK) {
        fail_msg("put: %s", err.text);
    }
}


static inline rt_store_rc_e
put_one(const rt_transcript_t *t)
{
    rt_spool_depth_t  depth;

    return rt_spool_put(sp, &t, 1, &depth, &err);
}


static inline rt_page_t
take(rt_spool_t *spool, size_t n)
{
    int64_t    from;
    rt_page_t  page;

    from = 0;

    if (rt_spool_take(spool, n, &from, &page, &err) != RT_STORE_OK) {
        fail_msg("take: %s", err.text);
    }

    return page;
}


/* the last byte of the ids of a page, which is freed */

static inline void
has(rt_page_t *page, const char *want)
{
    unsigned  i;

    assert_int_equal(page->n, strlen(want));

    for (i = 0; i < page->n; i++) {
        assert_int_equal(page->items[i].id.bytes[RT_ID_LEN - 1], want[i]);
    }

    rt_page_free(page);
}


static inline void
waits(const char *want)
{
    rt_page_t  page;

    page = take(sp, 300);
    has(&page, want);
}


static inline void
depth(uint64_t waiting, uint64_t dead)
{
    rt_spool_depth_t  d;

    if (rt_spool_depth(sp, &d, &err) != RT_STORE_OK) {
        fail_msg("depth: %s", err.text);
    }

    assert_int_equal(d.waiting, waiting);
    assert_int_equal(d.dead, dead);
}


static inline void
sql(const char *text)
{
    char     *msg;
    sqlite3  *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);

    if (sqlite3_exec(db, text, NULL, NULL, &msg) != SQLITE_OK) {
        fail_msg("%s: %s", text, msg);
    }

    sqlite3_close(db);
}


static inline void
open_spool(const char *name)
{
    sp = rt_spool_open(name, 1000);
    assert_non_null(sp);
}


static inline int
setup(void **state)
{
    (void) state;

    unlink(path);
    open_spool(path);

    return 0;
}


static inline int
teardown(void **state)
{
    char  name[600];

    (void) state;

    rt_spool_close(sp);

    unlink(path);
    snprintf(name, sizeof(name), "%s-wal", path);
    unlink(name);
    snprintf(name, sizeof(name), "%s-shm", path);
    unlink(name);

    return 0;
}


/* -1: the caller's main() ends */

static inline int
spool_path(void)
{
    const char  *dir;

    dir = getenv("TEST_DIR");

    if (dir == NULL) {
        fprintf(stderr, "TEST_DIR is not set\n");
        return -1;
    }

    snprintf(path, sizeof(path), "%s/spool.db", dir);

    return 0;
}


#endif /* _SPOOL_FIXTURE_H_INCLUDED_ */
