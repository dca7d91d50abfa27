/*
 * The user lookup: names that it may have, what can be a role, and SQLite's
 * own ways. What both stores answer is tested by t/auth_lookup.t.
 */

#include "rt_claims.h"
#include "rt_store_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>


static const rt_store_lookup_t  usual = {
    "users", "email", "_id", "roles", "is_active"
};


static rt_str_t
str(const char *text)
{
    rt_str_t  s;

    s.data = text;
    s.len = strlen(text);

    return s;
}


static void
test_names(void **state)
{
    size_t             i;
    char               much[102];
    rt_store_error_t   err;
    rt_store_lookup_t  lookup;

    static const char *const  collections[] = {
        "", "a$b", "system.users", "sqlite_master", "\xff"
    };
    static const char *const  fields[] = {
        "", "$where", "a\nb", "\xc3"
    };

    (void) state;

    assert_int_equal(rt_store_check_lookup(&usual, &err), 0);

    for (i = 0; i < sizeof(collections) / sizeof(collections[0]); i++) {
        lookup = usual;
        lookup.collection = collections[i];
        assert_int_equal(rt_store_check_lookup(&lookup, &err), -1);
        assert_non_null(strstr(err.text, "name of a collection"));
    }

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        lookup = usual;
        lookup.match = fields[i];
        assert_int_equal(rt_store_check_lookup(&lookup, &err), -1);
        lookup = usual;
        lookup.active = fields[i];
        assert_int_equal(rt_store_check_lookup(&lookup, &err), -1);
        assert_non_null(strstr(err.text, "name of a field"));
    }

    memset(much, 'x', sizeof(much));
    much[101] = '\0';
    lookup = usual;
    lookup.id = much;
    assert_int_equal(rt_store_check_lookup(&lookup, &err), -1);

    much[100] = '\0';
    assert_int_equal(rt_store_check_lookup(&lookup, &err), 0);

    lookup = usual;
    lookup.roles = "realm.roles";
    assert_int_equal(rt_store_check_lookup(&lookup, &err), 0);
}


static void
test_user(void **state)
{
    int             i;
    char            name[2 * RT_CLAIMS_USER_MAX + 3];
    const rt_str_t  none = rt_null;

    (void) state;

    assert_true(rt_claims_is_user(str("anna@example.org")));
    assert_false(rt_claims_is_user(none));
    assert_false(rt_claims_is_user(str("")));
    assert_false(rt_claims_is_user(str("a\nb")));
    assert_false(rt_claims_is_user(str("a\x7f")));
    assert_false(rt_claims_is_user(str("a\xc2\x9b")));

    /* characters, not bytes */

    for (i = 0; i < RT_CLAIMS_USER_MAX; i++) {
        memcpy(&name[2 * i], "\xc3\xa9", 2);
    }

    name[2 * i] = '\0';
    assert_true(rt_claims_is_user(str(name)));

    strcpy(&name[2 * i], "x");
    assert_false(rt_claims_is_user(str(name)));
}


static void
test_roles(void **state)
{
    rt_user_t  user;

    (void) state;

    memset(&user, 0, sizeof(rt_user_t));

    assert_int_equal(rt_user_split_roles(&user, str(" a,,b\x01 c, d ")), 0);
    assert_int_equal(rt_user_add_role(&user, str("e,f")), 0);
    assert_int_equal(rt_user_add_role(&user, str("")), 0);
    assert_int_equal(rt_user_add_role(&user, str("g h")), 0);

    assert_int_equal(user.nroles, 4);
    assert_memory_equal(user.roles[0].data, "a", 1);
    assert_memory_equal(user.roles[1].data, "c", 1);
    assert_memory_equal(user.roles[2].data, "d", 1);
    assert_memory_equal(user.roles[3].data, "g h", 3);

    rt_user_free(&user);
}


static rt_store_rc_e
find(rt_store_t *st, const rt_store_lookup_t *lookup, rt_str_t value,
    unsigned *found, unsigned *active)
{
    rt_user_t         user;
    rt_store_rc_e     rc;
    rt_store_error_t  err;

    rc = rt_store_find_user(st, lookup, value, &user, &err);

    *found = user.found;
    *active = user.active;

    rt_user_free(&user);

    return rc;
}


static void
test_sqlite(void **state)
{
    char               path[300], uri[320];
    sqlite3           *db;
    unsigned           found, active;
    rt_store_t        *st;
    const char        *dir;
    rt_store_conf_t    conf;
    rt_store_error_t   err;
    rt_store_lookup_t  lookup;

    (void) state;

    dir = getenv("TEST_DIR");
    snprintf(path, sizeof(path), "%s/users.db", dir ? dir : "/tmp");
    snprintf(uri, sizeof(uri), "sqlite:%s", path);
    unlink(path);

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                         "CREATE TABLE users (_id, email, roles, is_active);"
                         "INSERT INTO users VALUES (17, 'a', 'R', 1),"
                         " ('b', 'b', 'R', NULL), ('c', 'c', NULL, 'true'),"
                         " ('d', 'd', '[1,\"R', 1), (NULL, 'e', 'R', 1);"
                         "CREATE TABLE open (_id, email);"
                         "INSERT INTO open VALUES ('o', 'o')",
                         NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);

    memset(&conf, 0, sizeof(rt_store_conf_t));
    conf.uri = uri;
    conf.collection = "transcripts";
    conf.timeout_ms = 5000;
    conf.threads = 1;

    st = rt_store_open(&conf, &err);
    assert_non_null(st);

    assert_int_equal(find(st, &usual, str("a"), &found, &active), RT_STORE_OK);
    assert_true(found && active);

    assert_int_equal(find(st, &usual, str("A"), &found, &active), RT_STORE_OK);
    assert_false(found);

    assert_int_equal(find(st, &usual, str("\xff"), &found, &active),
                     RT_STORE_OK);
    assert_false(found);

    /* what says no clear yes is a no */

    assert_int_equal(find(st, &usual, str("b"), &found, &active), RT_STORE_OK);
    assert_true(found && !active);
    assert_int_equal(find(st, &usual, str("c"), &found, &active), RT_STORE_OK);
    assert_true(found && !active);

    /* half a list of roles, no id */

    assert_int_equal(find(st, &usual, str("d"), &found, &active),
                     RT_STORE_BROKEN);
    assert_int_equal(find(st, &usual, str("e"), &found, &active),
                     RT_STORE_BROKEN);

    /* no such column is no text that happens to be equal */

    lookup = usual;
    lookup.match = "emial";
    assert_int_equal(find(st, &lookup, str("emial"), &found, &active),
                     RT_STORE_REFUSED);
    assert_false(found);

    lookup = usual;
    lookup.collection = "persons";
    assert_int_equal(find(st, &lookup, str("a"), &found, &active),
                     RT_STORE_REFUSED);

    /* without a column for it everybody is active */

    lookup.collection = "open";
    assert_int_equal(find(st, &lookup, str("o"), &found, &active),
                     RT_STORE_OK);
    assert_true(found && active);

    rt_store_close(st);
    unlink(path);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_sqlite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
