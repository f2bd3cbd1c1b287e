/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes by key, under one lock. */
#include "deploy/sandbox/volumes/volumes.h"

#include <inttypes.h>
#include <string.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/thread.h"
#include "deploy/sandbox/volumes/tree.h"

enum { SUMMARY_MAX = 64 * 1024 * 1024 /* all paths and digests of a full volume */ };

struct volume {
    char *key;
    struct sbx_tree tree;
    UT_hash_handle hh;
};

struct sbx_volumes {
    pthread_mutex_t lock;
    struct volume *all;
};

struct sbx_volumes *sbx_volumes_new(void)
{
    struct sbx_volumes *v = cf_xcalloc(1, sizeof(*v));
    pthread_mutex_init(&v->lock, NULL);
    return v;
}

static void forget(struct sbx_volumes *v, struct volume *one)
{
    HASH_DEL(v->all, one);
    sbx_tree_clear(&one->tree);
    free(one->key);
    free(one);
}

void sbx_volumes_wipe(struct sbx_volumes *v)
{
    struct volume *one, *next;
    CF_LOCKED(&v->lock);
    HASH_ITER(hh, v->all, one, next)
    {
        forget(v, one);
    }
}

void sbx_volumes_free(struct sbx_volumes *v)
{
    if (!v)
        return;
    sbx_volumes_wipe(v);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

char *sbx_volume_key(const char *cluster, const char *volume)
{
    return cf_xasprintf("%s/%s", cluster, volume);
}

char *sbx_volume_key_of_pod(const char *cluster, const char *pod_uid, const char *volume)
{
    return cf_xasprintf("%s/pod/%s/%s", cluster, pod_uid, volume);
}

/* ---- with the lock held */

static struct volume *find(const struct sbx_volumes *v, const char *key)
{
    struct volume *one;
    HASH_FIND_STR(v->all, key, one);
    return one;
}

static struct volume *find_or_make(struct sbx_volumes *v, const char *key)
{
    struct volume *one = find(v, key);
    if (one)
        return one;
    one = cf_xcalloc(1, sizeof(*one));
    one->key = cf_xstrdup(key);
    HASH_ADD_KEYPTR(hh, v->all, one->key, strlen(one->key), one);
    return one;
}

static struct sbx_file *file_at(const struct sbx_volumes *v, const char *key, const char *path)
{
    const struct volume *one = find(v, key);
    return one ? sbx_tree_get(&one->tree, path) : NULL;
}

/* ---- writing */

static bool check_path(const char *path, struct cf_error *err)
{
    if (strlen(path) >= SBX_FILE_PATH_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "a path has at most %d bytes",
                            SBX_FILE_PATH_MAX - 1);
    for (const char *p = path;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && *p == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return cf_error_set(err, CF_ERR_INVALID, "\"%s\" is no path within a volume", path);
        p += n;
        if (!*p)
            return true;
    }
}

static bool put_take(struct sbx_volumes *v, const char *key, const char *path, struct sbx_file *f,
                     struct cf_error *err)
{
    CF_LOCKED(&v->lock);
    return sbx_tree_put_take(&find_or_make(v, key)->tree, path, f, err);
}

static bool check_len(size_t len, struct cf_error *err)
{
    return len <= SBX_FILE_MAX ||
           cf_error_set(err, CF_ERR_LIMIT,
                        "a file that is held verbatim has at most %d bytes; describe a larger one "
                        "by its size and a seed",
                        SBX_FILE_MAX);
}

bool sbx_volume_write(struct sbx_volumes *v, const char *key, const char *path, const void *data,
                      size_t len, struct cf_error *err)
{
    if (!check_path(path, err) || !check_len(len, err))
        return false;
    return put_take(v, key, path, sbx_file_verbatim(data, len), err);
}

bool sbx_volume_describe(struct sbx_volumes *v, const char *key, const char *path, int64_t size,
                         const char *seed, struct cf_error *err)
{
    if (!check_path(path, err))
        return false;
    if (size < 0)
        return cf_error_set(err, CF_ERR_INVALID, "a size is not negative");
    return put_take(v, key, path, sbx_file_described(size, seed), err);
}

bool sbx_volume_append(struct sbx_volumes *v, const char *key, const char *path, const void *data,
                       size_t len, struct cf_error *err)
{
    if (!check_path(path, err))
        return false;
    CF_LOCKED(&v->lock);
    struct volume *one = find_or_make(v, key);
    struct sbx_file *f = sbx_tree_get(&one->tree, path);
    if (f && !f->bytes)
        return cf_error_set(err, CF_ERR_INVALID, "%s is a described file", path);
    size_t old = f ? (size_t)f->size : 0;
    if (!check_len(old + len, err))
        return false;
    if (!f || f->refs > 1) { /* a copy goes on having what it has */
        f = sbx_file_verbatim(f ? f->bytes : "", old);
        if (!sbx_tree_put_take(&one->tree, path, f, err))
            return false;
    }
    if (f->cap < old + len + 1) {
        f->cap = (old + len + 1) * 2;
        f->bytes = cf_xrealloc(f->bytes, f->cap);
    }
    memcpy(f->bytes + old, data, len);
    f->bytes[old + len] = '\0';
    f->size = (int64_t)(old + len);
    f->sha256[0] = '\0';
    return true;
}

bool sbx_volume_remove(struct sbx_volumes *v, const char *key, const char *path)
{
    CF_LOCKED(&v->lock);
    struct volume *one = find(v, key);
    return one && sbx_tree_remove(&one->tree, path);
}

/* ---- reading */

char *sbx_volume_read(struct sbx_volumes *v, const char *key, const char *path, size_t *out_len)
{
    CF_LOCKED(&v->lock);
    const struct sbx_file *f = file_at(v, key, path);
    if (!f || !f->bytes)
        return NULL;
    char *copy = cf_xmalloc((size_t)f->size + 1);
    memcpy(copy, f->bytes, (size_t)f->size + 1);
    *out_len = (size_t)f->size;
    return copy;
}

bool sbx_volume_has(struct sbx_volumes *v, const char *key, const char *path)
{
    CF_LOCKED(&v->lock);
    return file_at(v, key, path) != NULL;
}

json_t *sbx_volume_list(struct sbx_volumes *v, const char *key)
{
    json_t *list = json_array();
    CF_LOCKED(&v->lock);
    const struct volume *one = find(v, key);
    for (size_t i = 0; one && i < one->tree.count; i++) {
        struct sbx_file *f = one->tree.leaves[i].file;
        json_t *row = json_pack("{s:s,s:I,s:s}", "path", one->tree.leaves[i].path, "size",
                                (json_int_t)f->size, "sha256", sbx_file_sha256(f));
        if (f->seed)
            json_object_set_new(row, "seed", json_string(f->seed));
        json_array_append_new(list, row);
    }
    return list;
}

static int64_t bytes_of(const struct volume *one)
{
    int64_t bytes = 0;
    for (size_t i = 0; one && i < one->tree.count; i++)
        bytes += one->tree.leaves[i].file->size;
    return bytes;
}

int64_t sbx_volume_bytes(struct sbx_volumes *v, const char *key)
{
    CF_LOCKED(&v->lock);
    return bytes_of(find(v, key));
}

json_t *sbx_volume_summary(struct sbx_volumes *v, const char *key)
{
    CF_LOCKED(&v->lock);
    const struct volume *one = find(v, key);
    CF_CLEANUP(cf_buf_free) struct cf_buf all = CF_BUF_INIT(SUMMARY_MAX);
    for (size_t i = 0; one && i < one->tree.count; i++) {
        struct sbx_file *f = one->tree.leaves[i].file;
        cf_buf_printf(&all, "%s  %" PRId64 "  %s\n", sbx_file_sha256(f), f->size,
                      one->tree.leaves[i].path);
    }
    char hex[CF_SHA256_HEX];
    return json_pack("{s:I,s:I,s:s}", "files", (json_int_t)(one ? one->tree.count : 0), "bytes",
                     (json_int_t)bytes_of(one), "sha256",
                     cf_sha256_hex(cf_buf_str(&all), all.len, hex));
}

/* ---- copies */

void sbx_volume_copy(struct sbx_volumes *v, const char *from, const char *to)
{
    CF_LOCKED(&v->lock);
    const struct volume *one = find(v, from);
    const struct sbx_tree empty = { NULL, 0, 0 };
    if (strcmp(from, to) != 0)
        sbx_tree_copy(&find_or_make(v, to)->tree, one ? &one->tree : &empty);
}

void sbx_volume_overlay(struct sbx_volumes *v, const char *from, const char *to)
{
    CF_LOCKED(&v->lock);
    const struct volume *one = find(v, from);
    struct volume *other = one ? find_or_make(v, to) : NULL;
    for (size_t i = 0; one != other && i < one->tree.count; i++) {
        struct cf_error full = CF_ERROR_INIT; /* what does not fit any more stays out */
        struct sbx_file *f = one->tree.leaves[i].file;
        f->refs++;
        (void)!sbx_tree_put_take(&other->tree, one->tree.leaves[i].path, f, &full);
    }
}

int64_t sbx_volume_changed(struct sbx_volumes *v, const char *key, const char *base)
{
    CF_LOCKED(&v->lock);
    const struct volume *one = find(v, key), *old = base ? find(v, base) : NULL;
    int64_t bytes = 0;
    for (size_t i = 0; one && i < one->tree.count; i++) {
        struct sbx_file *f = one->tree.leaves[i].file,
                        *was = old ? sbx_tree_get(&old->tree, one->tree.leaves[i].path) : NULL;
        if (!was || !sbx_file_equal(f, was))
            bytes += f->size;
    }
    return bytes;
}

void sbx_volume_corrupt(struct sbx_volumes *v, const char *key)
{
    CF_LOCKED(&v->lock);
    struct volume *one = find(v, key);
    for (size_t i = 0; one && i < one->tree.count; i++) {
        struct sbx_file **f = &one->tree.leaves[i].file, *bad;
        if ((*f)->size == 0)
            continue;
        if ((*f)->bytes) {
            bad = sbx_file_verbatim((*f)->bytes, (size_t)(*f)->size);
            bad->bytes[0] = (char)(bad->bytes[0] ^ 1);
        } else {
            cf_autofree char *seed = cf_xasprintf("%s, spoilt", (*f)->seed);
            bad = sbx_file_described((*f)->size, seed);
        }
        sbx_file_unref(*f);
        *f = bad;
    }
}

void sbx_volume_drop(struct sbx_volumes *v, const char *key)
{
    CF_LOCKED(&v->lock);
    struct volume *one = find(v, key);
    if (one)
        forget(v, one);
}

static json_t *keys(struct sbx_volumes *v, const char *prefix)
{
    json_t *list = json_array();
    struct volume *one, *next;
    CF_LOCKED(&v->lock);
    HASH_ITER(hh, v->all, one, next)
    {
        if (strncmp(one->key, prefix, strlen(prefix)) == 0)
            json_array_append_new(list, json_string(one->key));
    }
    return list;
}

void sbx_volumes_sweep(struct sbx_volumes *v, const char *prefix,
                       bool (*lives)(void *user, const char *key), void *user)
{
    cf_autojson json_t *all = keys(v, prefix);
    size_t i;
    json_t *key;
    json_array_foreach(all, i, key)
    {
        if (!lives(user, json_string_value(key)))
            sbx_volume_drop(v, json_string_value(key));
    }
}
