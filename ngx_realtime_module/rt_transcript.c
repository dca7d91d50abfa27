
#include "rt_transcript.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>


static int rt_transcript_object_id(rt_id_t *id, int64_t sec);
static int rt_transcript_hash_add(EVP_MD_CTX *md, rt_str_t s);


void
rt_transcript_batch_free(rt_transcript_batch_t *batch)
{
    unsigned  i;

    for (i = 0; i < batch->n; i++) {
        free((void *) batch->items[i].metadata.data);
    }

    free(batch->items);
    free(batch->user_id);
    json_decref(batch->json);

    memset(batch, 0, sizeof(rt_transcript_batch_t));
}


void
rt_transcript_reply(rt_buf_t *b, const rt_transcript_batch_t *batch,
    int queued)
{
    unsigned  i;

    rt_buf_str(b, batch->array ? "{\"ids\":[" : "{\"id\":");

    for (i = 0; i < batch->n; i++) {
        rt_buf_str(b, i ? ",\"" : "\"");
        rt_buf_hex(b, batch->items[i].id.bytes, RT_ID_LEN);
        rt_buf_str(b, "\"");
    }

    rt_buf_str(b, batch->array ? "]" : "");
    rt_buf_str(b, queued ? ",\"queued\":true}" : "}");
}


int64_t
rt_transcript_seq(int64_t now, unsigned n)
{
    int64_t  last, first;

    static _Atomic int64_t  next;

    last = atomic_load(&next);

    do {
        first = now > last ? now : last;
    } while (!atomic_compare_exchange_weak(&next, &last, first + n));

    return first;
}


int
rt_transcript_id(rt_id_t *id, const rt_transcript_t *t, int64_t now)
{
    int             ok;
    rt_str_t        role;
    EVP_MD_CTX     *md;
    unsigned char   digest[EVP_MAX_MD_SIZE];

    if (t->item_id.data == NULL) {
        return rt_transcript_object_id(id, now / 1000000);
    }

    role.data = rt_role_name(t->role);
    role.len = strlen(role.data);

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return -1;
    }

    ok = EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
         && rt_transcript_hash_add(md, t->user_id) == 0
         && rt_transcript_hash_add(md, t->session_id.data ? t->session_id
                                                          : t->call_id) == 0
         && rt_transcript_hash_add(md, t->item_id) == 0
         && rt_transcript_hash_add(md, role) == 0
         && EVP_DigestFinal_ex(md, digest, NULL) == 1;

    EVP_MD_CTX_free(md);

    if (!ok) {
        return -1;
    }

    memcpy(id->bytes, digest, RT_ID_LEN);

    return 0;
}


/*
 * Seconds, then a number that counts up from a random one: neighbours in time
 * are neighbours in the index of ids, and one batch writes few of its pages.
 */

static int
rt_transcript_object_id(rt_id_t *id, int64_t sec)
{
    int       i;
    uint64_t  n, first;

    static _Atomic uint64_t  next;

    n = atomic_load(&next);

    while (n == 0) {
        if (getrandom(&first, sizeof(first), 0) != sizeof(first)) {
            return -1;
        }

        if (atomic_compare_exchange_strong(&next, &n, first)) {
            n = first;
        }
    }

    n = atomic_fetch_add(&next, 1);

    for (i = 3; i >= 0; i--, sec >>= 8) {
        id->bytes[i] = (unsigned char) sec;
    }

    for (i = RT_ID_LEN - 1; i > 3; i--, n >>= 8) {
        id->bytes[i] = (unsigned char) n;
    }

    return 0;
}


static int
rt_transcript_hash_add(EVP_MD_CTX *md, rt_str_t s)
{
    unsigned char  len[4];

    len[0] = (unsigned char) (s.len >> 24);
    len[1] = (unsigned char) (s.len >> 16);
    len[2] = (unsigned char) (s.len >> 8);
    len[3] = (unsigned char) s.len;

    if (EVP_DigestUpdate(md, len, sizeof(len)) != 1) {
        return -1;
    }

    if (s.len && EVP_DigestUpdate(md, s.data, s.len) != 1) {
        return -1;
    }

    return 0;
}


int
rt_id_parse(rt_id_t *id, rt_str_t text)
{
    return rt_unhex(id->bytes, RT_ID_LEN, text);
}


const char *
rt_role_name(rt_role_e role)
{
    return role == RT_ROLE_ASSISTANT ? "assistant" : "user";
}


const char *
rt_source_name(rt_source_e source)
{
    return source == RT_SOURCE_OBSERVED ? "observed" : "client";
}
