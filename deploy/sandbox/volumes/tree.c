/* SPDX-License-Identifier: Apache-2.0 */
/* Files and sorted lists of them. */
#include "deploy/sandbox/volumes/tree.h"

#include <inttypes.h>
#include <string.h>

struct sbx_file *sbx_file_verbatim(const void *data, size_t len)
{
    struct sbx_file *f = cf_xcalloc(1, sizeof(*f));
    f->refs = 1;
    f->size = (int64_t)len;
    f->cap = len + 1;
    f->bytes = cf_xmalloc(f->cap);
    if (len)
        memcpy(f->bytes, data, len);
    f->bytes[len] = '\0';
    return f;
}

struct sbx_file *sbx_file_described(int64_t size, const char *seed)
{
    struct sbx_file *f = cf_xcalloc(1, sizeof(*f));
    f->refs = 1;
    f->size = size;
    f->seed = cf_xstrdup(seed);
    return f;
}

void sbx_file_unref(struct sbx_file *f)
{
    if (!f || --f->refs > 0)
        return;
    free(f->bytes);
    free(f->seed);
    free(f);
}

const char *sbx_file_sha256(struct sbx_file *f)
{
    if (*f->sha256)
        return f->sha256;
    if (f->bytes)
        return cf_sha256_hex(f->bytes, (size_t)f->size, f->sha256);
    cf_autofree char *text =
        cf_xasprintf("described file\nsize=%" PRId64 "\nseed=%s\n", f->size, f->seed);
    return cf_sha256_hex(text, strlen(text), f->sha256);
}

bool sbx_file_equal(struct sbx_file *a, struct sbx_file *b)
{
    return a == b || (a->size == b->size && strcmp(sbx_file_sha256(a), sbx_file_sha256(b)) == 0);
}

static bool locate(const struct sbx_tree *t, const char *path, size_t *out_at)
{
    size_t lo = 0, hi = t->count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = strcmp(t->leaves[mid].path, path);
        if (c == 0) {
            *out_at = mid;
            return true;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *out_at = lo;
    return false;
}

struct sbx_file *sbx_tree_get(const struct sbx_tree *t, const char *path)
{
    size_t at;
    return locate(t, path, &at) ? t->leaves[at].file : NULL;
}

bool sbx_tree_put_take(struct sbx_tree *t, const char *path, struct sbx_file *f,
                       struct cf_error *err)
{
    size_t at;
    if (locate(t, path, &at)) {
        sbx_file_unref(t->leaves[at].file);
        t->leaves[at].file = f;
        return true;
    }
    if (t->count == SBX_FILES_MAX) {
        sbx_file_unref(f);
        return cf_error_set(err, CF_ERR_LIMIT, "a volume has at most %d files", SBX_FILES_MAX);
    }
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 8;
        t->leaves = cf_xrealloc(t->leaves, t->cap * sizeof(*t->leaves));
    }
    memmove(&t->leaves[at + 1], &t->leaves[at], (t->count - at) * sizeof(*t->leaves));
    t->leaves[at] = (struct sbx_leaf){ cf_xstrdup(path), f };
    t->count++;
    return true;
}

bool sbx_tree_remove(struct sbx_tree *t, const char *path)
{
    size_t at;
    if (!locate(t, path, &at))
        return false;
    free(t->leaves[at].path);
    sbx_file_unref(t->leaves[at].file);
    memmove(&t->leaves[at], &t->leaves[at + 1], (t->count - at - 1) * sizeof(*t->leaves));
    t->count--;
    return true;
}

void sbx_tree_copy(struct sbx_tree *to, const struct sbx_tree *from)
{
    struct sbx_tree fresh = { cf_xcalloc(CF_MAX(from->count, 1), sizeof(*fresh.leaves)),
                              from->count, CF_MAX(from->count, 1) };
    for (size_t i = 0; i < from->count; i++) {
        fresh.leaves[i] =
            (struct sbx_leaf){ cf_xstrdup(from->leaves[i].path), from->leaves[i].file };
        fresh.leaves[i].file->refs++;
    }
    sbx_tree_clear(to);
    *to = fresh;
}

void sbx_tree_clear(struct sbx_tree *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->leaves[i].path);
        sbx_file_unref(t->leaves[i].file);
    }
    free(t->leaves);
    *t = (struct sbx_tree){ NULL, 0, 0 };
}
