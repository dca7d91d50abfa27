
/*
 * What the files of the authentication module share with each other only.
 *
 * Event loop only.  Configuration is written while it is read and never
 * afterwards.
 */

#ifndef _NGX_HTTP_REALTIME_AUTH_INT_H_INCLUDED_
#define _NGX_HTTP_REALTIME_AUTH_INT_H_INCLUDED_


#include "ngx_http_realtime.h"
#include "ngx_http_realtime_auth.h"
#include "ngx_http_realtime_auth_jwks.h"
#include "rt_claims.h"
#include "rt_jwt.h"


/* the order is that of the names in ngx_http_realtime_auth_variables.c */

typedef enum {
    NGX_HTTP_REALTIME_AUTH_OK = 0,
    NGX_HTTP_REALTIME_AUTH_MISSING_TOKEN,
    NGX_HTTP_REALTIME_AUTH_BAD_FORMAT,
    NGX_HTTP_REALTIME_AUTH_NO_KEY,
    NGX_HTTP_REALTIME_AUTH_BAD_SIGNATURE,
    NGX_HTTP_REALTIME_AUTH_BAD_CLAIMS,
    NGX_HTTP_REALTIME_AUTH_EXPIRED,
    NGX_HTTP_REALTIME_AUTH_NOT_YET_VALID,
    NGX_HTTP_REALTIME_AUTH_INSUFFICIENT_ROLE,
    NGX_HTTP_REALTIME_AUTH_INACTIVE_USER,
    NGX_HTTP_REALTIME_AUTH_CROSS_SITE,
    NGX_HTTP_REALTIME_AUTH_UNAVAILABLE,         /* keys */
    NGX_HTTP_REALTIME_AUTH_STORE_UNAVAILABLE,   /* or not asked yet */
    NGX_HTTP_REALTIME_AUTH_FAILED
} ngx_http_realtime_auth_status_e;


/* what a token has to be; locations with the same rules share one */

typedef struct {
    rt_keys_t                        *keys;         /* NULL: no files */
    ngx_http_realtime_jwks_t         *jwks;         /* NULL: no server */
    rt_claims_rules_t                 rules;
} ngx_http_realtime_verifier_t;


typedef struct ngx_http_realtime_lookup_s  ngx_http_realtime_lookup_t;
typedef struct ngx_http_realtime_flight_s  ngx_http_realtime_flight_t;


typedef struct {
    ngx_array_t                       jwks;         /* of pointers */
    ngx_http_realtime_lookup_t       *lookup;       /* NULL: none */
} ngx_http_realtime_auth_main_conf_t;


/* a variable that may hold a token */

typedef struct {
    ngx_int_t                         index;
    ngx_uint_t                        cookie;
} ngx_http_realtime_auth_source_t;


typedef struct {
    ngx_flag_t                        enable;
    ngx_flag_t                        dry_run;
    rt_keys_t                        *keys;
    ngx_http_realtime_jwks_t         *jwks;
    ngx_array_t                      *sources;      /* NULL: Authorization */
    ngx_array_t                      *issuers;      /* of ngx_str_t */
    ngx_array_t                      *audiences;    /* of ngx_str_t */
    time_t                            leeway;
    ngx_flag_t                        require_exp;
    ngx_str_t                         user_claim;
    ngx_str_t                         roles_claim;
    ngx_array_t                      *roles;        /* of ngx_str_t */
    ngx_array_t                      *admin_roles;  /* of ngx_str_t */
    ngx_http_realtime_verifier_t     *verifier;
} ngx_http_realtime_auth_conf_t;


/* who a verified token names, or who was found under that name; in the heap,
   shared by requests */

typedef struct {
    ngx_http_realtime_user_t          user;
    ngx_http_realtime_memo_t          memo;
    double                            from;
    double                            until;
    ngx_uint_t                        refs;
} ngx_http_realtime_identity_t;


/* what is known of a request's user under one configuration */

typedef struct {
    ngx_http_request_t               *request;
    ngx_http_realtime_auth_conf_t    *conf;
    ngx_http_realtime_identity_t     *identity;     /* the token's; NULL:
                                                       nobody */
    ngx_http_realtime_identity_t     *known;        /* the store's */
    json_t                           *claims;       /* once one is asked for */
    ngx_http_realtime_user_t          user;         /* empty until all of him
                                                       is known */
    ngx_http_realtime_auth_status_e   status;
    ngx_http_realtime_flight_t       *flight;       /* waited for */
    ngx_queue_t                       queue;        /* of its waiters */
    unsigned                          decided:1;    /* by the access phase */
    unsigned                          pending:1;    /* to be looked up */
} ngx_http_realtime_auth_ctx_t;


/*
 * The context of a request, with its user verified under the location's
 * configuration.  NULL where memory is short.
 */
ngx_http_realtime_auth_ctx_t *ngx_http_realtime_auth_check(
    ngx_http_request_t *r);

/*
 * The same for a variable: once a redirect, such as error_page, has left a
 * guarded location for one that is not, what the access phase decided.
 */
ngx_http_realtime_auth_ctx_t *ngx_http_realtime_auth_recall(
    ngx_http_request_t *r);

ngx_int_t ngx_http_realtime_auth_handler(ngx_http_request_t *r);


/* OK with the token of a request, MISSING_TOKEN, CROSS_SITE or FAILED */
ngx_http_realtime_auth_status_e ngx_http_realtime_auth_token(
    ngx_http_request_t *r, ngx_array_t *sources, rt_str_t *token);


/*
 * Verifies a token.  Anything but NGX_HTTP_REALTIME_AUTH_OK leaves *identity
 * alone; otherwise it is the caller's until it is released.
 */
ngx_http_realtime_auth_status_e ngx_http_realtime_auth_verify(
    ngx_http_realtime_verifier_t *verifier, rt_str_t token,
    ngx_http_realtime_identity_t **identity, ngx_log_t *log);

/* the same, where the worker may have verified this token lately */
ngx_http_realtime_auth_status_e ngx_http_realtime_auth_verify_cached(
    ngx_http_realtime_verifier_t *verifier, rt_str_t token,
    ngx_http_realtime_identity_t **identity, ngx_log_t *log);

/* start and end of a worker */
ngx_int_t ngx_http_realtime_cache_init(ngx_cycle_t *cycle);
void ngx_http_realtime_cache_exit(ngx_cycle_t *cycle);

/* copies; NULL where memory is short */
ngx_http_realtime_identity_t *ngx_http_realtime_identity_create(rt_str_t id,
    rt_str_t email, rt_str_t *roles, size_t nroles, ngx_log_t *log);

void ngx_http_realtime_identity_release(
    ngx_http_realtime_identity_t *identity);


/* realtime_user_lookup: a phase's handler, and the start of a worker */
ngx_int_t ngx_http_realtime_lookup_handler(ngx_http_request_t *r);
void ngx_http_realtime_lookup_init_process(void);

/* data is a context that waits no more */
void ngx_http_realtime_lookup_leave(void *data);

char *ngx_http_realtime_user_lookup(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


char *ngx_http_realtime_jwt_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_jwks_uri(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

ngx_int_t ngx_http_realtime_auth_add_variables(ngx_conf_t *cf);

ngx_int_t ngx_http_realtime_auth_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

/* NULL-terminated, static */
ngx_str_t *ngx_http_realtime_auth_status_name(
    ngx_http_realtime_auth_status_e status);


#endif /* _NGX_HTTP_REALTIME_AUTH_INT_H_INCLUDED_ */
