
/*
 * Pages of what a store holds: transcripts, sessions, where the next page
 * begins, and how they look as JSON.
 *
 * A page owns all that it points to; all zero is an empty page.  Cursors are
 * values.  Any thread; a page belongs to one thread at a time.
 */

#ifndef _RT_PAGE_H_INCLUDED_
#define _RT_PAGE_H_INCLUDED_


#include "rt_transcript.h"


#define RT_PAGE_LIMIT_MAX      200
#define RT_PAGE_LIMIT_DEFAULT  50

#define RT_PREVIEW_MAX         120          /* characters of "preview" */


/*
 * The place of one item in the order of its kind, so a page goes on behind
 * it wherever new turns were put meanwhile.  Of a session only the
 * timestamp (its last) and the name count.
 */

typedef struct {
    int64_t   timestamp;                    /* ms */
    int64_t   seq;
    rt_id_t   id;
    unsigned  set:1;                        /* 0: the beginning */
    unsigned  session:1;                    /* one of the list of sessions */
    unsigned  null:1;                       /* the session without a name */
    unsigned  dateless:1;                   /* an item without a timestamp of
                                               its own */
    char      name[4 * RT_TRANSCRIPT_NAME_MAX];
    size_t    name_len;
} rt_cursor_t;


/*
 * What a client sent as cursor=; -1 where no page ever gave it, then 422
 * invalid_parameter.  session: it is meant for the list of sessions.
 * Cheap enough for the event loop.
 */

int rt_cursor_parse(rt_cursor_t *c, rt_str_t text, int session);

/* the text of a cursor that is set: letters and digits only */
void rt_cursor_format(rt_buf_t *b, const rt_cursor_t *c);


typedef struct {
    rt_str_t  session_id;                   /* no value: items without one */
    rt_str_t  preview;                      /* how its first item begins */
    int64_t   first_at;                     /* ms */
    int64_t   last_at;
    int64_t   count;
} rt_session_t;


typedef struct rt_chunk_s  rt_chunk_t;


typedef struct {
    rt_transcript_t  *items;                /* one of the two, by the call */
    rt_session_t     *sessions;
    unsigned          n;
    rt_cursor_t       next;                 /* not set: this was the last */
    rt_chunk_t       *chunks;               /* where the texts are */
} rt_page_t;


/* the places behind an item and behind a session */
void rt_cursor_item(rt_cursor_t *c, const rt_transcript_t *t);
void rt_cursor_session(rt_cursor_t *c, const rt_session_t *s);


/* a copy of s that lives as long as the page; NULL data: out of memory */
rt_str_t rt_page_copy(rt_page_t *page, rt_str_t s);

void rt_page_free(rt_page_t *page);


/* {"transcripts":[...],"next":...} and {"sessions":[...],"next":...} */
void rt_page_transcripts(rt_buf_t *b, const rt_page_t *page);
void rt_page_sessions(rt_buf_t *b, const rt_page_t *page);

/* one JSON object and a line end for each item: an export */
void rt_page_lines(rt_buf_t *b, const rt_page_t *page);

/* one line of "time role: text" for each item: an export for people */
void rt_page_text(rt_buf_t *b, const rt_page_t *page);


#endif /* _RT_PAGE_H_INCLUDED_ */
