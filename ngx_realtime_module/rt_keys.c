
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt_key.h"
#include "rt_keys.h"


struct rt_keys_s {
    rt_key_t  *keys;
    size_t     n;
};


static int rt_keys_is_for(const rt_key_t *key, rt_str_t kid);


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

    if (keys->n == RT_KEYS_MAX) {
        rt_key_free(key);
        snprintf(err->text, sizeof(err->text), "there are more than %d keys",
                 RT_KEYS_MAX);
        return -1;
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


int
rt_keys_has_kid(const rt_keys_t *keys, rt_str_t kid)
{
    size_t  i;

    for (i = 0; i < keys->n; i++) {
        if (keys->keys[i].kid != NULL && rt_keys_is_for(&keys->keys[i], kid)) {
            return 1;
        }
    }

    return 0;
}


rt_keys_rc_e
rt_keys_verify(const rt_keys_t *keys, rt_alg_e alg, rt_str_t kid,
    rt_str_t input, rt_str_t sig)
{
    size_t           i, tried;
    rt_keys_rc_e     rc;
    const rt_key_t  *key;

    tried = 0;

    for (i = 0; i < keys->n && tried < RT_KEYS_TRIED; i++) {
        key = &keys->keys[i];

        if (key->alg != alg
            || (kid.data != NULL && !rt_keys_is_for(key, kid)))
        {
            continue;
        }

        rc = rt_key_verify(key, input, sig);

        if (rc != RT_KEYS_BAD_SIGNATURE) {
            return rc;
        }

        tried++;
    }

    return tried ? RT_KEYS_BAD_SIGNATURE : RT_KEYS_NONE;
}


static int
rt_keys_is_for(const rt_key_t *key, rt_str_t kid)
{
    return key->kid == NULL
           || (key->kid_len == kid.len
               && memcmp(key->kid, kid.data, kid.len) == 0);
}
