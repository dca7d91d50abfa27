
/*
 * realtime_user_lookup: who a token names is looked up in the store.
 *
 * What was found is kept in the zone for all workers, at most ttl.  Where it
 * is not there, a thread asks the store, once for all requests of a worker
 * that want the same user, and they wait.
 *
 * Event loop only, but for the thread's part of a lookup.
 */

#ifndef _NGX_HTTP_REALTIME_AUTH_LOOKUP_H_INCLUDED_
#define _NGX_HTTP_REALTIME_AUTH_LOOKUP_H_INCLUDED_


#include "ngx_http_realtime_auth_int.h"
#include "rt_store.h"


/* written while the configuration is read */

struct ngx_http_realtime_lookup_s {
    rt_store_lookup_t                 fields;
    ngx_msec_t                        ttl;
    uint32_t                          rules;    /* a hash of all of them and
                                                   of the store */
};


/* what the store said of a user */

typedef struct {
    ngx_http_realtime_auth_status_e   status;   /* OK, INACTIVE_USER,
                                                   BAD_CLAIMS: there is none */
    ngx_http_realtime_identity_t     *identity; /* with OK: the caller's */
} ngx_http_realtime_found_t;


/* what waits for a user has it; takes a reference of its own */
void ngx_http_realtime_auth_found(ngx_http_realtime_auth_ctx_t *ctx,
    ngx_http_realtime_found_t *found);

/* of a name under these rules: the key of the trees here */
uint32_t ngx_http_realtime_lookup_hash(ngx_http_realtime_lookup_t *lookup,
    ngx_str_t *name);

/*
 * NGX_OK: *found is what the zone has, and fresh.  NGX_DECLINED: the store is
 * to be asked.
 */
ngx_int_t ngx_http_realtime_users_find(ngx_http_realtime_lookup_t *lookup,
    ngx_str_t *name, ngx_http_realtime_found_t *found, ngx_log_t *log);

/*
 * Keeps what the store said when it was asked, in ms of ngx_current_msec;
 * the oldest give way.  The user is read with OK only.
 */
void ngx_http_realtime_users_put(ngx_http_realtime_lookup_t *lookup,
    ngx_str_t *name, ngx_msec_t asked, ngx_http_realtime_auth_status_e status,
    rt_user_t *user);


#endif /* _NGX_HTTP_REALTIME_AUTH_LOOKUP_H_INCLUDED_ */
