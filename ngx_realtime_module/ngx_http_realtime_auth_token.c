
#include "ngx_http_realtime_auth_int.h"


/* OpenAI's SDK for browsers refuses a key that does not begin with it */
#define NGX_HTTP_REALTIME_EPHEMERAL  "ek_"


static ngx_str_t ngx_http_realtime_auth_bearer(ngx_str_t value);


ngx_int_t
ngx_http_realtime_auth_token(ngx_http_request_t *r, rt_str_t *token)
{
    ngx_str_t  value;

    if (r->headers_in.authorization == NULL) {
        return NGX_DECLINED;
    }

    value = ngx_http_realtime_auth_bearer(r->headers_in.authorization->value);

    if (value.len > sizeof(NGX_HTTP_REALTIME_EPHEMERAL) - 1
        && ngx_strncmp(value.data, NGX_HTTP_REALTIME_EPHEMERAL,
                       sizeof(NGX_HTTP_REALTIME_EPHEMERAL) - 1)
           == 0)
    {
        value.data += sizeof(NGX_HTTP_REALTIME_EPHEMERAL) - 1;
        value.len -= sizeof(NGX_HTTP_REALTIME_EPHEMERAL) - 1;
    }

    if (value.len == 0) {
        return NGX_DECLINED;
    }

    token->data = (char *) value.data;
    token->len = value.len;

    return NGX_OK;
}


/* what follows "Bearer"; empty for another scheme (RFC 6750, 7235) */

static ngx_str_t
ngx_http_realtime_auth_bearer(ngx_str_t value)
{
    static ngx_str_t  none = ngx_null_string;

    if (value.len < sizeof("Bearer ") - 1
        || ngx_strncasecmp(value.data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           != 0)
    {
        return none;
    }

    value.data += sizeof("Bearer ") - 1;
    value.len -= sizeof("Bearer ") - 1;

    while (value.len && value.data[0] == ' ') {
        value.data++;
        value.len--;
    }

    return value;
}
