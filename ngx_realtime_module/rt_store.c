
#include "rt_store_driver.h"
#include "rt_utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


static const rt_store_driver_t *rt_store_driver(const char *uri);
static int rt_store_text(rt_str_t s);


int
rt_store_check(const rt_store_conf_t *conf, rt_store_error_t *err)
{
    const rt_store_driver_t  *driver;

    driver = rt_store_driver(conf->uri);

    if (driver == NULL) {
        rt_store_fail(err, RT_STORE_REFUSED,
                      "the URI begins with none of \"sqlite:\", "
                      "\"mongodb://\" and \"mongodb+srv://\"");
        return -1;
    }

    if (!rt_store_collection(conf->collection)) {
        rt_store_fail(err, RT_STORE_REFUSED,
                      "\"%s\" cannot be the name of a collection",
                      conf->collection);
        return -1;
    }

    return driver->check(conf, err);
}


int
rt_store_collection(const char *name)
{
    size_t    len;
    rt_str_t  s;

    s.data = name;
    s.len = len = strlen(name);

    return len != 0 && len <= 100
           && strchr(name, '$') == NULL
           && rt_utf8_valid(s)
           && strncmp(name, "system.", 7) != 0
           && strncmp(name, "sqlite_", 7) != 0;
}


static const rt_store_driver_t *
rt_store_driver(const char *uri)
{
    if (strncmp(uri, "sqlite:", 7) == 0) {
        return &rt_store_sqlite;
    }

    if (strncmp(uri, "mongodb://", 10) == 0
        || strncmp(uri, "mongodb+srv://", 14) == 0)
    {
        return &rt_store_mongo;
    }

    return NULL;
}


rt_store_t *
rt_store_open(const rt_store_conf_t *conf, rt_store_error_t *err)
{
    rt_store_t               *st;
    const rt_store_driver_t  *driver;

    if (rt_store_check(conf, err) == -1) {
        return NULL;
    }

    driver = rt_store_driver(conf->uri);

    st = calloc(1, driver->size);
    if (st == NULL) {
        rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        return NULL;
    }

    st->driver = driver;
    st->conf = *conf;
    st->conf.uri = strdup(conf->uri);
    st->conf.collection = strdup(conf->collection);

    if (st->conf.uri == NULL || st->conf.collection == NULL) {
        rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        goto failed;
    }

    if (driver->open(st, err) == 0) {
        return st;
    }

failed:

    free((char *) st->conf.uri);
    free((char *) st->conf.collection);
    free(st);

    return NULL;
}


void
rt_store_close(rt_store_t *st)
{
    st->driver->close(st);

    free((char *) st->conf.uri);
    free((char *) st->conf.collection);
    free(st);
}


rt_store_rc_e
rt_store_prepare(rt_store_t *st, rt_store_error_t *err)
{
    err->text[0] = '\0';

    return st->driver->prepare(st, err);
}


unsigned
rt_store_writers(const rt_store_t *st)
{
    return st->driver->writers;
}


rt_store_rc_e
rt_store_ping(rt_store_t *st, rt_store_error_t *err)
{
    return st->driver->ping(st, err);
}


rt_store_rc_e
rt_store_append(rt_store_t *st, const rt_transcript_t *const *items, size_t n,
    rt_store_rc_e *results, rt_store_error_t *err)
{
    err->text[0] = '\0';

    if (n == 0) {
        return RT_STORE_OK;
    }

    return st->driver->append(st, items, n, results, err);
}


rt_store_rc_e
rt_store_list(rt_store_t *st, const rt_store_query_t *q, rt_page_t *page,
    rt_store_error_t *err)
{
    rt_store_rc_e  rc;

    memset(page, 0, sizeof(rt_page_t));

    /* what cannot be stored is not found; a driver may choke on it */

    if (!rt_store_text(q->user_id) || !rt_store_text(q->session_id)) {
        return RT_STORE_OK;
    }

    rc = st->driver->list(st, q, page, err);

    if (rc != RT_STORE_OK) {
        rt_page_free(page);
    }

    return rc;
}


rt_store_rc_e
rt_store_sessions(rt_store_t *st, const rt_store_query_t *q, rt_page_t *page,
    rt_store_error_t *err)
{
    rt_store_rc_e  rc;

    memset(page, 0, sizeof(rt_page_t));

    if (!rt_store_text(q->user_id)) {
        return RT_STORE_OK;
    }

    rc = st->driver->sessions(st, q, page, err);

    if (rc != RT_STORE_OK) {
        rt_page_free(page);
    }

    return rc;
}


rt_store_rc_e
rt_store_erase(rt_store_t *st, const rt_store_match_t *match,
    uint64_t *deleted, rt_store_error_t *err)
{
    *deleted = 0;

    if (!rt_store_text(match->user_id) || !rt_store_text(match->session_id)) {
        return RT_STORE_OK;
    }

    return st->driver->erase(st, match, deleted, err);
}


rt_store_rc_e
rt_store_expire(rt_store_t *st, int64_t now, uint64_t *deleted,
    rt_store_error_t *err)
{
    *deleted = 0;

    if (st->conf.ttl == 0) {
        return RT_STORE_OK;
    }

    return st->driver->expire(st, now - st->conf.ttl * 1000, deleted, err);
}


static int
rt_store_text(rt_str_t s)
{
    return s.data == NULL || rt_utf8_valid(s);
}


rt_store_rc_e
rt_store_fail(rt_store_error_t *err, rt_store_rc_e rc, const char *fmt, ...)
{
    char     *p;
    va_list   args;

    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);

    for (p = err->text; *p; p++) {
        if ((unsigned char) *p < 0x20) {
            *p = ' ';
        }
    }

    err->code = 0;

    return rc;
}


int64_t
rt_store_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


const char *
rt_store_rc_name(rt_store_rc_e rc)
{
    static const char *const  names[] = {
        "ok", "duplicate", "unavailable", "timeout", "refused", "broken"
    };

    return names[rc];
}
