/* SPDX-License-Identifier: Apache-2.0 */
/* What differs among the four kinds of movers. Velero's thread only. */
#ifndef DEPLOY_SANDBOX_VELERO_MOVERS_H
#define DEPLOY_SANDBOX_VELERO_MOVERS_H

#include "deploy/sandbox/velero/round.h"

struct vl_mover;

struct vl_move {
    struct vl_cluster *c;
    const struct vl_mover *kind;
    const json_t *o;
    const char *node; /* whose agent does it, or NULL: none can */
};

struct vl_mover {
    const char *kind, *plural;
    bool in_v2, is_download;
    const char *(*node)(const struct vl_move *m);
    /* The namespace whose repository it uses. */
    const char *(*space)(const struct vl_move *m);
    /* Why it cannot be prepared yet, in new memory, or NULL. May be NULL. */
    char *(*exposed)(const struct vl_move *m);
    /* Keeps what will be moved, and notes "total" and "moves" (bytes) in `memory`. */
    bool (*begin)(const struct vl_move *m, json_t *memory, char **out_why);
    /* The bytes are there; returns members of the status. */
    json_t *(*finish)(const struct vl_move *m, json_t *memory, char **out_why);
};

extern const struct vl_mover vl_pod_volume_backup, vl_pod_volume_restore, vl_data_upload,
    vl_data_download;

/* Moves of both sorts: where `source` goes, its contents now kept under the mover's name; and where
 * it has come from. */
void vl_upload_begin(const struct vl_move *m, json_t *memory, const char *contents,
                     const char *source);
json_t *vl_upload_finish(const struct vl_move *m, json_t *memory, const char *source,
                         const char *claim);
/* The key of a snapshot's contents; NULL with *out_why when it is not in the bucket. */
char *vl_download_source(const struct vl_move *m, char **out_why);
/* The key of a pod's volume, or NULL while it has none. */
char *vl_pod_volume_key(struct vl_cluster *c, const json_t *pod, const char *volume);
const json_t *vl_pod_of(const struct vl_move *m); /* of spec.pod, by its uid, or NULL */

#endif
