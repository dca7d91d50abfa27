
#include "ngx_http_realtime_auth_int.h"


/* OpenAI's SDK for browsers refuses a key that does not begin with it */
#define NGX_HTTP_REALTIME_EPHEMERAL    "ek_"

/* how a browser, which cannot set a header, hands a key to a WebSocket */
#define NGX_HTTP_REALTIME_SUBPROTOCOL  "openai-insecure-api-key."


static ngx_int_t ngx_http_realtime_auth_source(ngx_http_request_t *r,
    ngx_http_realtime_auth_source_t *source, ngx_str_t *value);
static ngx_str_t ngx_http_realtime_auth_bare(ngx_str_t value);
static ngx_uint_t ngx_http_realtime_auth_strip(ngx_str_t *value,
    char *prefix);
static ngx_uint_t ngx_http_realtime_auth_cross_site(ngx_http_request_t *r);
static ngx_str_t *ngx_http_realtime_auth_header(ngx_http_request_t *r,
    char *name);


ngx_http_realtime_auth_status_e
ngx_http_realtime_auth_token(ngx_http_request_t *r, ngx_array_t *sources,
    rt_str_t *token)
{
    ngx_str_t                         value;
    ngx_uint_t                        i;
    ngx_http_realtime_auth_source_t  *source;

    source = NULL;
    ngx_str_null(&value);

    if (sources == NULL) {

        /* another scheme's credentials are no token */

        if (r->headers_in.authorization != NULL) {
            value = r->headers_in.authorization->value;

            if (!ngx_http_realtime_auth_strip(&value, "Bearer ")) {
                return NGX_HTTP_REALTIME_AUTH_MISSING_TOKEN;
            }
        }

    } else {
        source = sources->elts;

        for (i = 0; i < sources->nelts && value.len == 0; i++) {
            if (ngx_http_realtime_auth_source(r, source, &value) != NGX_OK) {
                return NGX_HTTP_REALTIME_AUTH_FAILED;
            }

            source++;
        }

        source--;
    }

    value = ngx_http_realtime_auth_bare(value);

    if (value.len == 0) {
        return NGX_HTTP_REALTIME_AUTH_MISSING_TOKEN;
    }

    /* a browser sends a cookie for any page that asks it to */

    if (source != NULL
        && source->cookie
        && ngx_http_realtime_auth_cross_site(r))
    {
        return NGX_HTTP_REALTIME_AUTH_CROSS_SITE;
    }

    token->data = (char *) value.data;
    token->len = value.len;

    return NGX_HTTP_REALTIME_AUTH_OK;
}


static ngx_int_t
ngx_http_realtime_auth_source(ngx_http_request_t *r,
    ngx_http_realtime_auth_source_t *source, ngx_str_t *value)
{
    ngx_http_variable_value_t  *vv;

    vv = ngx_http_get_flushed_variable(r, source->index);
    if (vv == NULL) {
        return NGX_ERROR;
    }

    if (!vv->not_found) {
        value->data = vv->data;
        value->len = vv->len;
    }

    return NGX_OK;
}


/* the token in a header's or cookie's value (RFC 6750; RFC 6455, 11.3.4) */

static ngx_str_t
ngx_http_realtime_auth_bare(ngx_str_t value)
{
    u_char  *p;

    (void) ngx_http_realtime_auth_strip(&value, "Bearer ");

    p = memmem(value.data, value.len, NGX_HTTP_REALTIME_SUBPROTOCOL,
               sizeof(NGX_HTTP_REALTIME_SUBPROTOCOL) - 1);

    if (p != NULL
        && (p == value.data || p[-1] == ' ' || p[-1] == ','))
    {
        value.len -= p - value.data;
        value.data = p;
        (void) ngx_http_realtime_auth_strip(&value,
                                            NGX_HTTP_REALTIME_SUBPROTOCOL);

        p = ngx_strlchr(value.data, value.data + value.len, ',');
        if (p != NULL) {
            value.len = p - value.data;
        }
    }

    (void) ngx_http_realtime_auth_strip(&value, NGX_HTTP_REALTIME_EPHEMERAL);

    while (value.len && value.data[value.len - 1] == ' ') {
        value.len--;
    }

    return value;
}


/* a prefix in any case, and the blanks behind it */

static ngx_uint_t
ngx_http_realtime_auth_strip(ngx_str_t *value, char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    if (value->len < len
        || ngx_strncasecmp(value->data, (u_char *) prefix, len) != 0)
    {
        return 0;
    }

    value->data += len;
    value->len -= len;

    while (value->len && value->data[0] == ' ') {
        value->data++;
        value->len--;
    }

    return 1;
}


/* Fetch Metadata, and what older browsers have: Origin (RFC 6454) */

static ngx_uint_t
ngx_http_realtime_auth_cross_site(ngx_http_request_t *r)
{
    ngx_str_t  *site, *origin, *host;
    ngx_str_t   name;

    site = ngx_http_realtime_auth_header(r, "Sec-Fetch-Site");
    origin = ngx_http_realtime_auth_header(r, "Origin");

    if (site != NULL) {

        if ((site->len == sizeof("same-origin") - 1
             && ngx_strncmp(site->data, "same-origin", site->len) == 0)
            || (site->len == sizeof("none") - 1
                && ngx_strncmp(site->data, "none", site->len) == 0))
        {
            return 0;
        }

        if (site->len != sizeof("same-site") - 1
            || ngx_strncmp(site->data, "same-site", site->len) != 0)
        {
            return 1;
        }
    }

    if (origin == NULL) {
        return 0;
    }

    name = *origin;

    if (!ngx_http_realtime_auth_strip(&name, "https://")
        && !ngx_http_realtime_auth_strip(&name, "http://"))
    {
        return 1;
    }

    if (r->headers_in.host == NULL) {
        return 1;
    }

    host = &r->headers_in.host->value;

    return name.len != host->len
           || ngx_strncasecmp(name.data, host->data, host->len) != 0;
}


static ngx_str_t *
ngx_http_realtime_auth_header(ngx_http_request_t *r, char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == len
            && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
        {
            return &h[i].value;
        }
    }
}
