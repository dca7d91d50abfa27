
#include "rt_buf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


void
rt_buf_add(rt_buf_t *b, const void *data, size_t len)
{
    char    *p;
    size_t   size;

    if (b->failed || len == 0) {
        return;
    }

    if (b->size - b->len < len) {

        if (len > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {
            b->failed = 1;
            return;
        }

        size = b->size ? b->size : 256;

        while (size - b->len < len) {
            size *= 2;
        }

        p = realloc(b->data, size);
        if (p == NULL) {
            b->failed = 1;
            return;
        }

        b->data = p;
        b->size = size;
    }

    memcpy(b->data + b->len, data, len);
    b->len += len;
}


void
rt_buf_str(rt_buf_t *b, const char *s)
{
    rt_buf_add(b, s, strlen(s));
}


void
rt_buf_int(rt_buf_t *b, int64_t n)
{
    int   len;
    char  text[24];

    len = snprintf(text, sizeof(text), "%" PRId64, n);
    rt_buf_add(b, text, len);
}


void
rt_buf_hex(rt_buf_t *b, const void *data, size_t len)
{
    char                  hex[2];
    const unsigned char  *p;

    static const char  digits[] = "0123456789abcdef";

    for (p = data; len--; p++) {
        hex[0] = digits[*p >> 4];
        hex[1] = digits[*p & 0xf];
        rt_buf_add(b, hex, sizeof(hex));
    }
}


int
rt_unhex(void *data, size_t len, rt_str_t text)
{
    char            c;
    size_t          i;
    unsigned char  *p, n;

    if (text.len != 2 * len) {
        return -1;
    }

    p = data;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (c >= '0' && c <= '9') {
            n = c - '0';

        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            n = (c | 0x20) - 'a' + 10;

        } else {
            return -1;
        }

        p[i / 2] = i % 2 ? p[i / 2] | n : n << 4;
    }

    return 0;
}


void
rt_buf_json(rt_buf_t *b, rt_str_t s)
{
    int         len;
    char        text[8];
    const char  *p, *end, *start;

    if (s.data == NULL) {
        rt_buf_str(b, "null");
        return;
    }

    rt_buf_str(b, "\"");

    start = s.data;
    end = s.data + s.len;

    for (p = start; p < end; p++) {

        if ((unsigned char) *p >= 0x20 && *p != '"' && *p != '\\') {
            continue;
        }

        rt_buf_add(b, start, p - start);
        start = p + 1;

        switch (*p) {

        case '"':
            rt_buf_str(b, "\\\"");
            break;

        case '\\':
            rt_buf_str(b, "\\\\");
            break;

        case '\n':
            rt_buf_str(b, "\\n");
            break;

        default:
            len = snprintf(text, sizeof(text), "\\u%04x", (unsigned char) *p);
            rt_buf_add(b, text, len);
        }
    }

    rt_buf_add(b, start, end - start);
    rt_buf_str(b, "\"");
}


void
rt_buf_free(rt_buf_t *b)
{
    free(b->data);
    memset(b, 0, sizeof(rt_buf_t));
}
