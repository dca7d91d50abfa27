
/*
 * Rows of SQLite tables as transcripts and users: what the store and the
 * spool have in common.  Blocking; within rt_sqlite_begin() and
 * rt_sqlite_end().
 */

#ifndef _RT_SQLITE_ROWS_H_INCLUDED_
#define _RT_SQLITE_ROWS_H_INCLUDED_


#include "rt_sqlite.h"


/* the table that rt_sqlite_insert() fills, for a schema: takes one %w */

#define RT_SQLITE_TRANSCRIPTS                                                 \
    "CREATE TABLE IF NOT EXISTS \"%w\" ("                                     \
    " id BLOB PRIMARY KEY NOT NULL,"                                          \
    " user_id TEXT NOT NULL,"                                                 \
    " session_id TEXT,"                                                       \
    " role TEXT NOT NULL,"                                                    \
    " text TEXT NOT NULL,"                                                    \
    " timestamp INTEGER NOT NULL,"                                            \
    " created_at INTEGER NOT NULL,"                                           \
    " seq INTEGER NOT NULL,"                                                  \
    " call_id TEXT,"                                                          \
    " item_id TEXT,"                                                          \
    " previous_item_id TEXT,"                                                 \
    " language TEXT,"                                                         \
    " metadata TEXT,"                                                         \
    " source TEXT NOT NULL);"

/* the columns in the order that rt_sqlite_read() wants */

#define RT_SQLITE_COLUMNS                                                     \
    "id, user_id, session_id, role, text, timestamp, created_at, seq,"        \
    " call_id, item_id, previous_item_id, language, metadata, source"


/*
 * Inserts items in the transaction under way; results as in
 * rt_store_append(), but only as good as the commit.
 */

rt_store_rc_e rt_sqlite_insert(rt_sqlite_conn_t *conn, const char *table,
    const rt_transcript_t *const *items, size_t n, rt_store_rc_e *results,
    rt_store_error_t *err);


/* reads at most max rows of stmt into page, and finalizes stmt */
rt_store_rc_e rt_sqlite_read(rt_sqlite_conn_t *conn, sqlite3_stmt *stmt,
    size_t max, rt_page_t *page, rt_store_error_t *err);


/*
 * Deletes what matches, or without a match what arrived before a time (ms):
 * at most limit rows.  Where first is not 0, these are looked for in the
 * limit rowids from first on only: for a table without an index.
 */

rt_store_rc_e rt_sqlite_delete(rt_sqlite_conn_t *conn, const char *table,
    const rt_store_match_t *match, int64_t before, int64_t first, int limit,
    uint64_t *deleted, rt_store_error_t *err);


/* rt_store_find_user() */
rt_store_rc_e rt_sqlite_user(rt_sqlite_conn_t *conn,
    const rt_store_lookup_t *lookup, rt_str_t value, rt_user_t *user,
    rt_store_error_t *err);


#endif /* _RT_SQLITE_ROWS_H_INCLUDED_ */
