/* SPDX-License-Identifier: Apache-2.0 */
/* Step `traffic.shift`: all routers go to one weight, behind a barrier.
 *
 *   intend   the source is what was copied, the target can serve, every router is as we left it;
 *            the ways back are durable. Then, per router, the seq it must still carry and the one
 *            it will
 *   start    one forward patch per router, never rebased
 *   observe  every router shows the weight and its controller has accepted it
 *   undo     nothing: rollback sends all traffic back before any step is undone */
#include <string.h>

#include "orchestrator/engine/moves.h"
#include "orchestrator/preflight/survey.h"

enum { LOOK_MS = 250 };

/* ---- intend ---- */

/* The questions before every raise, in the order in which a person would ask them. */
static bool may_raise(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    bool agreed = json_is_true(cf_memo(p->run, "reasserted"));
    char why[CF_HOLD_TEXT_MAX];
    bool alive;
    if (!cf_copies_compare(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_pass_target_ready(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_copies_guard(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    /* Once the writers have moved the source is not what traffic would go back to. */
    bool moved = cf_moves_writers(p->run) == CF_WRITERS_AT_TARGET;
    if (!moved && !cf_pass_source_alive(p, &alive, why, sizeof why, err))
        return false;
    if (!moved && !alive)
        return cf_out_hold(out, CF_HOLD_NO_WAY_BACK, CF_PASS_RETRY_MS, "%s", why);
    if (!agreed && p->run->plan->traffic.on_drift != CF_PLAN_DRIFT_RESTORE)
        return cf_pass_look_at_routers(p, out, err);
    return cf_out_done(out);
}

static json_t *intend_router(const struct cf_run_router *r, int from)
{
    char next[CF_NONCE_TEXT];
    return json_pack("{s:s,s:i,s:s,s:s}", "name", r->name, "from", from, "seq", r->seq, "next",
                     cf_nonce(next));
}

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    int weight = (int)cf_json_int(s->params, -1, "weight", NULL);
    if (!may_raise(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    bool agreed = json_is_true(cf_memo(p->run, "reasserted"));
    bool any = agreed || p->run->plan->traffic.on_drift == CF_PLAN_DRIFT_RESTORE;
    bool back = cf_moves_writers(p->run) == CF_WRITERS_AT_SOURCE;
    if (back && (!cf_pass_prepare_way_back(p, out, err) || out->kind != CF_OUT_DONE))
        return err->kind == CF_ERR_NONE;
    if (!p->ports->bridges.weight(p->ports->bridges.self, &p->fence, p->run->id, weight, err))
        return cf_error_wrap(err, "tell the bridge of the weight");
    json_t *routers = json_array();
    for (size_t i = 0; i < p->run->n_routers; i++) {
        const struct cf_run_router *r = &p->run->routers[i];
        json_array_append_new(routers, intend_router(r, any ? -1 : r->weight));
    }
    cf_step_set_intent_take(s, json_pack("{s:i,s:o}", "weight", weight, "routers", routers));
    cf_memo_clear(p->run, "reasserted");
    p->run->desired = weight;
    p->run->observed = -1;
    p->run->changed = true;
    return cf_out_done(out);
}

/* ---- start ---- */

static bool forward(struct cf_pass *p, struct cf_run_router *r, const json_t *row, int weight,
                    struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    struct cf_router_reading reading;
    const char *next = cf_json_str(row, "", "next", NULL);
    if (strcmp(r->seq, next) == 0)
        return cf_out_done(out);
    cf_pass_grip(p, r, &grip);
    (void)snprintf(grip.seq, sizeof grip.seq, "%s", cf_json_str(row, "", "seq", NULL));
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_forward(kube, NULL, r->baseline, &grip, (int)cf_json_int(row, -1, "from", NULL),
                           weight, next, &reading, err))
        return cf_error_wrap(err, "weight %d on router %s", weight, r->name);
    if (!cf_pass_heed(p, r, &reading, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    cf_pass_took(r, &grip, &reading);
    r->weight = weight;
    cf_event_add_take(
        p->events, "run.weight.changed", -1, NULL,
        json_pack("{s:s,s:i,s:i}", "router", r->name, "desired", weight, "applied", weight));
    return true;
}

static bool start(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err)
{
    int weight = (int)cf_json_int(s->intent, -1, "weight", NULL);
    const json_t *rows = cf_json_at(s->intent, "routers", NULL);
    for (size_t i = 0; i < p->run->n_routers; i++) {
        if (!forward(p, &p->run->routers[i], json_array_get(rows, i), weight, out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    p->run->applied = weight;
    p->run->changed = true;
    return cf_out_done(out);
}

/* ---- observe ---- */

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    if (!cf_pass_look_at_routers(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    for (size_t i = 0; i < p->run->n_routers; i++) {
        const struct cf_run_router *r = &p->run->routers[i];
        CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
        struct cf_router_acceptance a = { 0 };
        if (!cf_pass_router_kube(p, r, &kube, err) ||
            !cf_router_accepted(kube, NULL, r->baseline, &a, err))
            return cf_error_wrap(err, "router %s", r->name);
        if (!a.accepted)
            return cf_out_wait(out, LOOK_MS, "router %s: %s", r->name, a.why);
    }
    cf_memo_set_take(p->run, "shiftedAt", json_integer((json_int_t)p->now_wall));
    cf_step_say(s, "%d %% of the traffic goes to %s", p->run->desired,
                p->run->plan->target_cluster);
    if (!p->ports->gates.watch(p->ports->gates.self, &p->fence, p->run, p->now_wall, err))
        return cf_error_wrap(err, "watch the gates");
    /* What failed in a freeze was expected, and says nothing of the target. */
    if (cf_moves_writers(p->run) == CF_WRITERS_AT_TARGET)
        p->ports->gates.reset(p->ports->gates.self, p->run->id);
    return cf_out_done(out);
}

/* ---- preview ---- */

static bool preview(struct cf_preview *p, const json_t *params, struct cf_error *err)
{
    int weight = (int)cf_json_int(params, 0, "weight", NULL);
    for (size_t i = 0; i < p->plan->traffic.n_routers; i++) {
        const struct cf_survey_router *s = &p->routers[i];
        cf_autojson json_t *baseline = cf_router_baseline(&s->target, &s->view, err);
        cf_autojson json_t *patch =
            baseline ? cf_router_render_preview(baseline, s->view.object, weight, err) : NULL;
        char *why = NULL;
        if (!patch) {
            why = cf_xstrdup(err->message);
            cf_error_clear(err);
        }
        json_t *row = json_pack("{s:s,s:s,s:{s:s,s:s,s:s}}", "cluster", s->row->cluster, "verb",
                                "patch", "ref", "kind", cf_router_type_name(s->target.type),
                                "namespace", s->row->namespace_, "name", s->row->object);
        if (patch)
            json_object_set(row, "patch", patch);
        else
            json_object_set_new(row, "note", json_string(why));
        json_array_append_new(p->out, row);
        free(why);
    }
    return true;
}

const struct cf_step_kind cf_step_traffic_shift = {
    .name = "traffic.shift",
    .phase = "Shifting",
    .says = "moves all routers to one weight, one fenced patch each",
    .preview = preview,
    .intend = intend,
    .start = start,
    .observe = observe,
};
