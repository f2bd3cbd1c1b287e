/* SPDX-License-Identifier: Apache-2.0 */
/* Test data from the source tree. */
#include "tests/support/file.h"

#include <stdio.h>
#include <stdlib.h>

char *cf_test_read_file(const char *path, size_t *out_len)
{
    cf_autofree char *full = cf_xasprintf("%s/%s", CF_SOURCE_DIR, path);
    FILE *f = fopen(full, "rb");
    if (!f) {
        perror(full);
        exit(1);
    }
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *text = cf_xmalloc((size_t)size + 1);
    size_t len = fread(text, 1, (size_t)size, f);
    fclose(f);
    text[len] = 0;
    if (out_len)
        *out_len = len;
    return text;
}

json_t *cf_test_read_json(const char *path)
{
    size_t len;
    cf_autofree char *text = cf_test_read_file(path, &len);
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, len, 0, &err);
    if (!j) {
        fprintf(stderr, "%s: %s\n", path, err.message);
        exit(1);
    }
    return j;
}
