
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


/* the order is that of the table in ngx_http_realtime_status_module.c */

enum {
    NGX_HTTP_REALTIME_C_OFFERS = 0,     /* answered with an SDP answer */
    NGX_HTTP_REALTIME_C_UNDELIVERED,    /* answers that nobody received */
    NGX_HTTP_REALTIME_C_HANGUPS,        /* calls ended upstream */
    NGX_HTTP_REALTIME_C_HANGUPS_FAILED,
    NGX_HTTP_REALTIME_C_TRANSCRIPTS,    /* stored, resends included */
    NGX_HTTP_REALTIME_C_QUEUED,         /* put in the spool */
    NGX_HTTP_REALTIME_C_SPOOLED,        /* gauge: now in the spool */
    NGX_HTTP_REALTIME_C_DEAD_LETTERS,   /* gauge: refused by the database */
    NGX_HTTP_REALTIME_C_DRY_RUN,        /* what a dry run would refuse */
    NGX_HTTP_REALTIME_C_LOOKUPS,        /* users asked for in the store */
    NGX_HTTP_REALTIME_C_LOOKUPS_FAILED,
    NGX_HTTP_REALTIME_C_MAX
};


typedef struct {
    /* errors that were sent, by NGX_HTTP_REALTIME_E_... */
    ngx_atomic_t               errors[NGX_HTTP_REALTIME_E_MAX];
    /* by NGX_HTTP_REALTIME_C_... */
    ngx_atomic_t               counters[NGX_HTTP_REALTIME_C_MAX];
    /* of ngx_http_realtime_jwks_slot_t */
    ngx_queue_t                jwks;
    /* of ngx_http_realtime_known_t, in two orders */
    ngx_rbtree_t               users;
    ngx_rbtree_node_t          users_sentinel;
    ngx_queue_t                users_age;
    ngx_uint_t                 users_n;
    size_t                     users_size;

    /* the store does not answer: writes go to the spool at once */
    ngx_atomic_t               store_away;
    /* when the spool is drained again, as ngx_current_msec counts, and how
       long the wait before that was */
    ngx_atomic_t               drain_next;
    ngx_atomic_t               drain_delay;
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


/*
 * In an init_process handler: whether this process answers requests.  nginx
 * calls it for its cache manager as well, which has no use for connections.
 */
#define ngx_http_realtime_is_worker()                                         \
    (ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_SINGLE)

/* The zone of the running configuration; NULL without an http block. */
ngx_http_realtime_zone_t *ngx_http_realtime_get_zone(void);

/*
 * Add to one of the counters; a gauge takes negative numbers too.  Atomic:
 * any thread.
 */
#define ngx_http_realtime_count(zone, counter, n)                             \
    (void) ngx_atomic_fetch_add(&(zone)->sh->counters[counter],               \
                                (ngx_atomic_int_t) (n))


extern ngx_module_t  ngx_http_realtime_module;


#endif /* _NGX_HTTP_REALTIME_H_INCLUDED_ */
