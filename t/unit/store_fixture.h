/*
 * What the tests of a store share: the store under test, items made from a
 * number, pages read back. For test_store.c alone, in its one thread.
 */

#ifndef _STORE_FIXTURE_H_INCLUDED_
#define _STORE_FIXTURE_H_INCLUDED_

#include "items.h"
#include "rt_store.h"
#include "rt_time.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>


static char             uri[512];
static rt_store_t      *st;
static rt_store_conf_t  conf;


static void
append(const rt_transcript_t *items, size_t n, rt_store_rc_e want)
{
    size_t                 i;
    rt_store_rc_e          results[300];
    rt_store_error_t       err;
    const rt_transcript_t *all[300] = { NULL };

    for (i = 0; i < n; i++) {
        all[i] = &items[i];
    }

    if (rt_store_append(st, all, n, results, &err) != RT_STORE_OK) {
        fail_msg("append: %s", err.text);
    }

    for (i = 0; i < n; i++) {
        assert_string_equal(rt_store_rc_name(results[i]),
                            rt_store_rc_name(want));
    }
}


static rt_page_t
list(const char *user, const char *session, const rt_cursor_t *cursor,
    unsigned limit, unsigned desc)
{
    rt_page_t         page;
    rt_store_query_t  q;
    rt_store_error_t  err;

    memset(&q, 0, sizeof(rt_store_query_t));

    q.user_id = str(user);
    q.session_id = str(session);
    q.limit = limit;
    q.desc = desc;

    if (cursor != NULL) {
        q.cursor = *cursor;
    }

    if (rt_store_list(st, &q, &page, &err) != RT_STORE_OK) {
        fail_msg("list: %s", err.text);
    }

    return page;
}


static rt_page_t
sessions(const char *user, const rt_cursor_t *cursor, unsigned limit)
{
    rt_page_t         page;
    rt_store_query_t  q;
    rt_store_error_t  err;

    memset(&q, 0, sizeof(rt_store_query_t));

    q.user_id = str(user);
    q.limit = limit;

    if (cursor != NULL) {
        q.cursor = *cursor;
    }

    if (rt_store_sessions(st, &q, &page, &err) != RT_STORE_OK) {
        fail_msg("sessions: %s", err.text);
    }

    return page;
}


static uint64_t
erase(const char *user, const char *session, const rt_id_t *id)
{
    uint64_t          deleted;
    rt_store_match_t  match;
    rt_store_error_t  err;

    match.user_id = str(user);
    match.session_id = str(session);
    match.id = id;

    if (rt_store_erase(st, &match, &deleted, &err) != RT_STORE_OK) {
        fail_msg("erase: %s", err.text);
    }

    return deleted;
}


static void
open_store(int64_t ttl)
{
    rt_store_error_t  err;

    conf.uri = uri;
    conf.collection = "transcripts";
    conf.timeout_ms = 10000;
    conf.ttl = ttl;
    conf.threads = 2;

    st = rt_store_open(&conf, &err);
    if (st == NULL) {
        fail_msg("open: %s", err.text);
    }
}


static int
setup(void **state)
{
    (void) state;

    open_store(0);

    erase("ann", NULL, NULL);
    erase("bob", NULL, NULL);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    rt_store_close(st);

    return 0;
}


#endif /* _STORE_FIXTURE_H_INCLUDED_ */
