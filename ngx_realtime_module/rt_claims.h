
/*
 * The claims of a token whose signature is verified already: whether they
 * are good now, and who they name (RFC 7519).
 *
 * Ownership: rt_claims_t owns the parsed JSON, to which its texts point,
 * until rt_claims_free().  One thread at a time.
 */

#ifndef _RT_CLAIMS_H_INCLUDED_
#define _RT_CLAIMS_H_INCLUDED_


#include <jansson.h>

#include "rt_buf.h"


#define RT_CLAIMS_USER_MAX  200         /* characters, as in a transcript */


typedef struct {
    rt_str_t          user;             /* a claim's name or path */
    rt_str_t          roles;            /* the same */
    const rt_str_t   *issuers;
    size_t            nissuers;         /* 0: not checked */
    const rt_str_t   *audiences;
    size_t            naudiences;       /* 0: not checked */
    int64_t           leeway;           /* seconds, for exp, nbf and iat */
    unsigned          require_exp:1;
} rt_claims_rules_t;


typedef enum {
    RT_CLAIMS_OK = 0,
    RT_CLAIMS_BAD,              /* no JSON object, wrong types, no user, not
                                   for us */
    RT_CLAIMS_EXPIRED,
    RT_CLAIMS_NOT_YET_VALID,
    RT_CLAIMS_FAILED            /* memory is short */
} rt_claims_rc_e;


typedef struct {
    json_t     *json;
    double      from;           /* seconds since the epoch, leeway included */
    double      until;          /* good before this; HUGE_VAL: no exp */
    rt_str_t    user;
    rt_str_t    email;          /* may have no value */
    rt_str_t   *roles;
    size_t      nroles;
    char        number[24];     /* of a user that is one */
} rt_claims_t;


/*
 * Reads a payload and checks it against the rules; now is in seconds since
 * the epoch.  Whatever it returns, rt_claims_free() is due.
 */
rt_claims_rc_e rt_claims_read(rt_claims_t *claims, rt_str_t payload,
    const rt_claims_rules_t *rules, int64_t now);

/* from and until are what rt_claims_read() found, maybe long ago */
rt_claims_rc_e rt_claims_time(double from, double until, int64_t now);

void rt_claims_free(rt_claims_t *claims);


/* whether a text can stand in a log's line and in a header */
int rt_claims_is_plain(rt_str_t s);

/* whether it can be the id of a user; whether it can be one of his roles */
int rt_claims_is_user(rt_str_t s);
int rt_claims_is_role(rt_str_t s);


#endif /* _RT_CLAIMS_H_INCLUDED_ */
