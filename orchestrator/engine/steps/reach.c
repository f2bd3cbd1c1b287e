/* SPDX-License-Identifier: Apache-2.0 */
/* Step `reach`: every router can send traffic to the target, and sends none yet.
 *
 *   intend   finds each router's route and captures its baseline: durable before the first write
 *   start    makes the bridges where the plan wants them; adopts the routers: our marks, the
 *            target's destination at weight 0
 *   observe  accepted by the routers' controllers, endpoints in the bridge, one request got
 *            through, and the gateways had time to learn of it
 *   undo     gives each router its baseline back exactly, then removes the bridges */
#include <string.h>

#include "orchestrator/engine/pass.h"
#include "orchestrator/preflight/survey.h"

#define MEMO_READY "reachable"

enum { LOOK_MS = 500, PROBE_AGAIN_MS = 3000 };

/* ---- intend ---- */

static json_t *intent_row(const struct cf_survey_router *s)
{
    char arm[CF_NONCE_TEXT], seq[CF_NONCE_TEXT];
    json_t *row =
        json_pack("{s:s,s:b,s:s,s:s,s:s,s:s}", "name", s->row->name, "bridge", s->uses_bridge,
                  "service", s->has_service ? s->service : "", "serviceNs",
                  s->has_service ? s->service_ns : "", "arm", cf_nonce(arm), "seq", cf_nonce(seq));
    const struct {
        const char *key, *value;
    } words[] = {
        { "targetService", s->target_service },
        { "targetServiceNs", s->target_ns },
        { "sourcePort", s->source_port },
        { "targetPort", s->target_port },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(words); i++)
        json_object_set_new(row, words[i].key, json_string(words[i].value));
    json_object_set_new(row, "source",
                        cf_destination_json(s->target.type, s->target.ns, &s->view.source));
    json_object_set_new(row, "target",
                        cf_destination_json(s->target.type, s->target.ns, &s->target.target));
    return row;
}

/* One router: its baseline into the row, its part of the intent into `rows`. */
static bool capture(struct cf_pass *p, struct cf_run_router *r, json_t *rows,
                    struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    CF_CLEANUP(cf_survey_router_free) struct cf_survey_router s = { 0 };
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_survey_router(kube, p->run->plan, cf_pass_plan_router(p, r), p->run->id, &s, err))
        return false;
    if (!s.found)
        return cf_out_hold(out, CF_HOLD_PREFLIGHT, CF_PASS_WAKE_MAX_MS, "router %s: %s", r->name,
                           s.error.message);
    if (!r->baseline) {
        r->baseline = cf_router_baseline(&s.target, &s.view, err);
        if (!r->baseline) {
            struct cf_error why = *err;
            cf_error_clear(err);
            return cf_out_hold(out, CF_HOLD_PREFLIGHT, CF_PASS_WAKE_MAX_MS, "router %s: %s",
                               r->name, why.message);
        }
        r->weight = cf_baseline_weight(r->baseline);
        r->changed = true;
    }
    json_array_append_new(rows, intent_row(&s));
    return cf_out_done(out);
}

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    if (s->intent) /* planned again: the nonces and names of the first time stay */
        return cf_out_done(out);
    if (cf_json_bool(s->params, false, "again", NULL)) {
        const struct cf_step *first = cf_run_step(p->run, "reach");
        cf_step_set_intent_take(s, cf_json_copy(first->intent));
        return cf_out_done(out);
    }
    cf_autojson json_t *rows = json_array();
    for (size_t i = 0; i < p->run->n_routers; i++) {
        if (!capture(p, &p->run->routers[i], rows, out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    cf_step_set_intent_take(s, json_pack("{s:O}", "routers", rows));
    return cf_out_done(out);
}

/* ---- start ---- */

static bool make_bridge(struct cf_pass *p, const struct cf_run_router *r, const json_t *row,
                        struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    struct cf_bridge_want want = {
        .fence = &p->fence,
        .run_id = p->run->id,
        .cluster = r->cluster,
        .ns = cf_json_str(row, "", "serviceNs", NULL),
        .service = cf_json_str(row, "", "service", NULL),
        .target_cluster = plan->target_cluster,
        .target_ns = plan->target_namespace,
        .target_service = cf_json_str(row, "", "service", NULL),
        .traffic = &plan->traffic,
    };
    if (!p->ports->bridges.ensure(p->ports->bridges.self, &want, err))
        return cf_error_wrap(err, "bridge of router %s", r->name);
    return true;
}

static bool adopt(struct cf_pass *p, struct cf_run_router *r, const json_t *row,
                  struct cf_outcome *out, struct cf_error *err)
{
    if (r->adopted)
        return cf_out_done(out);
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    struct cf_router_reading reading;
    cf_pass_grip(p, r, &grip);
    (void)snprintf(grip.arm, sizeof grip.arm, "%s", cf_json_str(row, "", "arm", NULL));
    (void)snprintf(grip.seq, sizeof grip.seq, "%s", cf_json_str(row, "", "seq", NULL));
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_adopt(kube, NULL, r->baseline, &grip, &reading, err))
        return cf_error_wrap(err, "adopt router %s", r->name);
    if (reading.state == CF_ROUTER_DRIFTED) {
        /* It changed between capture and first write: nothing of ours is there, so simply capture
         * it anew. */
        json_decref(r->baseline);
        r->baseline = NULL;
        r->changed = true;
        cf_step_set_intent_take(cf_run_step(p->run, "reach"), NULL);
        return cf_out_lost(out, "router %s changed before it was taken: %s", r->name, reading.what);
    }
    if (!cf_pass_heed(p, r, &reading, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    cf_pass_took(r, &grip, &reading);
    return true;
}

static bool start(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err)
{
    const json_t *rows = cf_json_at(s->intent, "routers", NULL);
    for (size_t i = 0; i < p->run->n_routers; i++) {
        const json_t *row = json_array_get(rows, i);
        if (cf_json_bool(row, false, "bridge", NULL) &&
            !make_bridge(p, &p->run->routers[i], row, err))
            return false;
        if (!adopt(p, &p->run->routers[i], row, out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    return cf_out_done(out);
}

/* ---- observe ---- */

static bool accepted(struct cf_pass *p, const struct cf_run_router *r, struct cf_outcome *out,
                     struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_acceptance a = { 0 };
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_accepted(kube, NULL, r->baseline, &a, err))
        return cf_error_wrap(err, "router %s", r->name);
    if (a.accepted)
        return cf_out_done(out);
    if (a.refused)
        return cf_out_hold(out, CF_HOLD_PROBE_FAILED, PROBE_AGAIN_MS, "router %s: %s", r->name,
                           a.why);
    return cf_out_wait(out, LOOK_MS, "router %s: %s", r->name, a.why);
}

static bool probe(struct cf_pass *p, struct cf_step *s, const struct cf_run_router *r,
                  struct cf_outcome *out, struct cf_error *err)
{
    bool ok = false;
    char said[CF_HOLD_TEXT_MAX / 2] = "";
    if (!p->ports->probe(p->ports->probe_self, p->run, r, &ok, said, sizeof said, err))
        return cf_error_wrap(err, "probe of router %s", r->name);
    if (!ok)
        return cf_out_hold(out, CF_HOLD_PROBE_FAILED, PROBE_AGAIN_MS, "router %s: %s", r->name,
                           said);
    cf_step_say(s, "router %s: %s", r->name, said);
    return cf_out_done(out);
}

/* The gateways learn of the destination at weight 0, before the first raise. */
static bool settle(struct cf_pass *p, const struct cf_step *s, struct cf_outcome *out)
{
    const json_t *memo = cf_memo(p->run, MEMO_READY);
    if (cf_json_int(memo, -1, "attempt", NULL) != s->attempt ||
        cf_json_int(memo, s->no, "step", NULL) != s->no) {
        cf_memo_set_take(p->run, MEMO_READY,
                         json_pack("{s:i,s:i,s:I}", "step", s->no, "attempt", s->attempt, "since",
                                   (json_int_t)p->now_wall));
        memo = cf_memo(p->run, MEMO_READY);
    }
    int64_t left =
        cf_json_int(memo, p->now_wall, "since", NULL) + CF_ROUTER_REACH_SETTLES_MS - p->now_wall;
    if (left <= 0)
        return cf_out_done(out);
    return cf_out_wait(out, CF_MIN(left, CF_ROUTER_REACH_SETTLES_MS),
                       "the gateways have %d s to learn of %s", CF_ROUTER_REACH_SETTLES_MS / 1000,
                       p->run->plan->target_cluster);
}

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    if (!cf_pass_look_at_routers(p, out, err))
        return false;
    if (out->kind != CF_OUT_DONE)
        return true;
    for (size_t i = 0; i < p->run->n_routers; i++) {
        if (!accepted(p, &p->run->routers[i], out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    if (cf_json_bool(s->params, false, "adoptOnly", NULL)) {
        cf_step_say(s, "nothing to reach before the writers have moved");
        return true;
    }
    if (!cf_pass_target_ready(p, out, err))
        return false;
    for (size_t i = 0; i < p->run->n_routers && out->kind == CF_OUT_DONE; i++)
        if (!probe(p, s, &p->run->routers[i], out, err))
            return false;
    return out->kind != CF_OUT_DONE || settle(p, s, out);
}

/* ---- undo ---- */

/* After a rollback nothing raises a weight, so a restore may follow whatever write of ours is the
 * newest. */
static bool restore(struct cf_pass *p, struct cf_run_router *r, struct cf_router_reading *reading,
                    struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    if (!cf_pass_router_kube(p, r, &kube, err))
        return false;
    for (int tries = 0; tries < 2; tries++) {
        cf_pass_grip(p, r, &grip);
        if (!cf_router_restore(kube, NULL, r->baseline, &grip, reading, err))
            return cf_error_wrap(err, "restore router %s", r->name);
        if (!cf_pass_recall(p, r, reading))
            return true;
    }
    return true;
}

static bool undo(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out, struct cf_error *err)
{
    if (cf_json_bool(s->params, false, "again", NULL))
        return cf_out_done(out); /* the first one's undo gives everything back */
    for (size_t i = 0; i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        struct cf_router_reading reading = { 0 };
        /* Not adopted as far as is recorded: the write may have happened all the same, so it is
         * looked at. */
        if (!r->baseline)
            continue;
        if (!r->adopted) {
            const json_t *row = json_array_get(cf_json_at(s->intent, "routers", NULL), i);
            (void)snprintf(r->arm, sizeof r->arm, "%s", cf_json_str(row, "", "arm", NULL));
            (void)snprintf(r->seq, sizeof r->seq, "%s", cf_json_str(row, "", "seq", NULL));
        }
        if (!restore(p, r, &reading, err))
            return false;
        if (reading.state == CF_ROUTER_FENCED && r->adopted)
            return cf_pass_heed(p, r, &reading, out, err);
        if (reading.state != CF_ROUTER_OURS && r->adopted)
            return cf_out_failed(out, "router %s could not be given its baseline back: %s %s",
                                 r->name, reading.what, reading.who);
        r->adopted = false;
        r->changed = true;
    }
    if (!p->ports->bridges.remove(p->ports->bridges.self, &p->fence, p->run->id, err))
        return cf_error_wrap(err, "remove the bridge");
    return cf_out_done(out);
}

/* ---- preview ---- */

static bool preview(struct cf_preview *p, const json_t *params, struct cf_error *err)
{
    (void)params;
    (void)err;
    for (size_t i = 0; i < p->plan->traffic.n_routers; i++) {
        const struct cf_survey_router *s = &p->routers[i];
        if (!s->uses_bridge || !s->has_service)
            continue;
        char name[CF_DEST_WORD_MAX];
        json_array_append_new(
            p->out,
            json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s},s:s}", "cluster", s->row->cluster, "verb",
                      "create", "ref", "version", "v1", "kind", "Service", "namespace",
                      s->service_ns, "name", cf_bridge_name(s->service, name), "note",
                      "a Service without selector, and EndpointSlices kept equal to the target's"));
    }
    return true;
}

const struct cf_step_kind cf_step_reach = {
    .name = "reach",
    .phase = "Reaching",
    .says = "bridges to the target, target destinations at weight 0, one request through",
    .preview = preview,
    .intend = intend,
    .start = start,
    .observe = observe,
    .undo = undo,
};
