/* SPDX-License-Identifier: Apache-2.0 */
/* JSON with single quotes. */
#include "tests/support/quick_json.h"

#include <string.h>

#include "tests/support/test.h"

static void swap(char *text, char from, char to)
{
    for (; *text; text++)
        *text = *text == from ? to : *text;
}

json_t *cf_test_json(const char *text)
{
    cf_autofree char *copy = cf_xstrdup(text);
    swap(copy, '\'', '"');
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(copy, strlen(copy), 0, &err);
    if (!j)
        fail_msg("%s: %s", err.message, text);
    return j;
}

char *cf_test_dump(const json_t *j)
{
    char *text = cf_json_dump(j);
    swap(text, '"', '\'');
    return text;
}
