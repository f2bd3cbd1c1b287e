/* SPDX-License-Identifier: Apache-2.0 */
/* What may be copied, and how it may be changed. */
#include "orchestrator/plan/check.h"

#include <stdio.h>
#include <string.h>

#include "orchestrator/plan/limits.h"

#define INCLUDE    "/spec/workloads/include"
#define TRANSFORMS "/spec/workloads/transforms"

/* Kinds that are never copied on request, with what to do instead. */
static const struct {
    const char *kind;
    const char *hint;
} not_copied[] = {
    { "Pod", "include the Deployment, StatefulSet, DaemonSet or Job that makes it" },
    { "ReplicaSet", "include the Deployment that makes it" },
    { "ControllerRevision", "include the StatefulSet or DaemonSet that makes it" },
    { "Endpoints", "include the Service; the target makes its own endpoints" },
    { "EndpointSlice", "include the Service; the target makes its own endpoints" },
    { "Event", "events belong to their cluster" },
    { "Lease", "leases belong to their cluster" },
    { "Namespace", "spec.target.createNamespace makes the target's namespace" },
    { "Node", "nodes belong to their cluster" },
    { "PersistentVolume", "include the PersistentVolumeClaim" },
    { "StorageClass", "it must be there in the target; change the claim by a transform" },
    { "IngressClass", "it must be there in the target" },
    { "ClusterRole", "it must be there in the target; preflight reports what is missing" },
    { "ClusterRoleBinding", "it must be there in the target; preflight reports what is missing" },
    { "CustomResourceDefinition",
      "it comes along with a custom resource where the target has none" },
    { "PriorityClass", "it must be there in the target" },
};

static void check_kind(const char *kind, size_t index, struct cf_report *r)
{
    for (size_t k = 0; kind && k < CF_ARRAY_LEN(not_copied); k++) {
        if (strcmp(kind, not_copied[k].kind) != 0)
            continue;
        char pointer[CF_JSON_POINTER_MAX];
        snprintf(pointer, sizeof pointer, INCLUDE "/%zu/kind", index);
        cf_report(r, CF_PLAN_UNKNOWN_VALUE, pointer, not_copied[k].hint,
                  "objects of kind %s are not copied", kind);
    }
}

/* Fields by which an object is known, or that its cluster writes. */
static void check_identity(const json_t *patch, const char *pointer, struct cf_report *r)
{
    static const char *const fields[] = {
        "apiVersion",   "kind",   "metadata/name",           "metadata/namespace",
        "metadata/uid", "status", "metadata/resourceVersion"
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++) {
        cf_autofree char *inside = cf_xasprintf("/%s", fields[i]);
        if (!cf_json_pointer(patch, inside))
            continue;
        cf_autofree char *place = cf_xasprintf("%s%s", pointer, inside);
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, place, "remove it from the patch",
                  "a transform cannot change %s: the copy must stay the same object", fields[i]);
    }
}

static void check_patch(const json_t *row, const json_t *patch, const char *at, struct cf_report *r)
{
    char pointer[CF_JSON_POINTER_MAX];
    snprintf(pointer, sizeof pointer, "%s/mergePatch", at);
    if (json_object_size(patch) == 0) {
        cf_report(r, CF_PLAN_OUT_OF_RANGE, pointer, "remove the row", "the patch changes nothing");
        return;
    }
    cf_autofree char *text = cf_json_dump(patch);
    if (strlen(text) > CF_PLAN_PATCH_BYTES_MAX)
        cf_report(r, CF_PLAN_LIMIT, pointer,
                  "make several transforms, or prepare the object in the target",
                  "%zu bytes are more than the %d allowed", strlen(text), CF_PLAN_PATCH_BYTES_MAX);
    check_identity(patch, pointer, r);
    bool is_secret = strcmp(cf_json_str(row, "", "match", "kind", NULL), "Secret") == 0;
    if (is_secret && (json_object_get(patch, "data") || json_object_get(patch, "stringData")))
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer,
                  "make the Secret in the target by other means and exclude it here",
                  "a plan can be read by every viewer: it must not hold a Secret's data");
}

static void check_transform(const json_t *row, size_t index, struct cf_report *r)
{
    char at[64], pointer[CF_JSON_POINTER_MAX];
    snprintf(at, sizeof at, TRANSFORMS "/%zu", index);
    const json_t *patch = json_object_get(row, "mergePatch");
    const json_t *image = json_object_get(row, "imageRegistry");
    char written[CF_JSON_POINTER_MAX];
    cf_report_written(r->written, at, written);
    const json_t *as_written = cf_json_pointer(r->written, written);
    if (patch && image)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, at, "make two rows of it",
                  "a transform has one change, not both mergePatch and imageRegistry");
    else if (!json_object_get(as_written, "mergePatch") &&
             !json_object_get(as_written, "imageRegistry"))
        cf_report(r, CF_PLAN_REQUIRED, at, "add mergePatch or imageRegistry",
                  "the transform changes nothing");
    if (patch)
        check_patch(row, patch, at, r);
    const char *from = cf_json_str(image, NULL, "from", NULL);
    const char *to = cf_json_str(image, NULL, "to", NULL);
    if (from && to && strcmp(from, to) == 0) {
        snprintf(pointer, sizeof pointer, "%s/imageRegistry/to", at);
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer, "remove the row",
                  "\"from\" and \"to\" are the same: nothing changes");
    }
}

/* Without a list there is nothing that could be copied. */
static void check_listed(const json_t *effective, struct cf_report *r)
{
    const json_t *workloads = cf_json_pointer(effective, "/spec/workloads");
    if (strcmp(cf_json_str(workloads, "auto", "dependencies", NULL), "listed") == 0 &&
        json_array_size(json_object_get(workloads, "include")) == 0)
        cf_report(r, CF_PLAN_REQUIRED, "/spec/workloads",
                  "list every object that is to be copied, or write dependencies: auto",
                  "dependencies: listed copies what include lists, and it lists nothing");
}

void cf_check_workloads(const json_t *effective, struct cf_report *r)
{
    size_t i;
    json_t *row;
    check_listed(effective, r);
    json_array_foreach(cf_json_pointer(effective, INCLUDE), i, row)
        check_kind(cf_json_str(row, NULL, "kind", NULL), i, r);
    cf_check_after(effective, r);
    json_array_foreach(cf_json_pointer(effective, TRANSFORMS), i, row) if (json_is_object(row))
        check_transform(row, i, r);
}
