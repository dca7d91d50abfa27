
#include "ngx_http_realtime_offer.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "rt_sdp.h"


#define NGX_HTTP_REALTIME_BOUNDARY_LEN  32      /* 128 random bits as hex */
#define NGX_HTTP_REALTIME_RANDOM_LEN    (NGX_HTTP_REALTIME_BOUNDARY_LEN / 2)
#define NGX_HTTP_REALTIME_BOUNDARIES    64      /* made at once */

#define NGX_HTTP_REALTIME_SDP_PART                                           \
    CRLF "Content-Disposition: form-data; name=\"sdp\"" CRLF                 \
    "Content-Type: application/sdp" CRLF CRLF

#define NGX_HTTP_REALTIME_SESSION_PART                                       \
    CRLF "Content-Disposition: form-data; name=\"session\"" CRLF             \
    "Content-Type: application/json" CRLF CRLF


static ngx_int_t ngx_http_realtime_offer_boundary(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx, u_char *boundary);
static u_char *ngx_http_realtime_offer_line(u_char *p,
    ngx_http_realtime_offer_ctx_t *ctx);
static ngx_chain_t *ngx_http_realtime_offer_link(ngx_http_request_t *r,
    u_char *pos, u_char *last);
static ngx_int_t ngx_http_realtime_offer_hash(
    ngx_http_realtime_offer_ctx_t *ctx, ngx_str_t *id, u_char *text);


/* of this worker, filled after fork: the random bytes of the next boundaries */

static u_char      ngx_http_realtime_offer_random[
                                               NGX_HTTP_REALTIME_BOUNDARIES
                                               * NGX_HTTP_REALTIME_RANDOM_LEN];
static ngx_uint_t  ngx_http_realtime_offer_nrandom;


ngx_int_t
ngx_http_realtime_offer_init_request(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf)
{
    char                          *path, *type;
    u_char                        *p;
    size_t                         len;
    ngx_http_realtime_upstream_t  *u;

    u = &conf->upstream;

    if (u->api == NGX_HTTP_REALTIME_API_SDP) {
        path = (u->path.len == 0) ? "/" : "";
        type = "application/sdp";

    } else {
        path = "/realtime/calls";
        type = "multipart/form-data; boundary=";
    }

    len = sizeof("POST ") - 1 + u->path.len + ngx_strlen(path);

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    conf->line.data = p;
    conf->line.len = ngx_sprintf(p, "POST %V%s", &u->path, path) - p;

    conf->uri.data = p + sizeof("POST ") - 1;
    conf->uri.len = conf->line.len - (sizeof("POST ") - 1);

    if (u->scheme.len == sizeof("https") - 1) {
        ngx_str_set(&conf->schema, "https://");

    } else {
        ngx_str_set(&conf->schema, "http://");
    }

    len = sizeof(" HTTP/1.1" CRLF "Host: " CRLF CRLF
                 "Accept: application/sdp" CRLF
                 "User-Agent: ngx_http_realtime_module" CRLF
                 "Content-Type: ") - 1
          + u->host.len + u->key_header.len + ngx_strlen(type);

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    conf->headers.data = p;

    p = ngx_sprintf(p, " HTTP/1.1" CRLF "Host: %V" CRLF "%V" CRLF
                    "Accept: application/sdp" CRLF
                    "User-Agent: ngx_http_realtime_module" CRLF
                    "Content-Type: %s", &u->host, &u->key_header, type);

    conf->headers.len = p - conf->headers.data;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_offer_create_request(ngx_http_request_t *r)
{
    size_t                          len, framing;
    u_char                         *p, *head, *tail, *boundary;
    ngx_str_t                      *session;
    ngx_uint_t                      multipart, newline;
    ngx_chain_t                    *cl;
    ngx_http_realtime_offer_ctx_t  *ctx;
    u_char                          buf[NGX_HTTP_REALTIME_BOUNDARY_LEN];

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_offer_module);

    multipart = (ctx->conf->upstream.api == NGX_HTTP_REALTIME_API_CALLS);
    session = &ctx->model->session;
    boundary = buf;

    /* the API refuses an offer whose last line has no end */

    newline = (ctx->offer.data[ctx->offer.len - 1] != LF) ? 2 : 0;

    framing = newline;

    if (multipart) {

        if (ngx_http_realtime_offer_boundary(r, ctx, boundary) != NGX_OK) {
            return NGX_ERROR;
        }

        framing += sizeof("--" NGX_HTTP_REALTIME_SDP_PART
                          CRLF "--" NGX_HTTP_REALTIME_SESSION_PART
                          CRLF "--" "--" CRLF) - 1
                   + 3 * NGX_HTTP_REALTIME_BOUNDARY_LEN + session->len;
    }

    len = ctx->conf->line.len + ctx->model->query.len
          + sizeof("?dcid=") - 1 + ctx->dcid.len + ctx->conf->headers.len
          + NGX_HTTP_REALTIME_BOUNDARY_LEN
          + sizeof(CRLF "OpenAI-Safety-Identifier: ") - 1 + ctx->safety.len
          + sizeof(CRLF "Content-Length: " CRLF CRLF) - 1 + NGX_OFF_T_LEN
          + framing;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    head = p;

    p = ngx_http_realtime_offer_line(p, ctx);

    if (multipart) {
        p = ngx_cpymem(p, boundary, NGX_HTTP_REALTIME_BOUNDARY_LEN);
    }

    if (ctx->safety.len) {
        p = ngx_cpymem(p, CRLF "OpenAI-Safety-Identifier: ",
                       sizeof(CRLF "OpenAI-Safety-Identifier: ") - 1);
        p = ngx_cpymem(p, ctx->safety.data, ctx->safety.len);
    }

    p = ngx_sprintf(p, CRLF "Content-Length: %uz" CRLF CRLF,
                    ctx->offer.len + framing);

    if (multipart) {
        *p++ = '-';
        *p++ = '-';
        p = ngx_cpymem(p, boundary, NGX_HTTP_REALTIME_BOUNDARY_LEN);
        p = ngx_cpymem(p, NGX_HTTP_REALTIME_SDP_PART,
                       sizeof(NGX_HTTP_REALTIME_SDP_PART) - 1);
    }

    tail = p;

    if (newline) {
        *p++ = CR;
        *p++ = LF;
    }

    if (multipart) {
        p = ngx_cpymem(p, CRLF "--", sizeof(CRLF "--") - 1);
        p = ngx_cpymem(p, boundary, NGX_HTTP_REALTIME_BOUNDARY_LEN);
        p = ngx_cpymem(p, NGX_HTTP_REALTIME_SESSION_PART,
                       sizeof(NGX_HTTP_REALTIME_SESSION_PART) - 1);
        p = ngx_cpymem(p, session->data, session->len);
        p = ngx_cpymem(p, CRLF "--", sizeof(CRLF "--") - 1);
        p = ngx_cpymem(p, boundary, NGX_HTTP_REALTIME_BOUNDARY_LEN);
        p = ngx_cpymem(p, "--" CRLF, sizeof("--" CRLF) - 1);
    }

    /* the offer goes out of the buffer it came in */

    cl = ngx_http_realtime_offer_link(r, head, tail);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    r->upstream->request_bufs = cl;

    cl->next = ngx_http_realtime_offer_link(r, ctx->offer.data,
                                            ctx->offer.data + ctx->offer.len);
    if (cl->next == NULL) {
        return NGX_ERROR;
    }

    cl = cl->next;

    if (p > tail) {
        cl->next = ngx_http_realtime_offer_link(r, tail, p);
        if (cl->next == NULL) {
            return NGX_ERROR;
        }

        cl = cl->next;
    }

    cl->buf->last_buf = 1;

    return NGX_OK;
}


/*
 * A browser that knew the boundary could end its part and write a session of
 * its own; so it is random, and must not be in the offer all the same.
 */

static ngx_int_t
ngx_http_realtime_offer_boundary(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx, u_char *boundary)
{
    u_char  *random;

    if (ngx_http_realtime_offer_nrandom == 0) {

        if (RAND_bytes(ngx_http_realtime_offer_random,
                       sizeof(ngx_http_realtime_offer_random))
            != 1)
        {
            ngx_ssl_error(NGX_LOG_ERR, r->connection->log, 0,
                          "RAND_bytes() failed");
            return NGX_ERROR;
        }

        ngx_http_realtime_offer_nrandom = NGX_HTTP_REALTIME_BOUNDARIES;
    }

    random = ngx_http_realtime_offer_random
             + --ngx_http_realtime_offer_nrandom
               * NGX_HTTP_REALTIME_RANDOM_LEN;

    (void) ngx_hex_dump(boundary, random, NGX_HTTP_REALTIME_RANDOM_LEN);

    if (rt_sdp_holds((char *) ctx->offer.data, ctx->offer.len,
                     (char *) boundary, NGX_HTTP_REALTIME_BOUNDARY_LEN))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "offer holds the boundary of its own request");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static u_char *
ngx_http_realtime_offer_line(u_char *p, ngx_http_realtime_offer_ctx_t *ctx)
{
    p = ngx_cpymem(p, ctx->conf->line.data, ctx->conf->line.len);
    p = ngx_cpymem(p, ctx->model->query.data, ctx->model->query.len);

    if (ctx->dcid.len) {
        *p++ = ctx->model->query.len ? '&' : '?';
        p = ngx_cpymem(p, "dcid=", sizeof("dcid=") - 1);
        p = ngx_cpymem(p, ctx->dcid.data, ctx->dcid.len);
    }

    return ngx_cpymem(p, ctx->conf->headers.data, ctx->conf->headers.len);
}


static ngx_chain_t *
ngx_http_realtime_offer_link(ngx_http_request_t *r, u_char *pos, u_char *last)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(r->pool);
    cl = ngx_alloc_chain_link(r->pool);

    if (b == NULL || cl == NULL) {
        return NULL;
    }

    b->start = pos;
    b->pos = pos;
    b->last = last;
    b->end = last;
    b->memory = 1;

    cl->buf = b;
    cl->next = NULL;

    return cl;
}


ngx_int_t
ngx_http_realtime_offer_safety(ngx_http_realtime_offer_ctx_t *ctx,
    ngx_http_realtime_user_t *user)
{
    ngx_http_realtime_memo_t  *memo;

    memo = user->memo;

    if (memo->owner != ctx->conf) {

        memo->owner = NULL;

        if (ngx_http_realtime_offer_hash(ctx, &user->id, memo->text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        memo->owner = ctx->conf;
    }

    ctx->safety.data = ngx_pnalloc(ctx->request->pool,
                                   NGX_HTTP_REALTIME_MEMO_LEN);
    if (ctx->safety.data == NULL) {
        return NGX_ERROR;
    }

    ctx->safety.len = NGX_HTTP_REALTIME_MEMO_LEN;
    ngx_memcpy(ctx->safety.data, memo->text, NGX_HTTP_REALTIME_MEMO_LEN);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_offer_hash(ngx_http_realtime_offer_ctx_t *ctx,
    ngx_str_t *id, u_char *text)
{
    size_t        len;
    u_char        hash[NGX_HTTP_REALTIME_MEMO_LEN / 2];
    EVP_MAC_CTX  *mac;

    /* keyed at start; begins anew with the same key each time */

    mac = ctx->conf->mac;

    if (EVP_MAC_init(mac, NULL, 0, NULL) != 1
        || EVP_MAC_update(mac, id->data, id->len) != 1
        || EVP_MAC_final(mac, hash, &len, sizeof(hash)) != 1)
    {
        ngx_ssl_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "EVP_MAC failed");
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(text, hash, sizeof(hash));

    return NGX_OK;
}
