
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include "ngx_http_realtime.h"
#include "ngx_http_realtime_hangup.h"
#include "ngx_realtime_curl.h"


/*
 * Three tries of 4 seconds and what is between them are 14 seconds; those
 * that wait for their turn longer than 15 are given up.  So half a minute is
 * the longest that a worker waits for when it exits.
 */

#define NGX_HTTP_REALTIME_HANGUP_RUNNING  32
#define NGX_HTTP_REALTIME_HANGUP_WAIT     15000
#define NGX_HTTP_REALTIME_HANGUP_TIMEOUT  4000
#define NGX_HTTP_REALTIME_HANGUP_TRIES    3


typedef struct {
    /* as in ngx_connection_t: the debug log prints what is at ident as fd */
    ngx_queue_t                    queue;
    ngx_realtime_curl_t           *rc;
    ngx_int_t                      ident;

    ngx_http_realtime_upstream_t  *upstream;
    ngx_http_realtime_hangup_pt    done;
    void                          *data;
    ngx_uint_t                     tries;
    ngx_msec_t                     started;
    ngx_event_t                    again;
    ngx_str_t                      id;      /* percent-encoded */
} ngx_http_realtime_hangup_t;


static void ngx_http_realtime_hangup_next(void);
static ngx_http_realtime_hangup_t *ngx_http_realtime_hangup_run(void);
static void ngx_http_realtime_hangup_try(ngx_http_realtime_hangup_t *h);
static ngx_int_t ngx_http_realtime_hangup_send(ngx_http_realtime_hangup_t *h);
static void ngx_http_realtime_hangup_answer(ngx_realtime_curl_t *rc);
static void ngx_http_realtime_hangup_failed(ngx_http_realtime_hangup_t *h,
    ngx_uint_t status, ngx_str_t *why);
static void ngx_http_realtime_hangup_again(ngx_event_t *ev);
static void ngx_http_realtime_hangup_finish(ngx_http_realtime_hangup_t *h,
    ngx_uint_t status, ngx_str_t *why);


static ngx_msec_t   ngx_http_realtime_hangup_delays[] = { 500, 1500 };

/* of this worker; those that run are in flight or between two tries */

static ngx_queue_t  ngx_http_realtime_hangup_waiting = {
    &ngx_http_realtime_hangup_waiting, &ngx_http_realtime_hangup_waiting
};

static ngx_queue_t  ngx_http_realtime_hangup_running = {
    &ngx_http_realtime_hangup_running, &ngx_http_realtime_hangup_running
};

static ngx_uint_t   ngx_http_realtime_hangup_nrunning;


ngx_int_t
ngx_http_realtime_hangup(ngx_http_realtime_upstream_t *u, ngx_str_t *call_id,
    ngx_http_realtime_hangup_pt done, void *data)
{
    size_t                       len;
    u_char                      *p;
    ngx_http_realtime_hangup_t  *h;

    len = call_id->len + 2 * ngx_escape_uri(NULL, call_id->data, call_id->len,
                                            NGX_ESCAPE_URI_COMPONENT);

    h = ngx_calloc(sizeof(ngx_http_realtime_hangup_t) + len, ngx_cycle->log);
    if (h == NULL) {
        ngx_http_realtime_count(ngx_http_realtime_get_zone(),
                                NGX_HTTP_REALTIME_C_HANGUPS_FAILED, 1);
        return NGX_ERROR;
    }

    p = (u_char *) h + sizeof(ngx_http_realtime_hangup_t);

    h->id.len = len;
    h->id.data = p;
    (void) ngx_escape_uri(p, call_id->data, call_id->len,
                          NGX_ESCAPE_URI_COMPONENT);

    h->ident = -1;
    h->upstream = u;
    h->done = done;
    h->data = data;
    h->started = ngx_current_msec;

    h->again.data = h;
    h->again.handler = ngx_http_realtime_hangup_again;
    h->again.log = ngx_cycle->log;

    ngx_queue_insert_tail(&ngx_http_realtime_hangup_waiting, &h->queue);

    ngx_http_realtime_hangup_next();

    return NGX_OK;
}


void
ngx_http_realtime_hangup_exit(void)
{
    ngx_queue_t                 *q;
    ngx_http_realtime_hangup_t  *h;

    static ngx_str_t  why = ngx_string("the worker exits");

    while (!ngx_queue_empty(&ngx_http_realtime_hangup_waiting)) {
        (void) ngx_http_realtime_hangup_run();
    }

    while (!ngx_queue_empty(&ngx_http_realtime_hangup_running)) {
        q = ngx_queue_head(&ngx_http_realtime_hangup_running);
        h = ngx_queue_data(q, ngx_http_realtime_hangup_t, queue);

        if (h->rc != NULL) {
            ngx_realtime_curl_cancel(h->rc);
        }

        if (h->again.timer_set) {
            ngx_del_timer(&h->again);
        }

        ngx_http_realtime_hangup_finish(h, 0, &why);
    }
}


static void
ngx_http_realtime_hangup_next(void)
{
    ngx_http_realtime_hangup_t  *h;

    static ngx_str_t  why = ngx_string("too many calls were to be ended");

    while (ngx_http_realtime_hangup_nrunning < NGX_HTTP_REALTIME_HANGUP_RUNNING
           && !ngx_queue_empty(&ngx_http_realtime_hangup_waiting))
    {
        h = ngx_http_realtime_hangup_run();

        if (ngx_current_msec - h->started > NGX_HTTP_REALTIME_HANGUP_WAIT) {
            ngx_http_realtime_hangup_finish(h, 0, &why);

        } else {
            ngx_http_realtime_hangup_try(h);
        }
    }
}


static ngx_http_realtime_hangup_t *
ngx_http_realtime_hangup_run(void)
{
    ngx_queue_t  *q;

    q = ngx_queue_head(&ngx_http_realtime_hangup_waiting);

    ngx_queue_remove(q);
    ngx_queue_insert_tail(&ngx_http_realtime_hangup_running, q);
    ngx_http_realtime_hangup_nrunning++;

    return ngx_queue_data(q, ngx_http_realtime_hangup_t, queue);
}


static void
ngx_http_realtime_hangup_try(ngx_http_realtime_hangup_t *h)
{
    static ngx_str_t  why = ngx_string("the request could not be made");

    h->tries++;

    if (ngx_http_realtime_hangup_send(h) != NGX_OK) {
        ngx_http_realtime_hangup_failed(h, 0, &why);
    }
}


static ngx_int_t
ngx_http_realtime_hangup_send(ngx_http_realtime_hangup_t *h)
{
    ngx_realtime_curl_t           *rc;
    ngx_http_realtime_upstream_t  *u;

    /* by NGX_HTTP_REALTIME_API_... */
    static ngx_str_t  calls[] = {
        ngx_string("/realtime/calls/"),
        ngx_string("/live/sessions/")
    };

    u = h->upstream;

    rc = ngx_realtime_curl_create();
    if (rc == NULL) {
        return NGX_ERROR;
    }

    rc->post = 1;
    rc->ssl_verify = u->ssl_verify;
    rc->ca = u->ca;
    rc->connect_timeout = u->connect_timeout;
    rc->timeout = NGX_HTTP_REALTIME_HANGUP_TIMEOUT;
    rc->max_size = 4096;
    rc->handler = ngx_http_realtime_hangup_answer;
    rc->data = h;

    rc->url.data = ngx_pnalloc(rc->pool, u->scheme.len + u->host.len
                                         + u->path.len + calls[u->api].len
                                         + h->id.len + sizeof(":///hangup"));
    if (rc->url.data == NULL) {
        goto failed;
    }

    rc->url.len = ngx_sprintf(rc->url.data, "%V://%V%V%V%V/hangup",
                              &u->scheme, &u->host, &u->path, &calls[u->api],
                              &h->id)
                  - rc->url.data;

    if (u->key_header.len
        && ngx_realtime_curl_header(rc, &u->key_header) != NGX_OK)
    {
        goto failed;
    }

    if (ngx_http_realtime_upstream_addr(u, &rc->addr) != NGX_OK
        || ngx_realtime_curl_start(rc) != NGX_OK)
    {
        goto failed;
    }

    h->rc = rc;

    return NGX_OK;

failed:

    ngx_realtime_curl_destroy(rc);

    return NGX_ERROR;
}


static void
ngx_http_realtime_hangup_answer(ngx_realtime_curl_t *rc)
{
    ngx_http_realtime_hangup_t  *h = rc->data;

    u_char     buf[sizeof("upstream answered ") + NGX_INT_T_LEN];
    ngx_str_t  why;

    h->rc = NULL;

    why.data = buf;
    why.len = ngx_sprintf(buf, "upstream answered %ui", rc->status) - buf;

    if (rc->status == 0) {
        ngx_http_realtime_hangup_failed(h, 0, &rc->error);

    } else if (rc->status / 100 == 2
               || rc->status == NGX_HTTP_NOT_FOUND
               || ngx_strnstr(rc->answer.data, "\"call_id_not_found\"",
                              rc->answer.len) != NULL)
    {
        ngx_http_realtime_hangup_finish(h, rc->status, NULL);

    } else if (rc->status >= 500
               || rc->status == NGX_HTTP_REQUEST_TIME_OUT
               || rc->status == NGX_HTTP_TOO_MANY_REQUESTS)
    {
        ngx_http_realtime_hangup_failed(h, rc->status, &why);

    } else {
        ngx_http_realtime_hangup_finish(h, rc->status, &why);
    }

    ngx_http_realtime_hangup_next();
}


static void
ngx_http_realtime_hangup_failed(ngx_http_realtime_hangup_t *h,
    ngx_uint_t status, ngx_str_t *why)
{
    if (h->tries == NGX_HTTP_REALTIME_HANGUP_TRIES) {
        ngx_http_realtime_hangup_finish(h, status, why);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "realtime: call \"%V\" is not ended yet: %V", &h->id, why);

    ngx_add_timer(&h->again, ngx_http_realtime_hangup_delays[h->tries - 1]);
}


static void
ngx_http_realtime_hangup_again(ngx_event_t *ev)
{
    ngx_http_realtime_hangup_t  *h = ev->data;

    ngx_http_realtime_hangup_try(h);

    ngx_http_realtime_hangup_next();
}


static void
ngx_http_realtime_hangup_finish(ngx_http_realtime_hangup_t *h,
    ngx_uint_t status, ngx_str_t *why)
{
    ngx_http_realtime_zone_t  *zone;

    zone = ngx_http_realtime_get_zone();

    if (why == NULL) {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                      "realtime: call \"%V\" was ended", &h->id);

        ngx_http_realtime_count(zone, NGX_HTTP_REALTIME_C_HANGUPS, 1);

    } else {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime: call \"%V\" was not ended: %V", &h->id, why);

        ngx_http_realtime_count(zone, NGX_HTTP_REALTIME_C_HANGUPS_FAILED, 1);
    }

    if (h->done != NULL) {
        h->done(h->data, (why == NULL) ? NGX_OK : NGX_ERROR, status);
    }

    ngx_queue_remove(&h->queue);
    ngx_http_realtime_hangup_nrunning--;

    ngx_free(h);
}
