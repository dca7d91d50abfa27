
#include "ngx_http_realtime.h"
#include "ngx_http_realtime_hangup.h"


#define NGX_HTTP_REALTIME_ZONE_SIZE  (8 * 1024 * 1024)


static char *ngx_http_realtime_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_realtime_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static void *ngx_http_realtime_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_realtime_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_realtime_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_realtime_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void ngx_http_realtime_exit_process(ngx_cycle_t *cycle);


static ngx_str_t  ngx_http_realtime_zone_name = ngx_string("realtime");


static ngx_command_t  ngx_http_realtime_commands[] = {

    { ngx_string("realtime_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_realtime_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_realtime_create_main_conf,    /* create main configuration */
    ngx_http_realtime_init_main_conf,      /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_realtime_create_loc_conf,     /* create location configuration */
    ngx_http_realtime_merge_loc_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_realtime_module = {
    NGX_MODULE_V1,
    &ngx_http_realtime_module_ctx,         /* module context */
    ngx_http_realtime_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_realtime_exit_process,        /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


char *
ngx_http_realtime_set_handler(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_realtime_loc_conf_t  *rlcf;

    rlcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_realtime_module);

    if (rlcf->handler == handler) {
        return "is duplicate";
    }

    if (rlcf->handler != NULL) {
        return "cannot share its location with another realtime handler";
    }

    rlcf->handler = handler;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = handler;

    return NGX_CONF_OK;
}


void
ngx_http_realtime_set_body_max_size(ngx_conf_t *cf, size_t size)
{
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_realtime_loc_conf_t  *rlcf;

    rlcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_realtime_module);
    rlcf->body_max_size = size;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->client_max_body_size = size;

    if (clcf->client_body_buffer_size < size) {
        clcf->client_body_buffer_size = size;
    }
}


ngx_http_realtime_zone_t *
ngx_http_realtime_get_zone(void)
{
    ngx_http_realtime_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_realtime_module);

    return (rmcf != NULL) ? &rmcf->zone : NULL;
}


static char *
ngx_http_realtime_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_realtime_main_conf_t  *rmcf = conf;

    ssize_t     size;
    ngx_str_t  *value;

    if (rmcf->zone.shm_zone != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone size \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (size < (ssize_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "realtime_zone \"%V\" is too small: at least %uzk",
                           &value[1], 8 * ngx_pagesize / 1024);
        return NGX_CONF_ERROR;
    }

    rmcf->zone.shm_zone = ngx_shared_memory_add(cf,
                                                &ngx_http_realtime_zone_name,
                                                size,
                                                &ngx_http_realtime_module);
    if (rmcf->zone.shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_realtime_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_realtime_zone_t  *ozone = data;

    ngx_http_realtime_zone_t  *zone;

    zone = shm_zone->data;

    if (ozone != NULL) {
        zone->sh = ozone->sh;
        zone->shpool = ozone->shpool;
        return NGX_OK;
    }

    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        zone->sh = zone->shpool->data;
        return NGX_OK;
    }

    zone->sh = ngx_slab_calloc(zone->shpool,
                               sizeof(ngx_http_realtime_shctx_t));
    if (zone->sh == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&zone->sh->jwks);
    ngx_queue_init(&zone->sh->users_age);

    /* with 32 bits 0 may be weeks ahead */
    zone->sh->drain_next = ngx_current_msec;

    /* a function of nginx: those of a module may move with a reload */
    ngx_rbtree_init(&zone->sh->users, &zone->sh->users_sentinel,
                    ngx_str_rbtree_insert_value);

    zone->shpool->data = zone->sh;

    /* a full zone is reported by whoever cannot do his work then */
    zone->shpool->log_nomem = 0;

    return NGX_OK;
}


static void *
ngx_http_realtime_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_main_conf_t));
}


static char *
ngx_http_realtime_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_realtime_main_conf_t  *rmcf = conf;

    if (rmcf->zone.shm_zone == NULL) {
        rmcf->zone.shm_zone = ngx_shared_memory_add(cf,
                                                &ngx_http_realtime_zone_name,
                                                NGX_HTTP_REALTIME_ZONE_SIZE,
                                                &ngx_http_realtime_module);
        if (rmcf->zone.shm_zone == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    rmcf->zone.shm_zone->init = ngx_http_realtime_init_zone;
    rmcf->zone.shm_zone->data = &rmcf->zone;

    return NGX_CONF_OK;
}


static void *
ngx_http_realtime_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_loc_conf_t));
}


static char *
ngx_http_realtime_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_realtime_loc_conf_t  *prev = parent;
    ngx_http_realtime_loc_conf_t  *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* limit_except and "if" are locations of their own to nginx */

    if (conf->handler == NULL
        && clcf->handler == NULL
        && (clcf->lmt_excpt || clcf->noname))
    {
        conf->handler = prev->handler;
        clcf->handler = prev->handler;
    }

    return NGX_CONF_OK;
}


static void
ngx_http_realtime_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_realtime_hangup_exit();
}
