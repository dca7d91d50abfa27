
#include "ngx_http_realtime_drainer.h"
#include "ngx_http_realtime_store.h"
#include "ngx_http_realtime_upkeep.h"
#include "ngx_realtime_store_log.h"
#include "ngx_realtime_task.h"


/* a larger pool waits inside the store */
#define NGX_HTTP_REALTIME_STORE_THREADS   32

/* reads, or lookups: the threads they take at once, and those that wait */
#define NGX_HTTP_REALTIME_STORE_LANE      2
#define NGX_HTTP_REALTIME_STORE_WAITING   1024

#define NGX_HTTP_REALTIME_STORE_TIMEOUT   5000
#define NGX_HTTP_REALTIME_STORE_QUEUE     4096

/* until a store that could not be opened is tried again */
#define NGX_HTTP_REALTIME_STORE_RETRY     5000


typedef struct {
    ngx_str_t                  uri;
    ngx_str_t                  collection;
    time_t                     ttl;
    ngx_msec_t                 timeout;
    ngx_uint_t                 queue;
    ngx_str_t                  spool;       /* a file */

    ngx_thread_pool_t         *pool;
    char                      *needed_by;   /* a directive */
} ngx_http_realtime_store_conf_t;


/* of this process, made after fork: a store has threads and connections */

typedef struct {
    ngx_http_realtime_store_conf_t    *conf;
    ngx_http_realtime_store_t          store;
    ngx_http_realtime_drainer_t        drainer;
    ngx_realtime_store_log_t           log;
    ngx_http_realtime_upkeep_t         upkeep;
    ngx_event_t                        retry;
} ngx_http_realtime_store_process_t;


static void *ngx_http_realtime_store_create_conf(ngx_conf_t *cf);
static char *ngx_http_realtime_store_init_conf(ngx_conf_t *cf, void *conf);
static char *ngx_http_realtime_store(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_realtime_store_timeout(ngx_conf_t *cf, void *post,
    void *data);
static char *ngx_http_realtime_store_queue(ngx_conf_t *cf, void *post,
    void *data);
static char *ngx_http_realtime_store_spool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void ngx_http_realtime_store_rt_conf(
    ngx_http_realtime_store_conf_t *conf, rt_store_conf_t *rconf);
static ngx_int_t ngx_http_realtime_store_init_process(ngx_cycle_t *cycle);
static void ngx_http_realtime_store_exit_process(ngx_cycle_t *cycle);
static void ngx_http_realtime_store_open(ngx_event_t *ev);


static ngx_http_realtime_store_process_t  *ngx_http_realtime_store_process;


static ngx_conf_post_t  ngx_http_realtime_store_timeout_post = {
    ngx_http_realtime_store_timeout
};

static ngx_conf_post_t  ngx_http_realtime_store_queue_post = {
    ngx_http_realtime_store_queue
};


static ngx_command_t  ngx_http_realtime_store_commands[] = {

    { ngx_string("realtime_store"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE123,
      ngx_http_realtime_store,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_store_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_realtime_store_conf_t, timeout),
      &ngx_http_realtime_store_timeout_post },

    { ngx_string("realtime_store_queue"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_realtime_store_conf_t, queue),
      &ngx_http_realtime_store_queue_post },

    { ngx_string("realtime_store_spool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_store_spool,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_realtime_store_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_realtime_store_create_conf,   /* create main configuration */
    ngx_http_realtime_store_init_conf,     /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_realtime_store_module = {
    NGX_MODULE_V1,
    &ngx_http_realtime_store_module_ctx,   /* module context */
    ngx_http_realtime_store_commands,      /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_realtime_store_init_process,  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_realtime_store_exit_process,  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


void
ngx_http_realtime_store_need(ngx_conf_t *cf, char *name)
{
    ngx_http_realtime_store_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_realtime_store_module);
    smcf->needed_by = name;
}


uint32_t
ngx_http_realtime_store_hash(ngx_conf_t *cf)
{
    ngx_http_realtime_store_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_realtime_store_module);

    return ngx_crc32_long(smcf->uri.data, smcf->uri.len);
}


ngx_http_realtime_store_t *
ngx_http_realtime_get_store(void)
{
    ngx_http_realtime_store_process_t  *p;

    p = ngx_http_realtime_store_process;

    return (p != NULL && p->store.store != NULL) ? &p->store : NULL;
}


static void *
ngx_http_realtime_store_create_conf(ngx_conf_t *cf)
{
    ngx_http_realtime_store_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_store_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->timeout = NGX_CONF_UNSET_MSEC;
    conf->queue = NGX_CONF_UNSET_UINT;

    return conf;
}


static char *
ngx_http_realtime_store_init_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_realtime_store_conf_t  *smcf = conf;

    ngx_conf_init_msec_value(smcf->timeout, NGX_HTTP_REALTIME_STORE_TIMEOUT);
    ngx_conf_init_uint_value(smcf->queue, NGX_HTTP_REALTIME_STORE_QUEUE);

    if (smcf->spool.len
        && (smcf->uri.len == 0
            || ngx_strncmp(smcf->uri.data, "sqlite:", 7) == 0))
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"realtime_store_spool\" needs a \"realtime_store "
                      "mongodb://HOST/DATABASE;\": only a server can be away");
        return NGX_CONF_ERROR;
    }

    if (smcf->needed_by == NULL) {
        return NGX_CONF_OK;
    }

    if (smcf->uri.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%s\" needs a store: write \"realtime_store "
                      "sqlite:/var/lib/nginx/realtime/realtime.db;\" or "
                      "\"realtime_store mongodb://HOST/DATABASE;\" in the "
                      "\"http\" block", smcf->needed_by);
        return NGX_CONF_ERROR;
    }

    smcf->pool = ngx_realtime_task_pool(cf);
    if (smcf->pool == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_realtime_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_realtime_store_conf_t  *smcf = conf;

    ngx_str_t         *value, s;
    ngx_uint_t         i;
    rt_store_conf_t    rconf;
    rt_store_error_t   err;

    if (smcf->uri.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    smcf->uri = value[1];
    ngx_str_set(&smcf->collection, "transcripts");

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "collection=", 11) == 0) {
            smcf->collection.data = value[i].data + 11;
            smcf->collection.len = value[i].len - 11;
            continue;
        }

        if (ngx_strncmp(value[i].data, "ttl=", 4) == 0) {
            s.data = value[i].data + 4;
            s.len = value[i].len - 4;

            smcf->ttl = ngx_parse_time(&s, 1);

            if (smcf->ttl == (time_t) NGX_ERROR) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid ttl in \"realtime_store\": \"%V\"",
                                   &value[i]);
                return NGX_CONF_ERROR;
            }

            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter of \"realtime_store\": \"%V\"",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    ngx_http_realtime_store_rt_conf(smcf, &rconf);

    rconf.timeout_ms = NGX_HTTP_REALTIME_STORE_TIMEOUT;

    if (rt_store_check(&rconf, &err) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"realtime_store\": %s", err.text);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_realtime_store_timeout(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *timeout = data;

    if (*timeout < 100 || *timeout > 3600000) {
        return "must be between 100ms and 1h";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_realtime_store_queue(ngx_conf_t *cf, void *post, void *data)
{
    ngx_int_t  *queue = data;

    if (*queue < 1) {
        return "must be at least 1";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_realtime_store_spool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_realtime_store_conf_t  *smcf = conf;

    ngx_str_t         *value;
    rt_store_error_t   err;

    if (smcf->spool.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "names no file";
    }

    smcf->spool = value[1];

    if (ngx_conf_full_name(cf->cycle, &smcf->spool, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (rt_spool_check((char *) smcf->spool.data, &err) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"realtime_store_spool\": %s", err.text);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_http_realtime_store_rt_conf(ngx_http_realtime_store_conf_t *conf,
    rt_store_conf_t *rconf)
{
    ngx_memzero(rconf, sizeof(rt_store_conf_t));

    /* words of the configuration end in a NUL */

    rconf->uri = (char *) conf->uri.data;
    rconf->collection = (char *) conf->collection.data;
    rconf->timeout_ms = conf->timeout;
    rconf->ttl = conf->ttl;
    rconf->threads = NGX_HTTP_REALTIME_STORE_THREADS;
}


static ngx_int_t
ngx_http_realtime_store_init_process(ngx_cycle_t *cycle)
{
    ngx_http_realtime_store_conf_t     *smcf;
    ngx_http_realtime_store_process_t  *p;

    if (!ngx_http_realtime_is_worker()) {
        return NGX_OK;
    }

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_realtime_store_module);

    if (smcf == NULL || smcf->pool == NULL) {
        return NGX_OK;
    }

    p = ngx_pcalloc(cycle->pool, sizeof(ngx_http_realtime_store_process_t));
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (ngx_realtime_store_log_init(&p->log) != NGX_OK) {
        return NGX_ERROR;
    }

    p->conf = smcf;
    p->store.pool = smcf->pool;

    ngx_realtime_lane_init(&p->store.history, smcf->pool,
                           NGX_HTTP_REALTIME_STORE_LANE,
                           NGX_HTTP_REALTIME_STORE_WAITING, smcf->timeout);
    ngx_realtime_lane_init(&p->store.lookups, smcf->pool,
                           NGX_HTTP_REALTIME_STORE_LANE,
                           NGX_HTTP_REALTIME_STORE_WAITING, smcf->timeout);

    if (smcf->spool.len) {
        p->store.spool = rt_spool_open((char *) smcf->spool.data,
                                       smcf->timeout);
        if (p->store.spool == NULL) {
            return NGX_ERROR;
        }
    }

    p->retry.handler = ngx_http_realtime_store_open;
    p->retry.data = p;
    p->retry.log = cycle->log;
    p->retry.cancelable = 1;

    ngx_http_realtime_store_process = p;

    ngx_http_realtime_store_open(&p->retry);

    return NGX_OK;
}


/* the pool's threads have ended: their module's turn comes before this one */

static void
ngx_http_realtime_store_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_realtime_store_process_t  *p;

    p = ngx_http_realtime_store_process;

    if (p == NULL) {
        return;
    }

    if (p->store.store != NULL) {
        rt_store_close(p->store.store);
        p->store.store = NULL;
    }

    if (p->store.spool != NULL) {
        rt_spool_close(p->store.spool);
        p->store.spool = NULL;
    }

    ngx_realtime_store_log_done(&p->log);

    ngx_http_realtime_store_process = NULL;
}


static void
ngx_http_realtime_store_open(ngx_event_t *ev)
{
    ngx_http_realtime_store_process_t *p = ev->data;

    rt_store_conf_t   rconf;
    rt_store_error_t  err;

    ngx_http_realtime_store_rt_conf(p->conf, &rconf);

    rconf.log = ngx_realtime_store_log;
    rconf.log_data = &p->log;

    p->store.store = rt_store_open(&rconf, &err);

    if (p->store.store == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime store: cannot be opened: %s", err.text);

        if (!ngx_exiting) {
            ngx_add_timer(ev, NGX_HTTP_REALTIME_STORE_RETRY);
        }

        return;
    }

    ngx_realtime_writer_init(&p->store.writer, p->store.store, p->store.pool,
                             p->conf->queue, p->conf->timeout);

    ngx_http_realtime_upkeep_start(&p->upkeep, p->store.store, p->store.spool,
                                   p->store.pool, p->conf->ttl);

    if (p->store.spool != NULL) {
        ngx_http_realtime_drainer_start(&p->drainer, p->store.spool,
                                        p->store.store, p->store.pool,
                                        p->conf->timeout);

        p->store.writer.spool = p->store.spool;
        p->store.writer.away = &p->drainer.sh->store_away;
        p->store.writer.put = ngx_http_realtime_drainer_put;
        p->store.writer.data = &p->drainer;
    }
}
