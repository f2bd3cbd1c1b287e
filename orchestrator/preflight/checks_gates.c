/* SPDX-License-Identifier: Apache-2.0 */
/* Check of the gates: every query now, against the source, with its value ("would fail today: 99.1
 * % < 99.5 %"). */
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "base/units.h"
#include "orchestrator/gate/bound.h"
#include "orchestrator/preflight/checks_internal.h"
#include "orchestrator/preflight/streams.h"

enum { READ_MS = 5000, ENOUGH_REQUESTS = 100 };

/* Requests and failures in a reading: what happened within its range, or, from a source that gives
 * one scrape only, since the counters began. */
static void sum_reading(const struct cf_reading *r, double *out_n, double *out_k)
{
    *out_n = *out_k = 0;
    for (size_t i = 0; i < r->count;) {
        size_t last = i;
        while (last + 1 < r->count && r->points[last + 1].series == r->points[i].series)
            last++;
        bool grows = last > i && r->points[last].total >= r->points[i].total;
        *out_n += r->points[last].total - (grows ? r->points[i].total : 0);
        *out_k += r->points[last].bad - (grows ? r->points[i].bad : 0);
        i = last + 1;
    }
}

static void judge(struct cf_checking *c, const struct cf_plan_gate *gate, const char *cluster,
                  double n, double k)
{
    char min[CF_UNIT_TEXT_MAX];
    double value = n > 0 ? 1.0 - k / n : 1.0;
    json_t *evidence = json_pack("{s:s,s:f,s:f,s:f,s:f}", "gate", gate->name, "requests", n,
                                 "failures", k, "value", value, "threshold", gate->min);
    if (n <= 0) {
        cf_found(c, CF_LEVEL_WARNING, cluster, evidence,
                 "see that the source has traffic, and the preset of the metrics source",
                 "crossfade cluster check",
                 "gate %s: no request to the source is seen in the metrics of %s", gate->name,
                 cluster);
        return;
    }
    cf_percent_format(gate->min, min);
    if (value < gate->min)
        cf_found(c, n >= ENOUGH_REQUESTS ? CF_LEVEL_BLOCKER : CF_LEVEL_WARNING, cluster, evidence,
                 "mend the source first, or promise less", NULL,
                 "gate %s would fail today: %.3f %% < %s", gate->name, 100 * value, min);
    else
        cf_found(c, CF_LEVEL_INFO, cluster, evidence, NULL, NULL,
                 "gate %s: %.3f %% of %.0f requests today, %s promised", gate->name, 100 * value, n,
                 min);
}

static void check_stream(struct cf_checking *c, const struct cf_plan_gate *gate,
                         const struct cf_survey_router *r, struct cf_source *source,
                         const char *preset)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_reading *readings = NULL;
    const char *cluster = cf_stream_cluster(gate, r->row);
    struct cf_named_stream *s = cf_xcalloc(1, sizeof *s);
    struct cf_destination d = cf_survey_source(r);
    cf_stream_of(gate, r->row, CF_SIDE_SOURCE, &d, &d, preset, s);
    if (!cf_source_read(source, &s->stream, 1, cf_mono_now_ms() + READ_MS, &readings, &err)) {
        cf_found(c, CF_LEVEL_BLOCKER, cluster, NULL, "see that it answers",
                 "crossfade cluster check", "gate %s: the metrics source of %s does not answer: %s",
                 gate->name, cluster, err.message);
        free(s);
        return;
    }
    double n, k;
    if (!readings[0].ok) {
        cf_found(c, CF_LEVEL_BLOCKER, cluster, NULL, "correct the query", NULL, "gate %s: %s",
                 gate->name, readings[0].error.message);
    } else {
        sum_reading(&readings[0], &n, &k);
        judge(c, gate, cluster, n, k);
    }
    cf_readings_free(readings, 1);
    free(s);
}

static void check_gate(struct cf_checking *c, const struct cf_plan_gate *gate,
                       const struct cf_survey_router *r)
{
    const struct cf_preflight_world *w = c->request->world;
    const char *cluster = cf_stream_cluster(gate, r->row);
    struct cf_error err = CF_ERROR_INIT;
    struct cf_source *source = NULL;
    const char *preset = "auto";
    cf_autofree char *command = cf_xasprintf("crossfade cluster add %s --prometheus URL", cluster);
    if (!w->source || !w->source(w->self, cluster, &source, &preset, &err)) {
        cf_found(c, CF_LEVEL_BLOCKER, cluster, NULL,
                 "tell the cluster's record where its metrics are (--prometheus or --scrape)",
                 command, "gate %s: %s", gate->name,
                 err.kind != CF_ERR_NONE ? err.message : "no metrics source");
        return;
    }
    check_stream(c, gate, r, source, preset);
    cf_source_free(source);
}

void cf_preflight_gates(struct cf_checking *c)
{
    for (size_t g = 0; g < c->plan->n_gates; g++) {
        const struct cf_plan_gate *gate = &c->plan->gates[g];
        for (size_t i = 0; i < c->plan->traffic.n_routers; i++) {
            bool once = gate->type == CF_PLAN_GATE_PROMQL && i > 0;
            if (!once && cf_checking_needs_route(c, i))
                check_gate(c, gate, &c->routers[i]);
        }
    }
    if (c->plan->n_gates == 0)
        cf_found(c, CF_LEVEL_WARNING, NULL, NULL, "add `gates: [{successRate: \">= 99.5%\"}]`",
                 NULL, "the plan has no gates: only time decides when a weight rises");
}
