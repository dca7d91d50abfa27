
#define _GNU_SOURCE             /* memmem(), memrchr() */

#include <string.h>

#include "rt_sdp.h"


#define RT_SDP_PREFIX      "rtc_"
#define RT_SDP_PREFIX_LEN  (sizeof(RT_SDP_PREFIX) - 1)

#define RT_SDP_BLOCK       16


static int rt_sdp_control(const char *sdp, size_t len);
static inline unsigned char rt_sdp_is_control(unsigned char c);
static int rt_sdp_word(unsigned char c);


rt_sdp_e
rt_sdp_offer(const char *sdp, size_t len)
{
    if (len == 0) {
        return RT_SDP_EMPTY;
    }

    if (len < sizeof("v=0\n") - 1
        || memcmp(sdp, "v=0", 3) != 0
        || (sdp[3] != '\n' && sdp[3] != '\r'))
    {
        return RT_SDP_NO_VERSION;
    }

    if (rt_sdp_control(sdp, len)) {
        return RT_SDP_CONTROL;
    }

    if (memmem(sdp, len, "\nm=audio ", sizeof("\nm=audio ") - 1) == NULL) {
        return RT_SDP_NO_AUDIO;
    }

    return RT_SDP_OK;
}


/*
 * No way out of the loop's midst, and as many results as a vector has bytes:
 * so compilers make it of vectors.
 */

static int
rt_sdp_control(const char *sdp, size_t len)
{
    size_t         i, j;
    unsigned char  any, found[RT_SDP_BLOCK];

    any = 0;
    memset(found, 0, sizeof(found));

    for (i = 0; i + RT_SDP_BLOCK <= len; i += RT_SDP_BLOCK) {
        for (j = 0; j < RT_SDP_BLOCK; j++) {
            found[j] |= rt_sdp_is_control((unsigned char) sdp[i + j]);
        }
    }

    for ( /* void */ ; i < len; i++) {
        any |= rt_sdp_is_control((unsigned char) sdp[i]);
    }

    for (j = 0; j < RT_SDP_BLOCK; j++) {
        any |= found[j];
    }

    return any;
}


static inline unsigned char
rt_sdp_is_control(unsigned char c)
{
    return ((c < 0x20) & (c != '\t') & (c != '\n') & (c != '\r'))
           | (c == 0x7f);
}


const char *
rt_sdp_reason(rt_sdp_e rc)
{
    switch (rc) {

    case RT_SDP_EMPTY:
        return "Invalid SDP offer: it is empty";

    case RT_SDP_NO_VERSION:
        return "Invalid SDP offer: it does not begin with a line v=0";

    case RT_SDP_CONTROL:
        return "Invalid SDP offer: it has control characters";

    case RT_SDP_NO_AUDIO:
        return "Invalid SDP offer: it has no m=audio line";

    default:
        return "";
    }
}


int
rt_sdp_holds(const char *sdp, size_t len, const char *text, size_t text_len)
{
    return memmem(sdp, len, text, text_len) != NULL;
}


int
rt_sdp_answer(const char *body, size_t len)
{
    return len >= 3 && memcmp(body, "v=0", 3) == 0;
}


size_t
rt_sdp_call_id(const char *location, size_t len, const char **id)
{
    size_t       n;
    const char  *p, *end, *segment;

    end = location + len;

    for (p = location; p < end; p++) {
        if (*p == '?' || *p == '#') {
            end = p;
        }
    }

    while (end > location) {

        p = memrchr(location, '/', end - location);
        segment = (p != NULL) ? p + 1 : location;
        n = end - segment;

        if (n > RT_SDP_PREFIX_LEN
            && memcmp(segment, RT_SDP_PREFIX, RT_SDP_PREFIX_LEN) == 0)
        {
            if (n > RT_SDP_CALL_ID_MAX) {
                return 0;
            }

            for (p = segment; p < end; p++) {
                if (!rt_sdp_word((unsigned char) *p)) {
                    return 0;
                }
            }

            *id = segment;

            return n;
        }

        end = (p != NULL) ? p : location;
    }

    return 0;
}


size_t
rt_sdp_cut(const char *text, size_t len, size_t max)
{
    if (len > max) {
        len = max;

        /* not between the bytes of one character */

        while (len > 0 && ((unsigned char) text[len] & 0xc0) == 0x80) {
            len--;
        }
    }

    while (len > 0
           && (text[len - 1] == ' ' || text[len - 1] == '\t'
               || text[len - 1] == '\r' || text[len - 1] == '\n'))
    {
        len--;
    }

    return len;
}


void
rt_sdp_mask(char *text, size_t len, const char *key, size_t key_len)
{
    char    *p;
    size_t   i;

    p = text;

    while (key_len > 0) {
        p = memmem(p, text + len - p, key, key_len);

        if (p == NULL) {
            break;
        }

        memset(p, '*', key_len);
        p += key_len;
    }

    for (i = 0; i + 3 < len; i++) {

        if ((memcmp(&text[i], "sk-", 3) != 0
             && memcmp(&text[i], "ek_", 3) != 0)
            || (i > 0 && rt_sdp_word((unsigned char) text[i - 1])))
        {
            continue;
        }

        /* keys are shown with "*" in their midst where the API quotes one */

        for (i += 3; i < len; i++) {
            if (!rt_sdp_word((unsigned char) text[i]) && text[i] != '*') {
                break;
            }

            text[i] = '*';
        }
    }
}


static int
rt_sdp_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
