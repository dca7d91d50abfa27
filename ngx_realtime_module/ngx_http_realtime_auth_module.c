
#include "ngx_http_realtime_auth_int.h"
#include "ngx_http_realtime_auth_lookup.h"
#include "ngx_http_realtime_store.h"


static char *ngx_http_realtime_jwt_token(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_realtime_auth_names(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void *ngx_http_realtime_auth_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_realtime_auth_create_conf(ngx_conf_t *cf);
static char *ngx_http_realtime_auth_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_http_realtime_verifier_t *ngx_http_realtime_auth_verifier(
    ngx_conf_t *cf, ngx_http_realtime_auth_conf_t *conf);
static ngx_int_t ngx_http_realtime_auth_texts(ngx_conf_t *cf,
    ngx_array_t *names, const rt_str_t **texts, size_t *n);
static ngx_int_t ngx_http_realtime_auth_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_realtime_auth_init_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_realtime_auth_commands[] = {

    { ngx_string("realtime_auth"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_HTTP_LMT_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, enable),
      NULL },

    { ngx_string("realtime_auth_dry_run"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, dry_run),
      NULL },

    { ngx_string("realtime_jwt_token"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_jwt_token,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_jwt_issuer"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_auth_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, issuers),
      NULL },

    { ngx_string("realtime_jwt_audience"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_auth_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, audiences),
      NULL },

    { ngx_string("realtime_jwt_key"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_realtime_jwt_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_jwks_uri"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_realtime_jwks_uri,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_jwt_leeway"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, leeway),
      NULL },

    { ngx_string("realtime_jwt_require_exp"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, require_exp),
      NULL },

    { ngx_string("realtime_user_claim"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, user_claim),
      NULL },

    { ngx_string("realtime_roles_claim"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, roles_claim),
      NULL },

    { ngx_string("realtime_user_lookup"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_user_lookup,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_roles"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_HTTP_LMT_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_auth_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, roles),
      NULL },

    { ngx_string("realtime_admin_roles"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_HTTP_LMT_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_auth_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_auth_conf_t, admin_roles),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_realtime_auth_module_ctx = {
    ngx_http_realtime_auth_add_variables,  /* preconfiguration */
    ngx_http_realtime_auth_init,           /* postconfiguration */

    ngx_http_realtime_auth_create_main_conf,
                                           /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_realtime_auth_create_conf,    /* create location configuration */
    ngx_http_realtime_auth_merge_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_realtime_auth_module = {
    NGX_MODULE_V1,
    &ngx_http_realtime_auth_module_ctx,    /* module context */
    ngx_http_realtime_auth_commands,       /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_realtime_auth_init_process,   /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_realtime_cache_exit,          /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


char *
ngx_http_realtime_auth_required(ngx_conf_t *cf, char *directive)
{
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_realtime_auth_conf_t  *acf;

    acf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_realtime_auth_module);

    if (acf->enable) {
        return NGX_CONF_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%s\" in location \"%V\" needs a user, it cannot "
                       "have \"realtime_auth off\"", directive, &clcf->name);
    return NGX_CONF_ERROR;
}


static char *
ngx_http_realtime_jwt_token(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_realtime_auth_conf_t  *acf = conf;

    ngx_str_t                        *value, name;
    ngx_uint_t                        i;
    ngx_http_realtime_auth_source_t  *source;

    if (acf->sources != NULL) {
        return "is duplicate";
    }

    acf->sources = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                    sizeof(ngx_http_realtime_auth_source_t));
    if (acf->sources == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len < 2 || value[i].data[0] != '$') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"realtime_jwt_token\" takes variables, "
                               "\"%V\" is none", &value[i]);
            return NGX_CONF_ERROR;
        }

        name.data = value[i].data + 1;
        name.len = value[i].len - 1;

        source = ngx_array_push(acf->sources);

        source->cookie = (ngx_strncasecmp(name.data, (u_char *) "cookie_", 7)
                          == 0);
        source->index = ngx_http_get_variable_index(cf, &name);

        if (source->index == NGX_ERROR) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_realtime_auth_names(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t     *value, *name;
    ngx_uint_t     i;
    ngx_array_t  **names;

    names = (ngx_array_t **) (p + cmd->offset);

    if (*names != NULL) {
        return "is duplicate";
    }

    *names = ngx_array_create(cf->pool, cf->args->nelts - 1,
                              sizeof(ngx_str_t));
    if (*names == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0) {
            return "has an empty name";
        }

        name = ngx_array_push(*names);
        *name = value[i];
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_realtime_auth_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_realtime_auth_main_conf_t  *amcf;

    amcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_auth_main_conf_t));

    if (amcf == NULL
        || ngx_array_init(&amcf->jwks, cf->pool, 1,
                          sizeof(ngx_http_realtime_jwks_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return amcf;
}


static void *
ngx_http_realtime_auth_create_conf(ngx_conf_t *cf)
{
    ngx_http_realtime_auth_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_auth_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->enable = NGX_CONF_UNSET;
    conf->dry_run = NGX_CONF_UNSET;
    conf->leeway = NGX_CONF_UNSET;
    conf->require_exp = NGX_CONF_UNSET;

    return conf;
}


static char *
ngx_http_realtime_auth_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_realtime_auth_conf_t  *prev = parent;
    ngx_http_realtime_auth_conf_t  *conf = child;

    ngx_uint_t                     same;
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_realtime_loc_conf_t  *rlcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    rlcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_realtime_module);

    /* a handler of this module is open only where "off" stands beside it */

    if (conf->enable == NGX_CONF_UNSET
        && rlcf->handler != NULL
        && !clcf->lmt_excpt
        && !clcf->noname)
    {
        conf->enable = 1;
    }

    ngx_conf_merge_value(conf->enable, prev->enable, 0);

    ngx_conf_merge_value(conf->dry_run, prev->dry_run, 0);

    same = (conf->keys == NULL
            && conf->jwks == NULL
            && conf->issuers == NULL
            && conf->audiences == NULL
            && conf->leeway == NGX_CONF_UNSET
            && conf->require_exp == NGX_CONF_UNSET
            && conf->user_claim.data == NULL
            && conf->roles_claim.data == NULL);

    /* files and a server are one set: neither adds to those from above */

    if (conf->keys == NULL && conf->jwks == NULL) {
        conf->keys = prev->keys;
        conf->jwks = prev->jwks;
    }

    if (conf->jwks != NULL) {
        ngx_http_realtime_jwks_resolver(cf, conf->jwks);
    }

    if (conf->sources == NULL) {
        conf->sources = prev->sources;
    }

    if (conf->issuers == NULL) {
        conf->issuers = prev->issuers;
    }

    if (conf->audiences == NULL) {
        conf->audiences = prev->audiences;
    }

    ngx_conf_merge_sec_value(conf->leeway, prev->leeway, 0);
    ngx_conf_merge_value(conf->require_exp, prev->require_exp, 1);
    ngx_conf_merge_str_value(conf->user_claim, prev->user_claim, "sub");
    ngx_conf_merge_str_value(conf->roles_claim, prev->roles_claim, "roles");

    if (conf->roles == NULL) {
        conf->roles = prev->roles;
    }

    if (conf->admin_roles == NULL) {
        conf->admin_roles = prev->admin_roles;
    }

    if (conf->enable
        && conf->keys == NULL
        && conf->jwks == NULL
        && clcf->name.len)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "location \"%V\" verifies users but has no key: "
                           "write \"realtime_jwt_key file alg=HS256\"",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (same && prev->verifier != NULL) {
        conf->verifier = prev->verifier;
        return NGX_CONF_OK;
    }

    conf->verifier = ngx_http_realtime_auth_verifier(cf, conf);
    if (conf->verifier == NULL) {
        return NGX_CONF_ERROR;
    }

    if (same) {
        prev->verifier = conf->verifier;
    }

    return NGX_CONF_OK;
}


static ngx_http_realtime_verifier_t *
ngx_http_realtime_auth_verifier(ngx_conf_t *cf,
    ngx_http_realtime_auth_conf_t *conf)
{
    ngx_http_realtime_verifier_t  *v;

    v = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_verifier_t));
    if (v == NULL) {
        return NULL;
    }

    if (ngx_http_realtime_auth_texts(cf, conf->issuers, &v->rules.issuers,
                                     &v->rules.nissuers)
        != NGX_OK
        || ngx_http_realtime_auth_texts(cf, conf->audiences,
                                        &v->rules.audiences,
                                        &v->rules.naudiences)
           != NGX_OK)
    {
        return NULL;
    }

    v->keys = conf->keys;
    v->jwks = conf->jwks;
    v->rules.leeway = conf->leeway;
    v->rules.require_exp = conf->require_exp;
    v->rules.user.data = (char *) conf->user_claim.data;
    v->rules.user.len = conf->user_claim.len;
    v->rules.roles.data = (char *) conf->roles_claim.data;
    v->rules.roles.len = conf->roles_claim.len;

    return v;
}


static ngx_int_t
ngx_http_realtime_auth_texts(ngx_conf_t *cf, ngx_array_t *names,
    const rt_str_t **texts, size_t *n)
{
    rt_str_t    *text;
    ngx_str_t   *name;
    ngx_uint_t   i;

    if (names == NULL) {
        return NGX_OK;
    }

    text = ngx_palloc(cf->pool, names->nelts * sizeof(rt_str_t));
    if (text == NULL) {
        return NGX_ERROR;
    }

    name = names->elts;

    for (i = 0; i < names->nelts; i++) {
        text[i].data = (char *) name[i].data;
        text[i].len = name[i].len;
    }

    *texts = text;
    *n = names->nelts;

    return NGX_OK;
}


/* the last module's handler of a phase runs first */

static ngx_int_t
ngx_http_realtime_auth_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt                 *h;
    ngx_http_core_main_conf_t           *cmcf;
    ngx_http_realtime_auth_main_conf_t  *amcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_realtime_auth_handler;

    amcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_realtime_auth_module);

    if (amcf->lookup == NULL) {
        return NGX_OK;
    }

    amcf->lookup->rules ^= ngx_http_realtime_store_hash(cf);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_realtime_lookup_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_auth_init_process(ngx_cycle_t *cycle)
{
    ngx_http_realtime_auth_main_conf_t  *amcf;

    amcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_realtime_auth_module);

    if (amcf == NULL || !ngx_http_realtime_is_worker()) {
        return NGX_OK;
    }

    ngx_http_realtime_lookup_init_process();

    if (ngx_http_realtime_cache_init(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_realtime_jwks_init(cycle, &amcf->jwks);
}
