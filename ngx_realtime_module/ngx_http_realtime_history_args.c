
#include "ngx_http_realtime_history.h"


static ngx_int_t ngx_http_realtime_history_what(ngx_http_request_t *r,
    ngx_str_t *item, ngx_http_realtime_history_t *job);
static ngx_int_t ngx_http_realtime_history_once(ngx_http_request_t *r);
static ngx_int_t ngx_http_realtime_history_whose(
    ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_http_realtime_history_t *job);
static ngx_int_t ngx_http_realtime_history_page(ngx_http_request_t *r,
    ngx_http_realtime_history_t *job);
static ngx_int_t ngx_http_realtime_history_format(ngx_http_request_t *r,
    ngx_http_realtime_history_t *job);
static ngx_int_t ngx_http_realtime_history_arg(ngx_http_request_t *r,
    char *name, rt_str_t *value);
static ngx_uint_t ngx_http_realtime_history_find(ngx_http_request_t *r,
    char *name, ngx_str_t *arg);
static ngx_int_t ngx_http_realtime_history_invalid(ngx_http_request_t *r,
    char *name, char *msg);


ngx_int_t
ngx_http_realtime_history_args(ngx_http_realtime_transcripts_ctx_t *ctx,
    ngx_str_t *item, ngx_http_realtime_history_t *job)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ctx->request;

    rc = ngx_http_realtime_history_what(r, item, job);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_realtime_history_once(r);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_realtime_history_whose(ctx, job);
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


/* of two sessions to erase, which one was meant? */

static ngx_int_t
ngx_http_realtime_history_once(ngx_http_request_t *r)
{
    ngx_str_t   arg;
    ngx_uint_t  i;

    static char  *names[] = {
        "session_id", "user_id", "limit", "order", "cursor", "format"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        if (ngx_http_realtime_history_find(r, names[i], &arg) > 1) {
            return ngx_http_realtime_history_invalid(r, names[i],
                                                     "Given twice");
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_history_whose(ngx_http_realtime_transcripts_ctx_t *ctx,
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

    return job->what == NGX_HTTP_REALTIME_HISTORY_LIST
           ? ngx_http_realtime_history_format(r, job) : NGX_OK;
}


/* an argument wins; of several types accepted JSON does, as with axios */

static ngx_int_t
ngx_http_realtime_history_format(ngx_http_request_t *r,
    ngx_http_realtime_history_t *job)
{
    rt_str_t    format;
    ngx_uint_t  i;

    static ngx_str_t  names[] = {
        ngx_string("json"), ngx_string("jsonl"), ngx_string("text")
    };

    if (ngx_http_realtime_history_arg(r, "format", &format) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (format.data == NULL) {

        if (ngx_http_realtime_accepts(r, "application/json")) {
            return NGX_OK;
        }

        if (ngx_http_realtime_accepts(r, "application/x-ndjson")) {
            job->format = NGX_HTTP_REALTIME_FORMAT_LINES;

        } else if (ngx_http_realtime_accepts(r, "text/plain")) {
            job->format = NGX_HTTP_REALTIME_FORMAT_TEXT;
        }

        return NGX_OK;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        if (format.len == names[i].len
            && ngx_strncmp(format.data, names[i].data, format.len) == 0)
        {
            job->format = i;
            return NGX_OK;
        }
    }

    return ngx_http_realtime_history_invalid(r, "format",
                                       "Neither 'json', 'jsonl' nor 'text'");
}


ngx_int_t
ngx_http_realtime_history_link(ngx_http_request_t *r, rt_cursor_t *next)
{
    size_t      len;
    u_char     *p;
    rt_buf_t    cursor;
    rt_str_t    values[5];
    ngx_str_t   link;
    ngx_uint_t  i;

    static char  *names[] = {
        "session_id", "user_id", "limit", "order", "format"
    };

    if (!next->set) {
        return NGX_OK;
    }

    len = sizeof("<?cursor=>; rel=\"next\"");

    for (i = 0; i < 5; i++) {

        if (ngx_http_realtime_history_arg(r, names[i], &values[i]) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        /* three bytes for one that is escaped */

        len += ngx_strlen(names[i]) + 3 * values[i].len + 2;
    }

    ngx_memzero(&cursor, sizeof(rt_buf_t));
    rt_cursor_format(&cursor, next);

    link.data = cursor.failed ? NULL : ngx_pnalloc(r->pool, len + cursor.len);

    if (link.data == NULL) {
        rt_buf_free(&cursor);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* without a path it is right behind any proxy, too */

    p = ngx_sprintf(link.data, "<?");

    for (i = 0; i < 5; i++) {

        if (values[i].data != NULL) {
            p = ngx_sprintf(p, "%s=", names[i]);
            p = (u_char *) ngx_escape_uri(p, (u_char *) values[i].data,
                                          values[i].len,
                                          NGX_ESCAPE_URI_COMPONENT);
            *p++ = '&';
        }
    }

    p = ngx_sprintf(p, "cursor=%*s>; rel=\"next\"", cursor.len, cursor.data);

    link.len = p - link.data;
    rt_buf_free(&cursor);

    return ngx_http_realtime_add_header(r, "Link", &link) == NGX_OK
           ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
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

    if (ngx_http_realtime_history_find(r, name, &arg) == 0) {
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


/*
 * How often an argument is there; arg is the first of them.  A name without
 * "=" is empty, not absent as it is to ngx_http_arg(): "user_id=u&session_id"
 * must not erase all of a user.
 */

static ngx_uint_t
ngx_http_realtime_history_find(ngx_http_request_t *r, char *name,
    ngx_str_t *arg)
{
    size_t       len;
    u_char      *p, *end, *last;
    ngx_uint_t   n;

    if (r->args.len == 0) {
        return 0;
    }

    n = 0;
    len = ngx_strlen(name);
    last = r->args.data + r->args.len;

    for (p = r->args.data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) < len
            || ngx_strncasecmp(p, (u_char *) name, len) != 0
            || (p + len != end && p[len] != '='))
        {
            continue;
        }

        if (n++ == 0) {
            arg->data = ngx_min(p + len + 1, end);
            arg->len = end - arg->data;
        }
    }

    return n;
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
