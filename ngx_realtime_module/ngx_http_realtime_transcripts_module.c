
#include "ngx_http_realtime_transcripts.h"


typedef struct {
    ngx_realtime_write_t                  write;
    ngx_http_realtime_transcripts_ctx_t  *ctx;      /* NULL: client left */
    u_char                                user[1];
} ngx_http_realtime_post_t;


static ngx_int_t ngx_http_realtime_transcripts_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_realtime_transcripts_path(ngx_http_request_t *r,
    ngx_str_t *item);
static ngx_int_t ngx_http_realtime_transcripts_post(
    ngx_http_realtime_transcripts_ctx_t *ctx);
static void ngx_http_realtime_transcripts_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_realtime_transcripts_write(
    ngx_http_realtime_transcripts_ctx_t *ctx);
static ngx_int_t ngx_http_realtime_transcripts_copy(ngx_http_request_t *r,
    ngx_realtime_write_t *w);
static void ngx_http_realtime_transcripts_done(ngx_realtime_write_t *w);
static ngx_int_t ngx_http_realtime_transcripts_answer(ngx_http_request_t *r,
    ngx_realtime_write_t *w);
static char *ngx_http_realtime_transcripts_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_http_realtime_transcripts(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_realtime_transcripts_commands[] = {

    { ngx_string("realtime_transcripts"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_realtime_transcripts,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_realtime_transcripts_module_ctx = {
    ngx_http_realtime_transcripts_add_variables,
                                           /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    ngx_http_realtime_transcripts_merge_loc_conf
                                           /* merge location configuration */
};


ngx_module_t  ngx_http_realtime_transcripts_module = {
    NGX_MODULE_V1,
    &ngx_http_realtime_transcripts_module_ctx,
                                           /* module context */
    ngx_http_realtime_transcripts_commands,
                                           /* module directives */
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
ngx_http_realtime_transcripts_handler(ngx_http_request_t *r)
{
    ngx_int_t                             rc;
    ngx_str_t                             item;
    ngx_http_realtime_user_t             *user;
    ngx_http_realtime_transcripts_ctx_t  *ctx;

    rc = ngx_http_realtime_auth_user(r, &user);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_realtime_transcripts_path(r, &item) != NGX_OK) {
        return ngx_http_realtime_error(r, NGX_HTTP_REALTIME_E_NOT_FOUND);
    }

    ctx = ngx_http_realtime_transcripts_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->user = user;
    ctx->store = ngx_http_realtime_get_store();

    if (r->method == NGX_HTTP_POST && item.len == 0) {
        return ngx_http_realtime_transcripts_post(ctx);
    }

    return ngx_http_realtime_history_handler(ctx, &item);
}


/* a location "/x" gets "/xy" and "/x/" as well: they are not its own */

static ngx_int_t
ngx_http_realtime_transcripts_path(ngx_http_request_t *r, ngx_str_t *item)
{
    ngx_str_t                 *name;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    name = &clcf->name;

    /* a rewrite may have come between */

    if (r->uri.len < name->len
        || ngx_strncmp(r->uri.data, name->data, name->len) != 0)
    {
        return NGX_DECLINED;
    }

    item->data = r->uri.data + name->len;
    item->len = r->uri.len - name->len;

    if (item->len == 0 || name->data[name->len - 1] == '/') {
        return NGX_OK;
    }

    if (item->data[0] != '/' || item->len == 1) {
        return NGX_DECLINED;
    }

    item->data++;
    item->len--;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_transcripts_post(ngx_http_realtime_transcripts_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (!ngx_http_realtime_is_type(r, "application/json")) {
        return ngx_http_realtime_error(r,
                                   NGX_HTTP_REALTIME_E_UNSUPPORTED_MEDIA_TYPE);
    }

    rc = ngx_http_read_client_request_body(r,
                                           ngx_http_realtime_transcripts_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static void
ngx_http_realtime_transcripts_body(ngx_http_request_t *r)
{
    ngx_int_t                             rc;
    ngx_http_realtime_transcripts_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_transcripts_module);

    rc = ngx_http_realtime_transcripts_write(ctx);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


static ngx_int_t
ngx_http_realtime_transcripts_write(ngx_http_realtime_transcripts_ctx_t *ctx)
{
    struct timeval             tv;
    ngx_http_request_t        *r;
    ngx_realtime_write_t      *w;
    ngx_http_realtime_post_t  *post;

    r = ctx->request;

    if (ctx->store == NULL) {
        return ngx_http_realtime_error(r,
                                       NGX_HTTP_REALTIME_E_STORE_UNAVAILABLE);
    }

    post = ngx_calloc(sizeof(ngx_http_realtime_post_t) + ctx->user->id.len,
                      r->connection->log);
    if (post == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(post->user, ctx->user->id.data, ctx->user->id.len);
    ngx_gettimeofday(&tv);

    w = &post->write;
    w->fd = NGX_INVALID_FILE;
    w->user_id.data = (char *) post->user;
    w->user_id.len = ctx->user->id.len;
    w->arrived = (int64_t) tv.tv_sec * 1000000 + tv.tv_usec;
    w->done = ngx_http_realtime_transcripts_done;
    w->data = post;

    if (ngx_http_realtime_transcripts_copy(r, w) != NGX_OK) {
        ngx_realtime_write_free(w);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_realtime_writer_post(&ctx->store->writer, w) != NGX_OK) {
        ngx_realtime_write_free(w);
        ngx_str_set(&ctx->status, "busy");
        return ngx_http_realtime_error(r, NGX_HTTP_REALTIME_E_BUSY);
    }

    /* what fails from here on does not stop the write */

    if (ngx_http_realtime_transcripts_wait(ctx, &post->ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_http_realtime_transcripts_copy(ngx_http_request_t *r,
    ngx_realtime_write_t *w)
{
    u_char       *p;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, *in;

    in = (r->request_body != NULL) ? r->request_body->bufs : NULL;

    for (cl = in; cl != NULL; cl = cl->next) {
        w->len += ngx_buf_size(cl->buf);
    }

    w->body = ngx_alloc(w->len + 1, r->connection->log);
    if (w->body == NULL) {
        return NGX_ERROR;
    }

    p = w->body;

    for (cl = in; cl != NULL; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        if (!b->in_file) {
            continue;
        }

        /* nginx spills a body to one file; the thread reads it */

        if (w->fd != NGX_INVALID_FILE) {
            return NGX_ERROR;
        }

        w->fd = dup(b->file->fd);
        if (w->fd == NGX_INVALID_FILE) {
            ngx_log_error(NGX_LOG_CRIT, r->connection->log, ngx_errno,
                          "dup() failed");
            return NGX_ERROR;
        }

        w->file_at = p - w->body;
        w->file_len = b->file_last - b->file_pos;
        w->file_pos = b->file_pos;

        p += w->file_len;
    }

    return NGX_OK;
}


static void
ngx_http_realtime_transcripts_done(ngx_realtime_write_t *w)
{
    const char                *status;
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_realtime_post_t  *post;
    ngx_http_realtime_zone_t  *zone;

    post = w->data;

    if (w->status == NGX_REALTIME_WRITE_OK
        || w->status == NGX_REALTIME_WRITE_QUEUED)
    {
        zone = ngx_http_realtime_get_zone();

        ngx_http_realtime_count(zone, NGX_HTTP_REALTIME_C_TRANSCRIPTS,
                                w->n - w->queued);
        ngx_http_realtime_count(zone, NGX_HTTP_REALTIME_C_QUEUED, w->queued);
    }

    if (post->ctx != NULL) {

        switch (w->status) {

        case NGX_REALTIME_WRITE_OK:
        case NGX_REALTIME_WRITE_REFUSED:
        case NGX_REALTIME_WRITE_FAILED:
            status = rt_store_rc_name(w->rc);
            break;

        case NGX_REALTIME_WRITE_QUEUED:
            status = "queued";
            break;

        case NGX_REALTIME_WRITE_BUSY:
            status = "busy";
            break;

        default:
            status = "";
        }

        r = ngx_http_realtime_transcripts_arrived(post->ctx, status);

        rc = ngx_http_realtime_transcripts_answer(r, w);

        ngx_http_realtime_transcripts_finish(r, rc);
    }

    ngx_realtime_write_free(w);
}


static ngx_int_t
ngx_http_realtime_transcripts_answer(ngx_http_request_t *r,
    ngx_realtime_write_t *w)
{
    ngx_str_t                  body;
    ngx_http_realtime_error_t  e;

    ngx_memzero(&e, sizeof(ngx_http_realtime_error_t));

    switch (w->status) {

    case NGX_REALTIME_WRITE_OK:
    case NGX_REALTIME_WRITE_QUEUED:

        if (ngx_http_realtime_transcripts_take(r, &w->reply, &body) != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_realtime_send_json(r,
                                       w->status == NGX_REALTIME_WRITE_OK
                                       ? NGX_HTTP_OK : NGX_HTTP_ACCEPTED,
                                       &body);

    case NGX_REALTIME_WRITE_INVALID:

        e.code = NGX_HTTP_REALTIME_E_INVALID_TRANSCRIPT;

        if (ngx_http_realtime_transcripts_take(r, &w->reply, &e.detail_json)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_realtime_error_ex(r, &e);

    case NGX_REALTIME_WRITE_REFUSED:

        e.code = NGX_HTTP_REALTIME_E_INVALID_TRANSCRIPT;
        ngx_str_set(&e.detail_json,
                    "[{\"loc\":[\"body\"],\"msg\":\"The store refuses it\","
                    "\"type\":\"value_error\"}]");

        return ngx_http_realtime_error_ex(r, &e);

    case NGX_REALTIME_WRITE_MISMATCH:

        e.code = NGX_HTTP_REALTIME_E_USER_MISMATCH;
        ngx_str_set(&e.detail, "Cannot save transcript for another user");

        return ngx_http_realtime_error_ex(r, &e);

    case NGX_REALTIME_WRITE_FAILED:
        return ngx_http_realtime_error(r,
                                       NGX_HTTP_REALTIME_E_STORE_UNAVAILABLE);

    case NGX_REALTIME_WRITE_BUSY:
        return ngx_http_realtime_error(r, NGX_HTTP_REALTIME_E_BUSY);

    default: /* NGX_REALTIME_WRITE_ERROR */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static char *
ngx_http_realtime_transcripts_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_realtime_loc_conf_t  *rlcf;

    rlcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_realtime_module);

    if (rlcf->handler != ngx_http_realtime_transcripts_handler) {
        return NGX_CONF_OK;
    }

    ngx_http_realtime_set_body_max_size(cf, RT_TRANSCRIPT_BODY_MAX);

    return ngx_http_realtime_auth_required(cf, "realtime_transcripts");
}


static char *
ngx_http_realtime_transcripts(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* the path below the location says what is meant */

#if (NGX_PCRE)
    if (clcf->regex) {
        return "cannot be used in a location given by regular expression";
    }
#endif

    if (clcf->named) {
        return "cannot be used in a named location";
    }

    ngx_http_realtime_store_need(cf, "realtime_transcripts");

    return ngx_http_realtime_set_handler(cf,
                                        ngx_http_realtime_transcripts_handler);
}
