
#include "ngx_realtime_store_log.h"


#define NGX_REALTIME_STORE_LOG_INTERVAL  1000


static void ngx_realtime_store_log_event(ngx_event_t *ev);
static void ngx_realtime_store_log_write(ngx_realtime_store_log_t *log);


ngx_int_t
ngx_realtime_store_log_init(ngx_realtime_store_log_t *log)
{
    if (ngx_thread_mutex_create(&log->mutex, ngx_cycle->log) != NGX_OK) {
        return NGX_ERROR;
    }

    log->event.handler = ngx_realtime_store_log_event;
    log->event.data = log;
    log->event.log = ngx_cycle->log;
    log->event.cancelable = 1;

    ngx_add_timer(&log->event, NGX_REALTIME_STORE_LOG_INTERVAL);

    return NGX_OK;
}


void
ngx_realtime_store_log_done(ngx_realtime_store_log_t *log)
{
    if (log->event.timer_set) {
        ngx_del_timer(&log->event);
    }

    ngx_realtime_store_log_write(log);

    (void) ngx_thread_mutex_destroy(&log->mutex, ngx_cycle->log);
}


void
ngx_realtime_store_log(void *data, rt_store_log_e level, const char *text)
{
    ngx_realtime_store_log_t *log = data;

    ngx_realtime_store_line_t  *line;

    (void) ngx_thread_mutex_lock(&log->mutex, log->event.log);

    if (log->n < NGX_REALTIME_STORE_LOG_LINES) {
        line = &log->lines[log->n++];
        line->level = level;
        (void) ngx_cpystrn((u_char *) line->text, (u_char *) text,
                           NGX_REALTIME_STORE_LOG_LEN);

    } else {
        log->lost++;
    }

    (void) ngx_thread_mutex_unlock(&log->mutex, log->event.log);
}


static void
ngx_realtime_store_log_event(ngx_event_t *ev)
{
    ngx_realtime_store_log_write(ev->data);

    ngx_add_timer(ev, NGX_REALTIME_STORE_LOG_INTERVAL);
}


static void
ngx_realtime_store_log_write(ngx_realtime_store_log_t *log)
{
    ngx_uint_t                  i;
    ngx_realtime_store_line_t  *line;

    static ngx_uint_t  levels[] = {
        NGX_LOG_ERR, NGX_LOG_WARN, NGX_LOG_INFO, NGX_LOG_DEBUG
    };

    (void) ngx_thread_mutex_lock(&log->mutex, ngx_cycle->log);

    for (i = 0; i < log->n; i++) {
        line = &log->lines[i];

        ngx_log_error(levels[line->level], ngx_cycle->log, 0,
                      "realtime store: driver: %s", line->text);
    }

    if (log->lost) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "realtime store: %ui more lines of the driver were "
                      "dropped", log->lost);
    }

    log->n = 0;
    log->lost = 0;

    (void) ngx_thread_mutex_unlock(&log->mutex, ngx_cycle->log);
}
