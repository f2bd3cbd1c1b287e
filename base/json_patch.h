/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6902 JSON Patch and RFC 7396 merge patch, as pure functions on trees.
 *
 * Used for plan transforms, previews of what a patch would do, and the sandbox's API server. */
#ifndef CF_BASE_JSON_PATCH_H
#define CF_BASE_JSON_PATCH_H

#include "base/json.h"

enum {
    /* Both as kube-apiserver has them. */
    CF_JSON_PATCH_OPS_MAX = 10000,
    CF_JSON_PATCH_COPY_MAX = 3 * 1024 * 1024, /* about the bytes that `copy` may add in all */
};

/* The document after all operations; `doc` and `patch` stay as they are. INVALID with field = the
 * index of the operation ("3/path") when malformed; CONFLICT, with such a field too, when a `test`
 * failed (reason "TestFailed") or a path is absent; LIMIT for too many operations, too much
 * copying, or a result deeper than CF_JSON_DEPTH_MAX. Tests compare by cf_json_equal. New
 * reference. */
json_t *cf_json_patch_apply(const json_t *doc, const json_t *patch,
                            struct cf_error *err) CF_NODISCARD;

/* The document after the merge patch (null deletes, objects merge, all else replaces). New
 * reference. */
json_t *cf_json_merge_apply(const json_t *doc, const json_t *patch) CF_NODISCARD;

/* The merge patch that turns `from` into `to`; {} when they are equal. Nulls in `to` count as
 * absent, since a merge patch cannot say them. New reference. */
json_t *cf_json_merge_diff(const json_t *from, const json_t *to) CF_NODISCARD;

#endif
