/* SPDX-License-Identifier: Apache-2.0 */
/* What a copy through Karmada would write, and whether each server would take it; nothing is
 * written. */
#include <string.h>

#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/karmada.h"
#include "federation/propagate/waves.h"

/* A view with a state of its own: a preview leaves nothing behind. */
static bool open_aside(const struct cf_propagation *p, struct cf_propagation *copy,
                       struct cf_karmada *k, struct cf_error *err)
{
    *copy = *p;
    copy->state = p->state ? cf_json_copy(p->state) : json_object();
    if (cf_karmada_open(copy, k, err))
        return true;
    json_decref(copy->state);
    copy->state = NULL;
    return false;
}

/* --- preview --- */

static void add_row(json_t *bodies, const char *verb, const json_t *body, const char *note)
{
    struct cf_object_ref ref;
    struct cf_error ignored = CF_ERROR_INIT;
    if (!cf_ref_of(body, &ref, &ignored))
        return;
    json_array_append_new(bodies,
                          json_pack("{s:s, s:s, s:o, s:o, s:[], s:s}", "cluster", "controlPlane",
                                    "verb", verb, "ref", cf_direct_ref_json(&ref), "body",
                                    cf_object_mask(body), "changes", "note", note));
}

static bool preview_namespace(const struct cf_karmada *k, json_t *bodies, bool *out_found,
                              struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, k->p->target_namespace);
    cf_autojson json_t *body = cf_karmada_namespace_body(k);
    if (!cf_kube_find(k->hub, NULL, &ref, out_found, NULL, err))
        return cf_error_wrap(err, "read namespace %s on %s", ref.name, cf_kube_name(k->hub));
    if (!*out_found)
        add_row(bodies, "create", body, "holds the templates; Karmada makes none from it");
    return true;
}

static const char *note_of(const struct cf_karmada *k)
{
    return k->adopt ? "held back at first; takes the source over (Overwrite, then Abort again), is "
                      "widened to the target, and let go wave after wave"
                    : "held back at first; let go wave after wave once each object was tried";
}

static void preview_policies(const struct cf_karmada *k, const json_t *inventory, json_t *bodies)
{
    size_t i;
    json_t *policy;
    cf_karmada_assign(k, inventory);
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        cf_autojson json_t *body = cf_karmada_policy_body(k, policy, CF_PHASE_PLACED);
        add_row(bodies, "create", body, note_of(k));
        cf_preview_wave(bodies, inventory, policy);
    }
}

static json_t *policy_object(const struct cf_karmada *k, const char *key)
{
    size_t i, n;
    json_t *policy, *object;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        json_array_foreach(json_object_get(policy, "objects"), n, object)
        {
            if (strcmp(cf_json_str(object, "", "key", NULL), key) == 0)
                return object;
        }
    }
    return NULL;
}

/* Of a template that is somebody else's nothing is written but the claim. */
static bool preview_placed(const struct cf_karmada *k, const json_t *item, json_t *bodies,
                           json_t **out_live, struct cf_error *err)
{
    struct cf_object_ref ref = cf_direct_ref(item);
    const json_t *owner =
        cf_json_at(k->p->state, "placed", cf_json_str(item, "", "key", NULL), NULL);
    if (!cf_kube_get(k->hub, NULL, &ref, out_live, err))
        return cf_error_wrap(err, "read template %s %s", ref.kind, ref.name);
    cf_autofree char *by = cf_karmada_claim_text(owner);
    cf_autofree char *note =
        cf_xasprintf("stays as it is, but for the claim of %s, which our policy has meanwhile", by);
    add_row(bodies, "keep", *out_live, note);
    return true;
}

static bool preview_objects(const struct cf_karmada *k, const json_t *inventory, json_t *bodies,
                            struct cf_error *err)
{
    cf_autojson json_t *lives = json_object();
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        cf_autojson json_t *live = NULL;
        if (!cf_is_carried(item))
            continue;
        if (!cf_karmada_is_placed(k, key)) {
            add_row(bodies, "apply", json_object_get(item, "template"),
                    cf_json_str(item, "", "why", NULL));
            cf_preview_wave(bodies, inventory, item);
            continue;
        }
        if (!preview_placed(k, item, bodies, &live, err))
            return false;
        cf_preview_wave(bodies, inventory, item);
        json_object_set(lives, key, live);
    }
    cf_karmada_assign(k, inventory);
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        cf_autojson json_t *override =
            cf_is_carried(item) ? cf_karmada_override(k, item, json_object_get(lives, key)) : NULL;
        if (!override)
            continue;
        add_row(bodies, "apply", override, "what a member has otherwise than the template");
        cf_preview_wave(bodies, inventory, item);
        json_object_set_new(policy_object(k, key), "override", json_true());
    }
    return true;
}

/* What is placed already is found as the copy's first row finds it. */
static bool find_placed(const struct cf_karmada *k, const json_t *inventory, struct cf_error *err)
{
    cf_autojson json_t *findings = NULL;
    cf_autojson json_t *placed = NULL;
    if (k->adopt && !cf_karmada_survey(k->p, inventory, &findings, &placed, err))
        return false;
    if (placed)
        json_object_set(k->p->state, "placed", placed);
    return true;
}

bool cf_karmada_preview(const struct cf_propagation *p, const json_t *inventory,
                        json_t **out_bodies, struct cf_error *err)
{
    struct cf_propagation aside;
    struct cf_karmada k;
    cf_autojson json_t *direct = cf_carried_part(inventory, false);
    cf_autojson json_t *bodies = NULL;
    bool found = false;
    if (!cf_direct_preview(p, direct, &bodies, err) || !open_aside(p, &aside, &k, err))
        return false;
    bool ok = preview_namespace(&k, bodies, &found, err) && find_placed(&k, inventory, err) &&
              preview_objects(&k, inventory, bodies, err);
    if (ok) {
        preview_policies(&k, inventory, bodies);
        *out_bodies = cf_steal(&bodies);
    }
    json_decref(aside.state);
    return ok;
}

/* --- dry run --- */

static bool try_template(const struct cf_propagation *p, const json_t *item, json_t *findings,
                         struct cf_error *err)
{
    const char *key = cf_json_str(item, "", "key", NULL);
    struct cf_object_ref ref = cf_direct_ref(item);
    struct cf_kube_write write = { .dry_run = true, .force = true };
    struct cf_error mine = CF_ERROR_INIT;
    bool found = false;
    cf_autojson json_t *live = NULL;
    if (cf_kube_find(p->control_plane, NULL, &ref, &found, &live, &mine) && found &&
        !cf_is_of_run(p, live))
        return true; /* somebody's: it is not written, or the check says that it is in the way */
    cf_error_clear(&mine);
    if (cf_kube_apply(p->control_plane, NULL, json_object_get(item, "template"), &write, NULL,
                      &mine))
        return true;
    if (cf_error_is_retryable(&mine)) {
        cf_error_move(err, &mine);
        return cf_error_wrap(err, "dry run of %s on %s", key, cf_kube_name(p->control_plane));
    }
    cf_direct_finding(findings, key, "blocker", mine.kind == CF_ERR_DENIED ? "DENIED" : "REFUSED",
                      mine.kind == CF_ERR_DENIED
                          ? "crossfade cluster rbac --method karmada prints the rights that are "
                            "needed"
                          : "Mend it in the source, or with workloads.transforms",
                      "%s refuses the template of %s: %s", cf_kube_name(p->control_plane), key,
                      mine.message);
    return true;
}

bool cf_karmada_dry_run(const struct cf_propagation *p, const json_t *inventory,
                        json_t **out_findings, struct cf_error *err)
{
    struct cf_object_ref ns = cf_ref("v1", "Namespace", NULL, p->target_namespace);
    cf_autojson json_t *findings = NULL;
    bool found = false;
    if (!cf_direct_dry_run(p, inventory, &findings, err))
        return false;
    if (!cf_kube_find(p->control_plane, NULL, &ns, &found, NULL, err))
        return cf_error_wrap(err, "read namespace %s on %s", ns.name,
                             cf_kube_name(p->control_plane));
    if (!found)
        cf_direct_finding(findings, "", "info", "NEW_NAMESPACE", "",
                          "namespace %s is new on %s: templates are tried when it is there",
                          ns.name, cf_kube_name(p->control_plane));
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        if (found && cf_is_carried(item) && !try_template(p, item, findings, err))
            return false;
    }
    *out_findings = cf_steal(&findings);
    return true;
}
