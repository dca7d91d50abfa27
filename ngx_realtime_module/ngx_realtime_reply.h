
/*
 * Whole replies, JSON strings, and media types.
 *
 * Event loop only, but for ngx_realtime_json_string(), which touches nothing
 * but its arguments.  Memory is the request's pool.
 */

#ifndef _NGX_REALTIME_REPLY_H_INCLUDED_
#define _NGX_REALTIME_REPLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * Send a whole reply.  The body's memory must live as long as the request's
 * pool.  Returns what the handler has to finalize the request with.
 */
ngx_int_t ngx_http_realtime_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body);
ngx_int_t ngx_http_realtime_send_json(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *body);

/*
 * Push a response header; name and value are not copied and the name must be
 * a literal.  NGX_ERROR where memory is short.
 */
ngx_int_t ngx_http_realtime_add_header(ngx_http_request_t *r, char *name,
    ngx_str_t *value);

/*
 * Whether the body has that media type, with or without parameters; it is a
 * literal.
 */
ngx_uint_t ngx_http_realtime_is_type(ngx_http_request_t *r, char *type);

/*
 * Whether an Accept header of the request names the media type; it is a
 * literal.  Weights are not looked at: a client that names it wants it.
 */
ngx_uint_t ngx_http_realtime_accepts(ngx_http_request_t *r, char *type);

/*
 * Write a JSON string, quotes included, at p; bytes that are no UTF-8 become
 * U+FFFD.  Returns the end, or with p == NULL the bytes it takes as a pointer
 * from NULL.
 */
u_char *ngx_realtime_json_string(u_char *p, ngx_str_t *s);


#endif /* _NGX_REALTIME_REPLY_H_INCLUDED_ */
