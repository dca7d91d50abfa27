/*
 * Transcripts for tests, made from a number.
 */

#ifndef _ITEMS_H_INCLUDED_
#define _ITEMS_H_INCLUDED_

#include "rt_transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>


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


/* one with a value in each of its fields */

static inline rt_transcript_t
whole_item(void)
{
    rt_transcript_t  t;

    t = item("ann", "s", 1);

    t.role = RT_ROLE_ASSISTANT;
    t.source = RT_SOURCE_OBSERVED;
    t.timestamp = -62135596800000;
    t.text = str("quote \" back\\slash\n\xc3\xa9 \xf0\x9f\x8e\x99");
    t.call_id = str("rtc_1");
    t.item_id = str("item_1");
    t.previous_item_id = str("item_0");
    t.language = str("fr");
    t.metadata = str("{\"a\":1,\"b\":[true,null,{\"c\":1.5}],"
                     "\"date\":{\"oid\":\"x\"},\"n\":12345678901,\"\":\"\"}");

    return t;
}


static inline void
is(const char *want, rt_str_t s)
{
    if (want == NULL) {
        assert_null(s.data);
        return;
    }

    assert_non_null(s.data);
    assert_int_equal(s.len, strlen(want));
    assert_memory_equal(s.data, want, s.len);
}


/* what was read back is what was written; texts end in a NUL there */

static inline void
same_item(const rt_transcript_t *want, const rt_transcript_t *r)
{
    assert_memory_equal(&r->id, &want->id, sizeof(rt_id_t));
    assert_int_equal(r->role, want->role);
    assert_int_equal(r->source, want->source);
    assert_int_equal(r->timestamp, want->timestamp);
    assert_int_equal(r->created_at, want->created_at);
    assert_int_equal(r->seq, want->seq);

    is(want->user_id.data, r->user_id);
    is(want->session_id.data, r->session_id);
    is(want->text.data, r->text);
    is(want->call_id.data, r->call_id);
    is(want->item_id.data, r->item_id);
    is(want->previous_item_id.data, r->previous_item_id);
    is(want->language.data, r->language);
    is(want->metadata.data, r->metadata);
}


#endif /* _ITEMS_H_INCLUDED_ */
