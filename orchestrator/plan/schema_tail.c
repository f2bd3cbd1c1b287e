/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's table, last part: the way back, commit, what happens to the source, and what is
 * planned. */
#include "orchestrator/plan/schema.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define DAY_MS     86400000.0

/* clang-format off */
const struct cf_schema_row cf_schema_tail[] = {
    { "/spec/rollback", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{on: [gate, deadline]}",
      .help = "The way back: traffic first, all routers at once, then everything else in "
              "reverse order. An operator may ask for it at any time before commit" },
    { "/spec/rollback/on", CF_SCHEMA_LIST, .dflt = "[\"gate\", \"deadline\"]", .max = 3,
      .example = "[gate, deadline]",
      .help = "What makes a run go back by itself. Without `gate`, a breach holds the run" },
    { "/spec/rollback/on/*", CF_SCHEMA_WORD, .words = WORDS("gate", "deadline", "!clusterLost"),
      .help = "`gate`: a gate's breach. `deadline`: `spec.traffic.deadline` has passed" },
    { "/spec/rollback/mode", CF_SCHEMA_WORD, .dflt = "immediate", .words = WORDS("immediate"),
      .help = "`immediate`: the whole weight in one write" },
    { "/spec/rollback/targetWorkloads", CF_SCHEMA_WORD, .dflt = "delete",
      .words = WORDS("delete", "!scaleDown", "!keep"),
      .help = "`delete`: what the run created is removed, what it adopted or overwrote is "
              "given back" },
    { "/spec/rollback/unquiesceSource", CF_SCHEMA_BOOL, CF_SCHEMA_NOTE,
      .help = "remove it: what a freeze stopped always starts again" },
    { "/spec/rollback/targetData", CF_SCHEMA_WORD, .dflt = "= `discard` where `spec.volumes` moves data",
      .words = WORDS("discard", "reverse"),
      .help = "When the target's writers have started, and what they wrote is not in the source: "
              "`discard` goes back to the source's data as it was at the freeze, and only when a "
              "person agrees to the loss; `reverse` freezes the target and brings its data back "
              "through Velero first, by itself too" },
    { "/spec/commit", CF_SCHEMA_WORD, .dflt = "manual", .words = WORDS("manual", "auto"),
      .help = "The point after which the source may be touched: `manual` waits for `crossfade "
              "commit`, `auto` follows the last step. Before it the way back is always open" },
    { "/spec/cleanup", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{source: scaleToZero, after: 72h}",
      .help = "The source after commit" },
    { "/spec/cleanup/source", CF_SCHEMA_WORD, .dflt = "scaleToZero",
      .words = WORDS("scaleToZero", "keep", "!delete"),
      .help = "`scaleToZero`: its workloads stop once the routers' metrics show no request to "
              "them; where nothing measures that, the run waits for `crossfade advance`. Calls "
              "within the cluster that pass by the routers are not seen. What must not run twice "
              "(CronJobs, Jobs, `start: atSwitch`) stops at commit in any case. "
              "`keep`: they stay as they are" },
    { "/spec/cleanup/after", CF_SCHEMA_DURATION, .dflt = "0s", .max = 90 * DAY_MS,
      .help = "From commit to that" },
    { "/spec/cleanup/then", CF_SCHEMA_OBJECT, CF_SCHEMA_LATER,
      .help = "A second stage" },
    { "/spec/cleanup/keep", CF_SCHEMA_LIST, CF_SCHEMA_LATER,
      .help = "Kinds that are never deleted" },
    { "/spec/cleanup/requireApproval", CF_SCHEMA_BOOL, CF_SCHEMA_LATER,
      .help = "Approval before the source is touched" },
    { "/spec/approvals", CF_SCHEMA_LIST, CF_SCHEMA_LATER,
      .help = "People who must agree" },
    { "/spec/windows", CF_SCHEMA_LIST, CF_SCHEMA_LATER,
      .help = "Times at which a run may move forward" },
    { "/spec/hooks", CF_SCHEMA_LIST, CF_SCHEMA_LATER,
      .help = "Jobs and HTTP calls between the steps" },
    { "/spec/notifications", CF_SCHEMA_LIST, CF_SCHEMA_LATER,
      .help = "Webhooks" },
    { "/spec/gitops", CF_SCHEMA_OBJECT, CF_SCHEMA_LATER,
      .help = "Dealing with Argo CD and Flux" },
    { 0 },
};
/* clang-format on */
