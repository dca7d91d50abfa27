
/*
 * The user lookup in a SQLite table.
 */

#include "rt_sqlite_rows.h"

#include <jansson.h>
#include <strings.h>


static int rt_sqlite_user_row(sqlite3_stmt *stmt,
    const rt_store_lookup_t *lookup, rt_user_t *user);
static int rt_sqlite_user_roles(rt_user_t *user, rt_str_t text);


rt_store_rc_e
rt_sqlite_user(rt_sqlite_conn_t *conn, const rt_store_lookup_t *lookup,
    rt_str_t value, rt_user_t *user, rt_store_error_t *err)
{
    int             rc;
    sqlite3_stmt   *stmt;
    rt_store_rc_e   result;

    /*
     * A name by itself that is no column would be a text to SQLite.  And to
     * a column of numbers "07" is 7, which it must not be here.
     */

    stmt = rt_sqlite_prepare(conn,
                             "SELECT * FROM \"%w\" AS u"
                             " WHERE u.\"%w\" = ?1"
                             " AND CAST(u.\"%w\" AS TEXT) = ?1 LIMIT 2",
                             lookup->collection, lookup->match,
                             lookup->match);
    if (stmt == NULL) {
        return rt_sqlite_fail(conn, err);
    }

    result = RT_STORE_OK;
    rt_sqlite_bind(stmt, 1, value);

    rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW) {
        if (rt_sqlite_user_row(stmt, lookup, user) == -1) {
            result = rt_store_fail(err, RT_STORE_BROKEN,
                                   "a row of \"%s\" cannot be used",
                                   lookup->collection);

        } else {
            rc = sqlite3_step(stmt);

            if (rc == SQLITE_ROW) {
                result = rt_store_fail(err, RT_STORE_REFUSED,
                                       "two rows of \"%s\" have the same "
                                       "\"%s\"",
                                       lookup->collection, lookup->match);
            }
        }
    }

    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        result = rt_sqlite_fail(conn, err);
    }

    sqlite3_finalize(stmt);

    return result;
}


static int
rt_sqlite_user_row(sqlite3_stmt *stmt, const rt_store_lookup_t *lookup,
    rt_user_t *user)
{
    int          i, n;
    rt_str_t     text;
    const char  *name;

    user->found = 1;
    user->active = 1;

    n = sqlite3_column_count(stmt);

    for (i = 0; i < n; i++) {
        name = sqlite3_column_name(stmt, i);

        if (name == NULL) {
            return -1;
        }

        if (strcasecmp(name, lookup->active) == 0) {
            user->active = sqlite3_column_int64(stmt, i) != 0;
        }

        if (strcasecmp(name, lookup->id) == 0
            && rt_sqlite_column(stmt, i, &user->memory, &user->id) == -1)
        {
            return -1;
        }

        if (strcasecmp(name, "email") == 0
            && rt_sqlite_column(stmt, i, &user->memory, &user->email) == -1)
        {
            return -1;
        }

        if (strcasecmp(name, lookup->roles) == 0) {

            if (rt_sqlite_column(stmt, i, &user->memory, &text) == -1
                || rt_sqlite_user_roles(user, text) == -1)
            {
                return -1;
            }
        }
    }

    return user->id.len ? 0 : -1;
}


static int
rt_sqlite_user_roles(rt_user_t *user, rt_str_t text)
{
    int       rc;
    size_t    i, n;
    json_t   *json, *value;
    rt_str_t  role;

    if (text.data == NULL) {
        return 0;
    }

    if (text.len == 0 || text.data[0] != '[') {
        return rt_user_split_roles(user, text);
    }

    json = json_loadb(text.data, text.len, 0, NULL);
    n = json_array_size(json);
    rc = json ? 0 : -1;

    for (i = 0; rc == 0 && i < n; i++) {
        value = json_array_get(json, i);

        if (json_is_string(value)) {
            role.data = json_string_value(value);
            role.len = json_string_length(value);
            rc = rt_user_add_role(user, role);
        }
    }

    json_decref(json);

    return rc;
}
