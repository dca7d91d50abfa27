/*
 * Pages: the memory of their texts, the export for people, and what a client
 * may send as a cursor. Rows of somebody else's program may hold anything.
 */

#include "rt_page.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>


#define CHUNK  8192                         /* of a page's memory */


/* texts of all sizes around a chunk, each where it was when all are there */

static void
test_memory(void **state)
{
    char       text[4 * CHUNK];
    size_t     i;
    rt_str_t   s, copies[8];
    rt_page_t  page;

    static const size_t  sizes[] = {
        CHUNK - 1, 0, CHUNK, 0, 3, CHUNK - 5, 0, 4 * CHUNK
    };

    (void) state;

    memset(&page, 0, sizeof(rt_page_t));

    for (i = 0; i < 8; i++) {
        memset(text, 'a' + (int) i, sizeof(text));

        s.data = text;
        s.len = sizes[i];
        copies[i] = rt_page_copy(&page, s);
        assert_non_null(copies[i].data);
    }

    for (i = 0; i < 8; i++) {
        memset(text, 'a' + (int) i, sizeof(text));

        assert_int_equal(copies[i].len, sizes[i]);
        assert_memory_equal(copies[i].data, text, sizes[i]);
        assert_int_equal(copies[i].data[sizes[i]], '\0');
    }

    rt_page_free(&page);
    assert_null(page.chunks);
}


/* one turn as a line of text */

static void
is_line(const char *text, const char *line)
{
    char            *copy;
    rt_buf_t         b;
    rt_page_t        page;
    rt_transcript_t  t;

    memset(&b, 0, sizeof(rt_buf_t));
    memset(&page, 0, sizeof(rt_page_t));
    memset(&t, 0, sizeof(rt_transcript_t));

    /* without a NUL behind it */

    t.text.len = strlen(text);
    copy = malloc(t.text.len + 1);
    assert_non_null(copy);
    memcpy(copy + 1, text, t.text.len);
    t.text.data = copy + 1;

    page.items = &t;
    page.n = 1;
    rt_page_text(&b, &page);
    rt_buf_add(&b, "", 1);
    assert_false(b.failed);

    assert_string_equal(b.data + sizeof("1970-01-01T00:00:00.000Z user: ") - 1,
                        line);
    rt_buf_free(&b);
    free(copy);
}


static void
test_text(void **state)
{
    (void) state;

    is_line("plain", "plain\n");
    is_line("", "\n");
    is_line("a\x1b[2J\x7f\tb\r\n", "a [2J  b  \n");
    is_line("\xc2\x80\xc2\x9f\xc2\xa0", "  \xc2\xa0\n");
    is_line("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "  \xe2\x80\xaa\n");

    /* what is no UTF-8, at the end of its memory */

    is_line("a\xc2", "a\xc2\n");
    is_line("a\xe2", "a\xe2\n");
    is_line("a\xe2\x80", "a\xe2\x80\n");
}


static int
parse(const char *form, size_t digits, int session)
{
    char         text[2000];
    rt_str_t     s;
    rt_cursor_t  c;

    assert_true(digits < sizeof(text) - 1);

    memset(text, '0', sizeof(text));
    text[0] = form[0];

    s.data = text;
    s.len = 1 + digits;

    return rt_cursor_parse(&c, s, session);
}


static void
test_cursor_sizes(void **state)
{
    size_t  name;

    (void) state;

    name = 2 * sizeof(((rt_cursor_t *) NULL)->name);

    assert_int_equal(parse("i", 56, 0), 0);
    assert_int_equal(parse("i", 55, 0), -1);
    assert_int_equal(parse("i", 57, 0), -1);
    assert_int_equal(parse("i", 58, 0), -1);
    assert_int_equal(parse("d", 56, 0), 0);
    assert_int_equal(parse("i", 56, 1), -1);
    assert_int_equal(parse("d", 56, 1), -1);

    assert_int_equal(parse("s", 16, 1), 0);
    assert_int_equal(parse("s", 16 + name, 1), 0);
    assert_int_equal(parse("s", 16 + name + 2, 1), -1);
    assert_int_equal(parse("s", 17, 1), -1);
    assert_int_equal(parse("s", 15, 1), -1);
    assert_int_equal(parse("s", 56, 0), -1);

    assert_int_equal(parse("n", 16, 1), 0);
    assert_int_equal(parse("n", 17, 1), -1);
    assert_int_equal(parse("n", 18, 1), -1);
    assert_int_equal(parse("n", 56, 0), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_cursor_sizes),
    };

    return cmocka_run_group_tests_name("rt_page", tests, NULL, NULL);
}
