
#include "ngx_realtime_reply.h"


ngx_int_t
ngx_http_realtime_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    r->headers_out.status = status;
    r->headers_out.content_length_n = body->len;

    /* it has no validators, and 304 or 412 would hide what was done */

    r->disable_not_modified = 1;

    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = (body->len != 0);
    b->sync = (body->len == 0);
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_realtime_send_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    static ngx_str_t  type = ngx_string("application/json");

    return ngx_http_realtime_send(r, status, &type, body);
}


ngx_int_t
ngx_http_realtime_add_header(ngx_http_request_t *r, char *name,
    ngx_str_t *value)
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
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;
    h->lowcase_key = NULL;

    return NGX_OK;
}


ngx_uint_t
ngx_http_realtime_is_type(ngx_http_request_t *r, char *type)
{
    size_t      len;
    ngx_str_t  *value;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    value = &r->headers_in.content_type->value;
    len = ngx_strlen(type);

    if (value->len < len
        || ngx_strncasecmp(value->data, (u_char *) type, len) != 0)
    {
        return 0;
    }

    return value->len == len
           || value->data[len] == ';'
           || value->data[len] == ' '
           || value->data[len] == '\t';
}


ngx_uint_t
ngx_http_realtime_accepts(ngx_http_request_t *r, char *type)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    /* headers_in.accept is not there in every build */

    len = ngx_strlen(type);
    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return 0;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == sizeof("Accept") - 1
            && ngx_strncasecmp(h[i].key.data, (u_char *) "Accept",
                               sizeof("Accept") - 1)
               == 0
            && ngx_strlcasestrn(h[i].value.data,
                                h[i].value.data + h[i].value.len,
                                (u_char *) type, len - 1)
               != NULL)
        {
            return 1;
        }
    }
}


u_char *
ngx_realtime_json_string(u_char *p, ngx_str_t *s)
{
    size_t     n;
    u_char    *pos, *next, *tail, *last;
    uint32_t   ch;

    pos = s->data;
    last = s->data + s->len;
    n = 2;

    if (p != NULL) {
        *p++ = '"';
    }

    while (pos < last) {

        next = pos;
        ch = *pos;

        if (ch < 0x80) {
            next++;

        } else {
            ch = ngx_utf8_decode(&next, last - pos);

            /* which takes any byte above 0x7f for a continuation */

            for (tail = pos + 1; tail < next; tail++) {
                if ((*tail & 0xc0) != 0x80) {
                    ch = 0xffffffff;
                }
            }
        }

        if (ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff)) {
            next = pos + 1;

            if (p != NULL) {
                p = ngx_cpymem(p, "\xef\xbf\xbd", 3);
            }

            n += 3;

        } else if (p != NULL) {
            p = (u_char *) ngx_escape_json(p, pos, next - pos);

        } else {
            n += next - pos + ngx_escape_json(NULL, pos, next - pos);
        }

        pos = next;
    }

    if (p == NULL) {
        return (u_char *) n;
    }

    *p++ = '"';

    return p;
}
