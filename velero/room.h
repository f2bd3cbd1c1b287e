/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the velero room share: names, labels, making and dropping objects, the record of
 * a pass in the state, and saying how far a call has come.
 *
 * Every object of ours has a name that follows from run, way, pass and attempt, and the labels that
 * say so: a name that is taken is ours only with exactly these labels. */
#ifndef CF_VELERO_ROOM_H
#define CF_VELERO_ROOM_H

#include "federation/kube/fan_out.h"
#include "velero/volumes.h"

#define CF_VELERO_V1       "velero.io/v1"
#define CF_VELERO_V2ALPHA1 "velero.io/v2alpha1"

#define CF_VELERO_LABEL_WAY     "crossfade.dev/way"
#define CF_VELERO_LABEL_PASS    "crossfade.dev/pass"
#define CF_VELERO_LABEL_ATTEMPT "crossfade.dev/attempt"
#define CF_VELERO_NOTE_CLAIM    "crossfade.dev/claim" /* annotation of stage pods */

/* Velero's own. */
#define CF_VELERO_BACKUP_NAME      "velero.io/backup-name"
#define CF_VELERO_BACKUP_UID       "velero.io/backup-uid"
#define CF_VELERO_RESTORE_NAME     "velero.io/restore-name"
#define CF_VELERO_STORAGE_LOCATION "velero.io/storage-location"
#define CF_VELERO_PVC_NAME         "velero.io/pvc-name"
#define CF_VELERO_VOLUMES_TO_BACK  "backup.velero.io/backup-volumes"

enum {
    CF_VELERO_NAME_MAX = 64, /* 63, so that Velero's labels hold the whole of it, and NUL */
    CF_VELERO_ATTEMPTS = 3,  /* of a pass, and of a restore: what fails three times will again */
    CF_VELERO_CLAIMS_MAX =
        2000,                  /* of one run: what a pass keeps in the state per claim is bounded */
    CF_VELERO_PASSES_KEPT = 4, /* whose evidence per claim stays in the state */
    CF_VELERO_PASSES_NAMED = 64, /* that stay in it at all, when nothing of them is left */
    CF_VELERO_LOOK_MS = 2000,    /* between two looks at what Velero does */
    CF_VELERO_LOOK_SLOW_MS = 5000,
};

/* The volume in a stage pod; what fs-backup is told to copy of it. */
#define CF_VELERO_STAGE_VOLUME "data"

/* --- names.c --- */

/* What a name is made for; `attempt` counts Backups, `restore` Restores of that Backup. */
char *cf_velero_backup_name(const struct cf_volumes *v, int n, int attempt, char *buf);
char *cf_velero_restore_name(const struct cf_volumes *v, int n, int attempt, int restore,
                             bool rehearsal, char *buf);
char *cf_velero_stage_name(const struct cf_volumes *v, const char *claim, char *buf);
char *cf_velero_rehearsal_namespace(const struct cf_volumes *v, char *buf);
/* {run, way, pass, attempt} as labels; new reference. */
json_t *cf_velero_labels(const struct cf_volumes *v, int n, int attempt) CF_NODISCARD;
/* "crossfade.dev/run=<id>" and, when not NULL, ",<key>=<value>"; caller frees. */
char *cf_velero_selector(const struct cf_volumes *v, const char *key,
                         const char *value) CF_NODISCARD;
bool cf_velero_is_ours(const struct cf_volumes *v, const json_t *object);
bool cf_velero_is_files(const json_t *claim);

/* --- objects.c --- */

/* The first field of `sent` that `got` lacks or has otherwise, as a path into buf; false if none. */
bool cf_velero_pruned(const json_t *sent, const json_t *got, char *buf, size_t size);
/* Creates, or finds what an earlier try created: CONFLICT with the name when it is another's, INVALID
 * with the field that the cluster's Velero does not know. *out (may be NULL): as it stands. */
bool cf_velero_make(struct cf_kube *k, const json_t *object, json_t **out, struct cf_error *err);
/* All of a kind that carry the labels; [] where the cluster does not serve the kind. */
bool cf_velero_list(struct cf_kube *k, const char *api_version, const char *kind, const char *ns,
                    const char *selector, void (*trim)(json_t *), json_t **out,
                    struct cf_error *err) CF_NODISCARD;
/* Appends the second list to the first. */
bool cf_velero_list_more(struct cf_kube *k, const char *api_version, const char *kind,
                         const char *ns, const char *selector, json_t *items,
                         struct cf_error *err) CF_NODISCARD;
/* The Backup or Restore that is carried out while ours waits; its name into buf of CF_NAME_MAX, ""
 * if none. */
bool cf_velero_in_front(const struct cf_volumes *v, struct cf_kube *k, const char *kind,
                        const char *ours, char *buf, struct cf_error *err) CF_NODISCARD;
/* Deletes an object as it was read: it, and no other of its name; `unchanged`: and only if nobody has written
 * it since, which is no error but leaves it there. One that is going already is not asked again.
 * *out_gone: it is gone now. */
bool cf_velero_delete(struct cf_kube *k, const struct cf_object_ref *ref, const json_t *object,
                      bool unchanged, bool *out_gone, struct cf_error *err) CF_NODISCARD;
/* Deletes by name if it is there and carries this run's label; *out_gone when nothing of ours has
 * the name any more. */
bool cf_velero_drop(const struct cf_volumes *v, struct cf_kube *k, const struct cf_object_ref *ref,
                    bool *out_gone, struct cf_error *err) CF_NODISCARD;
/* Keeps of a pod what the room reads. */
void cf_velero_trim_pod(json_t *pod);
/* Whether the pod mounts the claim. */
bool cf_velero_mounts(const json_t *pod, const char *claim);
/* Whether it will never run again. */
bool cf_velero_pod_is_over(const json_t *pod);

/* --- passes.c --- */

/* The object under a key, made if need be; borrowed. */
json_t *cf_velero_object_in(json_t *parent, const char *key);
/* What the state has of this way; made on demand, and borrowed. So is the record of a pass. */
json_t *cf_way_open(const struct cf_volumes *v);
json_t *cf_pass_open(const struct cf_volumes *v, int n);
json_t *cf_pass_find(const json_t *state, const char *way, int n);
int cf_pass_attempt(const json_t *row);
/* Where a row (of a pass, or of its restore) stands. */
const char *cf_pass_phase(const json_t *row);
bool cf_pass_is(const json_t *row, const char *phase);
void cf_pass_go(json_t *row, const char *phase, int64_t now_ms);
/* How long `fingerprint` has been the same. */
int64_t cf_pass_quiet_ms(json_t *row, const char *fingerprint, int64_t now_ms);
/* Whether it stands in line behind somebody else's: that time is not its own. */
void cf_pass_in_line(json_t *row, bool waits, int64_t now_ms);
/* From the begin of this attempt, without the time in line. */
int64_t cf_pass_took_ms(const json_t *row, int64_t now_ms);
/* No attempt is left. */
void cf_pass_give_up(json_t *row);
/* Another attempt from `phase`, or the end of them: then *out says so. True: the state changed. */
bool cf_pass_again(json_t *row, const char *phase, int64_t now_ms, const char *why,
                   struct cf_moving *out);

/* Whether the next attempt is yet to wait, with *out saying so: three at once would all meet the same. */
bool cf_pass_rests(const json_t *row, int64_t now_ms, struct cf_moving *out);

/* All return true, for `return cf_moving_waits(…)`. */
bool cf_moving_waits(struct cf_moving *out, int64_t wait_ms, const char *fmt, ...) CF_PRINTF(3, 4);
bool cf_moving_stuck(struct cf_moving *out, const char *fmt, ...) CF_PRINTF(2, 3);
bool cf_moving_failed(struct cf_moving *out, const char *fmt, ...) CF_PRINTF(2, 3);
bool cf_moving_done(struct cf_moving *out);

/* --- restore.c, verify.c --- */

/* Whether what was restored of pass n stands; where cf_volumes_again has let it be restored again, that is
 * gone on with, and *out says how far it is. The pods that read it go with its stage pods. */
bool cf_velero_restored(const struct cf_volumes *v, int n, bool *out_so, struct cf_moving *out,
                        struct cf_error *err) CF_NODISCARD;

/* Makes a verification that has failed begin again; false: it had not. *out_differs: what was restored is
 * not what was backed up, and has to be restored again. */
bool cf_verify_again(json_t *row, int64_t now_ms, bool *out_differs);

/* What pods of ours tolerate that mount a claim at `from`: what the workload's do, for its nodes may be the only
 * ones that reach the volume, and to be evicted by nobody. New reference. */
json_t *cf_velero_tolerations(const json_t *claim) CF_NODISCARD;

/* --- stage_pods.c --- */

struct cf_stage {
    const struct cf_volumes *v;
    int n;
    enum cf_pass_source source;
    json_t *row; /* of the pass */
};
/* Every claim has its pod, and those that must run do. False in *out_ready: *out says why. */
bool cf_stage_up(const struct cf_stage *s, bool *out_ready, struct cf_moving *out,
                 struct cf_error *err) CF_NODISCARD;
/* While the workloads run: whether one of their pods waits for a volume that a stage pod holds on
 * another node; its words into `why`. */
bool cf_stage_is_in_the_way(const struct cf_stage *s, bool *out_so, char *why, size_t size,
                            struct cf_error *err) CF_NODISCARD;
/* All of this run's stage pods of a namespace; *out_gone when none is left. */
bool cf_stage_down(const struct cf_volumes *v, struct cf_kube *k, const char *ns, bool *out_gone,
                   struct cf_error *err) CF_NODISCARD;

/* --- location.c --- */

/* Whether the location at the data's side (`writes`), or at the other, is Available; otherwise *out
 * says why not. */
bool cf_location_serves(const struct cf_volumes *v, bool writes, bool *out_so,
                        struct cf_moving *out, struct cf_error *err) CF_NODISCARD;

/* --- take_back.c --- */

/* The name of a pod that runs on the claim and is no stage pod of anybody's, or NULL. */
const char *cf_claim_user(const json_t *pods, const char *claim);
/* A cf_kube_each_fn; its argument is the client. */
bool cf_claim_delete(void *kube, const json_t *claim, struct cf_error *err);

/* --- cancel.c, objects.c --- */

/* For how long the other side alone has been waited for, kept in the state; `only` false: it is not. */
int64_t cf_velero_there_ms(const struct cf_volumes *v, bool only);
/* Sets spec.cancel on every volume operation of the list that still moves; *out_moving counts them. */
bool cf_velero_cancel_all(struct cf_kube *k, const json_t *operations, int *out_moving,
                          struct cf_error *err) CF_NODISCARD;
/* What a Backup or Restore that has not ended waits for, noted in the row of its pass or restore; *out is
 * stuck when that has lasted too long. What moves its volumes is canceled if it cannot go on. */
bool cf_velero_goes_on(const struct cf_volumes *v, struct cf_kube *k, json_t *row,
                       const json_t *object, const json_t *operations, struct cf_moving *out,
                       struct cf_error *err) CF_NODISCARD;
/* PodVolumeBackups and DataUploads (or their counterparts of a restore) with this parent. */
bool cf_velero_operations(struct cf_kube *k, const char *ns, const char *label, const char *parent,
                          json_t **out, struct cf_error *err) CF_NODISCARD;
struct cf_object_ref cf_velero_ref(const struct cf_volumes *v, const char *kind, const char *name);

#endif
