
#include "rt_drain_batch.h"
#include "rt_store_driver.h"


/* calls that are always made: a batch of two, then each of them */
#define RT_DRAIN_FEW  3


static int rt_drain_spent(rt_drain_batch_t *b);
static rt_store_rc_e rt_drain_halves(rt_drain_batch_t *b, size_t first,
    size_t n, rt_store_error_t *err);
static void rt_drain_no(rt_drain_batch_t *b, size_t i, int named,
    const rt_store_error_t *reason);
static rt_store_rc_e rt_drain_probe(rt_drain_batch_t *b,
    rt_store_error_t *err);
static rt_store_rc_e rt_drain_probe_newest(rt_drain_batch_t *b, size_t skip,
    size_t n, rt_store_error_t *err);
static rt_store_rc_e rt_drain_takes(rt_drain_batch_t *b,
    const rt_transcript_t *item, rt_store_error_t *err);


static int
rt_drain_spent(rt_drain_batch_t *b)
{
    if (b->calls >= RT_DRAIN_CALLS
        || (b->calls >= RT_DRAIN_FEW && rt_store_clock() >= b->deadline))
    {
        b->spent = 1;
    }

    return b->spent;
}


rt_store_rc_e
rt_drain_send(rt_drain_batch_t *b, size_t first, size_t n,
    rt_store_error_t *err)
{
    size_t           i, nos;
    rt_store_rc_e    rc, again;
    rt_store_rc_e   *results;

    if (rt_drain_spent(b)) {
        return RT_STORE_OK;
    }

    results = &b->results[first];

    b->calls++;
    rc = rt_store_append(b->drain->store, &b->items[first], n, results, err);

    if (rc == RT_STORE_REFUSED || rc == RT_STORE_BROKEN) {

        if (b->refused == 0 || n < b->refused) {
            b->refused = n;
        }

        if (n > 1) {
            return rt_drain_halves(b, first, n, err);
        }

        rt_drain_no(b, first, 0, err);

        return rt_drain_probe(b, err);
    }

    nos = 0;

    for (i = 0; i < n; i++) {
        nos += results[i] == RT_STORE_REFUSED;
    }

    for (i = 0; i < n; i++) {

        if (results[i] == RT_STORE_OK || results[i] == RT_STORE_DUPLICATE) {
            b->taken[b->ntaken++] = b->items[first + i]->id;
            b->proof = b->items[first + i];
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


/* where the store has taken nothing yet, it may take nothing at all */

static rt_store_rc_e
rt_drain_probe(rt_drain_batch_t *b, rt_store_error_t *err)
{
    rt_drain_t     *d;
    rt_store_rc_e   rc;

    d = b->drain;

    if (b->proof != NULL) {
        return RT_STORE_OK;
    }

    rc = rt_drain_probe_newest(b, 0, 1, err);

    if (rc == RT_STORE_REFUSED) {

        if (d->probed == 0) {
            d->probed = 1;
        }

        rc = rt_drain_probe_newest(b, d->probed, RT_DRAIN_CALLS, err);
    }

    if (rc == RT_STORE_REFUSED) {
        *err = b->nos[b->nnos - 1].reason;
    }

    return rc;
}


static rt_store_rc_e
rt_drain_probe_newest(rt_drain_batch_t *b, size_t skip, size_t n,
    rt_store_error_t *err)
{
    size_t          i;
    rt_drain_t     *d;
    rt_store_rc_e   rc;

    d = b->drain;
    rt_page_free(&b->newest);

    rc = rt_spool_newest(d->spool, skip, n, &b->newest, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    for (i = 0; i < b->newest.n; i++) {

        if (skip && rt_drain_spent(b)) {
            return RT_STORE_REFUSED;
        }

        rc = rt_drain_takes(b, &b->newest.items[i], err);

        if (rc == RT_STORE_OK) {
            b->proof = &b->newest.items[i];
            return RT_STORE_OK;
        }

        if (rc != RT_STORE_REFUSED) {
            return rc;
        }

        d->probed += (skip != 0);
    }

    if (skip) {
        d->probed = 0;                  /* once more from the newest */
    }

    return RT_STORE_REFUSED;
}


/* OK, REFUSED, or why it cannot be known */

static rt_store_rc_e
rt_drain_takes(rt_drain_batch_t *b, const rt_transcript_t *item,
    rt_store_error_t *err)
{
    rt_store_rc_e  rc, result;

    b->calls++;
    rc = rt_store_append(b->drain->store, &item, 1, &result, err);

    if (rc == RT_STORE_OK) {
        return result == RT_STORE_REFUSED ? RT_STORE_REFUSED : RT_STORE_OK;
    }

    return rc == RT_STORE_BROKEN ? RT_STORE_REFUSED : rc;
}


rt_store_rc_e
rt_drain_prove(rt_drain_batch_t *b, rt_store_error_t *err)
{
    size_t         i;
    rt_store_rc_e  rc;

    for (i = 0; i < b->nnos && b->nos[i].named; i++) { /* void */ }

    if (i == b->nnos) {
        return RT_STORE_OK;
    }

    rc = rt_drain_takes(b, b->proof, err);

    b->proved = (rc == RT_STORE_OK);

    if (rc == RT_STORE_REFUSED) {
        *err = b->nos[i].reason;
    }

    return rc;
}
