
/*
 * The peers of a plain upstream URL: connections that are kept, TLS sessions
 * that are resumed, and addresses that follow the name.
 *
 * It stands where an "upstream {}" block would, behind the same interface of
 * nginx's upstream module.  Made at configuration time; from then on each
 * worker has its own copy of everything, and only its event loop touches it.
 */

#ifndef _NGX_REALTIME_PEER_H_INCLUDED_
#define _NGX_REALTIME_PEER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_realtime_addrs.h"


/*
 * At configuration time, of a URL that has its addresses.  The result fits in
 * ngx_http_upstream_conf_t; NULL where memory is short.
 */
ngx_http_upstream_srv_conf_t *ngx_realtime_peer_create(ngx_conf_t *cf,
    ngx_url_t *url);

/*
 * The addresses of what ngx_realtime_peer_create() made; NULL of anything
 * else.
 */
ngx_realtime_addrs_t *ngx_realtime_peer_addrs(
    ngx_http_upstream_srv_conf_t *us);


#endif /* _NGX_REALTIME_PEER_H_INCLUDED_ */
