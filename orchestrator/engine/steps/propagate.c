/* SPDX-License-Identifier: Apache-2.0 */
/* Step `propagate`: the workloads and what they need are copied into the target.
 *
 *   intend   which Services the routers name, and the digest of what is to be copied
 *   start    applies a batch, records the ledger, goes on; a conflict holds and names the managers.
 *            Done again after a change of the source, it applies only what changed. Before a wave
 *            of workloads it waits, as long as the plan says, until all before it is healthy
 *   undo     deletes exactly what was created, gives back what was adopted or overwritten */
#include <string.h>

#include "orchestrator/engine/pass.h"
#include "orchestrator/preflight/survey.h"

enum { WAVE_LOOK_MS = 1000 };

/* Services behind the routers' source destinations; the routers are only read. */
static bool find_services(struct cf_pass *p, json_t *services, struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    for (size_t i = 0; i < plan->traffic.n_routers; i++) {
        CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
        CF_CLEANUP(cf_survey_router_free) struct cf_survey_router r = { 0 };
        if (!cf_pass_kube(p, plan->traffic.routers[i].cluster, &kube, err) ||
            !cf_survey_router(kube, plan, &plan->traffic.routers[i], p->run->id, &r, err))
            return false;
        cf_survey_add_service(plan, &r, services);
    }
    return true;
}

/* Whether the source is what the diff showed, when the run was started on one. */
static bool is_as_shown(const struct cf_pass *p, const json_t *inventory)
{
    const char *shown = cf_json_str(cf_memo(p->run, "diff"), "", "inventory", NULL);
    return !*shown || strcmp(shown, cf_json_str(inventory, "", "digest", NULL)) == 0;
}

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    /* Copied again in mid-run: by then the routes have two destinations, and the first look's
     * answer stands. */
    const json_t *known = cf_json_at(s->intent, "services", NULL);
    json_t *services = known ? cf_json_copy(known) : json_array();
    cf_step_set_intent_take(s, json_pack("{s:o}", "services", services));
    if (json_array_size(services) == 0 && !find_services(p, services, err))
        return false;
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    const json_t *inventory;
    if (!cf_copies_open(p, &c, err) || !cf_copies_inventory(&c, &inventory, err))
        return false;
    if (!is_as_shown(p, inventory))
        return cf_out_hold(out, CF_HOLD_SOURCE_CHANGED, CF_PASS_WAKE_MAX_MS,
                           "the source is no longer what the diff showed on which this run was "
                           "started; resume copies it as it is now");
    cf_memo_clear(p->run, "diff");
    json_object_set_new(s->intent, "digest",
                        json_string(cf_json_str(inventory, "", "digest", NULL)));
    json_object_set_new(
        s->intent, "objects",
        json_integer((json_int_t)json_array_size(cf_json_at(inventory, "objects", NULL))));
    return cf_out_done(out);
}

/* A copy for the driver to change: what was recorded stays as it is. Members are shared, for they
 * are replaced, never changed in place. */
static json_t *ledger_of(const struct cf_pass *p)
{
    json_t *copy = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(cf_copies_ledger(p), i, entry)
    {
        json_array_append_new(copy, json_copy(entry));
    }
    return copy;
}

/* Counts, and how fast; a pace that is interrupted says nothing of when it will be done. */
static void count(const struct cf_pass *p, struct cf_step *s, int done, int total, bool goes_on)
{
    cf_step_progress(s, done, total);
    if (goes_on)
        cf_step_pace(s, cf_wall_ms(p->ports->clock));
    else
        cf_step_pace_lost(s);
}

/* As step workload.ready does with all copies. */
static bool wave_waits(const struct cf_pass *p, const struct cf_step *s,
                       const struct cf_copying *copying, struct cf_outcome *out)
{
    if (copying->failed)
        return cf_out_failed(out, "%s", copying->why);
    if (cf_copies_in_time(p, s))
        return cf_out_wait(out, WAVE_LOOK_MS, "%s", copying->why);
    return cf_out_hold(out, CF_HOLD_NOT_READY, WAVE_LOOK_MS, "%s", copying->why);
}

/* How often the source will be read again before all is copied: once for each pass to come, and this
 * one ends after so many records. */
static int readings_left(const struct cf_pass *p, int left)
{
    const int whole = CF_PASS_RECORDS_MAX * CF_PROPAGATE_BATCH;
    int here = (CF_PASS_RECORDS_MAX - p->records - 1) * CF_PROPAGATE_BATCH;
    return left <= here ? 0 : (left - here + whole - 1) / whole;
}

static bool start(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    const json_t *inventory;
    bool reads = !p->inventory;
    if (!cf_copies_open(p, &c, err) || !cf_copies_inventory(&c, &inventory, err))
        return false;
    if (reads || s->pace.pause_ms == 0)
        cf_step_pace_paused(s, p->inventory_ms, cf_wall_ms(p->ports->clock));
    json_t *ledger = ledger_of(p);
    struct cf_copying copying = { 0 };
    bool ok = c.ops->apply(&c.request, inventory, &ledger, CF_PROPAGATE_BATCH, &copying, err);
    int total = (int)json_array_size(cf_json_at(inventory, "objects", NULL));
    count(p, s, CF_MIN((int)json_array_size(ledger), total), total, ok && !copying.waits);
    cf_step_pace_pauses(s, readings_left(p, total - s->done));
    cf_copies_keep_take(&c, ledger);
    if (!ok && err->kind == CF_ERR_CONFLICT) {
        struct cf_error why = *err;
        cf_error_clear(err);
        return cf_out_hold(out, CF_HOLD_CONFLICT, CF_PASS_WAKE_MAX_MS, "%s", why.message);
    }
    if (!ok)
        return cf_error_wrap(err, "copy to %s", p->run->plan->target_cluster);
    if (copying.unhealthy)
        return wave_waits(p, s, &copying, out);
    if (!copying.done)
        return cf_copies_progress(&copying, out);
    cf_step_say(s, "%d objects are in %s", total, p->run->plan->target_cluster);
    return cf_out_done(out);
}

static bool undo(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    cf_autojson json_t *left = NULL;
    struct cf_copying copying = { 0 };
    if (!cf_copies_open(p, &c, err))
        return false;
    json_t *ledger = ledger_of(p);
    bool ok = c.ops->undo(&c.request, &ledger, CF_PROPAGATE_BATCH, &copying, &left, err);
    count(p, s, (int)json_array_size(ledger), s->total, ok && !copying.waits);
    cf_copies_keep_take(&c, ledger);
    if (!ok)
        return cf_error_wrap(err, "take the copies back from %s", p->run->plan->target_cluster);
    if (!copying.done)
        return cf_copies_progress(&copying, out);
    if (json_array_size(left) > 0)
        return cf_out_failed(out, "%s", json_string_value(json_array_get(left, 0)));
    return cf_out_done(out);
}

static bool preview(struct cf_preview *p, const json_t *params, struct cf_error *err)
{
    (void)params;
    cf_autojson json_t *bodies = NULL;
    if (!p->propagator->preview(p->propagation, p->inventory, &bodies, err))
        return false;
    size_t i;
    json_t *row;
    json_array_foreach(bodies, i, row)
    {
        bool in_plane = strcmp(cf_json_str(row, "", "cluster", NULL), "controlPlane") == 0;
        json_object_set_new(
            row, "cluster",
            json_string(in_plane ? p->plan->copy.control_plane : p->plan->target_cluster));
        json_array_append(p->out, row);
    }
    return true;
}

const struct cf_step_kind cf_step_propagate = {
    .name = "propagate",
    .phase = "Copying",
    .says =
        "copies workloads and what they need into the target, in order, each by server-side apply",
    .preview = preview,
    .intend = intend,
    .start = start,
    .undo = undo,
};
