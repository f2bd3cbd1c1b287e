/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as the API asks for them: start, view, report (engine.h). */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/engine/compile.h"
#include "orchestrator/engine/engine_internal.h"
#include "orchestrator/engine/journal_store.h"
#include "orchestrator/engine/pass.h"
#include "orchestrator/engine/report.h"
#include "orchestrator/engine/way_back.h"
#include "store/claims.h"
#include "store/clusters.h"
#include "store/events.h"
#include "store/plans.h"
#include "store/runs.h"

/* ---- start ---- */

/* What a run is made of; strings of rows live in the plan, the steps' JSON and the claims. */
struct making {
    struct cf_plan *plan;
    json_t *steps;
    struct cf_step_new step_rows[CF_RUN_STEPS_MAX];
    size_t n_steps;
    struct cf_router_new routers[CF_PLAN_ROUTERS_MAX];
    json_t *memo; /* or NULL */
    struct cf_claim claims[CF_PLAN_ROUTERS_MAX + 2];
    size_t n_claims;
    char source_uid[CF_KUBE_UID_TEXT], target_uid[CF_KUBE_UID_TEXT];
};

static void making_end(struct making *m)
{
    for (size_t i = 0; i < m->n_claims; i++) {
        free(m->claims[i].key);
        free(m->claims[i].text);
    }
    json_decref(m->steps);
    json_decref(m->memo);
    cf_plan_free(m->plan);
}

static bool uid_of(struct cf_engine *e, const char *cluster, char *buf, struct cf_error *err)
{
    CF_CLEANUP(cf_cluster_row_free) struct cf_cluster_row row = { 0 };
    if (!cf_cluster_get(e->config.store, cluster, &row, err)) {
        if (err->kind != CF_ERR_NOT_FOUND)
            return false;
        cf_error_clear(err);
        return cf_error_set(err, CF_ERR_INVALID,
                            "cluster %s is not registered: `crossfade cluster add %s …`", cluster,
                            cluster);
    }
    (void)snprintf(buf, CF_KUBE_UID_TEXT, "%s", row.uid);
    return true;
}

static void add_claim(struct making *m, const char *kind, char *key_take, char *text_take)
{
    m->claims[m->n_claims++] =
        (struct cf_claim){ .kind = kind, .key = key_take, .text = text_take };
}

static const char *route_text(const struct cf_plan_router *r)
{
    return r->pick == CF_PLAN_PICK_NAME ? r->pick_name : "";
}

static bool claim_router(struct cf_engine *e, struct making *m, const struct cf_plan_router *r,
                         struct cf_error *err)
{
    char uid[CF_KUBE_UID_TEXT], index[16] = "";
    const char *type = cf_plan_router_type_name(r->type);
    if (!uid_of(e, r->cluster, uid, err))
        return false;
    if (r->pick == CF_PLAN_PICK_INDEX)
        (void)snprintf(index, sizeof index, "#%d", r->pick_index);
    cf_autofree char *match =
        r->pick == CF_PLAN_PICK_MATCH ? cf_json_canonical(r->pick_match) : cf_xstrdup("");
    add_claim(m, CF_CLAIM_ROUTER,
              cf_claim_key(uid, type, r->namespace_, r->object, route_text(r), index, match,
                           r->host ? r->host : "", r->path ? r->path : "", NULL),
              cf_xasprintf("%s %s/%s%s%s on %s", type, r->namespace_, r->object,
                           *route_text(r) ? " route " : "", route_text(r), r->cluster));
    return true;
}

static bool make_claims(struct cf_engine *e, struct making *m, struct cf_error *err)
{
    const struct cf_plan *p = m->plan;
    if (!uid_of(e, p->source_cluster, m->source_uid, err) ||
        !uid_of(e, p->target_cluster, m->target_uid, err))
        return false;
    if (strcmp(m->source_uid, m->target_uid) == 0 &&
        strcmp(p->source_namespace, p->target_namespace) == 0)
        return cf_error_set(err, CF_ERR_INVALID,
                            "source and target are the same namespace of the same cluster");
    add_claim(m, CF_CLAIM_SOURCE, cf_claim_key(m->source_uid, p->source_namespace, NULL),
              cf_xasprintf("namespace %s on %s as source", p->source_namespace, p->source_cluster));
    add_claim(m, CF_CLAIM_TARGET, cf_claim_key(m->target_uid, p->target_namespace, NULL),
              cf_xasprintf("namespace %s on %s as target", p->target_namespace, p->target_cluster));
    for (size_t i = 0; i < p->traffic.n_routers; i++)
        if (!claim_router(e, m, &p->traffic.routers[i], err))
            return false;
    return true;
}

static void make_rows(struct making *m)
{
    size_t i;
    json_t *step;
    m->steps = cf_compile(m->plan);
    json_array_foreach(m->steps, i, step)
    {
        cf_assert(i < CF_RUN_STEPS_MAX);
        m->step_rows[i] = (struct cf_step_new){ .kind = cf_json_str(step, "", "kind", NULL),
                                                .name = cf_json_str(step, "", "name", NULL),
                                                .params = cf_json_at(step, "params", NULL) };
        m->n_steps = i + 1;
    }
    for (i = 0; i < m->plan->traffic.n_routers; i++) {
        const struct cf_plan_router *r = &m->plan->traffic.routers[i];
        m->routers[i] = (struct cf_router_new){ .name = r->name,
                                                .type = cf_plan_router_type_name(r->type),
                                                .cluster = r->cluster,
                                                .ns = r->namespace_,
                                                .object = r->object,
                                                .route = route_text(r) };
    }
}

static bool create(struct cf_engine *e, const struct cf_run_start *start, int revision,
                   struct making *m, char out_id[CF_UUID_TEXT], struct cf_error *err)
{
    int number;
    struct cf_run_new run = {
        .plan = start->plan,
        .revision = revision,
        .source = m->plan->source_cluster,
        .target = m->plan->target_cluster,
        .state = cf_run_state_name(CF_RUN_ACTIVE),
        .phase = "Preflight",
        .started_by = start->principal,
        .reason = start->reason ? start->reason : "",
        .labels = m->plan->labels,
        .memo = m->memo,
        .steps = m->step_rows,
        .n_steps = m->n_steps,
        .routers = m->routers,
        .n_routers = m->plan->traffic.n_routers,
        .claims = m->claims,
        .n_claims = m->n_claims,
    };
    return cf_run_create(e->config.store, &run, start->idem, out_id, &number, err);
}

/* A request that is repeated gets its first answer, whatever has changed since. */
static bool is_replayed(struct cf_engine *e, struct cf_idem *idem, bool *out, struct cf_error *err)
{
    *out = false;
    if (!idem)
        return true;
    bool ok = cf_idem_find(e->config.store, idem, err);
    *out = ok && idem->replayed;
    return ok;
}

/* What the caller has seen is still so; the run keeps the source's digest, for it starts later. */
static bool check_diff(struct cf_engine *e, const struct cf_run_start *start, struct making *m,
                       struct cf_error *err)
{
    char inventory[CF_SHA256_HEX];
    bool replayed;
    if (!start->diff || !*start->diff)
        return true;
    if (!is_replayed(e, start->idem, &replayed, err))
        return false;
    if (replayed)
        return true;
    if (!cf_engine_diff_check(e, m->plan, start->diff, inventory, err))
        return false;
    m->memo = json_pack("{s:{s:s,s:s}}", "diff", "digest", start->diff, "inventory", inventory);
    return true;
}

bool cf_engine_run_start(struct cf_engine *e, const struct cf_run_start *start,
                         char out_id[CF_UUID_TEXT], struct cf_error *err)
{
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    if (!cf_plan_get(e->config.store, start->plan, start->revision, &row, err))
        return cf_error_wrap(err, "plan %s", start->plan);
    struct making *m = cf_xcalloc(1, sizeof *m);
    m->plan = cf_plan_from_effective(row.effective, err);
    bool ok = m->plan && make_claims(e, m, err) && check_diff(e, start, m, err);
    if (ok) {
        make_rows(m);
        ok = create(e, start, row.revision, m, out_id, err);
    }
    making_end(m);
    free(m);
    if (ok)
        cf_engine_wake(e, out_id);
    return ok || cf_error_wrap(err, "start plan %s", start->plan);
}

/* ---- view ---- */

static struct cf_live *read_live(struct cf_engine *e, const char *run_id, struct cf_run *rows,
                                 struct cf_error *err)
{
    char incarnation[CF_UUID_TEXT];
    if (!cf_store_incarnation(e->config.store, incarnation, err) ||
        !cf_run_load(e->config.store, run_id, rows, err))
        return NULL;
    return cf_live_of_rows(rows, incarnation, err);
}

json_t *cf_engine_run_view(struct cf_engine *e, const char *run_id, struct cf_error *err)
{
    CF_CLEANUP(cf_run_free) struct cf_run rows = { 0 };
    CF_CLEANUP(cf_live_free_p) struct cf_live *run = read_live(e, run_id, &rows, err);
    if (!run)
        return NULL;
    struct cf_gates_view *gates = cf_xcalloc(1, sizeof *gates);
    e->ports.gates.judge(e->ports.gates.self, run_id, gates);
    cf_autojson json_t *hold = cf_hold_json(run);
    const char *missing = cf_way_back_missing(run);
    json_t *view = json_object();
    json_object_set_new(view, "phase", json_string(cf_run_phase(run)));
    json_object_set_new(view, "gates", cf_report_gates(gates));
    json_object_set_new(view, "routers", cf_report_routers(run, &rows));
    json_t *volumes = cf_report_volumes(run);
    json_object_set_new(view, "volumes", volumes ? volumes : json_null());
    json_object_set_new(view, "noWayBack", missing ? json_string(missing) : json_null());
    if (hold)
        json_object_set(view, "callToAction", json_object_get(hold, "callToAction"));
    /* On the way back the gates still count, but of the weight that is over. */
    bool measured = run->state == CF_RUN_ACTIVE && gates->observed >= 0;
    json_object_set_new(view, "observed", measured ? json_integer(gates->observed) : json_null());
    if (cf_memo(run, "rollback"))
        json_object_set_new(view, "rollback", cf_json_copy(cf_memo(run, "rollback")));
    free(gates);
    return view;
}

/* ---- report ---- */

json_t *cf_engine_run_report(struct cf_engine *e, const char *run_id, struct cf_error *err)
{
    CF_CLEANUP(cf_run_free) struct cf_run rows = { 0 };
    CF_CLEANUP(cf_event_list_free) struct cf_event_list weights = { 0 };
    CF_CLEANUP(cf_live_free_p) struct cf_live *run = read_live(e, run_id, &rows, err);
    struct cf_event_filter filter = { .run_id = run_id, .kind_prefix = "run.weight." };
    if (!run || !cf_events_last(e->config.store, &filter, CF_STORE_LIMIT_MAX, &weights, err))
        return NULL;
    return cf_run_report(run, &rows, &weights);
}
