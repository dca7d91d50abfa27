
#include "ngx_http_realtime_auth_lookup.h"


#define NGX_HTTP_REALTIME_USERS_MAX       10000
#define NGX_HTTP_REALTIME_USERS_PART      4     /* of the zone, at most */
#define NGX_HTTP_REALTIME_USERS_NEGATIVE  5000  /* ms: somebody not there */


/* a user in the zone, which all workers have at the same address */

typedef struct {
    ngx_str_node_t                    sn;       /* by the name in a token */
    ngx_queue_t                       age;      /* the oldest first */
    size_t                            size;
    ngx_msec_t                        asked;
    ngx_http_realtime_auth_status_e   status;
    rt_str_t                          id;
    rt_str_t                          email;
    rt_str_t                         *roles;
    size_t                            nroles;
} ngx_http_realtime_known_t;


static size_t ngx_http_realtime_users_size(ngx_str_t *name, rt_user_t *user);
static ngx_http_realtime_known_t *ngx_http_realtime_users_alloc(
    ngx_http_realtime_zone_t *zone, size_t size);
static void ngx_http_realtime_users_drop(ngx_http_realtime_zone_t *zone,
    ngx_http_realtime_known_t *known);
static rt_str_t ngx_http_realtime_users_copy(u_char **p, rt_str_t s);


uint32_t
ngx_http_realtime_lookup_hash(ngx_http_realtime_lookup_t *lookup,
    ngx_str_t *name)
{
    return ngx_crc32_long(name->data, name->len) ^ lookup->rules;
}


ngx_int_t
ngx_http_realtime_users_find(ngx_http_realtime_lookup_t *lookup,
    ngx_str_t *name, ngx_http_realtime_found_t *found, ngx_log_t *log)
{
    uint32_t                    hash;
    ngx_int_t                   rc;
    ngx_msec_t                  limit;
    ngx_http_realtime_zone_t   *zone;
    ngx_http_realtime_known_t  *known;

    rc = NGX_DECLINED;
    zone = ngx_http_realtime_get_zone();
    hash = ngx_http_realtime_lookup_hash(lookup, name);

    ngx_shmtx_lock(&zone->shpool->mutex);

    known = (ngx_http_realtime_known_t *)
                ngx_str_rbtree_lookup(&zone->sh->users, name, hash);

    if (known == NULL) {
        goto done;
    }

    limit = lookup->ttl;

    if (known->status == NGX_HTTP_REALTIME_AUTH_BAD_CLAIMS) {
        limit = ngx_min(limit, NGX_HTTP_REALTIME_USERS_NEGATIVE);
    }

    /* another worker's clock may be ahead a little */

    if ((ngx_msec_int_t) (ngx_current_msec - known->asked)
        >= (ngx_msec_int_t) limit)
    {
        goto done;
    }

    rc = NGX_OK;

    found->status = known->status;
    found->identity = NULL;

    if (known->status == NGX_HTTP_REALTIME_AUTH_OK) {
        found->identity = ngx_http_realtime_identity_create(known->id,
                                                            known->email,
                                                            known->roles,
                                                            known->nroles,
                                                            log);
        if (found->identity == NULL) {
            found->status = NGX_HTTP_REALTIME_AUTH_FAILED;
        }
    }

done:

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return rc;
}


void
ngx_http_realtime_users_put(ngx_http_realtime_lookup_t *lookup,
    ngx_str_t *name, ngx_msec_t asked, ngx_http_realtime_auth_status_e status,
    rt_user_t *user)
{
    size_t                      i, size;
    u_char                     *p;
    uint32_t                    hash;
    ngx_http_realtime_zone_t   *zone;
    ngx_http_realtime_known_t  *known;

    if (status != NGX_HTTP_REALTIME_AUTH_OK) {
        user = NULL;
    }

    zone = ngx_http_realtime_get_zone();
    size = ngx_http_realtime_users_size(name, user);
    hash = ngx_http_realtime_lookup_hash(lookup, name);

    ngx_shmtx_lock(&zone->shpool->mutex);

    known = (ngx_http_realtime_known_t *)
                ngx_str_rbtree_lookup(&zone->sh->users, name, hash);

    if (known != NULL) {

        /* a worker that asked later may have been answered earlier */

        if ((ngx_msec_int_t) (known->asked - asked) > 0) {
            goto done;
        }

        ngx_http_realtime_users_drop(zone, known);
    }

    known = ngx_http_realtime_users_alloc(zone, size);

    if (known == NULL) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "realtime: \"realtime_zone\" has no room for a user");
        goto done;
    }

    ngx_memzero(known, sizeof(ngx_http_realtime_known_t));

    known->size = size;
    known->asked = asked;
    known->status = status;

    p = (u_char *) (known + 1);

    if (user != NULL) {
        known->roles = (rt_str_t *) p;
        known->nroles = user->nroles;

        p += user->nroles * sizeof(rt_str_t);

        known->id = ngx_http_realtime_users_copy(&p, user->id);
        known->email = ngx_http_realtime_users_copy(&p, user->email);

        for (i = 0; i < user->nroles; i++) {
            known->roles[i] = ngx_http_realtime_users_copy(&p,
                                                           user->roles[i]);
        }
    }

    known->sn.str.data = p;
    known->sn.str.len = name->len;
    known->sn.node.key = hash;

    ngx_memcpy(p, name->data, name->len);

    ngx_rbtree_insert(&zone->sh->users, &known->sn.node);
    ngx_queue_insert_tail(&zone->sh->users_age, &known->age);

    zone->sh->users_n++;
    zone->sh->users_size += size;

done:

    ngx_shmtx_unlock(&zone->shpool->mutex);
}


static size_t
ngx_http_realtime_users_size(ngx_str_t *name, rt_user_t *user)
{
    size_t  i, size;

    size = sizeof(ngx_http_realtime_known_t) + name->len;

    if (user == NULL) {
        return size;
    }

    size += user->nroles * sizeof(rt_str_t) + user->id.len + user->email.len;

    for (i = 0; i < user->nroles; i++) {
        size += user->roles[i].len;
    }

    return size;
}


/* the zone is for others too: users have a part of it, and the oldest go */

static ngx_http_realtime_known_t *
ngx_http_realtime_users_alloc(ngx_http_realtime_zone_t *zone, size_t size)
{
    size_t                      part;
    ngx_queue_t                *q;
    ngx_http_realtime_known_t  *known;

    part = zone->shm_zone->shm.size / NGX_HTTP_REALTIME_USERS_PART;

    if (size > part) {
        return NULL;
    }

    for ( ;; ) {

        if (zone->sh->users_n < NGX_HTTP_REALTIME_USERS_MAX
            && zone->sh->users_size + size <= part)
        {
            known = ngx_slab_alloc_locked(zone->shpool, size);

            if (known != NULL) {
                return known;
            }
        }

        if (ngx_queue_empty(&zone->sh->users_age)) {
            return NULL;
        }

        q = ngx_queue_head(&zone->sh->users_age);
        known = ngx_queue_data(q, ngx_http_realtime_known_t, age);

        ngx_http_realtime_users_drop(zone, known);
    }
}


static void
ngx_http_realtime_users_drop(ngx_http_realtime_zone_t *zone,
    ngx_http_realtime_known_t *known)
{
    ngx_rbtree_delete(&zone->sh->users, &known->sn.node);
    ngx_queue_remove(&known->age);

    zone->sh->users_n--;
    zone->sh->users_size -= known->size;

    ngx_slab_free_locked(zone->shpool, known);
}


static rt_str_t
ngx_http_realtime_users_copy(u_char **p, rt_str_t s)
{
    rt_str_t  copy;

    copy.data = (char *) *p;
    copy.len = s.len;

    *p = ngx_cpymem(*p, s.data, s.len);

    return copy;
}
