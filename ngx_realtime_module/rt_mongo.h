
/*
 * libmongoc for the MongoDB store: URI, pool of clients, what its errors mean,
 * and documents to and from transcripts.
 *
 * Ownership: as rt_store.h says of a store; a client is one thread's between
 * rt_mongo_begin() and rt_mongo_end().  Threads: rt_mongo_check(), _create()
 * and _destroy() in the main thread, where they wait for nothing; the others
 * anywhere.
 */

#ifndef _RT_MONGO_H_INCLUDED_
#define _RT_MONGO_H_INCLUDED_


#include "rt_store_driver.h"

#include <mongoc/mongoc.h>


/* libbson 2.3 has a new name for it, and a warning for the old one */

#if BSON_CHECK_VERSION(2, 3, 0)
#define rt_mongo_array_begin  bson_append_array_unsafe_begin
#else
#define rt_mongo_array_begin  bson_append_array_begin
#endif


typedef struct rt_mongo_s  rt_mongo_t;


typedef struct {
    rt_mongo_t           *mongo;
    mongoc_client_t      *client;
    mongoc_collection_t  *collection;
    int64_t               start;            /* ms of the monotonic clock */
} rt_mongo_op_t;


int rt_mongo_check(const rt_store_conf_t *conf, rt_store_error_t *err);

rt_mongo_t *rt_mongo_create(const rt_store_conf_t *conf,
    rt_store_error_t *err);

void rt_mongo_destroy(rt_mongo_t *m);


/* collection NULL: the one of the configuration */
rt_store_rc_e rt_mongo_begin(rt_mongo_t *m, const char *collection,
    rt_mongo_op_t *op, rt_store_error_t *err);

void rt_mongo_end(rt_mongo_op_t *op);


/*
 * Whether to try again what could not be done: there are members that may be
 * electing a primary, and not half of the time has passed since start.
 * Waits a moment.
 */

int rt_mongo_elects(rt_mongo_t *m, int64_t start);


/* what one command may take on the server: for maxTimeMS */
int64_t rt_mongo_time(const rt_mongo_op_t *op);


/* what an error of this operation means; its text goes to err */
rt_store_rc_e rt_mongo_fail(const rt_mongo_op_t *op,
    const bson_error_t *error, rt_store_error_t *err);

/* the same of a server's error code */
rt_store_rc_e rt_mongo_code(int32_t code);


/* 0, or -1: no memory, or metadata that is no JSON */
int rt_mongo_encode(bson_t *doc, const rt_transcript_t *t);


/*
 * A document, of this module or of the service before it, which wrote no
 * dates: then *dateless is set, and its time is the ObjectId's.  A seq that is
 * not there is -1.  0, -1 without memory, 1: not a transcript, leave it out.
 */

int rt_mongo_decode(const bson_t *doc, rt_page_t *page, rt_transcript_t *t,
    int *dateless);


/* the time in an ObjectId, ms */
int64_t rt_mongo_oid_time(const bson_oid_t *oid);


#endif /* _RT_MONGO_H_INCLUDED_ */
