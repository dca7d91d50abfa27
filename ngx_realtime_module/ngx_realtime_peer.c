
#include "ngx_realtime_peer.h"


#define NGX_REALTIME_PEER_KEPT           64         /* connections a worker */
#define NGX_REALTIME_PEER_KEPT_TIME      60000      /* ms */
#define NGX_REALTIME_PEER_KEPT_REQUESTS  1000       /* on one connection */


typedef struct {
    ngx_realtime_addrs_t   addrs;

    ngx_queue_t            kept;        /* the latest first */
    ngx_queue_t            free;

    ngx_ssl_session_t     *session;
} ngx_realtime_peer_t;


typedef struct {
    ngx_queue_t            queue;
    ngx_realtime_peer_t   *peer;
    ngx_connection_t      *connection;
    ngx_realtime_addr_t    addr;
} ngx_realtime_peer_kept_t;


/* the peer of one request */

typedef struct {
    ngx_realtime_peer_t   *peer;
    ngx_http_request_t    *request;
    ngx_realtime_addr_t    addr;
} ngx_realtime_peer_data_t;


static void ngx_realtime_peer_cleanup(void *data);
static ngx_int_t ngx_realtime_peer_init(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_realtime_peer_get(ngx_peer_connection_t *pc, void *data);
static ngx_connection_t *ngx_realtime_peer_reuse(ngx_realtime_peer_data_t *d);
static void ngx_realtime_peer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static void ngx_realtime_peer_keep(ngx_realtime_peer_data_t *d,
    ngx_peer_connection_t *pc);
static void ngx_realtime_peer_dummy_handler(ngx_event_t *ev);
static void ngx_realtime_peer_kept_handler(ngx_event_t *ev);
static void ngx_realtime_peer_close(ngx_realtime_peer_kept_t *kept);
static ngx_int_t ngx_realtime_peer_set_session(ngx_peer_connection_t *pc,
    void *data);
static void ngx_realtime_peer_save_session(ngx_peer_connection_t *pc,
    void *data);


ngx_http_upstream_srv_conf_t *
ngx_realtime_peer_create(ngx_conf_t *cf, ngx_url_t *url)
{
    ngx_uint_t                     i;
    ngx_pool_cleanup_t            *cln;
    ngx_realtime_peer_t           *peer;
    ngx_realtime_peer_kept_t      *kept;
    ngx_http_upstream_srv_conf_t  *us;

    us = ngx_pcalloc(cf->pool, sizeof(ngx_http_upstream_srv_conf_t));
    if (us == NULL) {
        return NULL;
    }

    peer = ngx_pcalloc(cf->pool, sizeof(ngx_realtime_peer_t));
    if (peer == NULL) {
        return NULL;
    }

    kept = ngx_pcalloc(cf->pool, NGX_REALTIME_PEER_KEPT
                                 * sizeof(ngx_realtime_peer_kept_t));
    if (kept == NULL) {
        return NULL;
    }

    if (ngx_realtime_addrs_init(cf, &peer->addrs, url) != NGX_OK) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_realtime_peer_cleanup;
    cln->data = peer;

    ngx_queue_init(&peer->kept);
    ngx_queue_init(&peer->free);

    for (i = 0; i < NGX_REALTIME_PEER_KEPT; i++) {
        kept[i].peer = peer;
        ngx_queue_insert_head(&peer->free, &kept[i].queue);
    }

    us->host = url->host;
    us->port = url->port;
    us->peer.init = ngx_realtime_peer_init;
    us->peer.data = peer;

    return us;
}


static void
ngx_realtime_peer_cleanup(void *data)
{
    ngx_realtime_peer_t *peer = data;

    if (peer->session != NULL) {
        ngx_ssl_free_session(peer->session);
    }
}


ngx_realtime_addrs_t *
ngx_realtime_peer_addrs(ngx_http_upstream_srv_conf_t *us)
{
    ngx_realtime_peer_t  *peer;

    if (us->peer.init != ngx_realtime_peer_init) {
        return NULL;
    }

    peer = us->peer.data;

    return &peer->addrs;
}


static ngx_int_t
ngx_realtime_peer_init(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *us)
{
    ngx_peer_connection_t     *pc;
    ngx_realtime_peer_data_t  *d;

    d = ngx_palloc(r->pool, sizeof(ngx_realtime_peer_data_t));
    if (d == NULL) {
        return NGX_ERROR;
    }

    d->peer = us->peer.data;
    d->request = r;

    pc = &r->upstream->peer;

    pc->data = d;
    pc->get = ngx_realtime_peer_get;
    pc->free = ngx_realtime_peer_free;
    pc->tries = d->peer->addrs.nelts;
    pc->set_session = ngx_realtime_peer_set_session;
    pc->save_session = ngx_realtime_peer_save_session;

    return NGX_OK;
}


static ngx_int_t
ngx_realtime_peer_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_realtime_peer_data_t *d = data;

    ngx_str_t         *name;
    ngx_connection_t  *c;

    c = ngx_realtime_peer_reuse(d);

    if (c == NULL) {
        d->addr = *ngx_realtime_addrs_next(&d->peer->addrs);
    }

    pc->connection = c;
    pc->cached = (c != NULL);
    pc->sockaddr = &d->addr.sockaddr.sockaddr;
    pc->socklen = d->addr.socklen;

    /* $upstream_addr points to the name of each try until the request ends */

    name = ngx_palloc(d->request->pool, sizeof(ngx_str_t) + d->addr.len);
    if (name == NULL) {
        return NGX_ERROR;
    }

    name->len = d->addr.len;
    name->data = (u_char *) name + sizeof(ngx_str_t);
    ngx_memcpy(name->data, d->addr.text, d->addr.len);

    pc->name = name;

    return (c != NULL) ? NGX_DONE : NGX_OK;
}


static ngx_connection_t *
ngx_realtime_peer_reuse(ngx_realtime_peer_data_t *d)
{
    ngx_queue_t               *q;
    ngx_connection_t          *c;
    ngx_realtime_peer_t       *peer;
    ngx_realtime_peer_kept_t  *kept;

    peer = d->peer;

    for ( ;; ) {

        if (ngx_queue_empty(&peer->kept)) {
            return NULL;
        }

        q = ngx_queue_head(&peer->kept);
        kept = ngx_queue_data(q, ngx_realtime_peer_kept_t, queue);

        if (ngx_realtime_addrs_find(&peer->addrs, &kept->addr) != NULL) {
            break;
        }

        /* the name has left this address */

        ngx_realtime_peer_close(kept);
    }

    ngx_queue_remove(q);
    ngx_queue_insert_head(&peer->free, q);

    d->addr = kept->addr;
    c = kept->connection;

    c->idle = 0;
    c->sent = 0;
    c->data = NULL;
    c->log_error = NGX_ERROR_ERR;
    c->log = d->request->connection->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->pool->log = c->log;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    return c;
}


static void
ngx_realtime_peer_free(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
    ngx_realtime_peer_data_t *d = data;

    ngx_realtime_addr_t  *addr;

    if (pc->tries) {
        pc->tries--;
    }

    if (state & NGX_PEER_FAILED) {

        /* a kept connection that broke says nothing about the address */

        addr = ngx_realtime_addrs_find(&d->peer->addrs, &d->addr);

        if (addr != NULL && !pc->cached) {
            addr->failed = ngx_time();
        }

        return;
    }

    if (pc->connection != NULL) {
        ngx_realtime_peer_keep(d, pc);
    }
}


static void
ngx_realtime_peer_keep(ngx_realtime_peer_data_t *d, ngx_peer_connection_t *pc)
{
    ngx_queue_t               *q;
    ngx_connection_t          *c;
    ngx_realtime_addr_t       *addr;
    ngx_http_upstream_t       *u;
    ngx_realtime_peer_kept_t  *kept;

    c = pc->connection;
    u = d->request->upstream;

    if (!u->keepalive
        || !u->request_body_sent
        || c->read->eof || c->read->error || c->read->timedout
        || c->write->error || c->write->timedout
        || c->requests >= NGX_REALTIME_PEER_KEPT_REQUESTS
        || ngx_terminate || ngx_exiting)
    {
        return;
    }

    addr = ngx_realtime_addrs_find(&d->peer->addrs, &d->addr);
    if (addr == NULL) {
        return;
    }

    addr->failed = 0;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        return;
    }

    if (ngx_queue_empty(&d->peer->free)) {
        q = ngx_queue_last(&d->peer->kept);
        kept = ngx_queue_data(q, ngx_realtime_peer_kept_t, queue);
        ngx_realtime_peer_close(kept);
    }

    q = ngx_queue_head(&d->peer->free);
    kept = ngx_queue_data(q, ngx_realtime_peer_kept_t, queue);

    ngx_queue_remove(q);
    ngx_queue_insert_head(&d->peer->kept, q);

    kept->connection = c;
    kept->addr = d->addr;

    pc->connection = NULL;

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    ngx_add_timer(c->read, NGX_REALTIME_PEER_KEPT_TIME);

    c->write->handler = ngx_realtime_peer_dummy_handler;
    c->read->handler = ngx_realtime_peer_kept_handler;

    c->data = kept;
    c->idle = 1;
    c->log_error = NGX_ERROR_INFO;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    if (c->read->ready) {
        ngx_realtime_peer_kept_handler(c->read);
    }
}


static void
ngx_realtime_peer_dummy_handler(ngx_event_t *ev)
{
    /* a kept connection has nothing to write */
}


static void
ngx_realtime_peer_kept_handler(ngx_event_t *ev)
{
    u_char             buf[1];
    ssize_t            n;
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close && !ev->timedout) {

        /*
         * through recv() of the connection: under TLS 1.3 a session ticket
         * may follow the answer, which is no reason to close
         */

        n = c->recv(c, buf, 1);

        if (n == NGX_AGAIN && ngx_handle_read_event(ev, 0) == NGX_OK) {
            return;
        }
    }

    ngx_realtime_peer_close(c->data);
}


static void
ngx_realtime_peer_close(ngx_realtime_peer_kept_t *kept)
{
    ngx_connection_t  *c;

    c = kept->connection;

    ngx_queue_remove(&kept->queue);
    ngx_queue_insert_head(&kept->peer->free, &kept->queue);

    if (c->ssl != NULL) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->ssl->handler = NULL;
        }
    }

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}


static ngx_int_t
ngx_realtime_peer_set_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_realtime_peer_data_t *d = data;

    return ngx_ssl_set_session(pc->connection, d->peer->session);
}


static void
ngx_realtime_peer_save_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_realtime_peer_data_t *d = data;

    ngx_ssl_session_t  *session;

    session = ngx_ssl_get_session(pc->connection);

    if (session == NULL) {
        return;
    }

    if (d->peer->session != NULL) {
        ngx_ssl_free_session(d->peer->session);
    }

    d->peer->session = session;
}
