
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


#endif /* _RT_MONGO_STORE_H_INCLUDED_ */
