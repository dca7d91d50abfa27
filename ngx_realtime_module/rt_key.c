
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "rt_key.h"


#define RT_KEY_RSA_MIN  2048    /* bits, RFC 7518, section 3.3 */
#define RT_KEY_RSA_MAX  8192    /* more would only cost time */


typedef enum {
    RT_KEY_OTHER = 0,
    RT_KEY_MAC,
    RT_KEY_RSA,
    RT_KEY_PSS,
    RT_KEY_EC,
    RT_KEY_EDDSA
} rt_key_kind_e;


typedef struct {
    const char     *name;
    rt_key_kind_e   kind;
    const char     *digest;
    size_t          len;        /* of a digest; of a coordinate for EC */
    const char     *group;      /* OpenSSL's name */
} rt_key_alg_t;


/* by rt_alg_e */

static const rt_key_alg_t  rt_key_algs[] = {
    { "none",  RT_KEY_OTHER, NULL,     0,  NULL },
    { "HS256", RT_KEY_MAC,   "SHA256", 32, NULL },
    { "HS384", RT_KEY_MAC,   "SHA384", 48, NULL },
    { "HS512", RT_KEY_MAC,   "SHA512", 64, NULL },
    { "RS256", RT_KEY_RSA,   "SHA256", 32, NULL },
    { "RS384", RT_KEY_RSA,   "SHA384", 48, NULL },
    { "RS512", RT_KEY_RSA,   "SHA512", 64, NULL },
    { "PS256", RT_KEY_PSS,   "SHA256", 32, NULL },
    { "PS384", RT_KEY_PSS,   "SHA384", 48, NULL },
    { "PS512", RT_KEY_PSS,   "SHA512", 64, NULL },
    { "ES256", RT_KEY_EC,    "SHA256", 32, "prime256v1" },
    { "ES384", RT_KEY_EC,    "SHA384", 48, "secp384r1" },
    { "ES512", RT_KEY_EC,    "SHA512", 66, "secp521r1" },
    { "EdDSA", RT_KEY_EDDSA, NULL,     64, NULL }
};


static rt_alg_e rt_key_only_alg(EVP_PKEY *pkey);
static int rt_key_fits(EVP_PKEY *pkey, const rt_key_alg_t *alg);
static int rt_key_rsa_is_sound(EVP_PKEY *pkey);
static rt_keys_rc_e rt_key_verify_pkey(const rt_key_t *key, rt_str_t input,
    rt_str_t sig);
static unsigned char *rt_key_ecdsa_der(rt_str_t sig, size_t *len);
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


const char *
rt_alg_name(rt_alg_e alg)
{
    return rt_key_algs[alg].name;
}


int
rt_alg_is_mac(rt_alg_e alg)
{
    return rt_key_algs[alg].kind == RT_KEY_MAC;
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

    if (secret.len < rt_key_algs[alg].len) {
        snprintf(err->text, sizeof(err->text),
                 "the secret has %zu bytes, %s needs %zu at least",
                 secret.len, rt_key_algs[alg].name,
                 rt_key_algs[alg].len);
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


int
rt_key_public(rt_key_t *key, rt_alg_e alg, EVP_PKEY *pkey,
    rt_keys_error_t *err)
{
    const char  *why;

    memset(key, 0, sizeof(rt_key_t));

    if (alg == RT_ALG_NONE) {
        alg = rt_key_only_alg(pkey);
    }

    if (alg == RT_ALG_NONE) {
        why = "a key of this kind or curve is not supported";

    } else if (!rt_key_fits(pkey, &rt_key_algs[alg])) {
        why = "the key is not one for the algorithm";

    } else if ((EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS"))
               && !rt_key_rsa_is_sound(pkey))
    {
        why = "an RSA key needs 2048 to 8192 bits and an odd exponent "
              "from 3 on";

    } else {
        why = NULL;
    }

    ERR_clear_error();

    if (why != NULL) {
        snprintf(err->text, sizeof(err->text), "%s", why);
        EVP_PKEY_free(pkey);
        return -1;
    }

    key->alg = alg;
    key->pkey = pkey;

    return 0;
}


/* a key is for one algorithm, so one is chosen where nobody says which */

static rt_alg_e
rt_key_only_alg(EVP_PKEY *pkey)
{
    rt_alg_e  alg;

    for (alg = RT_ALG_RS256; alg <= RT_ALG_EDDSA; alg++) {
        if (rt_key_fits(pkey, &rt_key_algs[alg])) {
            return alg;
        }
    }

    return RT_ALG_NONE;
}


static int
rt_key_fits(EVP_PKEY *pkey, const rt_key_alg_t *alg)
{
    char  group[32];

    switch (alg->kind) {

    case RT_KEY_RSA:
        return EVP_PKEY_is_a(pkey, "RSA");

    case RT_KEY_PSS:
        return EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS");

    case RT_KEY_EC:
        return EVP_PKEY_is_a(pkey, "EC")
               && EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL)
                  == 1
               && strcmp(group, alg->group) == 0;

    case RT_KEY_EDDSA:
        return EVP_PKEY_is_a(pkey, "ED25519");

    default:
        return 0;
    }
}


static int
rt_key_rsa_is_sound(EVP_PKEY *pkey)
{
    int      bits, sound;
    BIGNUM  *e;

    bits = EVP_PKEY_get_bits(pkey);

    if (bits < RT_KEY_RSA_MIN || bits > RT_KEY_RSA_MAX) {
        return 0;
    }

    e = NULL;

    sound = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1
            && BN_is_odd(e)
            && !BN_is_one(e);

    BN_free(e);

    return sound;
}


void
rt_key_free(rt_key_t *key)
{
    EVP_MAC_CTX_free(key->mac);
    EVP_PKEY_free(key->pkey);
    free(key->kid);
    memset(key, 0, sizeof(rt_key_t));
}


rt_keys_rc_e
rt_key_verify(const rt_key_t *key, rt_str_t input, rt_str_t sig)
{
    rt_keys_rc_e  rc;

    rc = (key->mac != NULL) ? rt_key_verify_mac(key, input, sig)
                            : rt_key_verify_pkey(key, input, sig);

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


static rt_keys_rc_e
rt_key_verify_pkey(const rt_key_t *key, rt_str_t input, rt_str_t sig)
{
    int                  rc;
    EVP_MD_CTX          *ctx;
    EVP_PKEY_CTX        *pctx;
    unsigned char       *der;
    const rt_key_alg_t  *alg;

    der = NULL;
    alg = &rt_key_algs[key->alg];

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return RT_KEYS_FAILED;
    }

    rc = EVP_DigestVerifyInit_ex(ctx, &pctx, alg->digest, NULL, NULL,
                                 key->pkey, NULL);

    if (rc == 1 && alg->kind == RT_KEY_PSS) {
        rc = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0
             && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, (int) alg->len) > 0;
    }

    if (rc == 1 && alg->kind == RT_KEY_EC) {
        rc = (sig.len == 2 * alg->len);

        if (rc) {
            der = rt_key_ecdsa_der(sig, &sig.len);
            sig.data = (char *) der;
            rc = (der != NULL);
        }
    }

    if (rc == 1) {
        rc = EVP_DigestVerify(ctx, (const unsigned char *) sig.data, sig.len,
                              (const unsigned char *) input.data, input.len);
    }

    OPENSSL_free(der);
    EVP_MD_CTX_free(ctx);

    return (rc == 1) ? RT_KEYS_OK : RT_KEYS_BAD_SIGNATURE;
}


/* r and s side by side (RFC 7518, section 3.4) in OpenSSL's form */

static unsigned char *
rt_key_ecdsa_der(rt_str_t sig, size_t *len)
{
    int             n, size;
    BIGNUM         *r, *s;
    ECDSA_SIG      *ecdsa;
    unsigned char  *der;

    der = NULL;
    size = (int) (sig.len / 2);

    r = BN_bin2bn((const unsigned char *) sig.data, size, NULL);
    s = BN_bin2bn((const unsigned char *) sig.data + size, size, NULL);
    ecdsa = ECDSA_SIG_new();

    if (ecdsa == NULL || ECDSA_SIG_set0(ecdsa, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        goto done;
    }

    n = i2d_ECDSA_SIG(ecdsa, &der);

    if (n <= 0) {
        der = NULL;
        goto done;
    }

    *len = n;

done:

    ECDSA_SIG_free(ecdsa);

    return der;
}
