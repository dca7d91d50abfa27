
#include <stdint.h>

#include "rt_base64url.h"


/* the value of a character and one; 0: not of the alphabet */

static const uint8_t  rt_base64url_values[256] = {
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5,
    ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10,
    ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15,
    ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20,
    ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25,
    ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
    ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45,
    ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,
    ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55,
    ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
    ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64
};


long
rt_base64url_decode(unsigned char *dst, const char *src, size_t len)
{
    size_t                i;
    uint32_t              n;
    unsigned              bits, bad, value;
    unsigned char        *p;
    const unsigned char  *s;

    if (len % 4 == 1) {
        return -1;
    }

    s = (const unsigned char *) src;
    p = dst;
    n = 0;
    bad = 0;
    bits = 0;

    for (i = 0; i < len; i++) {
        value = rt_base64url_values[s[i]];
        bad |= (value == 0);
        n = (n << 6) | ((value - 1) & 0x3f);
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            *p++ = (unsigned char) (n >> bits);
        }
    }

    if (bad || (n & ((1u << bits) - 1))) {
        return -1;
    }

    return p - dst;
}
