/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's table, second part: what is copied, and how. */
#include "orchestrator/plan/limits.h"
#include "orchestrator/plan/schema.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define DAY_MS     86400000.0

/* clang-format off */
/* Which objects, at a path; `kind_flags` says whether the kind must be named. */
#define MATCH(at, kind_flags)                                                                      \
    { at "/apiVersion", CF_SCHEMA_TEXT, .format = CF_FORMAT_API_VERSION,                           \
      .help = "API version of the objects, where a kind exists in several groups" },               \
    { at "/kind", CF_SCHEMA_TEXT, kind_flags, .format = CF_FORMAT_KIND, .example = "Deployment",   \
      .help = "Kind of the objects" },                                                             \
    { at "/name", CF_SCHEMA_TEXT, .format = CF_FORMAT_NAME_PATTERN,                                \
      .help = "Their name; `*` stands for any characters" },                                       \
    { at "/selector", CF_SCHEMA_TEXT, .format = CF_FORMAT_SELECTOR,                                \
      .help = "Label selector as kubectl takes it: `app=web,tier!=cache`" }

const struct cf_schema_row cf_schema_workloads[] = {
    { "/spec/workloads", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{include: [{kind: Deployment, name: web}]}",
      .help = "What is copied. Left out: everything that the routers' source destinations "
              "select, with all that it depends on; never the whole namespace" },
    { "/spec/workloads/include", CF_SCHEMA_LIST, .dflt = "[]", .max = CF_PLAN_INCLUDE_MAX,
      .example = "[{kind: Deployment, name: web}]",
      .help = "Objects to copy. An empty list means what the routers reach" },
    { "/spec/workloads/include/*", CF_SCHEMA_OBJECT,
      .example = "{kind: Deployment, name: web}",
      .help = "All conditions that are given must hold" },
    MATCH("/spec/workloads/include/*", CF_SCHEMA_REQUIRED),
    { "/spec/workloads/include/*/start", CF_SCHEMA_WORD, .dflt = "= spec.workloads.start",
      .words = WORDS("auto", "now", "atSwitch"),
      .help = "`start` for the workloads of this row" },
    { "/spec/workloads/include/*/onConflict", CF_SCHEMA_WORD,
      .dflt = "= spec.workloads.onConflict", .words = WORDS("fail", "adopt", "overwrite"),
      .help = "`onConflict` for the objects of this row" },
    { "/spec/workloads/include/*/after", CF_SCHEMA_LIST, .min = 1, .max = CF_PLAN_AFTER_MAX,
      .example = "[StatefulSet/db]",
      .help = "Rows of `include` whose objects must be healthy in the target before anything of this "
              "row, and what only it needs, is written there: waves inside one plan "
              "(docs/copying.md)" },
    { "/spec/workloads/include/*/after/*", CF_SCHEMA_TEXT, .format = CF_FORMAT_ROW,
      .example = "StatefulSet/db",
      .help = "Kind and name as they stand in that row; the kind alone where it has no name" },
    { "/spec/workloads/exclude", CF_SCHEMA_LIST, .dflt = "[]", .max = CF_PLAN_INCLUDE_MAX,
      .example = "[{kind: Secret, name: tls-*}]",
      .help = "Objects that are not copied, not even as a dependency" },
    { "/spec/workloads/exclude/*", CF_SCHEMA_OBJECT,
      .example = "{kind: Secret, name: tls-*}",
      .help = "All conditions that are given must hold" },
    MATCH("/spec/workloads/exclude/*", CF_SCHEMA_REQUIRED),
    { "/spec/workloads/dependencies", CF_SCHEMA_WORD, .dflt = "auto",
      .words = WORDS("auto", "listed"),
      .help = "`auto`: all that the workloads need and all that acts on them is found and copied "
              "with them (docs/copying.md says what). `listed`: only what `include` lists, and the "
              "namespace; what that needs and is not listed must be in the target" },
    { "/spec/workloads/onConflict", CF_SCHEMA_WORD, .dflt = "fail",
      .words = WORDS("fail", "adopt", "overwrite"),
      .help = "When the target already has an object of that name: `fail` stops before "
              "anything is written, `adopt` takes it only if it is equal, `overwrite` keeps a "
              "sealed copy for the way back and writes ours" },
    { "/spec/workloads/start", CF_SCHEMA_WORD, .dflt = "auto",
      .words = WORDS("auto", "now", "atSwitch"),
      .help = "When the copies run: `now` as soon as they are copied, `atSwitch` with no replicas "
              "until all traffic has moved (queue consumers, leaders), `auto`: `now` for what the "
              "routers reach, `atSwitch` for the rest. What the routers reach never waits for the "
              "switch" },
    { "/spec/workloads/transforms", CF_SCHEMA_LIST, .dflt = "[]", .max = CF_PLAN_TRANSFORMS_MAX,
      .example = "[{imageRegistry: {from: registry.dc1, to: registry.dc2}}]",
      .help = "Changes made to the copies, in this order. Each row holds one change" },
    { "/spec/workloads/transforms/*", CF_SCHEMA_OBJECT,
      .example = "{imageRegistry: {from: registry.dc1, to: registry.dc2}}",
      .help = "Either `mergePatch` or `imageRegistry`" },
    { "/spec/workloads/transforms/*/match", CF_SCHEMA_OBJECT,
      .example = "{kind: Deployment}",
      .help = "Which objects are changed; left out: all" },
    MATCH("/spec/workloads/transforms/*/match", 0),
    { "/spec/workloads/transforms/*/mergePatch", CF_SCHEMA_JSON,
      .example = "{spec: {storageClassName: ceph-rbd}}",
      .help = "JSON merge patch (RFC 7396): mappings merge, `null` removes, everything else "
              "replaces" },
    { "/spec/workloads/transforms/*/imageRegistry", CF_SCHEMA_OBJECT,
      .example = "{from: registry.dc1, to: registry.dc2}",
      .help = "Rewrites where images come from" },
    { "/spec/workloads/transforms/*/imageRegistry/from", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_IMAGE_PREFIX,
      .example = "registry.dc1",
      .help = "Registry, with or without the beginning of a path, of the images to rewrite" },
    { "/spec/workloads/transforms/*/imageRegistry/to", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED,
      .format = CF_FORMAT_IMAGE_PREFIX,
      .example = "registry.dc2",
      .help = "What stands there in the target" },
    { "/spec/workloads/replicas", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{min: 2}",
      .help = "How many pods the copies have" },
    { "/spec/workloads/replicas/target", CF_SCHEMA_WORD, .dflt = "match",
      .words = WORDS("match"),
      .help = "`match`: as many as the source has when it is copied" },
    { "/spec/workloads/replicas/min", CF_SCHEMA_INT, .dflt = "1", .min = 1, .max = 10000,
      .help = "At least so many, for each workload that has any in the source" },
    { "/spec/workloads/replicas/warmUp", CF_SCHEMA_DURATION, CF_SCHEMA_LATER,
      .help = "Time between Ready and the first traffic" },
    { "/spec/copy", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{method: direct}",
      .help = "How objects get to the target" },
    { "/spec/copy/method", CF_SCHEMA_WORD, .dflt = "direct",
      .words = WORDS("direct", "karmada", "clusternet", "!velero"),
      .help = "`direct`: written to the target's API server by server-side apply, after a dry "
              "run of every object. `karmada`: templates and policies in Karmada's API server "
              "(`controlPlane`), which writes them into the target, one of its members. "
              "`clusternet`: templates and Subscriptions in Clusternet's hub (`controlPlane`), "
              "which deploys them to the target alone" },
    { "/spec/copy/method=apply", CF_SCHEMA_WORD, CF_SCHEMA_NOTE,
      .help = "it is called `direct`" },
    { "/spec/copy/controlPlane", CF_SCHEMA_TEXT, .format = CF_FORMAT_NAME,
      .example = "karmada",
      .help = "The registered cluster that is the federation's API server. Needed for `karmada` and "
              "`clusternet`" },
    { "/spec/copy/mode", CF_SCHEMA_WORD, .dflt = "= `targetOnly` for `karmada`",
      .words = WORDS("targetOnly", "adopt"),
      .help = "`targetOnly`: the control plane never hears of the source. `adopt`: it takes the "
              "source's objects over without a restart, also from a policy that places them there "
              "already, widens their placement to the target and, after the commit, lets the "
              "source go" },
    { "/spec/copy/onConflict", CF_SCHEMA_WORD, .dflt = "= `abort` for a federation",
      .words = WORDS("abort", "overwrite"),
      .help = "When the control plane finds an object of that name in the target that it does not "
              "manage: `abort` holds and names it, `overwrite` keeps a sealed copy for the way "
              "back and lets it be taken over" },
    { "/spec/copy/overrides", CF_SCHEMA_WORD, .dflt = "= `policy` for `karmada`",
      .words = WORDS("policy", "template"),
      .help = "Where the values of the target alone stand (`workloads.transforms`, replicas, "
              "claims): `policy`: in an OverridePolicy for the target, `template`: in the template "
              "itself" },
    { "/spec/copy/timeout", CF_SCHEMA_DURATION, .dflt = "30m", .min = 60000, .max = 7 * DAY_MS,
      .help = "From the first copy until everything is healthy in the target; then the run "
              "holds" },
    { 0 },
};
/* clang-format on */
