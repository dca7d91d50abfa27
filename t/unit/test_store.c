/*
 * One suite for both stores: SQLite in TEST_DIR, MongoDB at TEST_MONGODB_URI.
 */

#include "store_fixture.h"


static void
test_prepare(void **state)
{
    rt_store_error_t  err;

    (void) state;

    if (rt_store_prepare(st, &err) != RT_STORE_OK) {
        fail_msg("prepare: %s", err.text);
    }

    assert_string_equal(err.text, "");
    assert_int_equal(rt_store_prepare(st, &err), RT_STORE_OK);
    assert_int_equal(rt_store_ping(st, &err), RT_STORE_OK);
}


static void
test_every_field(void **state)
{
    rt_page_t        page;
    rt_transcript_t  t;

    (void) state;

    t = whole_item();
    append(&t, 1, RT_STORE_OK);

    page = list("ann", "s", NULL, 10, 0);

    assert_int_equal(page.n, 1);
    assert_false(page.next.set);
    same_item(&t, &page.items[0]);

    rt_page_free(&page);
}


static void
test_no_values(void **state)
{
    rt_page_t        page;
    rt_transcript_t  t;

    (void) state;

    t = item("ann", NULL, 1);
    append(&t, 1, RT_STORE_OK);

    page = list("ann", NULL, NULL, 10, 0);

    assert_int_equal(page.n, 1);
    is(NULL, page.items[0].session_id);
    is(NULL, page.items[0].call_id);
    is(NULL, page.items[0].metadata);

    rt_page_free(&page);
}


static void
test_exactly_once(void **state)
{
    rt_page_t        page;
    rt_transcript_t  t[3];
    rt_store_rc_e    results[3];
    rt_store_error_t err;
    const rt_transcript_t *all[3] = { &t[0], &t[1], &t[2] };

    (void) state;

    t[0] = item("ann", "s", 1);
    t[1] = item("ann", "s", 2);
    t[2] = item("ann", "s", 3);

    append(&t[1], 1, RT_STORE_OK);
    t[1].text = str("another text under the same id");
    append(&t[1], 1, RT_STORE_DUPLICATE);

    /* one that is there does not keep its neighbours out */

    assert_int_equal(rt_store_append(st, all, 3, results, &err), RT_STORE_OK);
    assert_int_equal(results[0], RT_STORE_OK);
    assert_int_equal(results[1], RT_STORE_DUPLICATE);
    assert_int_equal(results[2], RT_STORE_OK);

    /* twice in one call */

    t[2] = item("ann", "s", 4);
    all[0] = all[1] = &t[2];
    assert_int_equal(rt_store_append(st, all, 2, results, &err), RT_STORE_OK);
    assert_int_equal(results[0], RT_STORE_OK);
    assert_int_equal(results[1], RT_STORE_DUPLICATE);

    page = list("ann", "s", NULL, 10, 0);
    assert_int_equal(page.n, 4);
    is("said", page.items[1].text);
    rt_page_free(&page);
}


/* all of a history in pages, in both orders, while turns arrive */

static void
walk(unsigned desc)
{
    unsigned         n, i, seen[40];
    rt_page_t        page;
    rt_cursor_t      cursor;
    rt_transcript_t  t;

    cursor.set = 0;
    memset(seen, 0, sizeof(seen));

    n = 0;

    for ( ;; ) {
        page = list("ann", "s", n ? &cursor : NULL, 3, desc);

        for (i = 0; i < page.n; i++) {
            seen[page.items[i].id.bytes[11]]++;

            if (i > 0) {
                assert_true(desc
                    ? page.items[i].seq < page.items[i - 1].seq
                    : page.items[i].seq > page.items[i - 1].seq);
            }
        }

        n += page.n;
        cursor = page.next;
        rt_page_free(&page);

        assert_true(n <= 21);

        if (!cursor.set) {
            break;
        }

        /* before the place that was reached: must not shift anything */

        if (n == 3) {
            t = item("ann", "s", 30 + desc);
            t.timestamp = desc ? TIME + 1000 : TIME - 1000;
            t.seq = desc ? INT64_MAX : 1;
            append(&t, 1, RT_STORE_OK);
        }
    }

    for (i = 1; i <= 20; i++) {
        assert_int_equal(seen[i], 1);
    }
}


static void
test_pages(void **state)
{
    unsigned         i;
    rt_transcript_t  t[20];

    (void) state;

    for (i = 0; i < 20; i++) {
        t[i] = item("ann", "s", i + 1);

        /* ties of time, then ordered by arrival, against the ids */

        t[i].timestamp = TIME + i / 7;
        t[i].seq = TIME * 1000 + i;
        t[i].id.bytes[2] = 100 - i;
    }

    append(t, 20, RT_STORE_OK);

    walk(0);
    walk(1);
}


static void
test_others(void **state)
{
    rt_id_t          id;
    rt_page_t        page;
    rt_transcript_t  t;

    (void) state;

    t = item("bob", "s", 1);
    append(&t, 1, RT_STORE_OK);
    id = t.id;

    page = list("ann", "s", NULL, 10, 0);
    assert_int_equal(page.n, 0);
    rt_page_free(&page);

    page = sessions("ann", NULL, 10);
    assert_int_equal(page.n, 0);
    rt_page_free(&page);

    assert_int_equal(erase("ann", NULL, &id), 0);
    assert_int_equal(erase("ann", "s", NULL), 0);
    assert_int_equal(erase("ann", NULL, NULL), 0);

    /* a name that is an operator, not text, or has a quote */

    page = list("$ne", "' OR 1=1 --", NULL, 10, 0);
    assert_int_equal(page.n, 0);
    rt_page_free(&page);

    page = list("bob", "\xff\xfe", NULL, 10, 0);
    assert_int_equal(page.n, 0);
    rt_page_free(&page);

    page = list("bob", "s", NULL, 10, 0);
    assert_int_equal(page.n, 1);
    rt_page_free(&page);
}


static void
test_sessions(void **state)
{
    unsigned         i;
    rt_page_t        page;
    rt_cursor_t      next;
    rt_transcript_t  t[6];

    (void) state;

    t[0] = item("ann", "a", 1);
    t[1] = item("ann", "a", 9);
    t[2] = item("ann", "b", 5);
    t[3] = item("ann", "c", 5);
    t[4] = item("ann", NULL, 5);
    t[5] = item("ann", "d", 2);
    t[0].text = str("first words");

    append(t, 6, RT_STORE_OK);

    page = sessions("ann", NULL, 2);

    assert_int_equal(page.n, 2);
    is("a", page.sessions[0].session_id);
    is("first words", page.sessions[0].preview);
    assert_int_equal(page.sessions[0].count, 2);
    assert_int_equal(page.sessions[0].first_at, TIME + 1);
    assert_int_equal(page.sessions[0].last_at, TIME + 9);
    is("c", page.sessions[1].session_id);
    assert_true(page.next.set);
    next = page.next;
    rt_page_free(&page);

    for (i = 0; i < 2; i++) {
        page = sessions("ann", &next, 1);
        assert_int_equal(page.n, 1);
        is(i ? NULL : "b", page.sessions[0].session_id);
        assert_true(page.next.set);
        next = page.next;
        rt_page_free(&page);
    }

    page = sessions("ann", &next, 1);
    assert_int_equal(page.n, 1);
    is("d", page.sessions[0].session_id);
    assert_false(page.next.set);
    rt_page_free(&page);
}


static void
test_erase(void **state)
{
    unsigned         i;
    rt_page_t        page;
    rt_transcript_t  t[5];

    (void) state;

    for (i = 0; i < 5; i++) {
        t[i] = item("ann", i < 2 ? "s" : "z", i + 1);
    }

    append(t, 5, RT_STORE_OK);

    assert_int_equal(erase("ann", "z", &t[0].id), 0);
    assert_int_equal(erase("ann", NULL, &t[4].id), 1);
    assert_int_equal(erase("ann", NULL, &t[4].id), 0);
    assert_int_equal(erase("ann", "s", NULL), 2);

    page = list("ann", NULL, NULL, 10, 0);
    assert_int_equal(page.n, 2);
    rt_page_free(&page);

    assert_int_equal(erase("ann", NULL, NULL), 2);
}


static void
test_expire(void **state)
{
    uint64_t          deleted;
    rt_page_t         page;
    rt_transcript_t   t[2];
    rt_store_error_t  err;

    (void) state;

    rt_store_close(st);
    open_store(60);

    assert_int_equal(rt_store_prepare(st, &err), RT_STORE_OK);

    t[0] = item("ann", "s", 1);
    t[1] = item("ann", "s", 2);
    t[1].created_at = TIME + 60000;
    append(t, 2, RT_STORE_OK);

    /* a server with a TTL index of its own has said nothing in prepare */

    if (strncmp(uri, "mongodb", 7) == 0 && err.text[0] == '\0') {
        return;
    }

    if (rt_store_expire(st, TIME + 60002, &deleted, &err) != RT_STORE_OK) {
        fail_msg("expire: %s", err.text);
    }

    assert_int_equal(deleted, 1);

    page = list("ann", "s", NULL, 10, 0);
    assert_int_equal(page.n, 1);
    assert_int_equal(page.items[0].id.bytes[11], 2);
    rt_page_free(&page);
}


static void
test_no_user(void **state)
{
    rt_user_t          user;
    rt_store_error_t   err;
    rt_store_lookup_t  lookup = { "users", "email", "_id", "roles",
                                  "is_active" };

    (void) state;

    if (rt_store_find_user(st, &lookup, str("nobody@example.org"), &user, &err)
        != RT_STORE_OK)
    {
        fail_msg("find_user: %s", err.text);
    }

    assert_false(user.found);
    rt_user_free(&user);
}


static void
test_check(void **state)
{
    size_t            i;
    rt_store_conf_t   c;
    rt_store_error_t  err;

    static const char *const  wrong[] = {
        "", "transcripts.db", "sqlite:", "sqlite:relative.db",
        "sqlite:/nonexistent-directory/x.db", "sqlite:/tmp/", "sqlite:/tmp",
        "postgres://h/db", "mongodb://", "mongodb://h", "mongodb://h/",
        "mongodb://u:secret@h", "mongodb://h/db?w=0",
        "mongodb://h/db?noSuchOption=1", "mongodb://u:sec%zzret@h/db",
        "mongodb://h:99999/db",
    };

    (void) state;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        c = conf;
        c.uri = wrong[i];

        if (rt_store_check(&c, &err) == 0) {
            fail_msg("%s was accepted", wrong[i]);
        }

        assert_true(err.text[0] != '\0');
        assert_null(strstr(err.text, "sec"));
    }

    c = conf;
    c.uri = "mongodb+srv://u:p@cluster.example.org/voice";
    assert_int_equal(rt_store_check(&c, &err), 0);

    c.collection = "";
    assert_int_equal(rt_store_check(&c, &err), -1);
    c.collection = "a$b";
    assert_int_equal(rt_store_check(&c, &err), -1);
}


static void
test_away(void **state)
{
    int64_t                start;
    rt_store_rc_e          result;
    rt_transcript_t        t;
    rt_store_error_t       err;
    const rt_transcript_t *one = &t;

    (void) state;

    t = item("ann", "s", 1);
    rt_store_close(st);

    /* a port that nobody has, and a file in a folder that goes away */

    conf.timeout_ms = 1500;

    if (strncmp(uri, "mongodb", 7) == 0) {
        conf.uri = "mongodb://127.0.0.1:1/voice";

    } else {
        conf.uri = "sqlite:/proc/self/transcripts.db";
    }

    st = rt_store_open(&conf, &err);
    assert_non_null(st);

    start = rt_time_now();
    assert_int_equal(rt_store_append(st, &one, 1, &result, &err),
                     RT_STORE_UNAVAILABLE);
    assert_int_equal(result, RT_STORE_UNAVAILABLE);
    assert_true(err.text[0] != '\0');
    assert_true(rt_time_now() - start < 4000000);

    assert_int_equal(rt_store_ping(st, &err), RT_STORE_UNAVAILABLE);
}


static int
run(const char *name)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_prepare, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exactly_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sessions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_erase, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check, setup, teardown),
        cmocka_unit_test_setup_teardown(test_away, setup, teardown),
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

    snprintf(uri, sizeof(uri), "sqlite:%s/store.db", dir);
    failed = run("sqlite");

    snprintf(uri, sizeof(uri), "%s/voice", server);
    failed += run("mongodb");

    return failed != 0;
}
