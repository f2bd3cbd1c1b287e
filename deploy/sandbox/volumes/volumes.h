/* SPDX-License-Identifier: Apache-2.0 */
/* What is in volumes: files by path, in memory, for all simulated clusters and for the bucket that
 * Velero keeps its copies in.
 *
 * A volume is known by a key: sbx_volume_key() of a PersistentVolume, or a key of the caller's own
 * for a copy. Copies share their files until one of them is changed. A file is held verbatim up to
 * SBX_FILE_MAX bytes, or is *described* by a size and a seed: then it takes no memory and its
 * digest is the SHA-256 of "described file\nsize=SIZE\nseed=SEED\n", so that two described files
 * are equal exactly if size and seed are. A volume that was never written to is empty.
 *
 * Used by the controllers, the data plane, velero/ and control/. Any thread. */
#ifndef DEPLOY_SANDBOX_VOLUMES_VOLUMES_H
#define DEPLOY_SANDBOX_VOLUMES_VOLUMES_H

#include "base/json.h"

struct sbx_volumes;

enum {
    SBX_FILE_MAX = 4 * 1024 * 1024, /* the journal of a ledger that stories write for minutes */
    SBX_FILES_MAX = 10000,          /* of one volume */
    SBX_FILE_PATH_MAX = 1024,
};

struct sbx_volumes *sbx_volumes_new(void);
void sbx_volumes_free(struct sbx_volumes *v); /* accepts NULL */

/* "east/pvc-…": a PersistentVolume's; caller frees. */
char *sbx_volume_key(const char *cluster, const char *volume) CF_NODISCARD;
/* "east/pod/UID/NAME": of a volume that lives and dies with its pod; caller frees. */
char *sbx_volume_key_of_pod(const char *cluster, const char *pod_uid,
                            const char *volume) CF_NODISCARD;

/* Writes a file, replacing what was there. INVALID for a path that is absolute, empty or leads
 * outside; LIMIT beyond the limits. */
bool sbx_volume_write(struct sbx_volumes *v, const char *key, const char *path, const void *data,
                      size_t len, struct cf_error *err) CF_NODISCARD;
bool sbx_volume_describe(struct sbx_volumes *v, const char *key, const char *path, int64_t size,
                         const char *seed, struct cf_error *err) CF_NODISCARD;
/* Adds to the end of a file that is held verbatim, or makes it. */
bool sbx_volume_append(struct sbx_volumes *v, const char *key, const char *path, const void *data,
                       size_t len, struct cf_error *err) CF_NODISCARD;
/* The bytes of a file that is held verbatim, NUL beyond them; caller frees. NULL: no such file, or
 * a described one. */
char *sbx_volume_read(struct sbx_volumes *v, const char *key, const char *path, size_t *out_len);
bool sbx_volume_has(struct sbx_volumes *v, const char *key, const char *path);
bool sbx_volume_remove(struct sbx_volumes *v, const char *key, const char *path);
/* [{"path", "size", "sha256"[, "seed"]}] by path; new reference. */
json_t *sbx_volume_list(struct sbx_volumes *v, const char *key);
/* {"files", "bytes", "sha256": over all paths, sizes and digests}; new reference. */
json_t *sbx_volume_summary(struct sbx_volumes *v, const char *key);
int64_t sbx_volume_bytes(struct sbx_volumes *v, const char *key);

/* `to` is what `from` is now; what it had goes. */
void sbx_volume_copy(struct sbx_volumes *v, const char *from, const char *to);
/* Every file of `from` is in `to` as well, as it is in `from`; others of `to` stay. */
void sbx_volume_overlay(struct sbx_volumes *v, const char *from, const char *to);
/* Bytes of the files of `key` that are not just so in `base` (NULL: none is). */
int64_t sbx_volume_changed(struct sbx_volumes *v, const char *key, const char *base);
/* The same sizes, other contents: what a broken disk does without a word. */
void sbx_volume_corrupt(struct sbx_volumes *v, const char *key);
void sbx_volume_drop(struct sbx_volumes *v, const char *key);
/* Drops each volume whose key begins so and for which `lives` says no. Called without a lock held.
 */
void sbx_volumes_sweep(struct sbx_volumes *v, const char *prefix,
                       bool (*lives)(void *user, const char *key), void *user);
void sbx_volumes_wipe(struct sbx_volumes *v); /* all of them */

#endif
