
#include "ngx_http_realtime_transcripts.h"


static ngx_http_realtime_transcripts_ctx_t *
    ngx_http_realtime_transcripts_find_ctx(ngx_http_request_t *r);
static void ngx_http_realtime_transcripts_marker(void *data);
static void ngx_http_realtime_transcripts_left(void *data);
static void ngx_http_realtime_transcripts_free(void *data);
static ngx_int_t ngx_http_realtime_store_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_realtime_transcripts_vars[] = {

    { ngx_string("realtime_store_status"), NULL,
      ngx_http_realtime_store_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("realtime_store_time"), NULL,
      ngx_http_realtime_store_variable, 1, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/*
 * An internal redirect (error_page) wipes the contexts and the log still
 * wants the variables: a clean-up of the pool keeps the context.
 */

ngx_http_realtime_transcripts_ctx_t *
ngx_http_realtime_transcripts_create_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t                   *cln;
    ngx_http_realtime_transcripts_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool,
                               sizeof(ngx_http_realtime_transcripts_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_realtime_transcripts_marker;
    ctx = cln->data;

    ngx_memzero(ctx, sizeof(ngx_http_realtime_transcripts_ctx_t));

    ctx->request = r;
    ngx_http_set_ctx(r, ctx, ngx_http_realtime_transcripts_module);

    return ctx;
}


static ngx_http_realtime_transcripts_ctx_t *
ngx_http_realtime_transcripts_find_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t                   *cln;
    ngx_http_realtime_transcripts_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_realtime_transcripts_module);

    if (ctx != NULL || !r->internal) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln != NULL; cln = cln->next) {
        if (cln->handler == ngx_http_realtime_transcripts_marker) {
            return cln->data;
        }
    }

    return NULL;
}


static void
ngx_http_realtime_transcripts_marker(void *data)
{
    /* void */
}


ngx_int_t
ngx_http_realtime_transcripts_wait(ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_http_realtime_transcripts_ctx_t **job)
{
    ngx_event_t         *rev;
    ngx_http_cleanup_t  *cln;
    ngx_http_request_t  *r;

    r = ctx->request;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_realtime_transcripts_left;
    cln->data = ctx;

    *job = ctx;
    ctx->job = job;
    ctx->start = ngx_current_msec;

    /* a client that leaves is seen at once */

    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_http_realtime_transcripts_left(ctx);
        return NGX_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_OK;
}


static void
ngx_http_realtime_transcripts_left(void *data)
{
    ngx_http_realtime_transcripts_ctx_t *ctx = data;

    if (ctx->job != NULL) {
        *ctx->job = NULL;
        ctx->job = NULL;
    }
}


ngx_http_request_t *
ngx_http_realtime_transcripts_arrived(
    ngx_http_realtime_transcripts_ctx_t *ctx, const char *status)
{
    ngx_http_realtime_transcripts_left(ctx);

    ctx->status.data = (u_char *) status;
    ctx->status.len = ngx_strlen(status);
    ctx->time = ngx_current_msec - ctx->start;

    return ctx->request;
}


void
ngx_http_realtime_transcripts_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}


ngx_int_t
ngx_http_realtime_transcripts_take(ngx_http_request_t *r, rt_buf_t *b,
    ngx_str_t *text)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_realtime_transcripts_free;
    cln->data = b->data;

    /* an export of nothing */

    text->data = (b->len != 0) ? (u_char *) b->data : (u_char *) "";
    text->len = b->len;

    ngx_memzero(b, sizeof(rt_buf_t));

    return NGX_OK;
}


static void
ngx_http_realtime_transcripts_free(void *data)
{
    free(data);
}


static ngx_int_t
ngx_http_realtime_store_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                               *p;
    ngx_http_realtime_transcripts_ctx_t  *ctx;

    ctx = ngx_http_realtime_transcripts_find_ctx(r);

    if (ctx == NULL || ctx->status.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (data == 0) {
        v->len = ctx->status.len;
        v->data = ctx->status.data;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + 4);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;
    v->len = ngx_sprintf(p, "%T.%03M", (time_t) ctx->time / 1000,
                         ctx->time % 1000)
             - p;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_transcripts_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_realtime_transcripts_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}
