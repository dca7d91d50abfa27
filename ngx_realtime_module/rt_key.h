
/*
 * One key: what OpenSSL needs to verify a signature, prepared once.
 *
 * For rt_keys_t, which owns the keys.  One thread at a time.  None of these
 * functions leaves anything in OpenSSL's error queue: nginx would report it
 * with the next TLS connection.
 */

#ifndef _RT_KEY_H_INCLUDED_
#define _RT_KEY_H_INCLUDED_


#include <openssl/evp.h>

#include "rt_keys.h"


typedef struct {
    rt_alg_e      alg;
    char         *kid;          /* NULL: of tokens with any kid */
    size_t        kid_len;
    EVP_MAC_CTX  *mac;          /* HS*: keyed, to be used again and again */
    EVP_PKEY     *pkey;         /* all others */
} rt_key_t;


/*
 * A key of an HMAC; the secret is not kept.  0, or -1 with the reason in
 * err; the key is all zero then.
 */
int rt_key_secret(rt_key_t *key, rt_alg_e alg, rt_str_t secret,
    rt_keys_error_t *err);

/*
 * A public key, which becomes the key's own also on failure.  Without alg the
 * one that its kind has, RS256 for RSA.  Otherwise as rt_key_secret().
 */
int rt_key_public(rt_key_t *key, rt_alg_e alg, EVP_PKEY *pkey,
    rt_keys_error_t *err);

/* whether what is to be a secret is something that everybody may know */
int rt_key_is_public(rt_str_t secret);

void rt_key_free(rt_key_t *key);

const char *rt_alg_name(rt_alg_e alg);

/* whether alg is one of an HMAC */
int rt_alg_is_mac(rt_alg_e alg);

rt_keys_rc_e rt_key_verify(const rt_key_t *key, rt_str_t input, rt_str_t sig);


/*
 * Adds a key to a set, whose it becomes also on failure.  kid is copied.
 */
int rt_keys_append(rt_keys_t *keys, rt_key_t *key, rt_str_t kid,
    rt_keys_error_t *err);


#endif /* _RT_KEY_H_INCLUDED_ */
