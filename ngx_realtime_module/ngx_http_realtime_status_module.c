
#include "ngx_http_realtime.h"
#include "ngx_http_realtime_auth.h"
#include "ngx_realtime_reply.h"


/* a counter's digits, and what stands around them in either format */
#define NGX_HTTP_REALTIME_STATUS_LINE  384


typedef struct {
    char        *name;
    char        *type;
    char        *help;
} ngx_http_realtime_metric_t;


static char *ngx_http_realtime_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_realtime_status_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_realtime_status_prometheus(ngx_http_request_t *r);
static u_char *ngx_http_realtime_status_json(u_char *p,
    ngx_http_realtime_shctx_t *sh);
static u_char *ngx_http_realtime_status_text(u_char *p,
    ngx_http_realtime_shctx_t *sh);


/* the order is that of the enumeration in ngx_http_realtime.h */

static ngx_http_realtime_metric_t  ngx_http_realtime_metrics[] = {
    { "offers_total", "counter",
      "Offers answered with an SDP answer." },
    { "undelivered_total", "counter",
      "Answers whose client had left; their calls are hung up." },
    { "hangups_total", "counter",
      "Calls that were ended upstream." },
    { "hangups_failed_total", "counter",
      "Calls that could not be ended upstream." },
    { "transcripts_total", "counter",
      "Transcripts acknowledged by the store, resends included." },
    { "transcripts_queued_total", "counter",
      "Transcripts put in the spool while the store was away." },
    { "spool_transcripts", "gauge",
      "Transcripts in the spool now." },
    { "dead_letters", "gauge",
      "Transcripts that the store refused for good." },
    { "auth_dry_run_total", "counter",
      "Requests that a dry run of the authentication would have refused." },
    { "user_lookups_total", "counter",
      "Users that the store was asked for." },
    { "user_lookups_failed_total", "counter",
      "Of those, how often the store could not answer." }
};


static ngx_command_t  ngx_http_realtime_status_commands[] = {

    { ngx_string("realtime_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_realtime_status,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_realtime_status_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_realtime_status_module = {
    NGX_MODULE_V1,
    &ngx_http_realtime_status_module_ctx,  /* module context */
    ngx_http_realtime_status_commands,     /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_http_realtime_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_realtime_set_handler(cf, ngx_http_realtime_status_handler);
}


static ngx_int_t
ngx_http_realtime_status_handler(ngx_http_request_t *r)
{
    u_char                    *p;
    ngx_int_t                  rc;
    ngx_str_t                  body;
    ngx_http_realtime_user_t  *user;
    ngx_http_realtime_zone_t  *zone;

    static ngx_str_t  text = ngx_string("text/plain; version=0.0.4");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_realtime_not_allowed(r, "GET, HEAD");
    }

    rc = ngx_http_realtime_auth_user(r, &user);

    if (rc != NGX_OK && rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    p = ngx_pnalloc(r->pool, (NGX_HTTP_REALTIME_C_MAX
                              + NGX_HTTP_REALTIME_E_MAX + 2)
                             * NGX_HTTP_REALTIME_STATUS_LINE);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    zone = ngx_http_realtime_get_zone();
    body.data = p;

    if (ngx_http_realtime_status_prometheus(r)) {
        p = ngx_http_realtime_status_text(p, zone->sh);
        body.len = p - body.data;

        return ngx_http_realtime_send(r, NGX_HTTP_OK, &text, &body);
    }

    p = ngx_http_realtime_status_json(p, zone->sh);
    body.len = p - body.data;

    return ngx_http_realtime_send_json(r, NGX_HTTP_OK, &body);
}


static ngx_uint_t
ngx_http_realtime_status_prometheus(ngx_http_request_t *r)
{
    ngx_str_t  value;

    if (ngx_http_arg(r, (u_char *) "format", 6, &value) == NGX_OK) {
        return value.len == 10
               && ngx_strncmp(value.data, "prometheus", 10) == 0;
    }

    return ngx_http_realtime_accepts(r, "text/plain");
}


static u_char *
ngx_http_realtime_status_json(u_char *p, ngx_http_realtime_shctx_t *sh)
{
    ngx_uint_t  i;

    *p++ = '{';

    for (i = 0; i < NGX_HTTP_REALTIME_C_MAX; i++) {
        p = ngx_sprintf(p, "\"%s\":%uA,", ngx_http_realtime_metrics[i].name,
                        sh->counters[i]);
    }

    p = ngx_cpymem(p, "\"errors\":{", sizeof("\"errors\":{") - 1);

    for (i = 0; i < NGX_HTTP_REALTIME_E_MAX; i++) {
        p = ngx_sprintf(p, "%s\"%V\":%uA", i ? "," : "",
                        ngx_http_realtime_error_name(i), sh->errors[i]);
    }

    return ngx_cpymem(p, "}}\n", 3);
}


static u_char *
ngx_http_realtime_status_text(u_char *p, ngx_http_realtime_shctx_t *sh)
{
    ngx_uint_t                   i;
    ngx_http_realtime_metric_t  *m;

    for (i = 0; i < NGX_HTTP_REALTIME_C_MAX; i++) {
        m = &ngx_http_realtime_metrics[i];

        p = ngx_sprintf(p, "# HELP nginx_realtime_%s %s\n"
                        "# TYPE nginx_realtime_%s %s\n"
                        "nginx_realtime_%s %uA\n",
                        m->name, m->help, m->name, m->type, m->name,
                        sh->counters[i]);
    }

    p = ngx_sprintf(p, "# HELP nginx_realtime_errors_total"
                    " Errors sent to clients.\n"
                    "# TYPE nginx_realtime_errors_total counter\n");

    for (i = 0; i < NGX_HTTP_REALTIME_E_MAX; i++) {
        p = ngx_sprintf(p, "nginx_realtime_errors_total{reason=\"%V\"} %uA\n",
                        ngx_http_realtime_error_name(i), sh->errors[i]);
    }

    return p;
}
