
/*
 * What the two halves of the transcripts location share: writing (the module
 * itself) and history (reading and erasing).
 *
 * A job for a request is on the heap and may outlive it.  The request's
 * context and the job know each other until one of them ends: the job's
 * pointer to the context becomes NULL where the client left, and the work is
 * done all the same.  Event loop only.
 */

#ifndef _NGX_HTTP_REALTIME_TRANSCRIPTS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_TRANSCRIPTS_H_INCLUDED_


#include "ngx_http_realtime.h"
#include "ngx_http_realtime_auth.h"
#include "ngx_http_realtime_store.h"
#include "ngx_realtime_reply.h"


typedef struct ngx_http_realtime_transcripts_ctx_s
    ngx_http_realtime_transcripts_ctx_t;

struct ngx_http_realtime_transcripts_ctx_s {
    ngx_http_request_t                    *request;
    ngx_http_realtime_user_t              *user;
    ngx_http_realtime_store_t             *store;

    /* the job's pointer to this context */
    ngx_http_realtime_transcripts_ctx_t  **job;

    ngx_str_t                              status;  /* of the store */
    ngx_msec_t                             start;
    ngx_msec_t                             time;
};


/* NULL where memory is short. */
ngx_http_realtime_transcripts_ctx_t *ngx_http_realtime_transcripts_create_ctx(
    ngx_http_request_t *r);

/*
 * The job begins to work for the request: *job is set, and is NULL as soon
 * as nobody waits for it.  The request's count must be held by the caller.
 */
ngx_int_t ngx_http_realtime_transcripts_wait(
    ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_http_realtime_transcripts_ctx_t **job);

/*
 * The job is done: its text of a status goes to the variables, and the
 * request is the caller's to finish.  The text must be static.
 */
ngx_http_request_t *ngx_http_realtime_transcripts_arrived(
    ngx_http_realtime_transcripts_ctx_t *ctx, const char *status);

/* Finalizes a request from a completion. */
void ngx_http_realtime_transcripts_finish(ngx_http_request_t *r,
    ngx_int_t rc);

/* The text of a buffer, whose memory the request's pool frees from now on. */
ngx_int_t ngx_http_realtime_transcripts_take(ngx_http_request_t *r,
    rt_buf_t *b, ngx_str_t *text);


/* $realtime_store_status and $realtime_store_time */
ngx_int_t ngx_http_realtime_transcripts_add_variables(ngx_conf_t *cf);


/*
 * GET and DELETE.  item: the rest of the path behind the location's, without
 * its slash; empty for the location's own.
 */
ngx_int_t ngx_http_realtime_history_handler(
    ngx_http_realtime_transcripts_ctx_t *ctx, ngx_str_t *item);


extern ngx_module_t  ngx_http_realtime_transcripts_module;


#endif /* _NGX_HTTP_REALTIME_TRANSCRIPTS_H_INCLUDED_ */
