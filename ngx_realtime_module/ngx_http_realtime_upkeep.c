
#include "ngx_http_realtime_upkeep.h"
#include "ngx_realtime_task.h"


#define NGX_HTTP_REALTIME_UPKEEP_MIN     1000
#define NGX_HTTP_REALTIME_UPKEEP_MAX     30000
#define NGX_HTTP_REALTIME_UPKEEP_EXPIRE  60000

/* one call erases a part: writes get in between */
#define NGX_HTTP_REALTIME_UPKEEP_MORE    10


static void ngx_http_realtime_upkeep_event(ngx_event_t *ev);
static void ngx_http_realtime_upkeep_run(void *data);
static void ngx_http_realtime_upkeep_done(void *data);
static void ngx_http_realtime_upkeep_log(ngx_http_realtime_upkeep_t *u);
static void ngx_http_realtime_upkeep_again(ngx_http_realtime_upkeep_t *u);


void
ngx_http_realtime_upkeep_start(ngx_http_realtime_upkeep_t *u,
    rt_store_t *store, rt_spool_t *spool, ngx_thread_pool_t *pool, time_t ttl)
{
    u->store = store;
    u->spool = spool;
    u->pool = pool;
    u->ttl = ttl;
    u->delay = NGX_HTTP_REALTIME_UPKEEP_MIN;

    u->event.handler = ngx_http_realtime_upkeep_event;
    u->event.data = u;
    u->event.log = ngx_cycle->log;
    u->event.cancelable = 1;

    ngx_http_realtime_upkeep_event(&u->event);
}


static void
ngx_http_realtime_upkeep_event(ngx_event_t *ev)
{
    ngx_http_realtime_upkeep_t *u = ev->data;

    if (ngx_realtime_task_post(u->pool, ngx_http_realtime_upkeep_run,
                               ngx_http_realtime_upkeep_done, u)
        != NGX_OK)
    {
        ngx_http_realtime_upkeep_again(u);
    }
}


static void
ngx_http_realtime_upkeep_run(void *data)
{
    ngx_http_realtime_upkeep_t *u = data;

    int64_t           now;
    uint64_t          deleted;
    rt_store_rc_e     rc;
    struct timeval    tv;
    rt_store_error_t  err;

    ngx_gettimeofday(&tv);
    now = (int64_t) tv.tv_sec * 1000 + tv.tv_usec / 1000;

    rc = RT_STORE_OK;
    u->deleted = 0;
    u->err.text[0] = '\0';

    /* the spool is longest while the store cannot be prepared */

    if (u->spool != NULL && u->ttl && ngx_worker == 0) {
        rc = rt_spool_expire(u->spool, now - (int64_t) u->ttl * 1000,
                             &u->deleted, &err);
    }

    if (!u->prepared) {
        u->rc = rt_store_prepare(u->store, &u->err);
        return;
    }

    u->rc = rt_store_expire(u->store, now, &deleted, &u->err);
    u->deleted += deleted;

    if (u->rc == RT_STORE_OK && rc != RT_STORE_OK) {
        u->rc = rc;
        u->err = err;
    }
}


static void
ngx_http_realtime_upkeep_done(void *data)
{
    ngx_http_realtime_upkeep_t *u = data;

    ngx_msec_t  delay;

    ngx_http_realtime_upkeep_log(u);

    if (u->rc != RT_STORE_OK) {
        ngx_http_realtime_upkeep_again(u);
        return;
    }

    if (!u->prepared) {
        delay = NGX_HTTP_REALTIME_UPKEEP_MIN;

    } else if (u->deleted) {
        delay = NGX_HTTP_REALTIME_UPKEEP_MORE;

    } else {
        delay = NGX_HTTP_REALTIME_UPKEEP_EXPIRE;
    }

    u->prepared = 1;
    u->delay = NGX_HTTP_REALTIME_UPKEEP_MIN;

    if (u->ttl && ngx_worker == 0 && !ngx_exiting) {
        ngx_add_timer(&u->event, delay);
    }
}


/* each kind of failure once, until another comes or it is over */

static void
ngx_http_realtime_upkeep_log(ngx_http_realtime_upkeep_t *u)
{
    char        *what;
    ngx_uint_t   level;

    what = u->prepared ? "expiry" : "preparation";
    level = (u->rc == RT_STORE_OK) ? NGX_LOG_NOTICE : NGX_LOG_ERR;

    if (u->rc != u->last) {
        ngx_log_error(level, ngx_cycle->log, 0, "realtime store: %s %s%s%s",
                      what, rt_store_rc_name(u->rc),
                      u->err.text[0] ? ": " : "", u->err.text);

    } else if (u->rc == RT_STORE_OK && u->err.text[0] && ngx_worker == 0) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "realtime store: %s: %s", what, u->err.text);
    }

    u->last = u->rc;
}


static void
ngx_http_realtime_upkeep_again(ngx_http_realtime_upkeep_t *u)
{
    if (ngx_exiting) {
        return;
    }

    if (u->deleted) {
        ngx_add_timer(&u->event, NGX_HTTP_REALTIME_UPKEEP_MORE);
        return;
    }

    ngx_add_timer(&u->event, u->delay);

    u->delay = ngx_min(u->delay * 2, NGX_HTTP_REALTIME_UPKEEP_MAX);
}
