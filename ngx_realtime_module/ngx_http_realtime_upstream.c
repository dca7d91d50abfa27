
#include "ngx_http_realtime_upstream.h"
#include "ngx_realtime_peer.h"


#define NGX_HTTP_REALTIME_SSL_DEPTH  9


static ngx_int_t ngx_http_realtime_upstream_set_host(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_url_t *url);
static ngx_int_t ngx_http_realtime_upstream_string(ngx_conf_t *cf,
    ngx_str_t *dst, u_char *data, size_t len);
static ngx_int_t ngx_http_realtime_upstream_servers(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u);
static ngx_http_upstream_srv_conf_t *ngx_http_realtime_upstream_block(
    ngx_conf_t *cf, ngx_url_t *url);
static ngx_ssl_t *ngx_http_realtime_upstream_ssl(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u);
static void ngx_http_realtime_upstream_parse(ngx_http_realtime_upstream_t *u,
    ngx_url_t *url);


char *
ngx_http_realtime_upstream_set_url(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_str_t *url)
{
    u_char     *p, *last;
    ngx_url_t   parsed;

    if (ngx_http_realtime_upstream_string(cf, &u->url, url->data, url->len)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_strncasecmp(u->url.data, (u_char *) "https://", 8) == 0) {
        ngx_str_set(&u->scheme, "https");

    } else if (ngx_strncasecmp(u->url.data, (u_char *) "http://", 7) == 0) {
        ngx_str_set(&u->scheme, "http");

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "realtime_upstream \"%V\" does not begin with "
                           "\"http://\" or \"https://\"", url);
        return NGX_CONF_ERROR;
    }

    last = u->url.data + u->url.len;

    for (p = u->url.data; p < last; p++) {

        if (*p <= ' ' || *p >= 0x7f || *p == '?' || *p == '#' || *p == '@'
            || *p == '"')
        {
            /* which may hold a password: it stays out of the log */

            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "realtime_upstream is no URL of a scheme, a "
                               "host and a path alone");
            return NGX_CONF_ERROR;
        }
    }

    ngx_http_realtime_upstream_parse(u, &parsed);
    parsed.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &parsed) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in realtime_upstream \"%V\"",
                           parsed.err ? parsed.err : "invalid URL", url);
        return NGX_CONF_ERROR;
    }

    while (parsed.uri.len && parsed.uri.data[parsed.uri.len - 1] == '/') {
        parsed.uri.len--;
    }

    u->port = parsed.port;

    if (ngx_http_realtime_upstream_string(cf, &u->path, parsed.uri.data,
                                          parsed.uri.len)
        != NGX_OK
        || ngx_http_realtime_upstream_set_host(cf, u, &parsed) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_http_realtime_upstream_parse(ngx_http_realtime_upstream_t *u,
    ngx_url_t *url)
{
    size_t  skip;

    skip = u->scheme.len + sizeof("://") - 1;

    ngx_memzero(url, sizeof(ngx_url_t));

    url->url.data = u->url.data + skip;
    url->url.len = u->url.len - skip;
    url->default_port = (u->scheme.len == 5) ? 443 : 80;
    url->uri_part = 1;
}


/* what the API is called: u->name where name= was given, else the host */

static ngx_int_t
ngx_http_realtime_upstream_set_host(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_url_t *url)
{
    u_char     *p;
    ngx_str_t   host;

    static ngx_str_t  local = ngx_string("localhost");

    host = (url->family == AF_UNIX) ? local : url->host;

    if (u->name.data != NULL) {
        host = u->name;

    } else if (ngx_http_realtime_upstream_string(cf, &u->name, host.data,
                                                 host.len)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(cf->pool, host.len + sizeof(":65535"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    u->host.data = p;

    p = ngx_cpymem(p, host.data, host.len);

    if (!url->no_port && url->port != url->default_port
        && url->family != AF_UNIX)
    {
        p = ngx_sprintf(p, ":%ui", (ngx_uint_t) url->port);
    }

    *p = '\0';
    u->host.len = p - u->host.data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_upstream_string(ngx_conf_t *cf, ngx_str_t *dst, u_char *data,
    size_t len)
{
    dst->len = len;
    dst->data = ngx_pnalloc(cf->pool, len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    *ngx_cpymem(dst->data, data, len) = '\0';

    return NGX_OK;
}


char *
ngx_http_realtime_upstream_init(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_ssl_t **ssl)
{
    *ssl = NULL;

    if (ngx_http_realtime_upstream_servers(cf, u) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (u->scheme.len == sizeof("https") - 1) {
        *ssl = ngx_http_realtime_upstream_ssl(cf, u);

        if (*ssl == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_realtime_upstream_servers(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u)
{
    ngx_url_t                  url;
    ngx_realtime_addrs_t      *addrs;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    ngx_http_realtime_upstream_parse(u, &url);
    url.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        return NGX_ERROR;
    }

    u->servers = ngx_http_realtime_upstream_block(cf, &url);

    if (u->servers != NULL) {
        return NGX_OK;
    }

    if (url.naddrs == 0) {
        url.no_resolve = 0;

        if (ngx_inet_resolve_host(cf->pool, &url) != NGX_OK) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "%s in realtime_upstream \"%V\" of location \"%V\"",
                          url.err ? url.err : "host not found", &u->url,
                          &clcf->name);
            return NGX_ERROR;
        }
    }

    u->servers = ngx_realtime_peer_create(cf, &url);

    if (u->servers == NULL) {
        return NGX_ERROR;
    }

    addrs = ngx_realtime_peer_addrs(u->servers);
    addrs->resolver = clcf->resolver;
    addrs->timeout = clcf->resolver_timeout;

    return NGX_OK;
}


/* nginx has set up the "upstream {}" blocks before locations are merged */

static ngx_http_upstream_srv_conf_t *
ngx_http_realtime_upstream_block(ngx_conf_t *cf, ngx_url_t *url)
{
    ngx_uint_t                       i;
    ngx_http_upstream_srv_conf_t   **us;
    ngx_http_upstream_main_conf_t   *umcf;

    if (!url->no_port || url->family == AF_UNIX) {
        return NULL;
    }

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    us = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (us[i]->servers != NULL
            && us[i]->host.len == url->host.len
            && ngx_strncasecmp(us[i]->host.data, url->host.data,
                               url->host.len) == 0)
        {
            return us[i];
        }
    }

    return NULL;
}


static ngx_ssl_t *
ngx_http_realtime_upstream_ssl(ngx_conf_t *cf, ngx_http_realtime_upstream_t *u)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NULL;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NULL;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (ngx_ssl_client_session_cache(cf, ssl, 1) != NGX_OK) {
        return NULL;
    }

    if (!u->ssl_verify) {
        return ssl;
    }

    if (u->ssl_trusted_certificate.len) {

        if (ngx_ssl_trusted_certificate(cf, ssl, &u->ssl_trusted_certificate,
                                        NGX_HTTP_REALTIME_SSL_DEPTH)
            != NGX_OK
            || ngx_http_realtime_upstream_set_ca(cf, u) != NGX_OK)
        {
            return NULL;
        }

        return ssl;
    }

    SSL_CTX_set_verify_depth(ssl->ctx, NGX_HTTP_REALTIME_SSL_DEPTH);

    if (SSL_CTX_set_default_verify_paths(ssl->ctx) == 0) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NULL;
    }

    return ssl;
}


ngx_int_t
ngx_http_realtime_upstream_addr(ngx_http_realtime_upstream_t *u,
    ngx_str_t *addr)
{
    ngx_uint_t                   i, n;
    ngx_addr_t                  *a;
    ngx_realtime_addr_t         *next;
    ngx_realtime_addrs_t        *addrs;
    ngx_http_upstream_server_t  *server;

    static ngx_uint_t  turn;

    addrs = ngx_realtime_peer_addrs(u->servers);

    if (addrs != NULL) {
        next = ngx_realtime_addrs_next(addrs);
        addr->data = next->text;
        addr->len = next->len;

        return NGX_OK;
    }

    server = u->servers->servers->elts;
    n = u->servers->servers->nelts;

    for (i = 0; i < n; i++, turn++) {

        if (server[turn % n].down || server[turn % n].backup
            || server[turn % n].naddrs == 0)
        {
            continue;
        }

        a = &server[turn % n].addrs[turn / n % server[turn % n].naddrs];
        *addr = a->name;
        turn++;

        return NGX_OK;
    }

    return NGX_DECLINED;
}
