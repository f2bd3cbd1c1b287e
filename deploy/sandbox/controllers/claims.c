/* SPDX-License-Identifier: Apache-2.0 */
/* PersistentVolumeClaims: each gets a volume made for it, at once or when its first pod asks, as
 * its class says. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/mounts.h"
#include "deploy/sandbox/controllers/pass.h"

#include <string.h>

#define CLAIMS        "", "persistentvolumeclaims"
#define VOLUMES       "", "persistentvolumes"
#define DEFAULT_CLASS "storageclass.kubernetes.io/is-default-class"
#define HOLDERS       "!holders" /* volumes by the claim that they are for */
#define PROTECTION    "kubernetes.io/pvc-protection"

static const json_t *class_of(struct sbx_pass *p, const json_t *claim)
{
    const json_t *named = cf_json_at(claim, "spec", "storageClassName", NULL);
    if (named)
        return sbx_pass_one(p, "storage.k8s.io", "storageclasses", NULL,
                            json_string_value(named) ? json_string_value(named) : "");
    size_t i;
    json_t *class;
    json_array_foreach(sbx_pass_all(p, "storage.k8s.io", "storageclasses"), i, class)
    {
        if (strcmp(cf_json_str(class, "", "metadata", "annotations", DEFAULT_CLASS, NULL),
                   "true") == 0)
            return class;
    }
    return NULL;
}

static bool is_used(struct sbx_pass *p, const json_t *claim)
{
    return sbx_claim_users(p, sbx_ns(claim), sbx_name(claim)) != NULL;
}

/* Whether a pod wants it that our scheduler puts on a node. */
static bool has_consumer(struct sbx_pass *p, const json_t *claim)
{
    size_t i;
    json_t *pod;
    json_array_foreach(sbx_claim_users(p, sbx_ns(claim), sbx_name(claim)), i, pod)
    {
        if (sbx_pod_is_ours_to_schedule(pod))
            return true;
    }
    return false;
}

static json_t *claim_ref(const json_t *claim)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "apiVersion", "v1", "kind", "PersistentVolumeClaim",
                     "namespace", sbx_ns(claim), "name", sbx_name(claim), "uid", sbx_uid(claim));
}

static void make_volume(struct sbx_pass *p, const json_t *claim, const json_t *class,
                        const char *name)
{
    const json_t *modes = cf_json_at(claim, "spec", "accessModes", NULL);
    const json_t *capacity = cf_json_at(claim, "spec", "resources", "requests", NULL);
    const char *provisioner = cf_json_str(class, "", "provisioner", NULL);
    json_t *body = json_pack(
        "{s:{s:s,s:{s:s}},s:{s:s,s:s,s:s,s:o,s:o,s:o}}", "metadata", "name", name, "annotations",
        "pv.kubernetes.io/provisioned-by", provisioner, "spec", "persistentVolumeReclaimPolicy",
        cf_json_str(class, "Delete", "reclaimPolicy", NULL), "storageClassName", sbx_name(class),
        "volumeMode", cf_json_str(claim, "Filesystem", "spec", "volumeMode", NULL), "accessModes",
        modes ? cf_json_copy(modes) : json_array(), "capacity",
        capacity ? cf_json_copy(capacity) : json_object(), "claimRef", claim_ref(claim));
    if (strcmp(provisioner, SBX_HOST_PATH) == 0) {
        cf_autofree char *path = cf_xasprintf("/volumes/%s", name);
        cf_json_put_take(body, json_string(path), "spec", "hostPath", "path", NULL);
    } else {
        cf_json_put_take(body, json_pack("{s:s,s:s}", "driver", provisioner, "volumeHandle", name),
                         "spec", "csi", NULL);
    }
    sbx_pass_create(p, SBX_MANAGER, VOLUMES, body);
}

static void bind(struct sbx_pass *p, const json_t *claim, const json_t *volume)
{
    if (!cf_json_at(volume, "spec", "claimRef", "uid", NULL))
        sbx_pass_merge(p, SBX_MANAGER, VOLUMES, volume,
                       json_pack("{s:{s:o}}", "spec", "claimRef", claim_ref(claim)));
    if (strcmp(cf_json_str(claim, "", "spec", "volumeName", NULL), sbx_name(volume)) != 0)
        sbx_pass_merge(p, SBX_MANAGER, CLAIMS, claim,
                       json_pack("{s:{s:{s:s,s:s}},s:{s:s}}", "metadata", "annotations",
                                 "pv.kubernetes.io/bind-completed", "yes",
                                 "pv.kubernetes.io/bound-by-controller", "yes", "spec",
                                 "volumeName", sbx_name(volume)));
    const json_t *modes = cf_json_at(volume, "spec", "accessModes", NULL),
                 *capacity = cf_json_at(volume, "spec", "capacity", NULL);
    sbx_pass_status(p, SBX_MANAGER, CLAIMS, claim,
                    json_pack("{s:s,s:o,s:o}", "phase", "Bound", "accessModes",
                              modes ? cf_json_copy(modes) : json_array(), "capacity",
                              capacity ? cf_json_copy(capacity) : json_object()));
}

/* A volume that somebody made for this very claim: its claimRef has the claim's uid, or its name alone. A
 * claim with a selector gets no other, and that one only if it fits. */
static const json_t *meant_for(struct sbx_pass *p, const json_t *claim)
{
    json_t *holders = json_object_get(p->kinds, HOLDERS), *volume;
    const json_t *selector = cf_json_at(claim, "spec", "selector", NULL);
    cf_autofree char *name = cf_xasprintf("%s/%s", sbx_ns(claim), sbx_name(claim));
    size_t i;
    if (!holders) {
        holders = json_object();
        json_object_set_new(p->kinds, HOLDERS, holders);
        json_array_foreach(sbx_pass_all(p, VOLUMES), i, volume)
        {
            const json_t *ref = cf_json_at(volume, "spec", "claimRef", NULL);
            const char *uid = cf_json_str(ref, "", "uid", NULL);
            cf_autofree char *named =
                *uid ? NULL
                     : cf_xasprintf("%s/%s", cf_json_str(ref, "", "namespace", NULL),
                                    cf_json_str(ref, "", "name", NULL));
            if (ref)
                json_object_set(holders, *uid ? uid : named, volume);
        }
    }
    volume = json_object_get(holders, sbx_uid(claim));
    volume = volume ? volume : json_object_get(holders, name);
    bool fits =
        !selector || sbx_selector_matches(selector, cf_json_at(volume, "metadata", "labels", NULL));
    return fits ? volume : NULL;
}

static void look_at_unbound(struct sbx_pass *p, const json_t *claim)
{
    cf_autofree char *own = cf_xasprintf("pvc-%s", sbx_uid(claim));
    const char *wanted = cf_json_str(claim, "", "spec", "volumeName", NULL);
    const json_t *selector = cf_json_at(claim, "spec", "selector", NULL);
    const json_t *volume = *wanted ? sbx_pass_one(p, VOLUMES, NULL, wanted) : meant_for(p, claim);
    const char *holder = cf_json_str(volume, "", "spec", "claimRef", "uid", NULL);
    if (volume && (!*holder || strcmp(holder, sbx_uid(claim)) == 0)) {
        bind(p, claim, volume);
        return;
    }
    sbx_pass_status(p, SBX_MANAGER, CLAIMS, claim, json_pack("{s:s}", "phase", "Pending"));
    const json_t *class = class_of(p, claim);
    if (*wanted || !class || selector)
        return;
    bool waits =
        strcmp(cf_json_str(class, "", "volumeBindingMode", NULL), "WaitForFirstConsumer") == 0;
    bool is_nobodys =
        strncmp(cf_json_str(class, "", "provisioner", NULL), SBX_NOBODY, strlen(SBX_NOBODY)) == 0;
    if (!is_nobodys && (!waits || has_consumer(p, claim)))
        make_volume(p, claim, class, own);
}

static void look_at_claim(struct sbx_pass *p, const json_t *claim)
{
    if (sbx_is_going(claim)) {
        if (sbx_has_finalizer(claim, PROTECTION) && !is_used(p, claim))
            sbx_pass_merge(
                p, SBX_MANAGER, CLAIMS, claim,
                json_pack("{s:{s:o}}", "metadata", "finalizers",
                          sbx_list_without(cf_json_at(claim, "metadata", "finalizers", NULL), NULL,
                                           PROTECTION)));
        return;
    }
    if (!cf_json_at(claim, "metadata", "finalizers", NULL))
        sbx_pass_merge(p, SBX_MANAGER, CLAIMS, claim,
                       json_pack("{s:{s:[s]}}", "metadata", "finalizers", PROTECTION));
    if (strcmp(cf_json_str(claim, "", "status", "phase", NULL), "Bound") != 0)
        look_at_unbound(p, claim);
}

/* A volume follows its claim: Bound while it is there, then deleted or Released. */
static void look_at_volume(struct sbx_pass *p, const json_t *volume)
{
    const json_t *ref = cf_json_at(volume, "spec", "claimRef", NULL);
    const char *uid = cf_json_str(ref, "", "uid", NULL);
    const char *phase = "Available";
    if (*uid) {
        cf_autojson json_t *claim =
            sbx_api_one(p->world->api, CLAIMS, cf_json_str(ref, "", "namespace", NULL),
                        cf_json_str(ref, "", "name", NULL));
        bool there = claim && strcmp(sbx_uid(claim), uid) == 0;
        phase = there ? "Bound" : "Released";
        if (!there && strcmp(cf_json_str(volume, "", "spec", "persistentVolumeReclaimPolicy", NULL),
                             "Delete") == 0) {
            sbx_pass_delete(p, VOLUMES, volume, -1);
            return;
        }
    }
    sbx_pass_status(p, SBX_MANAGER, VOLUMES, volume, json_pack("{s:s}", "phase", phase));
}

void sbx_ctl_claims(struct sbx_pass *p)
{
    size_t i;
    json_t *o;
    json_array_foreach(sbx_pass_all(p, CLAIMS), i, o)
    {
        look_at_claim(p, o);
    }
    json_array_foreach(sbx_pass_all(p, VOLUMES), i, o)
    {
        if (!sbx_is_going(o))
            look_at_volume(p, o);
    }
}
