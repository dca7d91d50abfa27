
/*
 * What a stranger sends as a token, what a key file or a key server holds:
 * the first byte chooses.  A token goes through signature and claims; its
 * payload is read also where no signature fits.  Its header and its claims
 * come as JSON too, since few changes of base64url are JSON again.
 */

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "rt_claims.h"
#include "rt_jwt.h"


static const char  fuzz_keys[] =
    "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AyM1SysPpbyDfgZld3"
    "umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* whoever is let in can stand in a log, a header and a list of names */

static void
fuzz_claims(rt_str_t payload, size_t naudiences)
{
    size_t             i;
    rt_str_t           aud = rt_string("a");
    rt_claims_t        claims;
    rt_claims_rules_t  rules = {
        .user = rt_string("sub"),
        .roles = rt_string("a.b.c"),
        .audiences = &aud,
        .naudiences = naudiences,
        .require_exp = 1
    };

    if (rt_claims_read(&claims, payload, &rules, 1000) == RT_CLAIMS_OK) {

        if (!rt_claims_is_user(claims.user)
            || (claims.email.data != NULL
                && !rt_claims_is_plain(claims.email)))
        {
            abort();
        }

        for (i = 0; i < claims.nroles; i++) {
            if (!rt_claims_is_role(claims.roles[i])) {
                abort();
            }
        }
    }

    rt_claims_free(&claims);
}


static void
fuzz_token(rt_str_t token)
{
    rt_str_t           set = rt_string(fuzz_keys);
    rt_str_t           none = rt_null;
    rt_jwt_t           jwt;
    rt_keys_error_t    err;
    static rt_keys_t  *keys;

    if (keys == NULL) {
        keys = rt_keys_create();

        if (rt_keys_add(keys, set, RT_ALG_NONE, none, &err) != 0) {
            abort();
        }
    }

    if (rt_jwt_parse(&jwt, token) != 0) {
        return;
    }

    (void) rt_keys_verify(keys, jwt.alg, jwt.kid, jwt.input, jwt.sig);

    fuzz_claims(jwt.payload, token.len & 1);
}


static void
fuzz_header(rt_str_t json)
{
    int       i, n;
    char      token[RT_JWT_MAX + 64];
    rt_str_t  text;

    static const char  rest[] = ".eyJzdWIiOiJhIn0.AAAA";

    if (json.len > RT_JWT_MAX * 3 / 4) {
        return;
    }

    n = EVP_EncodeBlock((unsigned char *) token,
                        (const unsigned char *) json.data, (int) json.len);

    while (n > 0 && token[n - 1] == '=') {
        n--;
    }

    for (i = 0; i < n; i++) {
        token[i] = token[i] == '+' ? '-' : token[i] == '/' ? '_' : token[i];
    }

    memcpy(token + n, rest, sizeof(rest));

    text.data = token;
    text.len = n + sizeof(rest) - 1;

    fuzz_token(text);
}


static void
fuzz_file(rt_str_t file, rt_alg_e alg)
{
    rt_str_t         none = rt_null;
    rt_keys_t       *keys;
    rt_keys_error_t  err;

    keys = rt_keys_create();

    if (alg == RT_ALG_NONE) {
        (void) rt_keys_add_published(keys, file, &err);
    }

    (void) rt_keys_add(keys, file, alg, none, &err);

    rt_keys_free(keys);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rt_str_t  text;

    if (size == 0) {
        return 0;
    }

    text.data = (const char *) data + 1;
    text.len = size - 1;

    switch (data[0]) {

    case 't':
        fuzz_token(text);
        break;

    case 'h':
        fuzz_header(text);
        break;

    case 'c':
        fuzz_claims(text, size & 1);
        break;

    default:
        fuzz_file(text, (rt_alg_e) (data[0] % (RT_ALG_EDDSA + 1)));
    }

    return 0;
}
