
/*
 * Points in time as RFC 3339 writes them.  Pure functions, any thread.
 */

#ifndef _RT_TIME_H_INCLUDED_
#define _RT_TIME_H_INCLUDED_


#include "rt_buf.h"


/*
 * A date-time of RFC 3339 section 5.6 ("T" and "Z" in any case) as ms since
 * the epoch; digits of a second beyond the third are cut off, a leap second
 * counts as the second before it.  -1 where text is anything else or falls
 * out of the years 1 to 9999.
 */

int rt_time_parse(int64_t *ms, rt_str_t text);


/* appends 2026-11-24T00:02:30.123Z */
void rt_time_format(rt_buf_t *b, int64_t ms);


/* the clock: us since the epoch */
int64_t rt_time_now(void);


#endif /* _RT_TIME_H_INCLUDED_ */
