/*
 * What the driver alone can do: documents as the module stores them, put into
 * its own collection or table in bulk by some threads for some seconds.
 *
 *   raw URI SECONDS THREADS BATCH
 *
 * prints the number of documents and the seconds.  The collection is
 * "transcripts", made by the module before.
 */

#include <mongoc/mongoc.h>
#include <sqlite3.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


#define TEXT  "Bonjour, comment puis-je vous aider ?"


static const char            *uri;
static const char            *database;
static double                 end;
static int                    batch;
static _Atomic long           written;
static _Atomic int64_t        seq;
static pthread_mutex_t        writer = PTHREAD_MUTEX_INITIALIZER;
static mongoc_client_pool_t  *pool;


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static int64_t
now_us(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


static void
fail(const char *text)
{
    fprintf(stderr, "raw: %s\n", text);
    exit(1);
}


static void *
into_mongodb(void *data)
{
    int                       i;
    bson_t                    doc, opts, reply;
    int64_t                   ms;
    bson_oid_t                oid;
    bson_error_t              error;
    mongoc_client_t          *client;
    mongoc_collection_t      *collection;
    mongoc_bulk_operation_t  *bulk;

    client = mongoc_client_pool_pop(pool);
    collection = mongoc_client_get_collection(client, database, "transcripts");

    bson_init(&opts);
    BSON_APPEND_BOOL(&opts, "ordered", false);

    while (now() < end) {
        bulk = mongoc_collection_create_bulk_operation_with_opts(collection,
                                                                 &opts);
        ms = now_us() / 1000;

        for (i = 0; i < batch; i++) {
            bson_oid_init(&oid, NULL);
            bson_init(&doc);
            BSON_APPEND_OID(&doc, "_id", &oid);
            BSON_APPEND_UTF8(&doc, "user_id", "u-1");
            BSON_APPEND_UTF8(&doc, "session_id", "s-1");
            BSON_APPEND_UTF8(&doc, "role", "user");
            BSON_APPEND_UTF8(&doc, "text", TEXT);
            BSON_APPEND_DATE_TIME(&doc, "timestamp", ms);
            BSON_APPEND_DATE_TIME(&doc, "created_at", ms);
            BSON_APPEND_INT64(&doc, "seq", atomic_fetch_add(&seq, 1));
            BSON_APPEND_UTF8(&doc, "source", "client");
            mongoc_bulk_operation_insert(bulk, &doc);
            bson_destroy(&doc);
        }

        if (!mongoc_bulk_operation_execute(bulk, &reply, &error)) {
            fail(error.message);
        }

        bson_destroy(&reply);
        mongoc_bulk_operation_destroy(bulk);
        atomic_fetch_add(&written, batch);
    }

    bson_destroy(&opts);
    mongoc_collection_destroy(collection);
    mongoc_client_pool_push(pool, client);

    return NULL;
}


/* one writes at a time, and the others wait without polling: as the module */

static void *
into_sqlite(void *data)
{
    int            i;
    int64_t        n, ms;
    sqlite3       *db;
    bson_oid_t     oid;
    sqlite3_stmt  *stmt;

    if (sqlite3_open_v2(uri + strlen("sqlite:"), &db,
                        SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX, NULL)
        || sqlite3_busy_timeout(db, 10000)
        || sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
                        NULL, NULL, NULL)
        || sqlite3_prepare_v2(db,
                              "INSERT INTO transcripts (id, user_id,"
                              " session_id, role, text, timestamp, created_at,"
                              " seq, source) VALUES"
                              " (?1, 'u-1', 's-1', 'user', ?2, ?3, ?3, ?4,"
                              " 'client')", -1, &stmt, NULL))
    {
        fail(sqlite3_errmsg(db));
    }

    while (now() < end) {
        pthread_mutex_lock(&writer);
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

        ms = now_us() / 1000;

        for (i = 0; i < batch; i++) {
            bson_oid_init(&oid, NULL);
            n = atomic_fetch_add(&seq, 1);

            sqlite3_bind_blob(stmt, 1, oid.bytes, 12, SQLITE_STATIC);
            sqlite3_bind_text(stmt, 2, TEXT, -1, SQLITE_STATIC);
            sqlite3_bind_int64(stmt, 3, ms);
            sqlite3_bind_int64(stmt, 4, n);

            if (sqlite3_step(stmt) != SQLITE_DONE) {
                fail(sqlite3_errmsg(db));
            }

            sqlite3_reset(stmt);
        }

        if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
            fail(sqlite3_errmsg(db));
        }

        pthread_mutex_unlock(&writer);
        atomic_fetch_add(&written, batch);
    }

    sqlite3_finalize(stmt);
    sqlite3_close(db);

    return NULL;
}


int
main(int argc, char **argv)
{
    int            i, n, mongodb;
    double         start;
    pthread_t      threads[64];
    mongoc_uri_t  *parsed = NULL;

    if (argc != 5 || atoi(argv[3]) < 1 || atoi(argv[3]) > 64) {
        fail("raw URI SECONDS THREADS BATCH");
    }

    uri = argv[1];
    n = atoi(argv[3]);
    batch = atoi(argv[4]);
    mongodb = strncmp(uri, "mongodb://", 10) == 0;
    seq = now_us();

    if (mongodb) {
        mongoc_init();
        parsed = mongoc_uri_new(uri);
        pool = mongoc_client_pool_new(parsed);
        mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2);
        database = mongoc_uri_get_database(parsed);
    }

    start = now();
    end = start + atof(argv[2]);

    for (i = 0; i < n; i++) {
        pthread_create(&threads[i], NULL,
                       mongodb ? into_mongodb : into_sqlite, NULL);
    }

    for (i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }

    printf("%ld %.6f\n", written, now() - start);

    if (mongodb) {
        mongoc_client_pool_destroy(pool);
        mongoc_uri_destroy(parsed);
        mongoc_cleanup();
    }

    return 0;
}
