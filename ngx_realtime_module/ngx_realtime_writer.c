
#include "ngx_realtime_writer.h"
#include "ngx_realtime_task.h"


/* of the 8 threads of the default pool: others read, look up and drain */
#define NGX_REALTIME_WRITER_BATCHES  3

/* what one batch takes at most; the first write is always taken */
#define NGX_REALTIME_BATCH_WRITES    128
#define NGX_REALTIME_BATCH_BYTES     (512 * 1024)

/* of all bodies that wait; the limit of writes bounds their number */
#define NGX_REALTIME_WRITER_BYTES    (64 * 1024 * 1024)


typedef struct {
    ngx_realtime_write_t   *write;
    rt_transcript_batch_t   items;
} ngx_realtime_entry_t;


typedef struct {
    ngx_realtime_writer_t  *writer;
    rt_store_t             *store;
    rt_spool_t             *spool;
    ngx_uint_t              away;       /* to the spool first */

    rt_store_rc_e           rc;
    rt_store_error_t        err;
    rt_store_rc_e           put;        /* what the spool said, if asked */
    rt_store_error_t        put_err;
    ngx_uint_t              queued;     /* items */
    rt_spool_depth_t        depth;      /* if any */

    ngx_uint_t              n;
    ngx_realtime_entry_t    entries[NGX_REALTIME_BATCH_WRITES];
} ngx_realtime_batch_t;


static ngx_int_t ngx_realtime_writer_start(ngx_realtime_writer_t *wr);
static void ngx_realtime_batch_run(void *data);
static ngx_int_t ngx_realtime_write_read(ngx_realtime_write_t *w);
static ngx_uint_t ngx_realtime_write_parse(ngx_realtime_entry_t *e);
static void ngx_realtime_batch_store(ngx_realtime_batch_t *b, ngx_uint_t n);
static void ngx_realtime_batch_write(ngx_realtime_batch_t *b,
    const rt_transcript_t **items, ngx_uint_t n, rt_store_rc_e *results);
static ngx_int_t ngx_realtime_batch_put(ngx_realtime_batch_t *b,
    const rt_transcript_t **items, ngx_uint_t n);
static void ngx_realtime_write_result(ngx_realtime_entry_t *e,
    ngx_realtime_batch_t *b, rt_store_rc_e *results);
static void ngx_realtime_batch_done(void *data);
static void ngx_realtime_batch_log(ngx_realtime_batch_t *b);
static void ngx_realtime_writer_give_up(ngx_realtime_writer_t *wr);


void
ngx_realtime_writer_init(ngx_realtime_writer_t *wr, rt_store_t *store,
    ngx_thread_pool_t *pool, ngx_uint_t limit)
{
    ngx_memzero(wr, sizeof(ngx_realtime_writer_t));

    wr->store = store;
    wr->pool = pool;
    wr->limit = limit;

    ngx_queue_init(&wr->waiting);
}


ngx_int_t
ngx_realtime_writer_post(ngx_realtime_writer_t *wr, ngx_realtime_write_t *w)
{
    if (wr->nwaiting >= wr->limit
        || wr->bytes + w->len > NGX_REALTIME_WRITER_BYTES)
    {
        return NGX_BUSY;
    }

    ngx_queue_insert_tail(&wr->waiting, &w->queue);
    wr->nwaiting++;
    wr->bytes += w->len;

    if (wr->batches < NGX_REALTIME_WRITER_BATCHES
        && ngx_realtime_writer_start(wr) != NGX_OK
        && wr->batches == 0)
    {
        /* no batch will end and take it */

        ngx_queue_remove(&w->queue);
        wr->nwaiting--;
        wr->bytes -= w->len;

        return NGX_BUSY;
    }

    return NGX_OK;
}


void
ngx_realtime_write_free(ngx_realtime_write_t *w)
{
    if (w->fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(w->fd);
    }

    ngx_free(w->body);
    rt_buf_free(&w->reply);
    ngx_free(w);
}


/* the writes stay where they are until a thread has taken their batch */

static ngx_int_t
ngx_realtime_writer_start(ngx_realtime_writer_t *wr)
{
    size_t                 bytes;
    ngx_uint_t             i;
    ngx_queue_t           *q;
    ngx_realtime_batch_t  *b;
    ngx_realtime_write_t  *w;

    b = ngx_alloc(sizeof(ngx_realtime_batch_t), ngx_cycle->log);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->writer = wr;
    b->store = wr->store;
    b->spool = wr->spool;
    b->away = (wr->spool != NULL && *wr->away);
    b->rc = RT_STORE_OK;
    b->err.text[0] = '\0';
    b->put = RT_STORE_OK;
    b->queued = 0;
    b->n = 0;

    bytes = 0;

    for (q = ngx_queue_head(&wr->waiting);
         q != ngx_queue_sentinel(&wr->waiting);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_realtime_write_t, queue);

        if (b->n == NGX_REALTIME_BATCH_WRITES
            || (b->n && bytes + w->len > NGX_REALTIME_BATCH_BYTES))
        {
            break;
        }

        bytes += w->len;
        b->entries[b->n++].write = w;
    }

    if (ngx_realtime_task_post(wr->pool, ngx_realtime_batch_run,
                               ngx_realtime_batch_done, b)
        != NGX_OK)
    {
        ngx_free(b);
        return NGX_ERROR;
    }

    /* the thread looks at the entries only, never at a queue link */

    for (i = 0; i < b->n; i++) {
        ngx_queue_remove(&b->entries[i].write->queue);
    }

    wr->nwaiting -= b->n;
    wr->bytes -= bytes;
    wr->batches++;

    return NGX_OK;
}


static void
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


static void
ngx_realtime_batch_done(void *data)
{
    ngx_realtime_batch_t *b = data;

    ngx_uint_t              i;
    ngx_realtime_writer_t  *wr;

    wr = b->writer;
    wr->batches--;

    ngx_realtime_batch_log(b);

    if (b->queued) {
        wr->put(wr->data, &b->depth);

    } else if (b->away && b->rc == RT_STORE_OK) {
        *wr->away = 0;
    }

    if (wr->nwaiting
        && ngx_realtime_writer_start(wr) != NGX_OK
        && wr->batches == 0)
    {
        ngx_realtime_writer_give_up(wr);
    }

    for (i = 0; i < b->n; i++) {
        b->entries[i].write->done(b->entries[i].write);
    }

    ngx_free(b);
}


static void
ngx_realtime_batch_log(ngx_realtime_batch_t *b)
{
    if (b->put != RT_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime spool: write %s: %s",
                      rt_store_rc_name(b->put), b->put_err.text);
    }

    /* of one document: the server's words may quote it */

    if (b->rc == RT_STORE_OK && b->err.text[0]) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime store: write refused: the store does not "
                      "take a transcript (%d)", b->err.code);
        return;
    }

    /* a batch that went to the spool at once says nothing */

    if (b->err.text[0] || (b->rc != RT_STORE_OK && !b->queued)) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime store: write %s: %s",
                      rt_store_rc_name(b->rc), b->err.text);
    }
}


static void
ngx_realtime_writer_give_up(ngx_realtime_writer_t *wr)
{
    ngx_queue_t           *q;
    ngx_realtime_write_t  *w;

    while (!ngx_queue_empty(&wr->waiting)) {
        q = ngx_queue_head(&wr->waiting);
        w = ngx_queue_data(q, ngx_realtime_write_t, queue);

        ngx_queue_remove(q);
        wr->nwaiting--;
        wr->bytes -= w->len;

        w->status = NGX_REALTIME_WRITE_BUSY;
        w->done(w);
    }
}
