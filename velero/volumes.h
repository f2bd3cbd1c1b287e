/* SPDX-License-Identifier: Apache-2.0 */
/* How the data of claims gets from one cluster to another through Velero: the port of this room.
 *
 * Called by: preflight (look, check) and the run steps volume.sync, quiesce, volume.final_sync and
 * cleanup, from worker threads, straight-line and blocking. Velero is driven by its objects alone
 * (POST, merge patches of labels and spec.cancel, DELETE and DeleteBackupRequests; never a PUT, for
 * none of its kinds has a status subresource). Nothing is kept between calls: what the room needs
 * later it notes in `state`, which the caller stores before it calls again.
 *
 * Words: a *pass* is one backup of all claims (numbered from 1 in each direction); *handing over* is
 * waiting until the other cluster's Velero knows the whole of it, or making it known; the *way* is
 * the direction of the data: "there" (source to target) or "back". *Evidence* is what Velero itself
 * reports per claim, held against the claims that the plan expects: a pass without it is not done,
 * whatever phase its Backup shows.
 *
 * Promise: every function may be killed anywhere and called again. Names are made from run, way,
 * pass and attempt, so that an object made just before a crash is known again (and adopted by its
 * label `crossfade.dev/run`); another attempt of a pass is another name, because a bucket takes a
 * name once. What a look saw last, to tell progress from standstill, is in the state too, and need not
 * be stored at each look (cf_volumes_state_differs). Times of two clusters are never compared; durations are by the caller's clock. */
#ifndef CF_VELERO_VOLUMES_H
#define CF_VELERO_VOLUMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

struct cf_kube;

enum { CF_MOVING_WHY_MAX = 700 }; /* fits a hold's message with the clusters' names around it */

#define CF_VELERO_STAGE_IMAGE "busybox:stable"

/* What the pods of cf_volumes_verify run: any image with a shell, find, xargs, stat, sha256sum, awk and
 * sort. */
#define CF_VELERO_VERIFY_IMAGE "docker.io/library/busybox:1.37"

/* On the pods through which passes see the claims: the run's id, and "files" (mounts its claim, so
 * that fs-backup can read it), "pointer" (is never scheduled, and only names it) or "verify" (reads
 * every file). A fence of the
 * workloads lets pods with the second label through, in both clusters. */
#define CF_VELERO_LABEL_RUN   "crossfade.dev/run"
#define CF_VELERO_LABEL_STAGE "crossfade.dev/stage"
/* On claims that a restore of ours made, with the run's id: another key than the copies', whose undo
 * must not take claims for its own. */
#define CF_VELERO_LABEL_VOLUMES "crossfade.dev/volumes"

/* One way of one run's volumes; all borrowed for the call. "from" and "to" are in the direction of
 * the data. */
struct cf_volumes {
    struct cf_kube *from, *to;
    const char *from_namespace, *to_namespace; /* where the claims are, and shall be */
    const char *velero_namespace;              /* in both clusters */
    const char *from_location, *to_location;   /* BackupStorageLocations, same bucket and prefix */
    const char *run_id;
    const char *way; /* "there" or "back" */
    /* An image with `sleep`, for stage pods; NULL or "": CF_VELERO_STAGE_IMAGE. Both clusters must be able
     * to pull it. */
    const char *stage_image;
    /* What the pods of cf_volumes_verify run; NULL or "": stage_image, and without that
     * CF_VELERO_VERIFY_IMAGE. */
    const char *verify_image;
    /* What is expected, all of it: [{"name": of the claim, "strategy": "veleroFsBackup" |
     * "veleroSnapshot", "storageClass": at `to`, or "" for the same, "size": of the claim at `to`, or ""
     * for the same, "workload": {"apiVersion", "kind", "name"} that mounts it or null,
     * "mounts": [{"pod template's volume name" …}], "placement": {"nodeSelector", "affinity",
     * "tolerations"} of the pod template at `to`, or absent: where a volume that waits for its first
     * consumer is made, "tolerations": of the pods that mount it at `from`, or absent, "verify": "checksum" or absent}]. Claims of strategy external and none are not here. */
    const json_t *claims;
    json_t *state;  /* an object of the room's own */
    int64_t now_ms; /* wall, the caller's */
};

/* Whether the newer of two states is to be stored before the next call: they differ in more than what a
 * look saw last, or that has become so old that standstill would go unnoticed. */
bool cf_volumes_state_differs(const json_t *before, const json_t *now);

/* How far a call has come. Zeroed by the caller. */
struct cf_moving {
    bool done;
    bool waits; /* nothing can be done now: look again after wait_ms; `why` says what for. Otherwise
                   (neither done nor waits) store the state and call again at once */
    int64_t wait_ms;
    bool stuck;  /* with `waits`: no progress for longer than this thing may take, or only a person
                    can help; `why` says what is stuck and what to do */
    bool failed; /* this pass will not become good, and another attempt was made as often as it
                    may: `why` says which claim lacks what */
    bool lost;   /* the pass's Backup was deleted: make another, or call on: this one is made again,
                    until it has `failed` as often as it may */
    int64_t
        there_ms; /* while cf_volumes_cancel or cf_volumes_take_back waits, or fails: for so long
                         for the other side alone, and nothing touches the data's side; 0: it does, or
                         this is the first call of which that is true */
    int64_t bytes, bytes_total; /* moved by what is under way, as Velero reports it; 0: unknown */
    int64_t at_ms;              /* when these were read; 0: they were not */
    int claims, claims_total;   /* whose bytes are there, of those that move; 0 of 0: not counted */
    char why[CF_MOVING_WHY_MAX];
};

/* ---- looking, for preflight ---- */

/* One cluster's Velero as it is: {"installed": bool, "version": "v1.18.3" (ServerStatusRequest; "" when
 * it does not answer), "plugins": ["…"], "kinds": {"datauploads": bool, …}, "prunes": [fields of ours
 * that its CRDs do not know], "locations": [{"name", "provider", "bucket", "prefix", "accessMode",
 * "phase", "message", "lastSyncedAt", "isDefault"}], "agent": {"present", "nodes": ["n1"],
 * "missing": ["n2"], "ignoreDelayBinding"}, "classes": [{"name", "provisioner", "bindingMode",
 * "isDefault"}], "snapshotClasses": [{"name", "driver", "labelled"}], "running": [{"kind", "name",
 * "phase"}] (backups and restores that are not ours)}. New reference. `run_id` "": a
 * ServerStatusRequest is the only thing that is written, under a name of its own. */
bool cf_velero_look(struct cf_kube *kube, const char *velero_namespace, const char *run_id,
                    json_t **out_facts, struct cf_error *err) CF_NODISCARD;

/* The location at the other side with the same provider, bucket and prefix, or NULL (borrowed from the
 * facts). `name` "": the default one at the `from` side; *out_from gets the one that is meant. */
const json_t *cf_velero_pair(const json_t *from_facts, const json_t *to_facts, const char *name,
                             const json_t **out_from);

/* Holds what the plan asks for against what both sides have, by a table of rules: pure. `request`:
 * {"claims": [{"name", "strategy", "verify", "storageClass", "claim": {…} (as read), "volume": {…} or null,
 * "pods": [{…}] that mount it, "workload": {…} or null}], "from": facts, "to": facts, "location",
 * "backLocation" ("" : no way back with data), "toClaims": [{…}] that exist in the target namespace,
 * "toQuotas": [{…}], "clusters": {"from","to"}}. Appends {"rule", "level": "blocker|warning",
 * "claim": "" or its name, "message", "hint"} to `findings`. */
void cf_velero_check(const json_t *request, json_t *findings);

/* ---- passes ---- */

/* What a pass copies from. Both see the claims through pods of ours, one per claim, whose names are
 * the same in every pass of the run; they stand only as long as the pass, or until it is canceled. */
enum cf_pass_source {
    CF_PASS_LIVE, /* the workloads run: the stage pod of a claim that one node mounts is beside its
                       pod, and the pass gives way when that pod is moved to another node */
    CF_PASS_FROZEN, /* they do not: on the node of the live pass, or anywhere when that does not do */
};

/* Pass `n` at the side where the data is: stage pods where they are needed, the Backup, its end, the
 * evidence of every claim. Done: every claim's bytes are in the bucket; the stage pods of a live pass are
 * gone, those of a frozen one go (cf_volumes_cancel waits for them). */
bool cf_volumes_backup(const struct cf_volumes *v, int n, enum cf_pass_source source,
                       struct cf_moving *out, struct cf_error *err) CF_NODISCARD;

/* The other cluster's Velero knows the whole of pass n: the Backup in its final phase, each of its
 * PodVolumeBackups, a sync that ended after it came; or all of that written by us, the fast way. A
 * Backup that somebody has deleted is made again first, under the next attempt's name. */
bool cf_volumes_hand_over(const struct cf_volumes *v, int n, struct cf_moving *out,
                          struct cf_error *err) CF_NODISCARD;

/* Pass n into a namespace of the other cluster: v->to_namespace, or a scratch one of ours
 * (`rehearsal`, removed by cf_volumes_clean). Hands over by itself what is not handed over yet, or not
 * any more. Foreign restores in front are named. Done: every claim is Bound and its bytes are there
 * (fs-backup leaves an empty file in a folder .velero/ at the top: whoever compares leaves that out).
 * Claims that exist are never written over: stuck, by name. */
bool cf_volumes_restore(const struct cf_volumes *v, int n, bool rehearsal, struct cf_moving *out,
                        struct cf_error *err) CF_NODISCARD;

/* Whoever had used up its attempts gets as many again, for a person has mended the cause: passes of
 * what stands still, and restores (a live pass that failed is followed by another number), and the proof
 * of their files: where it has found a difference, of another restore. Pure; true: there was one. */
bool cf_volumes_again(json_t *state, const char *way, int64_t now_ms);

/* Whether the servers are free for a pass and its restore: nobody else's Backup is before ours at the
 * data's side, nobody else's Restore at the other. Waits: it is named. Before a freeze, for each
 * server does one thing at a time. */
bool cf_volumes_slot(const struct cf_volumes *v, struct cf_moving *out,
                     struct cf_error *err) CF_NODISCARD;

/* What was measured and proved of pass n of a way, for the run's record: {"pass", "way", "backup",
 * "attempt", "phase", "backupMs", "handOverMs", "handedOver": "written" (by us) | "synced" | null,
 * "restoreMs", "rehearsalMs", "bytes", "incrementalBytes" (of all; null: not known of each),
 * "claims": [{"name", "bytes", "incrementalBytes" or null, "source":
 * "PodVolumeBackup/…", "empty", "backupOk", "restoredBytes" or null, "restoreOk", "why"}]}; new
 * reference; NULL when there is none yet. Times are of the attempt that became good, without the time
 * in line behind other people's: of a pass until every claim has its evidence, of a restore until its
 * stage pods are gone again, too. The claims of old passes are not kept: take the report when a pass is
 * done. */
json_t *cf_volumes_pass_report(const json_t *state, const char *way, int n) CF_NODISCARD;

/* ---- claims in the way (replace.c) ---- */

/* Sets the claims at v->to aside that are in the way of a restore: their volumes stay (reclaim policy
 * Retain) and are noted in the state, the claims go. Nothing of theirs may be mounted. Done: the names
 * are free. */
bool cf_volumes_set_aside(const struct cf_volumes *v, struct cf_moving *out,
                          struct cf_error *err) CF_NODISCARD;

/* Undoes that: what a restore made in their place goes, and the claims get their volumes back. Done
 * at once when nothing was set aside. */
bool cf_volumes_put_back(const struct cf_volumes *v, struct cf_moving *out,
                         struct cf_error *err) CF_NODISCARD;

/* ---- proof ---- */

/* Reads every file of the claims whose row says `verify: checksum`, at both ends side by side, and
 * compares: between the restore of the last pass and the start of the target's writers, while nobody
 * writes. Done: equal (and our pods are gone). Failed: `why` names the first differences; the report has
 * more; cf_volumes_cancel (or this, once more) takes the pods away. Restores by itself what
 * cf_volumes_again has let be restored again. Claims without it: done at once. What is compared is the
 * kind, size and SHA-256 of every entry; owners and modes that differ are in the report, and no failure,
 * for storage may map them. */
bool cf_volumes_verify(const struct cf_volumes *v, int n, struct cf_moving *out,
                       struct cf_error *err) CF_NODISCARD;

/* {"pass", "way", "ms", "phase": "done|failed|" (under way), "claims": [{"name", "verdict":
 * "equal|different|unreadable|" (not yet), "ms", "files", "directories", "links", "others" (sockets and the
 * like: counted, not compared), "bytes", "seconds" (of the slower end), "digest", "differences": {"total" or null, "atLeast",
 * "attributes", "listed": [{"path", "what", "from", "to"}], "why"} or null}]}; new reference, NULL when
 * nothing was begun. Names of files stand in it, shortened; what is in them never does. */
json_t *cf_volumes_verify_report(const json_t *state, const char *way, int n) CF_NODISCARD;

/* ---- ending ---- */

/* Stops what is under way: cancels our volume operations, deletes Backups and Restores that have not
 * begun and all stage pods; done when nothing of ours moves bytes or holds a volume any more. Before
 * workloads are started again; those of the data's side may be as soon as there_ms says so. */
bool cf_volumes_cancel(const struct cf_volumes *v, struct cf_moving *out,
                       struct cf_error *err) CF_NODISCARD;

/* Claims that our restores made in the target, taken away again (undo; never others, never bound to
 * a pod that runs). */
bool cf_volumes_take_back(const struct cf_volumes *v, struct cf_moving *out,
                          struct cf_error *err) CF_NODISCARD;

/* Everything that the room made and nobody needs any more: older passes (`keep` the last n; 0: none),
 * restores, modifiers, stage pods, the scratch namespace. Never fails a run: what will not go is in
 * `why` and tried again by the next call. */
bool cf_volumes_clean(const struct cf_volumes *v, int keep, struct cf_moving *out,
                      struct cf_error *err) CF_NODISCARD;

#endif
