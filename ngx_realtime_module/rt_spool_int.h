
/*
 * What a spool is made of: for rt_spool*.c alone.
 */

#ifndef _RT_SPOOL_INT_H_INCLUDED_
#define _RT_SPOOL_INT_H_INCLUDED_


#include "rt_spool.h"
#include "rt_sqlite_rows.h"


#define RT_SPOOL_TABLE  "spool"


struct rt_spool_s {
    rt_sqlite_t  *file;
    char         *path;
    char         *lock;
    unsigned      timeout_ms;
};


#endif /* _RT_SPOOL_INT_H_INCLUDED_ */
