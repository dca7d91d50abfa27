
#include "ngx_realtime_addrs.h"


#define NGX_REALTIME_ADDRS_FAIL_TIME      10        /* s */

#define NGX_REALTIME_ADDRS_REFRESH_FIRST  1000      /* ms */
#define NGX_REALTIME_ADDRS_REFRESH_MIN    10        /* s */
#define NGX_REALTIME_ADDRS_REFRESH_MAX    300       /* s */


static void ngx_realtime_addrs_cleanup(void *data);
static void ngx_realtime_addrs_set(ngx_realtime_addr_t *addr,
    struct sockaddr *sockaddr, socklen_t socklen);
static void ngx_realtime_addrs_handler(ngx_event_t *ev);
static void ngx_realtime_addrs_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_realtime_addrs_replace(ngx_realtime_addrs_t *addrs,
    ngx_resolver_ctx_t *ctx);


ngx_int_t
ngx_realtime_addrs_init(ngx_conf_t *cf, ngx_realtime_addrs_t *addrs,
    ngx_url_t *url)
{
    ngx_uint_t           i;
    ngx_pool_cleanup_t  *cln;

    addrs->elts = ngx_pcalloc(cf->pool,
                              url->naddrs * sizeof(ngx_realtime_addr_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (addrs->elts == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_realtime_addrs_cleanup;
    cln->data = addrs;

    for (i = 0; i < url->naddrs; i++) {
        ngx_realtime_addrs_set(&addrs->elts[i], url->addrs[i].sockaddr,
                               url->addrs[i].socklen);
    }

    addrs->nelts = url->naddrs;
    addrs->host = url->host;
    addrs->port = url->port;

    addrs->named = (url->family != AF_UNIX
                    && url->host.data[0] != '['
                    && ngx_inet_addr(url->host.data, url->host.len)
                       == INADDR_NONE);

    return NGX_OK;
}


static void
ngx_realtime_addrs_cleanup(void *data)
{
    ngx_realtime_addrs_t *addrs = data;

    if (addrs->pool != NULL) {
        ngx_destroy_pool(addrs->pool);
        addrs->pool = NULL;
    }
}


ngx_realtime_addr_t *
ngx_realtime_addrs_next(ngx_realtime_addrs_t *addrs)
{
    ngx_uint_t            i;
    ngx_realtime_addr_t  *addr;

    for (i = 0; i < addrs->nelts; i++) {

        addr = &addrs->elts[addrs->next++ % addrs->nelts];

        if (addr->failed == 0
            || ngx_time() - addr->failed >= NGX_REALTIME_ADDRS_FAIL_TIME)
        {
            return addr;
        }
    }

    return &addrs->elts[addrs->next++ % addrs->nelts];
}


ngx_realtime_addr_t *
ngx_realtime_addrs_find(ngx_realtime_addrs_t *addrs, ngx_realtime_addr_t *addr)
{
    ngx_uint_t            i;
    ngx_realtime_addr_t  *a;

    for (i = 0; i < addrs->nelts; i++) {
        a = &addrs->elts[i];

        if (ngx_cmp_sockaddr(&a->sockaddr.sockaddr, a->socklen,
                             &addr->sockaddr.sockaddr, addr->socklen, 1)
            == NGX_OK)
        {
            return a;
        }
    }

    return NULL;
}


static void
ngx_realtime_addrs_set(ngx_realtime_addr_t *addr, struct sockaddr *sockaddr,
    socklen_t socklen)
{
    ngx_memcpy(&addr->sockaddr, sockaddr, socklen);

    addr->socklen = socklen;
    addr->len = ngx_sock_ntop(&addr->sockaddr.sockaddr, socklen, addr->text,
                              NGX_SOCKADDR_STRLEN, 1);
}


void
ngx_realtime_addrs_refresh(ngx_realtime_addrs_t *addrs)
{
    if (!addrs->named
        || addrs->resolver == NULL
        || addrs->resolver->connections.nelts == 0)
    {
        return;
    }

    addrs->dummy.fd = (ngx_socket_t) -1;
    addrs->dummy.data = addrs;

    addrs->refresh.handler = ngx_realtime_addrs_handler;
    addrs->refresh.data = &addrs->dummy;
    addrs->refresh.log = ngx_cycle->log;
    addrs->refresh.cancelable = 1;

    ngx_add_timer(&addrs->refresh, NGX_REALTIME_ADDRS_REFRESH_FIRST);
}


static void
ngx_realtime_addrs_handler(ngx_event_t *ev)
{
    ngx_connection_t      *dummy;
    ngx_resolver_ctx_t    *ctx;
    ngx_realtime_addrs_t  *addrs;

    dummy = ev->data;
    addrs = dummy->data;

    if (ngx_exiting) {
        return;
    }

    ctx = ngx_resolve_start(addrs->resolver, NULL);

    if (ctx != NULL && ctx != NGX_NO_RESOLVER) {
        ctx->name = addrs->host;
        ctx->handler = ngx_realtime_addrs_resolved;
        ctx->data = addrs;
        ctx->timeout = addrs->timeout;
        ctx->cancelable = 1;

        if (ngx_resolve_name(ctx) == NGX_OK) {
            return;
        }
    }

    ngx_add_timer(ev, NGX_REALTIME_ADDRS_REFRESH_MIN * 1000);
}


static void
ngx_realtime_addrs_resolved(ngx_resolver_ctx_t *ctx)
{
    time_t                 wait;
    ngx_realtime_addrs_t  *addrs;

    addrs = ctx->data;
    wait = NGX_REALTIME_ADDRS_REFRESH_MIN;

    if (ctx->state) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "%V could not be resolved (%i: %s), its former "
                      "addresses are used", &ctx->name, ctx->state,
                      ngx_resolver_strerror(ctx->state));

    } else if (ngx_realtime_addrs_replace(addrs, ctx) == NGX_OK) {
        wait = ctx->valid - ngx_time();
        wait = ngx_max(wait, NGX_REALTIME_ADDRS_REFRESH_MIN);
        wait = ngx_min(wait, NGX_REALTIME_ADDRS_REFRESH_MAX);
    }

    ngx_resolve_name_done(ctx);

    ngx_add_timer(&addrs->refresh, (ngx_msec_t) wait * 1000);
}


static ngx_int_t
ngx_realtime_addrs_replace(ngx_realtime_addrs_t *addrs,
    ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t            i;
    ngx_pool_t           *pool;
    ngx_sockaddr_t        sa;
    ngx_realtime_addr_t  *elts, *old;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    elts = ngx_pcalloc(pool, ctx->naddrs * sizeof(ngx_realtime_addr_t));
    if (elts == NULL) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    for (i = 0; i < ctx->naddrs; i++) {

        /* the resolver's addresses are shared and have no port */

        ngx_memcpy(&sa, ctx->addrs[i].sockaddr, ctx->addrs[i].socklen);
        ngx_inet_set_port(&sa.sockaddr, addrs->port);
        ngx_realtime_addrs_set(&elts[i], &sa.sockaddr, ctx->addrs[i].socklen);

        old = ngx_realtime_addrs_find(addrs, &elts[i]);
        if (old != NULL) {
            elts[i].failed = old->failed;
        }
    }

    ngx_realtime_addrs_cleanup(addrs);

    addrs->pool = pool;
    addrs->elts = elts;
    addrs->nelts = ctx->naddrs;

    return NGX_OK;
}
