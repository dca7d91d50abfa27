
#include "ngx_http_realtime_auth_lookup.h"
#include "ngx_http_realtime_store.h"
#include "ngx_realtime_task.h"


/* a question to the store, for all that wait for its answer; in the heap */

struct ngx_http_realtime_flight_s {
    ngx_str_node_t                 sn;          /* by the name in a token */
    ngx_queue_t                    waiters;     /* contexts */
    ngx_http_realtime_lookup_t    *lookup;
    ngx_msec_t                     asked;

    /* the thread's */
    rt_store_t                    *store;
    rt_user_t                      user;
    rt_store_rc_e                  rc;
    rt_store_error_t               err;
};


static ngx_http_realtime_flight_t *ngx_http_realtime_flight(
    ngx_http_realtime_lookup_t *lookup, ngx_str_t *name);
static ngx_http_realtime_flight_t *ngx_http_realtime_flight_start(
    ngx_http_realtime_lookup_t *lookup, ngx_str_t *name, uint32_t hash);
static void ngx_http_realtime_flight_run(void *data);
static void ngx_http_realtime_flight_done(void *data);
static ngx_http_realtime_found_t ngx_http_realtime_flight_found(
    ngx_http_realtime_flight_t *flight);
static void ngx_http_realtime_lookup_waiting(ngx_http_request_t *r);
static void ngx_http_realtime_lookup_resume(ngx_http_request_t *r);


/* of this process */

static ngx_rbtree_t       ngx_http_realtime_flights;
static ngx_rbtree_node_t  ngx_http_realtime_flights_sentinel;


void
ngx_http_realtime_lookup_init_process(void)
{
    /* a single process that reloads may have some under way */

    if (ngx_http_realtime_flights.root == NULL) {
        ngx_rbtree_init(&ngx_http_realtime_flights,
                        &ngx_http_realtime_flights_sentinel,
                        ngx_str_rbtree_insert_value);
    }
}


/*
 * Before the access phase, which "satisfy any", a dry run and subrequests
 * pass by: a handler asks for the user as well.  And before limit_req, which
 * may count by $realtime_user.
 */

ngx_int_t
ngx_http_realtime_lookup_handler(ngx_http_request_t *r)
{
    ngx_str_t                           *name;
    ngx_event_t                         *rev;
    ngx_http_cleanup_t                  *cln;
    ngx_http_realtime_flight_t          *flight;
    ngx_http_realtime_auth_ctx_t        *ctx;
    ngx_http_realtime_auth_conf_t       *acf;
    ngx_http_realtime_auth_main_conf_t  *amcf;

    acf = ngx_http_get_module_loc_conf(r, ngx_http_realtime_auth_module);

    if (!acf->enable) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_realtime_auth_check(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ctx->pending) {
        return NGX_DECLINED;
    }

    if (ctx->flight != NULL) {
        return NGX_AGAIN;
    }

    amcf = ngx_http_get_module_main_conf(r, ngx_http_realtime_auth_module);
    name = &ctx->identity->user.id;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    flight = ngx_http_realtime_flight(amcf->lookup, name);

    if (flight == NULL) {
        ctx->pending = 0;
        return NGX_DECLINED;
    }

    cln->handler = ngx_http_realtime_lookup_leave;
    cln->data = ctx;

    ctx->flight = flight;
    ngx_queue_insert_tail(&flight->waiters, &ctx->queue);

    /* a client that leaves is seen at once */

    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_realtime_lookup_waiting;

    return NGX_AGAIN;
}


/* the one under way for that name, or a new one; NULL: it cannot be asked */

static ngx_http_realtime_flight_t *
ngx_http_realtime_flight(ngx_http_realtime_lookup_t *lookup, ngx_str_t *name)
{
    uint32_t                     hash;
    ngx_http_realtime_flight_t  *flight;

    hash = ngx_http_realtime_lookup_hash(lookup, name);

    flight = (ngx_http_realtime_flight_t *)
                 ngx_str_rbtree_lookup(&ngx_http_realtime_flights, name, hash);

    if (flight == NULL) {
        flight = ngx_http_realtime_flight_start(lookup, name, hash);
    }

    return flight;
}


static ngx_http_realtime_flight_t *
ngx_http_realtime_flight_start(ngx_http_realtime_lookup_t *lookup,
    ngx_str_t *name, uint32_t hash)
{
    u_char                      *p;
    ngx_http_realtime_store_t   *store;
    ngx_http_realtime_flight_t  *flight;

    store = ngx_http_realtime_get_store();
    if (store == NULL) {
        return NULL;
    }

    flight = ngx_calloc(sizeof(ngx_http_realtime_flight_t) + name->len,
                        ngx_cycle->log);
    if (flight == NULL) {
        return NULL;
    }

    p = (u_char *) (flight + 1);
    ngx_memcpy(p, name->data, name->len);

    flight->sn.str.data = p;
    flight->sn.str.len = name->len;
    flight->sn.node.key = hash;
    flight->lookup = lookup;
    flight->asked = ngx_current_msec;
    flight->store = store->store;
    flight->rc = RT_STORE_TIMEOUT;
    ngx_cpystrn((u_char *) flight->err.text, (u_char *) "no thread free",
                sizeof(flight->err.text));

    ngx_queue_init(&flight->waiters);

    if (ngx_realtime_lane_post(&store->lookups, ngx_http_realtime_flight_run,
                               ngx_http_realtime_flight_done, flight)
        != NGX_OK)
    {
        ngx_free(flight);
        return NULL;
    }

    ngx_rbtree_insert(&ngx_http_realtime_flights, &flight->sn.node);

    return flight;
}


static void
ngx_http_realtime_flight_run(void *data)
{
    ngx_http_realtime_flight_t *flight = data;

    rt_str_t  name;

    name.data = (char *) flight->sn.str.data;
    name.len = flight->sn.str.len;

    flight->rc = rt_store_find_user(flight->store, &flight->lookup->fields,
                                    name, &flight->user, &flight->err);
}


static void
ngx_http_realtime_flight_done(void *data)
{
    ngx_http_realtime_flight_t *flight = data;

    ngx_queue_t                   *q;
    ngx_http_realtime_zone_t      *zone;
    ngx_http_realtime_found_t      found;
    ngx_http_realtime_auth_ctx_t  *ctx;

    ngx_rbtree_delete(&ngx_http_realtime_flights, &flight->sn.node);

    zone = ngx_http_realtime_get_zone();
    found = ngx_http_realtime_flight_found(flight);

    ngx_http_realtime_count(zone, NGX_HTTP_REALTIME_C_LOOKUPS, 1);

    if (flight->rc == RT_STORE_OK
        && found.status != NGX_HTTP_REALTIME_AUTH_FAILED)
    {
        ngx_http_realtime_users_put(flight->lookup, &flight->sn.str,
                                    flight->asked, found.status,
                                    &flight->user);
    }

    if (flight->rc != RT_STORE_OK) {
        ngx_http_realtime_count(zone, NGX_HTTP_REALTIME_C_LOOKUPS_FAILED, 1);

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime store: user lookup %s: %s",
                      rt_store_rc_name(flight->rc), flight->err.text);
    }

    /* what one of them does next may end others */

    while (!ngx_queue_empty(&flight->waiters)) {
        q = ngx_queue_head(&flight->waiters);
        ctx = ngx_queue_data(q, ngx_http_realtime_auth_ctx_t, queue);

        ngx_http_realtime_lookup_leave(ctx);
        ngx_http_realtime_auth_found(ctx, &found);
        ngx_http_realtime_lookup_resume(ctx->request);
    }

    if (found.identity != NULL) {
        ngx_http_realtime_identity_release(found.identity);
    }

    rt_user_free(&flight->user);
    ngx_free(flight);
}


static ngx_http_realtime_found_t
ngx_http_realtime_flight_found(ngx_http_realtime_flight_t *flight)
{
    rt_user_t                  *user;
    ngx_http_realtime_found_t   found;

    user = &flight->user;
    found.identity = NULL;

    if (flight->rc != RT_STORE_OK) {
        found.status = NGX_HTTP_REALTIME_AUTH_STORE_UNAVAILABLE;
        return found;
    }

    if (!user->found || !rt_claims_is_user(user->id)) {
        found.status = NGX_HTTP_REALTIME_AUTH_BAD_CLAIMS;
        return found;
    }

    if (!user->active) {
        found.status = NGX_HTTP_REALTIME_AUTH_INACTIVE_USER;
        return found;
    }

    if (!rt_claims_is_plain(user->email)) {
        user->email.len = 0;
    }

    found.status = NGX_HTTP_REALTIME_AUTH_OK;
    found.identity = ngx_http_realtime_identity_create(user->id, user->email,
                                                       user->roles,
                                                       user->nroles,
                                                       ngx_cycle->log);
    if (found.identity == NULL) {
        found.status = NGX_HTTP_REALTIME_AUTH_FAILED;
    }

    return found;
}


void
ngx_http_realtime_lookup_leave(void *data)
{
    ngx_http_realtime_auth_ctx_t  *ctx = data;

    if (ctx->flight != NULL) {
        ngx_queue_remove(&ctx->queue);
        ctx->flight = NULL;
    }
}


static void
ngx_http_realtime_lookup_waiting(ngx_http_request_t *r)
{
    /* void */
}


static void
ngx_http_realtime_lookup_resume(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    /* post_action and the like may have led it elsewhere meanwhile */

    if (r->write_event_handler != ngx_http_realtime_lookup_waiting) {
        return;
    }

    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);

    ngx_http_run_posted_requests(c);
}
