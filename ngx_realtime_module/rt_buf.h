
/*
 * Text as a pointer and a length, and a buffer that grows.
 *
 * An rt_str_t owns nothing: whoever made it says how long it lives.  An
 * rt_buf_t owns its memory, one writer at a time.  Any thread may use
 * either; nothing here is shared.
 */

#ifndef _RT_BUF_H_INCLUDED_
#define _RT_BUF_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct {
    const char  *data;          /* NULL: there is no value (JSON's null) */
    size_t       len;
} rt_str_t;


#define rt_string(s)  { (s), sizeof(s) - 1 }
#define rt_null       { NULL, 0 }


/*
 * All zero is an empty buffer.  The first allocation that fails sets
 * "failed", after which every append does nothing: a writer checks once, at
 * its end.
 */

typedef struct {
    char    *data;              /* malloc'ed; not NUL-terminated */
    size_t   len;
    size_t   size;
    int      failed;
} rt_buf_t;


void rt_buf_add(rt_buf_t *b, const void *data, size_t len);
void rt_buf_str(rt_buf_t *b, const char *s);
void rt_buf_int(rt_buf_t *b, int64_t n);
void rt_buf_hex(rt_buf_t *b, const void *data, size_t len);


/* s as a JSON string with its quotes, null for no value; s is UTF-8 */
void rt_buf_json(rt_buf_t *b, rt_str_t s);


/* 2 * len hex digits, any case, into len bytes; -1 for any other text */
int rt_unhex(void *data, size_t len, rt_str_t text);


/* frees the memory and leaves an empty buffer */
void rt_buf_free(rt_buf_t *b);


#endif /* _RT_BUF_H_INCLUDED_ */
