
#include "rt_transcript.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>


static int rt_transcript_random(unsigned char *p, size_t len);
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
    int64_t         sec;
    rt_str_t        role;
    EVP_MD_CTX     *md;
    unsigned char   digest[EVP_MAX_MD_SIZE];

    if (t->item_id.data == NULL) {
        sec = now / 1000000;

        id->bytes[0] = (unsigned char) (sec >> 24);
        id->bytes[1] = (unsigned char) (sec >> 16);
        id->bytes[2] = (unsigned char) (sec >> 8);
        id->bytes[3] = (unsigned char) sec;

        return rt_transcript_random(id->bytes + 4, RT_ID_LEN - 4);
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


static int
rt_transcript_random(unsigned char *p, size_t len)
{
    return getrandom(p, len, 0) == (ssize_t) len ? 0 : -1;
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
