
#include "ngx_http_realtime_offer.h"


static void ngx_http_realtime_offer_session_free(void *data);
static ngx_http_realtime_model_t *ngx_http_realtime_offer_add_model(
    ngx_conf_t *cf, ngx_http_realtime_offer_loc_conf_t *conf, ngx_str_t *name);
static ngx_int_t ngx_http_realtime_offer_add_name(ngx_array_t *names,
    ngx_str_t *name, ngx_http_realtime_model_t *model);
static ngx_http_realtime_model_name_t *ngx_http_realtime_offer_find(
    ngx_array_t *names, ngx_str_t *name);
static ngx_int_t ngx_http_realtime_offer_session(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf,
    ngx_http_realtime_model_t *model);
static ngx_int_t ngx_http_realtime_offer_query(ngx_conf_t *cf,
    ngx_http_realtime_model_t *model);
static ngx_int_t ngx_http_realtime_offer_allowed(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf);


char *
ngx_http_realtime_offer_models_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_realtime_offer_loc_conf_t *olcf = conf;

    ngx_str_t   *value, *name;
    ngx_uint_t   i, n;

    if (olcf->models != NULL) {
        return "is duplicate";
    }

    olcf->models = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                    sizeof(ngx_str_t));
    if (olcf->models == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0) {
            return "has an empty name";
        }

        for (n = 1; n < i; n++) {
            if (value[n].len == value[i].len
                && ngx_memcmp(value[n].data, value[i].data, value[i].len) == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "realtime_models names \"%V\" twice",
                                   &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        name = ngx_array_push(olcf->models);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_http_realtime_offer_alias_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_realtime_offer_loc_conf_t *olcf = conf;

    ngx_str_t     *value;
    ngx_uint_t     i;
    ngx_keyval_t  *alias;

    value = cf->args->elts;

    if (olcf->aliases == NULL) {
        olcf->aliases = ngx_array_create(cf->pool, 4, sizeof(ngx_keyval_t));
        if (olcf->aliases == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    alias = olcf->aliases->elts;

    for (i = 0; i < olcf->aliases->nelts; i++) {
        if (alias[i].key.len == value[1].len
            && ngx_memcmp(alias[i].key.data, value[1].data, value[1].len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate realtime_model_alias \"%V\"",
                               &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    alias = ngx_array_push(olcf->aliases);
    if (alias == NULL) {
        return NGX_CONF_ERROR;
    }

    alias->key = value[1];
    alias->value = value[2];

    return NGX_CONF_OK;
}


char *
ngx_http_realtime_offer_session_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_realtime_offer_loc_conf_t *olcf = conf;

    json_t              *model;
    ngx_str_t           *value;
    json_error_t         error;
    ngx_pool_cleanup_t  *cln;

    if (olcf->session != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    olcf->session = json_load_file((char *) value[1].data,
                                   JSON_REJECT_DUPLICATES, &error);

    if (olcf->session == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           (error.line > 0)
                           ? "realtime_session \"%V\": %s (line %d)"
                           : "realtime_session \"%V\": %s",
                           &value[1], error.text, error.line);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_realtime_offer_session_free;
    cln->data = olcf->session;

    if (!json_is_object(olcf->session)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "realtime_session \"%V\" is no JSON object",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    model = json_object_get(olcf->session, "model");

    if (model != NULL && json_string_length(model) == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "realtime_session \"%V\": \"model\" is no name",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_http_realtime_offer_session_free(void *data)
{
    json_decref(data);
}


ngx_int_t
ngx_http_realtime_offer_init_models(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf)
{
    json_t                          *value;
    ngx_str_t                       *name;
    ngx_uint_t                       i;
    ngx_keyval_t                    *alias;
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_realtime_model_name_t  *model;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->models == NULL) {
        value = json_object_get(conf->session, "model");

        if (value == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "realtime_offer in location \"%V\" has no model: "
                          "write realtime_models, or \"model\" in the file of "
                          "realtime_session", &clcf->name);
            return NGX_ERROR;
        }

        conf->models = ngx_array_create(cf->pool, 1, sizeof(ngx_str_t));
        if (conf->models == NULL) {
            return NGX_ERROR;
        }

        name = ngx_array_push(conf->models);
        if (name == NULL) {
            return NGX_ERROR;
        }

        /* the session lives as long as the configuration */

        name->data = (u_char *) json_string_value(value);
        name->len = json_string_length(value);
    }

    conf->names = ngx_array_create(cf->pool, conf->models->nelts + 1,
                                   sizeof(ngx_http_realtime_model_name_t));
    if (conf->names == NULL) {
        return NGX_ERROR;
    }

    name = conf->models->elts;

    for (i = 0; i < conf->models->nelts; i++) {
        if (ngx_http_realtime_offer_add_model(cf, conf, &name[i]) == NULL) {
            return NGX_ERROR;
        }
    }

    if (conf->aliases == NULL) {
        return ngx_http_realtime_offer_allowed(cf, conf);
    }

    alias = conf->aliases->elts;

    for (i = 0; i < conf->aliases->nelts; i++) {

        model = ngx_http_realtime_offer_find(conf->names, &alias[i].value);

        if (model == NULL || model->name.data != model->model->name.data) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "realtime_model_alias \"%V\" in location \"%V\" "
                          "stands for \"%V\", which is no model allowed there",
                          &alias[i].key, &clcf->name, &alias[i].value);
            return NGX_ERROR;
        }

        if (ngx_http_realtime_offer_find(conf->names, &alias[i].key) != NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "realtime_model_alias \"%V\" in location \"%V\" "
                          "is a model allowed there", &alias[i].key,
                          &clcf->name);
            return NGX_ERROR;
        }

        if (ngx_http_realtime_offer_add_name(conf->names, &alias[i].key,
                                             model->model)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_realtime_offer_allowed(cf, conf);
}


static ngx_http_realtime_model_t *
ngx_http_realtime_offer_add_model(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf, ngx_str_t *name)
{
    ngx_int_t                   rc;
    ngx_http_realtime_model_t  *model;

    model = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_model_t));
    if (model == NULL) {
        return NULL;
    }

    model->name = *name;

    if (conf->upstream.api == NGX_HTTP_REALTIME_API_SDP) {
        rc = ngx_http_realtime_offer_query(cf, model);

    } else {
        rc = ngx_http_realtime_offer_session(cf, conf, model);
    }

    if (rc != NGX_OK
        || ngx_http_realtime_offer_add_name(conf->names, name, model)
           != NGX_OK)
    {
        return NULL;
    }

    return model;
}


static ngx_int_t
ngx_http_realtime_offer_add_name(ngx_array_t *names, ngx_str_t *name,
    ngx_http_realtime_model_t *model)
{
    ngx_http_realtime_model_name_t  *n;

    n = ngx_array_push(names);
    if (n == NULL) {
        return NGX_ERROR;
    }

    n->name = *name;
    n->model = model;

    return NGX_OK;
}


static ngx_http_realtime_model_name_t *
ngx_http_realtime_offer_find(ngx_array_t *names, ngx_str_t *name)
{
    ngx_uint_t                       i;
    ngx_http_realtime_model_name_t  *n;

    n = names->elts;

    for (i = 0; i < names->nelts; i++) {
        if (n[i].name.len == name->len
            && ngx_memcmp(n[i].name.data, name->data, name->len) == 0)
        {
            return &n[i];
        }
    }

    return NULL;
}


ngx_http_realtime_model_t *
ngx_http_realtime_offer_model(ngx_http_realtime_offer_loc_conf_t *conf,
    ngx_str_t *name)
{
    ngx_http_realtime_model_name_t  *n;

    if (name == NULL) {
        n = conf->names->elts;

    } else {
        n = ngx_http_realtime_offer_find(conf->names, name);
    }

    return (n != NULL) ? n->model : NULL;
}


/* the session of a call with this model: a template with its "model" set */

static ngx_int_t
ngx_http_realtime_offer_session(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf,
    ngx_http_realtime_model_t *model)
{
    char    *text;
    json_t  *session;

    session = (conf->session != NULL) ? json_copy(conf->session)
                                      : json_object();

    text = NULL;

    if (session != NULL
        && (json_object_get(session, "type") != NULL
            || json_object_set_new(session, "type", json_string("realtime"))
               == 0)
        && json_object_set_new(session, "model",
                               json_stringn((char *) model->name.data,
                                            model->name.len))
           == 0)
    {
        text = json_dumps(session, JSON_COMPACT);
    }

    json_decref(session);

    if (text == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "no session can be made for the model \"%V\": its name "
                      "is no UTF-8, or memory is short", &model->name);
        return NGX_ERROR;
    }

    model->session.len = ngx_strlen(text);
    model->session.data = ngx_pnalloc(cf->pool, model->session.len);

    if (model->session.data != NULL) {
        ngx_memcpy(model->session.data, text, model->session.len);
    }

    free(text);

    return (model->session.data != NULL) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_realtime_offer_query(ngx_conf_t *cf, ngx_http_realtime_model_t *model)
{
    u_char  *p;
    size_t   len;

    len = sizeof("?model=") - 1 + model->name.len
          + 2 * ngx_escape_uri(NULL, model->name.data, model->name.len,
                               NGX_ESCAPE_URI_COMPONENT);

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    model->query.len = len;
    model->query.data = p;

    p = ngx_cpymem(p, "?model=", sizeof("?model=") - 1);
    (void) ngx_escape_uri(p, model->name.data, model->name.len,
                          NGX_ESCAPE_URI_COMPONENT);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_offer_allowed(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *name;
    ngx_uint_t   i;

    len = sizeof("Model not allowed; allowed: ") - 1;
    name = conf->models->elts;

    for (i = 0; i < conf->models->nelts; i++) {
        len += name[i].len + sizeof(", ") - 1;
    }

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    conf->allowed.data = p;

    p = ngx_cpymem(p, "Model not allowed; allowed: ",
                   sizeof("Model not allowed; allowed: ") - 1);

    for (i = 0; i < conf->models->nelts; i++) {
        p = ngx_sprintf(p, "%s%V", i ? ", " : "", &name[i]);
    }

    conf->allowed.len = p - conf->allowed.data;

    return NGX_OK;
}
