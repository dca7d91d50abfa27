
/*
 * When the spool is drained, and who does it.
 *
 * Each worker looks now and then whether it is time, as the zone says for all
 * of them, and has a thread make a step; one step runs at a time
 * (rt_drain.h).  So no worker is the one that drains, and none is missed.
 *
 * Event loop only.
 */

#ifndef _NGX_HTTP_REALTIME_DRAINER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_DRAINER_H_INCLUDED_


#include "ngx_http_realtime.h"
#include "ngx_realtime_writer.h"
#include "rt_drain.h"


typedef struct {
    rt_drain_t                  drain;
    ngx_http_realtime_shctx_t  *sh;
    ngx_thread_pool_t          *pool;
    ngx_event_t                 event;
    ngx_msec_t                  timeout;    /* what a worker that leaves may
                                               drain for */
    ngx_msec_t                  leaves;     /* when that is over; 0: it stays */
    ngx_uint_t                  running;

    rt_drain_rc_e               rc;
    rt_store_error_t            err;
} ngx_http_realtime_drainer_t;


/* d must be zeroed, and stay until the worker's exit */
void ngx_http_realtime_drainer_start(ngx_http_realtime_drainer_t *d,
    rt_spool_t *spool, rt_store_t *store, ngx_thread_pool_t *pool,
    ngx_msec_t timeout);

/* for ngx_realtime_writer_t.put; data is the ngx_http_realtime_drainer_t */
void ngx_http_realtime_drainer_put(void *data, const rt_spool_depth_t *depth);

/* the gauges of the status */
void ngx_http_realtime_drainer_depth(const rt_spool_depth_t *depth);


#endif /* _NGX_HTTP_REALTIME_DRAINER_H_INCLUDED_ */
