
#include "rt_drain.h"
#include "rt_store_driver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>


/* what a slow line takes in the store's time; the first is always sent */
#define RT_DRAIN_BYTES      (512 * 1024)

/* where a whole batch was refused, the next one reaches further */
#define RT_DRAIN_BATCH_MAX  (4 * RT_DRAIN_BATCH)


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
    int                      reached;
} rt_drain_batch_t;


static unsigned rt_drain_fit(const rt_page_t *page);
static rt_store_rc_e rt_drain_batch(rt_drain_t *d, rt_page_t *page,
    rt_store_error_t *err);
static int rt_drain_alloc(rt_drain_batch_t *b, rt_drain_t *d,
    rt_page_t *page);
static rt_store_rc_e rt_drain_send(rt_drain_batch_t *b, size_t first, size_t n,
    rt_store_error_t *err);
static rt_store_rc_e rt_drain_halves(rt_drain_batch_t *b, size_t first,
    size_t n, rt_store_error_t *err);
static void rt_drain_no(rt_drain_batch_t *b, size_t i, int named,
    const rt_store_error_t *reason);
static rt_store_rc_e rt_drain_settle(rt_drain_batch_t *b,
    rt_store_error_t *err);


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
    int               lock;
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

    rc = rt_spool_take(d->spool, d->batch, &page, err);

    if (rc == RT_STORE_OK) {

        if (d->batch == RT_DRAIN_BATCH) {
            page.n = rt_drain_fit(&page);
        }

        if (page.n) {
            rc = rt_drain_batch(d, &page, err);
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


static unsigned
rt_drain_fit(const rt_page_t *page)
{
    size_t    bytes;
    unsigned  n;

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
rt_drain_batch(rt_drain_t *d, rt_page_t *page, rt_store_error_t *err)
{
    rt_store_rc_e      rc, settled;
    rt_store_error_t   why;
    rt_drain_batch_t   b;

    if (rt_drain_alloc(&b, d, page) == -1) {
        rc = rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        goto done;
    }

    rc = rt_drain_send(&b, 0, page->n, err);

    /* what is known counts, whatever stopped the rest */

    settled = rt_drain_settle(&b, &why);

    if (rc == RT_STORE_OK && settled != RT_STORE_OK) {
        *err = why;
        rc = settled;
    }

done:

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


/* OK: each of them was taken or is among the noes */

static rt_store_rc_e
rt_drain_send(rt_drain_batch_t *b, size_t first, size_t n,
    rt_store_error_t *err)
{
    size_t           i, nos;
    rt_store_rc_e    rc, again;
    rt_store_rc_e   *results;

    results = &b->results[first];

    rc = rt_store_append(b->drain->store, &b->items[first], n, results, err);

    if (rc == RT_STORE_REFUSED || rc == RT_STORE_BROKEN) {

        if (n > 1) {
            return rt_drain_halves(b, first, n, err);
        }

        rt_drain_no(b, first, 0, err);
        return RT_STORE_OK;
    }

    nos = 0;

    for (i = 0; i < n; i++) {
        nos += results[i] == RT_STORE_REFUSED;
    }

    for (i = 0; i < n; i++) {

        if (results[i] == RT_STORE_OK || results[i] == RT_STORE_DUPLICATE) {
            b->taken[b->ntaken++] = b->items[first + i]->id;
            continue;
        }

        if (results[i] != RT_STORE_REFUSED || rc != RT_STORE_OK) {
            continue;
        }

        if (nos == 1) {
            rt_drain_no(b, first + i, 1, err);
            continue;
        }

        /* the store gives a reason for one of them only */

        again = rt_drain_send(b, first + i, 1, err);
        if (again != RT_STORE_OK) {
            return again;
        }
    }

    return rc;
}


/* is it one of the documents, or does the store refuse all of them? */

static rt_store_rc_e
rt_drain_halves(rt_drain_batch_t *b, size_t first, size_t n,
    rt_store_error_t *err)
{
    size_t         half;
    rt_store_rc_e  rc;

    if (!b->reached) {
        rc = rt_store_ping(b->drain->store, err);
        if (rc != RT_STORE_OK) {
            return rc;
        }

        b->reached = 1;
    }

    half = n / 2;

    rc = rt_drain_send(b, first, half, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    return rt_drain_send(b, first + half, n - half, err);
}


static void
rt_drain_no(rt_drain_batch_t *b, size_t i, int named,
    const rt_store_error_t *reason)
{
    rt_drain_no_t  *no;

    no = &b->nos[b->nnos++];

    no->item = b->items[i];
    no->named = named;
    no->reason = *reason;
}


static rt_store_rc_e
rt_drain_settle(rt_drain_batch_t *b, rt_store_error_t *err)
{
    size_t          i, kept;
    rt_drain_t     *d;
    rt_store_rc_e   rc;
    rt_drain_no_t  *no;

    d = b->drain;
    kept = 0;

    if (b->ntaken) {
        rc = rt_spool_remove(d->spool, b->taken, b->ntaken, err);
        if (rc != RT_STORE_OK) {
            return rc;
        }

        d->stored = b->ntaken;
    }

    for (i = 0; i < b->nnos; i++) {
        no = &b->nos[i];

        if (!no->named && b->ntaken == 0) {
            kept++;
            continue;
        }

        rc = rt_spool_dead(d->spool, &no->item->id, no->reason.text, err);
        if (rc != RT_STORE_OK) {
            return rc;
        }

        d->refused++;
    }

    if (kept == 0) {
        d->batch = RT_DRAIN_BATCH;
        return RT_STORE_OK;
    }

    if (d->batch < RT_DRAIN_BATCH_MAX) {
        d->batch *= 2;
    }

    *err = b->nos[0].reason;

    return RT_STORE_REFUSED;
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
