
#include "ngx_http_realtime_offer.h"
#include "ngx_http_realtime_hangup.h"
#include "ngx_realtime_reply.h"
#include "rt_sdp.h"


#define NGX_HTTP_REALTIME_DCID_MAX  65534


static ngx_http_realtime_offer_ctx_t *ngx_http_realtime_offer_create_ctx(
    ngx_http_request_t *r);
static void ngx_http_realtime_offer_cleanup(void *data);
static ngx_int_t ngx_http_realtime_offer_args(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx);
static ngx_int_t ngx_http_realtime_offer_invalid(ngx_http_request_t *r,
    const char *detail);
static void ngx_http_realtime_offer_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_realtime_offer_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_realtime_offer_join(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_realtime_offer_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_realtime_offer_add_variables(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_realtime_offer_module_ctx = {
    ngx_http_realtime_offer_add_variables, /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_realtime_offer_create_main_conf,
                                           /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_realtime_offer_create_srv_conf,
                                           /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_realtime_offer_create_loc_conf,
                                           /* create location configuration */
    ngx_http_realtime_offer_merge_loc_conf /* merge location configuration */
};


ngx_module_t  ngx_http_realtime_offer_module = {
    NGX_MODULE_V1,
    &ngx_http_realtime_offer_module_ctx,   /* module context */
    ngx_http_realtime_offer_commands,      /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_realtime_offer_init_process,  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_int_t
ngx_http_realtime_offer_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_realtime_user_t       *user;
    ngx_http_realtime_offer_ctx_t  *ctx;

    rc = ngx_http_realtime_auth_user(r, &user);

    if (rc != NGX_OK && rc != NGX_DECLINED) {
        return rc;
    }

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_realtime_not_allowed(r, "POST");
    }

    if (!ngx_http_realtime_is_type(r, "application/sdp")
        && !ngx_http_realtime_is_type(r, "text/plain"))
    {
        return ngx_http_realtime_error(r,
                                  NGX_HTTP_REALTIME_E_UNSUPPORTED_MEDIA_TYPE);
    }

    ctx = ngx_http_realtime_offer_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_realtime_offer_args(r, ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    if (user != NULL
        && ctx->conf->safety_identifier
        && ngx_http_realtime_offer_safety(ctx, user) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r,
                                         ngx_http_realtime_offer_body_handler);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


static ngx_http_realtime_offer_ctx_t *
ngx_http_realtime_offer_create_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t             *cln;
    ngx_http_realtime_offer_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_realtime_offer_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_realtime_offer_ctx_t));

    cln->handler = ngx_http_realtime_offer_cleanup;

    ctx->request = r;
    ctx->conf = ngx_http_get_module_loc_conf(r,
                                             ngx_http_realtime_offer_module);

    ngx_http_set_ctx(r, ctx, ngx_http_realtime_offer_module);

    return ctx;
}


/* a call that was named but whose answer nobody got costs money: end it */

static void
ngx_http_realtime_offer_cleanup(void *data)
{
    ngx_http_realtime_offer_ctx_t *ctx = data;

    ngx_uint_t                 lost;
    ngx_connection_t          *c;
    ngx_http_realtime_zone_t  *zone;

    if (ctx->deadline.timer_set) {
        ngx_del_timer(&ctx->deadline);
    }

    c = ctx->request->connection;
    lost = (c->error || c->timedout);
    zone = ngx_http_realtime_get_zone();

    if (ctx->accepted && !lost) {
        ngx_http_realtime_count(zone, NGX_HTTP_REALTIME_C_OFFERS, 1);
        return;
    }

    if (ctx->accepted || ctx->gone) {
        ngx_http_realtime_count(zone, NGX_HTTP_REALTIME_C_UNDELIVERED, 1);
    }

    if (ctx->call_id.len) {
        (void) ngx_http_realtime_hangup(&ctx->conf->upstream, &ctx->call_id,
                                        NULL, NULL);
    }
}


static ngx_int_t
ngx_http_realtime_offer_args(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx)
{
    u_char                     *dst, *src;
    ngx_int_t                   n;
    ngx_str_t                   name, *wanted;
    ngx_http_realtime_error_t   error;

    wanted = NULL;

    if (ngx_http_arg(r, (u_char *) "model", 5, &name) == NGX_OK) {

        src = name.data;
        dst = ngx_pnalloc(r->pool, name.len + 1);
        if (dst == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        name.data = dst;
        ngx_unescape_uri(&dst, &src, name.len, 0);
        name.len = dst - name.data;

        wanted = &name;
    }

    ctx->model = ngx_http_realtime_offer_model(ctx->conf, wanted);

    if (ctx->model == NULL) {
        ngx_memzero(&error, sizeof(ngx_http_realtime_error_t));

        error.code = NGX_HTTP_REALTIME_E_MODEL_NOT_ALLOWED;
        error.detail = ctx->conf->allowed;

        return ngx_http_realtime_error_ex(r, &error);
    }

    if (ngx_http_arg(r, (u_char *) "dcid", 4, &ctx->dcid) == NGX_OK) {

        n = ngx_atoi(ctx->dcid.data, ctx->dcid.len);

        if (n == NGX_ERROR || n > NGX_HTTP_REALTIME_DCID_MAX) {
            return ngx_http_realtime_offer_invalid(r,
                                "dcid must be an integer from 0 to 65534");
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_offer_invalid(ngx_http_request_t *r, const char *detail)
{
    ngx_http_realtime_error_t  error;

    ngx_memzero(&error, sizeof(ngx_http_realtime_error_t));

    error.code = NGX_HTTP_REALTIME_E_INVALID_OFFER;
    error.detail.data = (u_char *) detail;
    error.detail.len = ngx_strlen(detail);

    return ngx_http_realtime_error_ex(r, &error);
}


static void
ngx_http_realtime_offer_body_handler(ngx_http_request_t *r)
{
    rt_sdp_e                        sdp;
    ngx_int_t                       rc;
    ngx_http_realtime_offer_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_offer_module);

    if (ngx_http_realtime_offer_body(r, &ctx->offer) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    sdp = rt_sdp_offer((char *) ctx->offer.data, ctx->offer.len);

    if (sdp != RT_SDP_OK) {
        ngx_http_finalize_request(r, ngx_http_realtime_offer_invalid(r,
                                                       rt_sdp_reason(sdp)));
        return;
    }

    rc = ngx_http_realtime_offer_connect(r, ctx);

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
    }
}


/* the body as one string: in the buffer it came in, where it fits there */

static ngx_int_t
ngx_http_realtime_offer_body(ngx_http_request_t *r, ngx_str_t *body)
{
    off_t         size;
    u_char       *p;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_str_null(body);

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    cl = r->request_body->bufs;

    if (ngx_http_realtime_offer_join(r, body) == NGX_OK) {
        return NGX_OK;
    }

    size = 0;

    for ( /* void */ ; cl != NULL; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    body->len = size;

    for (cl = r->request_body->bufs; cl != NULL; cl = cl->next) {

        b = cl->buf;

        if (!b->in_file) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        /* tiny chunks: their framing alone can fill the buffer */

        n = ngx_read_file(b->file, p, b->file_last - b->file_pos, b->file_pos);

        if (n != b->file_last - b->file_pos) {
            return NGX_ERROR;
        }

        p += n;
    }

    return NGX_OK;
}


/*
 * Where the header's buffer had the beginning of the body, nginx reads the
 * rest into a buffer with room for all of it (request_body_in_single_buf),
 * but leaves it to the handler to put the beginning there.
 */

static ngx_int_t
ngx_http_realtime_offer_join(ngx_http_request_t *r, ngx_str_t *body)
{
    size_t        first, len;
    u_char       *begin, *head;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, *last;

    begin = NULL;
    head = NULL;
    last = NULL;
    first = 0;
    len = 0;

    for (cl = r->request_body->bufs; cl != NULL; cl = cl->next) {

        b = cl->buf;

        if (b->in_file) {
            return NGX_DECLINED;
        }

        /* the end of a body in chunks may have no memory at all */

        if (b->pos == b->last) {
            continue;
        }

        if (begin == NULL) {
            begin = b->pos;
            head = begin;

        } else if (b->pos != begin + len) {

            if (first != 0 || r->headers_in.chunked) {
                return NGX_DECLINED;
            }

            first = len;
            begin = b->pos;
            len = 0;
        }

        len += b->last - b->pos;
        last = cl;
    }

    if (first != 0) {

        b = last->buf;

        if ((size_t) (b->end - b->last) < first) {
            return NGX_DECLINED;
        }

        ngx_memmove(begin + first, begin, len);
        ngx_memcpy(begin, head, first);

        /* for who reads it again, as a location of error_page does */

        b->start = begin;
        b->pos = begin;
        b->last = begin + first + len;

        r->request_body->bufs = last;
    }

    body->data = begin;
    body->len = first + len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_offer_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                      *value;
    ngx_pool_cleanup_t             *cln;
    ngx_http_realtime_offer_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_offer_module);

    if (ctx == NULL) {

        /* error_page wipes the contexts, the log still wants the values */

        for (cln = r->pool->cleanup; cln != NULL; cln = cln->next) {
            if (cln->handler == ngx_http_realtime_offer_cleanup) {
                ctx = cln->data;
                break;
            }
        }
    }

    value = NULL;

    if (ctx != NULL) {
        if (data != 0) {
            value = &ctx->call_id;

        } else if (ctx->model != NULL) {
            value = &ctx->model->name;
        }
    }

    if (value == NULL || value->len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = value->len;
    v->data = value->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_offer_add_variables(ngx_conf_t *cf)
{
    ngx_uint_t            i;
    ngx_http_variable_t  *var;

    static ngx_str_t  names[] = {
        ngx_string("realtime_model"),
        ngx_string("realtime_call_id")
    };

    for (i = 0; i < 2; i++) {
        var = ngx_http_add_variable(cf, &names[i], NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_http_realtime_offer_variable;
        var->data = i;
    }

    return NGX_OK;
}
