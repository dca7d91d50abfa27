
#include "ngx_realtime_batch.h"


static ngx_int_t ngx_realtime_write_read(ngx_realtime_write_t *w);
static ngx_uint_t ngx_realtime_write_parse(ngx_realtime_entry_t *e);
static void ngx_realtime_batch_store(ngx_realtime_batch_t *b, ngx_uint_t n);
static void ngx_realtime_batch_write(ngx_realtime_batch_t *b,
    const rt_transcript_t **items, ngx_uint_t n, rt_store_rc_e *results);
static ngx_int_t ngx_realtime_batch_put(ngx_realtime_batch_t *b,
    const rt_transcript_t **items, ngx_uint_t n);
static void ngx_realtime_write_result(ngx_realtime_entry_t *e,
    ngx_realtime_batch_t *b, rt_store_rc_e *results);


void
ngx_realtime_batch_run(void *data)
{
    ngx_realtime_batch_t *b = data;

    ngx_uint_t             i, n;
    ngx_realtime_entry_t  *e;

    n = 0;

    for (i = 0; i < b->n; i++) {
        n += ngx_realtime_write_parse(&b->entries[i]);
    }

    if (n) {
        ngx_realtime_batch_store(b, n);
    }

    for (i = 0; i < b->n; i++) {
        e = &b->entries[i];

        if (e->items.n) {
            rt_transcript_batch_free(&e->items);
        }
    }
}


static ngx_int_t
ngx_realtime_write_read(ngx_realtime_write_t *w)
{
    size_t   size;
    ssize_t  n;

    for (size = 0; size < w->file_len; size += n) {
        n = pread(w->fd, w->body + w->file_at + size, w->file_len - size,
                  w->file_pos + size);

        if (n <= 0) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* returns the number of items to store, in e->items */

static ngx_uint_t
ngx_realtime_write_parse(ngx_realtime_entry_t *e)
{
    rt_transcript_rc_e     rc;
    ngx_realtime_write_t  *w;

    w = e->write;
    w->status = NGX_REALTIME_WRITE_ERROR;
    e->items.n = 0;

    if (w->fd != NGX_INVALID_FILE && ngx_realtime_write_read(w) != NGX_OK) {
        return 0;
    }

    rc = rt_transcript_parse((char *) w->body, w->len, w->user_id,
                             w->arrived, &e->items, &w->reply);

    ngx_free(w->body);
    w->body = NULL;

    switch (rc) {

    case RT_TRANSCRIPT_OK:
        w->n = e->items.n;
        return w->n;

    case RT_TRANSCRIPT_INVALID:
        w->status = NGX_REALTIME_WRITE_INVALID;
        break;

    case RT_TRANSCRIPT_MISMATCH:
        w->status = NGX_REALTIME_WRITE_MISMATCH;
        break;

    case RT_TRANSCRIPT_NO_MEMORY:
        break;
    }

    e->items.n = 0;

    return 0;
}


static void
ngx_realtime_batch_store(ngx_realtime_batch_t *b, ngx_uint_t n)
{
    ngx_uint_t               i, k;
    rt_store_rc_e           *results;
    ngx_realtime_entry_t    *e;
    const rt_transcript_t  **items;

    items = malloc(n * sizeof(rt_transcript_t *));
    results = malloc(n * sizeof(rt_store_rc_e));

    if (items == NULL || results == NULL) {
        goto done;
    }

    n = 0;

    for (i = 0; i < b->n; i++) {
        e = &b->entries[i];

        for (k = 0; k < e->items.n; k++) {
            items[n++] = &e->items.items[k];
        }
    }

    ngx_realtime_batch_write(b, items, n, results);

    n = 0;

    for (i = 0; i < b->n; i++) {
        e = &b->entries[i];

        if (e->items.n) {
            ngx_realtime_write_result(e, b, &results[n]);
            n += e->items.n;
        }
    }

done:

    free(items);
    free(results);
}


static void
ngx_realtime_batch_write(ngx_realtime_batch_t *b,
    const rt_transcript_t **items, ngx_uint_t n, rt_store_rc_e *results)
{
    ngx_uint_t  i, left;

    if (b->away && ngx_realtime_batch_put(b, items, n) == NGX_OK) {

        for (i = 0; i < n; i++) {
            results[i] = RT_STORE_UNAVAILABLE;
        }

        b->rc = RT_STORE_UNAVAILABLE;
        return;
    }

    b->rc = rt_store_append(b->store, items, n, results, &b->err);

    if (b->spool == NULL
        || (b->rc != RT_STORE_UNAVAILABLE && b->rc != RT_STORE_TIMEOUT))
    {
        return;
    }

    for (i = 0, left = 0; i < n; i++) {
        if (results[i] == b->rc) {
            items[left++] = items[i];
        }
    }

    (void) ngx_realtime_batch_put(b, items, left);
}


static ngx_int_t
ngx_realtime_batch_put(ngx_realtime_batch_t *b, const rt_transcript_t **items,
    ngx_uint_t n)
{
    b->put = rt_spool_put(b->spool, items, n, &b->depth, &b->put_err);

    if (b->put != RT_STORE_OK) {
        return NGX_ERROR;
    }

    b->queued = n;

    return NGX_OK;
}


static void
ngx_realtime_write_result(ngx_realtime_entry_t *e, ngx_realtime_batch_t *b,
    rt_store_rc_e *results)
{
    ngx_uint_t             i;
    ngx_realtime_write_t  *w;

    w = e->write;
    w->rc = RT_STORE_DUPLICATE;

    for (i = 0; i < e->items.n; i++) {

        if (results[i] == RT_STORE_DUPLICATE) {
            continue;
        }

        if (results[i] == RT_STORE_OK) {
            w->rc = RT_STORE_OK;
            continue;
        }

        if (results[i] == b->rc && b->queued) {
            w->queued++;
            continue;
        }

        w->rc = results[i];
        w->status = (b->rc == RT_STORE_OK) ? NGX_REALTIME_WRITE_REFUSED
                                           : NGX_REALTIME_WRITE_FAILED;
        return;
    }

    rt_transcript_reply(&w->reply, &e->items, w->queued != 0);

    if (!w->reply.failed) {
        w->status = w->queued ? NGX_REALTIME_WRITE_QUEUED
                              : NGX_REALTIME_WRITE_OK;
    }
}
