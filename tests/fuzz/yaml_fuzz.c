/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as YAML: what is accepted is written and read back as the same tree, and every node's
 * mark is found. */
/* libs: cf_base */
#include <string.h>

#include "base/text.h"
#include "base/yaml.h"
#include "tests/fuzz/fuzz.h"

/* Every node has a mark inside the text. */
static void check_marks(const struct cf_marks *marks, const json_t *j, char *pointer)
{
    int line, column;
    const char *key;
    json_t *value;
    cf_assert(cf_marks_find(marks, pointer, &line, &column));
    cf_assert(line >= 1 && column >= 1);
    json_object_foreach(cf_json_unconst(j), key, value)
    {
        size_t up = cf_json_pointer_push(pointer, key);
        check_marks(marks, value, pointer);
        pointer[up] = '\0';
    }
    for (size_t i = 0; i < json_array_size(j) && i < 20; i++) {
        size_t up = cf_json_pointer_push_index(pointer, i);
        check_marks(marks, json_array_get(j, i), pointer);
        pointer[up] = '\0';
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_marks_free_p) struct cf_marks *marks = NULL;
    cf_autojson json_t *tree = cf_yaml_parse(text, size, 0, &marks, &err);
    cf_assert(!tree == (err.kind != CF_ERR_NONE));
    if (tree) {
        char pointer[CF_JSON_POINTER_MAX] = "";
        check_marks(marks, tree, pointer);
        cf_autofree char *written = cf_yaml_dump(tree);
        cf_autojson json_t *back = cf_yaml_parse(written, strlen(written), SIZE_MAX, NULL, &err);
        cf_assert(json_equal(tree, back));
    }
    cf_error_clear(&err);
    cf_autojson json_t *all = cf_yaml_parse_all(text, size, 0, &err);
    cf_assert(!tree || all);
    cf_assert(!all || json_is_array(all));
    return 0;
}
