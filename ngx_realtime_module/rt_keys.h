
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
 * Adds what a file holds: the raw secret of an HMAC, where one line end at
 * its end is not part of it.  kid may have no value: the key is for tokens of
 * any kid then.  0, or -1 with the reason in err.
 */
int rt_keys_add(rt_keys_t *keys, rt_str_t file, rt_alg_e alg, rt_str_t kid,
    rt_keys_error_t *err);


/*
 * Whether sig is the signature of input by one of the keys that are for alg
 * and kid.  OpenSSL's error queue is empty afterwards.
 */
rt_keys_rc_e rt_keys_verify(const rt_keys_t *keys, rt_alg_e alg, rt_str_t kid,
    rt_str_t input, rt_str_t sig);


#endif /* _RT_KEYS_H_INCLUDED_ */
