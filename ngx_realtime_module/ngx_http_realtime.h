
/*
 * What the nginx modules of this library share: the zone, which location
 * belongs to which handler, and the user of a request.
 *
 * Everything here belongs to the event loop of a worker.  The zone is shared
 * by all workers: its counters are atomic, the rest is guarded by the mutex
 * of its slab pool.  Pool threads touch none of it.
 */

#ifndef _NGX_HTTP_REALTIME_H_INCLUDED_
#define _NGX_HTTP_REALTIME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_realtime_error.h"


typedef struct {
    /* errors that were sent, by NGX_HTTP_REALTIME_E_... */
    ngx_atomic_t               errors[NGX_HTTP_REALTIME_E_MAX];
} ngx_http_realtime_shctx_t;


typedef struct {
    ngx_shm_zone_t            *shm_zone;
    ngx_http_realtime_shctx_t *sh;
    ngx_slab_pool_t           *shpool;
} ngx_http_realtime_zone_t;


typedef struct {
    ngx_http_realtime_zone_t   zone;
} ngx_http_realtime_main_conf_t;


typedef struct {
    /* NULL where the location is not one of this module's */
    ngx_http_handler_pt        handler;
    /* bytes of a request's body, 0 where the handler reads none */
    size_t                     body_max_size;
} ngx_http_realtime_loc_conf_t;


/*
 * Makes the location that is being parsed one of this module's.  For the set
 * function of a handler's directive; returns what such a function returns
 * ("is duplicate" where the location has a handler of this module already).
 * Inheritance by limit_except and "if" is taken care of at merge time.
 */
char *ngx_http_realtime_set_handler(ngx_conf_t *cf,
    ngx_http_handler_pt handler);

/*
 * The limit of a request's body in a location of this module, in bytes; to be
 * called from the merge function of the handler's module.  It replaces
 * client_max_body_size there, and the body stays in one memory buffer.
 */
void ngx_http_realtime_set_body_max_size(ngx_conf_t *cf, size_t size);


extern ngx_module_t  ngx_http_realtime_module;


#endif /* _NGX_HTTP_REALTIME_H_INCLUDED_ */
