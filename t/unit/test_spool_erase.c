/*
 * What goes from a spool before it was sent: erased, or too old.
 */

#define _GNU_SOURCE

#include "spool_fixture.h"


static uint64_t
erase(const char *user, const char *session, const rt_id_t *id)
{
    uint64_t          deleted;
    rt_store_match_t  match;

    match.user_id = str(user);
    match.session_id = str(session);
    match.id = id;

    if (rt_spool_erase(sp, &match, &deleted, &err) != RT_STORE_OK) {
        fail_msg("erase: %s", err.text);
    }

    return deleted;
}


static void
test_erase(void **state)
{
    rt_transcript_t  t[5];

    (void) state;

    t[0] = item("ann", "s", 'a');
    t[1] = item("ann", "t", 'b');
    t[2] = item("ann", NULL, 'c');
    t[3] = item("bob", "s", 'd');
    t[4] = item("ann", "s", 'e');
    put(sp, t, 5);

    /* somebody else's id is not there */

    assert_int_equal(erase("bob", NULL, &t[0].id), 0);
    assert_int_equal(erase("ann", "t", &t[0].id), 0);
    assert_int_equal(erase("ann", "no such", NULL), 0);
    depth(5, 0);

    assert_int_equal(erase("ann", NULL, &t[0].id), 1);
    waits("bcde");

    assert_int_equal(rt_spool_dead(sp, &t[4].id, "no", &err), RT_STORE_OK);
    assert_int_equal(erase("ann", "s", NULL), 1);
    depth(3, 0);
    waits("bcd");

    assert_int_equal(erase("ann", NULL, NULL), 2);
    waits("d");
    depth(1, 0);
}


static uint64_t
expire(int64_t before)
{
    uint64_t  deleted;

    if (rt_spool_expire(sp, before, &deleted, &err) != RT_STORE_OK) {
        fail_msg("expire: %s", err.text);
    }

    return deleted;
}


static void
test_expire(void **state)
{
    rt_transcript_t  t[3];

    (void) state;

    t[0] = item("ann", "s", 1);
    t[1] = item("ann", "s", 2);
    t[2] = item("bob", "s", 3);
    put(sp, t, 3);
    assert_int_equal(rt_spool_dead(sp, &t[0].id, "no", &err), RT_STORE_OK);

    assert_int_equal(expire(TIME + 1), 0);
    depth(2, 1);
    assert_int_equal(expire(TIME + 3), 2);
    depth(1, 0);
    assert_int_equal(expire(TIME + 3), 0);
}


/* all of ann, one in a thousand of them younger than the others */

static void
put_many(unsigned n)
{
    char  text[700];

    snprintf(text, sizeof(text),
             "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
             " WHERE i < %u) INSERT INTO spool (id, user_id, session_id, role,"
             " text, timestamp, created_at, seq, source) SELECT"
             " CAST(printf('%%012d', i) AS BLOB), 'ann', 's', 'user', 'said',"
             " 0, iif(i %% 1000 = 1, 9, 1), 0, 'client' FROM c", n);
    sql(text);
}


static void
test_expire_many(void **state)
{
    unsigned  calls;
    uint64_t  n, all;

    (void) state;

    depth(0, 0);
    put_many(20000);

    all = 0;

    for (calls = 0; (n = expire(5)) != 0; calls++) {
        assert_in_range(n, 1, 5000);
        all += n;
    }

    assert_int_equal(all, 20000 - 20);
    assert_in_range(calls, 4, 20);
    depth(20, 0);
}


/* whether a text is in the file or in the log beside it */

static int
is_on_disk(const char *text)
{
    int     found;
    char   *data, name[520];
    FILE   *f;
    size_t  n, i;

    static const char  *ends[] = { "", "-wal" };

    data = malloc(1024 * 1024);
    assert_non_null(data);

    for (i = 0, found = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);

        f = fopen(name, "r");
        assert_non_null(f);

        n = fread(data, 1, 1024 * 1024, f);
        fclose(f);

        found |= memmem(data, n, text, strlen(text)) != NULL;
    }

    free(data);

    return found;
}


static void
test_erase_leaves_nothing(void **state)
{
    rt_transcript_t  t[2];

    (void) state;

    t[0] = item("ann", "s", 'a');
    t[0].text = str("what ann erases while it waits");
    t[1] = item("ann", "s", 'b');
    t[1].text = str("what ann erases when the store has it");
    put(sp, t, 2);

    assert_int_equal(rt_spool_remove(sp, &t[1].id, 1, &err), RT_STORE_OK);
    assert_true(is_on_disk("what ann erases when"));

    assert_int_equal(erase("ann", NULL, &t[0].id), 1);
    assert_false(is_on_disk("what ann erases"));

    put(sp, &t[1], 1);
    assert_int_equal(rt_spool_remove(sp, &t[1].id, 1, &err), RT_STORE_OK);

    assert_int_equal(erase("ann", "s", NULL), 0);
    assert_false(is_on_disk("what ann erases"));
}


static void
test_erase_many(void **state)
{
    uint64_t          deleted, left;
    rt_store_rc_e     rc;
    rt_transcript_t   t;
    rt_store_match_t  match;

    (void) state;

    t = item("bob", "s", 'b');
    put(sp, &t, 1);
    put_many(200000);

    rt_spool_close(sp);
    sp = rt_spool_open(path, 500);
    assert_non_null(sp);

    match.user_id = str("ann");
    match.session_id = str(NULL);
    match.id = NULL;

    left = 200000;

    do {
        rc = rt_spool_erase(sp, &match, &deleted, &err);
        left -= deleted;
        depth(1 + left, 0);
        assert_in_range(deleted, 1, 200000);
    } while (rc == RT_STORE_TIMEOUT);

    assert_int_equal(rc, RT_STORE_OK);
    assert_int_equal(left, 0);
    waits("b");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_erase, setup, teardown),
        cmocka_unit_test_setup_teardown(test_erase_leaves_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_erase_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expire_many, setup, teardown),
    };

    if (spool_path() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
