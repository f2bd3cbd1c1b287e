/* SPDX-License-Identifier: Apache-2.0 */
/* A line with a document, then a patch: as JSON Patch it is applied or refused within the limits
 * and leaves its inputs alone; as documents, the merge patch between the two leads from one to the
 * other. */
/* libs: cf_base */
#include <string.h>

#include "base/json_patch.h"
#include "tests/fuzz/fuzz.h"

static bool has_null(const json_t *j)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(j), key,
                        value) if (json_is_null(value) || has_null(value)) return true;
    return false;
}

static void check_merge(const json_t *from, const json_t *to)
{
    cf_autojson json_t *patch = cf_json_merge_diff(from, to);
    cf_autojson json_t *result = cf_json_merge_apply(from, patch);
    /* nulls cannot be said in a merge patch, nor "stay as you are" where the document is no object
     */
    if (json_is_object(from) && !has_null(to) && !has_null(from))
        cf_assert(cf_json_equal(result, to));
    cf_autojson json_t *any = cf_json_merge_apply(from, to);
    cf_assert(any);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *text = (const char *)data;
    const char *end = memchr(text, '\n', size);
    if (!end)
        return 0;
    size_t len = (size_t)(end - text);
    cf_autojson json_t *doc = cf_json_parse(text, len, 0, &err);
    if (!doc)
        return 0;
    cf_autojson json_t *patch = cf_json_parse(end + 1, size - len - 1, 0, &err);
    if (!patch)
        return 0;
    cf_autofree char *doc_before = cf_json_dump(doc);
    cf_autofree char *patch_before = cf_json_dump(patch);
    cf_autojson json_t *result = cf_json_patch_apply(doc, patch, &err);
    cf_assert(!result == (err.kind != CF_ERR_NONE));
    if (result) {
        cf_autofree char *written = cf_json_dump(result);
        cf_autojson json_t *back = cf_json_parse(written, strlen(written), SIZE_MAX, &err);
        cf_assert(back); /* within the limit of depth, too */
    }
    check_merge(doc, patch);
    cf_autofree char *doc_after = cf_json_dump(doc);
    cf_autofree char *patch_after = cf_json_dump(patch);
    cf_assert(strcmp(doc_before, doc_after) == 0);
    cf_assert(strcmp(patch_before, patch_after) == 0);
    return 0;
}
