/* SPDX-License-Identifier: Apache-2.0 */
/* Reading Clusters and ManagedClusters (members.h). */
#include "federation/propagate/members.h"

#include <stdio.h>
#include <string.h>

#include "federation/kube/discovery.h"
#include "federation/kube/kube.h"
#include "federation/objects/kinds.h"

enum { MEMBERS_MAX = 5000 };

/* Where a Clusternet agent says who it is: it takes the uid of its Lease for the cluster's id,
 * unless an upgrade left the old one in an annotation. */
#define AGENT_NAMESPACE "clusternet-system"
#define AGENT_LEASE     "clusternet-agent"
#define AGENT_LEGACY_ID "legacy-cluster-id"
#define CLUSTERNET_NAME "clusters.clusternet.io/cluster-name"
#define CONDITION_READY "Ready"
#define CONDITION_WHOLE "CompleteAPIEnablements"

/* ---- one member ---- */

static bool is_true(const json_t *condition)
{
    return strcmp(cf_json_str(condition, "", "status", NULL), "True") == 0;
}

static char *why_not_ready(const json_t *ready)
{
    if (!ready)
        return cf_xstrdup("the control plane has not judged it yet");
    if (is_true(ready))
        return cf_xstrdup("");
    const char *message = cf_json_str(ready, "", "message", NULL);
    return cf_xasprintf("%s%s%s", cf_json_str(ready, "not ready", "reason", NULL),
                        *message ? ": " : "", message);
}

static json_t *taints_of(const json_t *object)
{
    json_t *lines = json_array();
    size_t i;
    json_t *taint;
    json_array_foreach(cf_json_at(object, "spec", "taints", NULL), i, taint)
    {
        const char *value = cf_json_str(taint, "", "value", NULL);
        cf_autofree char *line =
            cf_xasprintf("%s%s%s:%s", cf_json_str(taint, "?", "key", NULL), *value ? "=" : "",
                         value, cf_json_str(taint, "", "effect", NULL));
        json_array_append_new(lines, json_string(line));
    }
    return lines;
}

static int kinds_of(const json_t *object)
{
    int n = 0;
    size_t i;
    json_t *group;
    json_array_foreach(cf_json_at(object, "status", "apiEnablements", NULL), i, group)
    {
        n += (int)json_array_size(json_object_get(group, "resources"));
    }
    return n;
}

static json_t *karmada_row(const json_t *object)
{
    const json_t *ready = cf_object_condition(object, CONDITION_READY);
    cf_autofree char *why = why_not_ready(ready);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:o,s:i,s:b,s:s}", "name",
                     cf_object_name(object), "namespace", "", "id",
                     cf_json_str(object, "", "spec", "id", NULL), "server",
                     cf_json_str(object, "", "spec", "apiEndpoint", NULL), "syncMode",
                     cf_json_str(object, "", "spec", "syncMode", NULL), "ready", is_true(ready),
                     "why", why, "taints", taints_of(object), "kinds", kinds_of(object),
                     "kindsComplete", is_true(cf_object_condition(object, CONDITION_WHOLE)),
                     "version", cf_json_str(object, "", "status", "kubernetesVersion", NULL));
}

static json_t *clusternet_row(const json_t *object)
{
    const json_t *ready = cf_object_condition(object, CONDITION_READY);
    cf_autofree char *why = why_not_ready(ready);
    const char *name =
        cf_json_str(object, cf_object_name(object), "metadata", "labels", CLUSTERNET_NAME, NULL);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:o,s:i,s:b,s:s}", "name", name, "namespace",
                     cf_object_namespace(object), "id",
                     cf_json_str(object, "", "spec", "clusterId", NULL), "server",
                     cf_json_str(object, "", "status", "apiserverURL", NULL), "syncMode",
                     cf_json_str(object, "", "spec", "syncMode", NULL), "ready", is_true(ready),
                     "why", why, "taints", taints_of(object), "kinds", -1, "kindsComplete", true,
                     "version", cf_json_str(object, "", "status", "k8sVersion", NULL));
}

/* ---- the kinds of control planes ---- */

static const struct plane {
    enum cf_plane_kind kind;
    const char *name;
    const char *api_version, *member_kind;
    json_t *(*row)(const json_t *object);
} planes[] = {
    { CF_PLANE_KARMADA, "karmada", "cluster.karmada.io/v1alpha1", "Cluster", karmada_row },
    { CF_PLANE_CLUSTERNET, "clusternet", "clusters.clusternet.io/v1beta1", "ManagedCluster",
      clusternet_row },
};

static const struct plane *plane_row(enum cf_plane_kind kind)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(planes); i++)
        if (planes[i].kind == kind)
            return &planes[i];
    return NULL;
}

const char *cf_plane_kind_name(enum cf_plane_kind k)
{
    const struct plane *row = plane_row(k);
    return row ? row->name : "";
}

bool cf_plane_kind_of(struct cf_kube *plane, enum cf_plane_kind *out, struct cf_error *err)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(planes); i++) {
        struct cf_kube_resource served;
        struct cf_error mine = CF_ERROR_INIT;
        if (cf_kube_resource_of(plane, NULL, planes[i].api_version, planes[i].member_kind, &served,
                                &mine)) {
            *out = planes[i].kind;
            return true;
        }
        if (mine.kind == CF_ERR_NOT_FOUND)
            continue;
        cf_error_move(err, &mine);
        return cf_error_wrap(err, "what %s serves", cf_kube_name(plane));
    }
    *out = CF_PLANE_NONE;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(cf_json_str(*(json_t *const *)a, "", "name", NULL),
                  cf_json_str(*(json_t *const *)b, "", "name", NULL));
}

/* A new array of the rows in their order. */
static json_t *sorted(const json_t *rows)
{
    size_t n = json_array_size(rows);
    json_t **row = cf_xcalloc(n + 1, sizeof(json_t *));
    for (size_t i = 0; i < n; i++)
        row[i] = json_array_get(rows, i);
    qsort(row, n, sizeof(json_t *), by_name);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append(out, row[i]);
    free(row);
    return out;
}

bool cf_members_list(struct cf_kube *plane, json_t **out, struct cf_error *err)
{
    enum cf_plane_kind kind;
    if (!cf_plane_kind_of(plane, &kind, err))
        return false;
    const struct plane *p = plane_row(kind);
    if (!p)
        return cf_error_set(err, CF_ERR_NOT_FOUND,
                            "%s is no control plane: it serves neither Karmada's Clusters nor "
                            "Clusternet's ManagedClusters",
                            cf_kube_name(plane));
    struct cf_kube_list list = { .api_version = p->api_version,
                                 .kind = p->member_kind,
                                 .max_items = MEMBERS_MAX };
    cf_autojson json_t *objects = NULL;
    if (!cf_kube_list(plane, NULL, &list, &objects, NULL, err))
        return cf_error_wrap(err, "list the members of %s", cf_kube_name(plane));
    cf_autojson json_t *rows = json_array();
    size_t i;
    json_t *object;
    json_array_foreach(objects, i, object)
    {
        json_array_append_new(rows, p->row(object));
    }
    *out = sorted(rows);
    return true;
}

const json_t *cf_member_by_id(const json_t *members, const char *id)
{
    size_t i;
    json_t *row;
    json_array_foreach(members, i, row)
    {
        if (*id && strcmp(cf_json_str(row, "", "id", NULL), id) == 0)
            return row;
    }
    return NULL;
}

bool cf_member_identity(struct cf_kube *member, enum cf_plane_kind kind, char *out, size_t size,
                        struct cf_error *err)
{
    cf_autojson json_t *lease = NULL;
    if (kind == CF_PLANE_KARMADA) {
        char uid[CF_KUBE_UID_TEXT];
        if (!cf_kube_uid(member, NULL, uid, err))
            return false;
        (void)snprintf(out, size, "%s", uid);
        return true;
    }
    struct cf_object_ref ref =
        cf_ref("coordination.k8s.io/v1", "Lease", AGENT_NAMESPACE, AGENT_LEASE);
    if (!cf_kube_get(member, NULL, &ref, &lease, err))
        return cf_error_wrap(err, "Lease %s/%s of Clusternet's agent on %s", AGENT_NAMESPACE,
                             AGENT_LEASE, cf_kube_name(member));
    (void)snprintf(
        out, size, "%s",
        cf_json_str(lease, cf_object_uid(lease), "metadata", "annotations", AGENT_LEGACY_ID, NULL));
    return true;
}
