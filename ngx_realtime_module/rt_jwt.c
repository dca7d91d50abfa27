
#include <string.h>

#include <jansson.h>

#include "rt_base64url.h"
#include "rt_jwt.h"


static int rt_jwt_part(rt_str_t *part, const char **pos, const char *last,
    char **buf);
static int rt_jwt_header(rt_jwt_t *jwt, rt_str_t text);


int
rt_jwt_parse(rt_jwt_t *jwt, rt_str_t token)
{
    char        *buf;
    rt_str_t     header;
    const char  *p, *last, *dot;

    if (token.len > RT_JWT_MAX) {
        return -1;
    }

    buf = jwt->buf;
    p = token.data;
    last = token.data + token.len;

    dot = memchr(p, '.', last - p);
    if (dot == NULL || rt_jwt_part(&header, &p, dot, &buf) != 0) {
        return -1;
    }

    dot = memchr(p, '.', last - p);
    if (dot == NULL || rt_jwt_part(&jwt->payload, &p, dot, &buf) != 0) {
        return -1;
    }

    jwt->input.data = token.data;
    jwt->input.len = dot - token.data;

    /* a third dot is no character of base64url */

    if (rt_jwt_part(&jwt->sig, &p, last, &buf) != 0) {
        return -1;
    }

    return rt_jwt_header(jwt, header);
}


/* what is between *pos and last, behind which *pos is left */

static int
rt_jwt_part(rt_str_t *part, const char **pos, const char *last, char **buf)
{
    long  n;

    n = rt_base64url_decode((unsigned char *) *buf, *pos, last - *pos);
    if (n < 0) {
        return -1;
    }

    part->data = *buf;
    part->len = n;

    *buf += n;
    *pos = last + 1;

    return 0;
}


static int
rt_jwt_header(rt_jwt_t *jwt, rt_str_t text)
{
    int       rc;
    json_t   *header, *alg, *kid, *b64;
    rt_str_t  name;

    rc = -1;

    header = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(header)) {
        goto done;
    }

    alg = json_object_get(header, "alg");
    if (!json_is_string(alg)) {
        goto done;
    }

    name.data = json_string_value(alg);
    name.len = json_string_length(alg);
    jwt->alg = rt_alg(name);

    b64 = json_object_get(header, "b64");

    if (json_object_get(header, "crit") != NULL
        || json_object_get(header, "enc") != NULL
        || (b64 != NULL && !json_is_true(b64)))
    {
        goto done;
    }

    jwt->kid.data = NULL;
    jwt->kid.len = 0;

    kid = json_object_get(header, "kid");

    if (kid != NULL) {

        if (!json_is_string(kid)
            || json_string_length(kid) > RT_JWT_KID_MAX)
        {
            goto done;
        }

        jwt->kid.len = json_string_length(kid);
        jwt->kid.data = memcpy(jwt->kid_buf, json_string_value(kid),
                               jwt->kid.len);
    }

    rc = 0;

done:

    json_decref(header);

    return rc;
}
