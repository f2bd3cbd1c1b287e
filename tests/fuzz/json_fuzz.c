/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: what is accepted is written in each form and read back as the same value, and
 * the canonical form of the canonical form is itself. */
/* libs: cf_base */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static json_t *again(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, strlen(text), SIZE_MAX, &err);
    cf_assert(j);
    return j;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *tree = cf_json_parse((const char *)data, size, 0, &err);
    cf_assert(!tree == (err.kind != CF_ERR_NONE));
    if (!tree)
        return 0;
    cf_assert(cf_utf8_valid((const char *)data, size));
    cf_autofree char *compact = cf_json_dump(tree);
    cf_autofree char *pretty = cf_json_dump_pretty(tree);
    cf_autofree char *canonical = cf_json_canonical(tree);
    cf_autojson json_t *from_compact = again(compact);
    cf_autojson json_t *from_pretty = again(pretty);
    cf_assert(json_equal(tree, from_compact));
    cf_assert(json_equal(tree, from_pretty));

    /* large reals are written as integers whose last digits are zeros: another value when read as
     * an integer, and none at all beyond 2^63; only the text is the same then */
    cf_autojson json_t *from_canonical =
        cf_json_parse(canonical, strlen(canonical), SIZE_MAX, &err);
    if (from_canonical) {
        cf_autofree char *twice = cf_json_canonical(from_canonical);
        cf_assert(strcmp(canonical, twice) == 0);
    } else {
        cf_assert(strstr(err.message, "too big"));
    }
    return 0;
}
