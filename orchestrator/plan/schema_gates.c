/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's table, fourth part: gates. */
#include "orchestrator/plan/limits.h"
#include "orchestrator/plan/schema.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SECOND_MS  1000.0
#define MINUTE_MS  60000.0
#define DAY_MS     86400000.0

/* clang-format off */
const struct cf_schema_row cf_schema_gates[] = {
    { "/spec/gates", CF_SCHEMA_LIST, .dflt = "[]", .max = CF_PLAN_GATES_MAX,
      .example = "[successRate: \">= 99.5%\"]",
      .help = "Tests on the target's requests, running all the time. A step passes when all of "
              "them have passed; one breach sends the traffic back. `successRate: \">= "
              "99.5%\"` alone is short for a gate of that type with that `min`" },
    { "/spec/gates/*", CF_SCHEMA_OBJECT,
      .example = "{name: success, type: successRate, min: 99.5%}",
      .help = "One gate" },
    { "/spec/gates/*/name", CF_SCHEMA_TEXT, CF_SCHEMA_REQUIRED, .format = CF_FORMAT_NAME,
      .example = "success",
      .help = "Name of the gate in this plan, in events and metrics" },
    { "/spec/gates/*/type", CF_SCHEMA_WORD, CF_SCHEMA_REQUIRED,
      .words = WORDS("successRate", "latency", "promql", "!job"),
      .help = "`successRate`: requests that did not fail (no 5xx, no broken connection). "
              "`latency`: requests faster than `max`. `promql`: two counters of your own" },
    { "/spec/gates/*/min", CF_SCHEMA_PERCENT, CF_SCHEMA_REQUIRED, .min = 0.51, .max = 0.99999,
      .example = "99.5%",
      .help = "Share of good requests that the target must keep" },
    { "/spec/gates/*/detect", CF_SCHEMA_PERCENT,
      .dflt = "= ten times what `min` leaves over, at most 50%", .min = 0.00001, .max = 0.5,
      .help = "A step passes only when a failure rate of this size is excluded with 99 % "
              "confidence. Smaller needs more requests: about 4.6 / `detect` without a failure" },
    { "/spec/gates/*/alpha", CF_SCHEMA_PERCENT, .dflt = "1%", .min = 0.00001, .max = 0.1,
      .help = "Probability of a false rollback in one hour, at most. Smaller is slower" },
    { "/spec/gates/*/interval", CF_SCHEMA_DURATION, .dflt = "1s", .min = 200,
      .max = 5 * MINUTE_MS,
      .help = "One look at the counters. Shorter than the source's own period makes nothing "
              "faster" },
    { "/spec/gates/*/minRequests", CF_SCHEMA_INT, .dflt = "0", .max = 1e9,
      .help = "Finished requests at the target since the last change of weight, over and above "
              "the proof" },
    { "/spec/gates/*/max", CF_SCHEMA_DURATION, .min = 1, .max = 10 * MINUTE_MS,
      .help = "latency: slower than this counts as failed. Must be an edge of the histogram; "
              "preflight names the edges that there are" },
    { "/spec/gates/*/total", CF_SCHEMA_TEXT, .format = CF_FORMAT_QUERY,
      .help = "promql: expression for the counter of finished requests. A counter, not a rate" },
    { "/spec/gates/*/failed", CF_SCHEMA_TEXT, .format = CF_FORMAT_QUERY,
      .help = "promql: expression for the counter of those of them that failed" },
    { "/spec/gates/*/cluster", CF_SCHEMA_TEXT,
      .dflt = "= spec.source.cluster for promql; else each router's own",
      .format = CF_FORMAT_NAME,
      .help = "Cluster whose metrics source is asked: the source, the target, or a router's" },
    { "/spec/gates/*/compare", CF_SCHEMA_OBJECT, CF_SCHEMA_LATER,
      .help = "Comparison with the source" },
    { "/spec/gates/*/dryRun", CF_SCHEMA_BOOL, CF_SCHEMA_LATER,
      .help = "A gate that only reports" },
    { "/spec/gates/*/template", CF_SCHEMA_TEXT, CF_SCHEMA_LATER,
      .help = "Template of a job gate" },
    { "/spec/gates/*/when", CF_SCHEMA_LIST, CF_SCHEMA_LATER,
      .help = "When a job gate runs" },
    { "/spec/gates/*/timeout", CF_SCHEMA_DURATION, CF_SCHEMA_LATER,
      .help = "How long a job gate may take" },
    { "/spec/gates/*/passes", CF_SCHEMA_INT, CF_SCHEMA_NOTE,
      .help = "a gate passes by proof, not by a count of checks: use `detect` (and "
              "`minRequests`)" },
    { "/spec/gates/*/failures", CF_SCHEMA_INT, CF_SCHEMA_NOTE,
      .help = "a gate breaches by evidence, not by a count of checks: use `alpha`" },
    { "/spec/gates/*/quantile", CF_SCHEMA_PERCENT, CF_SCHEMA_NOTE,
      .help = "`quantile: 0.99, max: 500ms` is written `min: 99%, max: 500ms`" },
    { "/spec/gates/*/query", CF_SCHEMA_TEXT, CF_SCHEMA_NOTE,
      .help = "a promql gate has two counters: `total` and `failed`" },
    { "/spec/gates/*/threshold", CF_SCHEMA_TEXT, CF_SCHEMA_NOTE,
      .help = "the share of good requests is `min`, the slowest good one is `max`" },
    { "/spec/gates/*/successRate", CF_SCHEMA_TEXT, CF_SCHEMA_NOTE | CF_SCHEMA_SHORT,
      .help = "with other fields beside it, write `type: successRate, min: 99.5%`" },
    { "/spec/gates/*/latency", CF_SCHEMA_TEXT, CF_SCHEMA_NOTE,
      .help = "write `type: latency, min: 99%, max: 500ms`" },
    { "/spec/gateDefaults", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{noData: {waitUpTo: 10m, then: pause}}",
      .help = "What holds for all gates" },
    { "/spec/gateDefaults/noData", CF_SCHEMA_OBJECT, .dflt = "{}",
      .example = "{waitUpTo: 10m, then: pause}",
      .help = "Missing or stale samples: never a pass, never a breach; the run holds" },
    { "/spec/gateDefaults/noData/waitUpTo", CF_SCHEMA_DURATION, .dflt = "10m", .min = SECOND_MS,
      .max = 7 * DAY_MS,
      .help = "So long; then" },
    { "/spec/gateDefaults/noData/then", CF_SCHEMA_WORD, .dflt = "pause",
      .words = WORDS("pause", "rollback"),
      .help = "`pause` waits for a person, `rollback` sends the traffic back" },
    { "/spec/gateDefaults/settle", CF_SCHEMA_DURATION, CF_SCHEMA_LATER,
      .help = "Time after a change of weight that does not count" },
    { "/spec/gateDefaults/provider", CF_SCHEMA_OBJECT, CF_SCHEMA_LATER,
      .help = "Metrics sources by plan; today they belong to the cluster (`crossfade cluster "
              "add --prometheus URL`)" },
    { 0 },
};
/* clang-format on */
