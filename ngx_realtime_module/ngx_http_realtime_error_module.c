
#include "ngx_http_realtime.h"
#include "ngx_realtime_reply.h"


#define NGX_HTTP_REALTIME_UNAUTHORIZED  "authentication_error"
#define NGX_HTTP_REALTIME_PERMISSION    "permission_error"
#define NGX_HTTP_REALTIME_INVALID       "invalid_request_error"
#define NGX_HTTP_REALTIME_RATE          "rate_limit_error"
#define NGX_HTTP_REALTIME_API           "api_error"

#define NGX_HTTP_UNPROCESSABLE          422


typedef struct {
    ngx_uint_t   status;
    ngx_str_t    name;
    ngx_str_t    detail;
} ngx_http_realtime_code_t;


typedef struct {
    ngx_http_realtime_error_t   error;
    ngx_str_t                   body;       /* of the error, once made */
    unsigned                    recorded:1;
    unsigned                    replace:1;  /* this body for nginx's page */
    unsigned                    sent:1;
} ngx_http_realtime_error_ctx_t;


static ngx_http_realtime_error_ctx_t *ngx_http_realtime_error_ctx(
    ngx_http_request_t *r, ngx_uint_t create);
static void ngx_http_realtime_error_cleanup(void *data);
static ngx_uint_t ngx_http_realtime_core_code(ngx_uint_t status);
static char *ngx_http_realtime_error_type(ngx_uint_t status);
static ngx_int_t ngx_http_realtime_error_body(ngx_http_request_t *r,
    ngx_http_realtime_error_ctx_t *ctx);
static ngx_int_t ngx_http_realtime_error_headers(ngx_http_request_t *r,
    ngx_http_realtime_error_t *e);
static ngx_int_t ngx_http_realtime_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_realtime_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_realtime_error_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_realtime_error_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_realtime_error_init(ngx_conf_t *cf);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


/* the order is that of the enumeration in ngx_http_realtime_error.h */

static ngx_http_realtime_code_t  ngx_http_realtime_codes[] = {

    { 401, ngx_string("missing_token"),
      ngx_string("Not authenticated") },
    { 401, ngx_string("invalid_token"),
      ngx_string("Could not validate credentials") },
    { 401, ngx_string("expired_token"),
      ngx_string("Could not validate credentials") },
    { 403, ngx_string("insufficient_role"),
      ngx_string("Access Denied: Insufficient permissions") },
    { 403, ngx_string("user_mismatch"),
      ngx_string("Access Denied: Insufficient permissions") },
    { 403, ngx_string("cross_site"),
      ngx_string("Cross-site request refused") },
    { 403, ngx_string("forbidden"),
      ngx_string("Access forbidden") },
    { 404, ngx_string("not_found"),
      ngx_string("Not found") },
    { 405, ngx_string("method_not_allowed"),
      ngx_string("Method not allowed") },
    { 413, ngx_string("too_large"),
      ngx_string("Request body too large") },
    { 415, ngx_string("unsupported_media_type"),
      ngx_string("Unsupported media type") },
    { 400, ngx_string("bad_request"),
      ngx_string("Bad request") },
    { 400, ngx_string("invalid_offer"),
      ngx_string("Invalid SDP offer") },
    { 400, ngx_string("model_not_allowed"),
      ngx_string("Model not allowed") },
    { 422, ngx_string("invalid_transcript"),
      ngx_string("Invalid transcript") },
    { 422, ngx_string("invalid_parameter"),
      ngx_string("Invalid parameter") },
    { 429, ngx_string("too_many_calls"),
      ngx_string("Too many calls") },
    { 429, ngx_string("too_many_requests"),
      ngx_string("Too many requests") },
    { 500, ngx_string("upstream_error"),
      ngx_string("OpenAI Realtime API error") },
    { 500, ngx_string("upstream_unreachable"),
      ngx_string("Request to OpenAI failed: no connection") },
    { 500, ngx_string("upstream_timeout"),
      ngx_string("Request to OpenAI failed: timed out") },
    { 500, ngx_string("upstream_bad_answer"),
      ngx_string("OpenAI Realtime API error: no SDP answer") },
    { 500, ngx_string("internal_error"),
      ngx_string("Internal error") },
    { 503, ngx_string("busy"),
      ngx_string("The service is busy, try again") },
    { 503, ngx_string("store_unavailable"),
      ngx_string("The store is unavailable, try again") },
    { 503, ngx_string("keys_unavailable"),
      ngx_string("The keys to verify tokens are not there yet, try again") }
};


static ngx_http_module_t  ngx_http_realtime_error_module_ctx = {
    ngx_http_realtime_error_add_variables, /* preconfiguration */
    ngx_http_realtime_error_init,          /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_realtime_error_module = {
    NGX_MODULE_V1,
    &ngx_http_realtime_error_module_ctx,   /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_int_t
ngx_http_realtime_error(ngx_http_request_t *r, ngx_uint_t code)
{
    ngx_http_realtime_error_t  e;

    ngx_memzero(&e, sizeof(ngx_http_realtime_error_t));

    e.code = code;

    return ngx_http_realtime_error_ex(r, &e);
}


ngx_int_t
ngx_http_realtime_not_allowed(ngx_http_request_t *r, char *methods)
{
    ngx_http_realtime_error_t  e;

    ngx_memzero(&e, sizeof(ngx_http_realtime_error_t));

    e.code = NGX_HTTP_REALTIME_E_METHOD_NOT_ALLOWED;
    e.allow.data = (u_char *) methods;
    e.allow.len = ngx_strlen(methods);

    return ngx_http_realtime_error_ex(r, &e);
}


ngx_int_t
ngx_http_realtime_error_ex(ngx_http_request_t *r,
    ngx_http_realtime_error_t *error)
{
    ngx_http_realtime_error_ctx_t  *ctx;

    ctx = ngx_http_realtime_error_ctx(r, 1);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->error = *error;
    ctx->recorded = 1;

    if (ctx->error.status == 0) {
        ctx->error.status = ngx_http_realtime_codes[error->code].status;
    }

    return ctx->error.status;
}


ngx_str_t *
ngx_http_realtime_error_name(ngx_uint_t code)
{
    return &ngx_http_realtime_codes[code].name;
}


static ngx_http_realtime_error_ctx_t *
ngx_http_realtime_error_ctx(ngx_http_request_t *r, ngx_uint_t create)
{
    ngx_pool_cleanup_t             *cln;
    ngx_http_realtime_error_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_error_module);

    if (ctx != NULL) {
        return ctx;
    }

    if (!create) {

        if (!r->internal && !r->filter_finalize) {
            return NULL;
        }

        /* error_page wiped the contexts: the log still wants the code */

        for (cln = r->pool->cleanup; cln != NULL; cln = cln->next) {
            if (cln->handler == ngx_http_realtime_error_cleanup) {
                return cln->data;
            }
        }

        return NULL;
    }

    cln = ngx_pool_cleanup_add(r->pool,
                               sizeof(ngx_http_realtime_error_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_realtime_error_cleanup;
    ctx = cln->data;

    ngx_memzero(ctx, sizeof(ngx_http_realtime_error_ctx_t));
    ngx_http_set_ctx(r, ctx, ngx_http_realtime_error_module);

    return ctx;
}


static void
ngx_http_realtime_error_cleanup(void *data)
{
    /* marks the context for ngx_http_realtime_error_ctx() only */
}


/* the code of an error that nginx itself decided in one of our locations */

static ngx_uint_t
ngx_http_realtime_core_code(ngx_uint_t status)
{
    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
        return NGX_HTTP_REALTIME_E_MISSING_TOKEN;

    case NGX_HTTP_FORBIDDEN:
        return NGX_HTTP_REALTIME_E_FORBIDDEN;

    case NGX_HTTP_NOT_FOUND:
        return NGX_HTTP_REALTIME_E_NOT_FOUND;

    case NGX_HTTP_NOT_ALLOWED:
        return NGX_HTTP_REALTIME_E_METHOD_NOT_ALLOWED;

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        return NGX_HTTP_REALTIME_E_TOO_LARGE;

    case NGX_HTTP_UNSUPPORTED_MEDIA_TYPE:
        return NGX_HTTP_REALTIME_E_UNSUPPORTED_MEDIA_TYPE;

    case NGX_HTTP_TOO_MANY_REQUESTS:
        return NGX_HTTP_REALTIME_E_TOO_MANY_REQUESTS;

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return NGX_HTTP_REALTIME_E_BUSY;
    }

    return (status >= NGX_HTTP_INTERNAL_SERVER_ERROR)
           ? NGX_HTTP_REALTIME_E_INTERNAL_ERROR
           : NGX_HTTP_REALTIME_E_BAD_REQUEST;
}


static char *
ngx_http_realtime_error_type(ngx_uint_t status)
{
    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
        return NGX_HTTP_REALTIME_UNAUTHORIZED;

    case NGX_HTTP_FORBIDDEN:
        return NGX_HTTP_REALTIME_PERMISSION;

    case NGX_HTTP_TOO_MANY_REQUESTS:
        return NGX_HTTP_REALTIME_RATE;
    }

    return (status >= NGX_HTTP_INTERNAL_SERVER_ERROR)
           ? NGX_HTTP_REALTIME_API : NGX_HTTP_REALTIME_INVALID;
}


static ngx_int_t
ngx_http_realtime_error_body(ngx_http_request_t *r,
    ngx_http_realtime_error_ctx_t *ctx)
{
    char                       *type;
    u_char                     *p;
    size_t                      len;
    ngx_str_t                  *name, message;
    ngx_http_realtime_error_t  *e;

    e = &ctx->error;
    name = &ngx_http_realtime_codes[e->code].name;
    type = ngx_http_realtime_error_type(e->status);

    message = e->detail.len ? e->detail
                            : ngx_http_realtime_codes[e->code].detail;

    len = sizeof("{\"detail\":,\"error\":{\"message\":,\"type\":\"\","
                 "\"code\":\"\",\"param\":null}}\n")
          + 2 * (size_t) ngx_realtime_json_string(NULL, &message)
          + e->detail_json.len + ngx_strlen(type) + name->len;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->body.data = p;

    p = ngx_cpymem(p, "{\"detail\":", sizeof("{\"detail\":") - 1);

    if (e->detail_json.len) {
        p = ngx_cpymem(p, e->detail_json.data, e->detail_json.len);

    } else {
        p = ngx_realtime_json_string(p, &message);
    }

    p = ngx_cpymem(p, ",\"error\":{\"message\":",
                   sizeof(",\"error\":{\"message\":") - 1);
    p = ngx_realtime_json_string(p, &message);
    p = ngx_sprintf(p, ",\"type\":\"%s\",\"code\":\"%V\",\"param\":null}}\n",
                    type, name);

    ctx->body.len = p - ctx->body.data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_error_headers(ngx_http_request_t *r,
    ngx_http_realtime_error_t *e)
{
    static ngx_str_t  retry = ngx_string("1");

    if (e->allow.len
        && ngx_http_realtime_add_header(r, "Allow", &e->allow) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (e->retry_after.len) {
        return ngx_http_realtime_add_header(r, "Retry-After",
                                            &e->retry_after);
    }

    if (e->status == NGX_HTTP_TOO_MANY_REQUESTS
        || e->status == NGX_HTTP_SERVICE_UNAVAILABLE)
    {
        return ngx_http_realtime_add_header(r, "Retry-After", &retry);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_header_filter(ngx_http_request_t *r)
{
    ngx_http_realtime_loc_conf_t   *rlcf;
    ngx_http_realtime_main_conf_t  *rmcf;
    ngx_http_realtime_error_ctx_t  *ctx;

    static ngx_str_t  no_store = ngx_string("no-store");

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_realtime_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_error_module);

    if (r->err_status < NGX_HTTP_BAD_REQUEST
        || (rlcf->handler == NULL && (ctx == NULL || !ctx->recorded)))
    {
        if (rlcf->handler != NULL
            && ngx_http_realtime_add_header(r, "Cache-Control", &no_store)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_next_header_filter(r);
    }

    if (ctx == NULL || !ctx->recorded) {
        (void) ngx_http_realtime_error(r,
                                   ngx_http_realtime_core_code(r->err_status));

        ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_error_module);
        if (ctx == NULL) {
            return NGX_ERROR;
        }

        ctx->error.status = r->err_status;
    }

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_realtime_module);
    (void) ngx_atomic_fetch_add(&rmcf->zone.sh->errors[ctx->error.code], 1);

    /* the core answers 502 where the original contract has 500 */

    r->err_status = ctx->error.status;
    r->headers_out.status = ctx->error.status;
    r->headers_out.status_line.len = 0;

    if (ctx->error.status == NGX_HTTP_UNPROCESSABLE) {

        /* nginx has no words for it, and ends the line with a blank */

        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Entity");
    }

    if (ngx_http_realtime_error_body(r, ctx) != NGX_OK
        || ngx_http_realtime_error_headers(r, &ctx->error) != NGX_OK
        || ngx_http_realtime_add_header(r, "Cache-Control", &no_store)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset.len = 0;

    ngx_http_clear_content_length(r);
    r->headers_out.content_length_n = ctx->body.len;

    ctx->replace = 1;

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_realtime_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t                      *b;
    ngx_uint_t                      last;
    ngx_chain_t                    *cl, out;
    ngx_http_realtime_error_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_error_module);

    if (ctx == NULL || !ctx->replace) {
        return ngx_http_next_body_filter(r, in);
    }

    last = 0;

    for (cl = in; cl != NULL; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;

        if (cl->buf->last_buf || cl->buf->last_in_chain) {
            last = 1;
        }
    }

    if (!last || ctx->sent) {
        return ngx_http_next_body_filter(r, NULL);
    }

    ctx->sent = 1;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->body.data;
    b->last = ctx->body.data + ctx->body.len;
    b->memory = 1;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


static ngx_int_t
ngx_http_realtime_error_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                      *name;
    ngx_http_realtime_error_ctx_t  *ctx;

    ctx = ngx_http_realtime_error_ctx(r, 0);

    if (ctx == NULL || !ctx->recorded) {
        v->not_found = 1;
        return NGX_OK;
    }

    name = &ngx_http_realtime_codes[ctx->error.code].name;

    v->len = name->len;
    v->data = name->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_error_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    static ngx_str_t  name = ngx_string("realtime_error");

    var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_realtime_error_variable;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_error_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_realtime_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_realtime_body_filter;

    return NGX_OK;
}
