
/*
 * What a store needs beside writing and reading: its schema and indexes, made
 * until that is done, and from then on, where there is a ttl, that the store
 * and the spool forget what is too old.
 *
 * Event loop only.
 */

#ifndef _NGX_HTTP_REALTIME_UPKEEP_H_INCLUDED_
#define _NGX_HTTP_REALTIME_UPKEEP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_thread_pool.h>

#include "rt_spool.h"


/* one job at a time */

typedef struct {
    rt_store_t         *store;
    rt_spool_t         *spool;      /* NULL: there is none */
    ngx_thread_pool_t  *pool;
    time_t              ttl;        /* s; 0: nothing is ever too old */
    ngx_uint_t          prepared;
    ngx_msec_t          delay;
    ngx_event_t         event;

    rt_store_rc_e       rc;
    rt_store_rc_e       last;       /* logged */
    rt_store_error_t    err;
    uint64_t            deleted;
} ngx_http_realtime_upkeep_t;


/* u must be zeroed, and stay until the worker's exit */
void ngx_http_realtime_upkeep_start(ngx_http_realtime_upkeep_t *u,
    rt_store_t *store, rt_spool_t *spool, ngx_thread_pool_t *pool, time_t ttl);


#endif /* _NGX_HTTP_REALTIME_UPKEEP_H_INCLUDED_ */
