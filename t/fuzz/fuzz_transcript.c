
/*
 * libFuzzer on the body of a POST: what is accepted keeps the rules, what is
 * refused says so as JSON.
 */

#include "rt_page.h"
#include "rt_time.h"
#include "rt_utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>


static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                i;
    json_t                 *json;
    rt_buf_t                b;
    rt_str_t                text;
    rt_page_t               page;
    rt_cursor_t             cursor;
    rt_transcript_t        *t;
    rt_transcript_rc_e      rc;
    rt_transcript_batch_t   batch;

    static const rt_str_t  user = rt_string("ann");

    memset(&b, 0, sizeof(rt_buf_t));

    text.data = (const char *) data;
    text.len = size;

    (void) rt_cursor_parse(&cursor, text, 0);
    (void) rt_cursor_parse(&cursor, text, 1);

    rc = rt_transcript_parse(text.data, size, user, 1795478550123456, &batch,
                             &b);

    if (rc == RT_TRANSCRIPT_INVALID) {
        json = json_loadb(b.data, b.len, 0, NULL);
        check(json_array_size(json) > 0 && json_array_size(json) <= 32);
        json_decref(json);
    }

    if (rc != RT_TRANSCRIPT_OK) {
        rt_buf_free(&b);
        return 0;
    }

    check(batch.n > 0 && batch.n <= RT_TRANSCRIPT_BATCH_MAX && b.len == 0);

    for (i = 0; i < batch.n; i++) {
        t = &batch.items[i];

        check(t->text.len > 0 && t->text.len <= RT_TRANSCRIPT_TEXT_MAX);
        check(rt_utf8_valid(t->text) && !rt_utf8_blank(t->text));
        check(t->metadata.len <= RT_TRANSCRIPT_METADATA_MAX);
        check(i == 0 || t->seq > batch.items[i - 1].seq);
    }

    /* and it can be shown */

    memset(&page, 0, sizeof(rt_page_t));
    page.items = batch.items;
    page.n = batch.n;
    rt_page_transcripts(&b, &page);

    json = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
    check(json != NULL);
    json_decref(json);

    rt_buf_free(&b);
    rt_transcript_batch_free(&batch);

    return 0;
}
