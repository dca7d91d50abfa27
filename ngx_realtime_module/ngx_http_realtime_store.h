
/*
 * The store of this nginx, as its modules use it: opened in each worker after
 * fork, closed at its exit.
 *
 * Event loop only; the rt_store_*() calls themselves belong into tasks of the
 * pool.
 */

#ifndef _NGX_HTTP_REALTIME_STORE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_realtime_task.h"
#include "ngx_realtime_writer.h"


typedef struct {
    rt_store_t             *store;
    rt_spool_t             *spool;      /* NULL: there is none */
    ngx_thread_pool_t      *pool;
    ngx_realtime_writer_t   writer;
    ngx_realtime_lane_t     history;    /* reads and erasures */
    ngx_realtime_lane_t     lookups;
} ngx_http_realtime_store_t;


/*
 * For the set function of a directive that needs the store; name is the
 * directive's and a literal.  Without any call nothing is opened; with one
 * and no realtime_store the configuration is refused.
 */
void ngx_http_realtime_store_need(ngx_conf_t *cf, char *name);

/*
 * Tells one store from another, after the configuration of "http" was read:
 * what was learnt from this one holds for no other.
 */
uint32_t ngx_http_realtime_store_hash(ngx_conf_t *cf);

/*
 * The worker's store; NULL as long as it could not be opened, which is logged
 * and tried again: a 503 of store_unavailable then.
 */
ngx_http_realtime_store_t *ngx_http_realtime_get_store(void);


extern ngx_module_t  ngx_http_realtime_store_module;


#endif /* _NGX_HTTP_REALTIME_STORE_H_INCLUDED_ */
