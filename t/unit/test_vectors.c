/*
 * The signed examples of RFC 7515, RFC 8037 and RFC 7520: each is right with
 * its key, wrong with another character, and nothing to any other key.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "rt_jwt.h"


typedef struct {
    const char  *name;
    const char  *jwk;
    const char  *token;
    rt_alg_e     alg;
} vector_t;


/* the claims of RFC 7515, the text of RFC 7520 */

#define CLAIMS                                                                \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9l"            \
    "eGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

#define TEXT                                                                  \
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlv"        \
    "dXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24n"        \
    "dCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91"        \
    "IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"


/* RFC 7515, A.1 */
static const char  hs256_jwk[] =
    "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_"
    "T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}";

static const char  hs256_token[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    CLAIMS
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";


/* RFC 7515, A.2 */
static const char  rs256_jwk[] =
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTb"
    "ji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-p"
    "CgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS"
    "5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3q"
    "Co5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs9"
    "1kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}";

static const char  rs256_token[] =
    "eyJhbGciOiJSUzI1NiJ9."
    CLAIMS
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAu"
    "HIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFd"
    "iuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eS"
    "N9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI"
    "2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe7"
    "7Rw";


/* RFC 7515, A.3 */
static const char  es256_jwk[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMz"
    "V76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI"
    "5a0\"}";

static const char  es256_token[] =
    "eyJhbGciOiJFUzI1NiJ9."
    CLAIMS
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmW"
    "QxfKTUJqPP3-Kg6NU1Q";


/* RFC 7515, A.4 */
static const char  es512_jwk[] =
    "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSr"
    "DCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y"
    "\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4"
    "Kkd0AZMaZmh9ubmf63e3kyMj2\"}";

static const char  es512_token[] =
    "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_"
    "UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgo"
    "XD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLze"
    "O_Jn";


/* RFC 8037, A.4 */
static const char  eddsa_jwk[] =
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7"
    "hcvPapiMlrwIaaPcHURo\"}";

static const char  eddsa_token[] =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGC"
    "jP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_"
    "MuM0KAg";


/* RFC 7520, 4.1 */
static const char  cookbook_rs256_jwk[] =
    "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":"
    "\"sig\",\"n\":\"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVT"
    "eT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL"
    "-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd"
    "1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3"
    "-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5"
    "iaiQkqgc5gHdrNP5zw\",\"e\":\"AQAB\"}";

static const char  cookbook_rs256_token[] =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBs"
    "ZSJ9."
    TEXT
    ".MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdH"
    "M1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfW"
    "Ra-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadn"
    "HXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0K"
    "LUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDq"
    "uDg";


/* RFC 7520, 4.2 */
static const char  cookbook_ps384_token[] =
    "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBs"
    "ZSJ9."
    TEXT
    ".cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-t"
    "Pid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8"
    "biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTr"
    "xUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTl"
    "qRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72"
    "Eaw";


/* RFC 7520, 4.3 */
static const char  cookbook_es512_jwk[] =
    "{\"kty\":\"EC\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":"
    "\"sig\",\"crv\":\"P-521\",\"x\":\"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88"
    "c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt\",\"y\":\"Ady"
    "mlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJm"
    "bnX9cwlGfP-HqHZR1\"}";

static const char  cookbook_es512_token[] =
    "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBs"
    "ZSJ9."
    TEXT
    ".AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plo"
    "n7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2p"
    "uQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2";


/* RFC 7520, 4.4 */
static const char  cookbook_hs256_jwk[] =
    "{\"kty\":\"oct\",\"kid\":\"018c0ae5-4d9b-471b-bfd6-eef314bc7037\",\""
    "use\":\"sig\",\"alg\":\"HS256\",\"k\":\"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8"
    "FJG-Onbc6mxCcYg\"}";

static const char  cookbook_hs256_token[] =
    "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMx"
    "NGJjNzAzNyJ9."
    TEXT
    ".s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";


/* RFC 7520, 4.5: the payload is sent elsewhere */
static const char  detached_token[] =
    "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMx"
    "NGJjNzAzNyJ9.."
    "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";

/* RFC 7515, A.5: not signed at all */
static const char  unsecured_token[] =
    "eyJhbGciOiJub25lIn0."
    CLAIMS
    ".";


static const vector_t  vectors[] = {
    { "RFC 7515, A.1", hs256_jwk, hs256_token, RT_ALG_HS256 },
    { "RFC 7515, A.2", rs256_jwk, rs256_token, RT_ALG_RS256 },
    { "RFC 7515, A.3", es256_jwk, es256_token, RT_ALG_ES256 },
    { "RFC 7515, A.4", es512_jwk, es512_token, RT_ALG_ES512 },
    { "RFC 8037, A.4", eddsa_jwk, eddsa_token, RT_ALG_EDDSA },
    { "RFC 7520, 4.1", cookbook_rs256_jwk, cookbook_rs256_token,
      RT_ALG_RS256 },
    { "RFC 7520, 4.2", cookbook_rs256_jwk, cookbook_ps384_token,
      RT_ALG_PS384 },
    { "RFC 7520, 4.3", cookbook_es512_jwk, cookbook_es512_token,
      RT_ALG_ES512 },
    { "RFC 7520, 4.4", cookbook_hs256_jwk, cookbook_hs256_token,
      RT_ALG_HS256 }
};

#define N  (sizeof(vectors) / sizeof(vectors[0]))


static rt_str_t
str(const char *text)
{
    rt_str_t  s;

    s.data = text;
    s.len = strlen(text);

    return s;
}


static rt_keys_t *
key(const vector_t *v)
{
    rt_keys_t        *keys;
    rt_keys_error_t   err;
    const rt_str_t    any = rt_null;

    keys = rt_keys_create();
    assert_non_null(keys);

    if (rt_keys_add(keys, str(v->jwk), v->alg, any, &err) != 0) {
        fail_msg("%s: %s", v->name, err.text);
    }

    return keys;
}


static rt_keys_rc_e
verify(const rt_keys_t *keys, rt_str_t token)
{
    rt_jwt_t  jwt;

    if (rt_jwt_parse(&jwt, token) != 0) {
        return RT_KEYS_FAILED;
    }

    return rt_keys_verify(keys, jwt.alg, jwt.kid, jwt.input, jwt.sig);
}


static void
test_right(void **state)
{
    size_t      i;
    rt_keys_t  *keys;

    (void) state;

    for (i = 0; i < N; i++) {
        keys = key(&vectors[i]);

        if (verify(keys, str(vectors[i].token)) != RT_KEYS_OK) {
            fail_msg("%s", vectors[i].name);
        }

        rt_keys_free(keys);
    }
}


/* all over payload and signature: another character is never right */

static void
test_changed(void **state)
{
    char        token[2048], c;
    size_t      i, at, len, begin;
    rt_keys_t  *keys;

    (void) state;

    for (i = 0; i < N; i++) {
        keys = key(&vectors[i]);
        len = strlen(vectors[i].token);
        begin = strchr(vectors[i].token, '.') + 1 - vectors[i].token;

        assert_true(len < sizeof(token));
        memcpy(token, vectors[i].token, len + 1);

        for (at = begin; at < len; at += 1 + len / 97) {

            if (token[at] == '.') {
                continue;
            }

            c = token[at];
            token[at] = (c == 'A') ? 'B' : 'A';

            if (verify(keys, str(token)) == RT_KEYS_OK) {
                fail_msg("%s: right with another character %zu",
                         vectors[i].name, at);
            }

            token[at] = c;
        }

        assert_int_equal(verify(keys, str(token)), RT_KEYS_OK);

        rt_keys_free(keys);
    }
}


static void
test_others(void **state)
{
    size_t      i, j;
    rt_keys_t  *keys;

    (void) state;

    for (i = 0; i < N; i++) {
        keys = key(&vectors[i]);

        for (j = 0; j < N; j++) {

            if (j != i
                && verify(keys, str(vectors[j].token)) == RT_KEYS_OK)
            {
                fail_msg("%s is right with the key of %s", vectors[j].name,
                         vectors[i].name);
            }
        }

        rt_keys_free(keys);
    }
}


/* what is signed, and no token: without its payload, without a signature */

static void
test_no_tokens(void **state)
{
    size_t      i;
    rt_keys_t  *keys;

    (void) state;

    for (i = 0; i < N; i++) {
        keys = key(&vectors[i]);

        assert_int_not_equal(verify(keys, str(detached_token)), RT_KEYS_OK);
        assert_int_not_equal(verify(keys, str(unsecured_token)), RT_KEYS_OK);

        rt_keys_free(keys);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_no_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
