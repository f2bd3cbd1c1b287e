/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the two sides behind the routers can serve: the bridge or the copies, and the source
 * (pass.h). */
#include <stdio.h>
#include <string.h>

#include "lb/bridge.h"
#include "orchestrator/engine/pass.h"

enum {
    LOOK_MS = 1000,
    STALE_BACK_MS =
        60000, /* pods of the target may have moved away from under the bridge by then */
};

/* What the reach step recorded about a router: {"name", "service", "serviceNs", "bridge": bool,
 * "targetService", "targetServiceNs", …}. */
static const json_t *reach_row(const struct cf_pass *p, const struct cf_run_router *r)
{
    const struct cf_step *s = cf_run_step(p->run, "reach");
    return cf_json_named(cf_json_at(s ? s->intent : NULL, "routers", NULL), "name", r->name);
}

static void view_bridge(struct cf_pass *p, const struct cf_run_router *r, const json_t *row,
                        struct cf_bridge_view *out)
{
    const struct cf_bridge_place place = { .cluster = r->cluster,
                                           .ns = cf_json_str(row, "", "serviceNs", NULL),
                                           .service = cf_json_str(row, "", "service", NULL) };
    p->ports->bridges.view(p->ports->bridges.self, &place, out);
}

static bool bridge_ready(struct cf_pass *p, const struct cf_run_router *r, const json_t *row,
                         struct cf_outcome *out)
{
    struct cf_bridge_view view = { 0 };
    view_bridge(p, r, row, &view);
    if (view.known && !view.synced && !view.why[0])
        return cf_out_wait(out, LOOK_MS / 4, "the bridge of router %s is being made", r->name);
    if (!view.known || !view.synced)
        return cf_out_hold(out, CF_HOLD_NOT_READY, LOOK_MS,
                           "the bridge of router %s is not in step: %s", r->name, view.why);
    if (view.stale)
        return cf_out_hold(out, CF_HOLD_CLUSTER_UNREACHABLE, LOOK_MS,
                           "the bridge of router %s may be stale: %s", r->name, view.why);
    if (view.ready == 0)
        return cf_out_hold(out, CF_HOLD_NOT_READY, LOOK_MS,
                           "no ready endpoint of the target stands behind router %s", r->name);
    return cf_out_done(out);
}

/* The plan's own destination, where the router's cluster shows it. What is no Service of it, or only
 * another name for a host outside, cannot be seen: the gate judges it. */
static bool existing_ready(struct cf_pass *p, const struct cf_run_router *r, const json_t *row,
                           struct cf_outcome *out, struct cf_error *err)
{
    const char *ns = cf_json_str(row, "", "targetServiceNs", NULL);
    const char *name = cf_json_str(row, "", "targetService", NULL);
    struct cf_object_ref ref = cf_ref("v1", "Service", ns, name);
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    cf_autojson json_t *service = NULL;
    cf_autojson json_t *slices = NULL;
    bool found = false;
    if (!*name)
        return cf_out_done(out);
    if (!cf_pass_kube(p, r->cluster, &kube, err) ||
        !cf_kube_find(kube, NULL, &ref, &found, &service, err) ||
        !cf_bridge_target_slices(kube, NULL, ns, name, &slices, err))
        return cf_error_wrap(err, "target destination of router %s", r->name);
    if (!found)
        return cf_out_hold(out, CF_HOLD_NOT_READY, LOOK_MS,
                           "Service %s/%s, the target destination of router %s, does not exist on "
                           "%s",
                           ns, name, r->name, r->cluster);
    if (cf_bridge_ready_count(slices) > 0 ||
        strcmp(cf_json_str(service, "", "spec", "type", NULL), "ExternalName") == 0)
        return cf_out_done(out);
    return cf_out_hold(out, CF_HOLD_NOT_READY, LOOK_MS,
                       "Service %s/%s, the target destination of router %s, has no ready endpoint",
                       ns, name, r->name);
}

bool cf_pass_target_ready(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    for (size_t i = 0; i < p->run->n_routers; i++) {
        const struct cf_run_router *r = &p->run->routers[i];
        const json_t *row = reach_row(p, r);
        if (!(cf_json_bool(row, false, "bridge", NULL) ? bridge_ready(p, r, row, out)
                                                       : existing_ready(p, r, row, out, err)))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    return cf_copies_health(p, NULL, out, err);
}

bool cf_pass_bridges_fresh(struct cf_pass *p, struct cf_outcome *out)
{
    for (size_t i = 0; i < p->run->n_routers; i++) {
        const struct cf_run_router *r = &p->run->routers[i];
        const json_t *row = reach_row(p, r);
        struct cf_bridge_view view = { 0 };
        if (!cf_json_bool(row, false, "bridge", NULL))
            continue;
        view_bridge(p, r, row, &view);
        if (!view.stale)
            continue;
        cf_out_hold(out, CF_HOLD_CLUSTER_UNREACHABLE, LOOK_MS,
                    "the target's endpoints behind router %s have not been seen for %lld s: %s",
                    r->name, (long long)(view.unseen_ms / 1000), view.why);
        if (view.unseen_ms > STALE_BACK_MS && view.known)
            out->kind = CF_OUT_ROLLBACK;
        return true;
    }
    return cf_out_done(out);
}

bool cf_pass_source_alive(struct cf_pass *p, bool *out_alive, char *why, size_t size,
                          struct cf_error *err)
{
    *out_alive = true;
    for (size_t i = 0; i < p->run->n_routers; i++) {
        const struct cf_run_router *r = &p->run->routers[i];
        const json_t *row = reach_row(p, r);
        const char *service = cf_json_str(row, "", "service", NULL);
        if (!*service)
            continue;
        CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
        cf_autojson json_t *slices = NULL;
        if (!cf_pass_kube(p, r->cluster, &kube, err) ||
            !cf_bridge_target_slices(kube, NULL, cf_json_str(row, "", "serviceNs", NULL), service,
                                     &slices, err))
            return cf_error_wrap(err, "endpoints of the source behind router %s", r->name);
        if (cf_bridge_ready_count(slices) > 0)
            continue;
        *out_alive = false;
        (void)snprintf(why, size, "Service %s/%s of the source has no ready endpoint",
                       cf_json_str(row, "", "serviceNs", NULL), service);
        return true;
    }
    return true;
}
