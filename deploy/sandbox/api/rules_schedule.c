/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules of CronJobs: five fields with ranges, lists and steps, or a word such as @daily. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deploy/sandbox/api/rules.h"

static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul",
                                      "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

static const struct field {
    int first, last;
    const char *const *names; /* the first one stands for `first` */
} fields[] = {
    { 0, 59, NULL }, { 0, 23, NULL }, { 1, 31, NULL }, { 1, 12, months }, { 0, 6, days }
};

/* Reads a number or a name and steps over it; -1: neither. */
static int read_value(const struct field *f, const char **s)
{
    for (int i = 0; f->names && f->names[i]; i++) {
        if (strncasecmp(*s, f->names[i], 3) == 0) {
            *s += 3;
            return f->first + i;
        }
    }
    if (!isdigit((unsigned char)**s))
        return -1;
    char *end;
    long v = strtol(*s, &end, 10);
    *s = end;
    return v > f->last ? -1 : (int)v;
}

/* One item of a list: "*", "3", "3-5", each with an optional "/2". Steps over it. */
static bool read_item(const struct field *f, const char **s)
{
    if (**s == '*' || **s == '?') {
        ++*s;
    } else {
        int low = read_value(f, s), high = low;
        if (**s == '-') {
            ++*s;
            high = read_value(f, s);
        }
        if (low < f->first || high < low)
            return false;
    }
    if (**s != '/')
        return true;
    char *end;
    ++*s;
    bool is_number = isdigit((unsigned char)**s);
    long step = strtol(*s, &end, 10);
    *s = end;
    return is_number && step > 0;
}

static bool read_field(const struct field *f, const char **s)
{
    for (;;) {
        if (!read_item(f, s))
            return false;
        if (**s != ',')
            return **s == ' ' || **s == '\0';
        ++*s;
    }
}

/* "1h30m", as @every takes it. */
static bool is_duration(const char *s)
{
    bool any = false;
    while (*s) {
        size_t digits = strspn(s, "0123456789."), unit = strspn(s + digits, "hmsnu");
        if (!digits || !unit)
            return false;
        any = true;
        s += digits + unit;
    }
    return any;
}

bool sbx_rules_is_schedule(const char *s)
{
    if (strncmp(s, "@every ", 7) == 0)
        return is_duration(s + 7);
    if (*s == '@')
        return sbx_word_in("@yearly,@annually,@monthly,@weekly,@daily,@midnight,@hourly", s);
    s += strspn(s, " ");
    for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++) {
        if (!read_field(&fields[i], &s))
            return false;
        s += strspn(s, " ");
    }
    return *s == '\0';
}
