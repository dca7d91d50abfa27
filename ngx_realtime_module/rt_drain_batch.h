
/*
 * One batch on its way from the spool into the store: which of its documents
 * the store takes, and of those it does not take, whose fault that is.  For
 * rt_drain.c alone, in its thread.
 */

#ifndef _RT_DRAIN_BATCH_H_INCLUDED_
#define _RT_DRAIN_BATCH_H_INCLUDED_


#include "rt_drain.h"


/* one that the store did not take */

typedef struct {
    const rt_transcript_t   *item;
    int                      named;     /* the store refused this very one */
    rt_store_error_t         reason;
} rt_drain_no_t;


typedef struct {
    rt_drain_t              *drain;
    const rt_transcript_t  **items;
    rt_store_rc_e           *results;   /* of the items at the same places */
    rt_id_t                 *taken;
    size_t                   ntaken;
    rt_drain_no_t           *nos;
    size_t                   nnos;

    const rt_transcript_t   *proof;     /* the last taken, or one of the newest
                                           that would be */
    rt_page_t                newest;

    int64_t                  deadline;
    unsigned                 calls;
    size_t                   refused;   /* the smallest part that was */
    unsigned                 more:1;    /* there is something behind it */
    unsigned                 reached:1;
    unsigned                 spent:1;   /* the rest comes in another step */
    unsigned                 proved:1;  /* the noes are the documents' fault */
} rt_drain_batch_t;


/*
 * Sends n items from first on, by halves where the store refuses all of them.
 * OK: each of them was taken, is among the noes, or the step is spent.
 */

rt_store_rc_e rt_drain_send(rt_drain_batch_t *b, size_t first, size_t n,
    rt_store_error_t *err);


/*
 * After that: whether the store still takes documents.  It may have begun to
 * refuse everything within the batch.
 */

rt_store_rc_e rt_drain_prove(rt_drain_batch_t *b, rt_store_error_t *err);


#endif /* _RT_DRAIN_BATCH_H_INCLUDED_ */
