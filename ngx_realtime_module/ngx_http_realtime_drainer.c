
#include "ngx_http_realtime_drainer.h"
#include "ngx_realtime_task.h"


/* how often a worker looks at the zone */
#define NGX_HTTP_REALTIME_DRAIN_LOOK   250

/* an empty spool may be filled by a script, too */
#define NGX_HTTP_REALTIME_DRAIN_IDLE   2000

#define NGX_HTTP_REALTIME_DRAIN_MIN    1000
#define NGX_HTTP_REALTIME_DRAIN_MAX    30000


static void ngx_http_realtime_drainer_look(ngx_event_t *ev);
static void ngx_http_realtime_drainer_post(ngx_http_realtime_drainer_t *d);
static void ngx_http_realtime_drainer_run(void *data);
static void ngx_http_realtime_drainer_done(void *data);
static void ngx_http_realtime_drainer_count(ngx_http_realtime_drainer_t *d);
static void ngx_http_realtime_drainer_failed(ngx_http_realtime_drainer_t *d);


void
ngx_http_realtime_drainer_start(ngx_http_realtime_drainer_t *d,
    rt_spool_t *spool, rt_store_t *store, ngx_thread_pool_t *pool,
    ngx_msec_t timeout)
{
    rt_drain_init(&d->drain, spool, store);

    d->sh = ngx_http_realtime_get_zone()->sh;
    d->pool = pool;
    d->timeout = timeout;

    d->event.handler = ngx_http_realtime_drainer_look;
    d->event.data = d;
    d->event.log = ngx_cycle->log;
    d->event.cancelable = 1;

    ngx_add_timer(&d->event, 1);
}


void
ngx_http_realtime_drainer_put(void *data, const rt_spool_depth_t *depth)
{
    ngx_http_realtime_drainer_t *d = data;

    ngx_http_realtime_drainer_depth(depth);

    if (ngx_atomic_cmp_set(&d->sh->store_away, 0, 1)) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "realtime spool: the store is away, transcripts wait");

        d->sh->drain_delay = NGX_HTTP_REALTIME_DRAIN_MIN;
        d->sh->drain_next = ngx_current_msec + NGX_HTTP_REALTIME_DRAIN_MIN;
    }
}


void
ngx_http_realtime_drainer_depth(const rt_spool_depth_t *depth)
{
    ngx_http_realtime_shctx_t  *sh;

    sh = ngx_http_realtime_get_zone()->sh;

    sh->counters[NGX_HTTP_REALTIME_C_SPOOLED] = depth->waiting;
    sh->counters[NGX_HTTP_REALTIME_C_DEAD_LETTERS] = depth->dead;
}


static void
ngx_http_realtime_drainer_look(ngx_event_t *ev)
{
    ngx_http_realtime_drainer_t *d = ev->data;

    ngx_msec_t  next;

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_REALTIME_DRAIN_LOOK);

    next = d->sh->drain_next;

    if (!d->running && (ngx_msec_int_t) (ngx_current_msec - next) >= 0) {
        ngx_http_realtime_drainer_post(d);
    }
}


static void
ngx_http_realtime_drainer_post(ngx_http_realtime_drainer_t *d)
{
    if (ngx_realtime_task_post(d->pool, ngx_http_realtime_drainer_run,
                               ngx_http_realtime_drainer_done, d)
        == NGX_OK)
    {
        d->running = 1;
    }
}


static void
ngx_http_realtime_drainer_run(void *data)
{
    ngx_http_realtime_drainer_t *d = data;

    d->rc = rt_drain_step(&d->drain, &d->err);
}


static void
ngx_http_realtime_drainer_done(void *data)
{
    ngx_http_realtime_drainer_t *d = data;

    d->running = 0;

    if (d->rc == RT_DRAIN_BUSY) {
        return;
    }

    ngx_http_realtime_drainer_depth(&d->drain.depth);
    ngx_http_realtime_drainer_count(d);

    if (d->rc == RT_DRAIN_FAILED) {
        ngx_http_realtime_drainer_failed(d);
        return;
    }

    d->sh->store_away = 0;
    d->sh->drain_delay = 0;

    if (d->rc == RT_DRAIN_EMPTY) {
        d->sh->drain_next = ngx_current_msec + NGX_HTTP_REALTIME_DRAIN_IDLE;
        return;
    }

    d->sh->drain_next = ngx_current_msec;

    /* a worker that leaves goes on for a while: there may be no other */

    if (ngx_exiting && d->leaves == 0) {
        d->leaves = ngx_current_msec + d->timeout;
    }

    if (!ngx_exiting || (ngx_msec_int_t) (d->leaves - ngx_current_msec) > 0) {
        ngx_http_realtime_drainer_post(d);
    }
}


static void
ngx_http_realtime_drainer_count(ngx_http_realtime_drainer_t *d)
{
    ngx_atomic_t  *counters;

    counters = d->sh->counters;

    (void) ngx_atomic_fetch_add(&counters[NGX_HTTP_REALTIME_C_TRANSCRIPTS],
                                d->drain.stored);

    if (d->drain.stored && d->rc == RT_DRAIN_EMPTY) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "realtime spool: the store has all that waited");
    }

    /* a server's reason may quote the document: it is kept beside that */

    if (d->drain.refused) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime spool: the store refuses %uL transcripts: "
                      "\"scripts/spool list\" tells why", d->drain.refused);
    }
}


static void
ngx_http_realtime_drainer_failed(ngx_http_realtime_drainer_t *d)
{
    ngx_msec_t  delay;

    delay = ngx_min(d->sh->drain_delay * 2, NGX_HTTP_REALTIME_DRAIN_MAX);
    delay = ngx_max(delay, NGX_HTTP_REALTIME_DRAIN_MIN);

    d->sh->drain_delay = delay;
    d->sh->drain_next = ngx_current_msec + delay;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "realtime spool: cannot be drained, tried again in %M s: %s",
                  delay / 1000, d->err.text);
}
