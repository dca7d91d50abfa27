
/*
 * From the spool into the store, and erasures that reach both.
 *
 * Threads: all of it blocks and belongs into pool threads; an rt_drain_t is
 * one thread's at a time.  Any number of processes may drain one spool: one
 * step runs at a time, and what is sent twice is stored once.
 */

#ifndef _RT_DRAIN_H_INCLUDED_
#define _RT_DRAIN_H_INCLUDED_


#include "rt_spool.h"


#define RT_DRAIN_BATCH  256     /* items of one step, at most */


typedef struct {
    rt_spool_t        *spool;
    rt_store_t        *store;
    size_t             batch;   /* of the next step */

    /* of the last step */

    uint64_t           stored;
    uint64_t           refused; /* new dead letters */
    rt_spool_depth_t   depth;   /* what is left; also where it failed */
} rt_drain_t;


typedef enum {
    RT_DRAIN_EMPTY = 0,         /* nothing waits */
    RT_DRAIN_MORE,              /* something was done, more waits */
    RT_DRAIN_BUSY,              /* another one drains, or somebody erases */
    RT_DRAIN_FAILED             /* the store or the spool; try again later */
} rt_drain_rc_e;


void rt_drain_init(rt_drain_t *d, rt_spool_t *spool, rt_store_t *store);

/*
 * Sends one batch, the oldest first, and removes what the store has.  What it
 * says no to becomes a dead letter: at once where it names the document, and
 * where it refuses a batch as a whole, as soon as it takes another one alone.
 * Until then it may be the login, and nothing dies.
 *
 * err has the reason after FAILED, and after a refusal.
 */

rt_drain_rc_e rt_drain_step(rt_drain_t *d, rt_store_error_t *err);


/*
 * Erases in the store, then in the spool, with no batch on its way from one to
 * the other.  Where the store is away nothing is erased.  An item that
 * is in both counts twice in *deleted, but for a match with an id.
 */

rt_store_rc_e rt_drain_erase(rt_spool_t *spool, rt_store_t *store,
    const rt_store_match_t *match, uint64_t *deleted, rt_spool_depth_t *depth,
    rt_store_error_t *err);


#endif /* _RT_DRAIN_H_INCLUDED_ */
