/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one volume, and one file: counted references, so that copies cost nothing until they
 * differ. Called with the volumes' lock held. */
#ifndef DEPLOY_SANDBOX_VOLUMES_TREE_H
#define DEPLOY_SANDBOX_VOLUMES_TREE_H

#include "base/digest.h"
#include "deploy/sandbox/volumes/volumes.h"

struct sbx_file {
    int refs;
    int64_t size;
    char *bytes; /* NULL: described */
    size_t cap;
    char *seed;
    char sha256[CF_SHA256_HEX]; /* "" : not worked out yet */
};

struct sbx_tree {
    struct sbx_leaf {
        char *path;
        struct sbx_file *file;
    } * leaves; /* sorted by path */
    size_t count, cap;
};

struct sbx_file *sbx_file_verbatim(const void *data, size_t len);
struct sbx_file *sbx_file_described(int64_t size, const char *seed);
void sbx_file_unref(struct sbx_file *f);
const char *sbx_file_sha256(struct sbx_file *f);
bool sbx_file_equal(struct sbx_file *a, struct sbx_file *b);

struct sbx_file *sbx_tree_get(const struct sbx_tree *t, const char *path); /* or NULL */
/* Puts it there, taking the reference; LIMIT for one file too many. */
bool sbx_tree_put_take(struct sbx_tree *t, const char *path, struct sbx_file *f,
                       struct cf_error *err) CF_NODISCARD;
bool sbx_tree_remove(struct sbx_tree *t, const char *path);
void sbx_tree_copy(struct sbx_tree *to, const struct sbx_tree *from);
void sbx_tree_clear(struct sbx_tree *t);

#endif
