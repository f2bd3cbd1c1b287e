/* SPDX-License-Identifier: Apache-2.0 */
/* Step `commit`: the point after which the source may be touched and nothing goes back.
 *
 *   intend   asked for (or `commit: auto`), the source is what was copied, the routers are as we
 *            left them, no gate is broken; then, per router, the seq of the patch that disarms it,
 *            and what must not run twice in the source, with uid and what it had, so that a person
 *            can bring it back
 *   start    disarms every router: from here on no old owner, rescue or alarm can send it back.
 *            Then the main Ingress takes the bridge as its backend; a control plane lets go of the
 *            source; what must not run twice stops in the source, and when it has ended there it
 *            starts in the target
 *   observe  every router shows an empty arm
 *
 * After its intent nobody may ask for a rollback; there is no undo. */
#include <string.h>

#include "orchestrator/engine/pass.h"
#include "orchestrator/engine/steps/disarm.h"
#include "orchestrator/engine/steps/halt.h"

enum { LOOK_MS = 500 };

static bool may_commit(struct cf_pass *p, const struct cf_step *s, struct cf_outcome *out,
                       struct cf_error *err)
{
    if (!cf_json_bool(s->params, false, "auto", NULL) && !cf_memo(p->run, "commitAsked"))
        return cf_out_hold(out, CF_HOLD_COMMIT, CF_PASS_WAKE_MAX_MS,
                           "all traffic goes to %s and has proved itself; waiting for commit",
                           p->run->plan->target_cluster);
    if (!cf_copies_compare(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_pass_target_ready(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_copies_guard(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    return cf_pass_look_at_routers(p, out, err);
}

/* The source's side of every copy that waits for the switch, as rows of halt.h. */
static bool find_singletons(struct cf_pass *p, json_t **out_rows, struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    cf_autojson json_t *waiting = NULL;
    cf_autojson json_t *rows = json_array();
    size_t i;
    json_t *copy;
    if (!cf_copies_open(p, &c, err) ||
        !c.ops->waiting(&c.request, cf_copies_ledger(p), &waiting, err))
        return false;
    json_array_foreach(waiting, i, copy)
    {
        const char *field = cf_json_str(copy, "", "field", NULL);
        if (!cf_halt_add(p, c.source, copy, field, rows, err))
            return cf_error_wrap(err, "what must not run twice");
    }
    if (!cf_halt_add_scalers(p, c.source, waiting, rows, err))
        return cf_error_wrap(err, "what must not run twice");
    *out_rows = cf_steal(&rows);
    return true;
}

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    if (!may_commit(p, s, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    json_t *source = NULL;
    if (!find_singletons(p, &source, err))
        return false;
    cf_step_set_intent_take(
        s, json_pack("{s:o,s:o}", "routers", cf_disarm_rows(p->run), "source", source));
    return cf_out_done(out);
}

static bool switch_main(struct cf_pass *p, const struct cf_run_router *r, struct cf_outcome *out,
                        struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    struct cf_router_reading reading;
    cf_pass_grip(p, r, &grip);
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_switch(kube, NULL, r->baseline, &grip, &reading, err))
        return cf_error_wrap(err, "main backend of router %s", r->name);
    if (reading.state == CF_ROUTER_OURS)
        return cf_out_done(out);
    return cf_out_hold(out, CF_HOLD_DRIFT, CF_PASS_RETRY_MS, "router %s: %s %s", r->name,
                       reading.what, reading.who);
}

/* *out DONE once nothing of it runs in the source any more. */
static bool stop_singletons(struct cf_pass *p, const json_t *rows, struct cf_outcome *out,
                            struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    const json_t *first = NULL;
    int ended = 0;
    if (json_array_size(rows) == 0)
        return true;
    if (!cf_pass_kube(p, p->run->plan->source_cluster, &kube, err) ||
        !cf_halt_write(p, kube, rows, err) || !cf_halt_look(p, kube, rows, &ended, &first, err))
        return cf_error_wrap(err, "stop in %s what must not run twice",
                             p->run->plan->source_cluster);
    if (first)
        return cf_out_wait(
            out, LOOK_MS,
            "%s %s must not run twice: it starts in %s when its pods in %s have ended",
            cf_json_str(first, "", "kind", NULL), cf_json_str(first, "", "name", NULL),
            p->run->plan->target_cluster, p->run->plan->source_cluster);
    return true;
}

static bool activate_copies(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    struct cf_copying copying = { 0 };
    if (!cf_copies_open(p, &c, err))
        return false;
    bool ok = c.ops->activate(&c.request, cf_copies_ledger(p), false, &copying, err);
    cf_copies_keep_take(&c, NULL);
    if (!ok)
        return cf_error_wrap(err, "start in %s what waited for the commit",
                             p->run->plan->target_cluster);
    return cf_copies_progress(&copying, out);
}

static bool start(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err)
{
    p->ports->lane.block(p->ports->lane.self, p->run->id, "committing");
    if (!cf_disarm_all(p, cf_json_at(s->intent, "routers", NULL), out, err) ||
        out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    for (size_t i = 0; i < p->run->n_routers; i++) {
        if (!switch_main(p, &p->run->routers[i], out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    if (!cf_copies_detach(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!stop_singletons(p, cf_json_at(s->intent, "source", NULL), out, err))
        return false;
    if (out->kind != CF_OUT_DONE)
        return true;
    return activate_copies(p, out, err);
}

/* A disarming patch that is in place was read back: the rows tell. */
static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    for (size_t i = 0; i < p->run->n_routers; i++)
        if (p->run->routers[i].arm[0])
            return cf_out_wait(out, LOOK_MS, "router %s is not disarmed yet",
                               p->run->routers[i].name);
    if (!p->ports->lane.forget(p->ports->lane.self, p->run->id, err))
        return cf_error_wrap(err, "forget the way back");
    cf_memo_set_take(p->run, "committedAt", json_integer((json_int_t)p->now_wall));
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HOLD_TEXT_MAX - 64);
    const json_t *stopped = cf_json_at(s->intent, "source", NULL);
    cf_buf_puts(&text, "committed: nothing goes back from here");
    if (json_array_size(stopped) > 0)
        cf_buf_printf(&text, "; stopped in %s: ", p->run->plan->source_cluster);
    cf_halt_names(stopped, &text);
    cf_step_say(s, "%s", cf_buf_str(&text));
    return cf_out_done(out);
}

const struct cf_step_kind cf_step_commit = {
    .name = "commit",
    .phase = "Committing",
    .says = "the point of no return: disarms the way back, then the source may be touched",
    .intend = intend,
    .start = start,
    .observe = observe,
};
