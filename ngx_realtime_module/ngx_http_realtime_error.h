
/*
 * What a client is told when something fails: a status, and a code out of one
 * list.
 *
 * An error is recorded in the request and its status returned to nginx, so
 * that "satisfy", error_page and logging stay nginx's own; a filter writes the
 * JSON where nginx would have written its built-in page.  That covers what the
 * core decides in the module's locations (408, 413, 502, 504) as well.
 *
 * Event loop only.  Memory is the request's pool.
 */

#ifndef _NGX_HTTP_REALTIME_ERROR_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ERROR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* the order is that of the table in ngx_http_realtime_error_module.c */

enum {
    NGX_HTTP_REALTIME_E_MISSING_TOKEN = 0,
    NGX_HTTP_REALTIME_E_INVALID_TOKEN,
    NGX_HTTP_REALTIME_E_EXPIRED_TOKEN,
    NGX_HTTP_REALTIME_E_INSUFFICIENT_ROLE,
    NGX_HTTP_REALTIME_E_USER_MISMATCH,
    NGX_HTTP_REALTIME_E_CROSS_SITE,
    NGX_HTTP_REALTIME_E_FORBIDDEN,
    NGX_HTTP_REALTIME_E_NOT_FOUND,
    NGX_HTTP_REALTIME_E_METHOD_NOT_ALLOWED,
    NGX_HTTP_REALTIME_E_TOO_LARGE,
    NGX_HTTP_REALTIME_E_UNSUPPORTED_MEDIA_TYPE,
    NGX_HTTP_REALTIME_E_BAD_REQUEST,
    NGX_HTTP_REALTIME_E_INVALID_OFFER,
    NGX_HTTP_REALTIME_E_MODEL_NOT_ALLOWED,
    NGX_HTTP_REALTIME_E_INVALID_TRANSCRIPT,
    NGX_HTTP_REALTIME_E_INVALID_PARAMETER,
    NGX_HTTP_REALTIME_E_TOO_MANY_CALLS,
    NGX_HTTP_REALTIME_E_TOO_MANY_REQUESTS,
    NGX_HTTP_REALTIME_E_UPSTREAM_ERROR,
    NGX_HTTP_REALTIME_E_UPSTREAM_UNREACHABLE,
    NGX_HTTP_REALTIME_E_UPSTREAM_TIMEOUT,
    NGX_HTTP_REALTIME_E_UPSTREAM_BAD_ANSWER,
    NGX_HTTP_REALTIME_E_INTERNAL_ERROR,
    NGX_HTTP_REALTIME_E_BUSY,
    NGX_HTTP_REALTIME_E_STORE_UNAVAILABLE,
    NGX_HTTP_REALTIME_E_KEYS_UNAVAILABLE,
    NGX_HTTP_REALTIME_E_MAX
};


typedef struct {
    ngx_uint_t   code;          /* NGX_HTTP_REALTIME_E_... */
    ngx_uint_t   status;        /* 0: the one of the code */
    ngx_str_t    detail;        /* text; empty: the one of the code */
    ngx_str_t    detail_json;   /* JSON for "detail", where it is not text */
    ngx_str_t    allow;         /* methods, with 405 */
    ngx_str_t    retry_after;   /* empty: 1 with 429 and 503 */
} ngx_http_realtime_error_t;


/*
 * Record an error and return the status to give back to nginx; 500 where
 * memory is short.  Strings are not copied, bytes of a text detail that are
 * no UTF-8 are replaced.  A later error replaces a former one.
 */
ngx_int_t ngx_http_realtime_error(ngx_http_request_t *r, ngx_uint_t code);
ngx_int_t ngx_http_realtime_error_ex(ngx_http_request_t *r,
    ngx_http_realtime_error_t *error);
ngx_int_t ngx_http_realtime_not_allowed(ngx_http_request_t *r, char *methods);

/* The text of a code, for "reason" labels; NULL-terminated, static. */
ngx_str_t *ngx_http_realtime_error_name(ngx_uint_t code);


extern ngx_module_t  ngx_http_realtime_error_module;


#endif /* _NGX_HTTP_REALTIME_ERROR_H_INCLUDED_ */
