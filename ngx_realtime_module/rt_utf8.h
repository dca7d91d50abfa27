
/*
 * Questions about text in UTF-8.  Pure functions, any thread.
 */

#ifndef _RT_UTF8_H_INCLUDED_
#define _RT_UTF8_H_INCLUDED_


#include "rt_buf.h"


/* whether s is UTF-8 (RFC 3629) without a NUL */
int rt_utf8_valid(rt_str_t s);


/* the first max characters of s; s itself where it has no more; s is valid */
rt_str_t rt_utf8_cut(rt_str_t s, size_t max);


/* whether s holds nothing but White_Space of Unicode; s is valid */
int rt_utf8_blank(rt_str_t s);


#endif /* _RT_UTF8_H_INCLUDED_ */
