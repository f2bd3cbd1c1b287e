/* SPDX-License-Identifier: Apache-2.0 */
/* The namespace in the control plane: made so that Karmada makes none in its members from it. */
#include <string.h>

#include "federation/propagate/karmada.h"

static struct cf_object_ref namespace_ref(const struct cf_karmada *k)
{
    return cf_ref("v1", "Namespace", NULL, k->p->target_namespace);
}

json_t *cf_karmada_namespace_body(const struct cf_karmada *k)
{
    cf_autojson json_t *labels = json_pack("{s:s}", CF_KARMADA_SKIP, "true");
    return cf_hub_namespace_body(k->p, labels);
}

/* The label stands in the request that creates it: a moment later would be too late. */
bool cf_karmada_namespace_write(const struct cf_karmada *k, struct cf_error *err)
{
    cf_autojson json_t *labels = json_pack("{s:s}", CF_KARMADA_SKIP, "true");
    return cf_hub_namespace_write(k->p, labels, err);
}

static bool is_active(const json_t *ns)
{
    const char *phase = cf_json_str(ns, "Active", "status", "phase", NULL);
    return strcmp(phase, "Active") == 0 && !cf_json_at(ns, "metadata", "deletionTimestamp", NULL);
}

bool cf_karmada_namespace_gate(const struct cf_karmada *k, bool *out_so, struct cf_copying *out,
                               struct cf_error *err)
{
    struct cf_object_ref ref = namespace_ref(k);
    cf_autojson json_t *hubs = NULL;
    cf_autojson json_t *targets = NULL;
    bool in_hub = false, in_target = false;
    *out_so = false;
    if (!cf_kube_find(k->hub, NULL, &ref, &in_hub, &hubs, err) ||
        !cf_kube_find(k->p->target, NULL, &ref, &in_target, &targets, err))
        return cf_error_wrap(err, "read namespace %s", ref.name);
    if (!in_target)
        return cf_copying_stuck(out,
                                "namespace %s does not exist on %s: create it, or set "
                                "target.createNamespace: true",
                                ref.name, cf_kube_name(k->p->target));
    if (!in_hub || !is_active(hubs) || !is_active(targets))
        return cf_copying_waits(out, "namespace %s is not Active yet on %s", ref.name,
                                cf_kube_name(is_active(targets) ? k->hub : k->p->target));
    bool ours =
        strcmp(cf_json_str(hubs, "", "metadata", "labels", CF_LABEL_RUN, NULL), k->p->run_id) == 0;
    if (ours && cf_json_at(targets, "metadata", "labels", CF_KARMADA_MANAGED, NULL))
        return cf_copying_stuck(
            out,
            "namespace %s on %s is managed by Karmada: it would be deleted with "
            "the one on %s. Remove its label %s there",
            ref.name, cf_kube_name(k->p->target), cf_kube_name(k->hub), CF_KARMADA_MANAGED);
    *out_so = true;
    return true;
}

/* Somebody else's policies live on in it; what it binds and its Works go with their templates. */
bool cf_karmada_namespace_remove(const struct cf_karmada *k, struct cf_error *err)
{
    static const struct cf_hub_kind lives[] = { { CF_KARMADA_POLICY_API, "PropagationPolicy" },
                                                { CF_KARMADA_POLICY_API, "OverridePolicy" },
                                                { 0 } };
    return cf_hub_namespace_remove(k->p, lives, err);
}
