
/*
 * What a back end of rt_store.h is made of: for rt_store*.c alone.
 *
 * A driver's own struct begins with rt_store_t.  Its functions have the
 * contracts of the rt_store_*() functions of the same names; the arguments
 * were checked before: text is valid UTF-8, a limit is in its range.
 */

#ifndef _RT_STORE_DRIVER_H_INCLUDED_
#define _RT_STORE_DRIVER_H_INCLUDED_


#include "rt_store.h"


typedef struct {
    size_t           size;                  /* of the driver's own struct */
    unsigned         writers;               /* see rt_store_writers() */

    int            (*check)(const rt_store_conf_t *conf,
                            rt_store_error_t *err);
    int            (*open)(rt_store_t *st, rt_store_error_t *err);
    void           (*close)(rt_store_t *st);
    rt_store_rc_e  (*prepare)(rt_store_t *st, rt_store_error_t *err);
    rt_store_rc_e  (*ping)(rt_store_t *st, rt_store_error_t *err);
    rt_store_rc_e  (*append)(rt_store_t *st,
                             const rt_transcript_t *const *items, size_t n,
                             rt_store_rc_e *results, rt_store_error_t *err);
    rt_store_rc_e  (*list)(rt_store_t *st, const rt_store_query_t *q,
                           rt_page_t *page, rt_store_error_t *err);
    rt_store_rc_e  (*sessions)(rt_store_t *st, const rt_store_query_t *q,
                               rt_page_t *page, rt_store_error_t *err);
    rt_store_rc_e  (*erase)(rt_store_t *st, const rt_store_match_t *match,
                            uint64_t *deleted, rt_store_error_t *err);
    rt_store_rc_e  (*expire)(rt_store_t *st, int64_t before,
                             uint64_t *deleted, rt_store_error_t *err);
    rt_store_rc_e  (*find_user)(rt_store_t *st,
                                const rt_store_lookup_t *lookup,
                                rt_str_t value, rt_user_t *user,
                                rt_store_error_t *err);
} rt_store_driver_t;


struct rt_store_s {
    const rt_store_driver_t  *driver;
    rt_store_conf_t           conf;         /* its strings are copies */
};


extern const rt_store_driver_t  rt_store_sqlite;
extern const rt_store_driver_t  rt_store_mongo;


/* one line into err, cut where it is too long; returns rc */
rt_store_rc_e rt_store_fail(rt_store_error_t *err, rt_store_rc_e rc,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));


/* whether a collection or table may have that name */
int rt_store_collection(const char *name);


/* the monotonic clock in ms */
int64_t rt_store_clock(void);


/*
 * Roles given as one text, split at spaces and commas: the form that both
 * back ends allow beside an array.
 */

int rt_user_split_roles(rt_user_t *user, rt_str_t text);

/* what cannot be a role (rt_claims_is_role()) is passed over */
int rt_user_add_role(rt_user_t *user, rt_str_t role);


#endif /* _RT_STORE_DRIVER_H_INCLUDED_ */
