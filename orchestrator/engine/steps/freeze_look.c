/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the writers of one side really stand still (freeze.h). */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/objects/pods.h"
#include "orchestrator/engine/steps/freeze.h"

enum { LOOK_MS = 300 };

/* ---- who mounts a claim ---- */

static void trim(json_t *pod)
{
    json_t *kept = json_pack("{s:O?,s:O?}", "volumes", cf_json_at(pod, "spec", "volumes", NULL),
                             "nodeName", cf_json_at(pod, "spec", "nodeName", NULL));
    json_object_set_new(pod, "spec", kept);
    json_object_set_new(pod, "status",
                        json_pack("{s:s}", "phase", cf_json_str(pod, "", "status", "phase", NULL)));
    json_object_del(json_object_get(pod, "metadata"), "managedFields");
}

/* A pod that has ended holds nothing; one that was never given to a node has nothing yet, but will. */
static bool holds(const json_t *pod, const json_t *names)
{
    const char *phase = cf_json_str(pod, "", "status", "phase", NULL);
    if (cf_json_at(pod, "metadata", "labels", CF_VELERO_LABEL_STAGE, NULL) ||
        strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
        return false;
    const json_t *spec = json_object_get(pod, "spec");
    return spec && cf_pod_mounts_of(spec, names);
}

bool cf_freeze_mounts(const struct cf_freeze *f, const json_t *claims, json_t **out_mounts,
                      struct cf_error *err)
{
    struct cf_kube_list what = { .api_version = "v1", .kind = "Pod", .ns = f->ns, .trim = trim };
    cf_autojson json_t *pods = NULL;
    cf_autojson json_t *mounts = json_array();
    cf_autojson json_t *names = cf_json_index(claims, "name", NULL);
    size_t i;
    json_t *pod;
    if (!cf_kube_list(f->kube, NULL, &what, &pods, NULL, err))
        return cf_error_wrap(err, "pods of %s/%s", f->cluster, f->ns);
    json_array_foreach(pods, i, pod)
    {
        if (holds(pod, names))
            json_array_append_new(mounts,
                                  json_pack("{s:s,s:s}", "pod", cf_object_name(pod), "node",
                                            cf_json_str(pod, "", "spec", "nodeName", NULL)));
    }
    *out_mounts = cf_steal(&mounts);
    return true;
}

/* ---- nodes ---- */

bool cf_freeze_nodes(const struct cf_freeze *f, const json_t *had, struct cf_outcome *out,
                     struct cf_error *err)
{
    cf_autojson json_t *seen = json_object();
    size_t i;
    json_t *row;
    json_array_foreach(had, i, row)
    {
        const char *name = cf_json_str(row, "", "node", NULL);
        struct cf_object_ref ref = cf_ref("v1", "Node", NULL, name);
        cf_autojson json_t *node = NULL;
        bool found = false;
        if (!*name || json_object_get(seen, name))
            continue;
        json_object_set_new(seen, name, json_true());
        if (!cf_kube_find(f->kube, NULL, &ref, &found, &node, err))
            return cf_error_wrap(err, "node %s of %s", name, f->cluster);
        if (found && !cf_object_condition_is(node, "Ready", "True"))
            return cf_out_hold(
                out, CF_HOLD_DATA, LOOK_MS,
                "node %s of %s is not Ready: pod %s may still write there, so nothing "
                "is copied and nothing starts in its place",
                name, f->cluster, cf_json_str(row, "?", "pod", NULL));
    }
    return cf_out_done(out);
}

/* ---- attachments ---- */

/* {volume: claim} of those among ours; new reference. */
static json_t *volumes_of(const json_t *names, const json_t *claims_read)
{
    json_t *volumes = json_object();
    size_t i;
    json_t *claim;
    json_array_foreach(claims_read, i, claim)
    {
        const char *volume = cf_json_str(claim, "", "spec", "volumeName", NULL);
        if (*volume && json_object_get(names, cf_object_name(claim)))
            json_object_set_new(volumes, volume, json_string(cf_object_name(claim)));
    }
    return volumes;
}

/* {"NODE CLAIM"} of our stage pods, each of which has one claim: they read; new reference. */
static json_t *staged_of(const json_t *names, const json_t *pods)
{
    json_t *staged = json_object();
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        const json_t *spec = json_object_get(pod, "spec");
        const char *claim = spec ? cf_pod_mounts_of(spec, names) : NULL;
        if (!claim)
            continue;
        cf_autofree char *place =
            cf_xasprintf("%s %s", cf_json_str(spec, "", "nodeName", NULL), claim);
        json_object_set_new(staged, place, json_true());
    }
    return staged;
}

/* Who may not read attachments learns it by the pods alone. */
static bool attachments(const struct cf_freeze *f, json_t **out, struct cf_error *err)
{
    struct cf_kube_list what = { .api_version = "storage.k8s.io/v1", .kind = "VolumeAttachment" };
    struct cf_error refused = CF_ERROR_INIT;
    if (cf_kube_list(f->kube, NULL, &what, out, NULL, &refused))
        return true;
    if (refused.kind == CF_ERR_DENIED || refused.kind == CF_ERR_NOT_FOUND) {
        cf_error_clear(&refused);
        *out = json_array();
        return true;
    }
    (void)cf_error_move(err, &refused);
    return cf_error_wrap(err, "attached volumes of %s", f->cluster);
}

/* Our own stage pods attach volumes too: an attachment to a node where one of them has the claim counts
 * as ours. */
static bool look_at_attachments(const struct cf_freeze *f, const json_t *claims,
                                struct cf_outcome *out, struct cf_error *err)
{
    struct cf_kube_list claim_list = { .api_version = "v1",
                                       .kind = "PersistentVolumeClaim",
                                       .ns = f->ns };
    struct cf_kube_list stage_list = { .api_version = "v1",
                                       .kind = "Pod",
                                       .ns = f->ns,
                                       .label_selector = CF_VELERO_LABEL_STAGE "=files",
                                       .trim = trim };
    cf_autojson json_t *attached = NULL;
    cf_autojson json_t *all = NULL;
    cf_autojson json_t *pods = NULL;
    size_t i;
    json_t *a;
    if (!attachments(f, &attached, err))
        return false;
    if (json_array_size(attached) == 0)
        return cf_out_done(out);
    if (!cf_kube_list(f->kube, NULL, &claim_list, &all, NULL, err) ||
        !cf_kube_list(f->kube, NULL, &stage_list, &pods, NULL, err))
        return cf_error_wrap(err, "claims of %s/%s", f->cluster, f->ns);
    cf_autojson json_t *names = cf_json_index(claims, "name", NULL);
    cf_autojson json_t *volumes = volumes_of(names, all);
    cf_autojson json_t *staged = staged_of(names, pods);
    json_array_foreach(attached, i, a)
    {
        const char *volume = cf_json_str(a, "", "spec", "source", "persistentVolumeName", NULL);
        const char *node = cf_json_str(a, "?", "spec", "nodeName", NULL);
        const char *claim = cf_json_str(volumes, NULL, volume, NULL);
        cf_autofree char *place = cf_xasprintf("%s %s", node, claim ? claim : "");
        if (claim && !json_object_get(staged, place))
            return cf_out_wait(out, LOOK_MS, "volume %s is still attached to node %s of %s", volume,
                               node, f->cluster);
    }
    return cf_out_done(out);
}

/* ---- all of it ---- */

static bool look_at_rows(const struct cf_freeze *f, const json_t *rows, struct cf_outcome *out,
                         struct cf_error *err)
{
    cf_autojson json_t *objects = NULL;
    size_t i;
    json_t *row;
    if (!cf_freeze_objects(f, rows, &objects, err))
        return false;
    json_array_foreach(rows, i, row)
    {
        const json_t *object = cf_freeze_object(objects, row);
        const char *kind = cf_json_str(row, "", "kind", NULL);
        const char *name = cf_json_str(row, "", "name", NULL);
        if (!json_object_get(row, "replicas") || !object)
            continue;
        if (cf_json_int(object, 1, "spec", "replicas", NULL) != 0)
            return cf_out_hold(
                out, CF_HOLD_DATA, LOOK_MS,
                "%s %s of %s was started again in the freeze: %lld replicas; find who "
                "scales it, and stop that",
                kind, name, f->cluster,
                (long long)cf_json_int(object, 1, "spec", "replicas", NULL));
        int64_t left = cf_json_int(object, 0, "status", "replicas", NULL);
        if (left > 0)
            return cf_out_wait(out, LOOK_MS, "%s %s of %s: %lld pods are still there", kind, name,
                               f->cluster, (long long)left);
    }
    return cf_out_done(out);
}

bool cf_freeze_look(const struct cf_freeze *f, const json_t *rows, const json_t *claims,
                    const json_t *had, struct cf_outcome *out, struct cf_error *err)
{
    cf_autojson json_t *mounts = NULL;
    if (!cf_freeze_nodes(f, had, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!look_at_rows(f, rows, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_freeze_mounts(f, claims, &mounts, err))
        return false;
    const json_t *first = json_array_get(mounts, 0);
    if (first)
        return cf_out_wait(out, LOOK_MS, "pod %s of %s still mounts a claim (%zu such pods)",
                           cf_json_str(first, "?", "pod", NULL), f->cluster,
                           json_array_size(mounts));
    return look_at_attachments(f, claims, out, err);
}
