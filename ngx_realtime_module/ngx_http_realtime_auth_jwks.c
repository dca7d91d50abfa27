
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_realtime_auth_jwks.h"
#include "ngx_realtime_curl.h"


#define NGX_HTTP_REALTIME_JWKS_MAX      (64 * 1024)     /* bytes */
#define NGX_HTTP_REALTIME_JWKS_TIMEOUT  5000            /* ms, of a fetch */
#define NGX_HTTP_REALTIME_JWKS_RETRY    10              /* s, after a failure */
#define NGX_HTTP_REALTIME_JWKS_MISSED   30              /* s between two fetches
                                                           for unknown keys */
#define NGX_HTTP_REALTIME_JWKS_TICK     1000            /* ms */


static void ngx_http_realtime_jwks_free(void *data);
static ngx_http_realtime_jwks_slot_t *ngx_http_realtime_jwks_slot(
    ngx_http_realtime_zone_t *zone, ngx_str_t *url);
static void ngx_http_realtime_jwks_tick(ngx_event_t *ev);
static ngx_uint_t ngx_http_realtime_jwks_claim(
    ngx_http_realtime_jwks_t *jwks);
static void ngx_http_realtime_jwks_fetch(ngx_http_realtime_jwks_t *jwks);
static void ngx_http_realtime_jwks_fetched(ngx_realtime_curl_t *rc);
static ngx_int_t ngx_http_realtime_jwks_store(ngx_http_realtime_jwks_t *jwks,
    ngx_str_t *text);
static void ngx_http_realtime_jwks_done(ngx_http_realtime_jwks_t *jwks,
    time_t wait);


ngx_http_realtime_jwks_t *
ngx_http_realtime_jwks_add(ngx_conf_t *cf, ngx_array_t *sets, ngx_str_t *url,
    time_t refresh)
{
    ngx_url_t                   u;
    ngx_uint_t                  i;
    ngx_pool_cleanup_t         *cln;
    ngx_http_realtime_jwks_t   *jwks, **set;

    set = sets->elts;

    for (i = 0; i < sets->nelts; i++) {
        if (set[i]->url.len == url->len
            && ngx_memcmp(set[i]->url.data, url->data, url->len) == 0)
        {
            set[i]->refresh = ngx_min(set[i]->refresh, refresh);
            return set[i];
        }
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.uri_part = 1;

    if (ngx_strncasecmp(url->data, (u_char *) "https://", 8) == 0) {
        u.default_port = 443;
        u.url.data = url->data + 8;

    } else if (ngx_strncasecmp(url->data, (u_char *) "http://", 7) == 0) {
        u.default_port = 80;
        u.url.data = url->data + 7;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"realtime_jwks_uri\" \"%V\" does not begin with "
                           "http:// or https://", url);
        return NULL;
    }

    u.url.len = url->data + url->len - u.url.data;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK || u.naddrs == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"realtime_jwks_uri\" \"%V\": %s", url,
                           u.err ? u.err : "no address");
        return NULL;
    }

    jwks = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_jwks_t));
    set = ngx_array_push(sets);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (jwks == NULL || set == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_realtime_jwks_free;
    cln->data = jwks;

    if (ngx_realtime_addrs_init(cf, &jwks->addrs, &u) != NGX_OK) {
        return NULL;
    }

    jwks->url = *url;
    jwks->refresh = refresh;

    *set = jwks;

    return jwks;
}


static void
ngx_http_realtime_jwks_free(void *data)
{
    ngx_http_realtime_jwks_t  *jwks = data;

    rt_keys_free(jwks->keys);
}


void
ngx_http_realtime_jwks_resolver(ngx_conf_t *cf,
    ngx_http_realtime_jwks_t *jwks)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (jwks->addrs.resolver != NULL
        && jwks->addrs.resolver->connections.nelts)
    {
        return;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    jwks->addrs.resolver = clcf->resolver;
    jwks->addrs.timeout = clcf->resolver_timeout;
}


ngx_int_t
ngx_http_realtime_jwks_init(ngx_cycle_t *cycle, ngx_array_t *sets)
{
    ngx_uint_t                       i;
    ngx_http_realtime_jwks_t       **set, *jwks;
    ngx_http_realtime_main_conf_t   *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_realtime_module);
    set = sets->elts;

    for (i = 0; i < sets->nelts; i++) {
        jwks = set[i];

        jwks->zone = &rmcf->zone;
        jwks->slot = ngx_http_realtime_jwks_slot(jwks->zone, &jwks->url);

        if (jwks->slot == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "\"realtime_zone\" is too small for a JWK set");
            return NGX_ERROR;
        }

        jwks->dummy.fd = (ngx_socket_t) -1;
        jwks->dummy.data = jwks;

        jwks->timer.handler = ngx_http_realtime_jwks_tick;
        jwks->timer.data = &jwks->dummy;
        jwks->timer.log = cycle->log;
        jwks->timer.cancelable = 1;

        ngx_add_timer(&jwks->timer, 1);

        ngx_realtime_addrs_refresh(&jwks->addrs);
    }

    return NGX_OK;
}


static ngx_http_realtime_jwks_slot_t *
ngx_http_realtime_jwks_slot(ngx_http_realtime_zone_t *zone, ngx_str_t *url)
{
    ngx_queue_t                    *q;
    ngx_http_realtime_jwks_slot_t  *slot;

    ngx_shmtx_lock(&zone->shpool->mutex);

    for (q = ngx_queue_head(&zone->sh->jwks);
         q != ngx_queue_sentinel(&zone->sh->jwks);
         q = ngx_queue_next(q))
    {
        slot = ngx_queue_data(q, ngx_http_realtime_jwks_slot_t, queue);

        if (slot->url_len == url->len
            && ngx_memcmp(slot->url, url->data, url->len) == 0)
        {
            goto done;
        }
    }

    slot = ngx_slab_calloc_locked(zone->shpool,
                                  sizeof(ngx_http_realtime_jwks_slot_t)
                                  + url->len);
    if (slot != NULL) {
        slot->url_len = url->len;
        ngx_memcpy(slot->url, url->data, url->len);
        ngx_queue_insert_tail(&zone->sh->jwks, &slot->queue);
    }

done:

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return slot;
}


rt_keys_t *
ngx_http_realtime_jwks_keys(ngx_http_realtime_jwks_t *jwks)
{
    rt_str_t            text;
    rt_keys_t          *keys;
    rt_keys_error_t     err;
    ngx_slab_pool_t    *shpool;
    ngx_atomic_uint_t   generation;

    if (jwks->generation == jwks->slot->generation) {
        return jwks->keys;
    }

    text.data = NULL;
    shpool = jwks->zone->shpool;

    ngx_shmtx_lock(&shpool->mutex);

    generation = jwks->slot->generation;
    text.len = jwks->slot->len;

    if (text.len) {
        text.data = ngx_alloc(text.len, ngx_cycle->log);

        if (text.data != NULL) {
            ngx_memcpy((void *) text.data, jwks->slot->text, text.len);
        }
    }

    ngx_shmtx_unlock(&shpool->mutex);

    keys = rt_keys_create();

    if (text.data != NULL
        && keys != NULL
        && rt_keys_add_published(keys, text, &err) == 0)
    {
        rt_keys_free(jwks->keys);

        jwks->keys = keys;
        jwks->generation = generation;

    } else {
        rt_keys_free(keys);
    }

    ngx_free((void *) text.data);

    return jwks->keys;
}


ngx_uint_t
ngx_http_realtime_jwks_missed(ngx_http_realtime_jwks_t *jwks)
{
    time_t                          now;
    ngx_uint_t                      coming;
    ngx_http_realtime_jwks_slot_t  *slot;

    now = ngx_time();
    slot = jwks->slot;

    ngx_shmtx_lock(&jwks->zone->shpool->mutex);

    if (slot->due > now
        && now - slot->asked >= NGX_HTTP_REALTIME_JWKS_MISSED)
    {
        slot->due = now;
    }

    coming = (slot->busy > now || slot->due <= now);

    ngx_shmtx_unlock(&jwks->zone->shpool->mutex);

    return coming;
}


static void
ngx_http_realtime_jwks_tick(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_realtime_jwks_t  *jwks;

    c = ev->data;
    jwks = c->data;

    (void) ngx_http_realtime_jwks_keys(jwks);

    if (!ngx_exiting && ngx_http_realtime_jwks_claim(jwks)) {
        ngx_http_realtime_jwks_fetch(jwks);
    }

    ngx_add_timer(ev, NGX_HTTP_REALTIME_JWKS_TICK);
}


/* whether a fetch is due, which is this worker's then */

static ngx_uint_t
ngx_http_realtime_jwks_claim(ngx_http_realtime_jwks_t *jwks)
{
    time_t                          now;
    ngx_uint_t                      mine;
    ngx_http_realtime_jwks_slot_t  *slot;

    now = ngx_time();
    slot = jwks->slot;

    ngx_shmtx_lock(&jwks->zone->shpool->mutex);

    mine = (slot->due <= now && slot->busy <= now);

    if (mine) {
        slot->asked = now;
        slot->busy = now + 2 * NGX_HTTP_REALTIME_JWKS_TIMEOUT / 1000;
    }

    ngx_shmtx_unlock(&jwks->zone->shpool->mutex);

    return mine;
}


static void
ngx_http_realtime_jwks_fetch(ngx_http_realtime_jwks_t *jwks)
{
    ngx_realtime_addr_t  *addr;
    ngx_realtime_curl_t  *rc;

    rc = ngx_realtime_curl_create();

    if (rc != NULL) {
        addr = ngx_realtime_addrs_next(&jwks->addrs);

        rc->url = jwks->url;
        rc->addr.data = addr->text;
        rc->addr.len = addr->len;
        rc->connect_timeout = NGX_HTTP_REALTIME_JWKS_TIMEOUT;
        rc->timeout = NGX_HTTP_REALTIME_JWKS_TIMEOUT;
        rc->max_size = NGX_HTTP_REALTIME_JWKS_MAX;
        rc->handler = ngx_http_realtime_jwks_fetched;
        rc->data = jwks;

        if (ngx_realtime_curl_start(rc) == NGX_OK) {
            return;
        }

        ngx_realtime_curl_destroy(rc);
    }

    ngx_http_realtime_jwks_done(jwks, NGX_HTTP_REALTIME_JWKS_RETRY);
}


static void
ngx_http_realtime_jwks_fetched(ngx_realtime_curl_t *rc)
{
    int                        usable;
    rt_str_t                   text;
    rt_keys_t                 *keys;
    rt_keys_error_t            err;
    ngx_http_realtime_jwks_t  *jwks;

    jwks = rc->data;

    if (rc->status != NGX_HTTP_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime: no keys from \"%V\": status %ui %V",
                      &jwks->url, rc->status, &rc->error);
        goto failed;
    }

    text.data = (char *) rc->answer.data;
    text.len = rc->answer.len;

    keys = rt_keys_create();
    if (keys == NULL) {
        goto failed;
    }

    usable = (rt_keys_add_published(keys, text, &err) == 0);
    rt_keys_free(keys);

    if (!usable) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime: no keys from \"%V\": %s",
                      &jwks->url, err.text);
        goto failed;
    }

    if (ngx_http_realtime_jwks_store(jwks, &rc->answer) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime: \"realtime_zone\" has no room for the keys "
                      "from \"%V\"", &jwks->url);
        goto failed;
    }

    ngx_http_realtime_jwks_done(jwks, jwks->refresh);

    return;

failed:

    ngx_http_realtime_jwks_done(jwks,
                    ngx_min(jwks->refresh, NGX_HTTP_REALTIME_JWKS_RETRY));
}


/* the generation changes only with the text: verified tokens stay known */

static ngx_int_t
ngx_http_realtime_jwks_store(ngx_http_realtime_jwks_t *jwks, ngx_str_t *text)
{
    u_char                         *p;
    ngx_int_t                       rc;
    ngx_slab_pool_t                *shpool;
    ngx_http_realtime_jwks_slot_t  *slot;

    rc = NGX_OK;
    slot = jwks->slot;
    shpool = jwks->zone->shpool;

    ngx_shmtx_lock(&shpool->mutex);

    if (slot->len == text->len
        && ngx_memcmp(slot->text, text->data, text->len) == 0)
    {
        goto done;
    }

    p = ngx_slab_alloc_locked(shpool, text->len);

    if (p == NULL) {
        rc = NGX_ERROR;
        goto done;
    }

    ngx_memcpy(p, text->data, text->len);

    if (slot->text != NULL) {
        ngx_slab_free_locked(shpool, slot->text);
    }

    slot->text = p;
    slot->len = text->len;
    slot->generation++;

done:

    ngx_shmtx_unlock(&shpool->mutex);

    return rc;
}


static void
ngx_http_realtime_jwks_done(ngx_http_realtime_jwks_t *jwks, time_t wait)
{
    ngx_shmtx_lock(&jwks->zone->shpool->mutex);

    jwks->slot->due = ngx_time() + wait;
    jwks->slot->busy = 0;

    ngx_shmtx_unlock(&jwks->zone->shpool->mutex);
}
