/* SPDX-License-Identifier: Apache-2.0 */
/* The real clock behind the port, and RFC 3339 both ways without the C library's locale or time
 * zone. */
#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t real_wall_ms(void *self)
{
    (void)self;
    return read_ms(CLOCK_REALTIME);
}

static int64_t real_mono_ms(void *self)
{
    (void)self;
    return read_ms(CLOCK_BOOTTIME);
}

static void real_sleep_ms(void *self, int64_t ms)
{
    (void)self;
    if (ms <= 0)
        return;
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
}

const struct cf_clock cf_clock_real = {
    .wall_ms = real_wall_ms,
    .mono_ms = real_mono_ms,
    .sleep_ms = real_sleep_ms,
};

int64_t cf_wall_ms(const struct cf_clock *c)
{
    return c->wall_ms(c->self);
}

int64_t cf_mono_ms(const struct cf_clock *c)
{
    return c->mono_ms(c->self);
}

void cf_sleep_ms(const struct cf_clock *c, int64_t ms)
{
    c->sleep_ms(c->self, ms);
}

enum { MS_PER_DAY = 86400000 };
static const int64_t YEAR_0000_MS = -62167219200000;     /* 0000-01-01T00:00:00Z */
static const int64_t YEAR_9999_END_MS = 253402300799999; /* 9999-12-31T23:59:59.999Z */

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar. Years are counted from
 * March, so that the leap day comes last; 400 years have 146,097 days. */
static int64_t days_from_date(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

char *cf_time_rfc3339(int64_t wall_ms, char *buf)
{
    int64_t ms = CF_MIN(CF_MAX(wall_ms, YEAR_0000_MS), YEAR_9999_END_MS);
    int64_t days = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
    int64_t rest = ms - days * MS_PER_DAY;
    int year = (int)((days * 400) / 146097) + 1970;
    while (days_from_date(year, 1, 1) > days)
        year--;
    while (days_from_date(year + 1, 1, 1) <= days)
        year++;
    int day = (int)(days - days_from_date(year, 1, 1)) + 1;
    int month = 1;
    while (day > days_in_month(year, month))
        day -= days_in_month(year, month++);
    /* the remainders tell the compiler how many digits there can be */
    unsigned sec = (unsigned)(rest / 1000) % 86400u;
    snprintf(buf, CF_TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000u,
             (unsigned)month % 100u, (unsigned)day % 100u, sec / 3600u, sec / 60u % 60u, sec % 60u,
             (unsigned)(rest % 1000) % 1000u);
    return buf;
}

/* Reads exactly `n` digits at *p into *out and moves on. */
static bool digits(const char **p, int n, int *out)
{
    int value = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        value = value * 10 + (**p - '0');
    }
    *out = value;
    return true;
}

static bool literal(const char **p, const char *any_of)
{
    if (**p == '\0' || !strchr(any_of, **p))
        return false;
    (*p)++;
    return true;
}

/* ".123456789" → 123; nothing there → 0. */
static bool fraction(const char **p, int *out_ms)
{
    *out_ms = 0;
    if (**p != '.')
        return true;
    (*p)++;
    int n = 0;
    for (; **p >= '0' && **p <= '9'; n++, (*p)++) {
        if (n >= 9)
            return false;
        if (n < 3)
            *out_ms = *out_ms * 10 + (**p - '0');
    }
    for (int i = n; i < 3; i++)
        *out_ms *= 10;
    return n > 0;
}

/* "Z" or "+hh:mm" → minutes east of UTC. */
static bool offset(const char **p, int *out_minutes)
{
    *out_minutes = 0;
    if (literal(p, "Zz"))
        return true;
    int sign = **p == '-' ? -1 : 1;
    int h, m;
    if (!literal(p, "+-") || !digits(p, 2, &h) || !literal(p, ":") || !digits(p, 2, &m))
        return false;
    *out_minutes = sign * (h * 60 + m);
    return h < 24 && m < 60;
}

_Bool cf_time_parse(const char *text, int64_t *out_wall_ms)
{
    const char *p = text;
    int year, month, day, hour, min, sec, ms, east;
    if (!digits(&p, 4, &year) || !literal(&p, "-") || !digits(&p, 2, &month) || !literal(&p, "-") ||
        !digits(&p, 2, &day) || !literal(&p, "Tt ") || !digits(&p, 2, &hour) || !literal(&p, ":") ||
        !digits(&p, 2, &min) || !literal(&p, ":") || !digits(&p, 2, &sec) || !fraction(&p, &ms) ||
        !offset(&p, &east) || *p != '\0')
        return false;
    /* second 60 is a leap second and counts as the first of the next minute */
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        min > 59 || sec > 60)
        return false;
    int64_t secs =
        days_from_date(year, month, day) * 86400 + hour * INT64_C(3600) + min * INT64_C(60) + sec;
    *out_wall_ms = (secs - (int64_t)east * 60) * 1000 + ms;
    return true;
}
