/* SPDX-License-Identifier: Apache-2.0 */
/* Check of the gates: every query now, against the source, with its value ("would fail today: 99.1
 * % < 99.5 %").
 *
 * Counters say what happened since they began, which may be years ago, so only growth counts: within
 * the scrapes that a Prometheus gives, or between two readings of a source that gives the present
 * value only. All gates wait for their second reading together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "base/units.h"
#include "orchestrator/gate/sample.h"
#include "orchestrator/preflight/checks_internal.h"
#include "orchestrator/preflight/streams.h"

enum {
    READ_MS = 5000,
    BETWEEN_MS_MIN =
        1000, /* between two readings: the longest interval of the gates, in this range */
    BETWEEN_MS_MAX = 3000,
    ENOUGH_REQUESTS = 100,
    LOOKS_MAX = CF_PLAN_GATES_MAX * CF_PLAN_ROUTERS_MAX,
};

/* A gate at one router, or an expression of its own. */
struct look {
    const struct cf_plan_gate *gate;
    const struct cf_survey_router *router;
    const char *cluster;
    struct cf_source *source; /* NULL: there is none */
    struct cf_named_stream named;
    struct cf_sampler *sampler;
    uint64_t n, k;
    int64_t over_ms; /* between the two readings; 0: within the scrapes of the first */
    bool has_series; /* one at least */
    bool once;       /* the source gives present values only: a second reading tells */
    bool failed;     /* said already */
    char missing[CF_ERROR_FIELD_MAX];
};

/* ---- reading ---- */

static void say_unread(struct cf_checking *c, struct look *l, const struct cf_error *err)
{
    l->failed = true;
    cf_found(c, CF_LEVEL_BLOCKER, l->cluster, NULL, "see that it answers",
             "crossfade cluster check", "gate %s: the metrics source of %s does not answer: %s",
             l->gate->name, l->cluster, err->message);
}

static void say_unusable(struct cf_checking *c, struct look *l, const struct cf_error *err)
{
    bool is_query = l->gate->type == CF_PLAN_GATE_PROMQL;
    l->failed = true;
    cf_found(c, CF_LEVEL_BLOCKER, l->cluster, NULL,
             is_query ? "correct the query" : "correct the gate, the route or the metrics' preset",
             NULL, "gate %s: %s", l->gate->name, err->message);
}

/* The first scrape of every series is where counting begins. */
static bool begin_counting(struct look *l, const struct cf_reading *r, struct cf_error *err)
{
    struct cf_reading first = { .ok = true, .missing_places = r->missing_places };
    struct cf_delta ignored;
    first.points = cf_xcalloc(r->count + 1, sizeof *first.points);
    for (size_t i = 0; i < r->count; i++)
        if (i == 0 || r->points[i].series != r->points[i - 1].series)
            first.points[first.count++] = r->points[i];
    l->once = first.count == r->count;
    bool ok = cf_sampler_feed(l->sampler, &first, 0, &ignored, err);
    free(first.points);
    return ok;
}

static void read_look(struct cf_checking *c, struct look *l)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_reading *r = NULL;
    struct cf_delta d = { 0 };
    bool is_first = !l->sampler;
    if (!cf_source_read(l->source, &l->named.stream, 1, cf_mono_now_ms() + READ_MS, &r, &err)) {
        say_unread(c, l, &err);
        return;
    }
    if (is_first)
        l->sampler = cf_sampler_new();
    if (!r->ok)
        say_unusable(c, l, &r->error);
    else if ((is_first && !begin_counting(l, r, &err)) ||
             !cf_sampler_feed(l->sampler, r, 0, &d, &err))
        say_unusable(c, l, &err);
    l->n += d.n;
    l->k += d.k;
    l->has_series = l->has_series || r->count > 0;
    memcpy(l->missing, r->missing_why, sizeof l->missing);
    cf_readings_free(r, 1);
}

/* ---- judging ---- */

/* More failures than chance explains at the promised rate: two standard deviations of a Poisson
 * count. */
static bool is_no_chance(double n, double k, double min)
{
    double expected = n * (1 - min);
    return n >= ENOUGH_REQUESTS && k > expected + 2 * sqrt(expected);
}

static void say_no_traffic(struct cf_checking *c, const struct look *l, json_t *evidence_take)
{
    const struct cf_survey_router *r = l->router;
    bool port_unknown = !l->has_series && l->gate->type != CF_PLAN_GATE_PROMQL &&
                        r->row->type == CF_PLAN_ROUTER_VIRTUAL_SERVICE && !r->source_port[0];
    char over[CF_UNIT_TEXT_MAX];
    if (port_unknown)
        cf_found(c, CF_LEVEL_BLOCKER, l->cluster, evidence_take,
                 "say destination.port.number in the route: Envoy's metrics name it", NULL,
                 "gate %s: no series of the source in the metrics of %s, and the port of "
                 "destination %s is not known: it is not in the route, and its Service has not "
                 "just one",
                 l->gate->name, l->cluster, r->view.source.host);
    else if (l->over_ms > 0)
        cf_found(c, CF_LEVEL_WARNING, l->cluster, evidence_take,
                 "see that the source has traffic, and the preset of the metrics source",
                 "crossfade cluster check",
                 "gate %s: no request to the source is seen in the metrics of %s in %s",
                 l->gate->name, l->cluster, cf_duration_brief(l->over_ms, over));
    else
        cf_found(c, CF_LEVEL_WARNING, l->cluster, evidence_take,
                 "see that the source has traffic, and the preset of the metrics source",
                 "crossfade cluster check",
                 "gate %s: no request to the source is seen in the metrics of %s", l->gate->name,
                 l->cluster);
}

static void judge(struct cf_checking *c, const struct look *l)
{
    double n = (double)l->n, k = (double)l->k, min = l->gate->min;
    double value = n > 0 ? 1.0 - k / n : 1.0;
    char promised[CF_UNIT_TEXT_MAX];
    json_t *evidence =
        json_pack("{s:s,s:f,s:f,s:f,s:f,s:I}", "gate", l->gate->name, "requests", n, "failures", k,
                  "value", value, "threshold", min, "overMs", (json_int_t)l->over_ms);
    if (l->missing[0])
        cf_found(c, CF_LEVEL_WARNING, l->cluster, NULL,
                 "see that they answer, or take them out of the cluster's record",
                 "crossfade cluster check", "gate %s does not see all of %s: %s", l->gate->name,
                 l->cluster, l->missing);
    if (n <= 0) {
        say_no_traffic(c, l, evidence);
        return;
    }
    cf_percent_format(min, promised);
    if (value < min)
        cf_found(c, is_no_chance(n, k, min) ? CF_LEVEL_BLOCKER : CF_LEVEL_WARNING, l->cluster,
                 evidence, "mend the source first, or promise less", NULL,
                 "gate %s would fail today: %.3f %% < %s", l->gate->name, 100 * value, promised);
    else
        cf_found(c, CF_LEVEL_INFO, l->cluster, evidence, NULL, NULL,
                 "gate %s: %.3f %% of %.0f requests today, %s promised", l->gate->name, 100 * value,
                 n, promised);
}

/* ---- all gates ---- */

static void open_look(struct cf_checking *c, struct look *l)
{
    const struct cf_preflight_world *w = c->request->world;
    struct cf_error err = CF_ERROR_INIT;
    const char *preset = "auto";
    cf_autofree char *command =
        cf_xasprintf("crossfade cluster add %s --prometheus URL", l->cluster);
    if (!w->source || !w->source(w->self, l->cluster, &l->source, &preset, &err)) {
        l->failed = true;
        cf_found(c, CF_LEVEL_BLOCKER, l->cluster, NULL,
                 "tell the cluster's record where its metrics are (--prometheus or --scrape)",
                 command, "gate %s: %s", l->gate->name,
                 err.kind != CF_ERR_NONE ? err.message : "no metrics source");
        return;
    }
    struct cf_destination d = cf_survey_source(l->router);
    cf_stream_of(l->gate, l->router->row, CF_SIDE_SOURCE, &d, &d, preset, &l->named);
}

static size_t gather(struct cf_checking *c, struct look *looks)
{
    size_t n = 0;
    for (size_t g = 0; g < c->plan->n_gates; g++) {
        const struct cf_plan_gate *gate = &c->plan->gates[g];
        for (size_t i = 0; i < c->plan->traffic.n_routers; i++) {
            bool again = gate->type == CF_PLAN_GATE_PROMQL && i > 0;
            if (again || !cf_checking_needs_route(c, i))
                continue;
            struct look *l = &looks[n++];
            *l = (struct look){ .gate = gate, .router = &c->routers[i] };
            l->cluster = cf_stream_cluster(gate, l->router->row);
        }
    }
    return n;
}

/* One wait for all that need it. */
static void read_again(struct cf_checking *c, struct look *looks, size_t n)
{
    int64_t between = 0;
    for (size_t i = 0; i < n; i++)
        if (!looks[i].failed && looks[i].once)
            between = CF_MAX(between, looks[i].gate->interval_ms);
    if (between == 0)
        return;
    between = CF_MAX((int64_t)BETWEEN_MS_MIN, CF_MIN(between, (int64_t)BETWEEN_MS_MAX));
    int64_t began = cf_mono_now_ms();
    cf_sleep_ms(c->request->clock, between);
    for (size_t i = 0; i < n; i++) {
        if (looks[i].failed || !looks[i].once)
            continue;
        read_look(c, &looks[i]);
        looks[i].over_ms = CF_MAX(cf_mono_now_ms() - began, between);
    }
}

void cf_preflight_gates(struct cf_checking *c)
{
    struct look *looks = cf_xcalloc(LOOKS_MAX, sizeof *looks);
    size_t n = gather(c, looks);
    for (size_t i = 0; i < n; i++) {
        open_look(c, &looks[i]);
        if (!looks[i].failed)
            read_look(c, &looks[i]);
    }
    read_again(c, looks, n);
    for (size_t i = 0; i < n; i++) {
        if (!looks[i].failed)
            judge(c, &looks[i]);
        cf_source_free(looks[i].source);
        cf_sampler_free(looks[i].sampler);
    }
    free(looks);
    if (c->plan->n_gates == 0)
        cf_found(c, CF_LEVEL_WARNING, NULL, NULL, "add `gates: [{successRate: \">= 99.5%\"}]`",
                 NULL, "the plan has no gates: only time decides when a weight rises");
}
