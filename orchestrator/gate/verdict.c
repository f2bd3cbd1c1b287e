/* SPDX-License-Identifier: Apache-2.0 */
/* A gate: counts since the last weight change, the detector's alarm, and the sentence that explains them. */
#include "orchestrator/gate/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/gate/bound.h"

struct cf_gate {
    struct cf_gate_config config; /* config.name is `name` */
    char *name;
    struct cf_sampler *sampler;
    struct cf_detector detector;
    uint64_t n, k; /* since the last weight change */
    int64_t changed_ms;
    int64_t first_bad_ms;
    int64_t alarm_ms;
    bool never_read;                  /* no look yet */
    struct cf_error why;              /* why the last look gave nothing; NONE when it did */
    char missing[CF_ERROR_FIELD_MAX]; /* which places of the source the last look lacked, or "" */
};

const char *cf_verdict_name(enum cf_verdict v)
{
    switch (v) {
    case CF_VERDICT_NO_DATA:
        return "no-data";
    case CF_VERDICT_UNDECIDED:
        return "undecided";
    case CF_VERDICT_PASS:
        return "pass";
    case CF_VERDICT_BREACH:
        return "breach";
    }
    return "?";
}

struct cf_gate *cf_gate_new(const struct cf_gate_config *config)
{
    struct cf_gate *g = cf_xcalloc(1, sizeof *g);
    g->config = *config;
    g->name = cf_xstrdup(config->name);
    g->config.name = g->name;
    g->sampler = cf_sampler_new();
    g->never_read = true;
    cf_detector_init(&g->detector, config->success_min, config->alpha, config->look_ms);
    return g;
}

void cf_gate_free(struct cf_gate *g)
{
    if (!g)
        return;
    cf_sampler_free(g->sampler);
    free(g->name);
    free(g);
}

void cf_gate_weight_changed(struct cf_gate *g, int64_t wall_ms)
{
    g->n = g->k = 0;
    g->changed_ms = wall_ms;
}

void cf_gate_reset(struct cf_gate *g, int64_t now_wall_ms)
{
    cf_detector_init(&g->detector, g->config.success_min, g->config.alpha, g->config.look_ms);
    g->first_bad_ms = g->alarm_ms = 0;
    cf_gate_weight_changed(g, now_wall_ms);
}

static void note_failures(struct cf_gate *g, const struct cf_delta *delta, int64_t now_ms)
{
    double share = delta->n ? (double)delta->k / (double)delta->n : 0;
    if (share > g->detector.p0) {
        if (g->first_bad_ms == 0)
            g->first_bad_ms = now_ms;
    } else if (delta->n > 0 && g->alarm_ms == 0) {
        g->first_bad_ms = 0; /* a look within the promise ends the series of failures */
    }
}

void cf_gate_look(struct cf_gate *g, const struct cf_reading *reading, const struct cf_error *why,
                  int64_t now_wall_ms)
{
    g->never_read = false;
    cf_error_clear(&g->why);
    if (!reading || !reading->ok) {
        const struct cf_error *reason = reading ? &reading->error : why;
        if (reason && reason->kind != CF_ERR_NONE)
            g->why = *reason;
        else
            cf_error_set(&g->why, CF_ERR_UNAVAILABLE, "the metrics source gave no answer");
        return;
    }
    struct cf_delta delta;
    memcpy(g->missing, reading->missing_why, sizeof g->missing);
    if (!cf_sampler_feed(g->sampler, reading, g->changed_ms, &delta, &g->why))
        return;
    g->n += delta.n_since;
    g->k += delta.k_since;
    note_failures(g, &delta, now_wall_ms);
    if (cf_detector_look(&g->detector, delta.n, delta.k) && g->alarm_ms == 0)
        g->alarm_ms = now_wall_ms;
}

static bool is_pass(const struct cf_gate *g, const struct cf_judgement *j)
{
    return j->upper < g->config.detect && g->n >= g->config.min_requests;
}

static uint64_t missing_requests(const struct cf_gate *g)
{
    uint64_t by_proof = cf_bound_missing(g->n, g->k, g->config.detect, CF_PASS_CONFIDENCE);
    uint64_t by_floor = g->config.min_requests > g->n ? g->config.min_requests - g->n : 0;
    return CF_MAX(by_proof, by_floor);
}

static int64_t time_for(const struct cf_gate *g, uint64_t requests, int64_t now_ms)
{
    int64_t elapsed = now_ms - g->changed_ms;
    if (g->n == 0 || elapsed <= 0)
        return -1;
    double ms = (double)requests * (double)elapsed / (double)g->n;
    return ms > 1e15 ? -1 : (int64_t)ceil(ms);
}

static void explain_no_data(const struct cf_gate *g, int64_t now_ms, struct cf_judgement *j)
{
    char age[CF_UNIT_TEXT_MAX];
    if (g->why.kind != CF_ERR_NONE)
        snprintf(j->text, sizeof j->text, "no data: %.400s", g->why.message);
    else if (g->never_read)
        snprintf(j->text, sizeof j->text, "no data: the first look is still to come");
    else if (j->newest_ms == 0)
        snprintf(j->text, sizeof j->text, "no data: the source has no series of this backend");
    else
        snprintf(j->text, sizeof j->text, "no data: the newest sample is %s old",
                 cf_duration_brief(now_ms - j->newest_ms, age));
}

static void explain_undecided(const struct cf_gate *g, struct cf_judgement *j)
{
    char about[CF_UNIT_TEXT_MAX], detect[CF_UNIT_TEXT_MAX];
    cf_percent_format(g->config.detect, detect);
    if (j->missing >= CF_BOUND_NEVER || (g->n > 0 && j->value < 1 - g->config.detect))
        snprintf(j->text, sizeof j->text,
                 "%" PRIu64 " of %" PRIu64
                 " requests failed: at this rate a failure share below %s "
                 "cannot be shown",
                 g->k, g->n, detect);
    else if (j->missing_ms < 0)
        snprintf(j->text, sizeof j->text,
                 "%" PRIu64 " more good requests prove a failure share below %s; none came yet",
                 j->missing, detect);
    else
        snprintf(j->text, sizeof j->text,
                 "%" PRIu64 " more good requests prove a failure share below %s, about %s",
                 j->missing, detect, cf_duration_brief(j->missing_ms, about));
}

static void explain_verdict(const struct cf_gate *g, int64_t now_ms, struct cf_judgement *j)
{
    char value[CF_UNIT_TEXT_MAX], min[CF_UNIT_TEXT_MAX];
    cf_percent_format(g->config.success_min, min);
    switch (j->verdict) {
    case CF_VERDICT_NO_DATA:
        explain_no_data(g, now_ms, j);
        return;
    case CF_VERDICT_UNDECIDED:
        explain_undecided(g, j);
        return;
    case CF_VERDICT_PASS:
        snprintf(j->text, sizeof j->text, "%s of %" PRIu64 " requests good (promised %s)",
                 cf_percent_format(j->value, value), g->n, min);
        return;
    case CF_VERDICT_BREACH:
        snprintf(j->text, sizeof j->text,
                 "the target breaks its promise of %s: %" PRIu64 " of %" PRIu64
                 " requests failed since the last weight change",
                 min, g->k, g->n);
        return;
    }
}

static void explain(const struct cf_gate *g, int64_t now_ms, struct cf_judgement *j)
{
    explain_verdict(g, now_ms, j);
    size_t used = strlen(j->text);
    if (g->missing[0] && g->why.kind == CF_ERR_NONE)
        snprintf(j->text + used, sizeof j->text - used, "; not counted: %s", g->missing);
}

void cf_gate_judge(const struct cf_gate *g, int64_t now_wall_ms, struct cf_judgement *out)
{
    struct cf_judgement j = {
        .n = g->n,
        .k = g->k,
        .value = g->n ? 1 - (double)g->k / (double)g->n : NAN,
        .upper = cf_bound_upper(g->n, g->k, CF_PASS_CONFIDENCE),
        .evidence = cf_detector_evidence(&g->detector),
        .newest_ms = cf_sampler_newest_ms(g->sampler),
        .first_bad_ms = g->first_bad_ms,
        .alarm_ms = g->alarm_ms,
    };
    if (g->alarm_ms != 0)
        j.verdict = CF_VERDICT_BREACH;
    else if (cf_sampler_is_stale(g->sampler, now_wall_ms))
        j.verdict = CF_VERDICT_NO_DATA;
    else
        j.verdict = is_pass(g, &j) ? CF_VERDICT_PASS : CF_VERDICT_UNDECIDED;
    if (j.verdict != CF_VERDICT_PASS) {
        j.missing = missing_requests(g);
        j.missing_ms = time_for(g, j.missing, now_wall_ms);
    }
    explain(g, now_wall_ms, &j);
    *out = j;
}

json_t *cf_gate_checkpoint(const struct cf_gate *g)
{
    json_t *sums = json_array();
    for (int i = 0; i < CF_DETECTOR_BETS; i++)
        json_array_append_new(sums, json_real(g->detector.r[i]));
    return json_pack("{s:f, s:f, s:o, s:I, s:I, s:I, s:I, s:I}", "p0", g->detector.p0, "threshold",
                     g->detector.threshold, "r", sums, "n", (json_int_t)g->n, "k", (json_int_t)g->k,
                     "changedAt", (json_int_t)g->changed_ms, "firstBadAt",
                     (json_int_t)g->first_bad_ms, "alarmAt", (json_int_t)g->alarm_ms);
}

static bool checkpoint_sums(const json_t *c, double r[CF_DETECTOR_BETS])
{
    const json_t *sums = json_object_get(c, "r");
    if (json_array_size(sums) != CF_DETECTOR_BETS)
        return false;
    for (int i = 0; i < CF_DETECTOR_BETS; i++) {
        r[i] = json_number_value(json_array_get(sums, (size_t)i));
        if (!isfinite(r[i]) || r[i] < 0)
            return false;
    }
    return true;
}

static bool same(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

bool cf_gate_restore(struct cf_gate *g, const json_t *checkpoint, struct cf_error *err)
{
    double r[CF_DETECTOR_BETS];
    int64_t n = cf_json_int(checkpoint, -1, "n", NULL);
    int64_t k = cf_json_int(checkpoint, -1, "k", NULL);
    if (!checkpoint_sums(checkpoint, r) || n < 0 || k < 0 || k > n)
        return cf_error_set(err, CF_ERR_INVALID, "gate %s: the checkpoint is not readable",
                            g->config.name);
    if (!same(json_number_value(json_object_get(checkpoint, "p0")), g->detector.p0) ||
        !same(json_number_value(json_object_get(checkpoint, "threshold")), g->detector.threshold))
        return cf_error_set(err, CF_ERR_INVALID,
                            "gate %s: the checkpoint is of another configuration", g->config.name);
    memcpy(g->detector.r, r, sizeof r);
    g->n = (uint64_t)n;
    g->k = (uint64_t)k;
    g->changed_ms = cf_json_int(checkpoint, 0, "changedAt", NULL);
    g->first_bad_ms = cf_json_int(checkpoint, 0, "firstBadAt", NULL);
    g->alarm_ms = cf_json_int(checkpoint, 0, "alarmAt", NULL);
    return true;
}
