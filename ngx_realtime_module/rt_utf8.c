
#include "rt_utf8.h"

#include <string.h>


int
rt_utf8_valid(rt_str_t s)
{
    size_t                n;
    uint32_t              c, min;
    const unsigned char  *p, *end;

    p = (const unsigned char *) s.data;
    end = p + s.len;

    while (p < end) {
        c = *p++;

        if (c < 0x80) {
            if (c == 0) {
                return 0;
            }

            continue;
        }

        if ((c & 0xe0) == 0xc0) {
            n = 1;
            c &= 0x1f;
            min = 0x80;

        } else if ((c & 0xf0) == 0xe0) {
            n = 2;
            c &= 0x0f;
            min = 0x800;

        } else if ((c & 0xf8) == 0xf0) {
            n = 3;
            c &= 0x07;
            min = 0x10000;

        } else {
            return 0;
        }

        if ((size_t) (end - p) < n) {
            return 0;
        }

        while (n--) {
            if ((*p & 0xc0) != 0x80) {
                return 0;
            }

            c = c << 6 | (*p++ & 0x3f);
        }

        if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
            return 0;
        }
    }

    return 1;
}


rt_str_t
rt_utf8_cut(rt_str_t s, size_t max)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < s.len; i++) {

        if ((s.data[i] & 0xc0) != 0x80 && n++ == max) {
            s.len = i;
        }
    }

    return s;
}


int
rt_utf8_blank(rt_str_t s)
{
    size_t  i;

    static const rt_str_t  spaces[] = {
        rt_string(" "), rt_string("\t"), rt_string("\n"),
        rt_string("\v"), rt_string("\f"), rt_string("\r"),
        rt_string("\xc2\x85"), rt_string("\xc2\xa0"),
        rt_string("\xe1\x9a\x80"), rt_string("\xe2\x80\x80"),
        rt_string("\xe2\x80\x81"), rt_string("\xe2\x80\x82"),
        rt_string("\xe2\x80\x83"), rt_string("\xe2\x80\x84"),
        rt_string("\xe2\x80\x85"), rt_string("\xe2\x80\x86"),
        rt_string("\xe2\x80\x87"), rt_string("\xe2\x80\x88"),
        rt_string("\xe2\x80\x89"), rt_string("\xe2\x80\x8a"),
        rt_string("\xe2\x80\xa8"), rt_string("\xe2\x80\xa9"),
        rt_string("\xe2\x80\xaf"), rt_string("\xe2\x81\x9f"),
        rt_string("\xe3\x80\x80"),
    };

    while (s.len) {

        for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
            if (s.len >= spaces[i].len
                && memcmp(s.data, spaces[i].data, spaces[i].len) == 0)
            {
                break;
            }
        }

        if (i == sizeof(spaces) / sizeof(spaces[0])) {
            return 0;
        }

        s.data += spaces[i].len;
        s.len -= spaces[i].len;
    }

    return 1;
}
