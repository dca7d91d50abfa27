
/*
 * libcurl's multi handle in the event loop of a worker.
 *
 * One multi handle for a process, made after the fork by the first transfer.
 * Transfers (easy handles) stay their maker's.  Event loop only.
 */

#ifndef _NGX_REALTIME_CURL_MULTI_H_INCLUDED_
#define _NGX_REALTIME_CURL_MULTI_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <curl/curl.h>


/*
 * A transfer ended and is out of the multi handle.  Called from the event
 * loop, never from within libcurl: transfers may be added and removed.
 */
typedef void (*ngx_realtime_curl_done_pt)(CURL *easy, CURLcode result);


/*
 * NGX_ERROR: libcurl refused, logged.  The done function is the same for all
 * transfers.
 */
ngx_int_t ngx_realtime_curl_multi_add(CURL *easy,
    ngx_realtime_curl_done_pt done);

/* Take a transfer out; its done function is not called. */
void ngx_realtime_curl_multi_remove(CURL *easy);

/* For a worker that exits; all transfers have to be out. */
void ngx_realtime_curl_multi_close(void);


#endif /* _NGX_REALTIME_CURL_MULTI_H_INCLUDED_ */
