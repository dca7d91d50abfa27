
/* The published vectors, and what is no key or no signature. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "rt_jwt.h"


/* RFC 7515, A.1: HS256 */

static const char  hs_jwk[] =
    "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS"
    "0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}";

static const char  hs_token[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/* RFC 7515, A.3: ES256 */

static const char  es_jwk[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

static const char  es_token[] =
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
    "pmWQxfKTUJqPP3-Kg6NU1Q";

/* RFC 8037, A.4: EdDSA */

static const char  ed_jwk[] =
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";

static const char  ed_token[] =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
    "hVsPt9g7sVvpAr_MuM0KAg";


static rt_str_t
text(const char *s)
{
    rt_str_t  str = { s, strlen(s) };

    return str;
}


static const rt_str_t  any = rt_null;


static int
add(rt_keys_t *keys, const char *file, rt_alg_e alg, rt_keys_error_t *err)
{
    return rt_keys_add(keys, text(file), alg, any, err);
}


static rt_keys_rc_e
verify(const rt_keys_t *keys, const char *token)
{
    rt_jwt_t  jwt;

    assert_int_equal(rt_jwt_parse(&jwt, text(token)), 0);

    return rt_keys_verify(keys, jwt.alg, jwt.kid, jwt.input, jwt.sig);
}


static void
test_vectors(void **state)
{
    size_t           i;
    rt_keys_t       *keys;
    rt_keys_error_t  err;

    static const struct {
        const char  *jwk;
        const char  *token;
        rt_alg_e     alg;
    } vectors[] = {
        { hs_jwk, hs_token, RT_ALG_HS256 },
        { es_jwk, es_token, RT_ALG_NONE },
        { ed_jwk, ed_token, RT_ALG_NONE }
    };

    (void) state;

    for (i = 0; i < 3; i++) {
        char  *last, changed[512];

        keys = rt_keys_create();
        assert_int_equal(add(keys, vectors[i].jwk, vectors[i].alg, &err), 0);
        assert_int_equal(verify(keys, vectors[i].token), RT_KEYS_OK);

        /* a wrong signature must not spoil the key for the next token */

        strcpy(changed, vectors[i].token);
        last = &changed[strlen(changed) - 10];
        *last = (*last == 'A') ? 'B' : 'A';

        assert_int_equal(verify(keys, changed), RT_KEYS_BAD_SIGNATURE);
        assert_int_equal(verify(keys, vectors[i].token), RT_KEYS_OK);
        assert_int_equal(ERR_peek_error(), 0);

        rt_keys_free(keys);
    }
}


static void
test_algorithm_belongs_to_the_key(void **state)
{
    rt_keys_t       *keys;
    rt_keys_error_t  err;

    (void) state;

    keys = rt_keys_create();
    assert_int_equal(add(keys, es_jwk, RT_ALG_NONE, &err), 0);

    assert_int_equal(verify(keys, hs_token), RT_KEYS_NONE);
    assert_int_equal(verify(keys, ed_token), RT_KEYS_NONE);

    assert_int_equal(add(keys, es_jwk, RT_ALG_ES384, &err), -1);
    assert_string_equal(err.text, "the key is not one for the algorithm");

    assert_int_equal(add(keys, hs_jwk, RT_ALG_NONE, &err), -1);
    assert_int_equal(add(keys, hs_jwk, RT_ALG_ES256, &err), -1);

    rt_keys_free(keys);
}


static void
test_refused(void **state)
{
    size_t           i;
    rt_keys_t       *keys;
    rt_keys_error_t  err;

    static const struct {
        const char  *file;
        rt_alg_e     alg;
        const char  *why;
    } files[] = {
        { "", RT_ALG_HS256, "it is empty" },
        { " \r\n\t", RT_ALG_HS256, "it is empty" },
        { "{\"kty\":", RT_ALG_HS256, "it is no JWK and no JWK set" },
        { "{}", RT_ALG_NONE, "it is no JWK and no JWK set" },
        { "{\"keys\":{}}", RT_ALG_NONE, "\"keys\" is no array" },
        { "{\"keys\":[]}", RT_ALG_NONE,
          "no key of it is one for verifying signatures" },
        { "{\"kty\":\"oct\",\"k\":\"AAAA\",\"alg\":\"HS256\"}", RT_ALG_NONE,
          "the secret has 3 bytes, HS256 needs 32 at least" },
        { "{\"kty\":\"oct\",\"k\":\"AA=A\",\"alg\":\"HS256\"}", RT_ALG_NONE,
          "\"k\" of the JWK is missing or damaged" },
        { "{\"kty\":\"EC\",\"kty\":\"EC\"}", RT_ALG_NONE,
          "it is no JWK and no JWK set" },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
          RT_ALG_NONE,
          "a member of the JWK is missing, damaged or not supported" },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\","
          "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
          "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
          RT_ALG_NONE,
          "a member of the JWK is missing, damaged or not supported" },
        { "{\"kty\":\"RSA\",\"n\":\"sXch\",\"e\":\"AQAB\"}", RT_ALG_NONE,
          "an RSA key needs 2048 to 8192 bits and an odd exponent from 3 on" },
        { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"AA\",\"x\":\"AA\"}",
          RT_ALG_NONE, "it has a private key, which this server should not "
          "have: give it the public one" },
        { "{\"kty\":\"EC\",\"use\":\"enc\"}", RT_ALG_NONE,
          "the JWK is not for verifying signatures (\"use\", \"key_ops\"), "
          "or of an unknown kind" },
        { "{\"kty\":\"EC\",\"key_ops\":[\"sign\"]}", RT_ALG_NONE,
          "the JWK is not for verifying signatures (\"use\", \"key_ops\"), "
          "or of an unknown kind" },
        { "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
          RT_ALG_HS256, "it is PEM: a public key is no secret for HS256" },
        { "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
          RT_ALG_NONE,
          "it has a PEM block that is no public key and no certificate" },
        { "-----BEGIN PUBLIC KEY-----\nMF", RT_ALG_NONE,
          "it is damaged PEM" },
        { "-----BEGIN PRIVATE KEY-----\nMFkw\n-----END PRIVATE KEY-----\n",
          RT_ALG_NONE, "it has a private key, which this server should not "
          "have: give it the public one" }
    };

    (void) state;

    keys = rt_keys_create();

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        assert_int_equal(add(keys, files[i].file, files[i].alg, &err), -1);
        assert_string_equal(err.text, files[i].why);
    }

    assert_int_equal(rt_keys_count(keys), 0);
    assert_int_equal(ERR_peek_error(), 0);

    rt_keys_free(keys);
}


static void
test_der_public_key_as_secret(void **state)
{
    int              n;
    rt_str_t         der;
    rt_keys_t       *keys;
    EVP_PKEY        *pkey;
    unsigned char   *out;
    rt_keys_error_t  err;

    (void) state;

    keys = rt_keys_create();
    pkey = EVP_RSA_gen(2048);
    out = NULL;
    n = i2d_PUBKEY(pkey, &out);

    der.data = (char *) out;
    der.len = n;

    assert_int_equal(rt_keys_add(keys, der, RT_ALG_HS256, any, &err), -1);
    assert_string_equal(err.text, "a public key is no secret");

    OPENSSL_free(out);
    EVP_PKEY_free(pkey);
    rt_keys_free(keys);
}


static void
test_kid_chooses(void **state)
{
    rt_keys_t       *keys;
    rt_keys_error_t  err;
    rt_str_t         a, input, sig;

    static const char  set[] =
        "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\","
        "\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS\"},"
        "{\"kty\":\"OKP\",\"use\":\"enc\",\"crv\":\"X25519\",\"x\":\"AA\"}]}";

    (void) state;

    keys = rt_keys_create();
    assert_int_equal(add(keys, set, RT_ALG_NONE, &err), 0);
    assert_int_equal(rt_keys_count(keys), 1);

    a = text("a");
    input = text("x");
    sig = text("y");

    assert_true(rt_keys_has_kid(keys, a));
    assert_false(rt_keys_has_kid(keys, text("b")));
    assert_int_equal(rt_keys_verify(keys, RT_ALG_HS256, a, input, sig),
                     RT_KEYS_BAD_SIGNATURE);
    assert_int_equal(rt_keys_verify(keys, RT_ALG_HS256, any, input, sig),
                     RT_KEYS_BAD_SIGNATURE);
    assert_int_equal(rt_keys_verify(keys, RT_ALG_HS256, text("b"), input, sig),
                     RT_KEYS_NONE);
    assert_int_equal(rt_keys_verify(keys, RT_ALG_NONE, a, input, sig),
                     RT_KEYS_NONE);

    rt_keys_free(keys);
}


static void
test_published(void **state)
{
    rt_keys_t       *keys;
    rt_keys_error_t  err;

    /* a secret that a server publishes is none, a damaged key no reason */

    static const char  set[] =
        "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\","
        "\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS\"},"
        "{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"},"
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

    (void) state;

    keys = rt_keys_create();
    assert_int_equal(rt_keys_add_published(keys, text(set), &err), 0);
    assert_int_equal(rt_keys_count(keys), 1);
    assert_int_equal(verify(keys, ed_token), RT_KEYS_OK);
    rt_keys_free(keys);

    keys = rt_keys_create();
    assert_int_equal(rt_keys_add_published(keys, text("{\"keys\":[]}"), &err),
                     -1);
    assert_int_equal(rt_keys_add_published(keys, text(ed_jwk), &err), -1);
    assert_int_equal(rt_keys_add_published(keys, text("<html>"), &err), -1);
    rt_keys_free(keys);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_algorithm_belongs_to_the_key),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_der_public_key_as_secret),
        cmocka_unit_test(test_kid_chooses),
        cmocka_unit_test(test_published)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
