
/*
 * A JWK set that a server publishes, fetched in the background.
 *
 * Its text is in the zone, so that a new worker has it at once and one worker
 * fetches for all; each worker keeps the keys it made of it.  A server that
 * does not answer, or answers something else, changes nothing: the last good
 * set stays.
 *
 * Made at configuration time, in the configuration's pool.  Event loop only.
 */

#ifndef _NGX_HTTP_REALTIME_AUTH_JWKS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_AUTH_JWKS_H_INCLUDED_


#include "ngx_http_realtime.h"
#include "ngx_realtime_addrs.h"
#include "rt_keys.h"


/* in the zone; written under the mutex of its slab pool */

typedef struct {
    ngx_queue_t         queue;
    ngx_atomic_t        generation;     /* of text; 0: there is none yet */
    time_t              asked;          /* the last fetch began then */
    time_t              due;            /* the next one does then */
    time_t              busy;           /* until then one is under way */
    u_char             *text;
    size_t              len;
    size_t              url_len;
    u_char              url[1];
} ngx_http_realtime_jwks_slot_t;


typedef struct {
    ngx_str_t                       url;
    ngx_realtime_addrs_t            addrs;
    time_t                          refresh;

    /* of a worker */
    rt_keys_t                      *keys;       /* NULL: none yet */
    ngx_atomic_uint_t               generation; /* which they are made of */
    ngx_http_realtime_zone_t       *zone;
    ngx_http_realtime_jwks_slot_t  *slot;
    ngx_connection_t                dummy;
    ngx_event_t                     timer;
} ngx_http_realtime_jwks_t;


/* realtime_jwks_uri: the set of that URL, one for all locations */
ngx_http_realtime_jwks_t *ngx_http_realtime_jwks_add(ngx_conf_t *cf,
    ngx_array_t *sets, ngx_str_t *url, time_t refresh);

/*
 * The name servers of a location that uses the set, for the host in its URL;
 * the first that has any counts.  To be called when they are merged.
 */
void ngx_http_realtime_jwks_resolver(ngx_conf_t *cf,
    ngx_http_realtime_jwks_t *jwks);

/* start of a worker; sets is of ngx_http_realtime_jwks_t pointers */
ngx_int_t ngx_http_realtime_jwks_init(ngx_cycle_t *cycle, ngx_array_t *sets);

/* the newest keys, or NULL as long as there are none */
rt_keys_t *ngx_http_realtime_jwks_keys(ngx_http_realtime_jwks_t *jwks);

/*
 * A token names a key that is not in the set: has it fetched again, at most
 * every 30 seconds.  Whether an answer is still to come.
 */
ngx_uint_t ngx_http_realtime_jwks_missed(ngx_http_realtime_jwks_t *jwks);


#endif /* _NGX_HTTP_REALTIME_AUTH_JWKS_H_INCLUDED_ */
