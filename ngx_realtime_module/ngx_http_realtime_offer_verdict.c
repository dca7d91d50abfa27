
#include "ngx_http_realtime_offer.h"
#include "ngx_realtime_reply.h"
#include "rt_sdp.h"


#define NGX_HTTP_REALTIME_TEXT_MAX  1024    /* of an error of the API, shown */


static ngx_int_t ngx_http_realtime_offer_accept(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx);
static ngx_int_t ngx_http_realtime_offer_location(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx);
static ngx_uint_t ngx_http_realtime_offer_gateway_status(ngx_uint_t status);
static void ngx_http_realtime_offer_fail(ngx_http_realtime_offer_ctx_t *ctx,
    ngx_http_realtime_error_t *error);


ngx_int_t
ngx_http_realtime_offer_judge(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (ctx->deadline.timer_set) {
        ngx_del_timer(&ctx->deadline);
    }

    if (ctx->gone) {

        /* nobody is there to send it to: the header will not get out */

        u->headers_in.status_n = NGX_HTTP_CLIENT_CLOSED_REQUEST;
        u->headers_in.content_length_n = 0;

        return NGX_OK;
    }

    if (rt_sdp_answer((char *) ctx->body, ctx->body_last - ctx->body)) {
        return ngx_http_realtime_offer_accept(r, ctx);
    }

    return ngx_http_realtime_offer_refuse(r, ctx, NULL);
}


static ngx_int_t
ngx_http_realtime_offer_accept(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    u->headers_in.status_n = ctx->call_id.len ? NGX_HTTP_CREATED : NGX_HTTP_OK;
    u->headers_in.content_length_n = ctx->body_last - ctx->body;

    u->buffer.pos = ctx->body;
    u->buffer.last = ctx->body_last;

    ngx_str_set(&r->headers_out.content_type, "application/sdp");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (ctx->call_id.len
        && ngx_http_realtime_offer_location(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->accepted = 1;

    return NGX_OK;
}


/* where the call can be ended: beside the offer, whose path was decoded */

static ngx_int_t
ngx_http_realtime_offer_location(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx)
{
    u_char     *p;
    size_t      len, size;
    ngx_str_t   value;

    len = r->uri.len;

    while (len > 0 && r->uri.data[len - 1] != '/') {
        len--;
    }

    size = len + 2 * ngx_escape_uri(NULL, r->uri.data, len, NGX_ESCAPE_URI);

    p = ngx_pnalloc(r->pool, size + sizeof("calls/") - 1 + ctx->call_id.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;

    p = (u_char *) ngx_escape_uri(p, r->uri.data, len, NGX_ESCAPE_URI);
    p = ngx_cpymem(p, "calls/", sizeof("calls/") - 1);
    p = ngx_cpymem(p, ctx->call_id.data, ctx->call_id.len);

    value.len = p - value.data;

    return ngx_http_realtime_add_header(r, "Location", &value);
}


/* records what is wrong with the answer; why NULL: its text says so */

ngx_int_t
ngx_http_realtime_offer_refuse(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx, char *why)
{
    u_char                     *p;
    size_t                      len;
    ngx_str_t                  *key;
    ngx_http_realtime_error_t   error;

    ngx_memzero(&error, sizeof(ngx_http_realtime_error_t));

    error.code = (ctx->status.code >= NGX_HTTP_SPECIAL_RESPONSE)
                 ? NGX_HTTP_REALTIME_E_UPSTREAM_ERROR
                 : NGX_HTTP_REALTIME_E_UPSTREAM_BAD_ANSWER;

    if (why == NULL) {
        len = rt_sdp_cut((char *) ctx->body, ctx->body_last - ctx->body,
                         NGX_HTTP_REALTIME_TEXT_MAX);
        key = &ctx->conf->upstream.key;

        /* all of it: the cut could leave half a key */

        rt_sdp_mask((char *) ctx->body, ctx->body_last - ctx->body,
                    (char *) key->data, key->len);

        p = ctx->body;

    } else {
        p = (u_char *) why;
        len = ngx_strlen(why);
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "realtime upstream answered %ui without an SDP answer%s%s",
                  ctx->status.code, why ? ": " : "", why ? why : "");

    if (len > 0) {
        error.detail.data = ngx_pnalloc(r->pool,
                          sizeof("OpenAI Realtime API error: ") - 1 + len);
        if (error.detail.data == NULL) {
            return NGX_ERROR;
        }

        error.detail.len = ngx_sprintf(error.detail.data,
                                       "OpenAI Realtime API error: %*s",
                                       len, p)
                           - error.detail.data;
    }

    if (ctx->conf->gateway) {
        error.status = ngx_http_realtime_offer_gateway_status(
                                                            ctx->status.code);

        if (error.status == NGX_HTTP_TOO_MANY_REQUESTS) {
            error.retry_after = ctx->retry_after;
        }
    }

    ngx_http_realtime_offer_fail(ctx, &error);

    return NGX_ERROR;
}


/* an answer of 401 or 403 is about the gateway's key, not about the user */

static ngx_uint_t
ngx_http_realtime_offer_gateway_status(ngx_uint_t status)
{
    if (status < NGX_HTTP_BAD_REQUEST
        || status >= NGX_HTTP_INTERNAL_SERVER_ERROR
        || status == NGX_HTTP_UNAUTHORIZED
        || status == NGX_HTTP_FORBIDDEN)
    {
        return NGX_HTTP_BAD_GATEWAY;
    }

    return status;
}


static void
ngx_http_realtime_offer_fail(ngx_http_realtime_offer_ctx_t *ctx,
    ngx_http_realtime_error_t *error)
{
    ctx->failed = 1;

    (void) ngx_http_realtime_error_ex(ctx->request, error);
}


/* the core calls this before it finalizes the request with rc */

void
ngx_http_realtime_offer_finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_realtime_error_t       error;
    ngx_http_realtime_offer_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_offer_module);

    if (ctx->deadline.timer_set) {
        ngx_del_timer(&ctx->deadline);
    }

    if (ctx->failed || r->upstream->header_sent) {
        return;
    }

    ngx_memzero(&error, sizeof(ngx_http_realtime_error_t));

    switch (rc) {

    case NGX_HTTP_GATEWAY_TIME_OUT:
        error.code = NGX_HTTP_REALTIME_E_UPSTREAM_TIMEOUT;
        break;

    case NGX_HTTP_BAD_GATEWAY:
        error.code = NGX_HTTP_REALTIME_E_UPSTREAM_UNREACHABLE;

        if (r->upstream->request_sent) {
            ngx_str_set(&error.detail, "Request to OpenAI failed: the "
                        "connection broke before the answer was complete");
        }

        break;

    default:
        return;
    }

    if (ctx->conf->gateway) {
        error.status = rc;
    }

    ngx_http_realtime_offer_fail(ctx, &error);
}
