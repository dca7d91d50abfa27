
/*
 * HTTP requests that no client waits for, made by libcurl in the event loop
 * of a worker.
 *
 * A request owns a pool: all that the caller gives (URL, headers, body,
 * address) is put there or outlives the request, and the answer is put there
 * too.  It knows no client's request and may outlive any; while it runs, a
 * worker that exits gracefully waits for it, at most "timeout" and a second.
 *
 * Event loop only, in a worker (libcurl is set up after the fork, by the
 * first request).
 */

#ifndef _NGX_REALTIME_CURL_H_INCLUDED_
#define _NGX_REALTIME_CURL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_realtime_curl_s  ngx_realtime_curl_t;

typedef void (*ngx_realtime_curl_pt)(ngx_realtime_curl_t *rc);


struct ngx_realtime_curl_s {
    ngx_pool_t            *pool;

    /* to be set before the start */

    ngx_str_t              url;        /* its host is Host: and TLS name */
    ngx_str_t              addr;       /* where to connect, as in ngx_addr_t:
                                          "192.0.2.1:443", "[2001:db8::1]:443"
                                          or "unix:/path"; the host of the URL
                                          is never looked up */
    ngx_str_t              body;       /* of a POST */
    ngx_str_t              ca;         /* PEM that lives as long as the cycle;
                                          empty: the system's store */

    ngx_msec_t             connect_timeout;
    ngx_msec_t             timeout;    /* connecting included */
    size_t                 max_size;   /* of the answer's body, in bytes */

    unsigned               post:1;     /* else GET */
    unsigned               ssl_verify:1;

    ngx_realtime_curl_pt   handler;
    void                  *data;

    /* what came of it, for the handler; status 0: error says why */

    ngx_uint_t             status;
    ngx_str_t              answer;     /* may hold any bytes */
    ngx_str_t              error;      /* printable, without secrets */
};


/*
 * A request with connect_timeout 5s, timeout 30s, max_size 64k, ssl_verify on,
 * the rest empty; NULL where memory is short.  Whoever does not start it
 * destroys it.
 */
ngx_realtime_curl_t *ngx_realtime_curl_create(void);
void ngx_realtime_curl_destroy(ngx_realtime_curl_t *rc);

/*
 * Add a header, "Name: value" without a line end; it is copied.  NGX_ERROR:
 * it holds control characters, or memory is short.
 */
ngx_int_t ngx_realtime_curl_header(ngx_realtime_curl_t *rc, ngx_str_t *line);

/*
 * NGX_OK: the handler will be called exactly once, from the event loop and
 * never before this returns: when the answer is complete, when the request
 * failed, or when the worker exits before either.  The request and its pool
 * are destroyed after the handler.  NGX_ERROR, logged: the handler will not be
 * called and the request stays with the caller.
 *
 * The request is sent once: not again where a kept connection dies, and no
 * redirect is followed.
 */
ngx_int_t ngx_realtime_curl_start(ngx_realtime_curl_t *rc);

/*
 * End a started request without a call of its handler; it is destroyed.  Not
 * from its own handler.
 */
void ngx_realtime_curl_cancel(ngx_realtime_curl_t *rc);


extern ngx_module_t  ngx_realtime_curl_module;


#endif /* _NGX_REALTIME_CURL_H_INCLUDED_ */
