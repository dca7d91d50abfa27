
/*
 * A signed token in the compact form (RFC 7515, 7519), taken apart.
 *
 * Nothing is decided here: who verifies the signature and reads the claims
 * is told where they are.  Ownership: all texts are in the structure itself
 * or in the token, which must outlive it.  Any thread.
 */

#ifndef _RT_JWT_H_INCLUDED_
#define _RT_JWT_H_INCLUDED_


#include "rt_keys.h"


#define RT_JWT_MAX      8192    /* characters of a token */
#define RT_JWT_KID_MAX  256     /* bytes */


typedef struct {
    rt_alg_e   alg;             /* RT_ALG_NONE: one that is not known here */
    rt_str_t   kid;             /* may have no value */
    rt_str_t   input;           /* what is signed */
    rt_str_t   sig;             /* as bytes */
    rt_str_t   payload;         /* decoded; not JSON before one has looked */

    char       kid_buf[RT_JWT_KID_MAX];
    char       buf[RT_JWT_MAX];
} rt_jwt_t;


/*
 * 0; or -1 for what is no token of three parts in canonical base64url with a
 * JSON object as header, is longer than RT_JWT_MAX, is encrypted, names an
 * extension as critical (none is supported) or leaves its payload unencoded
 * (RFC 7797).
 */
int rt_jwt_parse(rt_jwt_t *jwt, rt_str_t token);


#endif /* _RT_JWT_H_INCLUDED_ */
