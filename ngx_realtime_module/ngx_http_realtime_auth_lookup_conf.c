
#include "ngx_http_realtime_auth_lookup.h"
#include "ngx_http_realtime_store.h"


/* ms; how long a ban may go unseen */
#define NGX_HTTP_REALTIME_TTL          30000
#define NGX_HTTP_REALTIME_TTL_MIN      1000
#define NGX_HTTP_REALTIME_TTL_MAX      3600000


typedef struct {
    char    *name;
    char    *value;     /* where it is not given */
    size_t   offset;
} ngx_http_realtime_lookup_field_t;


static ngx_int_t ngx_http_realtime_lookup_param(
    ngx_http_realtime_lookup_t *lookup, ngx_str_t *param);


static ngx_http_realtime_lookup_field_t  ngx_http_realtime_lookup_fields[] = {
    { "match=", "email", offsetof(rt_store_lookup_t, match) },
    { "id=", "_id", offsetof(rt_store_lookup_t, id) },
    { "roles=", "roles", offsetof(rt_store_lookup_t, roles) },
    { "active=", "is_active", offsetof(rt_store_lookup_t, active) },
    { NULL, NULL, 0 }
};


char *
ngx_http_realtime_user_lookup(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_realtime_auth_main_conf_t *amcf = conf;

    ngx_str_t                         *value;
    ngx_uint_t                         i;
    const char                       **field;
    rt_store_error_t                   err;
    ngx_http_realtime_lookup_t        *lookup;
    ngx_http_realtime_lookup_field_t  *f;

    if (amcf->lookup != NULL) {
        return "is duplicate";
    }

    lookup = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_lookup_t));
    if (lookup == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    lookup->ttl = NGX_CONF_UNSET_MSEC;
    lookup->fields.collection = (char *) value[1].data;

    ngx_crc32_init(lookup->rules);
    ngx_crc32_update(&lookup->rules, value[1].data, value[1].len + 1);

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_realtime_lookup_param(lookup, &value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid or duplicate parameter of "
                               "\"realtime_user_lookup\": \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        ngx_crc32_update(&lookup->rules, value[i].data, value[i].len + 1);
    }

    for (f = ngx_http_realtime_lookup_fields; f->name; f++) {
        field = (const char **) ((char *) &lookup->fields + f->offset);

        if (*field == NULL) {
            *field = f->value;
        }
    }

    ngx_conf_init_msec_value(lookup->ttl, NGX_HTTP_REALTIME_TTL);

    if (lookup->ttl < NGX_HTTP_REALTIME_TTL_MIN
        || lookup->ttl > NGX_HTTP_REALTIME_TTL_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"ttl\" of \"realtime_user_lookup\" must be "
                           "between 1s and 1h");
        return NGX_CONF_ERROR;
    }

    if (rt_store_check_lookup(&lookup->fields, &err) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"realtime_user_lookup\": %s", err.text);
        return NGX_CONF_ERROR;
    }

    amcf->lookup = lookup;

    ngx_http_realtime_store_need(cf, "realtime_user_lookup");

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_realtime_lookup_param(ngx_http_realtime_lookup_t *lookup,
    ngx_str_t *param)
{
    size_t                              len;
    ngx_str_t                           s;
    ngx_int_t                           ttl;
    const char                        **field;
    ngx_http_realtime_lookup_field_t   *f;

    /* words of the configuration end in a NUL */

    for (f = ngx_http_realtime_lookup_fields; f->name; f++) {
        len = ngx_strlen(f->name);

        if (ngx_strncmp(param->data, f->name, len) != 0) {
            continue;
        }

        field = (const char **) ((char *) &lookup->fields + f->offset);

        if (*field != NULL) {
            return NGX_ERROR;
        }

        *field = (char *) param->data + len;

        return NGX_OK;
    }

    if (ngx_strncmp(param->data, "ttl=", 4) != 0
        || lookup->ttl != NGX_CONF_UNSET_MSEC)
    {
        return NGX_ERROR;
    }

    s.data = param->data + 4;
    s.len = param->len - 4;

    ttl = ngx_parse_time(&s, 0);

    if (ttl == NGX_ERROR) {
        return NGX_ERROR;
    }

    lookup->ttl = ttl;

    return NGX_OK;
}
