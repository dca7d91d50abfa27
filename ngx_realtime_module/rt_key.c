
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "rt_key.h"


typedef struct {
    const char  *name;
    const char  *digest;
    size_t       digest_len;
} rt_key_alg_t;


/* by rt_alg_e */

static const rt_key_alg_t  rt_key_algs[] = {
    { "",      "",       0 },
    { "HS256", "SHA256", 32 },
    { "HS384", "SHA384", 48 },
    { "HS512", "SHA512", 64 }
};


static rt_keys_rc_e rt_key_verify_mac(const rt_key_t *key, rt_str_t input,
    rt_str_t sig);


rt_alg_e
rt_alg(rt_str_t name)
{
    size_t  i;

    for (i = 1; i < sizeof(rt_key_algs) / sizeof(rt_key_algs[0]); i++) {

        if (strlen(rt_key_algs[i].name) == name.len
            && memcmp(rt_key_algs[i].name, name.data, name.len) == 0)
        {
            return (rt_alg_e) i;
        }
    }

    return RT_ALG_NONE;
}


int
rt_key_secret(rt_key_t *key, rt_alg_e alg, rt_str_t secret,
    rt_keys_error_t *err)
{
    int          rc;
    EVP_MAC     *mac;
    OSSL_PARAM   params[2];

    memset(key, 0, sizeof(rt_key_t));

    /* RFC 7518, section 3.2 */

    if (secret.len < rt_key_algs[alg].digest_len) {
        snprintf(err->text, sizeof(err->text),
                 "the secret has %zu bytes, %s needs %zu at least",
                 secret.len, rt_key_algs[alg].name,
                 rt_key_algs[alg].digest_len);
        return -1;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                      (char *) rt_key_algs[alg].digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    key->mac = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);

    rc = (key->mac != NULL)
         ? EVP_MAC_init(key->mac, (const unsigned char *) secret.data,
                        secret.len, params)
         : 0;

    ERR_clear_error();

    if (rc != 1) {
        snprintf(err->text, sizeof(err->text), "OpenSSL has no %s",
                 rt_key_algs[alg].name);
        rt_key_free(key);
        return -1;
    }

    key->alg = alg;

    return 0;
}


void
rt_key_free(rt_key_t *key)
{
    EVP_MAC_CTX_free(key->mac);
    free(key->kid);
    memset(key, 0, sizeof(rt_key_t));
}


rt_keys_rc_e
rt_key_verify(const rt_key_t *key, rt_str_t input, rt_str_t sig)
{
    rt_keys_rc_e  rc;

    rc = rt_key_verify_mac(key, input, sig);

    ERR_clear_error();

    return rc;
}


static rt_keys_rc_e
rt_key_verify_mac(const rt_key_t *key, rt_str_t input, rt_str_t sig)
{
    size_t         len;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    /* no key: the one that is there already, which costs no hashing */

    if (EVP_MAC_init(key->mac, NULL, 0, NULL) != 1
        || EVP_MAC_update(key->mac, (const unsigned char *) input.data,
                          input.len) != 1
        || EVP_MAC_final(key->mac, mac, &len, sizeof(mac)) != 1)
    {
        return RT_KEYS_FAILED;
    }

    if (sig.len != len || CRYPTO_memcmp(mac, sig.data, len) != 0) {
        return RT_KEYS_BAD_SIGNATURE;
    }

    return RT_KEYS_OK;
}
