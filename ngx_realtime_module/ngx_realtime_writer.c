
#include "ngx_realtime_batch.h"
#include "ngx_realtime_task.h"


/* of the 8 threads of the default pool: others read, look up and drain */
#define NGX_REALTIME_WRITER_BATCHES  3

/* of the bodies of one batch; the first write is always taken */
#define NGX_REALTIME_BATCH_BYTES     (64 * 1024)

/* a batch that keeps its thread busy while others could use the store */
#define NGX_REALTIME_BATCH_HEAVY     (16 * 1024)

/* of all bodies that wait; the limit of writes bounds their number */
#define NGX_REALTIME_WRITER_BYTES    (64 * 1024 * 1024)


static ngx_uint_t ngx_realtime_writer_full(ngx_realtime_writer_t *wr,
    ngx_realtime_write_t *w);
static void ngx_realtime_writer_round(ngx_event_t *ev);
static void ngx_realtime_writer_late(ngx_realtime_writer_t *wr);
static void ngx_realtime_writer_next(ngx_realtime_writer_t *wr);
static ngx_int_t ngx_realtime_writer_start(ngx_realtime_writer_t *wr);
static void ngx_realtime_batch_done(void *data);
static void ngx_realtime_batch_log(ngx_realtime_batch_t *b);
static void ngx_realtime_writer_give_back(ngx_realtime_writer_t *wr,
    ngx_realtime_write_e status);


void
ngx_realtime_writer_init(ngx_realtime_writer_t *wr, rt_store_t *store,
    ngx_thread_pool_t *pool, ngx_uint_t limit, ngx_msec_t timeout)
{
    ngx_memzero(wr, sizeof(ngx_realtime_writer_t));

    wr->store = store;
    wr->pool = pool;
    wr->limit = limit;
    wr->timeout = timeout;

    wr->round.handler = ngx_realtime_writer_round;
    wr->round.data = wr;
    wr->round.log = ngx_cycle->log;

    ngx_queue_init(&wr->waiting);
}


ngx_int_t
ngx_realtime_writer_post(ngx_realtime_writer_t *wr, ngx_realtime_write_t *w)
{
    if (ngx_realtime_writer_full(wr, w)) {

        /* it may be full of what came in this round, with threads idle */

        ngx_realtime_writer_next(wr);

        if (ngx_realtime_writer_full(wr, w)) {
            return NGX_BUSY;
        }
    }

    w->posted = ngx_current_msec;

    ngx_queue_insert_tail(&wr->waiting, &w->queue);
    wr->nwaiting++;
    wr->bytes += w->len;

    ngx_post_event(&wr->round, &ngx_posted_events);

    return NGX_OK;
}


static ngx_uint_t
ngx_realtime_writer_full(ngx_realtime_writer_t *wr, ngx_realtime_write_t *w)
{
    return wr->nwaiting >= wr->limit
           || wr->bytes + w->len > NGX_REALTIME_WRITER_BYTES;
}


static void
ngx_realtime_writer_round(ngx_event_t *ev)
{
    ngx_realtime_writer_t *wr = ev->data;

    if (wr->spool == NULL) {
        ngx_realtime_writer_late(wr);
    }

    ngx_realtime_writer_next(wr);

    /* where none is under way, none will end and take what waits */

    while (wr->nwaiting && wr->batches == 0) {
        ngx_realtime_writer_give_back(wr, NGX_REALTIME_WRITE_BUSY);
    }
}


/* the first in the queue is the oldest */

static void
ngx_realtime_writer_late(ngx_realtime_writer_t *wr)
{
    ngx_uint_t             n;
    ngx_realtime_write_t  *w;

    for (n = 0; wr->nwaiting; n++) {
        w = ngx_queue_data(ngx_queue_head(&wr->waiting), ngx_realtime_write_t,
                           queue);

        if (ngx_current_msec - w->posted < wr->timeout) {
            break;
        }

        w->rc = RT_STORE_TIMEOUT;
        ngx_realtime_writer_give_back(wr, NGX_REALTIME_WRITE_FAILED);
    }

    if (n) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "realtime store: write timeout: %ui waited for the "
                      "writes before them", n);
    }
}


static void
ngx_realtime_writer_next(ngx_realtime_writer_t *wr)
{
    while (wr->nwaiting
           && wr->batches < NGX_REALTIME_WRITER_BATCHES
           && wr->batches - wr->heavy < rt_store_writers(wr->store)
           && ngx_realtime_writer_start(wr) == NGX_OK)
    {
        /* void */
    }
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

    b->heavy = (bytes > NGX_REALTIME_BATCH_HEAVY);

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
    wr->heavy += b->heavy;

    return NGX_OK;
}


static void
ngx_realtime_batch_done(void *data)
{
    ngx_realtime_batch_t *b = data;

    ngx_uint_t              i;
    ngx_realtime_writer_t  *wr;

    wr = b->writer;
    wr->batches--;
    wr->heavy -= b->heavy;

    ngx_realtime_batch_log(b);

    if (b->queued) {
        wr->put(wr->data, &b->depth);

    } else if (b->away && b->rc == RT_STORE_OK) {
        *wr->away = 0;
    }

    ngx_realtime_writer_round(&wr->round);

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


/* the first that waits */

static void
ngx_realtime_writer_give_back(ngx_realtime_writer_t *wr,
    ngx_realtime_write_e status)
{
    ngx_queue_t           *q;
    ngx_realtime_write_t  *w;

    q = ngx_queue_head(&wr->waiting);
    w = ngx_queue_data(q, ngx_realtime_write_t, queue);

    ngx_queue_remove(q);
    wr->nwaiting--;
    wr->bytes -= w->len;

    w->status = status;
    w->done(w);
}
