
#include "ngx_http_realtime_auth_int.h"


static json_t *ngx_http_realtime_auth_claims(
    ngx_http_realtime_auth_ctx_t *ctx);
static json_t *ngx_http_realtime_auth_claim(json_t *claims, ngx_str_t *name);
static ngx_int_t ngx_http_realtime_auth_claim_text(ngx_http_request_t *r,
    json_t *claim, ngx_str_t *text);


/*
 * $realtime_claim_NAME.  The payload is read again, and once in a request,
 * so that nobody who takes no claim has to pay for keeping them.
 */

ngx_int_t
ngx_http_realtime_auth_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t *var = (ngx_str_t *) data;

    json_t                        *claim;
    ngx_str_t                      name, text;
    ngx_http_realtime_auth_ctx_t  *ctx;

    v->not_found = 1;

    ctx = ngx_http_realtime_auth_recall(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    /* nobody, or somebody whom the store does not vouch for */

    if (ctx->user.id.len == 0) {
        return NGX_OK;
    }

    name.data = var->data + sizeof("realtime_claim_") - 1;
    name.len = var->len - (sizeof("realtime_claim_") - 1);

    claim = ngx_http_realtime_auth_claim(ngx_http_realtime_auth_claims(ctx),
                                         &name);

    if (claim == NULL) {
        return NGX_OK;
    }

    if (ngx_http_realtime_auth_claim_text(r, claim, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (text.len) {
        v->data = text.data;
        v->len = text.len;
        v->valid = 1;
        v->no_cacheable = 0;
        v->not_found = 0;
    }

    return NGX_OK;
}


static json_t *
ngx_http_realtime_auth_claims(ngx_http_realtime_auth_ctx_t *ctx)
{
    rt_jwt_t  jwt;
    rt_str_t  token;

    if (ctx->claims == NULL
        && ngx_http_realtime_auth_token(ctx->request, ctx->conf->sources,
                                        &token)
           == NGX_HTTP_REALTIME_AUTH_OK
        && rt_jwt_parse(&jwt, token) == 0)
    {
        ctx->claims = json_loadb(jwt.payload.data, jwt.payload.len,
                                 JSON_REJECT_DUPLICATES, NULL);
    }

    return ctx->claims;
}


/* nginx knows no capitals in the name of a variable */

static json_t *
ngx_http_realtime_auth_claim(json_t *claims, ngx_str_t *name)
{
    json_t      *value, *similar;
    const char  *key;

    similar = NULL;

    json_object_foreach (claims, key, value) {

        if (ngx_strlen(key) != name->len) {
            continue;
        }

        if (ngx_memcmp(key, name->data, name->len) == 0) {
            return value;
        }

        if (ngx_strncasecmp((u_char *) key, name->data, name->len) == 0) {
            similar = value;
        }
    }

    return similar;
}


/* a string with control characters is left out: it may end up in a header */

static ngx_int_t
ngx_http_realtime_auth_claim_text(ngx_http_request_t *r, json_t *claim,
    ngx_str_t *text)
{
    char       *json;
    rt_str_t    s;
    ngx_str_t   value;

    ngx_str_null(text);

    if (json_is_null(claim)) {
        return NGX_OK;
    }

    json = NULL;

    if (json_is_string(claim)) {
        s.data = json_string_value(claim);
        s.len = json_string_length(claim);

        if (!rt_claims_is_plain(s)) {
            return NGX_OK;
        }

        value.data = (u_char *) s.data;
        value.len = s.len;

    } else {
        json = json_dumps(claim, JSON_COMPACT|JSON_ENCODE_ANY);
        if (json == NULL) {
            return NGX_ERROR;
        }

        value.data = (u_char *) json;
        value.len = ngx_strlen(json);
    }

    text->data = ngx_pstrdup(r->pool, &value);
    text->len = value.len;

    free(json);

    return (text->data != NULL) ? NGX_OK : NGX_ERROR;
}
