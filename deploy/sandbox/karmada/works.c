/* SPDX-License-Identifier: Apache-2.0 */
/* The Work of one template in one cluster. */
#include "deploy/sandbox/karmada/works.h"

#include <string.h>

#include "base/json_patch.h"
#include "deploy/sandbox/karmada/binding_spec.h"
#include "deploy/sandbox/karmada/prune.h"

static void note_overrides(json_t *annotations, const char *key, const json_t *applied)
{
    if (!applied)
        return;
    cf_autofree char *text = cf_json_dump(applied);
    json_object_set_new(annotations, key, json_string(text));
}

static bool is_suspended(const json_t *binding_spec, const char *cluster)
{
    const json_t *s = json_object_get(binding_spec, "suspension");
    if (cf_json_bool(s, false, "dispatching", NULL))
        return true;
    size_t i;
    json_t *name;
    json_array_foreach(cf_json_at(s, "dispatchingOnClusters", "clusterNames", NULL), i, name)
    {
        if (strcmp(json_string_value(name), cluster) == 0)
            return true;
    }
    return false;
}

/* Marks that tell where the member's object comes from. */
static void mark(const struct km_work *w, const char *name, const char *ns)
{
    json_t *m = w->manifest;
    const char *conflict = cf_json_str(w->annotations, NULL, KM_CONFLICT, NULL);
    cf_json_put_take(m, json_string("true"), "metadata", "labels", KM_MANAGED, NULL);
    cf_json_put_take(m, json_string(sbx_uid(w->template)), "metadata", "annotations",
                     KM_TEMPLATE_UID, NULL);
    cf_json_put_take(m, json_string(name), "metadata", "annotations", KM_WORK_NAME, NULL);
    cf_json_put_take(m, json_string(ns), "metadata", "annotations", KM_WORK_NS, NULL);
    if (conflict)
        cf_json_put_take(m, json_string(conflict), "metadata", "annotations", KM_CONFLICT, NULL);
    km_prune(m);
}

static json_t *spec_of(const struct km_work *w)
{
    json_t *spec = json_pack("{s:{s:[O]}}", "workload", "manifests", w->manifest);
    if (w->binding_spec) {
        json_object_set_new(spec, "suspendDispatching",
                            json_boolean(is_suspended(w->binding_spec, w->cluster)));
        json_object_set_new(spec, "preserveResourcesOnDeletion",
                            json_boolean(cf_json_bool(w->binding_spec, false,
                                                      "preserveResourcesOnDeletion", NULL)));
    }
    return spec;
}

static bool update(struct km_round *r, const struct km_work *w, json_t *live)
{
    if (sbx_is_going(live))
        return false;
    km_mark_manifest(w->manifest, live);
    cf_autojson json_t *want = json_pack("{s:{s:O,s:O},s:o}", "metadata", "labels", w->labels,
                                         "annotations", w->annotations, "spec", spec_of(w));
    cf_autojson json_t *have =
        json_pack("{s:{s:O?,s:O?},s:O?}", "metadata", "labels",
                  json_object_get(json_object_get(live, "metadata"), "labels"), "annotations",
                  json_object_get(json_object_get(live, "metadata"), "annotations"), "spec",
                  json_object_get(live, "spec"));
    cf_autojson json_t *after = cf_json_merge_apply(have, want);
    if (cf_json_equal(have, after))
        return true;
    return sbx_pass_merge(&r->hub, KM_CONTROLLER, KM_G_WORK, "works", live, json_incref(want));
}

static bool create(struct km_round *r, const struct km_work *w, const char *name, const char *ns)
{
    json_t *meta = json_pack("{s:s,s:s,s:[s],s:O,s:O}", "name", name, "namespace", ns, "finalizers",
                             KM_F_WORK, "labels", w->labels, "annotations", w->annotations);
    if (w->owners)
        json_object_set(meta, "ownerReferences", w->owners);
    return sbx_pass_create(&r->hub, KM_CONTROLLER, KM_G_WORK, "works",
                           json_pack("{s:o,s:o}", "metadata", meta, "spec", spec_of(w)));
}

bool km_work_write(struct km_round *r, struct km_work *w)
{
    cf_autofree char *name = km_work_name(cf_json_str(w->template, "", "kind", NULL),
                                          sbx_name(w->template), sbx_ns(w->template));
    cf_autofree char *ns = cf_xasprintf(KM_SPACE_PREFIX "%s", w->cluster);
    note_overrides(w->annotations, KM_CLUSTER_OVERRIDES, w->overridden->by_cluster_policies);
    note_overrides(w->annotations, KM_OVERRIDES, w->overridden->by_policies);
    mark(w, name, ns);
    cf_autojson json_t *live = sbx_api_one(r->hub.world->api, KM_G_WORK, "works", ns, name);
    bool ok = live ? update(r, w, live) : create(r, w, name, ns);
    json_decref(w->manifest);
    json_decref(w->labels);
    json_decref(w->annotations);
    json_decref(w->owners);
    return ok;
}
