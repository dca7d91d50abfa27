
/*
 * The offer location: what its files share.
 *
 * The configuration is made at start and read-only in a worker.  A context
 * lives in its request's pool.  Event loop only.
 */

#ifndef _NGX_HTTP_REALTIME_OFFER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_OFFER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "ngx_http_realtime.h"
#include "ngx_http_realtime_auth.h"
#include "ngx_http_realtime_upstream.h"


/* a model, and what of the request to the API depends on it */

typedef struct {
    ngx_str_t                       name;
    ngx_str_t                       query;      /* api=sdp: "?model=NAME" */
    ngx_str_t                       session;    /* else: JSON */
} ngx_http_realtime_model_t;


/* what a client may ask for: a model's own name or an alias */

typedef struct {
    ngx_str_t                       name;
    ngx_http_realtime_model_t      *model;
} ngx_http_realtime_model_name_t;


typedef struct {
    ngx_array_t                     upstreams;  /* of ..._upstream_t *, to be
                                                   refreshed in a worker */
} ngx_http_realtime_offer_main_conf_t;


typedef struct {
    ngx_array_t                    *models;     /* of ngx_str_t: those of the
                                                   server's first offer
                                                   location, or NULL */
} ngx_http_realtime_offer_srv_conf_t;


typedef struct {
    /* as configured; its times and TLS settings are filled in by the merge */
    ngx_http_realtime_upstream_t    upstream;

    ngx_array_t                    *models;     /* of ngx_str_t, or NULL */
    ngx_array_t                    *aliases;    /* of ngx_keyval_t, or NULL */
    json_t                         *session;    /* an object, or NULL */

    ngx_msec_t                      connect_timeout;
    ngx_msec_t                      timeout;
    size_t                          max_size;
    ngx_uint_t                      gateway;    /* realtime_errors gateway */
    ngx_flag_t                      safety_identifier;
    ngx_flag_t                      ssl_verify;
    ngx_str_t                       ssl_trusted_certificate;

    /* made of it where the location is an offer's */
    ngx_http_upstream_conf_t        http;
    ngx_http_complex_value_t        ssl_name;

    ngx_array_t                    *names;      /* of ..._model_name_t; the
                                                   first is the default */
    ngx_str_t                       allowed;    /* a detail: which models */

    ngx_str_t                       schema;     /* for logs: "https://" */
    ngx_str_t                       uri;
    ngx_str_t                       line;       /* "POST /v1/realtime/calls" */
    ngx_str_t                       headers;    /* " HTTP/1.1" CRLF and on to
                                                   the value of the type */
    EVP_MAC_CTX                    *mac;        /* keyed with the API key */
} ngx_http_realtime_offer_loc_conf_t;


typedef struct {
    ngx_http_request_t             *request;
    ngx_http_realtime_offer_loc_conf_t  *conf;

    ngx_http_realtime_model_t      *model;
    ngx_str_t                       offer;      /* the client's bytes */
    ngx_str_t                       dcid;       /* digits, or empty */
    ngx_str_t                       safety;     /* hex, or empty */

    ngx_event_t                     deadline;   /* of the whole exchange */

    /* the answer while it comes in, in u->buffer */
    ngx_http_status_t               status;
    ngx_http_chunked_t              chunked;
    u_char                         *body;       /* decoded, up to body_last */
    u_char                         *body_last;
    off_t                           length;     /* -1: not told */
    ssize_t                       (*recv)(ngx_connection_t *c, u_char *buf,
                                          size_t size);

    ngx_str_t                       call_id;    /* empty: none was named */
    ngx_str_t                       request_id;
    ngx_str_t                       retry_after;

    unsigned                        is_chunked:1;
    unsigned                        ended:1;    /* by the end of the
                                                   connection */
    unsigned                        gone:1;     /* the client */
    unsigned                        accepted:1; /* an answer to be sent */
    unsigned                        failed:1;   /* an error was recorded */
} ngx_http_realtime_offer_ctx_t;


/* for the directives and the merge */
char *ngx_http_realtime_offer_models_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_offer_alias_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_offer_session_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

void *ngx_http_realtime_offer_create_main_conf(ngx_conf_t *cf);
void *ngx_http_realtime_offer_create_srv_conf(ngx_conf_t *cf);
void *ngx_http_realtime_offer_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_realtime_offer_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
ngx_int_t ngx_http_realtime_offer_init_process(ngx_cycle_t *cycle);

/*
 * The names a client may ask for, each model with its session; errors are
 * logged.
 */
ngx_int_t ngx_http_realtime_offer_init_models(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf);

/* The model a client asked for; name NULL: the first.  NULL: not allowed. */
ngx_http_realtime_model_t *ngx_http_realtime_offer_model(
    ngx_http_realtime_offer_loc_conf_t *conf, ngx_str_t *name);

/* The parts of a request to the API that are the same every time. */
ngx_int_t ngx_http_realtime_offer_init_request(ngx_conf_t *cf,
    ngx_http_realtime_offer_loc_conf_t *conf);


/*
 * The models of the server's first offer location, of ngx_str_t, the default
 * first; NULL where it has none.
 */
ngx_array_t *ngx_http_realtime_offer_server_models(ngx_http_request_t *r);


ngx_int_t ngx_http_realtime_offer_handler(ngx_http_request_t *r);

/*
 * Sends the offer in ctx upstream.  NGX_OK: the core finalizes the request;
 * else the status to finalize it with.
 */
ngx_int_t ngx_http_realtime_offer_connect(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx);

/*
 * For process_header(): judge a whole answer, refuse one for a reason (NULL:
 * its text tells it).  Both return what process_header() has to.
 */
ngx_int_t ngx_http_realtime_offer_judge(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx);
ngx_int_t ngx_http_realtime_offer_refuse(ngx_http_request_t *r,
    ngx_http_realtime_offer_ctx_t *ctx, char *why);

/* for ngx_http_upstream_t */
ngx_int_t ngx_http_realtime_offer_create_request(ngx_http_request_t *r);
ngx_int_t ngx_http_realtime_offer_reinit_request(ngx_http_request_t *r);
ngx_int_t ngx_http_realtime_offer_process_status(ngx_http_request_t *r);
ngx_int_t ngx_http_realtime_offer_filter_init(void *data);
ngx_int_t ngx_http_realtime_offer_filter(void *data, ssize_t bytes);
void ngx_http_realtime_offer_abort_request(ngx_http_request_t *r);
void ngx_http_realtime_offer_finalize_request(ngx_http_request_t *r,
    ngx_int_t rc);

/*
 * Records the identifier of a user for the API in ctx->safety: HMAC-SHA-256
 * with the API key, as hex.  Made once, then taken from the user's memo.
 */
ngx_int_t ngx_http_realtime_offer_safety(ngx_http_realtime_offer_ctx_t *ctx,
    ngx_http_realtime_user_t *user);


extern ngx_command_t  ngx_http_realtime_offer_commands[];
extern ngx_module_t   ngx_http_realtime_offer_module;


#endif /* _NGX_HTTP_REALTIME_OFFER_H_INCLUDED_ */
