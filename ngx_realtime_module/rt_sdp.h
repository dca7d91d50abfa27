
/*
 * What a gateway has to know of an SDP exchange: is this an offer, is that an
 * answer, which call did the API name, and what of its error text may be
 * shown.
 *
 * Nothing is allocated and nothing kept: the caller owns every byte.  Any
 * thread.
 */

#ifndef _RT_SDP_H_INCLUDED_
#define _RT_SDP_H_INCLUDED_


#include <stddef.h>


typedef enum {
    RT_SDP_OK = 0,
    RT_SDP_EMPTY,
    RT_SDP_NO_VERSION,          /* does not begin with a line "v=0" */
    RT_SDP_CONTROL,             /* a control byte but TAB, CR and LF */
    RT_SDP_NO_AUDIO             /* no line that begins with "m=audio" */
} rt_sdp_e;


#define RT_SDP_CALL_ID_MAX  204         /* "rtc_" and 200 characters */


/*
 * Is this a WebRTC offer with audio?  Bytes from 0x80 on pass: a session name
 * is UTF-8 (RFC 8866, 5.3).
 */
rt_sdp_e rt_sdp_offer(const char *sdp, size_t len);

/* What is wrong, for a person; static, NUL-terminated. */
const char *rt_sdp_reason(rt_sdp_e rc);

/* 1 where the text is somewhere in the offer. */
int rt_sdp_holds(const char *sdp, size_t len, const char *text,
    size_t text_len);

/* 1 where the body begins with "v=0", whatever came as its status. */
int rt_sdp_answer(const char *body, size_t len);


/*
 * The id of a call in the value of a Location header, absolute or relative:
 * the last segment of its path that begins with "rtc_".  Returns its length,
 * at most RT_SDP_CALL_ID_MAX, and sets *id into the value; 0 where there is
 * none that is made of letters, digits, "_" and "-" alone.
 */
size_t rt_sdp_call_id(const char *location, size_t len, const char **id);


/*
 * How much of a text of len bytes to show where max are allowed: it is cut
 * between two characters of UTF-8, and final white space is left out.
 */
size_t rt_sdp_cut(const char *text, size_t len, size_t max);

/*
 * Replace with "*" what looks like a key of the API ("sk-...", "ek_...") and
 * every occurrence of the key itself; the length stays.
 */
void rt_sdp_mask(char *text, size_t len, const char *key, size_t key_len);


#endif /* _RT_SDP_H_INCLUDED_ */
