
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <openssl/err.h>

#include "ngx_realtime_curl_multi.h"


/*
 * Connections of a worker, busy ones too: libcurl closes what ends a transfer
 * while there are more, so these are twice as many as run at once.
 */

#define NGX_REALTIME_CURL_KEPT  64


typedef struct {
    CURLM                      *multi;
    ngx_realtime_curl_done_pt   done;
    ngx_event_t                 timer;
    ngx_connection_t            dummy;      /* for debug logs of the timer */
} ngx_realtime_curl_multi_t;


static ngx_int_t ngx_realtime_curl_multi_open(void);
static int ngx_realtime_curl_multi_socket(CURL *easy, curl_socket_t s,
    int what, void *data, void *sp);
static ngx_connection_t *ngx_realtime_curl_multi_connection(curl_socket_t s);
static void ngx_realtime_curl_multi_forget(ngx_connection_t *c);
static void ngx_realtime_curl_multi_watch(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t on);
static int ngx_realtime_curl_multi_timer(CURLM *multi, long timeout,
    void *data);
static void ngx_realtime_curl_multi_socket_event(ngx_event_t *ev);
static void ngx_realtime_curl_multi_timer_event(ngx_event_t *ev);
static void ngx_realtime_curl_multi_drain(void);


/* a multi handle belongs to a process, and so does this */

static ngx_realtime_curl_multi_t  ngx_realtime_curl_multi;


ngx_int_t
ngx_realtime_curl_multi_add(CURL *easy, ngx_realtime_curl_done_pt done)
{
    CURLMcode  code;

    if (ngx_realtime_curl_multi_open() != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_realtime_curl_multi.done = done;

    code = curl_multi_add_handle(ngx_realtime_curl_multi.multi, easy);
    if (code != CURLM_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime: curl_multi_add_handle() failed (%s)",
                      curl_multi_strerror(code));
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_realtime_curl_multi_remove(CURL *easy)
{
    (void) curl_multi_remove_handle(ngx_realtime_curl_multi.multi, easy);

    /* nginx logs an alert where it finds errors of others in its thread */

    ERR_clear_error();
}


void
ngx_realtime_curl_multi_close(void)
{
    ngx_realtime_curl_multi_t  *m;

    m = &ngx_realtime_curl_multi;

    if (m->multi == NULL) {
        return;
    }

    /* this gives connections back to nginx and may set the timer */

    (void) curl_multi_cleanup(m->multi);
    m->multi = NULL;

    (void) ngx_realtime_curl_multi_timer(NULL, -1, NULL);

    curl_global_cleanup();
}


static ngx_int_t
ngx_realtime_curl_multi_open(void)
{
    CURLM                      *multi;
    CURLcode                    code;
    ngx_realtime_curl_multi_t  *m;

    m = &ngx_realtime_curl_multi;

    if (m->multi != NULL) {
        return NGX_OK;
    }

    code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime: curl_global_init() failed (%s)",
                      curl_easy_strerror(code));
        return NGX_ERROR;
    }

    multi = curl_multi_init();

    if (multi == NULL
        || curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION,
                             ngx_realtime_curl_multi_socket)
        || curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION,
                             ngx_realtime_curl_multi_timer)
        || curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                             (long) NGX_REALTIME_CURL_KEPT))
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime: curl_multi_init() failed");

        if (multi != NULL) {
            (void) curl_multi_cleanup(multi);
        }

        curl_global_cleanup();

        return NGX_ERROR;
    }

    m->dummy.fd = (ngx_socket_t) -1;
    m->timer.data = &m->dummy;
    m->timer.handler = ngx_realtime_curl_multi_timer_event;
    m->timer.log = ngx_cycle->log;
    m->timer.cancelable = 1;

    m->multi = multi;

    return NGX_OK;
}


static int
ngx_realtime_curl_multi_socket(CURL *easy, curl_socket_t s, int what,
    void *data, void *sp)
{
    ngx_connection_t  *c = sp;

    /* anything but 0 would end all transfers */

    if (what == CURL_POLL_REMOVE) {

        /* libcurl 8.13 to 8.15 removes sockets that it never announced */

        if (c != NULL) {
            ngx_realtime_curl_multi_forget(c);
            (void) curl_multi_assign(ngx_realtime_curl_multi.multi, s, NULL);
        }

        return 0;
    }

    if (c == NULL) {
        c = ngx_realtime_curl_multi_connection(s);

        /* a transfer whose socket cannot be watched will time out */

        if (c == NULL) {
            return 0;
        }

        (void) curl_multi_assign(ngx_realtime_curl_multi.multi, s, c);
    }

    ngx_realtime_curl_multi_watch(c->read, NGX_READ_EVENT,
                                  what & CURL_POLL_IN);
    ngx_realtime_curl_multi_watch(c->write, NGX_WRITE_EVENT,
                                  what & CURL_POLL_OUT);

    return 0;
}


static ngx_connection_t *
ngx_realtime_curl_multi_connection(curl_socket_t s)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(s, ngx_cycle->log);
    if (c == NULL) {
        return NULL;
    }

    c->log = ngx_cycle->log;
    c->read->log = c->log;
    c->write->log = c->log;

    c->read->handler = ngx_realtime_curl_multi_socket_event;
    c->write->handler = ngx_realtime_curl_multi_socket_event;

    return c;
}


static void
ngx_realtime_curl_multi_forget(ngx_connection_t *c)
{
    /* the socket itself may stay open, among libcurl's kept connections */

    ngx_realtime_curl_multi_watch(c->read, NGX_READ_EVENT, 0);
    ngx_realtime_curl_multi_watch(c->write, NGX_WRITE_EVENT, 0);

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;
}


static void
ngx_realtime_curl_multi_watch(ngx_event_t *ev, ngx_int_t event, ngx_uint_t on)
{
    /* libcurl stalls with edge-triggered events */

    if (on && !ev->active) {
        (void) ngx_add_event(ev, event, NGX_LEVEL_EVENT);

    } else if (!on && ev->active) {
        (void) ngx_del_event(ev, event, 0);
    }
}


static int
ngx_realtime_curl_multi_timer(CURLM *multi, long timeout, void *data)
{
    ngx_event_t  *ev;

    ev = &ngx_realtime_curl_multi.timer;

    /* nginx would keep a timer that is set for about the same time */

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }

    if (timeout == 0) {

        /* in the next round of the loop: sockets must have their turn */

        ngx_post_event(ev, &ngx_posted_next_events);

    } else if (timeout > 0) {
        ngx_add_timer(ev, (ngx_msec_t) timeout);
    }

    return 0;
}


static void
ngx_realtime_curl_multi_socket_event(ngx_event_t *ev)
{
    int                n;
    ngx_connection_t  *c;

    c = ev->data;

    (void) curl_multi_socket_action(ngx_realtime_curl_multi.multi, c->fd,
                                    ev->write ? CURL_CSELECT_OUT
                                              : CURL_CSELECT_IN,
                                    &n);

    ngx_realtime_curl_multi_drain();
}


static void
ngx_realtime_curl_multi_timer_event(ngx_event_t *ev)
{
    int  n;

    (void) curl_multi_socket_action(ngx_realtime_curl_multi.multi,
                                    CURL_SOCKET_TIMEOUT, 0, &n);

    ngx_realtime_curl_multi_drain();
}


static void
ngx_realtime_curl_multi_drain(void)
{
    int        n;
    CURL      *easy;
    CURLMsg   *msg;
    CURLcode   result;

    /* as above */

    ERR_clear_error();

    for ( ;; ) {
        msg = curl_multi_info_read(ngx_realtime_curl_multi.multi, &n);
        if (msg == NULL) {
            return;
        }

        if (msg->msg != CURLMSG_DONE) {
            continue;
        }

        /* the message does not survive the removal */

        easy = msg->easy_handle;
        result = msg->data.result;

        ngx_realtime_curl_multi_remove(easy);

        ngx_realtime_curl_multi.done(easy, result);
    }
}
