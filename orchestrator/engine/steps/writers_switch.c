/* SPDX-License-Identifier: Apache-2.0 */
/* Step `writers.switch`: the target's writers start on the data that was restored. From its intent on
 * the target may have taken writes that the source does not have: going back is a question of the
 * plan's rollback.targetData.
 *
 *   intend   nobody runs in the source, looked at once more, and nobody has since the last pass was
 *            read: one writer at a time, and nothing of it is lost. Otherwise the last pass is made again
 *   start    the copies that wait for the data get their replicas; their names lead to them
 *   observe  they are ready, and the source's pods reach them by name: the freeze is over; the gates
 *            begin anew
 *   undo     they stop again, all of them, before anything of the source starts; where the plan says
 *            `reverse`, what they wrote is brought back first, most of it while they still run */
#include <string.h>

#include "base/units.h"
#include "federation/objects/kinds.h"
#include "orchestrator/engine/steps/bring_back.h"
#include "orchestrator/engine/steps/final_sync.h"
#include "orchestrator/engine/steps/freeze.h"
#include "orchestrator/engine/steps/names.h"

enum { LOOK_MS = 300 };

/* ---- the copies of the writers ---- */

/* The ledger's entries of the writers, and KEDA's, of which the driver takes those that scale them; new
 * reference. */
static json_t *writers_of(const struct cf_pass *p)
{
    json_t *entries = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(cf_copies_ledger(p), i, entry)
    {
        const char *kind = cf_json_str(entry, "", "ref", "kind", NULL);
        if (strcmp(kind, "ScaledObject") == 0 ||
            cf_row_of(cf_moves_writer_rows(p->run), kind,
                      cf_json_str(entry, "", "ref", "name", NULL)))
            json_array_append(entries, entry);
    }
    return entries;
}

static bool activate(struct cf_pass *p, bool off, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    struct cf_copying copying = { 0 };
    if (!cf_copies_open(p, &c, err))
        return false;
    cf_autojson json_t *entries = writers_of(p);
    bool ok = c.ops->activate(&c.request, entries, off, &copying, err);
    cf_copies_keep_take(&c, NULL);
    if (!ok)
        return cf_error_wrap(err, "%s the writers in %s", off ? "stop" : "start",
                             p->run->plan->target_cluster);
    return cf_copies_progress(&copying, out);
}

/* ---- forward ---- */

/* Who was started since the last pass was read makes it void; then nodes and attachments once more. */
static bool source_stands_still(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    const struct cf_step *quiesce = cf_run_step(p->run, "quiesce");
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_freeze f;
    if (!cf_final_sync_stands(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    return cf_freeze_open(p, false, &kube, &f, err) &&
           cf_freeze_look(&f, cf_moves_stopped(p->run), cf_moves_claims(p->run),
                          cf_json_at(quiesce->intent, "mounts", NULL), out, err);
}

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    if (cf_moves_too_long(p, out))
        return true;
    if (!source_stands_still(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!s->intent)
        cf_step_set_intent_take(s, json_pack("{s:I}", "at", (json_int_t)p->now_wall));
    return cf_out_done(out);
}

static bool start(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err)
{
    (void)s;
    /* From here on the name means the target's own pods there. */
    if (!cf_names_end(p, true, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    return activate(p, false, out, err);
}

static void end_freeze(struct cf_pass *p, struct cf_step *s)
{
    const struct cf_step *quiesce = cf_run_step(p->run, "quiesce");
    int64_t at = cf_json_int(quiesce->intent, p->now_wall, "at", NULL);
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HOLD_TEXT_MAX - 1);
    cf_moves_mark(p, false, CF_PART_START);
    cf_freeze_say(cf_moves_thawed(p, false, at, cf_json_at(quiesce->intent, "forecast", NULL)),
                  &text);
    cf_step_say(s, "the writers run in %s; they stood still for %s", p->run->plan->target_cluster,
                cf_buf_str(&text));
    p->ports->gates.reset(p->ports->gates.self, p->run->id);
}

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    cf_autojson json_t *report = NULL;
    if (!cf_copies_open(p, &c, err))
        return false;
    cf_autojson json_t *entries = writers_of(p);
    if (!c.ops->health(&c.request, entries, &report, err))
        return cf_error_wrap(err, "the writers in %s", p->run->plan->target_cluster);
    cf_step_progress(s, (int)cf_json_int(report, 0, "done", NULL),
                     (int)cf_json_int(report, 0, "total", NULL));
    if (cf_json_bool(report, false, "ready", NULL)) {
        if (!cf_names_lead_to(p, false, out, err) || out->kind != CF_OUT_DONE)
            return err->kind == CF_ERR_NONE;
        end_freeze(p, s);
        return cf_out_done(out);
    }
    const json_t *first = NULL;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(report, "objects"), i, row)
    {
        if (!first && !cf_json_bool(row, false, "ready", NULL))
            first = row;
    }
    if (cf_json_bool(report, false, "failed", NULL) || !cf_copies_in_time(p, s))
        return cf_out_hold(out, CF_HOLD_NOT_READY, LOOK_MS * 3, "%s: %s",
                           cf_json_str(first, "a writer", "key", NULL),
                           cf_json_str(first, "is not ready", "message", NULL));
    return cf_out_wait(out, LOOK_MS, "%s: %s", cf_json_str(first, "a writer", "key", NULL),
                       cf_json_str(first, "is not ready yet", "message", NULL));
}

/* ---- back ---- */

static bool undo(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out, struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_freeze f;
    cf_autojson json_t *mounts = NULL;
    (void)s;
    if (!cf_bring_back_ahead(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    cf_bring_back_freeze(p);
    if (!cf_names_end(p, false, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_bring_back_watch(p, err))
        return false;
    if (!activate(p, true, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_freeze_open(p, true, &kube, &f, err) ||
        !cf_freeze_mounts(&f, cf_moves_claims(p->run), &mounts, err))
        return false;
    if (json_array_size(mounts) > 0)
        return cf_out_wait(out, LOOK_MS,
                           "pod %s of %s still has its volume: nothing of %s starts before",
                           cf_json_str(json_array_get(mounts, 0), "?", "pod", NULL),
                           plan->target_cluster, plan->source_cluster);
    return cf_bring_back(p, out, err);
}

const struct cf_step_kind cf_step_writers_switch = {
    .name = "writers.switch",
    .phase = "Switching",
    .says =
        "starts the target's writers on the restored data; from here on going back costs data or "
        "time",
    .intend = intend,
    .start = start,
    .observe = observe,
    .undo = undo,
};
