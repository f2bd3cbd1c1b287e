/* SPDX-License-Identifier: Apache-2.0 */
/* A Restore that makes its objects, and the kinds that need more than that. Velero's thread only. */
#ifndef DEPLOY_SANDBOX_VELERO_RESTORE_ITEMS_H
#define DEPLOY_SANDBOX_VELERO_RESTORE_ITEMS_H

#include "deploy/sandbox/velero/round.h"

struct vl_restoring {
    struct vl_cluster *c;
    const json_t *restore, *record;
    const json_t *by_kind; /* the record's objects: "plural.group" → […] */
    json_t *work;
    const json_t *rules; /* of the modifiers, or NULL */
    const char *backup_label, *restore_label;
};

/* Claims, volumes, pods: where data comes in. */
struct vl_special {
    const char *kind;
    /* Changes the cleaned object before it is made in namespace `ns`; false: it is not made. */
    bool (*prepare)(const struct vl_restoring *r, const json_t *from_backup, const char *ns,
                    json_t *o);
    /* It has been made. */
    void (*made)(const struct vl_restoring *r, const json_t *from_backup, const char *ns,
                 const json_t *o);
};
const struct vl_special *vl_special(const struct sbx_kind *k); /* or NULL */

/* Whether it is there at this very moment; *out_live is a new reference then. */
bool vl_restore_exists(const struct vl_restoring *r, const struct sbx_kind *k, const char *ns,
                       const char *name, json_t **out_live);

#endif
