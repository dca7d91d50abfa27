
#include "ngx_http_realtime_auth_int.h"


static ngx_http_realtime_auth_status_e ngx_http_realtime_auth_signature(
    ngx_http_realtime_verifier_t *verifier, rt_jwt_t *jwt);
static ngx_http_realtime_auth_status_e ngx_http_realtime_auth_claims_status(
    rt_claims_rc_e rc);
static u_char *ngx_http_realtime_auth_copy(u_char *p, ngx_str_t *dst,
    rt_str_t src);


ngx_http_realtime_auth_status_e
ngx_http_realtime_auth_verify(ngx_http_realtime_verifier_t *verifier,
    rt_str_t token, ngx_http_realtime_identity_t **identity, ngx_log_t *log)
{
    rt_jwt_t                          jwt;
    rt_claims_t                       claims;
    ngx_http_realtime_identity_t     *id;
    ngx_http_realtime_auth_status_e   status;

    if (rt_jwt_parse(&jwt, token) != 0) {
        return NGX_HTTP_REALTIME_AUTH_BAD_FORMAT;
    }

    status = ngx_http_realtime_auth_signature(verifier, &jwt);

    if (status != NGX_HTTP_REALTIME_AUTH_OK) {
        return status;
    }

    status = ngx_http_realtime_auth_claims_status(
                 rt_claims_read(&claims, jwt.payload, &verifier->rules,
                                ngx_time()));

    if (status == NGX_HTTP_REALTIME_AUTH_OK) {

        id = ngx_http_realtime_identity_create(claims.user, claims.email,
                                               claims.roles, claims.nroles,
                                               log);
        if (id != NULL) {
            id->from = claims.from;
            id->until = claims.until;
            *identity = id;

        } else {
            status = NGX_HTTP_REALTIME_AUTH_FAILED;
        }
    }

    rt_claims_free(&claims);

    return status;
}


/* the keys of files first, then those of a server */

static ngx_http_realtime_auth_status_e
ngx_http_realtime_auth_signature(ngx_http_realtime_verifier_t *verifier,
    rt_jwt_t *jwt)
{
    rt_keys_t     *keys;
    rt_keys_rc_e   rc, files;

    files = RT_KEYS_NONE;

    if (verifier->keys != NULL) {
        files = rt_keys_verify(verifier->keys, jwt->alg, jwt->kid, jwt->input,
                               jwt->sig);
    }

    rc = files;

    if (verifier->jwks != NULL && rc != RT_KEYS_OK) {
        keys = ngx_http_realtime_jwks_keys(verifier->jwks);

        if (keys == NULL) {
            return NGX_HTTP_REALTIME_AUTH_UNAVAILABLE;
        }

        rc = rt_keys_verify(keys, jwt->alg, jwt->kid, jwt->input, jwt->sig);

        if (rc == RT_KEYS_NONE
            && files == RT_KEYS_NONE
            && jwt->kid.data != NULL
            && !rt_keys_has_kid(keys, jwt->kid)
            && ngx_http_realtime_jwks_missed(verifier->jwks))
        {
            return NGX_HTTP_REALTIME_AUTH_UNAVAILABLE;
        }

        if (rc == RT_KEYS_NONE) {
            rc = files;
        }
    }

    switch (rc) {

    case RT_KEYS_OK:
        return NGX_HTTP_REALTIME_AUTH_OK;

    case RT_KEYS_NONE:
        return NGX_HTTP_REALTIME_AUTH_NO_KEY;

    case RT_KEYS_BAD_SIGNATURE:
        return NGX_HTTP_REALTIME_AUTH_BAD_SIGNATURE;

    default: /* RT_KEYS_FAILED */
        return NGX_HTTP_REALTIME_AUTH_FAILED;
    }
}


void
ngx_http_realtime_identity_release(ngx_http_realtime_identity_t *identity)
{
    if (--identity->refs == 0) {
        ngx_free(identity);
    }
}


static ngx_http_realtime_auth_status_e
ngx_http_realtime_auth_claims_status(rt_claims_rc_e rc)
{
    switch (rc) {

    case RT_CLAIMS_OK:
        return NGX_HTTP_REALTIME_AUTH_OK;

    case RT_CLAIMS_BAD:
        return NGX_HTTP_REALTIME_AUTH_BAD_CLAIMS;

    case RT_CLAIMS_EXPIRED:
        return NGX_HTTP_REALTIME_AUTH_EXPIRED;

    case RT_CLAIMS_NOT_YET_VALID:
        return NGX_HTTP_REALTIME_AUTH_NOT_YET_VALID;

    default: /* RT_CLAIMS_FAILED */
        return NGX_HTTP_REALTIME_AUTH_FAILED;
    }
}


/* one block: the structure, the array, its strings, their bytes */

ngx_http_realtime_identity_t *
ngx_http_realtime_identity_create(rt_str_t user, rt_str_t email,
    rt_str_t *roles, size_t nroles, ngx_log_t *log)
{
    size_t                         size;
    u_char                        *p;
    ngx_str_t                     *role;
    ngx_uint_t                     i;
    ngx_array_t                   *array;
    ngx_http_realtime_identity_t  *id;

    size = sizeof(ngx_http_realtime_identity_t) + sizeof(ngx_array_t)
           + nroles * sizeof(ngx_str_t)
           + user.len + email.len;

    for (i = 0; i < nroles; i++) {
        size += roles[i].len;
    }

    id = ngx_calloc(size, log);
    if (id == NULL) {
        return NULL;
    }

    array = (ngx_array_t *) (id + 1);
    role = (ngx_str_t *) (array + 1);

    array->elts = role;
    array->nelts = nroles;
    array->nalloc = nroles;
    array->size = sizeof(ngx_str_t);

    p = (u_char *) (role + nroles);

    for (i = 0; i < nroles; i++) {
        p = ngx_http_realtime_auth_copy(p, &role[i], roles[i]);
    }

    p = ngx_http_realtime_auth_copy(p, &id->user.id, user);
    (void) ngx_http_realtime_auth_copy(p, &id->user.email, email);

    id->user.roles = array;
    id->user.memo = &id->memo;
    id->refs = 1;

    return id;
}


static u_char *
ngx_http_realtime_auth_copy(u_char *p, ngx_str_t *dst, rt_str_t src)
{
    dst->data = p;
    dst->len = src.len;

    return ngx_cpymem(p, src.data, src.len);
}
