/* SPDX-License-Identifier: Apache-2.0 */
/* Step `cleanup`: ownership is released; what must stay, stays and is named.
 *
 *   intend   when the gateways have changed over
 *   start    our marks leave the routers (weights stay), what we made beside an Ingress goes;
 *            floors that were raised are given back; our labels leave the copies; backups and restores
 *            of the volumes go; gates and the way back are forgotten
 *
 * A bridge stays as long as traffic flows over it: the step's message says so and what to do, and
 * what still runs in the source. After commit: no undo. */
#include <string.h>

#include "lb/bridge.h"
#include "orchestrator/engine/moves.h"
#include "orchestrator/engine/steps/floors.h"
#include "orchestrator/engine/steps/halt.h"
#include "orchestrator/engine/steps/names.h"
#include "orchestrator/engine/steps/owners.h"
#include "orchestrator/engine/steps/settle.h"

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    (void)s;
    (void)err;
    return cf_settle_wait(p, out);
}

static bool release(struct cf_pass *p, struct cf_run_router *r, struct cf_outcome *out,
                    struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    struct cf_router_reading reading;
    if (!r->adopted)
        return cf_out_done(out);
    cf_pass_grip(p, r, &grip);
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_release(kube, NULL, r->baseline, &grip, &reading, err))
        return cf_error_wrap(err, "release router %s", r->name);
    if (reading.state == CF_ROUTER_FENCED && strcmp(reading.run, p->run->id) == 0)
        return cf_pass_heed(p, r, &reading, out, err);
    /* Changed by somebody after commit, or another run's: theirs now, and no reason to hold a run
     * that has done its work. */
    if (reading.state != CF_ROUTER_OURS)
        cf_event_add_take(p->events, "router.left", -1, NULL,
                          json_pack("{s:s,s:s,s:s}", "router", r->name, "what", reading.what, "who",
                                    reading.who));
    r->adopted = false;
    r->changed = true;
    return cf_out_done(out);
}

/* What the driver leaves for a person to do is appended to `stays`. */
static bool release_copies(struct cf_pass *p, struct cf_buf *stays, struct cf_outcome *out,
                           struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    struct cf_copying copying = { 0 };
    if (!cf_copies_open(p, &c, err))
        return false;
    bool ok = c.ops->release(&c.request, cf_copies_ledger(p), &copying, err);
    cf_copies_keep_take(&c, NULL);
    if (!ok)
        return cf_error_wrap(err, "release the copies");
    if (copying.done && *copying.why)
        cf_buf_printf(stays, "; %s", copying.why);
    return cf_copies_progress(&copying, out);
}

/* "echo-crossfade" of every bridge that stays. */
static void name_bridges(const struct cf_pass *p, struct cf_buf *out)
{
    const struct cf_step *reach = cf_run_step(p->run, "reach");
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(reach ? reach->intent : NULL, "routers", NULL), i, row)
    {
        char name[CF_DEST_WORD_MAX];
        if (!cf_json_bool(row, false, "bridge", NULL))
            continue;
        cf_buf_printf(out, "%s%s/%s", out->len ? ", " : "", cf_json_str(row, "", "serviceNs", NULL),
                      cf_bridge_name(cf_json_str(row, "", "service", NULL), name));
    }
}

static bool start(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err)
{
    const struct cf_step *ready = cf_run_step(p->run, "workload.ready");
    for (size_t i = 0; i < p->run->n_routers; i++) {
        if (!release(p, &p->run->routers[i], out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    if (ready && !cf_floors_give_back(p, s, cf_json_at(ready->intent, "floors", NULL), out, err))
        return false;
    if (out->kind != CF_OUT_DONE)
        return true;
    CF_CLEANUP(cf_buf_free) struct cf_buf left = CF_BUF_INIT(CF_HOLD_TEXT_MAX);
    if (!release_copies(p, &left, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_names_end(p, false, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (cf_run_step(p->run, "volume.sync") &&
        (!cf_moves_clean(p, &left, out) || out->kind != CF_OUT_DONE))
        return true;
    if (!p->ports->lane.forget(p->ports->lane.self, p->run->id, err))
        return false;
    p->ports->gates.forget(p->ports->gates.self, p->run->id);
    CF_CLEANUP(cf_buf_free) struct cf_buf bridges = CF_BUF_INIT(512);
    name_bridges(p, &bridges);
    CF_CLEANUP(cf_buf_free) struct cf_buf stays = CF_BUF_INIT(768);
    cf_halt_say_what_stays(p, &stays);
    cf_owners_say_what_stays(p, &stays);
    if (bridges.len > 0)
        cf_step_say(
            s,
            "traffic still flows over the bridge %s: point clients at the target's own entry, then "
            "`crossfade bridge remove`%s%s",
            cf_buf_str(&bridges), cf_buf_str(&stays), cf_buf_str(&left));
    else
        cf_step_say(s, "nothing of ours is left%s%s", cf_buf_str(&stays), cf_buf_str(&left));
    return cf_out_done(out);
}

const struct cf_step_kind cf_step_cleanup = {
    .name = "cleanup",
    .phase = "Cleaning",
    .says = "releases routers and copies; names the bridge that stays",
    .intend = intend,
    .start = start,
};
