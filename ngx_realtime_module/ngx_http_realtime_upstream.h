
/*
 * The realtime API that an offer location talks to: where it is, which key
 * opens it, how TLS is checked.
 *
 * Made at configuration time in the configuration's pool and read-only in a
 * worker; it lives as long as the cycle, so requests without a client may
 * point to it.  Event loop only.  The key is in memory here and nowhere else:
 * it must not reach a log.
 */

#ifndef _NGX_HTTP_REALTIME_UPSTREAM_H_INCLUDED_
#define _NGX_HTTP_REALTIME_UPSTREAM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


enum {
    NGX_HTTP_REALTIME_API_CALLS = 0,    /* multipart, names a call */
    NGX_HTTP_REALTIME_API_SDP           /* raw SDP, names nothing */
};


/*
 * Every string that is said to be NUL-terminated has its NUL behind the len
 * bytes, for libraries that want C strings.
 */

typedef struct {
    ngx_uint_t                     api;     /* NGX_HTTP_REALTIME_API_... */

    ngx_str_t                      url;     /* as configured, NUL-terminated */
    ngx_str_t                      scheme;  /* "http" or "https" */
    ngx_str_t                      host;    /* of the Host header, with a port
                                               that is not the scheme's; NUL-
                                               terminated */
    ngx_str_t                      name;    /* TLS name: host, no port; NUL-
                                               terminated */
    in_port_t                      port;
    ngx_str_t                      path;    /* "" or "/v1": no final slash;
                                               NUL-terminated */

    ngx_str_t                      key;         /* the key itself */
    ngx_str_t                      key_header;  /* the whole header line,
                                                   "Authorization: Bearer ..."
                                                   without CRLF, NUL-
                                                   terminated */

    ngx_msec_t                     connect_timeout;
    ngx_msec_t                     timeout;     /* of one exchange in all */

    ngx_flag_t                     ssl_verify;
    ngx_str_t                      ssl_trusted_certificate;
                                            /* a file's full name, NUL-
                                               terminated; empty: the
                                               system's store */
    ngx_str_t                      ca;      /* what is in that file */

    ngx_http_upstream_srv_conf_t  *servers; /* the peers */
} ngx_http_realtime_upstream_t;


/*
 * For the set functions of an offer location's directives: parse the URL with
 * its parameters, read the key's file.  The result is in u; errors are logged
 * with the place in the configuration.
 */
char *ngx_http_realtime_upstream_set_url(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_str_t *url);
char *ngx_http_realtime_upstream_set_key(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_str_t *file, ngx_str_t *header);

/*
 * Part of ngx_http_realtime_upstream_init(): read u->ca from its file.
 */
ngx_int_t ngx_http_realtime_upstream_set_ca(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u);

/*
 * For the merge function, when all of *u is there: find or resolve its
 * servers, and make the TLS context where the scheme asks for one (else *ssl
 * is NULL).
 */
char *ngx_http_realtime_upstream_init(ngx_conf_t *cf,
    ngx_http_realtime_upstream_t *u, ngx_ssl_t **ssl);


/*
 * Where to connect to now, for a transfer that does not go through nginx's
 * upstream module: "192.0.2.1:443", "[2001:db8::1]:443" or "unix:/path",
 * another one at each call where there are several.  *addr is valid until
 * the event loop is entered again.  NGX_DECLINED: there is none.
 */
ngx_int_t ngx_http_realtime_upstream_addr(ngx_http_realtime_upstream_t *u,
    ngx_str_t *addr);


#endif /* _NGX_HTTP_REALTIME_UPSTREAM_H_INCLUDED_ */
