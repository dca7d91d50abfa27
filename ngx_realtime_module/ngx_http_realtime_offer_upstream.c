
#include "ngx_http_realtime_offer.h"


static void ngx_http_realtime_offer_deadline(ngx_event_t *ev);
static void ngx_http_realtime_offer_read_client(ngx_http_request_t *r);
static ngx_uint_t ngx_http_realtime_offer_client_gone(ngx_http_request_t *r);


ngx_int_t
ngx_http_realtime_offer_connect(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx)
{
    ngx_event_t          *rev;
    ngx_http_upstream_t  *u;

    if (ngx_http_upstream_create(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    u = r->upstream;

    u->conf = &ctx->conf->http;
    u->schema = ctx->conf->schema;
    u->uri = ctx->conf->uri;
    u->ssl = (u->conf->ssl != NULL);
    u->output.tag = (ngx_buf_tag_t) &ngx_http_realtime_offer_module;

    u->create_request = ngx_http_realtime_offer_create_request;
    u->reinit_request = ngx_http_realtime_offer_reinit_request;
    u->process_header = ngx_http_realtime_offer_process_status;
    u->abort_request = ngx_http_realtime_offer_abort_request;
    u->finalize_request = ngx_http_realtime_offer_finalize_request;

    u->buffering = 0;
    u->input_filter_init = ngx_http_realtime_offer_filter_init;
    u->input_filter = ngx_http_realtime_offer_filter;
    u->input_filter_ctx = r;

    r->state = 0;
    r->main->count++;

    ctx->deadline.handler = ngx_http_realtime_offer_deadline;
    ctx->deadline.data = r;
    ctx->deadline.log = r->connection->log;

    ngx_add_timer(&ctx->deadline, ctx->conf->timeout);

    ngx_http_upstream_init(r);

    /* init may have ended the exchange; the reference keeps the request */

    if (u->cleanup != NULL) {
        r->read_event_handler = ngx_http_realtime_offer_read_client;
        rev = r->connection->read;

        if (rev->ready) {
            ngx_post_event(rev, &ngx_posted_events);

        } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_OK;
}


/* the core ends an exchange whose events have timed out with 504 */

static void
ngx_http_realtime_offer_deadline(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    r = ev->data;
    u = r->upstream;
    c = u->peer.connection;

    u->peer.tries = 0;

    if (c == NULL) {
        return;
    }

    c->read->timedout = 1;
    c->write->timedout = 1;

    ngx_post_event(c->read, &ngx_posted_events);
}


/*
 * The core would drop the exchange with a client that leaves.  Once the offer
 * was sent it goes on, since only its answer names the call to hang up.
 */

static void
ngx_http_realtime_offer_read_client(ngx_http_request_t *r)
{
    ngx_connection_t               *c;
    ngx_http_upstream_t            *u;
    ngx_http_realtime_offer_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_offer_module);

    if (ctx->gone || !ngx_http_realtime_offer_client_gone(r)) {
        return;
    }

    c = r->connection;
    u = r->upstream;

    ctx->gone = 1;

    c->read->eof = 1;
    c->error = 1;

    if (u->request_sent && !ctx->accepted) {
        ngx_log_error(NGX_LOG_INFO, c->log, 0,
                      "client left while its offer was under way");
        return;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  ctx->accepted ? "client left before it had its answer"
                                : "client left before its offer was sent");

    /* the upstream's cleanup gives one back while the list is being walked */

    r->main->count++;

    ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
}


static ngx_uint_t
ngx_http_realtime_offer_client_gone(ngx_http_request_t *r)
{
    int                n;
    char               buf[1];
    ngx_err_t          err;
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    c = r->connection;
    rev = c->read;

#if (NGX_HTTP_V2)

    if (r->stream) {
        return c->error;
    }

#endif

#if (NGX_HTTP_V3)

    if (c->quic) {
        return rev->error;
    }

#endif

#if (NGX_HAVE_EPOLLRDHUP)

    if ((ngx_event_flags & NGX_USE_EPOLL_EVENT) && ngx_use_epoll_rdhup) {
        return rev->pending_eof;
    }

#endif

    n = recv(c->fd, buf, 1, MSG_PEEK);
    err = ngx_socket_errno;

    /* there is nothing to read before the answer: a level would not end */

    if ((ngx_event_flags & NGX_USE_LEVEL_EVENT) && rev->active) {
        (void) ngx_del_event(rev, NGX_READ_EVENT, 0);
    }

    return n == 0 || (n == -1 && err != NGX_EAGAIN);
}
