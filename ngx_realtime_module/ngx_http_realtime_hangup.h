
/*
 * Ask upstream to end a call: what nobody received, what took too long, what
 * its owner ends.
 *
 * A hang-up outlives the request that asked for it; a worker that exits
 * gracefully waits for it, under half a minute.  Event loop only.
 */

#ifndef _NGX_HTTP_REALTIME_HANGUP_H_INCLUDED_
#define _NGX_HTTP_REALTIME_HANGUP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_realtime_upstream.h"


/*
 * rc is NGX_OK where the call is over, else NGX_ERROR: it was logged, and
 * status is the last one that upstream answered, 0 where it did not.
 */
typedef void (*ngx_http_realtime_hangup_pt)(void *data, ngx_int_t rc,
    ngx_uint_t status);


/*
 * End the call with that id; it is copied.  Tried up to three times within
 * 15 seconds, the outcome is logged and counted.  A call that upstream does
 * not know is over.
 *
 * done may be NULL; it is called once and never before this returns NGX_OK.
 * data is its caller's and must be on the heap: the request that asked may be
 * gone by then.  NGX_ERROR, logged and counted: done will not be called.
 */
ngx_int_t ngx_http_realtime_hangup(ngx_http_realtime_upstream_t *u,
    ngx_str_t *call_id, ngx_http_realtime_hangup_pt done, void *data);

/* The worker exits now: give up, and say which calls may still be live. */
void ngx_http_realtime_hangup_exit(void);


#endif /* _NGX_HTTP_REALTIME_HANGUP_H_INCLUDED_ */
