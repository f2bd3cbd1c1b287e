/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's table: the data of persistent volumes. */
#include "orchestrator/plan/limits.h"
#include "orchestrator/plan/schema.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SECOND_MS  1000.0
#define DAY_MS     86400000.0

#define STRATEGIES WORDS("none", "veleroFsBackup", "veleroSnapshot", "external")
#define PROOFS     WORDS("none", "checksum")

/* clang-format off */
const struct cf_schema_row cf_schema_volumes[] = {
    { "/spec/volumes", CF_SCHEMA_OBJECT,
      .example = "{default: {strategy: veleroFsBackup}}",
      .help = "The data of persistent volumes (docs/volumes.md). Left out: claims are copied without "
              "their data" },
    { "/spec/volumes/default", CF_SCHEMA_OBJECT, CF_SCHEMA_REQUIRED,
      .example = "{strategy: veleroFsBackup}",
      .help = "For the claims that no row of `claims` names" },
    { "/spec/volumes/default/strategy", CF_SCHEMA_WORD, CF_SCHEMA_REQUIRED, .words = STRATEGIES,
      .example = "veleroFsBackup",
      .help = "`veleroFsBackup`: files, read where the volume is mounted. `veleroSnapshot`: CSI "
              "snapshots, moved by Velero's data mover. `external`: the application replicates, and "
              "`until` says when. `none`: the claim is copied, its data is not" },
    { "/spec/volumes/default/strategy=snapshot", CF_SCHEMA_WORD, CF_SCHEMA_NOTE,
      .help = "it is called `veleroSnapshot`" },
    { "/spec/volumes/default/verify", CF_SCHEMA_WORD, .dflt = "none", .words = PROOFS,
      .help = "Beyond what Velero reports for each claim: `checksum` reads every file on both sides "
              "after the final pass, inside the freeze, and compares" },
    { "/spec/volumes/claims", CF_SCHEMA_LIST, .dflt = "[]", .max = CF_PLAN_CLAIM_ROWS_MAX,
      .example = "[{name: data-db-*, strategy: veleroSnapshot}]",
      .help = "Claims that differ from the default; the first row that fits counts" },
    { "/spec/volumes/claims/*", CF_SCHEMA_OBJECT,
      .example = "{name: data-db-*, strategy: veleroSnapshot}",
      .help = "One claim, or several by a pattern" },
    { "/spec/volumes/claims/*/name", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_NAME_PATTERN, .example = "data-db-0",
      .help = "Name of the claim in the source; `*` stands for any characters" },
    { "/spec/volumes/claims/*/strategy", CF_SCHEMA_WORD, .dflt = "= spec.volumes.default.strategy",
      .words = STRATEGIES,
      .help = "Its strategy" },
    { "/spec/volumes/claims/*/verify", CF_SCHEMA_WORD, .dflt = "= spec.volumes.default.verify",
      .words = PROOFS,
      .help = "Its proof" },
    { "/spec/volumes/claims/*/storageClass", CF_SCHEMA_TEXT, .format = CF_FORMAT_OBJECT_NAME,
      .example = "ceph-rbd",
      .help = "Its StorageClass in the target. Left out: the source's name" },
    { "/spec/volumes/claims/*/size", CF_SCHEMA_TEXT, .format = CF_FORMAT_QUANTITY,
      .example = "200Gi",
      .help = "What it asks for in the target. Left out: what the source's claim asks for" },
    { "/spec/volumes/claims/*/until", CF_SCHEMA_OBJECT,
      .example = "{kind: StatefulSet, name: db, pointer: /status/readyReplicas, equals: \"3\"}",
      .help = "`external` only: the switch waits until this object says that the data is there" },
    { "/spec/volumes/claims/*/until/side", CF_SCHEMA_WORD, .dflt = "target",
      .words = WORDS("target", "source"),
      .help = "Where the object is" },
    { "/spec/volumes/claims/*/until/apiVersion", CF_SCHEMA_TEXT, .dflt = "v1",
      .format = CF_FORMAT_API_VERSION,
      .help = "Its API version" },
    { "/spec/volumes/claims/*/until/kind", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_KIND, .example = "ConfigMap",
      .help = "Its kind" },
    { "/spec/volumes/claims/*/until/name", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_OBJECT_NAME, .example = "replication",
      .help = "Its name, in the namespace of that side" },
    { "/spec/volumes/claims/*/until/pointer", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_POINTER, .example = "/data/state",
      .help = "JSON pointer (RFC 6901) of the value" },
    { "/spec/volumes/claims/*/until/equals", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_ANY, .example = "in-sync",
      .help = "What it is then; numbers and booleans as text" },
    { "/spec/volumes/syncEvery", CF_SCHEMA_DURATION, .dflt = "15m", .min = 10 * SECOND_MS,
      .max = DAY_MS,
      .help = "From the end of a pass to the next, while the service runs, after the first `passes`, "
              "which follow one another at once. A pass sends what has changed since the one before" },
    { "/spec/volumes/passes", CF_SCHEMA_INT, .dflt = "2", .min = 1, .max = CF_PLAN_PASSES_MAX,
      .help = "So many of them at least before the freeze" },
    { "/spec/volumes/finalSync", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{maxPause: 2m}",
      .help = "The freeze: the workloads that mount the claims stop, one more pass, and the target's "
              "start on the result" },
    { "/spec/volumes/finalSync/maxPause", CF_SCHEMA_DURATION, .dflt = "5m", .min = SECOND_MS,
      .max = DAY_MS,
      .help = "The longest that they may stand still. A forecast whose p90 is beyond it means that "
              "nothing is frozen" },
    { "/spec/volumes/finalSync/onExceeded", CF_SCHEMA_WORD, .dflt = "rollback",
      .words = WORDS("rollback", "continue"),
      .help = "When the freeze takes longer all the same: `rollback` starts the source again, "
              "`continue` goes on and says so" },
    { "/spec/volumes/finalSync/rehearse", CF_SCHEMA_BOOL, .dflt = "true",
      .help = "Restores a pass into a namespace of its own in the target before, for the forecast, "
              "and throws it away. Without it the restore is missing from the forecast, which says so; "
              "the rest is still held against `maxPause`" },
    { "/spec/volumes/finalSync/gitops", CF_SCHEMA_WORD, .dflt = "pause",
      .words = WORDS("pause", "byHand"),
      .help = "Argo CD's Applications and Flux's Kustomizations and HelmReleases that keep those "
              "workloads: `pause` pauses them for the freeze and lets them go after a rollback; `byHand` "
              "says that a person does, for those in another cluster or out of our rights" },
    { "/spec/volumes/finalSync/quiesce", CF_SCHEMA_LIST, .dflt = "[]",
      .max = CF_PLAN_QUIESCE_MAX,
      .example = "[{kind: Deployment, name: ledger-api}]",
      .help = "Further workloads of the source that stop with the freeze; those that mount claims that "
              "Velero moves do in any case" },
    { "/spec/volumes/finalSync/quiesce/*", CF_SCHEMA_OBJECT,
      .example = "{kind: Deployment, name: ledger-api}",
      .help = "One workload" },
    { "/spec/volumes/finalSync/quiesce/*/kind", CF_SCHEMA_WORD, CF_SCHEMA_REQUIRED,
      .words = WORDS("Deployment", "StatefulSet", "CronJob"), .example = "Deployment",
      .help = "Its kind" },
    { "/spec/volumes/finalSync/quiesce/*/name", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_OBJECT_NAME, .example = "ledger-api",
      .help = "Its name" },
    { "/spec/volumes/velero", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{location: there, backLocation: back}",
      .help = "Velero in both clusters" },
    { "/spec/volumes/velero/namespace", CF_SCHEMA_TEXT, .dflt = "velero", .format = CF_FORMAT_NAME,
      .help = "Where it runs" },
    { "/spec/volumes/velero/location", CF_SCHEMA_TEXT, .format = CF_FORMAT_OBJECT_NAME,
      .example = "there",
      .help = "The source's BackupStorageLocation; the target's is the one with the same bucket and "
              "prefix. Left out: the source's default" },
    { "/spec/volumes/velero/backLocation", CF_SCHEMA_TEXT, .format = CF_FORMAT_OBJECT_NAME,
      .example = "back",
      .help = "The target's BackupStorageLocation for passes the other way, with a prefix of its own. "
              "Needed for `rollback.targetData: reverse`" },
    { "/spec/volumes/velero/image", CF_SCHEMA_TEXT, .dflt = "busybox:stable",
      .format = CF_FORMAT_IMAGE, .example = "registry.dc1/busybox:stable",
      .help = "Image of our pods in every pass and restore, which both clusters must be able to pull: it "
              "has `sleep`, and for `verify: checksum` a POSIX shell with busybox's tools" },
    { 0 },
};
/* clang-format on */
