/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities: a decimal number and one suffix. */
#include "federation/objects/quantity.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *suffix;
    double factor;
} suffixes[] = {
    { "", 1 },        { "n", 1e-9 },    { "u", 1e-6 },    { "m", 1e-3 },
    { "k", 1e3 },     { "M", 1e6 },     { "G", 1e9 },     { "T", 1e12 },
    { "P", 1e15 },    { "E", 1e18 },    { "Ki", 0x1p10 }, { "Mi", 0x1p20 },
    { "Gi", 0x1p30 }, { "Ti", 0x1p40 }, { "Pi", 0x1p50 }, { "Ei", 0x1p60 },
};

static bool parse(const char *text, double *out)
{
    /* strtod would also take "nan", "0x10" and white space. */
    if (!isdigit((unsigned char)text[0]) && !strchr("+-.", text[0]))
        return false;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        return false;
    char *end;
    double number = strtod(text, &end);
    if (end == text || !isfinite(number))
        return false;
    for (size_t i = 0; i < CF_ARRAY_LEN(suffixes); i++) {
        if (strcmp(end, suffixes[i].suffix) == 0) {
            *out = number * suffixes[i].factor;
            return true;
        }
    }
    return false;
}

bool cf_quantity_of(const json_t *value, double *out)
{
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    return json_is_string(value) && *json_string_value(value) &&
           parse(json_string_value(value), out);
}
