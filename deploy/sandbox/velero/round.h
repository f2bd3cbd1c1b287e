/* SPDX-License-Identifier: Apache-2.0 */
/* One look of a cluster's Velero at its cluster and at the bucket, and what its parts share. Velero's
 * thread only, but for what says otherwise. */
#ifndef DEPLOY_SANDBOX_VELERO_ROUND_H
#define DEPLOY_SANDBOX_VELERO_ROUND_H

#include <stdatomic.h>

#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"
#include "deploy/sandbox/velero/bucket.h"
#include "deploy/sandbox/velero/switches.h"
#include "deploy/sandbox/velero/velero.h"
#include "deploy/sandbox/velero/words.h"
#include "deploy/sandbox/volumes/volumes.h"

/* What takes how long on a real one (velero-lab.md), in ms; all are scaled by one factor. */
enum {
    VL_QUEUE_MS = 10,      /* from a Backup's creation to Queued */
    VL_START_MS = 340,     /* from Queued to InProgress */
    VL_ITEMS_MS = 550,     /* of a small Backup or Restore */
    VL_ITEM_MS = 2,        /* each item more */
    VL_JUDGE_MS = 100,     /* until FailedValidation */
    VL_SNAPSHOT_MS = 1000, /* a VolumeSnapshot until it is ready to use */
    VL_ACCEPT_MS = 500,    /* a mover until Accepted */
    VL_PREPARE_MS = 2500,  /* until Prepared: its pod runs */
    VL_MOVE_MS = 1500,     /* of a mover beside its bytes */
    VL_PREPARE_MAX_MS = 30 * 60 * 1000,
    VL_CANCEL_MS = 2000,            /* from Canceling to Canceled */
    VL_PROGRESS_MS = 10000,         /* between two looks at a mover's bytes */
    VL_POLL_MS = 10000,             /* between two looks at a Backup's or Restore's operations */
    VL_FINALIZE_MS = 100,           /* without volumes */
    VL_FINALIZE_VOLUMES_MS = 20000, /* a Restore with DataDownloads */
    VL_CHECK_MS = 10000,            /* between two validations of a location */
    VL_DELETE_MS = 1500,            /* a DeleteBackupRequest */
    VL_REQUEST_MS = 100,            /* a DownloadRequest, a ServerStatusRequest */
    VL_STATUS_GONE_MS = 60 * 1000,  /* a ServerStatusRequest's life, processed */
    VL_URL_GONE_MS = 10 * 60 * 1000,
    VL_FS_TIMEOUT_MS = 4 * 3600 * 1000, /* of PodVolumeBackups and PodVolumeRestores */
    VL_BOUND_MAX_MS = 10 * 60 * 1000,   /* a restored claim until it is Bound */
};

/* Versions as numbers that compare. */
#define VL_VERSION(minor, patch) ((minor)*1000 + (patch))

struct vl_cluster {
    struct sbx_velero *velero;
    const char *name; /* of the API server */
    size_t index;
    struct sbx_world world;
    struct sbx_pass pass; /* during a look */
    atomic_int version;   /* VL_VERSION(); written from outside */
    atomic_bool api_away; /* written from outside */
    json_t *server;       /* what the server remembers, by uid: a restart forgets it */
    json_t *synced;       /* when each location was, by its uid: the server reads it from them */
    json_t *agents;       /* what node agents remember, by uid */
    atomic_bool was_away; /* the server, since the last look that found it there */
};

/* The parts of sbx_velero that the looks use. */
struct vl_common {
    struct vl_cluster clusters[SBX_VELERO_CLUSTERS_MAX];
    size_t count;
    struct vl_bucket *bucket;
    struct sbx_volumes *volumes;
    struct vl_switches *switches;
    struct sbx_velero_options options; /* without zeroes */
};
struct vl_common *vl_common(struct sbx_velero *v);
/* Any thread; NULL: results cannot be fetched. Caller frees. */
char *vl_download_url(struct sbx_velero *v) CF_NODISCARD;

/* ---- round.c ---- */
void vl_round_begin(struct vl_cluster *c);
void vl_round_end(struct vl_cluster *c);
/* A real time as it is here. */
int64_t vl_ms(const struct vl_cluster *c, int64_t real_ms);
/* sbx_pass_after() in real time. */
bool vl_after(struct vl_cluster *c, int64_t real_ms, const char *what, const char *uid);
/* The same for what settling does not wait for. */
bool vl_every(struct vl_cluster *c, int64_t real_ms, const char *what, const char *uid);

json_t *vl_all(struct vl_cluster *c, const char *plural);
json_t *vl_one(struct vl_cluster *c, const char *plural, const char *name);
/* Those of the kind whose label has that value: a new array of shared objects. */
json_t *vl_labelled(struct vl_cluster *c, const char *plural, const char *label,
                    const char *value) CF_NODISCARD;
const char *vl_phase(const json_t *o);
bool vl_phase_in(const json_t *o, const char *phases); /* "A,B"; none counts as New */

/* Changes members of the status, which is no subresource; takes the reference. */
bool vl_status(struct vl_cluster *c, const char *plural, const json_t *o, json_t *status_take);
bool vl_patch(struct vl_cluster *c, const char *plural, const json_t *o, json_t *patch_take);
bool vl_create(struct vl_cluster *c, const char *plural, json_t *body_take);
bool vl_delete(struct vl_cluster *c, const char *plural, const json_t *o);
/* NAME-abcde: new; caller frees. */
char *vl_new_name(const char *base) CF_NODISCARD;
/* A name as a label has it: cut to 63 characters with a digest of all of it; caller frees. */
char *vl_label_value(const char *name) CF_NODISCARD;
/* An ownerReferences list of a Velero object. */
json_t *vl_owned_by(const char *kind, const json_t *owner);
/* Wall time in `ahead_ms`, as Kubernetes writes it; caller frees. */
char *vl_time(struct vl_cluster *c, int64_t ahead_ms) CF_NODISCARD;

/* What is remembered of an object, made when it is not there; borrowed. */
json_t *vl_memory(json_t *all, const json_t *o);

/* ---- locations.c ---- */
const json_t *vl_location(struct vl_cluster *c, const char *name); /* or NULL */
/* "BUCKET/PREFIX"; caller frees. */
char *vl_location_key(const json_t *location) CF_NODISCARD;
bool vl_location_reachable(struct vl_cluster *c, const json_t *location);
bool vl_location_read_only(const json_t *location);
bool vl_location_available(const json_t *location);

/* ---- agents.c ---- */
bool vl_agent_on(struct vl_cluster *c, const char *node);
/* The node of a running agent, or NULL. */
const char *vl_any_agent(struct vl_cluster *c);

/* ---- backup_queue.c ---- */
/* A new Backup, or one in the queue: its place there, which older servers do not tell. */
void vl_backup_queue(struct vl_cluster *c, const json_t *b);
/* One whose turn it is: InProgress, or FailedValidation. */
void vl_backup_start(struct vl_cluster *c, const json_t *b);

/* ---- backup_items.c ---- */
/* Fills `work` with what the Backup takes: "items" (objects), "errors", "warnings" (texts), "plans"
 * of volumes. */
void vl_collect(struct vl_cluster *c, const json_t *backup, json_t *work);
/* ---- backup_volumes.c: what becomes of each volume: "steps", and "volumes" by claim ---- */
void vl_plan_volumes(struct vl_cluster *c, const json_t *backup, json_t *work);
/* ---- backup_steps.c: does the next of them; true when none is left ---- */
bool vl_volumes_step(struct vl_cluster *c, const json_t *backup, json_t *work);
/* ---- volume_infos.c: BackupVolumeInfos as it is now; new reference ---- */
json_t *vl_volume_infos(struct vl_cluster *c, const json_t *backup, const json_t *work);
/* ---- resource_policies.c: "skip", "fs-backup", "snapshot" or "" by the ConfigMap of a Backup ---- */
/* What is wrong with that ConfigMap, in new memory, or NULL. */
char *vl_policy_wrong(struct vl_cluster *c, const json_t *backup);
const char *vl_policy_action(struct vl_cluster *c, const json_t *backup, const json_t *claim,
                             const json_t *volume);

/* ---- results.c: true while the object shows a phase that nobody knows ---- */
bool vl_unknown_phase(struct vl_cluster *c, const char *plural, const char *kind, const json_t *o);

/* ---- finalizing.c ---- */
enum vl_finalized {
    VL_FINALIZING,
    VL_FINALIZED,
    VL_FINALIZED_UNBOUND, /* it has waited for a claim as long as it does */
};
/* To be called until it says how: not before `least_ms` have passed. */
enum vl_finalized vl_finalize(struct vl_cluster *c, const json_t *r, int64_t least_ms);

/* ---- repositories.c ---- */
/* The repository of a namespace in a location, ready; false: not (yet), *out_why in new memory when
 * it never will be. */
bool vl_repository_ready(struct vl_cluster *c, const char *location, const char *ns,
                         char **out_why);

/* ---- restore_items.c ---- */
/* Makes what the Restore makes: notes in `work` what came of it, PodVolumeRestores and DataDownloads
 * included. True when all is made. */
void vl_restore_items(struct vl_cluster *c, const json_t *restore, const json_t *record,
                      json_t *work);

/* ---- modifiers.c ---- */
/* NULL: *out_why says what is wrong with the ConfigMap (caller frees). New reference: its rules. */
json_t *vl_modifiers_read(const json_t *config_map, char **out_why);
/* The object after the rules; takes it. NULL with *out_why. */
json_t *vl_modifiers_apply_take(const json_t *rules, const char *resource, json_t *object,
                                char **out_why);

/* ---- filters.c ---- */
bool vl_is_included(const json_t *included, const json_t *excluded, const char *name);
/* The same for kinds, by any of their names. */
bool vl_kind_included(const json_t *included, const json_t *excluded, const struct sbx_kind *k);
/* "plural.group"; into buf. */
const char *vl_resource_name(const struct sbx_kind *k, char *buf, size_t size);
/* labelSelector and orLabelSelectors of a Backup's or Restore's spec. */
bool vl_selects(const json_t *spec, const json_t *object);

/* The controllers, in their order in a look. */
void vl_ctl_restarts(struct vl_cluster *c);
void vl_ctl_locations(struct vl_cluster *c);
void vl_ctl_requests(struct vl_cluster *c);
void vl_ctl_sync(struct vl_cluster *c);
void vl_ctl_repositories(struct vl_cluster *c);
void vl_ctl_backups(struct vl_cluster *c);
void vl_ctl_deletions(struct vl_cluster *c);
void vl_ctl_restores(struct vl_cluster *c);
void vl_ctl_movers(struct vl_cluster *c);

/* What a fresh cluster has of Velero. */
void vl_install(struct vl_cluster *c, const struct vl_common *v);
/* "group/plural,…" that this version's definitions lack, or NULL. */
const char *vl_lacking(int version);
/* A sbx_reviewer of a cluster; `user` is a struct vl_cluster. Any thread. */
bool vl_review(void *user, const struct sbx_review *review, struct sbx_answer *out);

#endif
