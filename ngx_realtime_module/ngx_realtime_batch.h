
/*
 * Writes that share a thread and a round trip: their bodies are parsed, their
 * items stored or, where the store is away, put in the spool.
 *
 * The writer (ngx_realtime_writer.c) makes a batch, fills it and frees it; it
 * is the thread's while ngx_realtime_batch_run() runs, and the writer's
 * before and after.
 */

#ifndef _NGX_REALTIME_BATCH_H_INCLUDED_
#define _NGX_REALTIME_BATCH_H_INCLUDED_


#include "ngx_realtime_writer.h"


#define NGX_REALTIME_BATCH_WRITES  128


typedef struct {
    ngx_realtime_write_t   *write;
    rt_transcript_batch_t   items;
} ngx_realtime_entry_t;


typedef struct {
    ngx_realtime_writer_t  *writer;
    rt_store_t             *store;
    rt_spool_t             *spool;
    ngx_uint_t              away;       /* to the spool first */
    ngx_uint_t              heavy;

    rt_store_rc_e           rc;
    rt_store_error_t        err;
    rt_store_rc_e           put;        /* what the spool said, if asked */
    rt_store_error_t        put_err;
    ngx_uint_t              queued;     /* items */
    rt_spool_depth_t        depth;      /* if any */

    ngx_uint_t              n;
    ngx_realtime_entry_t    entries[NGX_REALTIME_BATCH_WRITES];
} ngx_realtime_batch_t;


/*
 * In a thread of the pool; data is the batch.  Fills status, rc and reply of
 * each write, and what the batch says of store and spool.
 */

void ngx_realtime_batch_run(void *data);


#endif /* _NGX_REALTIME_BATCH_H_INCLUDED_ */
