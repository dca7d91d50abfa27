
#include "ngx_http_realtime.h"
#include "ngx_http_realtime_auth.h"
#include "ngx_http_realtime_offer.h"
#include "ngx_realtime_reply.h"


static ngx_int_t ngx_http_realtime_me_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_realtime_me_body(ngx_http_request_t *r,
    ngx_http_realtime_user_t *user, ngx_str_t *body);
static u_char *ngx_http_realtime_me_names(u_char *p, ngx_array_t *names);
static char *ngx_http_realtime_me(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_realtime_me_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void *ngx_http_realtime_me_create_conf(ngx_conf_t *cf);


static ngx_command_t  ngx_http_realtime_me_commands[] = {

    { ngx_string("realtime_me"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_realtime_me,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_realtime_me_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_realtime_me_create_conf,      /* create location configuration */
    ngx_http_realtime_me_merge_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_realtime_me_module = {
    NGX_MODULE_V1,
    &ngx_http_realtime_me_module_ctx,      /* module context */
    ngx_http_realtime_me_commands,         /* module directives */
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


static ngx_int_t
ngx_http_realtime_me_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  body;
    ngx_http_realtime_user_t  *user;

    rc = ngx_http_realtime_auth_user(r, &user);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_realtime_not_allowed(r, "GET, HEAD");
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_realtime_me_body(r, user, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_realtime_send_json(r, NGX_HTTP_OK, &body);
}


static ngx_int_t
ngx_http_realtime_me_body(ngx_http_request_t *r,
    ngx_http_realtime_user_t *user, ngx_str_t *body)
{
    size_t        len;
    u_char       *p;
    ngx_array_t  *models;

    models = ngx_http_realtime_offer_server_models(r);

    len = sizeof("{\"id\":,\"roles\":,\"email\":null,\"models\":,"
                 "\"limits\":{\"calls\":null,\"max_duration\":null}}\n") - 1
          + (size_t) ngx_realtime_json_string(NULL, &user->id)
          + (size_t) ngx_realtime_json_string(NULL, &user->email)
          + (size_t) ngx_http_realtime_me_names(NULL, user->roles)
          + (size_t) ngx_http_realtime_me_names(NULL, models);

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    p = ngx_cpymem(p, "{\"id\":", sizeof("{\"id\":") - 1);
    p = ngx_realtime_json_string(p, &user->id);
    p = ngx_cpymem(p, ",\"roles\":", sizeof(",\"roles\":") - 1);
    p = ngx_http_realtime_me_names(p, user->roles);
    p = ngx_cpymem(p, ",\"email\":", sizeof(",\"email\":") - 1);

    if (user->email.len) {
        p = ngx_realtime_json_string(p, &user->email);

    } else {
        p = ngx_cpymem(p, "null", 4);
    }

    p = ngx_cpymem(p, ",\"models\":", sizeof(",\"models\":") - 1);
    p = ngx_http_realtime_me_names(p, models);
    p = ngx_sprintf(p,
                    ",\"limits\":{\"calls\":null,\"max_duration\":null}}\n");

    body->len = p - body->data;

    return NGX_OK;
}


/* as ngx_realtime_json_string(), for an array of strings; NULL: none */

static u_char *
ngx_http_realtime_me_names(u_char *p, ngx_array_t *names)
{
    size_t       len;
    ngx_str_t   *name;
    ngx_uint_t   i, n;

    name = (names != NULL) ? names->elts : NULL;
    n = (names != NULL) ? names->nelts : 0;
    len = sizeof("[]") - 1;

    if (p != NULL) {
        *p++ = '[';
    }

    for (i = 0; i < n; i++) {

        if (p == NULL) {
            len += (size_t) ngx_realtime_json_string(NULL, &name[i]) + 1;
            continue;
        }

        if (i != 0) {
            *p++ = ',';
        }

        p = ngx_realtime_json_string(p, &name[i]);
    }

    if (p == NULL) {
        return (u_char *) len;
    }

    *p++ = ']';

    return p;
}


static char *
ngx_http_realtime_me(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_realtime_set_handler(cf, ngx_http_realtime_me_handler);
}


/* there is nothing to configure, but only a structure is merged */

static void *
ngx_http_realtime_me_create_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_uint_t));
}


static char *
ngx_http_realtime_me_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_realtime_loc_conf_t  *rlcf;

    rlcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_realtime_module);

    if (rlcf->handler != ngx_http_realtime_me_handler) {
        return NGX_CONF_OK;
    }

    return ngx_http_realtime_auth_required(cf, "realtime_me");
}
