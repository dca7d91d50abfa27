
/* what an upstream has in files: its key, and whom its certificate is from */

#include "ngx_http_realtime_upstream.h"


#define NGX_HTTP_REALTIME_KEY_MAX  4096


static ngx_int_t ngx_http_realtime_upstream_read_key(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_str_t *file);
static ssize_t ngx_http_realtime_upstream_read(u_char *name, u_char *data,
    size_t size);
static void ngx_http_realtime_upstream_wipe(void *data);


char *
ngx_http_realtime_upstream_set_key(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_str_t *file, ngx_str_t *header)
{
    u_char              *p;
    ngx_uint_t           i, bearer;
    ngx_pool_cleanup_t  *cln;

    static ngx_str_t  authorization = ngx_string("Authorization");

    if (header == NULL) {
        header = &authorization;
    }

    for (i = 0; i < header->len; i++) {
        if (!isalnum(header->data[i]) && header->data[i] != '-'
            && header->data[i] != '_')
        {
            break;
        }
    }

    if (header->len == 0 || i < header->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "realtime_api_key_file: \"%V\" is no name of a "
                           "header", header);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_realtime_upstream_read_key(cf, u, file) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    bearer = (header->len == authorization.len
              && ngx_strncasecmp(header->data, authorization.data,
                                 header->len) == 0);

    p = ngx_pnalloc(cf->pool, header->len + sizeof(": Bearer ") + u->key.len);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    u->key_header.data = p;

    p = ngx_sprintf(p, "%V: %s%V", header, bearer ? "Bearer " : "", &u->key);
    *p = '\0';

    u->key_header.len = p - u->key_header.data;

    /* one copy of the key is enough */

    ngx_explicit_memzero(u->key.data, u->key.len);
    u->key.data = p - u->key.len;

    cln->handler = ngx_http_realtime_upstream_wipe;
    cln->data = &u->key_header;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_realtime_upstream_read_key(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_str_t *file)
{
    char       *reason;
    u_char     *data;
    ssize_t     n;
    size_t      i;
    ngx_err_t   err;
    ngx_str_t   name;

    name = *file;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    data = ngx_pnalloc(cf->pool, NGX_HTTP_REALTIME_KEY_MAX + 1);
    if (data == NULL) {
        return NGX_ERROR;
    }

    n = ngx_http_realtime_upstream_read(name.data, data,
                                        NGX_HTTP_REALTIME_KEY_MAX + 1);
    err = (n == NGX_ERROR) ? ngx_errno : 0;

    reason = NULL;

    if (n == NGX_ERROR) {
        reason = "cannot be read";

    } else if (n > NGX_HTTP_REALTIME_KEY_MAX) {
        reason = "is too large for a key";

    } else {

        if (n > 0 && data[n - 1] == LF) {
            n--;

            if (n > 0 && data[n - 1] == CR) {
                n--;
            }
        }

        if (n == 0) {
            reason = "is empty";
        }

        /* anything else could end the header line */

        for (i = 0; i < (size_t) n; i++) {
            if (data[i] <= ' ' || data[i] >= 0x7f) {
                reason = "has a character that no key has";
            }
        }
    }

    if (reason != NULL) {
        ngx_explicit_memzero(data, NGX_HTTP_REALTIME_KEY_MAX + 1);
        ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                           "realtime_api_key_file \"%V\" %s", &name, reason);
        return NGX_ERROR;
    }

    u->key.data = data;
    u->key.len = n;

    return NGX_OK;
}


static void
ngx_http_realtime_upstream_wipe(void *data)
{
    ngx_str_t *s = data;

    ngx_explicit_memzero(s->data, s->len);
}


/* worker processes need no right to read it: requests without a client */

ngx_int_t
ngx_http_realtime_upstream_set_ca(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u)
{
    ssize_t           n;
    u_char           *name;
    ngx_file_info_t   fi;

    name = u->ssl_trusted_certificate.data;
    n = NGX_ERROR;

    if (ngx_file_info(name, &fi) != NGX_FILE_ERROR) {

        u->ca.data = ngx_pnalloc(cf->pool, ngx_file_size(&fi));
        if (u->ca.data == NULL) {
            return NGX_ERROR;
        }

        n = ngx_http_realtime_upstream_read(name, u->ca.data,
                                            ngx_file_size(&fi));
    }

    if (n == NGX_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "realtime_ssl_trusted_certificate \"%s\" cannot be read",
                      name);
        return NGX_ERROR;
    }

    u->ca.len = n;

    return NGX_OK;
}


/* up to size bytes of a file: how many; NGX_ERROR: ngx_errno says why */

static ssize_t
ngx_http_realtime_upstream_read(u_char *name, u_char *data, size_t size)
{
    size_t     len;
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_err_t  err;

    fd = ngx_open_file(name, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    len = 0;

    do {
        n = ngx_read_fd(fd, data + len, size - len);

        if (n > 0) {
            len += n;
        }

    } while (n > 0 && len < size);

    err = ngx_errno;
    (void) ngx_close_file(fd);
    ngx_set_errno(err);

    return (n == -1) ? NGX_ERROR : (ssize_t) len;
}
