
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

/* calls to the store in one step, and how long new ones are begun, ms */

#define RT_DRAIN_CALLS  64
#define RT_DRAIN_HOLD   250


typedef struct {
    rt_spool_t        *spool;
    rt_store_t        *store;

    /* for the next step */

    size_t             batch;
    int64_t            from;    /* see rt_spool_take() */
    size_t             probed;  /* of the newest, all refused */

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
 * where it refuses a batch as a whole, if it takes another document before
 * and after it refuses this one alone.  Else it may be the login, and nothing
 * dies.  That other one is looked for in the batch, then among the newest.
 *
 * An erasure waits for a step: RT_DRAIN_HOLD, and the few calls that end it.
 *
 * err has the reason after FAILED.
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
