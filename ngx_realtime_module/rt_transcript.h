
/*
 * A transcript: one utterance of a voice session, and the body that a client
 * posts to have some of them kept.
 *
 * Ownership: everything an item points to lives in its batch (or its page,
 * see rt_page.h) until that is freed; neither the body nor the user's name
 * given to the parser is kept.  Threads: every function may run in any
 * thread; a batch belongs to one thread at a time.
 */

#ifndef _RT_TRANSCRIPT_H_INCLUDED_
#define _RT_TRANSCRIPT_H_INCLUDED_


#include "rt_buf.h"


#define RT_TRANSCRIPT_BODY_MAX      (256 * 1024)    /* bytes, then 413 */
#define RT_TRANSCRIPT_BATCH_MAX     100             /* items of one array */
#define RT_TRANSCRIPT_TEXT_MAX      (16 * 1024)     /* bytes */
#define RT_TRANSCRIPT_NAME_MAX      200             /* characters */
#define RT_TRANSCRIPT_LANGUAGE_MAX  35              /* characters */
#define RT_TRANSCRIPT_METADATA_MAX  (4 * 1024)      /* bytes of compact JSON */
#define RT_TRANSCRIPT_DEPTH_MAX     32              /* levels of metadata */

#define RT_ID_LEN                   12
#define RT_ID_HEX_LEN               (2 * RT_ID_LEN)


typedef struct {
    unsigned char  bytes[RT_ID_LEN];        /* an ObjectId */
} rt_id_t;


typedef enum {
    RT_ROLE_USER = 0,
    RT_ROLE_ASSISTANT
} rt_role_e;


typedef enum {
    RT_SOURCE_CLIENT = 0,                   /* reported by the browser */
    RT_SOURCE_OBSERVED                      /* seen on the server's side */
} rt_source_e;


typedef struct {
    rt_id_t      id;                        /* chosen before any write */
    rt_role_e    role;
    rt_source_e  source;

    int64_t      timestamp;                 /* said at: ms since the epoch */
    int64_t      created_at;                /* arrived at: the same */
    int64_t      seq;                       /* us since the epoch, unique in
                                               a process and increasing */

    rt_str_t     user_id;
    rt_str_t     text;
    rt_str_t     session_id;                /* no value: null, here and below */
    rt_str_t     call_id;
    rt_str_t     item_id;
    rt_str_t     previous_item_id;
    rt_str_t     language;
    rt_str_t     metadata;                  /* an object as compact JSON */
} rt_transcript_t;


typedef struct {
    rt_transcript_t  *items;
    unsigned          n;                    /* 1..RT_TRANSCRIPT_BATCH_MAX */
    int               array;                /* the body was an array: the
                                               reply has "ids", not "id" */
    char             *user_id;              /* what the items point to */
    void             *json;
} rt_transcript_batch_t;


typedef enum {
    RT_TRANSCRIPT_OK = 0,
    RT_TRANSCRIPT_INVALID,                  /* 422 invalid_transcript */
    RT_TRANSCRIPT_MISMATCH,                 /* 403 user_mismatch */
    RT_TRANSCRIPT_NO_MEMORY                 /* 500 */
} rt_transcript_rc_e;


/*
 * Reads a POST body, one object or an array of 1 to 100, by the table in
 * docs/http-api.md.  All of it is checked before anything is made, so
 * a batch is whole or it is not there; an invalid item counts before a
 * mismatch of users.
 *
 * user_id is the verified user, now the time of arrival in us since the
 * epoch.  OK: *batch is filled and the caller frees it.  INVALID: the JSON
 * array of {"loc","msg","type"} for "detail" is appended to detail, at most
 * 32 of them.  In every other case than OK there is nothing to free in batch.
 *
 * A hostile body costs up to 50 ms: not for the event loop.
 */

rt_transcript_rc_e rt_transcript_parse(const char *body, size_t len,
    rt_str_t user_id, int64_t now, rt_transcript_batch_t *batch,
    rt_buf_t *detail);

void rt_transcript_batch_free(rt_transcript_batch_t *batch);


/*
 * The reply of a POST: {"id":"..."} or {"ids":[...]}, with "queued":true
 * where the items wait in the spool.
 */

void rt_transcript_reply(rt_buf_t *b, const rt_transcript_batch_t *batch,
    int queued);


/*
 * The first of n numbers for "seq", which no other call in this process
 * gets, at or after now (us).
 */

int64_t rt_transcript_seq(int64_t now, unsigned n);


/*
 * The id of an item: with an item_id the first 12 bytes of SHA-256 over user,
 * session (else call), item and role, each with its length before it, so
 * that a resend is the same document; without one a new ObjectId of the time
 * now (us).  A process that has made one may not fork: both would make the
 * same ones from there on.  Returns 0, or -1 where no randomness or memory is
 * left.
 */

int rt_transcript_id(rt_id_t *id, const rt_transcript_t *t, int64_t now);


/* 24 hex digits, any case; -1 where text is anything else */
int rt_id_parse(rt_id_t *id, rt_str_t text);


const char *rt_role_name(rt_role_e role);
const char *rt_source_name(rt_source_e source);


#endif /* _RT_TRANSCRIPT_H_INCLUDED_ */
