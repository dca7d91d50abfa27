
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "rt_base64url.h"
#include "rt_jwk.h"


#define RT_JWK_MEMBER_MAX  1100     /* bytes: a modulus of 8192 bits */


typedef struct {
    unsigned char  data[RT_JWK_MEMBER_MAX];
    size_t         len;
} rt_jwk_bytes_t;


typedef struct {
    rt_alg_e   alg;             /* of the directive */
    rt_str_t   kid;             /* of the directive */
    int        published;       /* by a server: no secrets */
} rt_jwk_opts_t;


/* 1: passed over, not an error */

static int rt_jwk_set(rt_keys_t *keys, json_t *set, rt_jwk_opts_t *opts,
    rt_keys_error_t *err);
static int rt_jwk_one(rt_keys_t *keys, json_t *jwk, rt_jwk_opts_t *opts,
    rt_keys_error_t *err);
static int rt_jwk_verifies(json_t *jwk);
static int rt_jwk_secret(rt_key_t *key, json_t *jwk, rt_alg_e alg,
    rt_keys_error_t *err);
static EVP_PKEY *rt_jwk_public(json_t *jwk, const char *kty);
static EVP_PKEY *rt_jwk_rsa(json_t *jwk);
static EVP_PKEY *rt_jwk_ec(json_t *jwk);
static EVP_PKEY *rt_jwk_okp(json_t *jwk);
static EVP_PKEY *rt_jwk_pkey(const char *type, OSSL_PARAM_BLD *bld);
static int rt_jwk_bytes(json_t *jwk, const char *name, rt_jwk_bytes_t *bytes);
static const char *rt_jwk_text(json_t *jwk, const char *name);
static int rt_jwk_fail(rt_keys_error_t *err, const char *text);


int
rt_jwk_add(rt_keys_t *keys, rt_str_t text, rt_alg_e alg, rt_str_t kid,
    rt_keys_error_t *err)
{
    int             rc;
    json_t         *json;
    rt_jwk_opts_t   opts = { alg, kid, 0 };

    json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);

    if (json_object_get(json, "keys") != NULL) {
        rc = rt_jwk_set(keys, json, &opts, err);

    } else if (json_object_get(json, "kty") != NULL) {
        rc = rt_jwk_one(keys, json, &opts, err);

        if (rc == 1) {
            rc = rt_jwk_fail(err, "the JWK is not for verifying signatures "
                                  "(\"use\", \"key_ops\"), or of an unknown "
                                  "kind");
        }

    } else {
        rc = rt_jwk_fail(err, "it is no JWK and no JWK set");
    }

    json_decref(json);

    return rc;
}


int
rt_keys_add_published(rt_keys_t *keys, rt_str_t text, rt_keys_error_t *err)
{
    int             rc;
    json_t         *json;
    rt_jwk_opts_t   opts = { RT_ALG_NONE, rt_null, 1 };

    json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);

    rc = (json_object_get(json, "keys") != NULL)
         ? rt_jwk_set(keys, json, &opts, err)
         : rt_jwk_fail(err, "it is no JWK set");

    json_decref(json);

    return rc;
}


static int
rt_jwk_set(rt_keys_t *keys, json_t *set, rt_jwk_opts_t *opts,
    rt_keys_error_t *err)
{
    int      rc;
    size_t   i, before;
    json_t  *list;

    list = json_object_get(set, "keys");
    before = rt_keys_count(keys);

    if (!json_is_array(list)) {
        return rt_jwk_fail(err, "\"keys\" is no array");
    }

    if (opts->kid.data != NULL && json_array_size(list) > 1) {
        return rt_jwk_fail(err, "one kid cannot be that of several keys");
    }

    for (i = 0; i < json_array_size(list) && i < RT_KEYS_MAX; i++) {

        rc = rt_jwk_one(keys, json_array_get(list, i), opts, err);

        if (rc == -1 && !opts->published) {
            return -1;
        }
    }

    if (rt_keys_count(keys) == before) {
        return rt_jwk_fail(err, "no key of it is one for verifying "
                                "signatures");
    }

    return 0;
}


static int
rt_jwk_one(rt_keys_t *keys, json_t *jwk, rt_jwk_opts_t *opts,
    rt_keys_error_t *err)
{
    int          rc;
    json_t      *value;
    rt_alg_e     alg;
    rt_key_t     key;
    rt_str_t     kid, name;
    EVP_PKEY    *pkey;
    const char  *kty;

    kty = rt_jwk_text(jwk, "kty");

    if (kty == NULL || !rt_jwk_verifies(jwk)) {
        return 1;
    }

    alg = opts->alg;
    value = json_object_get(jwk, "alg");

    if (value != NULL) {
        name.data = json_string_value(value);
        name.len = json_string_length(value);

        /* one for encryption, or none that is supported here */

        if (name.data == NULL || rt_alg(name) == RT_ALG_NONE) {
            return 1;
        }

        if (alg != RT_ALG_NONE && alg != rt_alg(name)) {
            return rt_jwk_fail(err, "\"alg\" of the JWK is another one");
        }

        alg = rt_alg(name);
    }

    if (strcmp(kty, "oct") == 0) {
        rc = opts->published ? 1 : rt_jwk_secret(&key, jwk, alg, err);

    } else if (strcmp(kty, "RSA") == 0
               || strcmp(kty, "EC") == 0
               || strcmp(kty, "OKP") == 0)
    {
        if (json_object_get(jwk, "d") != NULL) {
            return rt_jwk_fail(err, "it has a private key, which this server "
                                    "should not have: give it the public "
                                    "one");
        }

        pkey = rt_jwk_public(jwk, kty);

        rc = (pkey != NULL)
             ? rt_key_public(&key, alg, pkey, err)
             : rt_jwk_fail(err, "a member of the JWK is missing, damaged or "
                                "not supported");

    } else {
        rc = 1;
    }

    if (rc != 0) {
        return rc;
    }

    kid = opts->kid;
    value = json_object_get(jwk, "kid");

    if (kid.data == NULL && json_is_string(value)) {
        kid.data = json_string_value(value);
        kid.len = json_string_length(value);
    }

    return rt_keys_append(keys, &key, kid, err);
}


/* RFC 7517, sections 4.2 and 4.3 */

static int
rt_jwk_verifies(json_t *jwk)
{
    size_t       i;
    json_t      *ops, *op;
    const char  *use;

    use = rt_jwk_text(jwk, "use");

    if (json_object_get(jwk, "use") != NULL
        && (use == NULL || strcmp(use, "sig") != 0))
    {
        return 0;
    }

    ops = json_object_get(jwk, "key_ops");

    if (ops == NULL) {
        return 1;
    }

    json_array_foreach (ops, i, op) {
        if (json_is_string(op)
            && strcmp(json_string_value(op), "verify") == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
rt_jwk_secret(rt_key_t *key, json_t *jwk, rt_alg_e alg, rt_keys_error_t *err)
{
    int             rc;
    rt_str_t        secret;
    rt_jwk_bytes_t  k;

    if (!rt_alg_is_mac(alg)) {
        return rt_jwk_fail(err, "a secret needs alg=HS256, HS384 or HS512");
    }

    if (rt_jwk_bytes(jwk, "k", &k) != 0) {
        return rt_jwk_fail(err, "\"k\" of the JWK is missing or damaged");
    }

    secret.data = (char *) k.data;
    secret.len = k.len;

    rc = rt_key_is_public(secret)
         ? rt_jwk_fail(err, "a public key is no secret")
         : rt_key_secret(key, alg, secret, err);

    OPENSSL_cleanse(k.data, k.len);

    return rc;
}


static EVP_PKEY *
rt_jwk_public(json_t *jwk, const char *kty)
{
    EVP_PKEY  *pkey;

    switch (kty[0]) {

    case 'R':
        pkey = rt_jwk_rsa(jwk);
        break;

    case 'E':
        pkey = rt_jwk_ec(jwk);
        break;

    default:
        pkey = rt_jwk_okp(jwk);
    }

    ERR_clear_error();

    return pkey;
}


static EVP_PKEY *
rt_jwk_rsa(json_t *jwk)
{
    BIGNUM          *bn, *be;
    EVP_PKEY        *pkey;
    rt_jwk_bytes_t   n, e;
    OSSL_PARAM_BLD  *bld;

    if (rt_jwk_bytes(jwk, "n", &n) != 0 || rt_jwk_bytes(jwk, "e", &e) != 0) {
        return NULL;
    }

    pkey = NULL;

    bn = BN_bin2bn(n.data, (int) n.len, NULL);
    be = BN_bin2bn(e.data, (int) e.len, NULL);
    bld = OSSL_PARAM_BLD_new();

    if (bn != NULL
        && be != NULL
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1)
    {
        pkey = rt_jwk_pkey("RSA", bld);
    }

    OSSL_PARAM_BLD_free(bld);
    BN_free(bn);
    BN_free(be);

    return pkey;
}


static EVP_PKEY *
rt_jwk_ec(json_t *jwk)
{
    size_t           i, size;
    EVP_PKEY        *pkey;
    const char      *crv;
    unsigned char    point[1 + 2 * 66];
    rt_jwk_bytes_t   x, y;
    OSSL_PARAM_BLD  *bld;

    static const struct {
        const char  *crv;
        const char  *group;
        size_t       size;
    } curves[] = {
        { "P-256", "prime256v1", 32 },
        { "P-384", "secp384r1",  48 },
        { "P-521", "secp521r1",  66 },
        { NULL,    NULL,         0 }
    };

    crv = rt_jwk_text(jwk, "crv");

    if (crv == NULL
        || rt_jwk_bytes(jwk, "x", &x) != 0
        || rt_jwk_bytes(jwk, "y", &y) != 0)
    {
        return NULL;
    }

    for (i = 0; curves[i].crv != NULL; i++) {
        if (strcmp(curves[i].crv, crv) == 0) {
            break;
        }
    }

    size = curves[i].size;

    if (curves[i].crv == NULL || x.len != size || y.len != size) {
        return NULL;
    }

    point[0] = 0x04;    /* uncompressed */
    memcpy(point + 1, x.data, size);
    memcpy(point + 1 + size, y.data, size);

    pkey = NULL;
    bld = OSSL_PARAM_BLD_new();

    if (OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
                                        curves[i].group, 0) == 1
        && OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
                                            point, 1 + 2 * size) == 1)
    {
        pkey = rt_jwk_pkey("EC", bld);
    }

    OSSL_PARAM_BLD_free(bld);

    return pkey;
}


static EVP_PKEY *
rt_jwk_okp(json_t *jwk)
{
    const char      *crv;
    rt_jwk_bytes_t   x;

    crv = rt_jwk_text(jwk, "crv");

    if (crv == NULL
        || strcmp(crv, "Ed25519") != 0
        || rt_jwk_bytes(jwk, "x", &x) != 0)
    {
        return NULL;
    }

    return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x.data,
                                          x.len);
}


/* which also checks that a point is one of its curve */

static EVP_PKEY *
rt_jwk_pkey(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY      *pkey;
    OSSL_PARAM    *params;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;

    params = OSSL_PARAM_BLD_to_param(bld);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (params == NULL
        || ctx == NULL
        || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);

    return pkey;
}


static int
rt_jwk_bytes(json_t *jwk, const char *name, rt_jwk_bytes_t *bytes)
{
    long     n;
    size_t   len;
    json_t  *value;

    value = json_object_get(jwk, name);
    len = json_string_length(value);

    if (!json_is_string(value)
        || len == 0
        || rt_base64url_size(len) > RT_JWK_MEMBER_MAX)
    {
        return -1;
    }

    n = rt_base64url_decode(bytes->data, json_string_value(value), len);
    if (n < 0) {
        return -1;
    }

    bytes->len = n;

    return 0;
}


/* NULL: there is none, or it is no text */

static const char *
rt_jwk_text(json_t *jwk, const char *name)
{
    return json_string_value(json_object_get(jwk, name));
}


static int
rt_jwk_fail(rt_keys_error_t *err, const char *text)
{
    snprintf(err->text, sizeof(err->text), "%s", text);

    return -1;
}
