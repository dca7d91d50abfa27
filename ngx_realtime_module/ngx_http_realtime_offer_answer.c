
#include "ngx_http_realtime_offer.h"
#include "ngx_realtime_reply.h"
#include "rt_sdp.h"


static ngx_int_t ngx_http_realtime_offer_process_headers(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_realtime_offer_header(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx);
static ngx_uint_t ngx_http_realtime_offer_is(ngx_http_request_t *r,
    char *name, size_t len);
static ngx_int_t ngx_http_realtime_offer_headers_done(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx);
static ssize_t ngx_http_realtime_offer_recv(ngx_connection_t *c, u_char *buf,
    size_t size);
static ngx_int_t ngx_http_realtime_offer_process_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_realtime_offer_dechunk(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx);


ngx_int_t
ngx_http_realtime_offer_process_status(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_upstream_t            *u;
    ngx_http_realtime_offer_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_offer_module);
    u = r->upstream;

    rc = ngx_http_parse_status_line(r, &u->buffer, &ctx->status);

    if (rc == NGX_AGAIN) {
        return (u->buffer.last < u->buffer.end)
               ? NGX_AGAIN
               : ngx_http_realtime_offer_refuse(r, ctx, "no HTTP response");
    }

    if (rc == NGX_ERROR) {
        return ngx_http_realtime_offer_refuse(r, ctx, "no HTTP response");
    }

    u->headers_in.connection_close = (ctx->status.http_version
                                      < NGX_HTTP_VERSION_11);
    u->state->status = ctx->status.code;

    ctx->length = -1;

    r->state = 0;
    u->process_header = ngx_http_realtime_offer_process_headers;

    return ngx_http_realtime_offer_process_headers(r);
}


static ngx_int_t
ngx_http_realtime_offer_process_headers(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_upstream_t            *u;
    ngx_http_realtime_offer_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_offer_module);
    u = r->upstream;

    for ( ;; ) {

        rc = ngx_http_parse_header_line(r, &u->buffer, 1);

        if (rc == NGX_OK) {

            if (ngx_http_realtime_offer_header(r, ctx) != NGX_OK) {
                return ngx_http_realtime_offer_refuse(r, ctx,
                                                      "invalid HTTP response");
            }

            continue;
        }

        if (rc == NGX_HTTP_PARSE_HEADER_DONE) {
            break;
        }

        if (rc == NGX_AGAIN && u->buffer.last < u->buffer.end) {
            return NGX_AGAIN;
        }

        return ngx_http_realtime_offer_refuse(r, ctx,
                                              (rc == NGX_AGAIN)
                                              ? "answer too large"
                                              : "invalid HTTP response");
    }

    if (ctx->status.code < NGX_HTTP_OK && ctx->status.code >= 100) {

        /* an interim response (RFC 9110, 15.2): the real one follows */

        r->state = 0;
        ngx_memzero(&ctx->status, sizeof(ngx_http_status_t));
        u->process_header = ngx_http_realtime_offer_process_status;

        return ngx_http_realtime_offer_process_status(r);
    }

    return ngx_http_realtime_offer_headers_done(r, ctx);
}


static ngx_int_t
ngx_http_realtime_offer_header(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx)
{
    char       *id;
    size_t      n;
    ngx_str_t   value;

    value.data = r->header_start;
    value.len = r->header_end - r->header_start;

    if (ngx_http_realtime_offer_is(r, "content-length", 14)) {

        if (ctx->length != -1) {
            return NGX_ERROR;
        }

        ctx->length = ngx_atoof(value.data, value.len);

        return (ctx->length >= 0) ? NGX_OK : NGX_ERROR;
    }

    if (ngx_http_realtime_offer_is(r, "transfer-encoding", 17)) {

        if (value.len != sizeof("chunked") - 1 || ctx->is_chunked
            || ngx_strncasecmp(value.data, (u_char *) "chunked", value.len)
               != 0)
        {
            return NGX_ERROR;
        }

        ctx->is_chunked = 1;

        return NGX_OK;
    }

    if (ngx_http_realtime_offer_is(r, "connection", 10)) {

        if (ngx_strlcasestrn(value.data, value.data + value.len,
                             (u_char *) "close", sizeof("close") - 2)
            != NULL)
        {
            r->upstream->headers_in.connection_close = 1;
        }

        return NGX_OK;
    }

    if (ngx_http_realtime_offer_is(r, "location", 8)) {

        n = rt_sdp_call_id((char *) value.data, value.len,
                           (const char **) &id);

        if (n > 0 && ctx->conf->upstream.api != NGX_HTTP_REALTIME_API_SDP) {
            ctx->call_id.data = (u_char *) id;
            ctx->call_id.len = n;
        }

        return NGX_OK;
    }

    if (ngx_http_realtime_offer_is(r, "x-request-id", 12)) {
        ctx->request_id = value;

    } else if (ngx_http_realtime_offer_is(r, "retry-after", 11)) {
        ctx->retry_after = value;
    }

    return NGX_OK;
}


/* the parser leaves the name of at most 32 characters in lower case */

static ngx_uint_t
ngx_http_realtime_offer_is(ngx_http_request_t *r, char *name, size_t len)
{
    return (size_t) (r->header_name_end - r->header_name_start) == len
           && ngx_memcmp(r->lowcase_header, name, len) == 0;
}


static ngx_int_t
ngx_http_realtime_offer_headers_done(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx)
{
    ngx_buf_t            *b;
    ngx_connection_t     *c;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    b = &u->buffer;

    if (ctx->request_id.len
        && ngx_http_realtime_add_header(r, "X-Request-Id", &ctx->request_id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->body = b->pos;
    ctx->body_last = b->pos;

    if (ctx->is_chunked && ctx->length != -1) {
        return ngx_http_realtime_offer_refuse(r, ctx, "invalid HTTP response");
    }

    if (ctx->status.code == NGX_HTTP_NO_CONTENT
        || ctx->status.code == NGX_HTTP_NOT_MODIFIED)
    {
        ctx->is_chunked = 0;
        ctx->length = 0;
    }

    if (!ctx->is_chunked && ctx->length == -1) {

        /* the body ends with the connection, which the core takes for an
           error: see ngx_http_realtime_offer_recv() */

        c = u->peer.connection;

        u->headers_in.connection_close = 1;
        ctx->recv = c->recv;
        c->recv = ngx_http_realtime_offer_recv;
    }

    u->process_header = ngx_http_realtime_offer_process_body;

    return ngx_http_realtime_offer_process_body(r);
}


/*
 * Hands over the end of a connection as one byte, so that the core calls
 * process_header() once more.  The connection is not kept.
 */

static ssize_t
ngx_http_realtime_offer_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    ssize_t                         n;
    ngx_http_request_t             *r;
    ngx_http_realtime_offer_ctx_t  *ctx;

    r = c->data;
    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_offer_module);

    n = ctx->recv(c, buf, size);

    if (n == 0) {
        ctx->ended = 1;
        *buf = '\0';
        return 1;
    }

    return n;
}


static ngx_int_t
ngx_http_realtime_offer_process_body(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_buf_t                      *b;
    ngx_http_upstream_t            *u;
    ngx_http_realtime_offer_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_offer_module);
    u = r->upstream;
    b = &u->buffer;

    if (ctx->is_chunked) {
        rc = ngx_http_realtime_offer_dechunk(r, ctx);

    } else if (ctx->recv != NULL) {
        ctx->body_last = b->last - ctx->ended;
        rc = ctx->ended ? NGX_DONE : NGX_AGAIN;

    } else if (b->last - ctx->body >= ctx->length) {
        ctx->body_last = ctx->body + ctx->length;
        b->pos = ctx->body_last;
        rc = NGX_DONE;

    } else {
        ctx->body_last = b->last;
        rc = NGX_AGAIN;
    }

    if (rc == NGX_ERROR) {
        return ngx_http_realtime_offer_refuse(r, ctx, "invalid HTTP response");
    }

    if (rc == NGX_AGAIN) {

        if (b->last < b->end && ctx->length <= b->end - ctx->body) {
            return NGX_AGAIN;
        }

        return ngx_http_realtime_offer_refuse(r, ctx, "answer too large");
    }

    /* what follows an answer belongs to nobody */

    u->keepalive = (!u->headers_in.connection_close && b->pos == b->last);

    return ngx_http_realtime_offer_judge(r, ctx);
}


/* moves the data of chunks to the end of the body, in place */

static ngx_int_t
ngx_http_realtime_offer_dechunk(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx)
{
    size_t      size;
    ngx_int_t   rc;
    ngx_buf_t  *b;

    b = &r->upstream->buffer;

    for ( ;; ) {

#if (nginx_version >= 1027002)
        rc = ngx_http_parse_chunked(r, b, &ctx->chunked, 0);
#else
        rc = ngx_http_parse_chunked(r, b, &ctx->chunked);
#endif

        if (rc == NGX_OK) {
            size = (size_t) ngx_min((off_t) (b->last - b->pos),
                                    ctx->chunked.size);

            ctx->body_last = ngx_movemem(ctx->body_last, b->pos, size);
            b->pos += size;
            ctx->chunked.size -= size;

            continue;
        }

        if (rc == NGX_AGAIN) {

            /* what was read of the framing is of no more use */

            b->pos = ctx->body_last;
            b->last = ctx->body_last;
        }

        return rc;
    }
}


/* all of the answer is in u->buffer when the core begins to send it */

ngx_int_t
ngx_http_realtime_offer_filter_init(void *data)
{
    ngx_http_request_t  *r = data;

    r->upstream->length = r->headers_out.content_length_n;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_offer_filter(void *data, ssize_t bytes)
{
    ngx_http_request_t  *r = data;

    ngx_buf_t            *b;
    ngx_chain_t          *cl;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u->length == 0) {

        /* came behind the answer */

        u->keepalive = 0;

        return NGX_OK;
    }

    cl = ngx_chain_get_free_buf(r->pool, &u->free_bufs);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    b = cl->buf;

    b->pos = u->buffer.last;
    b->last = b->pos + bytes;
    b->memory = 1;
    b->flush = 1;
    b->tag = u->output.tag;

    u->buffer.last = b->last;
    u->out_bufs = cl;
    u->length = 0;

    return NGX_OK;
}


void
ngx_http_realtime_offer_abort_request(ngx_http_request_t *r)
{
    /* the core asks for this function and calls it from caches alone */
}


ngx_int_t
ngx_http_realtime_offer_reinit_request(ngx_http_request_t *r)
{
    /* the core calls this for what was sent, which is never sent again */

    return NGX_ERROR;
}
