/*
 * From the spool into a store: SQLite in TEST_DIR, and MongoDB at
 * TEST_MONGODB_URI where the store refuses a batch as a whole.
 */

#include "spool_fixture.h"
#include "rt_drain.h"

#include <mongoc/mongoc.h>


static char         store_path[512];
static rt_store_t  *st;
static rt_drain_t   drain;


static void
open_store(const char *uri)
{
    rt_store_conf_t  conf;

    memset(&conf, 0, sizeof(rt_store_conf_t));

    conf.uri = uri;
    conf.collection = "transcripts";
    conf.timeout_ms = 3000;
    conf.threads = 2;

    st = rt_store_open(&conf, &err);
    if (st == NULL) {
        fail_msg("open: %s", err.text);
    }

    rt_drain_init(&drain, sp, st);
}


static void
reopen_store(const char *uri)
{
    rt_store_close(st);
    open_store(uri);
}


/* nothing in the store, and nothing of the tests before */

static void
erase_all(void)
{
    uint64_t          deleted;
    rt_store_match_t  match;

    match.user_id = str("ann");
    match.session_id = str(NULL);
    match.id = NULL;

    assert_int_equal(rt_store_erase(st, &match, &deleted, &err), RT_STORE_OK);
}


static unsigned
stored(void)
{
    unsigned          n;
    rt_page_t         page;
    rt_store_query_t  q;

    memset(&q, 0, sizeof(rt_store_query_t));

    q.user_id = str("ann");
    q.limit = RT_PAGE_LIMIT_MAX;
    n = 0;

    do {
        if (rt_store_list(st, &q, &page, &err) != RT_STORE_OK) {
            fail_msg("list: %s", err.text);
        }

        n += page.n;
        q.cursor = page.next;
        rt_page_free(&page);
    } while (q.cursor.set);

    return n;
}


static void
step(rt_drain_rc_e want, uint64_t sent, uint64_t refused)
{
    if (rt_drain_step(&drain, &err) != want) {
        fail_msg("not as expected: %s", err.text);
    }

    assert_int_equal(drain.stored, sent);
    assert_int_equal(drain.refused, refused);
}


/* what a dead letter says */

static void
reason(unsigned char n, const char *word)
{
    char           text[100];
    sqlite3       *db;
    const char    *found;
    sqlite3_stmt  *stmt;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);

    snprintf(text, sizeof(text), "SELECT reason FROM dead_letters"
             " WHERE substr(id, 12) = x'%02x'", n);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);

    found = (const char *) sqlite3_column_text(stmt, 0);

    if (strstr(found, word) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", found, word);
    }

    sqlite3_finalize(stmt);
    sqlite3_close(db);
}


static void
store_sql(const char *text)
{
    char  spool[512];

    memcpy(spool, path, sizeof(path));
    snprintf(path, sizeof(path), "%s", store_path + sizeof("sqlite:") - 1);
    sql(text);
    memcpy(path, spool, sizeof(path));
}


static void
put_many(unsigned n, const char *metadata)
{
    unsigned          i;
    rt_transcript_t   t;
    rt_transcript_t  *all;

    all = calloc(n, sizeof(rt_transcript_t));
    assert_non_null(all);

    for (i = 0; i < n; i++) {
        t = item("ann", "s", (unsigned char) i);
        t.id.bytes[5] = (unsigned char) (i >> 8);
        t.id.bytes[6] = metadata != NULL;
        t.metadata = str(metadata);
        all[i] = t;
    }

    for (i = 0; i < n; i += 300) {
        put(sp, &all[i], n - i < 300 ? n - i : 300);
    }

    free(all);
}


static void
test_batches(void **state)
{
    unsigned  i;

    (void) state;

    step(RT_DRAIN_EMPTY, 0, 0);

    put_many(600, NULL);

    step(RT_DRAIN_MORE, RT_DRAIN_BATCH, 0);
    assert_int_equal(stored(), RT_DRAIN_BATCH);
    assert_int_equal(drain.depth.waiting, 600 - RT_DRAIN_BATCH);

    /* a resend of what is there already: acknowledged twice, stored once */

    put_many(300, NULL);

    for (i = 0; rt_drain_step(&drain, &err) == RT_DRAIN_MORE; i++) {
        assert_in_range(i, 0, 3);
    }

    depth(0, 0);
    assert_int_equal(stored(), 600);
    step(RT_DRAIN_EMPTY, 0, 0);
}


static void
test_large(void **state)
{
    unsigned         i;
    rt_transcript_t  t;
    static char      text[16001];

    (void) state;

    memset(text, 'x', sizeof(text) - 1);

    for (i = 0; i < 40; i++) {
        t = item("ann", "s", (unsigned char) i);
        t.text = str(text);
        put(sp, &t, 1);
    }

    /* as many of 16 KB as fit into half a megabyte */

    step(RT_DRAIN_MORE, 32, 0);
    step(RT_DRAIN_EMPTY, 8, 0);
    assert_int_equal(stored(), 40);
}


static void
test_away(void **state)
{
    (void) state;

    put_many(10, NULL);
    reopen_store("sqlite:/proc/self/store.db");

    step(RT_DRAIN_FAILED, 0, 0);
    assert_non_null(strstr(err.text, "/proc/self/store.db"));
    depth(10, 0);

    reopen_store(store_path);
    step(RT_DRAIN_EMPTY, 10, 0);
    assert_int_equal(stored(), 10);
}


static void
test_busy(void **state)
{
    int  lock;

    (void) state;

    put_many(3, NULL);

    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_ERASE, &lock, &err),
                     RT_STORE_OK);
    step(RT_DRAIN_BUSY, 0, 0);
    assert_int_equal(stored(), 0);

    rt_spool_unlock(lock);
    step(RT_DRAIN_EMPTY, 3, 0);
}


static void
test_no_spool(void **state)
{
    (void) state;

    rt_spool_close(sp);
    open_spool("/proc/self/spool.db");
    rt_drain_init(&drain, sp, st);

    step(RT_DRAIN_FAILED, 0, 0);
    assert_non_null(strstr(err.text, "/proc/self/spool.db"));
}


/* the store says which one, and why */

static void
test_poison(void **state)
{
    rt_transcript_t  t[4];

    (void) state;

    assert_int_equal(rt_store_ping(st, &err), RT_STORE_OK);

    store_sql("CREATE TRIGGER taste BEFORE INSERT ON transcripts"
              " WHEN new.text LIKE 'poison%' BEGIN"
              " SELECT RAISE(ABORT, 'bad') WHERE new.text = 'poison';"
              " SELECT RAISE(ABORT, 'worse') WHERE new.text = 'poison, too';"
              " END");

    t[0] = item("ann", "s", 'a');
    t[1] = item("ann", "s", 'b');
    t[1].text = str("poison");
    t[2] = item("ann", "s", 'c');
    t[2].text = str("poison, too");
    t[3] = item("ann", "s", 'd');
    put(sp, t, 4);

    step(RT_DRAIN_EMPTY, 2, 2);

    assert_int_equal(stored(), 2);
    depth(0, 2);
    reason('b', "bad");
    reason('c', "worse");

    /* nothing but poison */

    sql("DELETE FROM dead_letters");
    depth(2, 0);
    step(RT_DRAIN_EMPTY, 0, 2);
    depth(0, 2);
}


/* one of which no document can be made: MongoDB gets none of its batch */

static void
test_poison_whole(void **state)
{
    char             uri[300];
    unsigned         i;
    rt_transcript_t  t[3];

    (void) state;

    snprintf(uri, sizeof(uri), "%s/drained", getenv("TEST_MONGODB_URI"));
    reopen_store(uri);
    erase_all();

    t[0] = item("ann", "s", 'a');
    t[1] = item("ann", "s", 'b');
    t[1].metadata = str("{no JSON");
    t[2] = item("ann", "s", 'c');

    /* alone it may be the store's fault */

    put(sp, &t[1], 1);
    step(RT_DRAIN_FAILED, 0, 0);
    depth(1, 0);

    put(sp, t, 3);
    step(RT_DRAIN_EMPTY, 2, 1);
    depth(0, 1);
    assert_int_equal(stored(), 2);
    reason('b', "memory");

    /* more than a batch of them, before a good one */

    put_many(RT_DRAIN_BATCH + 20, "{no JSON");
    t[0] = item("ann", "s", 'd');
    put(sp, t, 1);

    for (i = 0; rt_drain_step(&drain, &err) == RT_DRAIN_MORE; i++) {
        assert_in_range(i, 0, 20);
    }

    assert_int_equal(stored(), 3);

    depth(0, 1 + RT_DRAIN_BATCH + 20);
}


/* a unique index of somebody else, which FerretDB does not name */

static void
test_other_index(void **state)
{
    char              uri[300];
    bson_t           *command;
    bson_error_t      error;
    rt_transcript_t   t[3];
    mongoc_client_t  *client;

    (void) state;

    snprintf(uri, sizeof(uri), "%s/unique", getenv("TEST_MONGODB_URI"));
    reopen_store(uri);
    erase_all();

    client = mongoc_client_new(uri);
    command = BCON_NEW("createIndexes", "transcripts", "indexes", "[", "{",
                       "key", "{", "call_id", BCON_INT32(1), "}",
                       "name", "calls", "unique", BCON_BOOL(true), "}", "]");

    if (!mongoc_client_command_simple(client, "unique", command, NULL, NULL,
                                      &error))
    {
        fail_msg("createIndexes: %s", error.message);
    }

    bson_destroy(command);
    mongoc_client_destroy(client);

    t[0] = item("ann", "s", 'a');
    t[1] = item("ann", "s", 'b');
    t[2] = item("ann", "s", 'c');
    t[0].call_id = t[1].call_id = str("one");
    t[2].call_id = str("two");

    put(sp, t, 3);
    step(RT_DRAIN_EMPTY, 2, 1);
    assert_int_equal(stored(), 2);
    reason('b', "unique index");

    /* a resend is none of it */

    put(sp, t, 1);
    step(RT_DRAIN_EMPTY, 1, 0);
    assert_int_equal(stored(), 2);
}


/* no login: all of them are refused, and none of them dies */

static void
test_refused(void **state)
{
    (void) state;

    put_many(20, NULL);

    /* a table without a column: every statement is wrong */

    assert_int_equal(rt_store_ping(st, &err), RT_STORE_OK);
    store_sql("ALTER TABLE transcripts RENAME COLUMN language TO tongue");
    step(RT_DRAIN_FAILED, 0, 0);
    assert_non_null(strstr(err.text, "language"));
    depth(20, 0);

    store_sql("ALTER TABLE transcripts RENAME COLUMN tongue TO language");
    step(RT_DRAIN_EMPTY, 20, 0);
    assert_int_equal(stored(), 20);
}


static rt_store_rc_e
erase(const char *session, const rt_id_t *id, uint64_t *deleted)
{
    rt_store_match_t  match;
    rt_spool_depth_t  d;

    match.user_id = str("ann");
    match.session_id = str(session);
    match.id = id;

    return rt_drain_erase(sp, st, &match, deleted, &d, &err);
}


static void
test_erase(void **state)
{
    uint64_t         deleted;
    rt_transcript_t  t[3];

    (void) state;

    t[0] = item("ann", "s", 'a');
    t[1] = item("ann", "s", 'b');
    t[2] = item("ann", "t", 'c');

    /* 'b' is in both, as after a reply that was lost */

    put(sp, &t[1], 2);
    step(RT_DRAIN_EMPTY, 2, 0);
    put(sp, t, 2);

    assert_int_equal(erase(NULL, &t[1].id, &deleted), RT_STORE_OK);
    assert_int_equal(deleted, 1);
    assert_int_equal(erase(NULL, &t[1].id, &deleted), RT_STORE_OK);
    assert_int_equal(deleted, 0);

    assert_int_equal(stored(), 1);
    waits("a");

    assert_int_equal(erase(NULL, NULL, &deleted), RT_STORE_OK);
    assert_int_equal(deleted, 2);
    assert_int_equal(stored(), 0);
    depth(0, 0);
    step(RT_DRAIN_EMPTY, 0, 0);
}


static void
test_erase_in_vain(void **state)
{
    int              lock;
    uint64_t         deleted;
    rt_transcript_t  t;

    (void) state;

    t = item("ann", "s", 'a');
    put(sp, &t, 1);
    step(RT_DRAIN_EMPTY, 1, 0);
    put(sp, &t, 1);

    /* a batch is on its way and does not arrive in time */

    assert_int_equal(rt_spool_lock(sp, RT_SPOOL_DRAIN, &lock, &err),
                     RT_STORE_OK);
    assert_int_equal(erase("s", NULL, &deleted), RT_STORE_TIMEOUT);
    assert_int_equal(stored(), 1);
    depth(1, 0);
    rt_spool_unlock(lock);

    /* the store is away */

    reopen_store("sqlite:/proc/self/store.db");
    assert_int_equal(erase("s", NULL, &deleted), RT_STORE_UNAVAILABLE);
    assert_int_equal(deleted, 0);
    depth(1, 0);

    reopen_store(store_path);
    assert_int_equal(erase("s", NULL, &deleted), RT_STORE_OK);
    assert_int_equal(stored(), 0);
    depth(0, 0);
}


static int
setup_store(void **state)
{
    unlink(store_path + sizeof("sqlite:") - 1);

    if (setup(state) != 0) {
        return -1;
    }

    open_store(store_path);

    return 0;
}


static int
teardown_store(void **state)
{
    rt_store_close(st);

    return teardown(state);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_batches, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_large, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_away, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_busy, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_no_spool, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_poison, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_poison_whole, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_other_index, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_refused, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_erase, setup_store,
                                        teardown_store),
        cmocka_unit_test_setup_teardown(test_erase_in_vain, setup_store,
                                        teardown_store),
    };

    if (spool_path() == -1 || getenv("TEST_MONGODB_URI") == NULL) {
        fprintf(stderr, "TEST_DIR and TEST_MONGODB_URI are not set\n");
        return 1;
    }

    snprintf(store_path, sizeof(store_path), "sqlite:%s/drained.db",
             getenv("TEST_DIR"));

    return cmocka_run_group_tests(tests, NULL, NULL);
}
