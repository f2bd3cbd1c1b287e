/* SPDX-License-Identifier: Apache-2.0 */
/* Step `source.scale_down`: the source's workloads go to zero replicas, once nothing calls them.
 *
 *   intend   after the plan's delay, when the gateways have changed over and the routers' metrics
 *            show no request to the source; where nothing measures it, a person says so (advance).
 *            Then which workloads, with uid and replicas, so that a person can bring them back
 *   start    canary Ingresses go; the autoscalers get their floors back; KEDA is paused at nothing, and
 *            each workload goes to 0
 *   observe  no replica is left
 *
 * After commit only: nothing is undone by itself. */
#include <string.h>

#include "orchestrator/engine/pass.h"
#include "orchestrator/engine/steps/floors.h"
#include "orchestrator/engine/steps/halt.h"
#include "orchestrator/engine/steps/settle.h"

enum {
    LOOK_MS = 1000,
    QUIET_BOUND_MS = 60000,   /* requests under way and clients' connection pools end within this */
    UNKNOWN_BOUND_MS = 15000, /* a gate's first looks, also after a restart, with room */
};

static const char *const scaled_kinds[] = { "Deployment", "StatefulSet", "ReplicaSet", NULL };

static bool is_scaled(const char *kind)
{
    for (int i = 0; scaled_kinds[i]; i++)
        if (strcmp(scaled_kinds[i], kind) == 0)
            return true;
    return false;
}

/* ---- intend ---- */

static bool may_go(struct cf_pass *p, const struct cf_step *s, struct cf_outcome *out)
{
    int64_t committed = json_integer_value(cf_memo(p->run, "committedAt"));
    int64_t since = p->now_wall - committed - cf_json_int(s->params, 0, "afterMs", NULL);
    if (cf_pass_advance_asked(p, s))
        return cf_out_done(out);
    if (since < 0)
        return cf_out_wait(out, CF_MIN(-since, CF_PASS_WAKE_MAX_MS),
                           "the source is kept for %lld s more", (long long)(-since / 1000));
    if (!cf_settle_wait(p, out) || out->kind != CF_OUT_DONE)
        return true;
    struct cf_gates_view *view = cf_xcalloc(1, sizeof *view);
    p->ports->gates.judge(p->ports->gates.self, p->run->id, view);
    bool known = view->source_known;
    double rps = view->source_rps;
    free(view);
    if (known && rps == 0)
        return cf_out_done(out);
    if (!known && since < UNKNOWN_BOUND_MS)
        return cf_out_wait(out, LOOK_MS, "looking for what the routers still send to the source");
    if (!known)
        return cf_out_hold(out, CF_HOLD_SOURCE_BUSY, LOOK_MS,
                           "nothing measures what the routers still send to %s: see that nobody "
                           "calls it, then advance",
                           p->run->plan->source_cluster);
    if (since < QUIET_BOUND_MS)
        return cf_out_wait(out, LOOK_MS, "the source still answers %.1f requests a second", rps);
    return cf_out_hold(out, CF_HOLD_SOURCE_BUSY, LOOK_MS,
                       "the source still answers %.1f requests a second", rps);
}

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    if (!may_go(p, s, out) || out->kind != CF_OUT_DONE)
        return true;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    if (!cf_pass_kube(p, p->run->plan->source_cluster, &kube, err) || !cf_copies_read(p, err))
        return false;
    cf_autojson json_t *rows = json_array();
    cf_autojson json_t *scaled = json_array();
    size_t i;
    json_t *copy;
    json_array_foreach(cf_copies_ledger(p), i, copy)
    {
        if (!is_scaled(cf_json_str(copy, "", "ref", "kind", NULL)))
            continue;
        json_array_append(scaled, copy);
        if (!cf_halt_add(p, kube, copy, "replicas", rows, err))
            return false;
    }
    if (!cf_halt_add_scalers(p, kube, scaled, rows, err))
        return false;
    cf_pass_advance_taken(p);
    if (s->intent) /* planned again: the replicas of the first look are the true ones */
        return cf_out_done(out);
    cf_step_set_intent_take(s, json_pack("{s:O}", "workloads", rows));
    return cf_out_done(out);
}

/* ---- start ---- */

static bool start(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    const struct cf_step *ready = cf_run_step(p->run, "workload.ready");
    if (!cf_settle_retire(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_pass_kube(p, p->run->plan->source_cluster, &kube, err))
        return false;
    if (ready && !cf_floors_give_back(p, s, cf_json_at(ready->intent, "floors", NULL), out, err))
        return false;
    if (out->kind != CF_OUT_DONE)
        return true;
    if (!cf_halt_write(p, kube, cf_json_at(s->intent, "workloads", NULL), err))
        return false;
    return cf_out_done(out);
}

/* ---- observe ---- */

static void say_done(const struct cf_pass *p, struct cf_step *s, const json_t *rows)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf paused = CF_BUF_INIT(CF_HOLD_TEXT_MAX / 2);
    cf_autojson json_t *scalers = cf_halt_scalers(rows);
    size_t n = json_array_size(rows) - json_array_size(scalers);
    if (json_array_size(scalers) > 0)
        cf_buf_puts(&paused, "; so that KEDA leaves them there: ");
    cf_halt_names(scalers, &paused);
    cf_step_say(s, "%zu workload%s of %s %s at zero replicas%s", n, n == 1 ? "" : "s",
                p->run->plan->source_cluster, n == 1 ? "is" : "are", cf_buf_str(&paused));
}

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    if (!cf_pass_kube(p, p->run->plan->source_cluster, &kube, err))
        return false;
    const json_t *rows = cf_json_at(s->intent, "workloads", NULL), *first = NULL;
    int total = (int)json_array_size(rows), gone = 0;
    if (!cf_halt_look(p, kube, rows, &gone, &first, err))
        return false;
    cf_step_progress(s, gone, total);
    if (gone < total)
        return cf_out_wait(out, LOOK_MS, "%d of %d workloads are at zero", gone, total);
    say_done(p, s, rows);
    return cf_out_done(out);
}

const struct cf_step_kind cf_step_source_scale_down = {
    .name = "source.scale_down",
    .phase = "Retiring",
    .says = "scales the source's workloads to zero once the routers' metrics show no request to it",
    .intend = intend,
    .start = start,
    .observe = observe,
};
