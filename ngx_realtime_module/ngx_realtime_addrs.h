
/*
 * The addresses of a host, one after the other, that follow its name.
 *
 * Made at configuration time; from then on each worker has its own copy, and
 * only its event loop touches it.  A pointer to an address is valid until the
 * event loop is entered again: a refresh replaces the list.
 */

#ifndef _NGX_REALTIME_ADDRS_H_INCLUDED_
#define _NGX_REALTIME_ADDRS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


typedef struct {
    ngx_sockaddr_t         sockaddr;
    socklen_t              socklen;
    time_t                 failed;      /* when; 0: it works */
    size_t                 len;
    u_char                 text[NGX_SOCKADDR_STRLEN];   /* "192.0.2.1:443" */
} ngx_realtime_addr_t;


typedef struct {
    ngx_str_t              host;
    in_port_t              port;
    unsigned               named:1;     /* not an address itself */

    ngx_realtime_addr_t   *elts;
    ngx_uint_t             nelts;
    ngx_uint_t             next;
    ngx_pool_t            *pool;        /* of elts; NULL: the cycle's */

    ngx_resolver_t        *resolver;    /* set by the owner, or NULL */
    ngx_msec_t             timeout;
    ngx_event_t            refresh;
    ngx_connection_t       dummy;       /* for the debug log of timers */
} ngx_realtime_addrs_t;


/* Take the addresses of a URL that was parsed; it has at least one. */
ngx_int_t ngx_realtime_addrs_init(ngx_conf_t *cf, ngx_realtime_addrs_t *addrs,
    ngx_url_t *url);

/*
 * The next one in turn; one that failed lately only where all of them did.
 */
ngx_realtime_addr_t *ngx_realtime_addrs_next(ngx_realtime_addrs_t *addrs);

/* The one of the list that equals addr; NULL where it is gone. */
ngx_realtime_addr_t *ngx_realtime_addrs_find(ngx_realtime_addrs_t *addrs,
    ngx_realtime_addr_t *addr);

/*
 * In a worker that begins: ask the resolver for the name, and again whenever
 * its answer has expired.  Nothing happens without name servers, or where the
 * host is an address.
 */
void ngx_realtime_addrs_refresh(ngx_realtime_addrs_t *addrs);


#endif /* _NGX_REALTIME_ADDRS_H_INCLUDED_ */
