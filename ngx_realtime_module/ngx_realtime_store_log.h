
/*
 * What a database driver says, from whatever thread, until the event loop
 * writes it to nginx's error log.
 *
 * ngx_realtime_store_log() may be called in any thread, the others in the
 * event loop.
 */

#ifndef _NGX_REALTIME_STORE_LOG_H_INCLUDED_
#define _NGX_REALTIME_STORE_LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "rt_store.h"


/* what is kept between two looks; the rest is counted */
#define NGX_REALTIME_STORE_LOG_LINES  32
#define NGX_REALTIME_STORE_LOG_LEN    256


typedef struct {
    rt_store_log_e               level;
    char                         text[NGX_REALTIME_STORE_LOG_LEN];
} ngx_realtime_store_line_t;


typedef struct {
    ngx_thread_mutex_t           mutex;
    ngx_uint_t                   n;
    ngx_uint_t                   lost;
    ngx_realtime_store_line_t    lines[NGX_REALTIME_STORE_LOG_LINES];
    ngx_event_t                  event;
} ngx_realtime_store_log_t;


/* log must be zeroed; looks at it once a second from then on */
ngx_int_t ngx_realtime_store_log_init(ngx_realtime_store_log_t *log);

/* after the store was closed: writes what is left */
void ngx_realtime_store_log_done(ngx_realtime_store_log_t *log);

/* for rt_store_conf_t.log; data is the ngx_realtime_store_log_t */
void ngx_realtime_store_log(void *data, rt_store_log_e level,
    const char *text);


#endif /* _NGX_REALTIME_STORE_LOG_H_INCLUDED_ */
