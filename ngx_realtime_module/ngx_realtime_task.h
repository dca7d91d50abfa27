
/*
 * A blocking job in the thread pool "realtime", and lanes: jobs of one kind
 * take no more than some of the pool's threads, so that many of them hold up
 * nobody else's.
 *
 * The job's data belong to the caller and must be on the heap: the job
 * outlives the request that asked for it.  run() is called in a pool thread
 * and may touch its data only; done() is called in the event loop, once, for
 * each job that was posted, also while the worker is exiting gracefully.
 */

#ifndef _NGX_REALTIME_TASK_H_INCLUDED_
#define _NGX_REALTIME_TASK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_thread_pool.h>


typedef void (*ngx_realtime_task_pt)(void *data);


typedef struct {
    ngx_thread_pool_t  *pool;
    ngx_uint_t          max;        /* jobs that the pool has at once */
    ngx_uint_t          limit;      /* jobs that wait for their turn */
    ngx_msec_t          timeout;    /* how long each of them may wait */

    ngx_queue_t         waiting;
    ngx_uint_t          nwaiting;
    ngx_uint_t          running;
} ngx_realtime_lane_t;


/*
 * The pool, at configuration time: the one that "thread_pool realtime ..."
 * made above, else one of 8 threads.  NULL on error, logged.
 */
ngx_thread_pool_t *ngx_realtime_task_pool(ngx_conf_t *cf);

/*
 * Event loop only.  NGX_ERROR: memory is short or the pool's queue is full;
 * neither function is called then and the data stay with the caller.
 */
ngx_int_t ngx_realtime_task_post(ngx_thread_pool_t *tp,
    ngx_realtime_task_pt run, ngx_realtime_task_pt done, void *data);

/* Event loop only; one for each worker. */
void ngx_realtime_lane_init(ngx_realtime_lane_t *lane, ngx_thread_pool_t *tp,
    ngx_uint_t max, ngx_uint_t limit, ngx_msec_t timeout);

/*
 * The same, in a lane.  A job that waited for too long, or that the pool does
 * not take when its turn comes, is done() without run(): its data must say
 * that it failed until run() says something else.  NGX_ERROR also where too
 * many wait.
 */
ngx_int_t ngx_realtime_lane_post(ngx_realtime_lane_t *lane,
    ngx_realtime_task_pt run, ngx_realtime_task_pt done, void *data);


#endif /* _NGX_REALTIME_TASK_H_INCLUDED_ */
