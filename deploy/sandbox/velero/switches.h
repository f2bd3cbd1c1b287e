/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with a Velero: faults thrown from outside, met by the objects that their name
 * pattern fits. Any thread. */
#ifndef DEPLOY_SANDBOX_VELERO_SWITCHES_H
#define DEPLOY_SANDBOX_VELERO_SWITCHES_H

#include "base/json.h"

enum vl_fault {
    VL_STORAGE_AWAY,     /* F1, F2: S3 does not answer this cluster */
    VL_ITEM_ERROR,       /* F4: one object of a Backup or Restore fails */
    VL_VOLUME_LOST,      /* F5: a mover fails */
    VL_VOLUME_SKIPPED,   /* F6: a volume is left out without an error */
    VL_AGENT_AWAY,       /* F7: no node agent runs (value: on this node) */
    VL_SYNC_OFF,         /* F8 */
    VL_SYNC_LATE,        /* F8: each look at the bucket comes so much later */
    VL_PVB_LATE,         /* F9: a Backup is synced so long before its PodVolumeBackups */
    VL_PVB_MISSING,      /* F9: a PodVolumeBackup is never synced */
    VL_STUCK,            /* F10, F19: stays as it is */
    VL_SERVER_AWAY,      /* F11: killed; ending it is the restart */
    VL_SERVER_RESTART,   /* F11: killed and started when a Backup or Restore is in that phase */
    VL_BACKUP_GONE,      /* F12: deleted by somebody, in the bucket too */
    VL_NAME_TAKEN,       /* F13 */
    VL_VERSION_IS,       /* F14: another version, from now on */
    VL_UNKNOWN_PHASE,    /* F15 */
    VL_CONFLICT,         /* F16: clients' next writes of Velero's kinds are answered 409 */
    VL_DOWNLOAD_NEVER,   /* F18 */
    VL_DOWNLOAD_DEAD,    /* F18: a URL that leads nowhere */
    VL_MOVER_STUCK,      /* F20 */
    VL_MOVER_FALLS_BACK, /* F20: and its agent thinks that it moves */
    VL_CORRUPT,          /* F21 */
    VL_DELETE_FAILS,     /* F23 */
    VL_CLOCK_AHEAD,      /* F24 */
    VL_FAULTS,
};

struct vl_switches;

struct vl_switches *vl_switches_new(void);
void vl_switches_free(struct vl_switches *s); /* accepts NULL */

/* Throws one that is checked already but for its members: INVALID. */
bool vl_switches_throw(struct vl_switches *s, const json_t *fault,
                       struct cf_error *err) CF_NODISCARD;
void vl_switches_heal(struct vl_switches *s, const char *fault, const char *cluster);
json_t *vl_switches_tell(struct vl_switches *s);
const char *vl_fault_name(enum vl_fault f);

struct vl_met {
    int64_t ms;
    char value[64];
};

/* Whether that object meets a fault of that cluster; `alias` is another name that the pattern may
 * fit (a mover's claim), or NULL. `uid` tells objects apart for "attempt" and "count"; "" : each
 * asking is another. `out` may be NULL. */
bool vl_meets(struct vl_switches *s, enum vl_fault f, const char *cluster, const char *kind,
              const char *name, const char *alias, const char *uid, struct vl_met *out);
/* Whether it is thrown for the cluster at all. */
bool vl_is_on(struct vl_switches *s, enum vl_fault f, const char *cluster, struct vl_met *out);

#endif
