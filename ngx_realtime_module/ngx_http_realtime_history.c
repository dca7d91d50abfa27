
#include "ngx_http_realtime_transcripts.h"
#include "ngx_realtime_task.h"


typedef enum {
    NGX_HTTP_REALTIME_HISTORY_LIST = 0,
    NGX_HTTP_REALTIME_HISTORY_SESSIONS,
    NGX_HTTP_REALTIME_HISTORY_ERASE,
    NGX_HTTP_REALTIME_HISTORY_ERASE_ITEM
} ngx_http_realtime_history_e;


typedef struct {
    ngx_http_realtime_transcripts_ctx_t  *ctx;      /* NULL: client left */
    ngx_http_realtime_history_e           what;

    rt_store_t                           *store;
    rt_store_query_t                      query;
    rt_id_t                               id;

    rt_store_rc_e                         rc;
    rt_store_error_t                      err;
    uint64_t                              deleted;
    rt_buf_t                              reply;
} ngx_http_realtime_history_t;


static ngx_int_t ngx_http_realtime_history_what(ngx_http_request_t *r,
    ngx_str_t *item, ngx_http_realtime_history_t *job);
static ngx_int_t ngx_http_realtime_history_args(
    ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_http_realtime_history_t *job);
static ngx_int_t ngx_http_realtime_history_page(ngx_http_request_t *r,
    ngx_http_realtime_history_t *job);
static ngx_int_t ngx_http_realtime_history_arg(ngx_http_request_t *r,
    char *name, rt_str_t *value);
static ngx_int_t ngx_http_realtime_history_invalid(ngx_http_request_t *r,
    char *name, char *msg);
static ngx_int_t ngx_http_realtime_history_post(
    ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_http_realtime_history_t *args);
static void ngx_http_realtime_history_run(void *data);
static void ngx_http_realtime_history_read(ngx_http_realtime_history_t *job);
static void ngx_http_realtime_history_erase(ngx_http_realtime_history_t *job);
static void ngx_http_realtime_history_done(void *data);
static ngx_int_t ngx_http_realtime_history_answer(ngx_http_request_t *r,
    ngx_http_realtime_history_t *job);


ngx_int_t
ngx_http_realtime_history_handler(ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_str_t *item)
{
    ngx_int_t                     rc;
    ngx_http_request_t           *r;
    ngx_http_realtime_history_t   job;

    r = ctx->request;

    ngx_memzero(&job, sizeof(ngx_http_realtime_history_t));

    rc = ngx_http_realtime_history_what(r, item, &job);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_realtime_history_args(ctx, &job);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_realtime_history_post(ctx, &job);
}


static ngx_int_t
ngx_http_realtime_history_what(ngx_http_request_t *r, ngx_str_t *item,
    ngx_http_realtime_history_t *job)
{
    rt_str_t  id;

    if (item->len == 0) {

        if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
            job->what = NGX_HTTP_REALTIME_HISTORY_LIST;
            return NGX_OK;
        }

        if (r->method == NGX_HTTP_DELETE) {
            job->what = NGX_HTTP_REALTIME_HISTORY_ERASE;
            return NGX_OK;
        }

        return ngx_http_realtime_not_allowed(r, "GET, HEAD, POST, DELETE");
    }

    if (item->len == 8 && ngx_strncmp(item->data, "sessions", 8) == 0) {

        if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
            job->what = NGX_HTTP_REALTIME_HISTORY_SESSIONS;
            return NGX_OK;
        }

        return ngx_http_realtime_not_allowed(r, "GET, HEAD");
    }

    id.data = (char *) item->data;
    id.len = item->len;

    if (rt_id_parse(&job->id, id) == -1) {
        return ngx_http_realtime_error(r, NGX_HTTP_REALTIME_E_NOT_FOUND);
    }

    if (r->method != NGX_HTTP_DELETE) {
        return ngx_http_realtime_not_allowed(r, "DELETE");
    }

    job->what = NGX_HTTP_REALTIME_HISTORY_ERASE_ITEM;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_history_args(ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_http_realtime_history_t *job)
{
    rt_str_t                    user;
    ngx_http_request_t         *r;
    ngx_http_realtime_error_t   e;

    r = ctx->request;

    if (ngx_http_realtime_history_arg(r, "user_id", &user) != NGX_OK
        || ngx_http_realtime_history_arg(r, "session_id",
                                         &job->query.session_id)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* an empty name is nobody's and no session's: it must not mean all */

    if (user.data != NULL && user.len == 0) {
        return ngx_http_realtime_history_invalid(r, "user_id", "Empty");
    }

    if (job->query.session_id.data != NULL && job->query.session_id.len == 0) {
        return ngx_http_realtime_history_invalid(r, "session_id", "Empty");
    }

    job->query.user_id.data = (char *) ctx->user->id.data;
    job->query.user_id.len = ctx->user->id.len;

    if (user.data != NULL
        && (user.len != ctx->user->id.len
            || ngx_memcmp(user.data, ctx->user->id.data, user.len) != 0))
    {
        if (!ctx->user->admin) {
            return ngx_http_realtime_error(r,
                                           NGX_HTTP_REALTIME_E_USER_MISMATCH);
        }

        job->query.user_id = user;
    }

    switch (job->what) {

    case NGX_HTTP_REALTIME_HISTORY_ERASE:

        if (user.data == NULL && job->query.session_id.data == NULL) {
            ngx_memzero(&e, sizeof(ngx_http_realtime_error_t));

            e.code = NGX_HTTP_REALTIME_E_BAD_REQUEST;
            ngx_str_set(&e.detail,
                        "What to erase? session_id or user_id is missing");

            return ngx_http_realtime_error_ex(r, &e);
        }

        return NGX_OK;

    case NGX_HTTP_REALTIME_HISTORY_ERASE_ITEM:
        return NGX_OK;

    case NGX_HTTP_REALTIME_HISTORY_LIST:
    case NGX_HTTP_REALTIME_HISTORY_SESSIONS:
        break;
    }

    return ngx_http_realtime_history_page(r, job);
}


static ngx_int_t
ngx_http_realtime_history_page(ngx_http_request_t *r,
    ngx_http_realtime_history_t *job)
{
    rt_str_t   limit, order, cursor;
    ngx_int_t  n;

    if (ngx_http_realtime_history_arg(r, "limit", &limit) != NGX_OK
        || ngx_http_realtime_history_arg(r, "order", &order) != NGX_OK
        || ngx_http_realtime_history_arg(r, "cursor", &cursor) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    job->query.limit = RT_PAGE_LIMIT_DEFAULT;

    if (limit.data != NULL) {
        n = ngx_atoi((u_char *) limit.data, limit.len);

        if (n < 1 || n > RT_PAGE_LIMIT_MAX) {
            return ngx_http_realtime_history_invalid(r, "limit",
                                                     "Not within 1 and 200");
        }

        job->query.limit = n;
    }

    if (order.data != NULL) {

        if (order.len == 4 && ngx_strncmp(order.data, "desc", 4) == 0) {
            job->query.desc = 1;

        } else if (order.len != 3 || ngx_strncmp(order.data, "asc", 3) != 0) {
            return ngx_http_realtime_history_invalid(r, "order",
                                                "Neither 'asc' nor 'desc'");
        }
    }

    if (cursor.data != NULL
        && rt_cursor_parse(&job->query.cursor, cursor,
                           job->what == NGX_HTTP_REALTIME_HISTORY_SESSIONS)
           == -1)
    {
        return ngx_http_realtime_history_invalid(r, "cursor",
                                             "Not the \\\"next\\\" of a page");
    }

    return NGX_OK;
}


/* an argument of the query, decoded; no data: it is not there */

static ngx_int_t
ngx_http_realtime_history_arg(ngx_http_request_t *r, char *name,
    rt_str_t *value)
{
    u_char     *p, *src, *dst;
    ngx_str_t   arg;

    value->data = NULL;
    value->len = 0;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &arg) != NGX_OK) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, arg.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, arg.data, arg.len);

    value->data = (char *) p;

    for (src = p; src < p + arg.len; src++) {
        if (*src == '+') {
            *src = ' ';
        }
    }

    src = p;
    dst = p;

    ngx_unescape_uri(&dst, &src, arg.len, 0);

    value->len = dst - p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_history_invalid(ngx_http_request_t *r, char *name, char *msg)
{
    size_t                      len;
    ngx_http_realtime_error_t   e;

    static char  form[] = "[{\"loc\":[\"query\",\"%s\"],\"msg\":\"%s\","
                          "\"type\":\"value_error\"}]";

    ngx_memzero(&e, sizeof(ngx_http_realtime_error_t));

    len = sizeof(form) + ngx_strlen(name) + ngx_strlen(msg);

    e.code = NGX_HTTP_REALTIME_E_INVALID_PARAMETER;
    e.detail_json.data = ngx_pnalloc(r->pool, len);

    if (e.detail_json.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    e.detail_json.len = ngx_sprintf(e.detail_json.data, form, name, msg)
                        - e.detail_json.data;

    return ngx_http_realtime_error_ex(r, &e);
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

    p = (char *) (job + 1);

    job->query.user_id.data = p;
    p = (char *) ngx_cpymem(p, args->query.user_id.data,
                            args->query.user_id.len);

    if (args->query.session_id.data != NULL) {
        job->query.session_id.data = p;
        ngx_memcpy(p, args->query.session_id.data,
                   args->query.session_id.len);
    }

    if (ngx_realtime_task_post(ctx->store->pool,
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
            rt_page_transcripts(&job->reply, &page);
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

    job->rc = rt_store_erase(job->store, &match, &job->deleted, &job->err);

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
    ngx_str_t  body;

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

    return ngx_http_realtime_send_json(r, NGX_HTTP_OK, &body);
}
