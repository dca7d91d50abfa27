
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <curl/curl.h>

#include "ngx_realtime_curl.h"
#include "ngx_realtime_curl_multi.h"


#define NGX_REALTIME_CURL_BUFFER  1024


typedef struct {
    /* as in ngx_connection_t: the debug log prints what is at ident as fd */
    ngx_queue_t           queue;
    CURL                 *easy;
    ngx_int_t             ident;

    ngx_realtime_curl_t   rc;
    struct curl_slist    *headers;
    struct curl_slist     connect_to;
    size_t                allocated;
    ngx_event_t           deadline;

    unsigned              sent:1;
    unsigned              too_large:1;

    char                  error[CURL_ERROR_SIZE];
} ngx_realtime_curl_transfer_t;


static CURLcode ngx_realtime_curl_setup(ngx_realtime_curl_transfer_t *t);
static CURLcode ngx_realtime_curl_setup_peer(ngx_realtime_curl_transfer_t *t);
static char *ngx_realtime_curl_string(ngx_pool_t *pool, const char *prefix,
    ngx_str_t *s);
static int ngx_realtime_curl_before_sending(void *data, char *remote,
    char *local, int remote_port, int local_port);
static size_t ngx_realtime_curl_write(char *p, size_t size, size_t n,
    void *data);
static void ngx_realtime_curl_deadline_event(ngx_event_t *ev);
static void ngx_realtime_curl_done(CURL *easy, CURLcode result);
static void ngx_realtime_curl_finish(ngx_realtime_curl_transfer_t *t,
    CURLcode result);
static void ngx_realtime_curl_exit_process(ngx_cycle_t *cycle);


/* the requests of this worker that were started */

static ngx_queue_t  ngx_realtime_curl_running = {
    &ngx_realtime_curl_running, &ngx_realtime_curl_running
};

static ngx_uint_t   ngx_realtime_curl_exiting;


static ngx_core_module_t  ngx_realtime_curl_module_ctx = {
    ngx_string("realtime_curl"),
    NULL,                                  /* create configuration */
    NULL                                   /* init configuration */
};


ngx_module_t  ngx_realtime_curl_module = {
    NGX_MODULE_V1,
    &ngx_realtime_curl_module_ctx,         /* module context */
    NULL,                                  /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_realtime_curl_exit_process,        /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* libcurl's own Content-Type of a POST would lie; one that is added wins */

static char  ngx_realtime_curl_no_type[] = "Content-Type:";

static struct curl_slist  ngx_realtime_curl_defaults = {
    ngx_realtime_curl_no_type, NULL
};


#define ngx_realtime_curl_transfer(r)                                         \
    ngx_queue_data(r, ngx_realtime_curl_transfer_t, rc)


ngx_realtime_curl_t *
ngx_realtime_curl_create(void)
{
    ngx_pool_t                    *pool;
    ngx_realtime_curl_transfer_t  *t;

    pool = ngx_create_pool(2048, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    t = ngx_pcalloc(pool, sizeof(ngx_realtime_curl_transfer_t));
    if (t == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    t->ident = -1;
    t->headers = &ngx_realtime_curl_defaults;
    t->rc.pool = pool;
    t->rc.connect_timeout = 5000;
    t->rc.timeout = 30000;
    t->rc.max_size = 65536;
    t->rc.ssl_verify = 1;

    t->deadline.data = t;
    t->deadline.handler = ngx_realtime_curl_deadline_event;
    t->deadline.log = ngx_cycle->log;

    return &t->rc;
}


void
ngx_realtime_curl_destroy(ngx_realtime_curl_t *rc)
{
    ngx_realtime_curl_transfer_t  *t = ngx_realtime_curl_transfer(rc);

    if (t->easy != NULL) {
        curl_easy_cleanup(t->easy);
    }

    ngx_destroy_pool(rc->pool);
}


ngx_int_t
ngx_realtime_curl_header(ngx_realtime_curl_t *rc, ngx_str_t *line)
{
    ngx_realtime_curl_transfer_t  *t = ngx_realtime_curl_transfer(rc);

    size_t              i;
    struct curl_slist  *header;

    for (i = 0; i < line->len; i++) {
        if (line->data[i] < 0x20 || line->data[i] == 0x7f) {
            return NGX_ERROR;
        }
    }

    header = ngx_palloc(rc->pool, sizeof(struct curl_slist));
    if (header == NULL) {
        return NGX_ERROR;
    }

    header->data = ngx_realtime_curl_string(rc->pool, "", line);
    if (header->data == NULL) {
        return NGX_ERROR;
    }

    header->next = t->headers;
    t->headers = header;

    return NGX_OK;
}


ngx_int_t
ngx_realtime_curl_start(ngx_realtime_curl_t *rc)
{
    ngx_realtime_curl_transfer_t  *t = ngx_realtime_curl_transfer(rc);

    CURLcode  code;

    if (ngx_realtime_curl_exiting) {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                      "realtime: no new request, the worker exits");
        return NGX_ERROR;
    }

    t->easy = curl_easy_init();

    code = (t->easy != NULL) ? ngx_realtime_curl_setup(t)
                             : CURLE_FAILED_INIT;

    if (code != CURLE_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime: curl_easy_setopt() failed (%s)",
                      curl_easy_strerror(code));
        return NGX_ERROR;
    }

    if (ngx_realtime_curl_multi_add(t->easy, ngx_realtime_curl_done)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&ngx_realtime_curl_running, &t->queue);

    /* a worker that exits gracefully waits for its timers only */

    ngx_add_timer(&t->deadline, rc->timeout + 1000);

    return NGX_OK;
}


void
ngx_realtime_curl_cancel(ngx_realtime_curl_t *rc)
{
    ngx_realtime_curl_transfer_t  *t = ngx_realtime_curl_transfer(rc);

    ngx_queue_remove(&t->queue);

    if (t->deadline.timer_set) {
        ngx_del_timer(&t->deadline);
    }

    ngx_realtime_curl_multi_remove(t->easy);

    ngx_realtime_curl_destroy(rc);
}


#define ngx_realtime_curl_set(option, value)                                  \
    if (code == CURLE_OK) {                                                   \
        code = curl_easy_setopt(t->easy, option, value);                      \
    }


static CURLcode
ngx_realtime_curl_setup(ngx_realtime_curl_transfer_t *t)
{
    char      *url;
    CURLcode   code;

    url = ngx_realtime_curl_string(t->rc.pool, "", &t->rc.url);
    if (url == NULL) {
        return CURLE_OUT_OF_MEMORY;
    }

    code = CURLE_OK;

    ngx_realtime_curl_set(CURLOPT_PROTOCOLS_STR, "http,https");
    ngx_realtime_curl_set(CURLOPT_URL, url);
    ngx_realtime_curl_set(CURLOPT_PROXY, "");
    ngx_realtime_curl_set(CURLOPT_NOSIGNAL, 1L);
    ngx_realtime_curl_set(CURLOPT_QUICK_EXIT, 1L);
    ngx_realtime_curl_set(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    ngx_realtime_curl_set(CURLOPT_USERAGENT, "nginx");
    ngx_realtime_curl_set(CURLOPT_HTTPHEADER, t->headers);

    if (t->rc.post) {
        ngx_realtime_curl_set(CURLOPT_POST, 1L);
        ngx_realtime_curl_set(CURLOPT_POSTFIELDSIZE_LARGE,
                              (curl_off_t) t->rc.body.len);
        ngx_realtime_curl_set(CURLOPT_POSTFIELDS,
                              t->rc.body.len ? (char *) t->rc.body.data : "");
    }

    ngx_realtime_curl_set(CURLOPT_CONNECTTIMEOUT_MS,
                          (long) t->rc.connect_timeout);
    ngx_realtime_curl_set(CURLOPT_TIMEOUT_MS, (long) t->rc.timeout);

    ngx_realtime_curl_set(CURLOPT_PREREQFUNCTION,
                          ngx_realtime_curl_before_sending);
    ngx_realtime_curl_set(CURLOPT_PREREQDATA, t);
    ngx_realtime_curl_set(CURLOPT_WRITEFUNCTION, ngx_realtime_curl_write);
    ngx_realtime_curl_set(CURLOPT_WRITEDATA, t);
    ngx_realtime_curl_set(CURLOPT_ERRORBUFFER, t->error);
    ngx_realtime_curl_set(CURLOPT_PRIVATE, t);

    return (code == CURLE_OK) ? ngx_realtime_curl_setup_peer(t) : code;
}


static CURLcode
ngx_realtime_curl_setup_peer(ngx_realtime_curl_transfer_t *t)
{
    char              *to;
    CURLcode           code;
    struct curl_blob   ca;

    code = CURLE_OK;

    ngx_realtime_curl_set(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    ngx_realtime_curl_set(CURLOPT_SSL_VERIFYPEER, (long) t->rc.ssl_verify);
    ngx_realtime_curl_set(CURLOPT_SSL_VERIFYHOST, t->rc.ssl_verify ? 2L : 0L);

    if (t->rc.ca.len) {
        ca.data = t->rc.ca.data;
        ca.len = t->rc.ca.len;
        ca.flags = CURL_BLOB_NOCOPY;

        ngx_realtime_curl_set(CURLOPT_CAINFO_BLOB, &ca);

        /* else whom the system trusts would do, too */

        ngx_realtime_curl_set(CURLOPT_CAPATH, NULL);
    }

    /* HOST:PORT of the URL are left empty: any */

    to = ngx_realtime_curl_string(t->rc.pool, "::", &t->rc.addr);
    if (to == NULL) {
        return CURLE_OUT_OF_MEMORY;
    }

    if (ngx_strncmp(t->rc.addr.data, "unix:", 5) == 0) {
        ngx_realtime_curl_set(CURLOPT_UNIX_SOCKET_PATH,
                              to + sizeof("::unix:") - 1);

    } else {
        t->connect_to.data = to;
        ngx_realtime_curl_set(CURLOPT_CONNECT_TO, &t->connect_to);
    }

    return code;
}


static char *
ngx_realtime_curl_string(ngx_pool_t *pool, const char *prefix, ngx_str_t *s)
{
    u_char  *p;

    p = ngx_pnalloc(pool, ngx_strlen(prefix) + s->len + 1);
    if (p != NULL) {
        (void) ngx_sprintf(p, "%s%V%Z", prefix, s);
    }

    return (char *) p;
}


static int
ngx_realtime_curl_before_sending(void *data, char *remote, char *local,
    int remote_port, int local_port)
{
    ngx_realtime_curl_transfer_t  *t = data;

    /* libcurl would send a POST again where a kept connection dies */

    if (t->sent) {
        return CURL_PREREQFUNC_ABORT;
    }

    t->sent = 1;

    return CURL_PREREQFUNC_OK;
}


static size_t
ngx_realtime_curl_write(char *p, size_t size, size_t n, void *data)
{
    ngx_realtime_curl_transfer_t  *t = data;

    size_t      len, allocated;
    u_char     *answer;
    ngx_str_t  *s;

    s = &t->rc.answer;
    len = size * n;

    if (len > t->rc.max_size - s->len) {
        t->too_large = 1;
        return 0;
    }

    if (len > t->allocated - s->len) {
        allocated = ngx_max(2 * t->allocated, s->len + len);
        allocated = ngx_max(allocated, NGX_REALTIME_CURL_BUFFER);

        answer = ngx_pnalloc(t->rc.pool, allocated);
        if (answer == NULL) {
            return 0;
        }

        if (s->len) {
            ngx_memcpy(answer, s->data, s->len);
            (void) ngx_pfree(t->rc.pool, s->data);
        }

        s->data = answer;
        t->allocated = allocated;
    }

    ngx_memcpy(s->data + s->len, p, len);
    s->len += len;

    return len;
}


static void
ngx_realtime_curl_deadline_event(ngx_event_t *ev)
{
    ngx_realtime_curl_transfer_t  *t = ev->data;

    /* libcurl's own timeout comes first as long as it gets its events */

    ngx_realtime_curl_multi_remove(t->easy);

    ngx_realtime_curl_finish(t, CURLE_OPERATION_TIMEDOUT);
}


static void
ngx_realtime_curl_done(CURL *easy, CURLcode result)
{
    ngx_realtime_curl_transfer_t  *t;

    (void) curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **) &t);

    ngx_realtime_curl_finish(t, result);
}


static void
ngx_realtime_curl_finish(ngx_realtime_curl_transfer_t *t, CURLcode result)
{
    long         status;
    const char  *error;

    ngx_queue_remove(&t->queue);

    if (t->deadline.timer_set) {
        ngx_del_timer(&t->deadline);
    }

    status = 0;
    error = NULL;

    if (ngx_realtime_curl_exiting) {
        error = "the worker exits";

    } else if (t->too_large) {
        error = "the answer is too large";

    } else if (result == CURLE_ABORTED_BY_CALLBACK) {
        error = "the connection was closed before an answer";

    } else if (result != CURLE_OK) {
        error = t->error[0] ? t->error : curl_easy_strerror(result);

    } else {
        (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    }

    if (error != NULL) {
        ngx_str_null(&t->rc.answer);
        t->rc.error.data = (u_char *) error;
        t->rc.error.len = ngx_strlen(error);
    }

    t->rc.status = status;
    t->rc.handler(&t->rc);

    ngx_realtime_curl_destroy(&t->rc);
}


static void
ngx_realtime_curl_exit_process(ngx_cycle_t *cycle)
{
    ngx_queue_t                   *q;
    ngx_realtime_curl_transfer_t  *t;

    ngx_realtime_curl_exiting = 1;

    while (!ngx_queue_empty(&ngx_realtime_curl_running)) {
        q = ngx_queue_head(&ngx_realtime_curl_running);
        t = ngx_queue_data(q, ngx_realtime_curl_transfer_t, queue);

        ngx_realtime_curl_multi_remove(t->easy);

        ngx_realtime_curl_finish(t, CURLE_ABORTED_BY_CALLBACK);
    }

    ngx_realtime_curl_multi_close();
}
