
/*
 * Between the two files of the history: what a GET or DELETE asks for
 * (ngx_http_realtime_history_args.c) and the job that does it.
 *
 * A job is made on the stack while the request is read, its texts in the
 * request's pool; the copy that a thread gets owns its texts.  Event loop
 * only, but for what the thread fills.
 */

#ifndef _NGX_HTTP_REALTIME_HISTORY_H_INCLUDED_
#define _NGX_HTTP_REALTIME_HISTORY_H_INCLUDED_


#include "ngx_http_realtime_transcripts.h"


typedef enum {
    NGX_HTTP_REALTIME_HISTORY_LIST = 0,
    NGX_HTTP_REALTIME_HISTORY_SESSIONS,
    NGX_HTTP_REALTIME_HISTORY_ERASE,
    NGX_HTTP_REALTIME_HISTORY_ERASE_ITEM
} ngx_http_realtime_history_e;


typedef enum {
    NGX_HTTP_REALTIME_FORMAT_JSON = 0,
    NGX_HTTP_REALTIME_FORMAT_LINES,
    NGX_HTTP_REALTIME_FORMAT_TEXT
} ngx_http_realtime_format_e;


typedef struct {
    ngx_http_realtime_transcripts_ctx_t  *ctx;      /* NULL: client left */
    ngx_http_realtime_history_e           what;
    ngx_http_realtime_format_e            format;   /* of a list */

    rt_store_t                           *store;
    rt_spool_t                           *spool;    /* NULL: none */
    rt_store_query_t                      query;
    rt_id_t                               id;

    /* filled by the thread */

    rt_store_rc_e                         rc;
    rt_store_error_t                      err;
    uint64_t                              deleted;
    rt_spool_depth_t                      depth;    /* after an erasure */
    rt_cursor_t                           next;
    rt_buf_t                              reply;
} ngx_http_realtime_history_t;


/*
 * Reads what the request wants into a job that is all zero.  item: see
 * ngx_http_realtime_history_handler().  NGX_OK, or what the handler returns.
 */
ngx_int_t ngx_http_realtime_history_args(
    ngx_http_realtime_transcripts_ctx_t *ctx, ngx_str_t *item,
    ngx_http_realtime_history_t *job);

/*
 * The header Link of an export that has a next page: the same arguments,
 * read again, with its cursor.
 */
ngx_int_t ngx_http_realtime_history_link(ngx_http_request_t *r,
    rt_cursor_t *next);


#endif /* _NGX_HTTP_REALTIME_HISTORY_H_INCLUDED_ */
