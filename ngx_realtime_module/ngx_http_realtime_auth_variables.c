
#include "ngx_http_realtime_auth_int.h"


static ngx_int_t ngx_http_realtime_auth_user_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_realtime_auth_roles_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_realtime_auth_status_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_realtime_auth_value(ngx_http_variable_value_t *v,
    ngx_str_t *value);


/* the order is that of ngx_http_realtime_auth_status_e */

static ngx_str_t  ngx_http_realtime_auth_status_names[] = {
    ngx_string("ok"),
    ngx_string("missing_token"),
    ngx_string("bad_format"),
    ngx_string("no_key"),
    ngx_string("bad_signature"),
    ngx_string("bad_claims"),
    ngx_string("expired"),
    ngx_string("not_yet_valid"),
    ngx_string("insufficient_role"),
    ngx_string("inactive_user"),
    ngx_string("cross_site"),
    ngx_string("unavailable"),
    ngx_string("unavailable"),
    ngx_string("failed")
};


/* a value may change when a redirect leads to a location of other rules */

static ngx_http_variable_t  ngx_http_realtime_auth_vars[] = {

    { ngx_string("realtime_user"), NULL,
      ngx_http_realtime_auth_user_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("realtime_roles"), NULL,
      ngx_http_realtime_auth_roles_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("realtime_auth_status"), NULL,
      ngx_http_realtime_auth_status_variable, 0, NGX_HTTP_VAR_NOCACHEABLE,
      0 },

    { ngx_string("realtime_claim_"), NULL,
      ngx_http_realtime_auth_claim_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_realtime_auth_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_realtime_auth_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


ngx_str_t *
ngx_http_realtime_auth_status_name(ngx_http_realtime_auth_status_e status)
{
    return &ngx_http_realtime_auth_status_names[status];
}


static ngx_int_t
ngx_http_realtime_auth_user_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                      value;
    ngx_http_realtime_auth_ctx_t  *ctx;

    ctx = ngx_http_realtime_auth_recall(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    /* a capture points into the value when other rules have taken over */

    value.len = ctx->user.id.len;
    value.data = ngx_pstrdup(r->pool, &ctx->user.id);

    if (value.data == NULL) {
        return NGX_ERROR;
    }

    ngx_http_realtime_auth_value(v, &value);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_auth_roles_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    size_t                         len;
    u_char                        *p;
    ngx_str_t                     *role, value;
    ngx_uint_t                     i;
    ngx_array_t                   *roles;
    ngx_http_realtime_auth_ctx_t  *ctx;

    ctx = ngx_http_realtime_auth_recall(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    roles = ctx->user.roles;

    if (roles == NULL || roles->nelts == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    role = roles->elts;
    len = roles->nelts - 1;

    for (i = 0; i < roles->nelts; i++) {
        len += role[i].len;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = len;

    p = ngx_cpymem(p, role[0].data, role[0].len);

    for (i = 1; i < roles->nelts; i++) {
        *p++ = ',';
        p = ngx_cpymem(p, role[i].data, role[i].len);
    }

    ngx_http_realtime_auth_value(v, &value);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_auth_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_realtime_auth_ctx_t  *ctx;

    ctx = ngx_http_realtime_auth_recall(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_http_realtime_auth_value(v,
                             ngx_http_realtime_auth_status_name(ctx->status));

    return NGX_OK;
}


static void
ngx_http_realtime_auth_value(ngx_http_variable_value_t *v, ngx_str_t *value)
{
    if (value->len == 0) {
        v->not_found = 1;
        return;
    }

    v->len = value->len;
    v->data = value->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
