
#include "ngx_http_realtime_auth_int.h"

#include <openssl/evp.h>
#include <openssl/rand.h>


/*
 * Tokens that were verified lately, so that a signature is verified once and
 * not with each request.  One cache a worker; an entry is for one token under
 * one set of rules, since two locations may want different issuers of it.
 * The token itself is not kept, but its SipHash under a key of the worker's
 * own: without the key nobody can make a token that has the same.
 */

#define NGX_HTTP_REALTIME_CACHE_SIZE     131072 /* tokens, 450 bytes each */
#define NGX_HTTP_REALTIME_CACHE_BUCKETS  16384  /* a power of two */
#define NGX_HTTP_REALTIME_CACHE_TIME     60     /* seconds */

#define NGX_HTTP_REALTIME_CACHE_DIGEST   16     /* bytes, as many as the key */


typedef struct {
    ngx_queue_t                     bucket;
    ngx_queue_t                     used;       /* the latest first */
    u_char                          digest[NGX_HTTP_REALTIME_CACHE_DIGEST];
    ngx_http_realtime_verifier_t   *verifier;
    ngx_http_realtime_identity_t   *identity;
    time_t                          expires;
    ngx_atomic_uint_t               generation; /* of a server's keys */
} ngx_http_realtime_cached_t;


typedef struct {
    ngx_queue_t                     buckets[NGX_HTTP_REALTIME_CACHE_BUCKETS];
    ngx_queue_t                     used;
    ngx_uint_t                      n;
    EVP_MAC_CTX                    *mac;
    u_char                          key[NGX_HTTP_REALTIME_CACHE_DIGEST];
} ngx_http_realtime_cache_t;


static ngx_int_t ngx_http_realtime_cache_digest(rt_str_t token,
    u_char *digest);
static ngx_atomic_uint_t ngx_http_realtime_cache_generation(
    ngx_http_realtime_verifier_t *verifier);
static ngx_http_realtime_cached_t *ngx_http_realtime_cache_find(
    ngx_http_realtime_verifier_t *verifier, u_char *digest);
static ngx_queue_t *ngx_http_realtime_cache_bucket(u_char *digest);
static void ngx_http_realtime_cache_trim(ngx_http_realtime_cache_t *cache);
static void ngx_http_realtime_cache_drop(ngx_http_realtime_cached_t *e);


/* one for a process, made after fork; NULL: each token is verified anew */

static ngx_http_realtime_cache_t  *ngx_http_realtime_cache;


ngx_int_t
ngx_http_realtime_cache_init(ngx_cycle_t *cycle)
{
    EVP_MAC                    *mac;
    ngx_uint_t                  i;
    ngx_http_realtime_cache_t  *cache;

    cache = ngx_pcalloc(cycle->pool, sizeof(ngx_http_realtime_cache_t));
    if (cache == NULL) {
        return NGX_ERROR;
    }

    mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);

    if (mac == NULL) {

        /* OpenSSL can be built or configured without */

        ngx_ssl_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "no SipHash: each token is verified anew");
        return NGX_OK;
    }

    cache->mac = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);

    if (cache->mac == NULL || RAND_bytes(cache->key, sizeof(cache->key)) != 1)
    {
        ngx_ssl_error(NGX_LOG_EMERG, cycle->log, 0,
                      "key of the cache of tokens failed");
        EVP_MAC_CTX_free(cache->mac);
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_REALTIME_CACHE_BUCKETS; i++) {
        ngx_queue_init(&cache->buckets[i]);
    }

    ngx_queue_init(&cache->used);

    ngx_http_realtime_cache = cache;

    return NGX_OK;
}


void
ngx_http_realtime_cache_exit(ngx_cycle_t *cycle)
{
    ngx_queue_t                *q;
    ngx_http_realtime_cache_t  *cache;

    cache = ngx_http_realtime_cache;

    if (cache == NULL) {
        return;
    }

    while (!ngx_queue_empty(&cache->used)) {
        q = ngx_queue_head(&cache->used);
        ngx_http_realtime_cache_drop(ngx_queue_data(q,
                                         ngx_http_realtime_cached_t, used));
    }

    EVP_MAC_CTX_free(cache->mac);
    ngx_explicit_memzero(cache->key, sizeof(cache->key));

    ngx_http_realtime_cache = NULL;
}


ngx_http_realtime_auth_status_e
ngx_http_realtime_auth_verify_cached(ngx_http_realtime_verifier_t *verifier,
    rt_str_t token, ngx_http_realtime_identity_t **identity, ngx_log_t *log)
{
    u_char                            digest[NGX_HTTP_REALTIME_CACHE_DIGEST];
    ngx_atomic_uint_t                 generation;
    ngx_http_realtime_cache_t        *cache;
    ngx_http_realtime_cached_t       *e;
    ngx_http_realtime_auth_status_e   status;

    cache = ngx_http_realtime_cache;

    if (cache == NULL
        || token.len > RT_JWT_MAX
        || ngx_http_realtime_cache_digest(token, digest) != NGX_OK)
    {
        return ngx_http_realtime_auth_verify(verifier, token, identity, log);
    }

    /* before the keys are asked: another worker may bring others meanwhile */

    generation = ngx_http_realtime_cache_generation(verifier);

    e = ngx_http_realtime_cache_find(verifier, digest);

    if (e != NULL) {

        if (ngx_time() < e->expires
            && e->generation == generation
            && rt_claims_time(e->identity->from, e->identity->until,
                              ngx_time())
               == RT_CLAIMS_OK)
        {
            ngx_queue_remove(&e->used);
            ngx_queue_insert_head(&cache->used, &e->used);

            e->identity->refs++;
            *identity = e->identity;

            return NGX_HTTP_REALTIME_AUTH_OK;
        }

        ngx_http_realtime_cache_drop(e);
    }

    status = ngx_http_realtime_auth_verify(verifier, token, identity, log);

    if (status != NGX_HTTP_REALTIME_AUTH_OK) {
        return status;
    }

    ngx_http_realtime_cache_trim(cache);

    e = ngx_alloc(sizeof(ngx_http_realtime_cached_t), log);
    if (e == NULL) {
        return NGX_HTTP_REALTIME_AUTH_OK;
    }

    ngx_memcpy(e->digest, digest, sizeof(digest));
    e->verifier = verifier;
    e->identity = *identity;
    e->identity->refs++;
    e->expires = ngx_time() + NGX_HTTP_REALTIME_CACHE_TIME;
    e->generation = generation;

    ngx_queue_insert_head(ngx_http_realtime_cache_bucket(digest), &e->bucket);
    ngx_queue_insert_head(&cache->used, &e->used);
    cache->n++;

    return NGX_HTTP_REALTIME_AUTH_OK;
}


static ngx_int_t
ngx_http_realtime_cache_digest(rt_str_t token, u_char *digest)
{
    size_t                      len;
    ngx_http_realtime_cache_t  *cache;

    cache = ngx_http_realtime_cache;

    /* early OpenSSL 3.0 does not begin anew without the key */

    if (EVP_MAC_init(cache->mac, cache->key, sizeof(cache->key), NULL) != 1
        || EVP_MAC_update(cache->mac, (u_char *) token.data, token.len) != 1
        || EVP_MAC_final(cache->mac, digest, &len,
                         NGX_HTTP_REALTIME_CACHE_DIGEST)
           != 1)
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_atomic_uint_t
ngx_http_realtime_cache_generation(ngx_http_realtime_verifier_t *verifier)
{
    if (verifier->jwks == NULL) {
        return 0;
    }

    (void) ngx_http_realtime_jwks_keys(verifier->jwks);

    return verifier->jwks->generation;
}


static ngx_http_realtime_cached_t *
ngx_http_realtime_cache_find(ngx_http_realtime_verifier_t *verifier,
    u_char *digest)
{
    ngx_queue_t                 *q, *bucket;
    ngx_http_realtime_cached_t  *e;

    bucket = ngx_http_realtime_cache_bucket(digest);

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        e = ngx_queue_data(q, ngx_http_realtime_cached_t, bucket);

        if (e->verifier == verifier
            && ngx_memcmp(e->digest, digest, sizeof(e->digest)) == 0)
        {
            return e;
        }
    }

    return NULL;
}


static ngx_queue_t *
ngx_http_realtime_cache_bucket(u_char *digest)
{
    ngx_uint_t  n;

    n = digest[0] | (digest[1] << 8);

    return &ngx_http_realtime_cache->buckets[
                                    n & (NGX_HTTP_REALTIME_CACHE_BUCKETS - 1)];
}


/* two leave where one comes: what holds no longer is gone in time */

static void
ngx_http_realtime_cache_trim(ngx_http_realtime_cache_t *cache)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q;
    ngx_http_realtime_cached_t  *e;

    for (i = 0; i < 2 && !ngx_queue_empty(&cache->used); i++) {
        q = ngx_queue_last(&cache->used);
        e = ngx_queue_data(q, ngx_http_realtime_cached_t, used);

        if (cache->n < NGX_HTTP_REALTIME_CACHE_SIZE
            && ngx_time() < e->expires)
        {
            return;
        }

        ngx_http_realtime_cache_drop(e);
    }
}


static void
ngx_http_realtime_cache_drop(ngx_http_realtime_cached_t *e)
{
    ngx_queue_remove(&e->bucket);
    ngx_queue_remove(&e->used);

    ngx_http_realtime_identity_release(e->identity);
    ngx_free(e);

    ngx_http_realtime_cache->n--;
}
