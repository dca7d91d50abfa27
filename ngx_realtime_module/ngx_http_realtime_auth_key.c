
#include "ngx_http_realtime_auth_int.h"


/* a set of keys with its certificates */
#define NGX_HTTP_REALTIME_KEY_FILE_MAX  (256 * 1024)

#define NGX_HTTP_REALTIME_JWKS_REFRESH  600     /* seconds */


static ngx_int_t ngx_http_realtime_auth_read_key(ngx_conf_t *cf,
    ngx_str_t *name, rt_str_t *data);
static void ngx_http_realtime_auth_free_keys(void *data);


char *
ngx_http_realtime_jwt_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_realtime_auth_conf_t  *acf = conf;

    int                  rc;
    rt_alg_e             alg;
    rt_str_t             kid, data, name;
    ngx_str_t           *value;
    ngx_uint_t           i;
    rt_keys_error_t      err;
    ngx_pool_cleanup_t  *cln;

    value = cf->args->elts;

    alg = RT_ALG_NONE;
    kid.data = NULL;
    kid.len = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "alg=", 4) == 0) {
            name.data = (char *) value[i].data + 4;
            name.len = value[i].len - 4;

            alg = rt_alg(name);
            if (alg != RT_ALG_NONE) {
                continue;
            }

        } else if (ngx_strncmp(value[i].data, "kid=", 4) == 0
                   && value[i].len > 4)
        {
            kid.data = (char *) value[i].data + 4;
            kid.len = value[i].len - 4;
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of \"%V\"",
                           &value[i], &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (acf->keys == NULL) {
        cln = ngx_pool_cleanup_add(cf->pool, 0);
        if (cln == NULL) {
            return NGX_CONF_ERROR;
        }

        acf->keys = rt_keys_create();
        if (acf->keys == NULL) {
            return NGX_CONF_ERROR;
        }

        cln->handler = ngx_http_realtime_auth_free_keys;
        cln->data = acf->keys;
    }

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK
        || ngx_http_realtime_auth_read_key(cf, &value[1], &data) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rc = rt_keys_add(acf->keys, data, alg, kid, &err);

    ngx_explicit_memzero((void *) data.data, data.len);
    ngx_free((void *) data.data);

    if (rc != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" \"%V\": %s",
                           &cmd->name, &value[1], err.text);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* the data are in the heap: a pool would keep them after they were wiped */

static ngx_int_t
ngx_http_realtime_auth_read_key(ngx_conf_t *cf, ngx_str_t *name,
    rt_str_t *data)
{
    u_char     *buf;
    ssize_t     n, size;
    ngx_fd_t    fd;
    ngx_err_t   err;

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"realtime_jwt_key\": " ngx_open_file_n
                           " \"%V\" failed", name);
        return NGX_ERROR;
    }

    size = 0;
    err = 0;

    buf = ngx_alloc(NGX_HTTP_REALTIME_KEY_FILE_MAX + 1, cf->log);

    while (buf != NULL && size <= NGX_HTTP_REALTIME_KEY_FILE_MAX) {

        n = ngx_read_fd(fd, buf + size,
                        NGX_HTTP_REALTIME_KEY_FILE_MAX + 1 - size);

        if (n == -1) {
            err = ngx_errno;
        }

        if (n <= 0) {
            break;
        }

        size += n;
    }

    (void) ngx_close_file(fd);

    if (buf == NULL) {
        return NGX_ERROR;
    }

    if (err || size > NGX_HTTP_REALTIME_KEY_FILE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                           "\"realtime_jwt_key\" \"%V\": %s", name,
                           err ? "it cannot be read" : "it is too large");
        ngx_explicit_memzero(buf, size);
        ngx_free(buf);
        return NGX_ERROR;
    }

    data->data = (char *) buf;
    data->len = size;

    return NGX_OK;
}


static void
ngx_http_realtime_auth_free_keys(void *data)
{
    rt_keys_free(data);
}


char *
ngx_http_realtime_jwks_uri(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_realtime_auth_conf_t  *acf = conf;

    time_t                               refresh;
    ngx_str_t                           *value, s;
    ngx_http_realtime_auth_main_conf_t  *amcf;

    if (acf->jwks != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;
    refresh = NGX_HTTP_REALTIME_JWKS_REFRESH;

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "refresh=", 8) == 0) {
            s.data = value[2].data + 8;
            s.len = value[2].len - 8;

            refresh = ngx_parse_time(&s, 1);

        } else {
            refresh = NGX_ERROR;
        }

        if (refresh == (time_t) NGX_ERROR || refresh == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" of \"%V\"",
                               &value[2], &cmd->name);
            return NGX_CONF_ERROR;
        }
    }

    amcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_realtime_auth_module);

    acf->jwks = ngx_http_realtime_jwks_add(cf, &amcf->jwks, &value[1],
                                           refresh);

    return (acf->jwks != NULL) ? NGX_CONF_OK : NGX_CONF_ERROR;
}
