
/*
 * The indexes of the MongoDB store.
 */

#include "rt_mongo_store.h"

#include <string.h>


#define RT_MONGO_TTL_INDEX  "realtime_ttl"


static int rt_mongo_command(rt_mongo_op_t *op, const bson_t *command,
    bson_error_t *error);
static int rt_mongo_index(rt_mongo_op_t *op, const char *name,
    const bson_t *keys, int64_t ttl, bson_error_t *error);
static rt_store_rc_e rt_mongo_ttl(rt_store_mongo_t *s, rt_mongo_op_t *op,
    rt_store_error_t *err);
static int rt_mongo_ttl_change(rt_mongo_op_t *op, int64_t ttl,
    bson_error_t *error);
static rt_store_rc_e rt_mongo_ttl_drop(rt_mongo_op_t *op,
    rt_store_error_t *err);
static rt_store_rc_e rt_mongo_ttl_fail(rt_mongo_op_t *op,
    const bson_error_t *error, const char *what, rt_store_error_t *err);
static int rt_mongo_is_away(rt_store_rc_e rc);


rt_store_rc_e
rt_mongo_prepare(rt_store_t *st, rt_store_error_t *err)
{
    rt_store_mongo_t  *s = (rt_store_mongo_t *) st;

    size_t            i;
    bson_t           *keys[2];
    bson_error_t      error;
    rt_mongo_op_t     op;
    rt_store_rc_e     rc;
    rt_store_error_t  refused;

    static const char *const  names[] = { "realtime_session",
                                          "realtime_user" };

    rc = rt_mongo_begin(s->mongo, NULL, &op, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    keys[0] = BCON_NEW("user_id", BCON_INT32(1),
                       "session_id", BCON_INT32(1),
                       "timestamp", BCON_INT32(1),
                       "seq", BCON_INT32(1),
                       "_id", BCON_INT32(1));

    keys[1] = BCON_NEW("user_id", BCON_INT32(1),
                       "timestamp", BCON_INT32(1),
                       "seq", BCON_INT32(1),
                       "_id", BCON_INT32(1));

    for (i = 0; i < 2; i++) {

        if (!rt_mongo_is_away(rc)
            && rt_mongo_index(&op, names[i], keys[i], 0, &error) == -1)
        {
            rc = rt_mongo_fail(&op, &error, &refused);

            rt_store_fail(err, rc, "index \"%s\": %.400s", names[i],
                          refused.text);
        }

        bson_destroy(keys[i]);
    }

    if (!rt_mongo_is_away(rc)) {
        rc = rt_mongo_ttl(s, &op, err);
    }

    rt_mongo_end(&op);

    /* a store without an index is slow, not out of order */

    return rt_mongo_is_away(rc) ? rc : RT_STORE_OK;
}


static int
rt_mongo_is_away(rt_store_rc_e rc)
{
    return rc == RT_STORE_UNAVAILABLE || rc == RT_STORE_TIMEOUT;
}


static int
rt_mongo_index(rt_mongo_op_t *op, const char *name, const bson_t *keys,
    int64_t ttl, bson_error_t *error)
{
    int     rc;
    bson_t  command, indexes, index;

    bson_init(&command);

    BSON_APPEND_UTF8(&command, "createIndexes",
                     mongoc_collection_get_name(op->collection));
    rt_mongo_array_begin(&command, "indexes", -1, &indexes);
    BSON_APPEND_DOCUMENT_BEGIN(&indexes, "0", &index);

    BSON_APPEND_DOCUMENT(&index, "key", keys);
    BSON_APPEND_UTF8(&index, "name", name);

    if (ttl) {
        BSON_APPEND_INT64(&index, "expireAfterSeconds", ttl);
    }

    bson_append_document_end(&indexes, &index);
    bson_append_array_end(&command, &indexes);

    rc = rt_mongo_command(op, &command, error);

    bson_destroy(&command);

    return rc;
}


static int
rt_mongo_command(rt_mongo_op_t *op, const bson_t *command,
    bson_error_t *error)
{
    return mongoc_collection_write_command_with_opts(op->collection, command,
                                                     NULL, NULL, error)
           ? 0 : -1;
}


static rt_store_rc_e
rt_mongo_ttl(rt_store_mongo_t *s, rt_mongo_op_t *op, rt_store_error_t *err)
{
    int            rc;
    bson_t        *keys;
    int64_t        ttl;
    bson_error_t   error;

    ttl = s->store.conf.ttl;

    if (ttl == 0) {
        return rt_mongo_ttl_drop(op, err);
    }

    keys = BCON_NEW("created_at", BCON_INT32(1));
    rc = rt_mongo_index(op, RT_MONGO_TTL_INDEX, keys, ttl, &error);
    bson_destroy(keys);

    /*
     * IndexOptionsConflict: made with another time.  An IndexKeySpecsConflict
     * is about an index of somebody else, which must not begin to erase.
     */

    if (rc == -1 && error.code == 85) {
        rc = rt_mongo_ttl_change(op, ttl, &error);
    }

    atomic_store(&s->ttl_index, rc == 0);

    return rc == 0 ? RT_STORE_OK
                   : rt_mongo_ttl_fail(op, &error, "no TTL index, so this "
                                       "module erases what has expired", err);
}


static int
rt_mongo_ttl_change(rt_mongo_op_t *op, int64_t ttl, bson_error_t *error)
{
    int     rc;
    bson_t  command, index;

    bson_init(&command);

    BSON_APPEND_UTF8(&command, "collMod",
                     mongoc_collection_get_name(op->collection));
    BSON_APPEND_DOCUMENT_BEGIN(&command, "index", &index);
    BSON_APPEND_UTF8(&index, "name", RT_MONGO_TTL_INDEX);
    BSON_APPEND_INT64(&index, "expireAfterSeconds", ttl);
    bson_append_document_end(&command, &index);

    rc = rt_mongo_command(op, &command, error);

    bson_destroy(&command);

    return rc;
}


/*
 * Without a ttl nothing may expire, so the index of an earlier configuration
 * goes.  Most often there is none, and that is what the server says.
 */

static rt_store_rc_e
rt_mongo_ttl_drop(rt_mongo_op_t *op, rt_store_error_t *err)
{
    int           rc;
    bson_t        command;
    bson_error_t  error;

    bson_init(&command);

    BSON_APPEND_UTF8(&command, "dropIndexes",
                     mongoc_collection_get_name(op->collection));
    BSON_APPEND_UTF8(&command, "index", RT_MONGO_TTL_INDEX);

    rc = rt_mongo_command(op, &command, &error);

    bson_destroy(&command);

    /* NamespaceNotFound, IndexNotFound */

    if (rc == 0
        || (error.domain == MONGOC_ERROR_SERVER
            && (error.code == 26 || error.code == 27)))
    {
        return RT_STORE_OK;
    }

    return rt_mongo_ttl_fail(op, &error, "a TTL index of an earlier "
                             "configuration, if any, goes on erasing", err);
}


/* one more thing that could not be had */

static rt_store_rc_e
rt_mongo_ttl_fail(rt_mongo_op_t *op, const bson_error_t *error,
    const char *what, rt_store_error_t *err)
{
    rt_store_rc_e     rc;
    rt_store_error_t  before, refused;

    before = *err;
    rc = rt_mongo_fail(op, error, err);
    refused = *err;

    return rt_store_fail(err, rc, "%.200s%s%s: %.200s", before.text,
                         before.text[0] ? "; " : "", what, refused.text);
}
