/* SPDX-License-Identifier: Apache-2.0 */
/* Plans as the API asks for them: steps, preview, preflight jobs; and what docs are made from
 * (engine.h). */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "orchestrator/engine/compile.h"
#include "orchestrator/engine/diff.h"
#include "orchestrator/engine/engine_internal.h"
#include "orchestrator/engine/explain.h"
#include "orchestrator/engine/step.h"
#include "orchestrator/preflight/survey.h"
#include "store/diffs.h"
#include "store/plans.h"
#include "store/preflights.h"

json_t *cf_engine_plan_steps(const struct cf_plan *plan)
{
    json_t *steps = cf_compile(plan);
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step)
    {
        const struct cf_step_kind *kind = cf_step_kind_find(cf_json_str(step, "", "kind", NULL));
        json_object_set_new(step, "no", json_integer((json_int_t)i));
        json_object_set_new(step, "phase", json_string(kind ? kind->phase : ""));
    }
    return steps;
}

/* ---- preview ---- */

/* Everything a preview looks at, and how it is let go. */
struct looking {
    struct cf_kube *source, *target, *control_plane;
    struct cf_survey_router routers[CF_PLAN_ROUTERS_MAX];
    size_t n_routers;
    json_t *services, *inventory, *state;
};

static void looking_end(struct looking *l)
{
    for (size_t i = 0; i < l->n_routers; i++)
        cf_survey_router_free(&l->routers[i]);
    json_decref(l->services);
    json_decref(l->inventory);
    cf_kube_unref(l->source);
    cf_kube_unref(l->target);
    cf_kube_unref(l->control_plane);
    json_decref(l->state);
    free(l);
    cf_mem_give_back();
}

static bool look(struct cf_engine *e, const struct cf_plan *plan, struct looking *l,
                 struct cf_propagation *propagation, struct cf_error *err)
{
    l->services = json_array();
    if (!cf_engine_kube(e, plan->source_cluster, &l->source, err) ||
        !cf_engine_kube(e, plan->target_cluster, &l->target, err))
        return false;
    if (plan->copy.control_plane &&
        !cf_engine_kube(e, plan->copy.control_plane, &l->control_plane, err))
        return false;
    for (size_t i = 0; i < plan->traffic.n_routers; i++) {
        CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
        if (!cf_engine_kube(e, plan->traffic.routers[i].cluster, &kube, err) ||
            !cf_survey_router(kube, plan, &plan->traffic.routers[i], "", &l->routers[i], err))
            return false;
        l->n_routers = i + 1;
        cf_survey_add_service(plan, &l->routers[i], l->services);
    }
    *propagation = cf_survey_propagation(plan, l->source, l->target, "", l->services);
    propagation->control_plane = l->control_plane;
    propagation->state = l->state = json_object();
    return cf_survey_propagator(plan)->inventory(propagation, &l->inventory, err);
}

static bool preview_steps(const struct cf_plan *plan, const struct looking *l,
                          const struct cf_propagation *propagation, const json_t *steps,
                          json_t *writes, struct cf_error *err)
{
    size_t i, k;
    json_t *step, *row;
    json_array_foreach(steps, i, step)
    {
        const struct cf_step_kind *kind = cf_step_kind_find(cf_json_str(step, "", "kind", NULL));
        cf_autojson json_t *out = json_array();
        struct cf_preview preview = { .plan = plan,
                                      .propagator = cf_survey_propagator(plan),
                                      .propagation = propagation,
                                      .inventory = l->inventory,
                                      .routers = l->routers,
                                      .out = out };
        if (!kind || !kind->preview)
            continue;
        if (!kind->preview(&preview, cf_json_at(step, "params", NULL), err))
            return cf_error_wrap(err, "step %s", cf_json_str(step, "", "name", NULL));
        json_array_foreach(out, k, row)
        {
            json_object_set_new(row, "step", json_integer((json_int_t)i));
            json_array_append(writes, row);
        }
    }
    return true;
}

static json_t *preview(struct cf_engine *e, const struct cf_plan *plan, json_t **out_rows,
                       struct cf_error *err)
{
    struct looking *l = cf_xcalloc(1, sizeof *l);
    struct cf_propagation propagation;
    cf_autojson json_t *steps = cf_engine_plan_steps(plan);
    cf_autojson json_t *writes = json_array();
    json_t *out = NULL;
    if (look(e, plan, l, &propagation, err) &&
        preview_steps(plan, l, &propagation, steps, writes, err)) {
        const json_t *notes = cf_json_at(l->inventory, "notes", NULL);
        char digest[CF_SHA256_HEX];
        *out_rows = cf_diff_rows(writes);
        cf_diff_digest(plan->digest, *out_rows, digest);
        out = json_pack("{s:O,s:O,s:o,s:s,s:s}", "steps", steps, "writes", writes, "notes",
                        notes ? cf_json_copy(notes) : json_array(), "digest", digest, "inventory",
                        cf_json_str(l->inventory, "", "digest", NULL));
    }
    looking_end(l);
    if (!out)
        cf_error_wrap(err, "preview of plan %s", plan->name);
    return out;
}

json_t *cf_engine_plan_preview(struct cf_engine *e, const struct cf_plan *plan,
                               struct cf_error *err)
{
    cf_autojson json_t *rows = NULL;
    cf_autojson json_t *out = preview(e, plan, &rows, err);
    if (!out ||
        !cf_diff_keep(e->config.store, cf_json_str(out, "", "digest", NULL), plan->name, rows, err))
        return NULL;
    json_object_del(out, "inventory");
    return cf_steal(&out);
}

bool cf_engine_diff_check(struct cf_engine *e, const struct cf_plan *plan, const char *digest,
                          char out_inventory[CF_SHA256_HEX], struct cf_error *err)
{
    cf_autojson json_t *shown = NULL, *rows = NULL;
    if (!cf_diff_get(e->config.store, digest, plan->name, &shown, err))
        return cf_error_wrap(err, "diff %.64s", digest);
    cf_autojson json_t *now = preview(e, plan, &rows, err);
    if (!now)
        return false;
    (void)snprintf(out_inventory, CF_SHA256_HEX, "%s", cf_json_str(now, "", "inventory", NULL));
    if (strcmp(cf_json_str(now, "", "digest", NULL), digest) == 0)
        return true;
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(1024);
    cf_diff_say(shown, rows, &text);
    cf_error_set(err, CF_ERR_CONFLICT, "it is no longer what the diff showed: %s",
                 text.len ? cf_buf_str(&text) : "the plan itself is another one");
    return cf_error_reason(err, CF_ENGINE_STALE_DIFF);
}

json_t *cf_engine_plan_explain(struct cf_engine *e, const struct cf_plan *plan,
                               struct cf_error *err)
{
    struct looking *l = cf_xcalloc(1, sizeof *l);
    struct cf_propagation propagation;
    json_t *out = look(e, plan, l, &propagation, err) ? cf_explain(l->inventory) : NULL;
    looking_end(l);
    if (!out)
        cf_error_wrap(err, "look at what plan %s copies", plan->name);
    return out;
}

/* ---- preflight jobs ---- */

bool cf_engine_preflight_start(struct cf_engine *e, const char *plan, int revision,
                               const char *principal, char out_id[CF_UUID_TEXT],
                               struct cf_error *err)
{
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    if (!cf_plan_get(e->config.store, plan, revision, &row, err))
        return cf_error_wrap(err, "plan %s", plan);
    struct cf_preflight_new job = {
        .plan = plan, .revision = row.revision, .effective = row.effective, .author = principal
    };
    if (!cf_preflight_add(e->config.store, &job, NULL, out_id, err))
        return cf_error_wrap(err, "queue a preflight of plan %s", plan);
    cf_workers_wake_preflight(e->workers);
    return true;
}

static json_t *check(struct cf_engine *e, const json_t *effective, struct cf_error *err)
{
    json_t *report = NULL;
    struct cf_plan *plan = cf_plan_from_effective(effective, err);
    struct cf_preflight_request request = {
        .plan = plan, .run_id = "", .world = &e->world, .clock = &cf_clock_real
    };
    if (plan && !cf_preflight_run(&request, &report, err))
        report = NULL;
    cf_plan_free(plan);
    cf_mem_give_back();
    return report;
}

void cf_engine_do_preflight(void *self)
{
    enum { LEASE_MS = 120000 }; /* a preflight of a large namespace takes a minute */
    struct cf_engine *e = self;
    CF_CLEANUP(cf_preflight_row_free) struct cf_preflight_row job = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    bool found = false;
    if (!cf_preflight_claim(e->config.store, cf_ownership_id(e->ownership), LEASE_MS, &found, &job,
                            &err) ||
        !found)
        return;
    cf_workers_wake_preflight(e->workers); /* there may be another */
    cf_autojson json_t *report = check(e, job.effective, &err);
    struct cf_error kept = CF_ERROR_INIT;
    if (!cf_preflight_finish(e->config.store, job.id, job.attempt, report,
                             report ? NULL : err.message, &kept))
        cf_log_err(CF_LOG_WARN, "preflight.finish", "a preflight's result was not kept", &kept);
}

/* ---- what docs are made from ---- */

json_t *cf_engine_step_kinds(void)
{
    json_t *rows = json_array();
    for (size_t i = 0; cf_step_kinds[i]; i++)
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:b}", "name", cf_step_kinds[i]->name,
                                              "phase", cf_step_kinds[i]->phase, "says",
                                              cf_step_kinds[i]->says, "undo",
                                              cf_step_kinds[i]->undo != NULL));
    return rows;
}

json_t *cf_engine_hold_reasons(void)
{
    json_t *rows = json_array();
    for (int i = CF_HOLD_NONE + 1; i < CF_HOLD_REASONS; i++) {
        const struct cf_hold_row *row = &cf_hold_rows[i];
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s*}", "name", row->name, "way",
                                              row->way == CF_HOLD_BY_PERSON ? "person" : "itself",
                                              "call", row->call, "command", row->command));
    }
    return rows;
}
