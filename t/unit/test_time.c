#include "rt_time.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>


static int
parse(const char *text, int64_t *ms)
{
    rt_str_t  s;

    s.data = text;
    s.len = strlen(text);

    return rt_time_parse(ms, s);
}


static void
is(const char *text, int64_t want)
{
    int64_t  ms;

    if (parse(text, &ms) == -1) {
        fail_msg("%s was refused", text);
    }

    assert_int_equal(ms, want);
}


static void
test_parse(void **state)
{
    (void) state;

    is("1970-01-01T00:00:00Z", 0);
    is("1970-01-01t00:00:00z", 0);
    is("1970-01-01T00:00:00.5Z", 500);
    is("1970-01-01T00:00:00.1239999999999999Z", 123);
    is("1970-01-01T01:30:00+01:30", 0);
    is("1969-12-31T23:59:59-00:00", -1000);
    is("2026-11-24T00:02:30.123Z", 1795478550123);
    is("2024-02-29T23:59:60Z", 1709251199000);
    is("2000-02-29T00:00:00Z", 951782400000);
    is("0001-01-01T00:00:00Z", -62135596800000);
    is("0001-12-31T23:59:59.999+23:59", -62104147140001);
    is("9999-12-31T23:59:59.999Z", 253402300799999);
}


static void
test_refuse(void **state)
{
    size_t   i;
    int64_t  ms;

    static const char *const  wrong[] = {
        "", "2026", "2026-11-24", "2026-11-24T00:02:30",
        "2026-11-24 00:02:30Z", "2026-11-24T00:02Z", "2026-11-24T00:02:30.Z",
        "2026-11-24T00:02:30,5Z", "2026-11-24T00:02:30ZZ",
        "2026-11-24T00:02:30Z ", " 2026-11-24T00:02:30Z",
        "2026-11-24T00:02:30+0100", "2026-11-24T00:02:30+01",
        "2026-11-24T00:02:30+24:00", "2026-11-24T00:02:30+00:60",
        "2026-11-24T00:02:30+", "2026-11-24T00:02:30.5",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z", "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T00:60:00Z",
        "2026-11-24T00:00:61Z", "+026-11-24T00:02:30Z", "20261124T000230Z",
        "-001-11-24T00:02:30Z", "0001-01-01T00:00:00+00:01",
        "0000-12-31T23:59:59Z", "0000-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59-00:01", "1795478550", "now",
    };

    (void) state;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (parse(wrong[i], &ms) == 0) {
            fail_msg("%s was accepted", wrong[i]);
        }
    }
}


static void
test_format(void **state)
{
    size_t    i;
    int64_t   ms;
    rt_buf_t  b;

    static const struct {
        int64_t      ms;
        const char  *text;
    } times[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 1795478550123, "2026-11-24T00:02:30.123Z" },
        { INT64_MIN, "0001-01-01T00:00:00.000Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999Z" },
    };

    (void) state;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        memset(&b, 0, sizeof(rt_buf_t));

        rt_time_format(&b, times[i].ms);
        rt_buf_add(&b, "", 1);

        assert_string_equal(b.data, times[i].text);
        assert_int_equal(parse(b.data, &ms), 0);

        rt_buf_free(&b);
    }
}


static void
test_every_day(void **state)
{
    int64_t   ms, back;
    rt_buf_t  b;

    (void) state;

    memset(&b, 0, sizeof(rt_buf_t));

    /* 400 years hold every kind of month; a prime of hours a step */

    for (ms = -2208988800000; ms < 10413792000000; ms += 23 * 3600000) {
        b.len = 0;
        rt_time_format(&b, ms);
        rt_buf_add(&b, "", 1);

        assert_int_equal(parse(b.data, &back), 0);
        assert_int_equal(back, ms);
    }

    rt_buf_free(&b);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_every_day),
    };

    return cmocka_run_group_tests_name("rt_time", tests, NULL, NULL);
}
