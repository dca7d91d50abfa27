
/*
 * Keys as JSON: a JWK, a JWK set (RFC 7517, 7518, 8037).
 *
 * For rt_keys_t.  Nothing is kept of the text.  One thread at a time.
 */

#ifndef _RT_JWK_H_INCLUDED_
#define _RT_JWK_H_INCLUDED_


#include "rt_key.h"


/* rt_keys_add() for a text that is JSON */
int rt_jwk_add(rt_keys_t *keys, rt_str_t text, rt_alg_e alg, rt_str_t kid,
    rt_keys_error_t *err);


#endif /* _RT_JWK_H_INCLUDED_ */
