
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_thread_pool.h>

#include "ngx_realtime_task.h"


/* how often a job that is still running keeps the worker from exiting */
#define NGX_REALTIME_TASK_GUARD  60000


typedef struct {
    ngx_thread_task_t      task;
    ngx_realtime_task_pt   run;
    ngx_realtime_task_pt   done;
    void                  *data;

    ngx_realtime_lane_t   *lane;            /* NULL: in none */
    ngx_queue_t            queue;
    ngx_msec_t             posted;
} ngx_realtime_task_t;


static ngx_realtime_task_t *ngx_realtime_task_create(ngx_realtime_task_pt run,
    ngx_realtime_task_pt done, void *data);
static ngx_int_t ngx_realtime_task_start(ngx_thread_pool_t *tp,
    ngx_realtime_task_t *t);
static void ngx_realtime_lane_next(ngx_realtime_lane_t *lane);
static void ngx_realtime_task_thread(void *data, ngx_log_t *log);
static void ngx_realtime_task_event(ngx_event_t *ev);


/* no header of nginx declares it */
extern ngx_module_t  ngx_thread_pool_module;

static ngx_str_t  ngx_realtime_task_pool_name = ngx_string("realtime");


ngx_thread_pool_t *
ngx_realtime_task_pool(ngx_conf_t *cf)
{
    ngx_str_t          *value;
    ngx_conf_t          pcf;
    ngx_array_t         args;
    ngx_command_t      *cmd;
    ngx_thread_pool_t  *tp;

    tp = ngx_thread_pool_get(cf->cycle, &ngx_realtime_task_pool_name);
    if (tp != NULL) {
        return tp;
    }

    /* a pool is made by its directive only: its structure is private */

    if (ngx_array_init(&args, cf->temp_pool, 3, sizeof(ngx_str_t)) != NGX_OK) {
        return NULL;
    }

    value = ngx_array_push_n(&args, 3);

    ngx_str_set(&value[0], "thread_pool");
    value[1] = ngx_realtime_task_pool_name;
    ngx_str_set(&value[2], "threads=8");

    pcf = *cf;
    pcf.args = &args;

    for (cmd = ngx_thread_pool_module.commands; cmd->name.len; cmd++) {

        if (cmd->name.len == value[0].len
            && ngx_strncmp(cmd->name.data, value[0].data, value[0].len) == 0)
        {
            if (cmd->set(&pcf, cmd, NULL) != NGX_CONF_OK) {
                return NULL;
            }

            break;
        }
    }

    return ngx_thread_pool_get(cf->cycle, &ngx_realtime_task_pool_name);
}


ngx_int_t
ngx_realtime_task_post(ngx_thread_pool_t *tp, ngx_realtime_task_pt run,
    ngx_realtime_task_pt done, void *data)
{
    ngx_realtime_task_t  *t;

    t = ngx_realtime_task_create(run, done, data);
    if (t == NULL) {
        return NGX_ERROR;
    }

    if (ngx_realtime_task_start(tp, t) != NGX_OK) {
        ngx_free(t);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_realtime_task_t *
ngx_realtime_task_create(ngx_realtime_task_pt run, ngx_realtime_task_pt done,
    void *data)
{
    ngx_realtime_task_t  *t;

    t = ngx_calloc(sizeof(ngx_realtime_task_t), ngx_cycle->log);
    if (t == NULL) {
        return NULL;
    }

    t->run = run;
    t->done = done;
    t->data = data;

    t->task.ctx = t;
    t->task.handler = ngx_realtime_task_thread;
    t->task.event.data = t;
    t->task.event.handler = ngx_realtime_task_event;
    t->task.event.log = ngx_cycle->log;

    return t;
}


static ngx_int_t
ngx_realtime_task_start(ngx_thread_pool_t *tp, ngx_realtime_task_t *t)
{
    if (ngx_thread_task_post(tp, &t->task) != NGX_OK) {
        return NGX_ERROR;
    }

    /* a worker that exits gracefully waits for its timers only */

    ngx_add_timer(&t->task.event, NGX_REALTIME_TASK_GUARD);

    return NGX_OK;
}


void
ngx_realtime_lane_init(ngx_realtime_lane_t *lane, ngx_thread_pool_t *tp,
    ngx_uint_t max, ngx_uint_t limit, ngx_msec_t timeout)
{
    lane->pool = tp;
    lane->max = max;
    lane->limit = limit;
    lane->timeout = timeout;
    lane->nwaiting = 0;
    lane->running = 0;

    ngx_queue_init(&lane->waiting);
}


ngx_int_t
ngx_realtime_lane_post(ngx_realtime_lane_t *lane, ngx_realtime_task_pt run,
    ngx_realtime_task_pt done, void *data)
{
    ngx_realtime_task_t  *t;

    t = ngx_realtime_task_create(run, done, data);
    if (t == NULL) {
        return NGX_ERROR;
    }

    t->lane = lane;
    t->posted = ngx_current_msec;

    if (lane->running < lane->max
        && ngx_realtime_task_start(lane->pool, t) == NGX_OK)
    {
        lane->running++;
        return NGX_OK;
    }

    /* one that ends starts the next */

    if (lane->running == 0 || lane->nwaiting >= lane->limit) {
        ngx_free(t);
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&lane->waiting, &t->queue);
    lane->nwaiting++;

    return NGX_OK;
}


static void
ngx_realtime_lane_next(ngx_realtime_lane_t *lane)
{
    ngx_queue_t          *q;
    ngx_realtime_task_t  *t;

    while (lane->running < lane->max && !ngx_queue_empty(&lane->waiting)) {
        q = ngx_queue_head(&lane->waiting);
        t = ngx_queue_data(q, ngx_realtime_task_t, queue);

        ngx_queue_remove(q);
        lane->nwaiting--;

        if (ngx_current_msec - t->posted < lane->timeout
            && ngx_realtime_task_start(lane->pool, t) == NGX_OK)
        {
            lane->running++;
            continue;
        }

        t->done(t->data);
        ngx_free(t);
    }
}


static void
ngx_realtime_task_thread(void *data, ngx_log_t *log)
{
    ngx_realtime_task_t  *t = data;

    t->run(t->data);
}


static void
ngx_realtime_task_event(ngx_event_t *ev)
{
    ngx_realtime_task_t  *t = ev->data;

    if (ev->timedout) {
        ev->timedout = 0;

        ngx_log_error(NGX_LOG_WARN, ev->log, 0,
                      "realtime: a job in the thread pool takes over %d s",
                      NGX_REALTIME_TASK_GUARD / 1000);

        ngx_add_timer(ev, NGX_REALTIME_TASK_GUARD);
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    t->done(t->data);

    if (t->lane != NULL) {
        t->lane->running--;
        ngx_realtime_lane_next(t->lane);
    }

    ngx_free(t);
}
