
#include "rt_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>


#define RT_TIME_MIN  (-62135596800000LL)        /* 0001-01-01T00:00:00Z */
#define RT_TIME_MAX  253402300799999LL          /* 9999-12-31T23:59:59.999Z */


static int rt_time_number(const char **p, const char *end, int digits,
    int64_t *n);
static int rt_time_offset(const char **p, const char *end, int64_t *minutes);
static int64_t rt_time_days(int64_t year, int64_t month, int64_t day);


int
rt_time_parse(int64_t *ms, rt_str_t text)
{
    int64_t      year, month, day, hour, minute, second, offset, scale, value;
    const char  *p, *end;

    static const int  days[] = { 31, 28, 31, 30, 31, 30,
                                 31, 31, 30, 31, 30, 31 };

    p = text.data;
    end = text.data + text.len;

    if (rt_time_number(&p, end, 4, &year) == -1 || p == end || *p++ != '-'
        || rt_time_number(&p, end, 2, &month) == -1 || p == end || *p++ != '-'
        || rt_time_number(&p, end, 2, &day) == -1
        || p == end || (*p != 'T' && *p != 't'))
    {
        return -1;
    }

    p++;

    if (rt_time_number(&p, end, 2, &hour) == -1 || p == end || *p++ != ':'
        || rt_time_number(&p, end, 2, &minute) == -1 || p == end || *p++ != ':'
        || rt_time_number(&p, end, 2, &second) == -1)
    {
        return -1;
    }

    /* Python has no year 0: one would stop whoever reads the database there */

    if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23
        || minute > 59 || second > 60)
    {
        return -1;
    }

    if (day > days[month - 1]) {
        if (month != 2 || day != 29 || year % 4 != 0
            || (year % 100 == 0 && year % 400 != 0))
        {
            return -1;
        }
    }

    value = 0;

    if (p < end && *p == '.') {
        scale = 100;

        if (++p == end || *p < '0' || *p > '9') {
            return -1;
        }

        while (p < end && *p >= '0' && *p <= '9') {
            value += (*p++ - '0') * scale;
            scale /= 10;
        }
    }

    if (rt_time_offset(&p, end, &offset) == -1 || p != end) {
        return -1;
    }

    if (second == 60) {
        second = 59;
    }

    value += 1000 * (second + 60 * (minute - offset + 60 * (hour
                     + 24 * rt_time_days(year, month, day))));

    if (value < RT_TIME_MIN || value > RT_TIME_MAX) {
        return -1;
    }

    *ms = value;

    return 0;
}


static int
rt_time_number(const char **p, const char *end, int digits, int64_t *n)
{
    *n = 0;

    while (digits--) {

        if (*p == end || **p < '0' || **p > '9') {
            return -1;
        }

        *n = *n * 10 + (*(*p)++ - '0');
    }

    return 0;
}


static int
rt_time_offset(const char **p, const char *end, int64_t *minutes)
{
    int      sign;
    int64_t  h, m;

    if (*p == end) {
        return -1;
    }

    switch (*(*p)++) {

    case 'Z':
    case 'z':
        *minutes = 0;
        return 0;

    case '+':
        sign = 1;
        break;

    case '-':
        sign = -1;
        break;

    default:
        return -1;
    }

    if (rt_time_number(p, end, 2, &h) == -1 || *p == end || *(*p)++ != ':'
        || rt_time_number(p, end, 2, &m) == -1 || h > 23 || m > 59)
    {
        return -1;
    }

    *minutes = sign * (h * 60 + m);

    return 0;
}


/* days since the epoch in the proleptic Gregorian calendar */

static int64_t
rt_time_days(int64_t year, int64_t month, int64_t day)
{
    int64_t  era, in_era, in_year;

    /* with March first the leap day is the last of its year */

    if (month <= 2) {
        year--;
        month += 12;
    }

    era = year / 400;
    in_era = year - era * 400;
    in_year = (153 * (month - 3) + 2) / 5 + day - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year
           - 719468;
}


void
rt_time_format(rt_buf_t *b, int64_t ms)
{
    int        len;
    char       text[40];
    time_t     sec;
    int64_t    rest;
    struct tm  tm;

    /* a document of somebody else may hold any date */

    if (ms < RT_TIME_MIN) {
        ms = RT_TIME_MIN;
    }

    if (ms > RT_TIME_MAX) {
        ms = RT_TIME_MAX;
    }

    sec = ms / 1000;
    rest = ms % 1000;

    if (rest < 0) {
        sec--;
        rest += 1000;
    }

    gmtime_r(&sec, &tm);

    len = snprintf(text, sizeof(text),
                   "%04d-%02d-%02dT%02d:%02d:%02d.%03" PRId64 "Z",
                   tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                   tm.tm_hour, tm.tm_min, tm.tm_sec, rest);

    rt_buf_add(b, text, len);
}


int64_t
rt_time_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
