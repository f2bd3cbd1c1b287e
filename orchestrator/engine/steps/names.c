/* SPDX-License-Identifier: Apache-2.0 */
/* Names of writers (names.h). */
#include "orchestrator/engine/steps/names.h"

enum { LOOK_MS = 300 };

static const json_t *names_of(const struct cf_pass *p)
{
    const struct cf_step *s = cf_run_step(p->run, "volume.sync");
    return s ? cf_json_at(s->intent, "names", NULL) : NULL;
}

/* Where the callers are. */
static struct cf_bridge_place place_of(const struct cf_plan *plan, bool to_source, const char *name)
{
    return (struct cf_bridge_place){
        .cluster = to_source ? plan->target_cluster : plan->source_cluster,
        .ns = to_source ? plan->target_namespace : plan->source_namespace,
        .service = name,
        .by_name = true,
    };
}

static bool lead_one(struct cf_pass *p, bool to_source, const char *name, struct cf_outcome *out,
                     struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    struct cf_bridge_place at = place_of(plan, to_source, name);
    struct cf_bridge_view view = { 0 };
    struct cf_bridge_want want = {
        .fence = &p->fence,
        .run_id = p->run->id,
        .cluster = at.cluster,
        .ns = at.ns,
        .service = name,
        .target_cluster = to_source ? plan->source_cluster : plan->target_cluster,
        .target_ns = to_source ? plan->source_namespace : plan->target_namespace,
        .target_service = name,
        .traffic = &plan->traffic,
        .by_name = true,
    };
    if (!p->ports->bridges.ensure(p->ports->bridges.self, &want, err))
        return cf_error_wrap(err, "the name %s in %s", name, at.cluster);
    p->ports->bridges.view(p->ports->bridges.self, &at, &view);
    if (view.known && view.synced && view.ready > 0)
        return cf_out_done(out);
    return cf_out_wait(out, LOOK_MS, "Service %s in %s does not lead to %s yet%s%s", name,
                       at.cluster, want.target_cluster, view.why[0] ? ": " : "", view.why);
}

bool cf_names_lead_to(struct cf_pass *p, bool to_source, struct cf_outcome *out,
                      struct cf_error *err)
{
    size_t i;
    json_t *name;
    json_array_foreach(names_of(p), i, name)
    {
        if (!lead_one(p, to_source, json_string_value(name), out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    return cf_out_done(out);
}

bool cf_names_end(struct cf_pass *p, bool to_source, struct cf_outcome *out, struct cf_error *err)
{
    size_t i;
    json_t *name;
    json_array_foreach(names_of(p), i, name)
    {
        struct cf_bridge_place at = place_of(p->run->plan, to_source, json_string_value(name));
        if (p->ports->bridges.remove_one(p->ports->bridges.self, &p->fence, p->run->id, &at, err))
            continue;
        if (err->kind != CF_ERR_TRANSIENT)
            return cf_error_wrap(err, "the name %s in %s", at.service, at.cluster);
        (void)cf_out_wait(out, LOOK_MS, "the name %s in %s is not given up yet: %.400s", at.service,
                          at.cluster, err->message);
        cf_error_clear(err);
        return true;
    }
    return cf_out_done(out);
}
