
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt_key.h"
#include "rt_keys.h"


struct rt_keys_s {
    rt_key_t  *keys;
    size_t     n;
};


static int rt_keys_append(rt_keys_t *keys, rt_key_t *key, rt_str_t kid,
    rt_keys_error_t *err);


rt_keys_t *
rt_keys_create(void)
{
    return calloc(1, sizeof(rt_keys_t));
}


void
rt_keys_free(rt_keys_t *keys)
{
    size_t  i;

    if (keys == NULL) {
        return;
    }

    for (i = 0; i < keys->n; i++) {
        rt_key_free(&keys->keys[i]);
    }

    free(keys->keys);
    free(keys);
}


size_t
rt_keys_count(const rt_keys_t *keys)
{
    return keys->n;
}


int
rt_keys_add(rt_keys_t *keys, rt_str_t file, rt_alg_e alg, rt_str_t kid,
    rt_keys_error_t *err)
{
    rt_key_t  key;

    if (file.len && file.data[file.len - 1] == '\n') {
        file.len--;

        if (file.len && file.data[file.len - 1] == '\r') {
            file.len--;
        }
    }

    if (file.len == 0) {
        snprintf(err->text, sizeof(err->text), "it is empty");
        return -1;
    }

    if (alg == RT_ALG_NONE) {
        snprintf(err->text, sizeof(err->text),
                 "a secret needs alg=HS256, HS384 or HS512");
        return -1;
    }

    if (rt_key_secret(&key, alg, file, err) != 0) {
        return -1;
    }

    return rt_keys_append(keys, &key, kid, err);
}


static int
rt_keys_append(rt_keys_t *keys, rt_key_t *key, rt_str_t kid,
    rt_keys_error_t *err)
{
    rt_key_t  *list;

    if (kid.data != NULL) {
        key->kid = malloc(kid.len + 1);
        if (key->kid == NULL) {
            goto failed;
        }

        memcpy(key->kid, kid.data, kid.len);
        key->kid_len = kid.len;
    }

    list = realloc(keys->keys, (keys->n + 1) * sizeof(rt_key_t));
    if (list == NULL) {
        goto failed;
    }

    list[keys->n++] = *key;
    keys->keys = list;

    return 0;

failed:

    rt_key_free(key);
    snprintf(err->text, sizeof(err->text), "memory is short");

    return -1;
}


rt_keys_rc_e
rt_keys_verify(const rt_keys_t *keys, rt_alg_e alg, rt_str_t kid,
    rt_str_t input, rt_str_t sig)
{
    size_t           i;
    const rt_key_t  *key;
    rt_keys_rc_e     rc, result;

    result = RT_KEYS_NONE;

    for (i = 0; i < keys->n; i++) {
        key = &keys->keys[i];

        if (key->alg != alg || alg == RT_ALG_NONE) {
            continue;
        }

        if (kid.data != NULL
            && key->kid != NULL
            && (key->kid_len != kid.len
                || memcmp(key->kid, kid.data, kid.len) != 0))
        {
            continue;
        }

        rc = rt_key_verify(key, input, sig);

        if (rc == RT_KEYS_OK) {
            return RT_KEYS_OK;
        }

        if (result != RT_KEYS_FAILED) {
            result = rc;
        }
    }

    return result;
}
