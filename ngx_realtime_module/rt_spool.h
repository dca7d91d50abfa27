
/*
 * The spool: transcripts that wait in a SQLite file for a store that is away,
 * and the dead letters among them, which the store will not take.
 *
 * An item is in the file once, however often it is put.  What waits is taken
 * in order of arrival; a dead letter keeps its place for the day that
 * somebody makes it wait again.
 *
 * Ownership and threads: as those of a store (rt_store.h).  A spool is opened
 * after fork; rt_spool_check(), _open() and _close() touch no file and are for
 * the main thread, all the others block and are for any thread.  Several
 * processes share one file.
 */

#ifndef _RT_SPOOL_H_INCLUDED_
#define _RT_SPOOL_H_INCLUDED_


#include "rt_store.h"


/* how often one who waits for the lock looks whether it is free, ms */
#define RT_SPOOL_LOCK_POLL  2


typedef struct rt_spool_s  rt_spool_t;


typedef struct {
    uint64_t  waiting;
    uint64_t  dead;
} rt_spool_depth_t;


/* whether path, absolute, can be that of a spool; -1 with the reason in err */
int rt_spool_check(const char *path, rt_store_error_t *err);

/* NULL: no memory.  timeout_ms is that of each call, as of a store's. */
rt_spool_t *rt_spool_open(const char *path, unsigned timeout_ms);

/* no call may be under way */
void rt_spool_close(rt_spool_t *sp);


/*
 * All of the items or none of them.  OK: they survive a power cut.  *depth,
 * here and below, is that after a success.  UNAVAILABLE also where the disk
 * is almost full: to remove an item takes a little room, too.
 */

rt_store_rc_e rt_spool_put(rt_spool_t *sp, const rt_transcript_t *const *items,
    size_t n, rt_spool_depth_t *depth, rt_store_error_t *err);


/*
 * The first n of those that wait; the page is the caller's to free after OK.
 * *from, 0 at first, is where they were found: it saves the next call the way
 * past the dead letters.
 */

rt_store_rc_e rt_spool_take(rt_spool_t *sp, size_t n, int64_t *from,
    rt_page_t *page, rt_store_error_t *err);


/* n of those that wait, the newest first, without the skip newest */
rt_store_rc_e rt_spool_newest(rt_spool_t *sp, size_t skip, size_t n,
    rt_page_t *page, rt_store_error_t *err);


/* those that the store has; ids that are not there are no error */
rt_store_rc_e rt_spool_remove(rt_spool_t *sp, const rt_id_t *ids, size_t n,
    rt_store_error_t *err);


/* nothing happens where the item is not there any more */
rt_store_rc_e rt_spool_dead(rt_spool_t *sp, const rt_id_t *id,
    const char *reason, rt_store_error_t *err);


/*
 * Of those that wait and of the dead.  TIMEOUT: a part is erased, and the next
 * call goes on.
 */

rt_store_rc_e rt_spool_erase(rt_spool_t *sp, const rt_store_match_t *match,
    uint64_t *deleted, rt_store_error_t *err);


/*
 * What arrived before a time (ms): the ttl of the store is that of the spool.
 * At most a few thousand in one call; call again while *deleted is not 0.
 */

rt_store_rc_e rt_spool_expire(rt_spool_t *sp, int64_t before,
    uint64_t *deleted, rt_store_error_t *err);


rt_store_rc_e rt_spool_depth(rt_spool_t *sp, rt_spool_depth_t *depth,
    rt_store_error_t *err);


/* gives the disk back what a spool that was long does not need any more */
rt_store_rc_e rt_spool_shrink(rt_spool_t *sp, rt_store_error_t *err);


typedef enum {
    RT_SPOOL_DRAIN = 0,         /* one, and nobody erases meanwhile */
    RT_SPOOL_ERASE              /* any number, and nobody drains meanwhile */
} rt_spool_lock_e;


/*
 * What keeps an erasure and a batch on its way to the store apart, whichever
 * processes they are in, and makes whoever drains the only one.  The kernel
 * lets go of the lock of a process that died.
 *
 * DRAIN does not wait for another one: TIMEOUT.  For erasures it does, for a
 * moment in which none begins: many of them must not keep it out for ever.
 * ERASE waits for the spool's timeout.  OK: *lock is for rt_spool_unlock(), in
 * any thread.
 */

rt_store_rc_e rt_spool_lock(rt_spool_t *sp, rt_spool_lock_e mode, int *lock,
    rt_store_error_t *err);

void rt_spool_unlock(int lock);


#endif /* _RT_SPOOL_H_INCLUDED_ */
