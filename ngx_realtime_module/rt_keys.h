
/*
 * Keys that verify signatures of tokens (RFC 7515, 7517, 7518, 8037).
 *
 * A key is bound to one algorithm when it is added; a token only chooses
 * among the keys of its algorithm, it never says what to do with one
 * (RFC 8725, section 3.1).
 *
 * Ownership: a set owns its keys and wipes them when it is freed; texts and
 * data that are given are copied.  Threads: one thread at a time, as a set
 * keeps its contexts for the next signature.  A set survives fork.
 */

#ifndef _RT_KEYS_H_INCLUDED_
#define _RT_KEYS_H_INCLUDED_


#include "rt_buf.h"


#define RT_KEYS_MAX    64       /* in one set */
#define RT_KEYS_TRIED  4        /* for one token, at most */


typedef enum {
    RT_ALG_NONE = 0,            /* not given, or none that is known here */
    RT_ALG_HS256,
    RT_ALG_HS384,
    RT_ALG_HS512,
    RT_ALG_RS256,
    RT_ALG_RS384,
    RT_ALG_RS512,
    RT_ALG_PS256,
    RT_ALG_PS384,
    RT_ALG_PS512,
    RT_ALG_ES256,
    RT_ALG_ES384,
    RT_ALG_ES512,
    RT_ALG_EDDSA                /* Ed25519 */
} rt_alg_e;


typedef enum {
    RT_KEYS_OK = 0,
    RT_KEYS_NONE,               /* no key of this algorithm and kid */
    RT_KEYS_BAD_SIGNATURE,
    RT_KEYS_FAILED              /* memory is short */
} rt_keys_rc_e;


typedef struct {
    char  text[256];            /* one line, NUL-terminated; never a secret */
} rt_keys_error_t;


typedef struct rt_keys_s  rt_keys_t;


/* "HS256" and so on, exactly so; RT_ALG_NONE for anything else */
rt_alg_e rt_alg(rt_str_t name);


/* NULL where memory is short */
rt_keys_t *rt_keys_create(void);

void rt_keys_free(rt_keys_t *keys);

size_t rt_keys_count(const rt_keys_t *keys);


/*
 * Adds what a file holds: PEM with public keys or a certificate (and its
 * chain, which is not looked at), a JWK, a JWK set, or the raw secret of an
 * HMAC, where one line end at its end is not part of it.
 *
 * alg is required for a secret and must fit any other key; RT_ALG_NONE: the
 * one that the JWK names or its kind has, RS256 for RSA.  kid may have no
 * value: the one of the JWK, else the key is for tokens of any kid.
 *
 * 0, or -1 with the reason in err; some of the keys may have been added then.
 * Refused are private keys, RSA keys shorter than 2048 bits, secrets shorter
 * than the hash and secrets that are public keys.  Of a set, keys that are
 * not meant for signatures ("use", "key_ops") or of an unknown kind are
 * passed over.
 */
int rt_keys_add(rt_keys_t *keys, rt_str_t file, rt_alg_e alg, rt_str_t kid,
    rt_keys_error_t *err);


/*
 * Adds what a server publishes as its JWK set: as above, but a key of it that
 * is not fit for use is passed over, a secret too.  -1 where no key is left.
 */
int rt_keys_add_published(rt_keys_t *keys, rt_str_t text,
    rt_keys_error_t *err);


/* whether a key of a set has this kid */
int rt_keys_has_kid(const rt_keys_t *keys, rt_str_t kid);


/*
 * Whether sig is the signature of input by one of the keys that are for alg
 * and kid.  OpenSSL's error queue is empty afterwards.
 */
rt_keys_rc_e rt_keys_verify(const rt_keys_t *keys, rt_alg_e alg, rt_str_t kid,
    rt_str_t input, rt_str_t sig);


#endif /* _RT_KEYS_H_INCLUDED_ */
