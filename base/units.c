/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, percentages, sizes, integers as text. Everything is computed in integers. See
 * units.h. */
#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int64_t ms;
} duration_units[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};
enum { DURATION_UNITS = sizeof duration_units / sizeof duration_units[0] };

static const int64_t DURATION_MAX_MS =
    INT64_C(3650) * 86400000; /* ten years: beyond is a mistake */

/* Reads digits at *p; false if there are none or the value passes `max`. */
static bool read_number(const char **p, int64_t max, int64_t *out)
{
    int64_t value = 0;
    const char *s = *p;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (value > (max - (*s - '0')) / 10)
            return false;
        value = value * 10 + (*s - '0');
    }
    bool any = s > *p;
    *p = s;
    *out = value;
    return any;
}

static bool bad_duration(const char *text, struct cf_error *err)
{
    return cf_error_set(err, CF_ERR_INVALID,
                        "\"%.60s\" is not a duration such as 250ms, 5s, 1h30m or 14d", text);
}

bool cf_duration_parse(const char *text, int64_t *out_ms, struct cf_error *err)
{
    int64_t total = 0;
    int next_unit = 0;
    const char *p = text;
    do {
        int64_t n;
        const char *digits = p;
        if (!read_number(&p, DURATION_MAX_MS, &n)) {
            if (*digits >= '0' && *digits <= '9')
                return cf_error_set(err, CF_ERR_INVALID, "\"%.60s\" is longer than ten years",
                                    text);
            return bad_duration(text, err);
        }
        size_t len = strspn(p, "dhms");
        int unit = next_unit;
        while (unit < DURATION_UNITS && (strlen(duration_units[unit].name) != len ||
                                         memcmp(duration_units[unit].name, p, len) != 0))
            unit++;
        if (unit == DURATION_UNITS)
            return bad_duration(text, err);
        if (n > (DURATION_MAX_MS - total) / duration_units[unit].ms)
            return cf_error_set(err, CF_ERR_INVALID, "\"%.60s\" is longer than ten years", text);
        total += n * duration_units[unit].ms;
        next_unit = unit + 1;
        p += len;
    } while (*p);
    *out_ms = total;
    return true;
}

char *cf_duration_format(int64_t ms, char *buf)
{
    uint64_t rest = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    size_t at = (size_t)snprintf(buf, CF_UNIT_TEXT_MAX, "%s", ms < 0 ? "-" : "");
    if (rest == 0)
        snprintf(buf, CF_UNIT_TEXT_MAX, "0s");
    for (int i = 0; i < DURATION_UNITS; i++) {
        uint64_t unit = (uint64_t)duration_units[i].ms;
        if (rest < unit)
            continue;
        at += (size_t)snprintf(buf + at, CF_UNIT_TEXT_MAX - at, "%llu%s",
                               (unsigned long long)(rest / unit), duration_units[i].name);
        rest %= unit;
    }
    return buf;
}

char *cf_duration_brief(int64_t ms, char *buf)
{
    static const struct {
        int64_t below, precision;
    } rows[] = {
        { 1000, 1 },
        { 60000, 1000 },
        { 86400000, 60000 },
        { INT64_MAX, 3600000 },
    };
    int64_t size = ms < 0 ? (ms == INT64_MIN ? INT64_MAX : -ms) : ms;
    int row = 0;
    while (size >= rows[row].below && size < INT64_MAX)
        row++;
    int64_t step = size == INT64_MAX ? 3600000 : rows[row].precision;
    int64_t down = size / step * step;
    int64_t rounded =
        size - down >= step - (size - down) && down < INT64_MAX - step ? down + step : down;
    return cf_duration_format(ms < 0 ? -rounded : rounded, buf);
}

enum { PERCENT_DECIMALS = 6 };
static const int64_t PERCENT_SCALE = 1000000;       /* 10^PERCENT_DECIMALS parts of one percent */
static const int64_t PERCENT_MAX = 100 * 1000000LL; /* 100% in those parts */

static bool bad_percent(const char *text, struct cf_error *err)
{
    return cf_error_set(err, CF_ERR_INVALID,
                        "\"%.60s\" is not a percentage from 0%% to 100%%, such as 99.5%%", text);
}

bool cf_percent_parse(const char *text, double *out_ratio, struct cf_error *err)
{
    int64_t whole, parts = 0;
    const char *p = text;
    if (!read_number(&p, 100, &whole))
        return bad_percent(text, err);
    if (*p == '.') {
        const char *first = ++p;
        if (!read_number(&p, PERCENT_SCALE - 1, &parts) || p - first > PERCENT_DECIMALS)
            return bad_percent(text, err);
        for (long i = p - first; i < PERCENT_DECIMALS; i++)
            parts *= 10;
    }
    int64_t value = whole * PERCENT_SCALE + parts;
    if (strcmp(p, "%") != 0 || value > PERCENT_MAX)
        return bad_percent(text, err);
    *out_ratio = (double)value / (double)PERCENT_MAX;
    return true;
}

char *cf_percent_format(double ratio, char *buf)
{
    int64_t value = llround(CF_MIN(CF_MAX(ratio, 0.0), 1.0) * (double)PERCENT_MAX);
    int len = snprintf(buf, CF_UNIT_TEXT_MAX, "%lld.%06lld", (long long)(value / PERCENT_SCALE),
                       (long long)(value % PERCENT_SCALE));
    while (buf[len - 1] == '0')
        len--;
    if (buf[len - 1] == '.')
        len--;
    buf[len] = '%';
    buf[len + 1] = '\0';
    return buf;
}

bool cf_bytes_parse(const char *text, int64_t *out_bytes, struct cf_error *err)
{
    static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti" };
    int64_t n;
    const char *p = text;
    bool number = read_number(&p, INT64_MAX, &n);
    for (size_t i = 0; number && i < CF_ARRAY_LEN(units); i++) {
        if (strcmp(p, units[i]) != 0)
            continue;
        if (n > INT64_MAX >> (10 * i))
            break;
        *out_bytes = n << (10 * i);
        return true;
    }
    return cf_error_set(err, CF_ERR_INVALID,
                        "\"%.60s\" is not a size such as 512, 64Ki, 10Mi or 1Gi", text);
}

bool cf_int_parse(const char *text, int64_t min, int64_t max, int64_t *out, struct cf_error *err)
{
    bool negative = *text == '-';
    const char *p = text + negative;
    const char *digits = p;
    int64_t n = 0;
    bool fits = read_number(&p, INT64_MAX, &n);
    bool shaped = digits[strspn(digits, "0123456789")] == '\0' && *digits != '\0' &&
                  (*digits != '0' || (digits[1] == '\0' && !negative));
    if (!shaped)
        return cf_error_set(err, CF_ERR_INVALID, "\"%.60s\" is not a whole number", text);
    if (negative)
        n = -n;
    if (!fits || n < min || n > max)
        return cf_error_set(err, CF_ERR_INVALID, "%.60s is not between %lld and %lld", text,
                            (long long)min, (long long)max);
    *out = n;
    return true;
}
