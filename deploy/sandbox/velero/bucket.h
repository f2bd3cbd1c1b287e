/* SPDX-License-Identifier: Apache-2.0 */
/* The object store that all clusters share: records of backups and restores by location ("BUCKET/
 * PREFIX") and name. What volumes held is in sbx_volumes, under vl_snapshot_key(). Records are never
 * changed once they are in, only replaced. Any thread. */
#ifndef DEPLOY_SANDBOX_VELERO_BUCKET_H
#define DEPLOY_SANDBOX_VELERO_BUCKET_H

#include "base/json.h"

struct vl_bucket;

struct vl_bucket *vl_bucket_new(void);
void vl_bucket_free(struct vl_bucket *b); /* accepts NULL */
void vl_bucket_wipe(struct vl_bucket *b);

/* `sort` is "backups" or "restores". A record: {"metadata": the CR, "podVolumeBackups": […],
 * "objects": […], "volumeInfos": […], "operations": […], "results": {…}, "log": "…"}; what is not
 * known yet is left out. Takes the reference. */
void vl_bucket_put_take(struct vl_bucket *b, const char *location, const char *sort,
                        const char *name, json_t *record);
json_t *vl_bucket_get(struct vl_bucket *b, const char *location, const char *sort,
                      const char *name); /* new reference, or NULL */
void vl_bucket_drop(struct vl_bucket *b, const char *location, const char *sort, const char *name);
/* The names of a location: a new array of texts. */
json_t *vl_bucket_names(struct vl_bucket *b, const char *location, const char *sort);

/* Where the contents of a snapshot are; caller frees. */
char *vl_snapshot_key(const char *location, const char *id) CF_NODISCARD;
/* The newest snapshot of a source ("NS/POD/VOLUME", "NS/CLAIM"), which the next one is compared
 * with; "" : none. Caller frees. */
char *vl_bucket_parent(struct vl_bucket *b, const char *location, const char *source) CF_NODISCARD;
void vl_bucket_set_parent(struct vl_bucket *b, const char *location, const char *source,
                          const char *id);

#endif
