
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "rt_jwk.h"


static int rt_keys_add_pem(rt_keys_t *keys, rt_str_t file, rt_alg_e alg,
    rt_str_t kid, rt_keys_error_t *err);
static EVP_PKEY *rt_keys_pem_block(const char *name,
    const unsigned char *der, long len);
static int rt_keys_add_secret(rt_keys_t *keys, rt_str_t secret,
    rt_alg_e alg, rt_str_t kid, rt_keys_error_t *err);
static int rt_keys_holds(rt_str_t data, const char *text);


int
rt_keys_add(rt_keys_t *keys, rt_str_t file, rt_alg_e alg, rt_str_t kid,
    rt_keys_error_t *err)
{
    size_t  i;

    for (i = 0; i < file.len && isspace((unsigned char) file.data[i]); i++) {
        /* void */
    }

    if (i == file.len) {
        snprintf(err->text, sizeof(err->text), "it is empty");
        return -1;
    }

    if (rt_keys_holds(file, "-----BEGIN ")) {
        return rt_keys_add_pem(keys, file, alg, kid, err);
    }

    /* JSON; a byte that no text has makes it a secret that begins with { */

    if (file.data[i] == '{') {

        while (i < file.len
               && ((unsigned char) file.data[i] >= 0x20
                   || isspace((unsigned char) file.data[i])))
        {
            i++;
        }

        if (i == file.len) {
            return rt_jwk_add(keys, file, alg, kid, err);
        }
    }

    if (file.data[file.len - 1] == '\n') {
        file.len--;

        if (file.len && file.data[file.len - 1] == '\r') {
            file.len--;
        }
    }

    return rt_keys_add_secret(keys, file, alg, kid, err);
}


static int
rt_keys_add_pem(rt_keys_t *keys, rt_str_t file, rt_alg_e alg, rt_str_t kid,
    rt_keys_error_t *err)
{
    int             found, chain;
    BIO            *bio;
    char           *name, *header;
    long            len;
    rt_key_t        key;
    EVP_PKEY       *pkey;
    const char     *why;
    unsigned char  *der;

    if (rt_alg_is_mac(alg)) {
        snprintf(err->text, sizeof(err->text),
                 "it is PEM: a public key is no secret for %s",
                 rt_alg_name(alg));
        return -1;
    }

    bio = BIO_new_mem_buf(file.data, (int) file.len);
    why = NULL;
    found = 0;
    chain = 0;

    while (why == NULL
           && PEM_read_bio(bio, &name, &header, &der, &len) == 1)
    {
        pkey = NULL;

        if (strstr(name, "PRIVATE KEY") != NULL) {
            why = "it has a private key, which this server should not have: "
                  "give it the public one";

        } else if (strcmp(name, "CERTIFICATE") == 0 && chain++) {
            /* the issuers of the first one */

        } else {
            pkey = rt_keys_pem_block(name, der, len);
            why = (pkey == NULL) ? "it has a PEM block that is no public key "
                                   "and no certificate"
                                 : NULL;
        }

        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, len);

        if (pkey != NULL) {

            if (rt_key_public(&key, alg, pkey, err) != 0
                || rt_keys_append(keys, &key, kid, err) != 0)
            {
                BIO_free(bio);
                return -1;
            }

            found = 1;
        }
    }

    BIO_free(bio);
    ERR_clear_error();

    if (why == NULL && !found) {
        why = "it is damaged PEM";
    }

    if (why != NULL) {
        snprintf(err->text, sizeof(err->text), "%s", why);
        return -1;
    }

    return 0;
}


static EVP_PKEY *
rt_keys_pem_block(const char *name, const unsigned char *der, long len)
{
    X509      *cert;
    EVP_PKEY  *pkey;

    pkey = NULL;

    if (strcmp(name, "PUBLIC KEY") == 0) {
        pkey = d2i_PUBKEY(NULL, &der, len);

    } else if (strcmp(name, "RSA PUBLIC KEY") == 0) {
        pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);

    } else if (strcmp(name, "CERTIFICATE") == 0) {
        cert = d2i_X509(NULL, &der, len);
        pkey = X509_get_pubkey(cert);
        X509_free(cert);
    }

    ERR_clear_error();

    return pkey;
}


static int
rt_keys_add_secret(rt_keys_t *keys, rt_str_t secret, rt_alg_e alg,
    rt_str_t kid, rt_keys_error_t *err)
{
    rt_key_t  key;

    if (!rt_alg_is_mac(alg)) {
        snprintf(err->text, sizeof(err->text), "%s",
                 (alg == RT_ALG_NONE)
                 ? "it is no PEM and no JWK; a secret needs alg=HS256, HS384 "
                   "or HS512"
                 : "it is no PEM and no JWK, which the algorithm needs");
        return -1;
    }

    if (rt_key_is_public(secret)) {
        snprintf(err->text, sizeof(err->text), "a public key is no secret");
        return -1;
    }

    if (rt_key_secret(&key, alg, secret, err) != 0) {
        return -1;
    }

    return rt_keys_append(keys, &key, kid, err);
}


int
rt_key_is_public(rt_str_t secret)
{
    int                   is_public;
    X509                 *cert;
    EVP_PKEY             *pkey;
    const unsigned char  *p;

    p = (const unsigned char *) secret.data;
    pkey = d2i_PUBKEY(NULL, &p, (long) secret.len);

    p = (const unsigned char *) secret.data;
    cert = d2i_X509(NULL, &p, (long) secret.len);

    is_public = (pkey != NULL || cert != NULL
                 || rt_keys_holds(secret, "-----BEGIN ")
                 || rt_keys_holds(secret, "ssh-rsa "));

    EVP_PKEY_free(pkey);
    X509_free(cert);
    ERR_clear_error();

    return is_public;
}


static int
rt_keys_holds(rt_str_t data, const char *text)
{
    size_t  i, len;

    len = strlen(text);

    for (i = 0; i + len <= data.len; i++) {
        if (memcmp(data.data + i, text, len) == 0) {
            return 1;
        }
    }

    return 0;
}
