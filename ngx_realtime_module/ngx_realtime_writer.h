
/*
 * The way of transcripts into the store: a queue of this worker, emptied in
 * batches by the thread pool.
 *
 * What arrives in one round of the event loop, or while all of the writer's
 * threads are busy, forms a batch.  So one write alone waits for nothing, and
 * a thousand share a round trip.  Bodies are parsed in the thread, too.
 *
 * A write is on the heap and belongs to the writer from post to done(); no
 * request may free it.  Event loop only; the threads see batches, never the
 * queue.
 */

#ifndef _NGX_REALTIME_WRITER_H_INCLUDED_
#define _NGX_REALTIME_WRITER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_thread_pool.h>

#include "rt_spool.h"


typedef struct ngx_realtime_write_s  ngx_realtime_write_t;

typedef void (*ngx_realtime_write_pt)(ngx_realtime_write_t *w);


typedef enum {
    NGX_REALTIME_WRITE_OK = 0,  /* stored: reply is the JSON of a 200 */
    NGX_REALTIME_WRITE_QUEUED,  /* in the spool, some of it perhaps in the
                                   store: reply is that of a 202 */
    NGX_REALTIME_WRITE_INVALID, /* reply is the list of errors of a 422 */
    NGX_REALTIME_WRITE_MISMATCH,    /* for somebody else */
    NGX_REALTIME_WRITE_REFUSED, /* the store will never take one of them */
    NGX_REALTIME_WRITE_FAILED,  /* the store failed, as rc says */
    NGX_REALTIME_WRITE_BUSY,    /* no thread took it */
    NGX_REALTIME_WRITE_ERROR    /* out of memory, unreadable */
} ngx_realtime_write_e;


struct ngx_realtime_write_s {
    ngx_queue_t             queue;
    ngx_msec_t              posted;

    /* filled by the caller */

    u_char                 *body;       /* len bytes, freed with the write */
    size_t                  len;
    ngx_fd_t                fd;         /* what holds file_len bytes of the
                                           body from file_pos on: read to
                                           body + file_at, then closed */
    size_t                  file_at;
    size_t                  file_len;
    off_t                   file_pos;

    rt_str_t                user_id;    /* lives as long as the write */
    int64_t                 arrived;    /* us since the epoch */

    ngx_realtime_write_pt   done;       /* takes the write back */
    void                   *data;

    /* filled by the writer */

    ngx_realtime_write_e    status;
    rt_store_rc_e           rc;
    ngx_uint_t              n;          /* of items */
    ngx_uint_t              queued;     /* of these, in the spool */
    rt_buf_t                reply;
};


/* what was put in the spool made it this deep; in the event loop */
typedef void (*ngx_realtime_writer_put_pt)(void *data,
    const rt_spool_depth_t *depth);


typedef struct {
    rt_store_t             *store;
    ngx_thread_pool_t      *pool;
    ngx_uint_t              limit;      /* of waiting writes */
    ngx_msec_t              timeout;    /* what each may wait without a spool */

    /* for a store that is away; filled by the caller after init */

    rt_spool_t             *spool;      /* NULL: there is none */
    ngx_atomic_t           *away;       /* of all workers: the store does not
                                           answer, so it is not asked */
    ngx_realtime_writer_put_pt  put;
    void                   *data;

    ngx_queue_t             waiting;
    ngx_uint_t              nwaiting;
    size_t                  bytes;      /* of waiting bodies */
    ngx_uint_t              batches;    /* under way */
    ngx_uint_t              heavy;      /* of these, with much to parse */
    ngx_event_t             round;      /* at its end batches start */
} ngx_realtime_writer_t;


void ngx_realtime_writer_init(ngx_realtime_writer_t *wr, rt_store_t *store,
    ngx_thread_pool_t *pool, ngx_uint_t limit, ngx_msec_t timeout);

/*
 * NGX_OK: done() will be called, once, never from within this function.
 * NGX_BUSY: too much waits already; the write stays the caller's.
 */
ngx_int_t ngx_realtime_writer_post(ngx_realtime_writer_t *wr,
    ngx_realtime_write_t *w);

/* Frees what the write holds and the write itself. */
void ngx_realtime_write_free(ngx_realtime_write_t *w);


#endif /* _NGX_REALTIME_WRITER_H_INCLUDED_ */
