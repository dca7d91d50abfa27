
#define _GNU_SOURCE

#include "rt_mongo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


#define RT_MONGO_APPNAME        "ngx_realtime_module"

/* ms: the driver's own least, and what it does if not told */

#define RT_MONGO_HEARTBEAT_MIN  500
#define RT_MONGO_HEARTBEAT_MAX  10000

/* the server gives up first, so that its answer is still waited for */

#define rt_mongo_server_time(socket)  ((socket) * 3 / 4)


struct rt_mongo_s {
    mongoc_uri_t          *uri;
    mongoc_client_pool_t  *pool;            /* made by the first thread */
    pthread_mutex_t        lock;            /* of the making */
    char                  *collection;
    atomic_int             replicas;        /* the servers are a named set */
    unsigned               timeout;         /* of a call, ms */
    int32_t                socket;          /* of an answer, ms */
    rt_store_log_pt        log;
    void                  *log_data;
};


static mongoc_uri_t *rt_mongo_uri(const rt_store_conf_t *conf,
    rt_store_error_t *err);
static int rt_mongo_secret(const char *uri, const char *text);
static void rt_mongo_complaint(mongoc_log_level_t level, const char *domain,
    const char *message, void *data);
static void rt_mongo_limit(mongoc_uri_t *uri, const char *option,
    int32_t value);
static rt_store_rc_e rt_mongo_pool(rt_mongo_t *m, rt_store_error_t *err);
static void rt_mongo_log(mongoc_log_level_t level, const char *domain,
    const char *message, void *data);
static void rt_mongo_init(void);
static void rt_mongo_exit(void);


int
rt_mongo_check(const rt_store_conf_t *conf, rt_store_error_t *err)
{
    mongoc_uri_t  *uri;

    uri = rt_mongo_uri(conf, err);
    if (uri == NULL) {
        return -1;
    }

    mongoc_uri_destroy(uri);

    return 0;
}


static mongoc_uri_t *
rt_mongo_uri(const rt_store_conf_t *conf, rt_store_error_t *err)
{
    int32_t                       w, third, sixth, tenth, socket;
    bson_error_t                  error;
    mongoc_uri_t                 *uri;
    rt_store_error_t              complaint;
    mongoc_write_concern_t       *wc;
    const mongoc_write_concern_t *old;

    /* an option it does not know, libmongoc only mentions in its log */

    complaint.text[0] = '\0';
    mongoc_log_set_handler(rt_mongo_complaint, &complaint);

    memset(&error, 0, sizeof(bson_error_t));
    uri = mongoc_uri_new_with_error(conf->uri, &error);

    mongoc_log_set_handler(NULL, NULL);

    if (uri == NULL || complaint.text[0] != '\0') {
        if (uri == NULL) {
            rt_store_fail(&complaint, RT_STORE_REFUSED, "%s", error.message);
        }

        rt_store_fail(err, RT_STORE_REFUSED, "%s",
                      rt_mongo_secret(conf->uri, complaint.text)
                      ? "the URI has a mistake at its user or password"
                      : complaint.text);
        goto failed;
    }

    if (mongoc_uri_get_database(uri) == NULL) {
        rt_store_fail(err, RT_STORE_REFUSED,
                      "the URI names no database: mongodb://host/database");
        goto failed;
    }

    old = mongoc_uri_get_write_concern(uri);
    w = mongoc_write_concern_get_w(old);

    if (!mongoc_write_concern_is_acknowledged(old)) {
        rt_store_fail(err, RT_STORE_REFUSED,
                      "a write concern of w=0 acknowledges nothing");
        goto failed;
    }

    /*
     * The worst that one call meets: a server is selected, does not answer,
     * another one is selected and asked again.
     */

    third = conf->timeout_ms / 3;
    sixth = conf->timeout_ms / 6;

    wc = mongoc_write_concern_copy(old);

    if (w == MONGOC_WRITE_CONCERN_W_DEFAULT) {
        mongoc_write_concern_set_w(wc, MONGOC_WRITE_CONCERN_W_MAJORITY);
    }

    rt_mongo_limit(uri, MONGOC_URI_SOCKETTIMEOUTMS, third);
    socket = mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS,
                                            third);

    if (mongoc_write_concern_get_wtimeout(wc) == 0) {
        mongoc_write_concern_set_wtimeout(wc, rt_mongo_server_time(socket));
    }

    mongoc_uri_set_write_concern(uri, wc);
    mongoc_write_concern_destroy(wc);

    rt_mongo_limit(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, sixth);
    rt_mongo_limit(uri, MONGOC_URI_CONNECTTIMEOUTMS, sixth);
    rt_mongo_limit(uri, MONGOC_URI_WAITQUEUETIMEOUTMS, sixth);

    /* a silent primary must be known before the write goes there again */

    tenth = conf->timeout_ms / 10;

    if (tenth < RT_MONGO_HEARTBEAT_MIN) {
        tenth = RT_MONGO_HEARTBEAT_MIN;

    } else if (tenth > RT_MONGO_HEARTBEAT_MAX) {
        tenth = RT_MONGO_HEARTBEAT_MAX;
    }

    rt_mongo_limit(uri, MONGOC_URI_HEARTBEATFREQUENCYMS, tenth);

    mongoc_uri_set_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE,
                                   conf->threads ? conf->threads : 1);

    if (mongoc_uri_get_appname(uri) == NULL) {
        mongoc_uri_set_appname(uri, RT_MONGO_APPNAME);
    }

    return uri;

failed:

    if (uri != NULL) {
        mongoc_uri_destroy(uri);
    }

    return NULL;
}


/* whether text quotes a part of what the URI has before its host */

static int
rt_mongo_secret(const char *uri, const char *text)
{
    char        *copy, *p, *at, *save;
    int          found;

    p = strstr(uri, "://");
    at = p ? strrchr(uri, '@') : NULL;

    if (at == NULL) {
        return 0;
    }

    copy = strndup(p + 3, at - p - 3);
    if (copy == NULL) {
        return 1;
    }

    found = 0;

    for (p = strtok_r(copy, ":/@%", &save); p;
         p = strtok_r(NULL, ":/@%", &save))
    {
        found |= strstr(text, p) != NULL;
    }

    free(copy);

    return found;
}


static void
rt_mongo_complaint(mongoc_log_level_t level, const char *domain,
    const char *message, void *data)
{
    (void) domain;

    if (level <= MONGOC_LOG_LEVEL_WARNING) {
        rt_store_fail(data, RT_STORE_REFUSED, "%s", message);
    }
}


static void
rt_mongo_limit(mongoc_uri_t *uri, const char *option, int32_t value)
{
    int32_t  given;

    given = mongoc_uri_get_option_as_int32(uri, option, value);

    if (given <= 0 || given > value) {
        given = value;
    }

    mongoc_uri_set_option_as_int32(uri, option, given);
}


rt_mongo_t *
rt_mongo_create(const rt_store_conf_t *conf, rt_store_error_t *err)
{
    rt_mongo_t            *m;
    static pthread_once_t  once = PTHREAD_ONCE_INIT;

    m = calloc(1, sizeof(rt_mongo_t));
    if (m == NULL) {
        rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        return NULL;
    }

    pthread_once(&once, rt_mongo_init);

    m->uri = rt_mongo_uri(conf, err);
    m->collection = strdup(conf->collection);

    if (m->uri == NULL || m->collection == NULL) {
        if (m->uri != NULL) {
            mongoc_uri_destroy(m->uri);
            rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        }

        free(m->collection);
        free(m);
        return NULL;
    }

    m->timeout = conf->timeout_ms;
    m->socket = mongoc_uri_get_option_as_int32(m->uri,
                                               MONGOC_URI_SOCKETTIMEOUTMS, 0);
    m->log = conf->log;
    m->log_data = conf->log_data;

    pthread_mutex_init(&m->lock, NULL);
    mongoc_log_set_handler(rt_mongo_log, m);

    return m;
}


void
rt_mongo_destroy(rt_mongo_t *m)
{
    if (m->pool != NULL) {
        mongoc_client_pool_destroy(m->pool);
    }

    mongoc_log_set_handler(NULL, NULL);

    mongoc_uri_destroy(m->uri);
    pthread_mutex_destroy(&m->lock);
    free(m->collection);
    free(m);
}


rt_store_rc_e
rt_mongo_begin(rt_mongo_t *m, const char *collection, rt_mongo_op_t *op,
    rt_store_error_t *err)
{
    rt_store_rc_e  rc;

    op->mongo = m;
    op->start = rt_store_clock();

    rc = rt_mongo_pool(m, err);
    if (rc != RT_STORE_OK) {
        return rc;
    }

    op->client = mongoc_client_pool_pop(m->pool);
    if (op->client == NULL) {
        return rt_store_fail(err, RT_STORE_UNAVAILABLE,
                             "all connections are in use");
    }

    /* not the URI of the configuration: the DNS may have named the set */

    atomic_store(&m->replicas,
                 mongoc_uri_get_replica_set(mongoc_client_get_uri(op->client))
                 != NULL);

    op->collection = mongoc_client_get_collection(op->client,
                         mongoc_uri_get_database(m->uri),
                         collection ? collection : m->collection);

    return RT_STORE_OK;
}


void
rt_mongo_end(rt_mongo_op_t *op)
{
    mongoc_collection_destroy(op->collection);
    mongoc_client_pool_push(op->mongo->pool, op->client);
}


/*
 * The pool is made here, in a thread: for mongodb+srv:// this asks the DNS.
 * The threads that watch the servers inherit that all signals are blocked.
 */

static rt_store_rc_e
rt_mongo_pool(rt_mongo_t *m, rt_store_error_t *err)
{
    int64_t          end;
    bson_error_t     error;
    rt_store_rc_e    rc;
    struct timespec  ts;

    end = rt_store_clock() + m->timeout;
    ts.tv_sec = end / 1000;
    ts.tv_nsec = end % 1000 * 1000000;

    if (pthread_mutex_clocklock(&m->lock, CLOCK_MONOTONIC, &ts) != 0) {
        return rt_store_fail(err, RT_STORE_UNAVAILABLE,
                             "the servers of the URI are not known yet");
    }

    rc = RT_STORE_OK;

    if (m->pool == NULL) {
        m->pool = mongoc_client_pool_new_with_error(m->uri, &error);

        if (m->pool != NULL) {
            mongoc_client_pool_set_error_api(m->pool,
                                             MONGOC_ERROR_API_VERSION_2);
        } else {
            rc = rt_store_fail(err, RT_STORE_UNAVAILABLE, "%s", error.message);
        }
    }

    pthread_mutex_unlock(&m->lock);

    return rc;
}


int
rt_mongo_elects(rt_mongo_t *m, int64_t start)
{
    static const struct timespec  pause = { 0, 50000000 };

    if (!atomic_load(&m->replicas)
        || rt_store_clock() - start > m->timeout / 2)
    {
        return 0;
    }

    nanosleep(&pause, NULL);

    return 1;
}


int64_t
rt_mongo_time(const rt_mongo_op_t *op)
{
    return rt_mongo_server_time(op->mongo->socket);
}


rt_store_rc_e
rt_mongo_fail(const rt_mongo_op_t *op, const bson_error_t *error,
    rt_store_error_t *err)
{
    rt_store_rc_e  rc;

    switch (error->domain) {

    case MONGOC_ERROR_SERVER:
    case MONGOC_ERROR_WRITE_CONCERN:
        rc = rt_mongo_code(error->code);

        /* of one document; the others were not answered for */

        if (rc == RT_STORE_DUPLICATE) {
            rc = RT_STORE_UNAVAILABLE;
        }

        break;

    case MONGOC_ERROR_STREAM:
        rc = rt_store_clock() - op->start >= op->mongo->socket
             ? RT_STORE_TIMEOUT : RT_STORE_UNAVAILABLE;
        break;

    case MONGOC_ERROR_CLIENT:
        rc = error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE
             ? RT_STORE_REFUSED : RT_STORE_UNAVAILABLE;
        break;

    case MONGOC_ERROR_SASL:
    case MONGOC_ERROR_SCRAM:
    case MONGOC_ERROR_COMMAND:
        rc = RT_STORE_REFUSED;
        break;

    case MONGOC_ERROR_BSON:
        rc = RT_STORE_BROKEN;
        break;

    default:
        rc = RT_STORE_UNAVAILABLE;
    }

    return rt_store_fail(err, rc, "%s (%u.%u)", error->message, error->domain,
                         error->code);
}


rt_store_rc_e
rt_mongo_code(int32_t code)
{
    switch (code) {

    case 11000:                             /* DuplicateKey */
        return RT_STORE_DUPLICATE;

    case 50:                                /* MaxTimeMSExpired */
    case 64:                                /* WriteConcernTimeout */
    case 202:           /* NetworkInterfaceExceededTimeLimit */
    case 262:                               /* ExceededTimeLimit */
        return RT_STORE_TIMEOUT;

    case 6:                                 /* HostUnreachable */
    case 7:                                 /* HostNotFound */
    case 24:                                /* LockTimeout */
    case 43:                                /* CursorNotFound */
    case 89:                                /* NetworkTimeout */
    case 91:                                /* ShutdownInProgress */
    case 100:                               /* UnsatisfiableWriteConcern */
    case 112:                               /* WriteConflict */
    case 133:                               /* FailedToSatisfyReadPreference */
    case 175:                               /* QueryPlanKilled */
    case 189:                               /* PrimarySteppedDown */
    case 237:                               /* CursorKilled */
    case 355:                               /* InterruptedDueToStorageChange */
    case 365:                               /* TemporarilyUnavailable */
    case 371:           /* UserWritesBlocked: by somebody, or a full disk */
    case 402:                               /* ResourceExhausted */
    case 433:                               /* AdmissionQueueOverflow */
    case 462:           /* IngressRequestRateLimitExceeded */
    case 9001:                              /* SocketException */
    case 10058:                             /* LegacyNotPrimary */
    case 10107:                             /* NotWritablePrimary */
    case 11600:                             /* InterruptedAtShutdown */
    case 11601:                             /* Interrupted */
    case 11602:                 /* InterruptedDueToReplStateChange */
    case 13435:                             /* NotPrimaryNoSecondaryOk */
    case 13436:                             /* NotPrimaryOrSecondary */
    case 14031:                             /* OutOfDiskSpace */
        return RT_STORE_UNAVAILABLE;

    default:
        return RT_STORE_REFUSED;
    }
}


static void
rt_mongo_log(mongoc_log_level_t level, const char *domain,
    const char *message, void *data)
{
    rt_mongo_t  *m = data;

    (void) domain;

    if (m->log == NULL) {
        return;
    }

    switch (level) {

    case MONGOC_LOG_LEVEL_ERROR:
    case MONGOC_LOG_LEVEL_CRITICAL:
        m->log(m->log_data, RT_STORE_LOG_ERROR, message);
        break;

    case MONGOC_LOG_LEVEL_WARNING:
        m->log(m->log_data, RT_STORE_LOG_WARN, message);
        break;

    case MONGOC_LOG_LEVEL_MESSAGE:
    case MONGOC_LOG_LEVEL_INFO:
        m->log(m->log_data, RT_STORE_LOG_INFO, message);
        break;

    default:
        m->log(m->log_data, RT_STORE_LOG_DEBUG, message);
    }
}


static void
rt_mongo_init(void)
{
    mongoc_init();

    /* it keeps a file in /dev/shm for each process */

    (void) atexit(rt_mongo_exit);
}


static void
rt_mongo_exit(void)
{
    mongoc_cleanup();
}
