/*
 * Transcripts for tests, made from a number.
 */

#ifndef _ITEMS_H_INCLUDED_
#define _ITEMS_H_INCLUDED_

#include "rt_transcript.h"

#include <string.h>


#define TIME  1795478550000LL


static inline rt_str_t
str(const char *text)
{
    rt_str_t  s;

    s.data = text;
    s.len = text ? strlen(text) : 0;

    return s;
}


/* an item of which everything follows from its number */

static inline rt_transcript_t
item(const char *user, const char *session, unsigned char n)
{
    rt_transcript_t  t;

    memset(&t, 0, sizeof(rt_transcript_t));

    t.id.bytes[0] = (unsigned char) user[0];
    t.id.bytes[1] = session ? (unsigned char) session[0] : 0;
    t.id.bytes[11] = n;
    t.user_id = str(user);
    t.session_id = str(session);
    t.text = str("said");
    t.timestamp = TIME + n;
    t.created_at = TIME + n;
    t.seq = (TIME + n) * 1000;

    return t;
}


#endif /* _ITEMS_H_INCLUDED_ */
