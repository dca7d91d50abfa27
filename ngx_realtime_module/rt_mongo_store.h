
/*
 * The parts of the MongoDB store that have files of their own.  Blocking, as
 * the functions of rt_store.h that they are.
 */

#ifndef _RT_MONGO_STORE_H_INCLUDED_
#define _RT_MONGO_STORE_H_INCLUDED_


#include "rt_mongo.h"

#include <stdatomic.h>


typedef struct {
    rt_store_t   store;
    rt_mongo_t  *mongo;
    atomic_int   ttl_index;                 /* the server erases by itself */
} rt_store_mongo_t;


rt_store_rc_e rt_mongo_prepare(rt_store_t *st, rt_store_error_t *err);

rt_store_rc_e rt_mongo_list(rt_store_t *st, const rt_store_query_t *q,
    rt_page_t *page, rt_store_error_t *err);

rt_store_rc_e rt_mongo_sessions(rt_store_t *st, const rt_store_query_t *q,
    rt_page_t *page, rt_store_error_t *err);

rt_store_rc_e rt_mongo_find_user(rt_store_t *st,
    const rt_store_lookup_t *lookup, rt_str_t value, rt_user_t *user,
    rt_store_error_t *err);


/* a bulk that failed; OK: nothing but documents did, and the reply has which */
rt_store_rc_e rt_mongo_failed(rt_mongo_op_t *op, const bson_t *reply,
    const bson_error_t *error, rt_store_error_t *err);

/*
 * The results of a bulk, all of which are RT_STORE_OK so far.  OK: the server
 * has answered for every document.  Else it is as if none had been written.
 * *gone of those REFUSED are duplicates in an index that the server does not
 * name, and not there by their _id: another index has them, or they were
 * erased meanwhile.
 */

rt_store_rc_e rt_mongo_results(rt_mongo_op_t *op, const bson_t *reply,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    size_t *gone, rt_store_error_t *err);


#endif /* _RT_MONGO_STORE_H_INCLUDED_ */
