
/*
 * The user lookup: what both back ends have in common.
 */

#include "rt_claims.h"
#include "rt_store_driver.h"
#include "rt_utf8.h"

#include <stdlib.h>
#include <string.h>


#define RT_USER_FIELD_MAX  100          /* bytes of a field's name */


static int rt_user_field(const char *name);


int
rt_store_check_lookup(const rt_store_lookup_t *lookup, rt_store_error_t *err)
{
    size_t       i;
    const char  *names[4];

    if (!rt_store_collection(lookup->collection)) {
        rt_store_fail(err, RT_STORE_REFUSED,
                      "\"%s\" cannot be the name of a collection",
                      lookup->collection);
        return -1;
    }

    names[0] = lookup->match;
    names[1] = lookup->id;
    names[2] = lookup->roles;
    names[3] = lookup->active;

    for (i = 0; i < 4; i++) {

        if (!rt_user_field(names[i])) {
            rt_store_fail(err, RT_STORE_REFUSED,
                          "\"%s\" cannot be the name of a field", names[i]);
            return -1;
        }
    }

    return 0;
}


/* a field of MongoDB that begins with "$" would be an operator */

static int
rt_user_field(const char *name)
{
    rt_str_t  s;

    s.data = name;
    s.len = strlen(name);

    return s.len <= RT_USER_FIELD_MAX
           && name[0] != '$'
           && rt_utf8_valid(s)
           && rt_claims_is_plain(s);
}


rt_store_rc_e
rt_store_find_user(rt_store_t *st, const rt_store_lookup_t *lookup,
    rt_str_t value, rt_user_t *user, rt_store_error_t *err)
{
    rt_store_rc_e  rc;

    memset(user, 0, sizeof(rt_user_t));

    if (!rt_utf8_valid(value)) {
        return RT_STORE_OK;
    }

    rc = st->driver->find_user(st, lookup, value, user, err);

    if (rc != RT_STORE_OK) {
        rt_user_free(user);
    }

    return rc;
}


void
rt_user_free(rt_user_t *user)
{
    free(user->roles);
    rt_page_free(&user->memory);

    memset(user, 0, sizeof(rt_user_t));
}


int
rt_user_split_roles(rt_user_t *user, rt_str_t text)
{
    rt_str_t     role;
    const char  *p, *end;

    end = text.data + text.len;

    for (p = text.data; p < end; p = role.data + role.len + 1) {
        role.data = p;
        role.len = 0;

        while (p < end && *p != ' ' && *p != ',') {
            role.len++;
            p++;
        }

        if (rt_user_add_role(user, role) == -1) {
            return -1;
        }
    }

    return 0;
}


int
rt_user_add_role(rt_user_t *user, rt_str_t role)
{
    rt_str_t  *roles;

    if (!rt_claims_is_role(role)) {
        return 0;
    }

    roles = realloc(user->roles, (user->nroles + 1) * sizeof(rt_str_t));
    if (roles == NULL) {
        return -1;
    }

    user->roles = roles;
    roles[user->nroles] = rt_page_copy(&user->memory, role);

    if (roles[user->nroles].data == NULL) {
        return -1;
    }

    user->nroles++;

    return 0;
}
