/* SPDX-License-Identifier: Apache-2.0 */
/* The core schema of YAML 1.2 (10.3.2), strict where 1.1 and 1.2 disagree about numbers. See
 * yaml_scalar.h. */
#include "base/yaml_scalar.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
static const char *const trues[] = { "true", "True", "TRUE", NULL };
static const char *const falses[] = { "false", "False", "FALSE", NULL };
static const char *const not_finite[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL };

static const char *without_sign(const char *text)
{
    return *text == '-' || *text == '+' ? text + 1 : text;
}

static bool all_of(const char *text, const char *chars)
{
    return *text && text[strspn(text, chars)] == '\0';
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?, and with a point or an exponent: else it is
 * an integer */
static bool is_real(const char *text)
{
    const char *p = without_sign(text);
    size_t whole = strspn(p, DIGITS), decimals = 0;
    p += whole;
    bool point = *p == '.';
    if (point) {
        decimals = strspn(++p, DIGITS);
        p += decimals;
    }
    if (whole + decimals == 0)
        return false;
    if (*p == 'e' || *p == 'E')
        return all_of(without_sign(p + 1), DIGITS);
    return point && *p == '\0';
}

static json_t *integer(const char *digits, int base, bool negative, const char **out_problem)
{
    errno = 0;
    unsigned long long size = strtoull(digits, NULL, base);
    if (errno != 0 || size > (unsigned long long)INT64_MAX + negative) {
        *out_problem = "the integer does not fit in 64 bits";
        return NULL;
    }
    return json_integer((json_int_t)(negative ? -size : size));
}

json_t *cf_yaml_plain_value(const char *text, const char **out_problem)
{
    if (is_one_of(text, nulls))
        return json_null();
    if (is_one_of(text, trues))
        return json_true();
    if (is_one_of(text, falses))
        return json_false();
    const char *rest = without_sign(text);
    if (all_of(rest, DIGITS)) {
        if (rest[0] == '0' && rest[1] != '\0') {
            *out_problem =
                "a number with leading zeros is octal to some readers: quote it if it is text, "
                "write 0o17 for octal";
            return NULL;
        }
        return integer(rest, 10, *text == '-', out_problem);
    }
    if (strncmp(text, "0o", 2) == 0 && all_of(text + 2, "01234567"))
        return integer(text + 2, 8, false, out_problem);
    if (strncmp(text, "0x", 2) == 0 && all_of(text + 2, DIGITS "abcdefABCDEF"))
        return integer(text + 2, 16, false, out_problem);
    if (is_one_of(rest, not_finite)) {
        *out_problem = "infinities and NaN are no JSON numbers; quote it if it is text";
        return NULL;
    }
    if (is_real(text)) {
        double value = strtod(text, NULL);
        if (!isfinite(value)) {
            *out_problem = "the number is too large";
            return NULL;
        }
        return json_real(value);
    }
    return json_string(text);
}

/* Words that YAML 1.1 reads as booleans or as syntax. */
static bool is_word_of_yaml_1_1(const char *text)
{
    static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "=", "<<", NULL };
    for (const char *const *w = words; *w; w++)
        if (strcasecmp(text, *w) == 0)
            return true;
    return false;
}

bool cf_yaml_needs_quotes(const char *text)
{
    const char *problem;
    cf_autojson json_t *value = cf_yaml_plain_value(text, &problem);
    if (!json_is_string(value) || is_word_of_yaml_1_1(text))
        return true;
    const char *rest = without_sign(text);
    if (*rest == '\0' || !strchr(DIGITS ".", *rest))
        return false;
    /* YAML 1.1 knows 1_000, 0b1, 1:30 and dates: like a number is everything but what plainly ends
     * in a unit */
    char last = rest[strlen(rest) - 1];
    bool unit = (last >= 'a' && last <= 'z') || (last >= 'A' && last <= 'Z') || last == '%';
    return !unit || strchr(rest, ':') || strncasecmp(rest, "0x", 2) == 0 || *rest == '.';
}
