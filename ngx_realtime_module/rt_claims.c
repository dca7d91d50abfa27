
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt_claims.h"


static int rt_claims_times(rt_claims_t *claims,
    const rt_claims_rules_t *rules);
static int rt_claims_date(const json_t *json, const char *name, double *date);
static int rt_claims_one_of(const json_t *value, const rt_str_t *list,
    size_t n);
static const json_t *rt_claims_find(const json_t *object, rt_str_t path);
static int rt_claims_user(rt_claims_t *claims, rt_str_t path);
static int rt_claims_roles(rt_claims_t *claims, rt_str_t path);
static void rt_claims_role(rt_claims_t *claims, const char *data, size_t len);
static rt_str_t rt_claims_text(const json_t *value);


rt_claims_rc_e
rt_claims_read(rt_claims_t *claims, rt_str_t payload,
    const rt_claims_rules_t *rules, int64_t now)
{
    rt_str_t        email;
    rt_claims_rc_e  rc;

    memset(claims, 0, sizeof(rt_claims_t));

    claims->json = json_loadb(payload.data, payload.len,
                              JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(claims->json) || rt_claims_times(claims, rules) != 0) {
        return RT_CLAIMS_BAD;
    }

    rc = rt_claims_time(claims->from, claims->until, now);
    if (rc != RT_CLAIMS_OK) {
        return rc;
    }

    if (rules->nissuers
        && !rt_claims_one_of(json_object_get(claims->json, "iss"),
                             rules->issuers, rules->nissuers))
    {
        return RT_CLAIMS_BAD;
    }

    if (rules->naudiences
        && !rt_claims_one_of(json_object_get(claims->json, "aud"),
                             rules->audiences, rules->naudiences))
    {
        return RT_CLAIMS_BAD;
    }

    if (rt_claims_user(claims, rules->user) != 0) {
        return RT_CLAIMS_BAD;
    }

    email = rt_claims_text(json_object_get(claims->json, "email"));

    if (rt_claims_is_plain(email)) {
        claims->email = email;
    }

    if (rt_claims_roles(claims, rules->roles) != 0) {
        return RT_CLAIMS_FAILED;
    }

    return RT_CLAIMS_OK;
}


rt_claims_rc_e
rt_claims_time(double from, double until, int64_t now)
{
    if ((double) now >= until) {
        return RT_CLAIMS_EXPIRED;
    }

    if ((double) now < from) {
        return RT_CLAIMS_NOT_YET_VALID;
    }

    return RT_CLAIMS_OK;
}


void
rt_claims_free(rt_claims_t *claims)
{
    json_decref(claims->json);
    free(claims->roles);
    memset(claims, 0, sizeof(rt_claims_t));
}


/*
 * The member of that name, else the one that the name leads to when it is
 * split at dots: a claim may be "https://example.org/roles" as well as
 * "realm_access.roles".  NULL: there is none.
 */

static const json_t *
rt_claims_find(const json_t *object, rt_str_t path)
{
    size_t         i;
    rt_str_t       rest;
    const char    *name;
    const json_t  *value;
    json_t        *member;

    value = NULL;

    /* jansson 2.13 has no look-up by length: names here have no NUL */

    json_object_foreach ((json_t *) object, name, member) {

        if (strlen(name) == path.len
            && memcmp(name, path.data, path.len) == 0)
        {
            return member;
        }
    }

    json_object_foreach ((json_t *) object, name, member) {
        i = strlen(name);

        if (i < path.len
            && path.data[i] == '.'
            && memcmp(name, path.data, i) == 0
            && json_is_object(member))
        {
            rest.data = path.data + i + 1;
            rest.len = path.len - i - 1;

            value = rt_claims_find(member, rest);
            if (value != NULL) {
                break;
            }
        }
    }

    return value;
}


int
rt_claims_is_plain(rt_str_t s)
{
    size_t         i;
    unsigned char  ch;

    if (s.data == NULL || s.len == 0) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        ch = (unsigned char) s.data[i];

        if (ch < 0x20 || ch == 0x7f) {
            return 0;
        }

        /* U+0080 to U+009F, control characters too */

        if (ch == 0xc2
            && i + 1 < s.len
            && (unsigned char) s.data[i + 1] < 0xa0)
        {
            return 0;
        }
    }

    return 1;
}


int
rt_claims_is_user(rt_str_t s)
{
    size_t  i, chars;

    if (!rt_claims_is_plain(s)) {
        return 0;
    }

    chars = 0;

    for (i = 0; i < s.len; i++) {
        chars += ((s.data[i] & 0xc0) != 0x80);
    }

    return chars <= RT_CLAIMS_USER_MAX;
}


/*
 * $realtime_roles lists the names with commas: one that holds a comma would
 * read as two.
 */

int
rt_claims_is_role(rt_str_t s)
{
    return rt_claims_is_plain(s) && memchr(s.data, ',', s.len) == NULL;
}


static int
rt_claims_times(rt_claims_t *claims, const rt_claims_rules_t *rules)
{
    double  leeway, exp, nbf, iat;

    exp = HUGE_VAL;
    nbf = -HUGE_VAL;
    iat = -HUGE_VAL;

    if (rt_claims_date(claims->json, "exp", &exp) != 0
        || rt_claims_date(claims->json, "nbf", &nbf) != 0
        || rt_claims_date(claims->json, "iat", &iat) != 0)
    {
        return -1;
    }

    if (rules->require_exp && exp == HUGE_VAL) {
        return -1;
    }

    leeway = (double) rules->leeway;

    claims->until = exp + leeway;
    claims->from = ((nbf > iat) ? nbf : iat) - leeway;

    return 0;
}


/* an integer or a real; -1 where there is something else */

static int
rt_claims_date(const json_t *json, const char *name, double *date)
{
    const json_t  *value;

    value = json_object_get(json, name);

    if (value == NULL) {
        return 0;
    }

    if (!json_is_number(value)) {
        return -1;
    }

    *date = json_number_value(value);

    return 0;
}


/* a string, or an array that holds one, out of a list */

static int
rt_claims_one_of(const json_t *value, const rt_str_t *list, size_t n)
{
    size_t  i;

    if (json_is_array(value)) {

        for (i = 0; i < json_array_size(value); i++) {
            if (json_is_string(json_array_get(value, i))
                && rt_claims_one_of(json_array_get(value, i), list, n))
            {
                return 1;
            }
        }

        return 0;
    }

    if (!json_is_string(value)) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (json_string_length(value) == list[i].len
            && memcmp(json_string_value(value), list[i].data, list[i].len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
rt_claims_user(rt_claims_t *claims, rt_str_t path)
{
    rt_str_t       user;
    const json_t  *value;

    value = rt_claims_find(claims->json, path);

    if (json_is_integer(value)) {
        claims->user.data = claims->number;
        claims->user.len = snprintf(claims->number, sizeof(claims->number),
                                    "%" JSON_INTEGER_FORMAT,
                                    json_integer_value(value));
        return 0;
    }

    user = rt_claims_text(value);

    if (!rt_claims_is_user(user)) {
        return -1;
    }

    claims->user = user;

    return 0;
}


/* an array of strings, or one string split at blanks and commas */

static int
rt_claims_roles(rt_claims_t *claims, rt_str_t path)
{
    size_t         i, n, len;
    rt_str_t       s;
    const json_t  *value;

    value = rt_claims_find(claims->json, path);

    if (json_is_array(value)) {
        n = json_array_size(value);

    } else if (json_is_string(value)) {
        n = json_string_length(value) / 2 + 1;

    } else {
        return 0;
    }

    claims->roles = calloc(n + 1, sizeof(rt_str_t));
    if (claims->roles == NULL) {
        return -1;
    }

    if (json_is_array(value)) {

        for (i = 0; i < n; i++) {
            s = rt_claims_text(json_array_get(value, i));
            rt_claims_role(claims, s.data, s.len);
        }

        return 0;
    }

    s = rt_claims_text(value);

    for (i = 0; i < s.len; i += len + 1) {
        len = strcspn(s.data + i, " ,");
        rt_claims_role(claims, s.data + i, len);
    }

    return 0;
}


static void
rt_claims_role(rt_claims_t *claims, const char *data, size_t len)
{
    rt_str_t  role;

    role.data = data;
    role.len = len;

    if (rt_claims_is_role(role)) {
        claims->roles[claims->nroles++] = role;
    }
}


static rt_str_t
rt_claims_text(const json_t *value)
{
    rt_str_t  s = rt_null;

    if (json_is_string(value)) {
        s.data = json_string_value(value);
        s.len = json_string_length(value);
    }

    return s;
}
