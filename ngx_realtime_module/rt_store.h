
/*
 * Where transcripts are kept: one interface, SQLite or MongoDB behind it.
 *
 * Ownership: a store belongs to one process.  It is opened after fork and
 * closed when none of its calls runs any more; what a call is given stays
 * the caller's, what it returns in a page or a user the caller frees.
 *
 * Threads: rt_store_check(), rt_store_open() and rt_store_close() never wait
 * and are for the main thread.  All the others block and are for pool
 * threads, any number of them at once; each thread works with a connection of
 * its own.  Each call ends after conf.timeout_ms, give or take one disk flush;
 * a write to a replica set that elects a primary which then falls silent takes
 * half as long again.
 *
 * Failures: a call writes nothing to any log.  It returns a code and its
 * text, for the caller to log in its own thread; no text holds a password
 * or what a user said.
 */

#ifndef _RT_STORE_H_INCLUDED_
#define _RT_STORE_H_INCLUDED_


#include "rt_page.h"


typedef enum {
    RT_STORE_OK = 0,
    RT_STORE_DUPLICATE,         /* of an item: it was there before; a success */
    RT_STORE_UNAVAILABLE,       /* not reached, locked, no space: try again */
    RT_STORE_TIMEOUT,           /* too late: done or not; try again */
    RT_STORE_REFUSED,           /* the store says no to this: login, rights,
                                   a document it cannot take */
    RT_STORE_BROKEN             /* damaged or newer data, no memory: no use
                                   to try again before someone looked */
} rt_store_rc_e;


typedef struct {
    char  text[512];            /* one line, NUL-terminated */
    int   code;                 /* of the database; 0: none */
} rt_store_error_t;


typedef enum {
    RT_STORE_LOG_ERROR = 0,
    RT_STORE_LOG_WARN,
    RT_STORE_LOG_INFO,
    RT_STORE_LOG_DEBUG
} rt_store_log_e;


/*
 * What a database driver has to say on its own account.  Called from any
 * thread, also from the driver's, between open and close; must not call the
 * store.
 */

typedef void (*rt_store_log_pt)(void *data, rt_store_log_e level,
    const char *text);


typedef struct {
    const char       *uri;      /* sqlite:/path, mongodb://, mongodb+srv:// */
    const char       *collection;   /* or table; "transcripts" */
    unsigned          timeout_ms;   /* of one call in all; 100 and more */
    int64_t           ttl;      /* seconds until an item expires; 0: never */
    unsigned          threads;  /* that call at once, at most */
    rt_store_log_pt   log;      /* may be NULL */
    void             *log_data;
} rt_store_conf_t;


typedef struct rt_store_s  rt_store_t;


/*
 * Whether conf can be opened: for a test of the configuration.  Opens no
 * file, asks no server, makes no thread, changes nothing.  0, or -1 with the
 * reason in err.
 */

int rt_store_check(const rt_store_conf_t *conf, rt_store_error_t *err);


/*
 * After fork.  Copies conf, connects to nothing.  NULL with the reason in
 * err.  At most one store on MongoDB with a log at a time in one process: the
 * driver has one log.
 */

rt_store_t *rt_store_open(const rt_store_conf_t *conf, rt_store_error_t *err);

/* waits for nobody: no call may be under way */
void rt_store_close(rt_store_t *st);


/*
 * Schema and indexes.  A store works without it, only slower.  The caller
 * repeats it until it returns OK; after that err->text says what could not be
 * had (an index without rights, a TTL index on a server that has none), or
 * is empty.
 */

rt_store_rc_e rt_store_prepare(rt_store_t *st, rt_store_error_t *err);


/* how many rt_store_append() at once are of use; any number is allowed */
unsigned rt_store_writers(const rt_store_t *st);


/* whether a read would work now */
rt_store_rc_e rt_store_ping(rt_store_t *st, rt_store_error_t *err);


/*
 * Writes items, in no promised order, each exactly once however often it is
 * given: an id that is there already changes nothing.
 *
 * OK: the store has answered for every item, results[i] is OK, DUPLICATE or
 * REFUSED (this item will never be taken; err says why for one of them, and
 * may quote it; without one its text is empty).
 * Otherwise every results[i] that is not known to be OK, DUPLICATE or REFUSED
 * holds the code returned, and a later call may give the same items again.
 * What is OK or DUPLICATE survives a power cut.
 */

rt_store_rc_e rt_store_append(rt_store_t *st,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    rt_store_error_t *err);


typedef struct {
    rt_str_t     user_id;       /* required: nobody reads everybody */
    rt_str_t     session_id;    /* no value: of all sessions */
    rt_cursor_t  cursor;
    unsigned     limit;         /* 1..RT_PAGE_LIMIT_MAX */
    unsigned     desc:1;        /* newest first; sessions always are */
} rt_store_query_t;


/*
 * A page of transcripts by timestamp, then arrival; a page of sessions by
 * their last item.  The page is the caller's to free after OK.
 */

rt_store_rc_e rt_store_list(rt_store_t *st, const rt_store_query_t *q,
    rt_page_t *page, rt_store_error_t *err);

rt_store_rc_e rt_store_sessions(rt_store_t *st, const rt_store_query_t *q,
    rt_page_t *page, rt_store_error_t *err);


typedef struct {
    rt_str_t        user_id;    /* required; alone: all of this user */
    rt_str_t        session_id; /* no value: any */
    const rt_id_t  *id;         /* NULL: any */
} rt_store_match_t;


/* erases what matches all that is given; their number goes to *deleted */
rt_store_rc_e rt_store_erase(rt_store_t *st, const rt_store_match_t *match,
    uint64_t *deleted, rt_store_error_t *err);


/*
 * Erases what arrived more than conf.ttl before now (ms), at most a few
 * thousand in one call; call again while *deleted is not 0.  Does nothing
 * where the server's own TTL index does it.
 */

rt_store_rc_e rt_store_expire(rt_store_t *st, int64_t now, uint64_t *deleted,
    rt_store_error_t *err);


typedef struct {
    const char  *collection;    /* or table */
    const char  *match;         /* field that holds the token's user; it is
                                   unique */
    const char  *id;            /* field of who owns data */
    const char  *roles;         /* array of strings, or one split at spaces
                                   and commas */
    const char  *active;        /* true, a number but 0, or not there: active;
                                   anything else is not */
} rt_store_lookup_t;


typedef struct {
    rt_str_t   id;              /* text, number or ObjectId as text */
    rt_str_t   email;           /* the field "email"; may have no value */
    rt_str_t  *roles;
    unsigned   nroles;
    unsigned   found:1;
    unsigned   active:1;
    rt_page_t  memory;
} rt_user_t;


/*
 * Whether the names of a lookup can be: for a test of the configuration.  0,
 * or -1 with the reason in err.
 */
int rt_store_check_lookup(const rt_store_lookup_t *lookup,
    rt_store_error_t *err);

/*
 * Looks up who is called value; nobody is OK with found = 0, two of them are
 * REFUSED.
 */
rt_store_rc_e rt_store_find_user(rt_store_t *st,
    const rt_store_lookup_t *lookup, rt_str_t value, rt_user_t *user,
    rt_store_error_t *err);

void rt_user_free(rt_user_t *user);


/* "ok", "duplicate", "unavailable", "timeout", "refused", "broken" */
const char *rt_store_rc_name(rt_store_rc_e rc);


#endif /* _RT_STORE_H_INCLUDED_ */
