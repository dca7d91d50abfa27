
#include "rt_drain_batch.h"
#include "rt_store_driver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>


/* what a slow line takes in the store's time; the first is always sent */
#define RT_DRAIN_BYTES  (512 * 1024)

/* the smallest batch: one, and one that may be the proof against it */
#define RT_DRAIN_LEAST  2


static size_t rt_drain_fit(const rt_page_t *page);
static rt_store_rc_e rt_drain_batch(rt_drain_t *d, rt_page_t *page, int more,
    rt_store_error_t *err);
static int rt_drain_alloc(rt_drain_batch_t *b, rt_drain_t *d,
    rt_page_t *page);
static rt_store_rc_e rt_drain_settle(rt_drain_batch_t *b,
    rt_store_error_t *err);
static void rt_drain_pace(rt_drain_batch_t *b, size_t n, rt_store_rc_e rc);


void
rt_drain_init(rt_drain_t *d, rt_spool_t *spool, rt_store_t *store)
{
    memset(d, 0, sizeof(rt_drain_t));

    d->spool = spool;
    d->store = store;
    d->batch = RT_DRAIN_BATCH;
}


rt_drain_rc_e
rt_drain_step(rt_drain_t *d, rt_store_error_t *err)
{
    int               lock, more;
    size_t            n;
    rt_page_t         page;
    rt_store_rc_e     rc, counted;
    rt_store_error_t  why;

    static const struct timespec  ts = { 0, 3 * RT_SPOOL_LOCK_POLL * 1000000 };

    d->stored = 0;
    d->refused = 0;
    err->text[0] = '\0';

    rc = rt_spool_lock(d->spool, RT_SPOOL_DRAIN, &lock, err);

    if (rc != RT_STORE_OK) {
        return rc == RT_STORE_TIMEOUT ? RT_DRAIN_BUSY : RT_DRAIN_FAILED;
    }

    rc = rt_spool_take(d->spool, d->batch, &d->from, &page, err);

    if (rc == RT_STORE_OK) {
        n = rt_drain_fit(&page);
        more = (n < page.n || n == d->batch);
        page.n = n;

        if (n) {
            rc = rt_drain_batch(d, &page, more, err);
        }

        rt_page_free(&page);
    }

    counted = rt_spool_depth(d->spool, &d->depth, &why);

    if (counted == RT_STORE_OK && d->depth.waiting == 0 && d->stored) {
        (void) rt_spool_shrink(d->spool, &why);
    }

    rt_spool_unlock(lock);

    if (rc == RT_STORE_OK && counted != RT_STORE_OK) {
        *err = why;
        rc = counted;
    }

    if (rc != RT_STORE_OK) {
        return RT_DRAIN_FAILED;
    }

    if (d->depth.waiting == 0) {
        return RT_DRAIN_EMPTY;
    }

    /* an erasure that waits has its turn before the next step */

    nanosleep(&ts, NULL);

    return RT_DRAIN_MORE;
}


static size_t
rt_drain_fit(const rt_page_t *page)
{
    size_t  n, bytes;

    bytes = 0;

    for (n = 0; n < page->n; n++) {
        bytes += page->items[n].text.len + page->items[n].metadata.len;

        if (n && bytes > RT_DRAIN_BYTES) {
            break;
        }
    }

    return n;
}


static rt_store_rc_e
rt_drain_batch(rt_drain_t *d, rt_page_t *page, int more, rt_store_error_t *err)
{
    rt_store_rc_e      rc, settled;
    rt_store_error_t   why;
    rt_drain_batch_t   b;

    if (rt_drain_alloc(&b, d, page) == -1) {
        rc = rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        goto done;
    }

    b.more = more;
    rc = rt_drain_send(&b, 0, page->n, err);

    if (rc == RT_STORE_OK) {
        rc = rt_drain_prove(&b, err);
    }

    /* what is known counts, whatever stopped the rest */

    settled = rt_drain_settle(&b, &why);

    if (rc == RT_STORE_OK && settled != RT_STORE_OK) {
        *err = why;
        rc = settled;
    }

    rt_drain_pace(&b, page->n, rc);

done:

    rt_page_free(&b.newest);
    free(b.items);
    free(b.results);
    free(b.taken);
    free(b.nos);

    return rc;
}


static int
rt_drain_alloc(rt_drain_batch_t *b, rt_drain_t *d, rt_page_t *page)
{
    size_t  i;

    memset(b, 0, sizeof(rt_drain_batch_t));

    b->drain = d;
    b->deadline = rt_store_clock() + RT_DRAIN_HOLD;
    b->items = malloc(page->n * sizeof(rt_transcript_t *));
    b->results = malloc(page->n * sizeof(rt_store_rc_e));
    b->taken = malloc(page->n * sizeof(rt_id_t));
    b->nos = malloc(page->n * sizeof(rt_drain_no_t));

    if (b->items == NULL || b->results == NULL || b->taken == NULL
        || b->nos == NULL)
    {
        return -1;
    }

    for (i = 0; i < page->n; i++) {
        b->items[i] = &page->items[i];
    }

    return 0;
}


static rt_store_rc_e
rt_drain_settle(rt_drain_batch_t *b, rt_store_error_t *err)
{
    size_t          i;
    rt_drain_t     *d;
    rt_store_rc_e   rc;
    rt_drain_no_t  *no;

    d = b->drain;

    /* the proof stays for the next step, which may find no other */

    if (b->ntaken && b->proved && (b->more || b->spent)) {
        b->ntaken--;
    }

    if (b->ntaken) {
        rc = rt_spool_remove(d->spool, b->taken, b->ntaken, err);
        if (rc != RT_STORE_OK) {
            return rc;
        }

        d->stored = b->ntaken;
    }

    for (i = 0; i < b->nnos; i++) {
        no = &b->nos[i];

        if (!no->named && !b->proved) {
            continue;
        }

        rc = rt_spool_dead(d->spool, &no->item->id, no->reason.text, err);
        if (rc != RT_STORE_OK) {
            return rc;
        }

        d->refused++;
    }

    return RT_STORE_OK;
}


/* as many next time as one step can do, after a batch of n that ended so */

static void
rt_drain_pace(rt_drain_batch_t *b, size_t n, rt_store_rc_e rc)
{
    size_t  judged, batch;

    batch = b->drain->batch;
    judged = b->ntaken + b->nnos;

    if (rc == RT_STORE_TIMEOUT) {
        batch = n / 2;

    } else if (!b->spent) {

        if (rt_store_clock() < b->deadline) {
            batch *= 2;
        }

    } else if (b->refused && b->nnos == 0) {
        batch = b->refused / 2;

    } else if (b->proved) {
        batch = judged;
    }

    if (batch < RT_DRAIN_LEAST) {
        batch = RT_DRAIN_LEAST;

    } else if (batch > RT_DRAIN_BATCH) {
        batch = RT_DRAIN_BATCH;
    }

    b->drain->batch = batch;
}


rt_store_rc_e
rt_drain_erase(rt_spool_t *spool, rt_store_t *store,
    const rt_store_match_t *match, uint64_t *deleted, rt_spool_depth_t *depth,
    rt_store_error_t *err)
{
    int            lock;
    uint64_t       waiting;
    rt_store_rc_e  rc;

    *deleted = 0;

    rc = rt_spool_lock(spool, RT_SPOOL_ERASE, &lock, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    rc = rt_store_erase(store, match, deleted, err);

    if (rc == RT_STORE_OK) {
        rc = rt_spool_erase(spool, match, &waiting, err);
        *deleted += waiting;
    }

    if (rc == RT_STORE_OK) {
        rc = rt_spool_depth(spool, depth, err);
    }

    rt_spool_unlock(lock);

    if (match->id != NULL && *deleted > 1) {
        *deleted = 1;
    }

    return rc;
}
