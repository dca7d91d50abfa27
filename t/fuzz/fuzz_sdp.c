
/*
 * libFuzzer on what an offer's way reads of strangers: the SDP, the Location
 * of an answer, the text of an error.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rt_sdp.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *text;
    size_t       n, key_len;
    const char  *p, *id;

    p = (const char *) data;

    (void) rt_sdp_reason(rt_sdp_offer(p, size));
    (void) rt_sdp_answer(p, size);

    n = rt_sdp_call_id(p, size, &id);

    if (n > 0 && (n > RT_SDP_CALL_ID_MAX || id < p || id + n > p + size
                  || memcmp(id, "rtc_", 4) != 0))
    {
        abort();
    }

    if (rt_sdp_cut(p, size, size / 2) > size / 2) {
        abort();
    }

    /* the first bytes stand for the key */

    key_len = (size > 0) ? data[0] % 8 : 0;

    if (key_len > size) {
        key_len = size;
    }

    text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }

    memcpy(text, data, size);
    rt_sdp_mask(text, size, p, key_len);
    free(text);

    return 0;
}
