
/* Tokens taken apart, and claims read, without any key. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rt_base64url.h"
#include "rt_claims.h"
#include "rt_jwt.h"


static rt_str_t
text(const char *s)
{
    rt_str_t  str = { s, strlen(s) };

    return str;
}


static void
test_base64url(void **state)
{
    size_t         i;
    unsigned char  out[64];

    static const char  *good[] = { "", "AA", "AAA", "AAAA", "-_-_", "Zm9v" };
    static const char  *bad[] = { "A", "AB", "AAB", "AA==", "AA=", "A+", "A/",
                                  "AA AA", "AAAAA", "AA\n", "\xc3\xa9" };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(rt_base64url_decode(out, good[i], strlen(good[i])),
                         strlen(good[i]) * 3 / 4);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(rt_base64url_decode(out, bad[i], strlen(bad[i])),
                         -1);
    }

    assert_int_equal(rt_base64url_decode(out, "Zm9v", 4), 3);
    assert_memory_equal(out, "foo", 3);
    assert_int_equal(rt_base64url_decode(out, "\0\0", 2), -1);
}


/* base64url of a header, "e30" ({}) as payload, "AA" as signature */

static int
header(rt_jwt_t *jwt, const char *json)
{
    size_t       i, n;
    unsigned     bits, value;
    static char  token[1024];

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                  "qrstuvwxyz0123456789-_";

    n = 0;
    bits = 0;
    value = 0;

    for (i = 0; json[i] != '\0'; i++) {
        value = (value << 8) | (unsigned char) json[i];
        bits += 8;

        while (bits >= 6) {
            bits -= 6;
            token[n++] = digits[(value >> bits) & 0x3f];
        }
    }

    if (bits) {
        token[n++] = digits[(value << (6 - bits)) & 0x3f];
    }

    strcpy(token + n, ".e30.AA");

    return rt_jwt_parse(jwt, text(token));
}


static void
test_header(void **state)
{
    size_t    i;
    rt_jwt_t  jwt;

    static const char  *bad[] = {
        "", "[]", "null", "{}", "{\"alg\":1}", "{\"alg\":\"HS256\"} x",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"crit\":[]}",
        "{\"alg\":\"HS256\",\"b64\":false}",
        "{\"alg\":\"dir\",\"enc\":\"A128GCM\"}",
        "{\"alg\":\"HS256\",\"kid\":7}",
        "{\"alg\":\"HS256\",\"kid\":\"\\u0000\"}",
        "{\"alg\":\"HS256\",\"kid\":\"\xff\"}"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(header(&jwt, bad[i]), -1);
    }

    assert_int_equal(header(&jwt, "{\"alg\":\"ES256\",\"kid\":\"k\"}"), 0);
    assert_int_equal(jwt.alg, RT_ALG_ES256);
    assert_int_equal(jwt.kid.len, 1);
    assert_memory_equal(jwt.payload.data, "{}", 2);

    assert_int_equal(header(&jwt, "{\"alg\":\"es256\"}"), 0);
    assert_int_equal(jwt.alg, RT_ALG_NONE);
    assert_null(jwt.kid.data);
}


static void
test_shape(void **state)
{
    size_t       i;
    rt_jwt_t     jwt;
    static char  huge[RT_JWT_MAX + 2];

    static const char  *bad[] = { "", ".", "..", "...", "a.b", "e30.e30",
                                  "eyJhbGciOiJIUzI1NiJ9.e30",
                                  "eyJhbGciOiJIUzI1NiJ9.e30.AA.",
                                  "eyJhbGciOiJIUzI1NiJ9.e30.AA.AA.AA",
                                  "eyJhbGciOiJIUzI1NiJ9.e3.AA",
                                  " eyJhbGciOiJIUzI1NiJ9.e30.AA" };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(rt_jwt_parse(&jwt, text(bad[i])), -1);
    }

    memset(huge, 'A', sizeof(huge) - 1);
    memcpy(huge, "eyJhbGciOiJIUzI1NiJ9.e30.", 25);
    assert_int_equal(rt_jwt_parse(&jwt, text(huge)), -1);
}


static rt_claims_rc_e
claims(rt_claims_t *c, const char *payload, const char *roles)
{
    rt_claims_rules_t  rules;

    memset(&rules, 0, sizeof(rules));
    rules.user = text("sub");
    rules.roles = text(roles);
    rules.require_exp = 1;
    rules.leeway = 10;

    return rt_claims_read(c, text(payload), &rules, 1000);
}


static void
test_claims(void **state)
{
    size_t       i;
    rt_claims_t  c;

    static const struct {
        const char      *payload;
        rt_claims_rc_e   rc;
    } cases[] = {
        { "{\"sub\":\"a\",\"exp\":1000}", RT_CLAIMS_OK },
        { "{\"sub\":\"a\",\"exp\":990.5}", RT_CLAIMS_OK },
        { "{\"sub\":\"a\",\"exp\":990}", RT_CLAIMS_EXPIRED },
        { "{\"sub\":\"a\",\"exp\":-1}", RT_CLAIMS_EXPIRED },
        { "{\"sub\":\"a\",\"exp\":1e300}", RT_CLAIMS_OK },
        { "{\"sub\":\"a\",\"exp\":2000,\"nbf\":1010}", RT_CLAIMS_OK },
        { "{\"sub\":\"a\",\"exp\":2000,\"nbf\":1011}",
          RT_CLAIMS_NOT_YET_VALID },
        { "{\"sub\":\"a\",\"exp\":2000,\"iat\":1011}",
          RT_CLAIMS_NOT_YET_VALID },
        { "{\"sub\":\"a\",\"exp\":2000,\"nbf\":null}", RT_CLAIMS_BAD },
        { "{\"sub\":\"a\",\"exp\":true}", RT_CLAIMS_BAD },
        { "{\"sub\":\"a\"}", RT_CLAIMS_BAD },
        { "{\"sub\":-17,\"exp\":2000}", RT_CLAIMS_OK },
        { "{\"sub\":1.5,\"exp\":2000}", RT_CLAIMS_BAD },
        { "{\"sub\":\"\",\"exp\":2000}", RT_CLAIMS_BAD },
        { "{\"sub\":\"a\\u0085\",\"exp\":2000}", RT_CLAIMS_BAD },
        { "{\"sub\":\"a\\tb\",\"exp\":2000}", RT_CLAIMS_BAD },
        { "{\"sub\":\"Form\xc3\xa9\",\"exp\":2000}", RT_CLAIMS_OK },
        { "{\"sub\":\"a\",\"sub\":\"a\",\"exp\":2000}", RT_CLAIMS_BAD },
        { "[]", RT_CLAIMS_BAD },
        { "", RT_CLAIMS_BAD }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(claims(&c, cases[i].payload, "roles"), cases[i].rc);
        rt_claims_free(&c);
    }
}


static void
test_roles(void **state)
{
    size_t       i, j;
    char         line[200];
    rt_claims_t  c;

    static const struct {
        const char  *claim;
        const char  *path;
        const char  *roles;
    } cases[] = {
        { "\"roles\":[\"a\",\"b c\"]", "roles", "a|b c|" },
        { "\"roles\":\"a,b c,,  d\"", "roles", "a|b|c|d|" },
        { "\"roles\":[\"a,b\",7,null,\"c\",\"\"]", "roles", "c|" },
        { "\"roles\":7", "roles", "" },
        { "\"x\":{\"roles\":[\"a\"]}", "x.roles", "a|" },
        { "\"x.roles\":[\"a\"],\"x\":{\"roles\":[\"b\"]}", "x.roles", "a|" },
        { "\"x.y\":{\"roles\":[\"a\"]}", "x.y.roles", "a|" },
        { "\"x\":{},\"x.y\":{\"r\":[\"a\"]}", "x.y.r", "a|" },
        { "\"https://e.org/r\":[\"a\"]", "https://e.org/r", "a|" },
        { "\"x\":[\"roles\"]", "x.roles", "" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char  payload[300], found[200] = "";

        snprintf(payload, sizeof(payload), "{\"sub\":\"a\",\"exp\":2000,%s}",
                 cases[i].claim);
        assert_int_equal(claims(&c, payload, cases[i].path), RT_CLAIMS_OK);

        for (j = 0; j < c.nroles; j++) {
            snprintf(line, sizeof(line), "%.*s|", (int) c.roles[j].len,
                     c.roles[j].data);
            strcat(found, line);
        }

        assert_string_equal(found, cases[i].roles);
        rt_claims_free(&c);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_base64url),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_roles)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
