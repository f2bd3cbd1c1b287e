/* SPDX-License-Identifier: Apache-2.0 */
/* The table of wrong plans (tests/data/wrong_plans.json), read for tests of every room that decodes plans. */
#include "tests/support/wrong_plans.h"

#include <string.h>

/* Replaces the only occurrence of `find`; takes and gives an allocated text. */
static char *edit(char *text, const char *find, const char *replace)
{
    char *at = strstr(text, find);
    cf_assert(at && !strstr(at + 1, find));
    char *out = cf_xasprintf("%.*s%s%s", (int)(at - text), text, replace, at + strlen(find));
    free(text);
    return out;
}

char *cf_test_wrong_plan_text(const json_t *data, const json_t *wrong)
{
    const char *whole = cf_json_str(wrong, NULL, "text", NULL);
    char *text = cf_xstrdup(whole ? whole : cf_json_str(data, NULL, "base", NULL));
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(wrong, "edit"), i, pair)
    {
        text = edit(text, json_string_value(json_array_get(pair, 0)),
                    json_string_value(json_array_get(pair, 1)));
    }
    return text;
}

bool cf_test_wrong_plan_is_json(const json_t *wrong)
{
    return strcmp(cf_json_str(wrong, "yaml", "media", NULL), "json") == 0;
}
