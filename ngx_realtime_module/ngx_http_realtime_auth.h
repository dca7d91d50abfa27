
/*
 * The user of a request, as the authentication module found it.
 *
 * The structure and its strings live in the request's pool and are read-only
 * for everybody else.  Event loop only.
 */

#ifndef _NGX_HTTP_REALTIME_AUTH_H_INCLUDED_
#define _NGX_HTTP_REALTIME_AUTH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * What a handler has worked out of a user, for his next request: there for as
 * long as the worker remembers the token.  The one place is shared by all
 * locations, so whoever reads it asks for the owner first.
 */

#define NGX_HTTP_REALTIME_MEMO_LEN  64

typedef struct {
    void                      *owner;   /* NULL: nobody's */
    u_char                     text[NGX_HTTP_REALTIME_MEMO_LEN];
} ngx_http_realtime_memo_t;


typedef struct {
    ngx_str_t                  id;      /* who owns data; without control
                                           characters */
    ngx_str_t                  email;   /* empty where it is not known */
    ngx_array_t               *roles;   /* of ngx_str_t, in the order of the
                                           token */
    ngx_http_realtime_memo_t  *memo;
    unsigned                   admin:1; /* has one of realtime_admin_roles */
} ngx_http_realtime_user_t;


/*
 * For a handler of this module, before it does anything for a user.
 *
 * NGX_OK: *user is the verified user whose role is allowed here.  NGX_DECLINED:
 * "realtime_auth off" was written for this location, *user is NULL.  Anything
 * else is the status to return: the error is recorded already.
 */
ngx_int_t ngx_http_realtime_auth_user(ngx_http_request_t *r,
    ngx_http_realtime_user_t **user);

/*
 * For the merge function of a handler that cannot do without a user: refuses
 * "realtime_auth off" beside the directive named.  What such a function
 * returns.
 */
char *ngx_http_realtime_auth_required(ngx_conf_t *cf, char *directive);


extern ngx_module_t  ngx_http_realtime_auth_module;


#endif /* _NGX_HTTP_REALTIME_AUTH_H_INCLUDED_ */
