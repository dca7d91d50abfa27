
#include "ngx_http_realtime_offer.h"

#include <openssl/core_names.h>

#include "ngx_realtime_peer.h"


#define NGX_HTTP_REALTIME_URL          "https://api.openai.com/v1"
#define NGX_HTTP_REALTIME_ANSWER_SIZE  (16 * 1024)


static char *ngx_http_realtime_offer_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_realtime_offer_upstream(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_realtime_offer_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_realtime_offer_init(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf);
static ngx_int_t ngx_http_realtime_offer_init_http(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf);
static ngx_int_t ngx_http_realtime_offer_init_mac(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf);
static void ngx_http_realtime_offer_free_mac(void *data);


static ngx_conf_enum_t  ngx_http_realtime_offer_errors[] = {
    { ngx_string("compat"), 0 },
    { ngx_string("gateway"), 1 },
    { ngx_null_string, 0 }
};


ngx_command_t  ngx_http_realtime_offer_commands[] = {

    { ngx_string("realtime_offer"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_realtime_offer_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_upstream"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_realtime_offer_upstream,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_api_key_file"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_realtime_offer_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_models"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_offer_models_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_model_alias"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_http_realtime_offer_alias_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_session"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_offer_session_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_safety_identifier"),
      NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_offer_loc_conf_t, safety_identifier),
      NULL },

    { ngx_string("realtime_connect_timeout"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_offer_loc_conf_t, connect_timeout),
      NULL },

    { ngx_string("realtime_timeout"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_offer_loc_conf_t, timeout),
      NULL },

    { ngx_string("realtime_offer_max_size"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_offer_loc_conf_t, max_size),
      NULL },

    { ngx_string("realtime_errors"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_offer_loc_conf_t, gateway),
      &ngx_http_realtime_offer_errors },

    { ngx_string("realtime_ssl_verify"),
      NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_offer_loc_conf_t, ssl_verify),
      NULL },

    { ngx_string("realtime_ssl_trusted_certificate"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_offer_loc_conf_t, ssl_trusted_certificate),
      NULL },

      ngx_null_command
};


static char *
ngx_http_realtime_offer_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_realtime_set_handler(cf, ngx_http_realtime_offer_handler);
}


static char *
ngx_http_realtime_offer_upstream(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_realtime_offer_loc_conf_t *olcf = conf;

    u_char      *p;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (olcf->upstream.url.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "api=calls") == 0) {
            olcf->upstream.api = NGX_HTTP_REALTIME_API_CALLS;
            continue;
        }

        if (ngx_strcmp(value[i].data, "api=sdp") == 0) {
            olcf->upstream.api = NGX_HTTP_REALTIME_API_SDP;
            continue;
        }

        if (ngx_strncmp(value[i].data, "name=", 5) == 0 && value[i].len > 5) {

            for (p = &value[i].data[5]; *p; p++) {
                if (!isalnum(*p) && *p != '.' && *p != '-' && *p != '_') {
                    return "has a name= that is no host";
                }
            }

            olcf->upstream.name.data = &value[i].data[5];
            olcf->upstream.name.len = value[i].len - 5;
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of realtime_upstream",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_realtime_upstream_set_url(cf, &olcf->upstream, &value[1]);
}


static char *
ngx_http_realtime_offer_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_realtime_offer_loc_conf_t *olcf = conf;

    ngx_str_t  *value, header;

    if (olcf->upstream.key.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2) {
        return ngx_http_realtime_upstream_set_key(cf, &olcf->upstream,
                                                  &value[1], NULL);
    }

    if (ngx_strncmp(value[2].data, "header=", 7) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of realtime_api_key_file",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    header.data = value[2].data + 7;
    header.len = value[2].len - 7;

    return ngx_http_realtime_upstream_set_key(cf, &olcf->upstream, &value[1],
                                              &header);
}


void *
ngx_http_realtime_offer_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_realtime_offer_main_conf_t  *omcf;

    omcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_offer_main_conf_t));
    if (omcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&omcf->upstreams, cf->pool, 4, sizeof(void *))
        != NGX_OK)
    {
        return NULL;
    }

    return omcf;
}


void *
ngx_http_realtime_offer_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_offer_srv_conf_t));
}


void *
ngx_http_realtime_offer_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_realtime_offer_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_offer_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->timeout = NGX_CONF_UNSET_MSEC;
    conf->max_size = NGX_CONF_UNSET_SIZE;
    conf->gateway = NGX_CONF_UNSET_UINT;
    conf->safety_identifier = NGX_CONF_UNSET;
    conf->ssl_verify = NGX_CONF_UNSET;

    return conf;
}


char *
ngx_http_realtime_offer_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_realtime_offer_loc_conf_t *prev = parent;
    ngx_http_realtime_offer_loc_conf_t *conf = child;

    ngx_str_t                      key, key_header;
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_realtime_loc_conf_t  *rlcf;

    static ngx_str_t  url = ngx_string(NGX_HTTP_REALTIME_URL);

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    rlcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_realtime_module);

    if (clcf->lmt_excpt || clcf->noname) {
        *conf = *prev;

        if (rlcf->handler == ngx_http_realtime_offer_handler) {
            ngx_http_realtime_set_body_max_size(cf, conf->max_size);
        }

        return NGX_CONF_OK;
    }

    if (conf->upstream.url.data == NULL) {
        key = conf->upstream.key;
        key_header = conf->upstream.key_header;
        conf->upstream = prev->upstream;
        conf->upstream.key = key;
        conf->upstream.key_header = key_header;
    }

    if (conf->upstream.key.data == NULL) {
        conf->upstream.key = prev->upstream.key;
        conf->upstream.key_header = prev->upstream.key_header;
    }

    if (conf->models == NULL) {
        conf->models = prev->models;
    }

    if (conf->aliases == NULL) {
        conf->aliases = prev->aliases;
    }

    if (conf->session == NULL) {
        conf->session = prev->session;
    }

    ngx_conf_merge_msec_value(conf->connect_timeout, prev->connect_timeout,
                              5000);
    ngx_conf_merge_msec_value(conf->timeout, prev->timeout, 30000);
    ngx_conf_merge_size_value(conf->max_size, prev->max_size, 64 * 1024);
    ngx_conf_merge_uint_value(conf->gateway, prev->gateway, 0);
    ngx_conf_merge_value(conf->safety_identifier, prev->safety_identifier, 1);
    ngx_conf_merge_value(conf->ssl_verify, prev->ssl_verify, 1);
    ngx_conf_merge_str_value(conf->ssl_trusted_certificate,
                             prev->ssl_trusted_certificate, "");

    if (rlcf->handler != ngx_http_realtime_offer_handler) {
        return NGX_CONF_OK;
    }

    if (conf->upstream.key.data == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "realtime_offer in location \"%V\" needs "
                      "realtime_api_key_file", &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->connect_timeout == 0 || conf->timeout == 0
        || conf->max_size == 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "realtime_connect_timeout, realtime_timeout and "
                      "realtime_offer_max_size in location \"%V\" must not "
                      "be 0", &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->upstream.url.data == NULL
        && ngx_http_realtime_upstream_set_url(cf, &conf->upstream, &url)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_realtime_offer_init(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_http_realtime_set_body_max_size(cf, conf->max_size);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_realtime_offer_init(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf)
{
    ngx_http_realtime_upstream_t         **u;
    ngx_http_realtime_offer_srv_conf_t    *oscf;
    ngx_http_realtime_offer_main_conf_t   *omcf;

    conf->upstream.connect_timeout = conf->connect_timeout;
    conf->upstream.timeout = conf->timeout;
    conf->upstream.ssl_verify = conf->ssl_verify;

    if (conf->ssl_trusted_certificate.len
        && ngx_conf_full_name(cf->cycle, &conf->ssl_trusted_certificate, 1)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    conf->upstream.ssl_trusted_certificate = conf->ssl_trusted_certificate;

    if (ngx_http_realtime_offer_init_http(cf, conf) != NGX_OK
        || ngx_http_realtime_offer_init_models(cf, conf) != NGX_OK
        || ngx_http_realtime_offer_init_request(cf, conf) != NGX_OK
        || ngx_http_realtime_offer_init_mac(cf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    oscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_realtime_offer_module);
    if (oscf->models == NULL) {
        oscf->models = conf->models;
    }

    omcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_realtime_offer_module);

    u = ngx_array_push(&omcf->upstreams);
    if (u == NULL) {
        return NGX_ERROR;
    }

    *u = &conf->upstream;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_offer_init_http(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf)
{
    ngx_http_upstream_conf_t  *http;

    http = &conf->http;

    if (ngx_http_realtime_upstream_init(cf, &conf->upstream, &http->ssl)
        != NGX_CONF_OK)
    {
        return NGX_ERROR;
    }

    conf->ssl_name.value = conf->upstream.name;

    http->upstream = conf->upstream.servers;

    http->connect_timeout = conf->connect_timeout;
    http->send_timeout = conf->timeout;
    http->read_timeout = conf->timeout;

    http->buffer_size = NGX_HTTP_REALTIME_ANSWER_SIZE;

    http->ssl_session_reuse = 1;
    http->ssl_server_name = 1;
    http->ssl_verify = conf->ssl_verify;
    http->ssl_name = &conf->ssl_name;

    /* without ..._FT_NON_IDEMPOTENT: what was sent is not sent again */

    http->next_upstream = NGX_HTTP_UPSTREAM_FT_ERROR
                          |NGX_HTTP_UPSTREAM_FT_TIMEOUT;

    http->ignore_client_abort = 1;

    ngx_str_set(&http->module, "realtime");

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_offer_init_mac(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf)
{
    EVP_MAC             *mac;
    OSSL_PARAM           params[2];
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    if (mac != NULL) {
        conf->mac = EVP_MAC_CTX_new(mac);
        EVP_MAC_free(mac);
    }

    cln->handler = ngx_http_realtime_offer_free_mac;
    cln->data = conf->mac;

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 "SHA256", 0);
    params[1] = OSSL_PARAM_construct_end();

    if (conf->mac == NULL
        || EVP_MAC_init(conf->mac, conf->upstream.key.data,
                        conf->upstream.key.len, params)
           != 1)
    {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0, "EVP_MAC_init() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_realtime_offer_free_mac(void *data)
{
    EVP_MAC_CTX_free(data);
}


ngx_int_t
ngx_http_realtime_offer_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                            i;
    ngx_realtime_addrs_t                 *addrs;
    ngx_http_realtime_upstream_t        **u;
    ngx_http_realtime_offer_main_conf_t  *omcf;

    omcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_realtime_offer_module);
    if (omcf == NULL || !ngx_http_realtime_is_worker()) {
        return NGX_OK;
    }

    u = omcf->upstreams.elts;

    for (i = 0; i < omcf->upstreams.nelts; i++) {
        addrs = ngx_realtime_peer_addrs(u[i]->servers);

        if (addrs != NULL) {
            ngx_realtime_addrs_refresh(addrs);
        }
    }

    return NGX_OK;
}


ngx_array_t *
ngx_http_realtime_offer_server_models(ngx_http_request_t *r)
{
    ngx_http_realtime_offer_srv_conf_t  *oscf;

    oscf = ngx_http_get_module_srv_conf(r, ngx_http_realtime_offer_module);

    return oscf->models;
}
