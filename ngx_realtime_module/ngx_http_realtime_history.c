
#include "ngx_http_realtime_drainer.h"
#include "ngx_http_realtime_history.h"
#include "ngx_realtime_task.h"


static ngx_int_t ngx_http_realtime_history_post(
    ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_http_realtime_history_t *args);
static void ngx_http_realtime_history_run(void *data);
static void ngx_http_realtime_history_read(ngx_http_realtime_history_t *job);
static void ngx_http_realtime_history_format(ngx_http_realtime_history_t *job,
    rt_page_t *page);
static void ngx_http_realtime_history_erase(ngx_http_realtime_history_t *job);
static void ngx_http_realtime_history_done(void *data);
static ngx_int_t ngx_http_realtime_history_answer(ngx_http_request_t *r,
    ngx_http_realtime_history_t *job);


ngx_int_t
ngx_http_realtime_history_handler(ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_str_t *item)
{
    ngx_int_t                    rc;
    ngx_http_realtime_history_t  job;

    ngx_memzero(&job, sizeof(ngx_http_realtime_history_t));

    rc = ngx_http_realtime_history_args(ctx, item, &job);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_realtime_history_post(ctx, &job);
}


static ngx_int_t
ngx_http_realtime_history_post(ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_http_realtime_history_t *args)
{
    char                         *p;
    ngx_http_request_t           *r;
    ngx_http_realtime_history_t  *job;

    r = ctx->request;

    if (ctx->store == NULL) {
        return ngx_http_realtime_error(r,
                                       NGX_HTTP_REALTIME_E_STORE_UNAVAILABLE);
    }

    job = ngx_alloc(sizeof(ngx_http_realtime_history_t)
                    + args->query.user_id.len + args->query.session_id.len,
                    r->connection->log);
    if (job == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* the job outlives the request and the names in its pool */

    *job = *args;
    job->store = ctx->store->store;
    job->spool = ctx->store->spool;
    job->rc = RT_STORE_TIMEOUT;
    ngx_cpystrn((u_char *) job->err.text, (u_char *) "no thread free",
                sizeof(job->err.text));

    p = (char *) (job + 1);

    job->query.user_id.data = p;
    p = (char *) ngx_cpymem(p, args->query.user_id.data,
                            args->query.user_id.len);

    if (args->query.session_id.data != NULL) {
        job->query.session_id.data = p;
        ngx_memcpy(p, args->query.session_id.data,
                   args->query.session_id.len);
    }

    if (ngx_realtime_lane_post(&ctx->store->history,
                               ngx_http_realtime_history_run,
                               ngx_http_realtime_history_done, job)
        != NGX_OK)
    {
        ngx_free(job);
        return ngx_http_realtime_error(r, NGX_HTTP_REALTIME_E_BUSY);
    }

    if (ngx_http_realtime_transcripts_wait(ctx, &job->ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_realtime_history_run(void *data)
{
    ngx_http_realtime_history_t *job = data;

    job->err.text[0] = '\0';

    switch (job->what) {

    case NGX_HTTP_REALTIME_HISTORY_LIST:
    case NGX_HTTP_REALTIME_HISTORY_SESSIONS:
        ngx_http_realtime_history_read(job);
        break;

    case NGX_HTTP_REALTIME_HISTORY_ERASE:
    case NGX_HTTP_REALTIME_HISTORY_ERASE_ITEM:
        ngx_http_realtime_history_erase(job);
        break;
    }
}


static void
ngx_http_realtime_history_read(ngx_http_realtime_history_t *job)
{
    rt_page_t  page;

    if (job->what == NGX_HTTP_REALTIME_HISTORY_LIST) {
        job->rc = rt_store_list(job->store, &job->query, &page, &job->err);

        if (job->rc == RT_STORE_OK) {
            ngx_http_realtime_history_format(job, &page);
            rt_page_free(&page);
        }

        return;
    }

    job->rc = rt_store_sessions(job->store, &job->query, &page, &job->err);

    if (job->rc == RT_STORE_OK) {
        rt_page_sessions(&job->reply, &page);
        rt_page_free(&page);
    }
}


static void
ngx_http_realtime_history_format(ngx_http_realtime_history_t *job,
    rt_page_t *page)
{
    job->next = page->next;

    switch (job->format) {

    case NGX_HTTP_REALTIME_FORMAT_JSON:
        rt_page_transcripts(&job->reply, page);
        break;

    case NGX_HTTP_REALTIME_FORMAT_LINES:
        rt_page_lines(&job->reply, page);
        break;

    case NGX_HTTP_REALTIME_FORMAT_TEXT:
        rt_page_text(&job->reply, page);
        break;
    }
}


static void
ngx_http_realtime_history_erase(ngx_http_realtime_history_t *job)
{
    rt_store_match_t  match;

    ngx_memzero(&match, sizeof(rt_store_match_t));

    match.user_id = job->query.user_id;

    if (job->what == NGX_HTTP_REALTIME_HISTORY_ERASE_ITEM) {
        match.id = &job->id;

    } else {
        match.session_id = job->query.session_id;
    }

    if (job->spool != NULL) {
        job->rc = rt_drain_erase(job->spool, job->store, &match,
                                 &job->deleted, &job->depth, &job->err);
    } else {
        job->rc = rt_store_erase(job->store, &match, &job->deleted, &job->err);
    }

    if (job->rc == RT_STORE_OK) {
        rt_buf_str(&job->reply, "{\"deleted\":");
        rt_buf_int(&job->reply, job->deleted);
        rt_buf_str(&job->reply, "}");
    }
}


static void
ngx_http_realtime_history_done(void *data)
{
    ngx_http_realtime_history_t *job = data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    if (job->rc != RT_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime store: %s %s: %s",
                      job->what <= NGX_HTTP_REALTIME_HISTORY_SESSIONS
                      ? "read" : "erasure",
                      rt_store_rc_name(job->rc), job->err.text);

    } else if (job->spool != NULL
               && job->what >= NGX_HTTP_REALTIME_HISTORY_ERASE)
    {
        ngx_http_realtime_drainer_depth(&job->depth);
    }

    if (job->ctx != NULL) {
        r = ngx_http_realtime_transcripts_arrived(job->ctx,
                                                  rt_store_rc_name(job->rc));

        rc = ngx_http_realtime_history_answer(r, job);

        ngx_http_realtime_transcripts_finish(r, rc);
    }

    rt_buf_free(&job->reply);
    ngx_free(job);
}


static ngx_int_t
ngx_http_realtime_history_answer(ngx_http_request_t *r,
    ngx_http_realtime_history_t *job)
{
    ngx_int_t  rc;
    ngx_str_t  body;

    static ngx_str_t  types[] = {
        ngx_string("application/json"),
        ngx_string("application/x-ndjson"),
        ngx_string("text/plain; charset=utf-8")
    };

    if (job->rc != RT_STORE_OK) {
        return ngx_http_realtime_error(r,
                                       NGX_HTTP_REALTIME_E_STORE_UNAVAILABLE);
    }

    if (job->what == NGX_HTTP_REALTIME_HISTORY_ERASE_ITEM
        && job->deleted == 0)
    {
        return ngx_http_realtime_error(r, NGX_HTTP_REALTIME_E_NOT_FOUND);
    }

    if (job->reply.failed
        || ngx_http_realtime_transcripts_take(r, &job->reply, &body) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (job->format != NGX_HTTP_REALTIME_FORMAT_JSON) {
        rc = ngx_http_realtime_history_link(r, &job->next);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_http_realtime_send(r, NGX_HTTP_OK, &types[job->format], &body);
}
