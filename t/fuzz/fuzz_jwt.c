
/*
 * What a stranger sends as a token, what a key file or a key server holds:
 * the first byte chooses.  A token goes through signature and claims; its
 * payload is read also where no signature fits.
 */

#include <stdlib.h>

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


static void
fuzz_token(rt_str_t token)
{
    rt_jwt_t            jwt;
    rt_claims_t         claims;
    rt_keys_error_t     err;
    static rt_keys_t   *keys;

    rt_str_t            set = rt_string(fuzz_keys);
    rt_str_t            none = rt_null;
    rt_str_t            aud = rt_string("a");
    rt_claims_rules_t   rules = {
        .user = rt_string("sub"),
        .roles = rt_string("a.b.c"),
        .require_exp = 1
    };

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

    rules.audiences = &aud;
    rules.naudiences = (token.len & 1);

    (void) rt_claims_read(&claims, jwt.payload, &rules, 1000);
    rt_claims_free(&claims);
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

    if (data[0] == 't') {
        fuzz_token(text);

    } else {
        fuzz_file(text, (rt_alg_e) (data[0] % (RT_ALG_EDDSA + 1)));
    }

    return 0;
}
