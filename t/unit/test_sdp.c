
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rt_sdp.h"


#define OFFER  "v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"


/* an exact copy on the heap, so that a read beyond it is found */

static char *
copy(const char *text, size_t len)
{
    char  *p;

    p = malloc(len ? len : 1);
    assert_non_null(p);
    memcpy(p, text, len);

    return p;
}


static rt_sdp_e
check(const char *text, size_t len)
{
    char      *p;
    rt_sdp_e   rc;

    p = copy(text, len);
    rc = rt_sdp_offer(p, len);
    free(p);

    return rc;
}


static void
test_offer(void **state)
{
    (void) state;

    assert_int_equal(check(OFFER, sizeof(OFFER) - 1), RT_SDP_OK);
    assert_int_equal(check("v=0\nm=audio 9", 13), RT_SDP_OK);
    assert_int_equal(check("v=0\ns=\xc3\xa9\t\xff\nm=audio 9", 20), RT_SDP_OK);

    assert_int_equal(check("", 0), RT_SDP_EMPTY);
    assert_int_equal(check("v", 1), RT_SDP_NO_VERSION);
    assert_int_equal(check("v=0", 3), RT_SDP_NO_VERSION);
    assert_int_equal(check("v=01\nm=audio 9", 14), RT_SDP_NO_VERSION);
    assert_int_equal(check(" " OFFER, sizeof(OFFER)), RT_SDP_NO_VERSION);
    assert_int_equal(check("{\"sdp\":1}", 9), RT_SDP_NO_VERSION);

    assert_int_equal(check("v=0\nm=audio 9\0", 14), RT_SDP_CONTROL);
    assert_int_equal(check("v=0\nm=audio 9\x7f", 14), RT_SDP_CONTROL);
    assert_int_equal(check("v=0\n\x0bm=audio 9", 14), RT_SDP_CONTROL);
    assert_int_equal(check("v=0\n\x1bm=audio 9", 14), RT_SDP_CONTROL);

    assert_int_equal(check("v=0\n", 4), RT_SDP_NO_AUDIO);
    assert_int_equal(check("v=0\nm=video 9 X", 15), RT_SDP_NO_AUDIO);
    assert_int_equal(check("v=0\na=m=audio 9", 15), RT_SDP_NO_AUDIO);
    assert_int_equal(check("v=0\nm=audio", 11), RT_SDP_NO_AUDIO);
}


/* every byte at every place of blocks and of what is behind the last one */

static void
test_control(void **state)
{
    char      *p;
    int        c;
    size_t     i, len;
    rt_sdp_e   expected;

    static char  text[] = OFFER "a=0123456789abcdefghijklmno";

    (void) state;

    len = sizeof(text) - 1;
    p = copy(text, len);

    for (i = sizeof(OFFER) - 1; i < len; i++) {
        for (c = 0; c < 256; c++) {

            p[i] = (char) c;
            expected = ((c < 0x20 && c != '\t' && c != '\n' && c != '\r')
                        || c == 0x7f)
                       ? RT_SDP_CONTROL : RT_SDP_OK;

            assert_int_equal(rt_sdp_offer(p, len), expected);
        }

        p[i] = text[i];
    }

    free(p);
}


static void
test_reason(void **state)
{
    (void) state;

    assert_string_equal(rt_sdp_reason(RT_SDP_NO_AUDIO),
                        "Invalid SDP offer: it has no m=audio line");
    assert_string_not_equal(rt_sdp_reason(RT_SDP_EMPTY),
                            rt_sdp_reason(RT_SDP_CONTROL));
}


static void
test_answer(void **state)
{
    (void) state;

    assert_true(rt_sdp_answer("v=0\r\n", 5));
    assert_true(rt_sdp_answer("v=0", 3));
    assert_false(rt_sdp_answer("v=", 2));
    assert_false(rt_sdp_answer("", 0));
    assert_false(rt_sdp_answer("V=0\r\n", 5));
    assert_false(rt_sdp_answer("{\"v=0\"}", 7));
}


static void
expect_id(const char *location, const char *id)
{
    char        *p;
    size_t       n;
    const char  *found;

    p = copy(location, strlen(location));
    n = rt_sdp_call_id(p, strlen(location), &found);

    assert_int_equal(n, strlen(id));

    if (n > 0) {
        assert_memory_equal(found, id, n);
    }

    free(p);
}


static void
test_call_id(void **state)
{
    char  buf[300];

    (void) state;

    expect_id("/v1/realtime/calls/rtc_u1_9c65", "rtc_u1_9c65");
    expect_id("https://api.openai.com/v1/realtime/calls/rtc_a?x=/rtc_b",
              "rtc_a");
    expect_id("/calls/calls/rtc_x/", "rtc_x");
    expect_id("/rtc_a/rtc_b/events", "rtc_b");
    expect_id("rtc_A-b_9", "rtc_A-b_9");
    expect_id("/rtc_a#rtc_b", "rtc_a");

    expect_id("", "");
    expect_id("/", "");
    expect_id("/v1/realtime/calls", "");
    expect_id("/rtc_", "");
    expect_id("/xrtc_a", "");
    expect_id("/v1/rtc_a%2f..", "");
    expect_id("/v1/rtc_a b", "");
    expect_id("?call_id=rtc_a", "");

    memset(buf, 'a', sizeof(buf));
    memcpy(buf, "rtc_", 4);

    buf[204] = '\0';
    expect_id(buf, buf);

    buf[204] = 'a';
    buf[205] = '\0';
    expect_id(buf, "");
}


static void
test_cut(void **state)
{
    (void) state;

    assert_int_equal(rt_sdp_cut("abc", 3, 1024), 3);
    assert_int_equal(rt_sdp_cut("abc \r\n", 6, 1024), 3);
    assert_int_equal(rt_sdp_cut("abcdef", 6, 4), 4);
    assert_int_equal(rt_sdp_cut("a\xc3\xa9z", 4, 2), 1);
    assert_int_equal(rt_sdp_cut("a\xe2\x82\xacz", 5, 3), 1);
    assert_int_equal(rt_sdp_cut("a\xe2\x82\xacz", 5, 4), 4);
    assert_int_equal(rt_sdp_cut("\x80\x80\x80", 3, 2), 0);
    assert_int_equal(rt_sdp_cut("", 0, 4), 0);
}


static void
expect_mask(const char *text, const char *key, const char *masked)
{
    char  *p;

    p = copy(text, strlen(text));
    rt_sdp_mask(p, strlen(text), key, strlen(key));

    assert_memory_equal(p, masked, strlen(masked));
    free(p);
}


static void
test_mask(void **state)
{
    (void) state;

    expect_mask("key: sk-proj-Ab_9.", "", "key: sk-*********.");
    expect_mask("ek_123 sk-ab***yz\"", "", "ek_*** sk-*******\"");
    expect_mask("a=Zq0 Zq0Zq0", "Zq0", "a=*** ******");
    expect_mask("sk-x", "sk-x", "****");

    expect_mask("task-force week_9", "", "task-force week_9");
    expect_mask("sk- ek_", "", "sk- ek_");
    expect_mask("sk-", "none", "sk-");
    expect_mask("", "none", "");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_offer),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_reason),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_call_id),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_mask)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
