
#include "rt_page.h"
#include "rt_time.h"

#include <stdlib.h>
#include <string.h>


#define RT_CHUNK_SIZE  8192


struct rt_chunk_s {
    rt_chunk_t  *next;
    size_t       used;
    size_t       size;
    char         data[];
};


/* the first letter of a cursor's text says what it is */

#define RT_CURSOR_ITEM      'i'
#define RT_CURSOR_DATELESS  'd'
#define RT_CURSOR_SESSION   's'
#define RT_CURSOR_NULL      'n'


static int rt_cursor_take(void *data, size_t len, rt_str_t *text);
static size_t rt_page_control(rt_str_t s, size_t pos);
static void rt_page_item(rt_buf_t *b, const rt_transcript_t *t);
static void rt_page_field(rt_buf_t *b, const char *name, rt_str_t value);
static void rt_page_time(rt_buf_t *b, const char *name, int64_t ms);
static void rt_page_next(rt_buf_t *b, const rt_page_t *page);


int
rt_cursor_parse(rt_cursor_t *c, rt_str_t text, int session)
{
    char  kind;

    memset(c, 0, sizeof(rt_cursor_t));

    if (text.len == 0) {
        return -1;
    }

    kind = text.data[0];
    text.data++;
    text.len--;

    if (rt_cursor_take(&c->timestamp, sizeof(c->timestamp), &text) == -1) {
        return -1;
    }

    c->set = 1;

    if (session) {
        c->session = 1;
        c->null = (kind == RT_CURSOR_NULL);
        c->name_len = text.len / 2;

        return (kind == RT_CURSOR_SESSION || (c->null && c->name_len == 0))
               && c->name_len <= sizeof(c->name)
               && rt_cursor_take(c->name, c->name_len, &text) == 0
               && text.len == 0
               ? 0 : -1;
    }

    c->dateless = (kind == RT_CURSOR_DATELESS);

    return (kind == RT_CURSOR_ITEM || c->dateless)
           && rt_cursor_take(&c->seq, sizeof(c->seq), &text) == 0
           && rt_cursor_take(&c->id, sizeof(c->id), &text) == 0
           && text.len == 0
           ? 0 : -1;
}


void
rt_cursor_format(rt_buf_t *b, const rt_cursor_t *c)
{
    char  kind;

    if (c->session) {
        kind = c->null ? RT_CURSOR_NULL : RT_CURSOR_SESSION;

    } else {
        kind = c->dateless ? RT_CURSOR_DATELESS : RT_CURSOR_ITEM;
    }

    rt_buf_add(b, &kind, 1);
    rt_buf_hex(b, &c->timestamp, sizeof(c->timestamp));

    if (c->session) {
        rt_buf_hex(b, c->name, c->name_len);
        return;
    }

    rt_buf_hex(b, &c->seq, sizeof(c->seq));
    rt_buf_hex(b, &c->id, sizeof(c->id));
}


static int
rt_cursor_take(void *data, size_t len, rt_str_t *text)
{
    rt_str_t  hex;

    if (text->len < 2 * len) {
        return -1;
    }

    hex.data = text->data;
    hex.len = 2 * len;

    text->data += hex.len;
    text->len -= hex.len;

    return rt_unhex(data, len, hex);
}


void
rt_cursor_item(rt_cursor_t *c, const rt_transcript_t *t)
{
    memset(c, 0, sizeof(rt_cursor_t));

    c->set = 1;
    c->timestamp = t->timestamp;
    c->seq = t->seq;
    c->id = t->id;
}


void
rt_cursor_session(rt_cursor_t *c, const rt_session_t *s)
{
    memset(c, 0, sizeof(rt_cursor_t));

    c->set = 1;
    c->session = 1;
    c->timestamp = s->last_at;
    c->null = (s->session_id.data == NULL);

    /* a name too long for the field was not written by this module */

    c->name_len = s->session_id.len < sizeof(c->name) ? s->session_id.len
                                                      : sizeof(c->name);
    if (c->name_len) {
        memcpy(c->name, s->session_id.data, c->name_len);
    }
}


rt_str_t
rt_page_copy(rt_page_t *page, rt_str_t s)
{
    char        *p;
    size_t       size;
    rt_chunk_t  *chunk;

    chunk = page->chunks;

    if (chunk == NULL || chunk->size - chunk->used < s.len + 1) {

        size = s.len + 1 > RT_CHUNK_SIZE ? s.len + 1 : RT_CHUNK_SIZE;

        chunk = malloc(sizeof(rt_chunk_t) + size);
        if (chunk == NULL) {
            s.data = NULL;
            s.len = 0;
            return s;
        }

        chunk->used = 0;
        chunk->size = size;
        chunk->next = page->chunks;
        page->chunks = chunk;
    }

    p = chunk->data + chunk->used;
    chunk->used += s.len + 1;

    if (s.len) {
        memcpy(p, s.data, s.len);
    }

    p[s.len] = '\0';
    s.data = p;

    return s;
}


void
rt_page_free(rt_page_t *page)
{
    rt_chunk_t  *chunk, *next;

    for (chunk = page->chunks; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }

    free(page->items);
    free(page->sessions);

    memset(page, 0, sizeof(rt_page_t));
}


void
rt_page_transcripts(rt_buf_t *b, const rt_page_t *page)
{
    unsigned  i;

    rt_buf_str(b, "{\"transcripts\":[");

    for (i = 0; i < page->n; i++) {
        rt_buf_str(b, i ? "," : "");
        rt_page_item(b, &page->items[i]);
    }

    rt_page_next(b, page);
}


void
rt_page_lines(rt_buf_t *b, const rt_page_t *page)
{
    unsigned  i;

    for (i = 0; i < page->n; i++) {
        rt_page_item(b, &page->items[i]);
        rt_buf_str(b, "\n");
    }
}


void
rt_page_text(rt_buf_t *b, const rt_page_t *page)
{
    size_t                  n, pos, start;
    unsigned                i;
    const rt_transcript_t  *t;

    for (i = 0; i < page->n; i++) {
        t = &page->items[i];

        rt_time_format(b, t->timestamp);
        rt_buf_str(b, " ");
        rt_buf_str(b, rt_role_name(t->role));
        rt_buf_str(b, ": ");

        for (pos = start = 0; pos < t->text.len; pos += n ? n : 1) {
            n = rt_page_control(t->text, pos);

            if (n) {
                rt_buf_add(b, t->text.data + start, pos - start);
                rt_buf_str(b, " ");
                start = pos + n;
            }
        }

        rt_buf_add(b, t->text.data + start, pos - start);
        rt_buf_str(b, "\n");
    }
}


/*
 * The bytes of a control character or line separator at pos, 0 for any other
 * character: a turn is one line, and nothing moves a terminal's cursor.
 */

static size_t
rt_page_control(rt_str_t s, size_t pos)
{
    size_t                left;
    const unsigned char  *p;

    p = (const unsigned char *) s.data + pos;
    left = s.len - pos;

    if (p[0] < 0x20 || p[0] == 0x7f) {
        return 1;
    }

    if (left >= 2 && p[0] == 0xc2 && p[1] < 0xa0) {
        return 2;
    }

    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80
        && (p[2] == 0xa8 || p[2] == 0xa9))
    {
        return 3;
    }

    return 0;
}


static void
rt_page_item(rt_buf_t *b, const rt_transcript_t *t)
{
    rt_buf_str(b, "{\"id\":\"");
    rt_buf_hex(b, t->id.bytes, RT_ID_LEN);
    rt_buf_str(b, "\"");

    rt_page_field(b, "user_id", t->user_id);
    rt_page_field(b, "session_id", t->session_id);

    rt_buf_str(b, ",\"role\":\"");
    rt_buf_str(b, rt_role_name(t->role));
    rt_buf_str(b, "\"");

    rt_page_field(b, "text", t->text);
    rt_page_time(b, "timestamp", t->timestamp);
    rt_page_time(b, "created_at", t->created_at);
    rt_page_field(b, "call_id", t->call_id);
    rt_page_field(b, "item_id", t->item_id);
    rt_page_field(b, "language", t->language);

    rt_buf_str(b, ",\"metadata\":");

    if (t->metadata.data != NULL) {
        rt_buf_add(b, t->metadata.data, t->metadata.len);

    } else {
        rt_buf_str(b, "null");
    }

    rt_buf_str(b, ",\"source\":\"");
    rt_buf_str(b, rt_source_name(t->source));
    rt_buf_str(b, "\"}");
}


void
rt_page_sessions(rt_buf_t *b, const rt_page_t *page)
{
    unsigned             i;
    const rt_session_t  *s;

    rt_buf_str(b, "{\"sessions\":[");

    for (i = 0; i < page->n; i++) {
        s = &page->sessions[i];

        rt_buf_str(b, i ? ",{\"session_id\":" : "{\"session_id\":");
        rt_buf_json(b, s->session_id);
        rt_page_time(b, "first_at", s->first_at);
        rt_page_time(b, "last_at", s->last_at);
        rt_buf_str(b, ",\"count\":");
        rt_buf_int(b, s->count);
        rt_page_field(b, "preview", s->preview);
        rt_buf_str(b, "}");
    }

    rt_page_next(b, page);
}


static void
rt_page_field(rt_buf_t *b, const char *name, rt_str_t value)
{
    rt_buf_str(b, ",\"");
    rt_buf_str(b, name);
    rt_buf_str(b, "\":");
    rt_buf_json(b, value);
}


static void
rt_page_time(rt_buf_t *b, const char *name, int64_t ms)
{
    rt_buf_str(b, ",\"");
    rt_buf_str(b, name);
    rt_buf_str(b, "\":\"");
    rt_time_format(b, ms);
    rt_buf_str(b, "\"");
}


static void
rt_page_next(rt_buf_t *b, const rt_page_t *page)
{
    if (!page->next.set) {
        rt_buf_str(b, "],\"next\":null}");
        return;
    }

    rt_buf_str(b, "],\"next\":\"");
    rt_cursor_format(b, &page->next);
    rt_buf_str(b, "\"}");
}
