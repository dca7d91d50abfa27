
#include "ngx_http_realtime_auth_lookup.h"


static ngx_http_realtime_auth_ctx_t *ngx_http_realtime_auth_ctx(
    ngx_http_request_t *r, ngx_uint_t create);
static void ngx_http_realtime_auth_cleanup(void *data);
static ngx_http_realtime_auth_status_e ngx_http_realtime_auth_evaluate(
    ngx_http_request_t *r, ngx_http_realtime_auth_ctx_t *ctx);
static ngx_http_realtime_auth_status_e ngx_http_realtime_auth_admit(
    ngx_http_realtime_auth_ctx_t *ctx, ngx_http_realtime_user_t *user);
static ngx_uint_t ngx_http_realtime_auth_has_role(ngx_array_t *has,
    ngx_array_t *wanted);
static ngx_int_t ngx_http_realtime_auth_refuse(ngx_http_request_t *r,
    ngx_http_realtime_auth_ctx_t *ctx, ngx_uint_t record);
static ngx_int_t ngx_http_realtime_auth_challenge(ngx_http_request_t *r,
    ngx_http_realtime_auth_status_e status);


ngx_int_t
ngx_http_realtime_auth_handler(ngx_http_request_t *r)
{
    ngx_str_t                       name;
    ngx_uint_t                      level;
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_realtime_auth_ctx_t   *ctx;
    ngx_http_realtime_auth_conf_t  *acf;

    acf = ngx_http_get_module_loc_conf(r, ngx_http_realtime_auth_module);

    if (!acf->enable) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_realtime_auth_check(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->decided = 1;

    if (ctx->status == NGX_HTTP_REALTIME_AUTH_OK) {
        return NGX_OK;
    }

    level = (ctx->status == NGX_HTTP_REALTIME_AUTH_MISSING_TOKEN
             || ctx->status == NGX_HTTP_REALTIME_AUTH_EXPIRED)
            ? NGX_LOG_INFO : NGX_LOG_WARN;

    name = ctx->user.id;

    if (name.len == 0 && ctx->identity != NULL) {
        name = ctx->identity->user.id;
    }

    ngx_log_error(level, r->connection->log, 0,
                  "realtime: %srefused, %V%s%V",
                  acf->dry_run ? "dry run, would be " : "",
                  ngx_http_realtime_auth_status_name(ctx->status),
                  name.len ? ", user " : "", &name);

    if (acf->dry_run) {
        ngx_http_realtime_count(ngx_http_realtime_get_zone(),
                                NGX_HTTP_REALTIME_C_DRY_RUN, 1);
        return NGX_DECLINED;
    }

    /* with "satisfy any" another module may still let the request in */

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return ngx_http_realtime_auth_refuse(r, ctx,
                                    clcf->satisfy == NGX_HTTP_SATISFY_ALL);
}


ngx_int_t
ngx_http_realtime_auth_user(ngx_http_request_t *r,
    ngx_http_realtime_user_t **user)
{
    ngx_http_realtime_auth_ctx_t   *ctx;
    ngx_http_realtime_auth_conf_t  *acf;

    acf = ngx_http_get_module_loc_conf(r, ngx_http_realtime_auth_module);

    *user = NULL;

    if (!acf->enable) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_realtime_auth_check(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->status != NGX_HTTP_REALTIME_AUTH_OK) {
        return ngx_http_realtime_auth_refuse(r, ctx, 1);
    }

    *user = &ctx->user;

    return NGX_OK;
}


ngx_http_realtime_auth_ctx_t *
ngx_http_realtime_auth_check(ngx_http_request_t *r)
{
    ngx_http_realtime_auth_ctx_t   *ctx;
    ngx_http_realtime_auth_conf_t  *acf;

    acf = ngx_http_get_module_loc_conf(r, ngx_http_realtime_auth_module);

    ctx = ngx_http_realtime_auth_ctx(r, 1);
    if (ctx == NULL) {
        return NULL;
    }

    if (ctx->conf == acf) {
        return ctx;
    }

    ngx_http_realtime_auth_cleanup(ctx);

    ngx_memzero(&ctx->user, sizeof(ngx_http_realtime_user_t));

    ctx->conf = acf;
    ctx->decided = 0;
    ctx->pending = 0;
    ctx->status = ngx_http_realtime_auth_evaluate(r, ctx);

    return ctx;
}


ngx_http_realtime_auth_ctx_t *
ngx_http_realtime_auth_recall(ngx_http_request_t *r)
{
    ngx_http_realtime_auth_ctx_t   *ctx;
    ngx_http_realtime_auth_conf_t  *acf;

    acf = ngx_http_get_module_loc_conf(r, ngx_http_realtime_auth_module);

    if (!acf->enable) {
        ctx = ngx_http_realtime_auth_ctx(r, 0);

        if (ctx != NULL && ctx->decided) {
            return ctx;
        }
    }

    return ngx_http_realtime_auth_check(r);
}


static ngx_http_realtime_auth_ctx_t *
ngx_http_realtime_auth_ctx(ngx_http_request_t *r, ngx_uint_t create)
{
    ngx_pool_cleanup_t            *cln;
    ngx_http_realtime_auth_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_auth_module);

    if (ctx != NULL) {
        return ctx;
    }

    if (r->internal || r->filter_finalize) {

        /* a redirect wiped the contexts; a subrequest shares the pool */

        for (cln = r->pool->cleanup; cln != NULL; cln = cln->next) {

            if (cln->handler != ngx_http_realtime_auth_cleanup) {
                continue;
            }

            ctx = cln->data;

            if (ctx->request == r) {
                ngx_http_set_ctx(r, ctx, ngx_http_realtime_auth_module);
                return ctx;
            }
        }
    }

    if (!create) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_realtime_auth_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_realtime_auth_cleanup;
    ctx = cln->data;

    ngx_memzero(ctx, sizeof(ngx_http_realtime_auth_ctx_t));
    ctx->request = r;

    ngx_http_set_ctx(r, ctx, ngx_http_realtime_auth_module);

    return ctx;
}


static void
ngx_http_realtime_auth_cleanup(void *data)
{
    ngx_http_realtime_auth_ctx_t  *ctx = data;

    ngx_http_realtime_lookup_leave(ctx);

    if (ctx->identity != NULL) {
        ngx_http_realtime_identity_release(ctx->identity);
        ctx->identity = NULL;
    }

    if (ctx->known != NULL) {
        ngx_http_realtime_identity_release(ctx->known);
        ctx->known = NULL;
    }

    json_decref(ctx->claims);
    ctx->claims = NULL;
}


static ngx_http_realtime_auth_status_e
ngx_http_realtime_auth_evaluate(ngx_http_request_t *r,
    ngx_http_realtime_auth_ctx_t *ctx)
{
    rt_str_t                             token;
    ngx_http_realtime_found_t            found;
    ngx_http_realtime_auth_conf_t       *acf;
    ngx_http_realtime_auth_status_e      status;
    ngx_http_realtime_auth_main_conf_t  *amcf;

    acf = ctx->conf;

    status = ngx_http_realtime_auth_token(r, acf->sources, &token);

    if (status != NGX_HTTP_REALTIME_AUTH_OK) {
        return status;
    }

    status = ngx_http_realtime_auth_verify_cached(acf->verifier, token,
                                                  &ctx->identity,
                                                  r->connection->log);

    if (status != NGX_HTTP_REALTIME_AUTH_OK) {
        return status;
    }

    amcf = ngx_http_get_module_main_conf(r, ngx_http_realtime_auth_module);

    if (amcf->lookup == NULL) {
        return ngx_http_realtime_auth_admit(ctx, &ctx->identity->user);
    }

    if (ngx_http_realtime_users_find(amcf->lookup, &ctx->identity->user.id,
                                     &found, r->connection->log)
        != NGX_OK)
    {
        ctx->pending = 1;
        return NGX_HTTP_REALTIME_AUTH_STORE_UNAVAILABLE;
    }

    ctx->known = found.identity;

    return (found.status == NGX_HTTP_REALTIME_AUTH_OK)
           ? ngx_http_realtime_auth_admit(ctx, &found.identity->user)
           : found.status;
}


void
ngx_http_realtime_auth_found(ngx_http_realtime_auth_ctx_t *ctx,
    ngx_http_realtime_found_t *found)
{
    ctx->pending = 0;
    ctx->status = found->status;

    if (found->status == NGX_HTTP_REALTIME_AUTH_OK) {
        ctx->known = found->identity;
        ctx->known->refs++;

        ctx->status = ngx_http_realtime_auth_admit(ctx, &ctx->known->user);
    }
}


static ngx_http_realtime_auth_status_e
ngx_http_realtime_auth_admit(ngx_http_realtime_auth_ctx_t *ctx,
    ngx_http_realtime_user_t *user)
{
    ngx_http_realtime_auth_conf_t  *acf;

    acf = ctx->conf;
    ctx->user = *user;

    if (acf->roles != NULL
        && !ngx_http_realtime_auth_has_role(ctx->user.roles, acf->roles))
    {
        return NGX_HTTP_REALTIME_AUTH_INSUFFICIENT_ROLE;
    }

    if (acf->admin_roles != NULL) {
        ctx->user.admin = ngx_http_realtime_auth_has_role(ctx->user.roles,
                                                          acf->admin_roles);
    }

    return NGX_HTTP_REALTIME_AUTH_OK;
}


static ngx_uint_t
ngx_http_realtime_auth_has_role(ngx_array_t *has, ngx_array_t *wanted)
{
    ngx_str_t   *h, *w;
    ngx_uint_t   i, j;

    h = has->elts;
    w = wanted->elts;

    for (i = 0; i < has->nelts; i++) {
        for (j = 0; j < wanted->nelts; j++) {

            if (h[i].len == w[j].len
                && ngx_memcmp(h[i].data, w[j].data, h[i].len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_realtime_auth_refuse(ngx_http_request_t *r,
    ngx_http_realtime_auth_ctx_t *ctx, ngx_uint_t record)
{
    ngx_int_t   status;
    ngx_uint_t  code;

    switch (ctx->status) {

    case NGX_HTTP_REALTIME_AUTH_FAILED:
        status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        code = NGX_HTTP_REALTIME_E_INTERNAL_ERROR;
        break;

    case NGX_HTTP_REALTIME_AUTH_UNAVAILABLE:
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        code = NGX_HTTP_REALTIME_E_KEYS_UNAVAILABLE;
        break;

    case NGX_HTTP_REALTIME_AUTH_STORE_UNAVAILABLE:
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        code = NGX_HTTP_REALTIME_E_STORE_UNAVAILABLE;
        break;

    case NGX_HTTP_REALTIME_AUTH_INSUFFICIENT_ROLE:
    case NGX_HTTP_REALTIME_AUTH_INACTIVE_USER:
        status = NGX_HTTP_FORBIDDEN;
        code = NGX_HTTP_REALTIME_E_INSUFFICIENT_ROLE;
        break;

    case NGX_HTTP_REALTIME_AUTH_CROSS_SITE:
        status = NGX_HTTP_FORBIDDEN;
        code = NGX_HTTP_REALTIME_E_CROSS_SITE;
        break;

    case NGX_HTTP_REALTIME_AUTH_MISSING_TOKEN:
        status = NGX_HTTP_UNAUTHORIZED;
        code = NGX_HTTP_REALTIME_E_MISSING_TOKEN;
        break;

    case NGX_HTTP_REALTIME_AUTH_EXPIRED:
        status = NGX_HTTP_UNAUTHORIZED;
        code = NGX_HTTP_REALTIME_E_EXPIRED_TOKEN;
        break;

    default:
        status = NGX_HTTP_UNAUTHORIZED;
        code = NGX_HTTP_REALTIME_E_INVALID_TOKEN;
    }

    if (status == NGX_HTTP_UNAUTHORIZED
        && ngx_http_realtime_auth_challenge(r, ctx->status) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* what "satisfy any" takes back is 401 and 403 only */

    if (record
        || (status != NGX_HTTP_UNAUTHORIZED && status != NGX_HTTP_FORBIDDEN))
    {
        return ngx_http_realtime_error(r, code);
    }

    return status;
}


/* as the core knows it, so that "satisfy any" can take it back */

static ngx_int_t
ngx_http_realtime_auth_challenge(ngx_http_request_t *r,
    ngx_http_realtime_auth_status_e status)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    ngx_str_set(&h->key, "WWW-Authenticate");
    h->lowcase_key = NULL;

    if (status == NGX_HTTP_REALTIME_AUTH_MISSING_TOKEN) {
        ngx_str_set(&h->value, "Bearer");

    } else {
        ngx_str_set(&h->value, "Bearer error=\"invalid_token\"");
    }

    r->headers_out.www_authenticate = h;

    return NGX_OK;
}
