/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds, and the small questions that everyone asks of an object. */
#include "federation/objects/kinds.h"

#include <stdio.h>
#include <string.h>

#include "federation/objects/clean.h"

#define TEMPLATE "/spec/template/spec"

#define ISTIO   "networking.istio.io", "v1"
#define GATEWAY "gateway.networking.k8s.io", "v1"
#define RBAC    "rbac.authorization.k8s.io", "v1"
#define SERVES  (CF_KIND_WORKLOAD | CF_KIND_SCALABLE | CF_KIND_REACHED)
#define OPTION  CF_KIND_OPTIONAL
#define ROUTE   (CF_KIND_OPTIONAL | CF_KIND_ROUTE)

/* What others need comes first: definitions and limits before what they define and limit, accounts
 * and their rights before what runs with them, configuration and claims before the pods that mount
 * them, Services before the pods that look them up, workloads, what acts on workloads, and last
 * what brings requests: routes after the gateways and policies that they go by. */
/* clang-format off */
const struct cf_kind cf_kinds[] = {
    { "", "v1", "Namespace", 0, CF_KIND_AMBIENT | CF_KIND_CLUSTER, NULL, cf_clean_namespace, cf_health_namespace, NULL },
    { "apiextensions.k8s.io", "v1", "CustomResourceDefinition", 2, OPTION | CF_KIND_CLUSTER | CF_KIND_ON_DEMAND, NULL, cf_clean_definition, cf_health_definition, NULL },
    { "", "v1", "ResourceQuota", 10, CF_KIND_AMBIENT, NULL, NULL, NULL, NULL },
    { "", "v1", "LimitRange", 11, CF_KIND_AMBIENT, NULL, NULL, NULL, NULL },
    { "", "v1", "ServiceAccount", 20, 0, NULL, cf_clean_service_account, NULL, NULL },
    { RBAC, "Role", 21, 0, NULL, NULL, NULL, NULL },
    { RBAC, "RoleBinding", 22, 0, NULL, NULL, NULL, NULL },
    { "", "v1", "Secret", 30, 0, NULL, cf_clean_secret, NULL, NULL },
    { "", "v1", "ConfigMap", 31, 0, NULL, NULL, NULL, NULL },
    { "", "v1", "PersistentVolumeClaim", 40, 0, NULL, cf_clean_claim, cf_health_claim, NULL },
    { "resource.k8s.io", "v1", "ResourceClaimTemplate", 45, OPTION, NULL, NULL, NULL, NULL },
    { "", "v1", "Service", 50, 0, NULL, cf_clean_service, cf_health_service, NULL },
    { "networking.k8s.io", "v1", "NetworkPolicy", 51, 0, NULL, NULL, NULL, NULL },
    { "", "v1", "Endpoints", 52, OPTION | CF_KIND_ON_DEMAND, NULL, cf_clean_endpoints, NULL, NULL },
    { "discovery.k8s.io", "v1", "EndpointSlice", 53, OPTION | CF_KIND_ON_DEMAND, NULL, cf_clean_endpoint_slice, NULL, NULL },
    { "apps", "v1", "StatefulSet", 60, SERVES, TEMPLATE, cf_clean_stateful_set, cf_health_stateful_set, NULL },
    { "apps", "v1", "Deployment", 61, SERVES, TEMPLATE, cf_clean_pod_template, cf_health_deployment, NULL },
    { "apps", "v1", "DaemonSet", 62, CF_KIND_WORKLOAD | CF_KIND_REACHED, TEMPLATE, cf_clean_pod_template, cf_health_daemon_set, NULL },
    { "batch", "v1", "CronJob", 63, CF_KIND_WORKLOAD, "/spec/jobTemplate/spec/template/spec", cf_clean_cron_job, NULL, NULL },
    { "batch", "v1", "Job", 64, CF_KIND_WORKLOAD, TEMPLATE, cf_clean_job, cf_health_job, NULL },
    { "policy", "v1", "PodDisruptionBudget", 70, 0, NULL, NULL, cf_health_budget, NULL },
    { "autoscaling", "v2", "HorizontalPodAutoscaler", 71, 0, NULL, NULL, NULL, NULL },
    { "autoscaling.k8s.io", "v1", "VerticalPodAutoscaler", 72, OPTION, NULL, NULL, NULL, NULL },
    { "keda.sh", "v1alpha1", "ScaledObject", 73, OPTION | CF_KIND_STARTS, NULL, NULL, NULL, NULL },
    { ISTIO, "ServiceEntry", 80, OPTION, NULL, NULL, NULL, NULL },
    { ISTIO, "DestinationRule", 80, OPTION, NULL, NULL, NULL, NULL },
    { GATEWAY, "Gateway", 81, OPTION, NULL, NULL, NULL, NULL },
    { ISTIO, "Gateway", 81, OPTION, NULL, NULL, NULL, "Gateway.networking.istio.io" },
    { "gateway.networking.k8s.io", "v1beta1", "ReferenceGrant", 82, OPTION, NULL, NULL, NULL, NULL },
    { "networking.k8s.io", "v1", "Ingress", 83, ROUTE, NULL, cf_clean_ingress, cf_health_ingress, NULL },
    { GATEWAY, "HTTPRoute", 84, ROUTE, NULL, NULL, NULL, NULL },
    { GATEWAY, "GRPCRoute", 84, ROUTE, NULL, NULL, NULL, NULL },
    { ISTIO, "VirtualService", 85, ROUTE, NULL, NULL, NULL, NULL },
    { "monitoring.coreos.com", "v1", "ServiceMonitor", 90, OPTION, NULL, NULL, NULL, NULL },
    { "monitoring.coreos.com", "v1", "PodMonitor", 91, OPTION, NULL, NULL, NULL, NULL },
    { .kind = NULL },
};

/* Custom resources come last: what acts on them finds all that they name. */
static const struct cf_kind custom = {
    "*", "*", "*", 95, CF_KIND_OPTIONAL | CF_KIND_CUSTOM, NULL, NULL, cf_health_custom, NULL
};
/* clang-format on */

bool cf_group_is_custom(const char *group)
{
    /* Served by every cluster, or by tools that would act on a copy as on their own. */
    static const char *const others[] = { ".k8s.io", ".karmada.io", "clusternet.io", "velero.io",
                                          "crossfade.dev" };
    if (!strchr(group, '.'))
        return false;
    size_t len = strlen(group);
    for (size_t i = 0; i < CF_ARRAY_LEN(others); i++) {
        size_t n = strlen(others[i]);
        if (len >= n && strcmp(group + len - n, others[i]) == 0)
            return false;
    }
    return true;
}

const struct cf_kind *cf_kind_find(const char *group, const char *kind)
{
    for (const struct cf_kind *k = cf_kinds; k->kind; k++)
        if (strcmp(k->kind, kind) == 0 && strcmp(k->group, group) == 0)
            return k;
    return *kind && cf_group_is_custom(group) ? &custom : NULL;
}

char *cf_group_of(const char *api_version)
{
    const char *slash = strchr(api_version, '/');
    return slash ? cf_xstrndup(api_version, (size_t)(slash - api_version)) : cf_xstrdup("");
}

const struct cf_kind *cf_kind_of(const json_t *object)
{
    cf_autofree char *group = cf_group_of(cf_json_str(object, "", "apiVersion", NULL));
    return cf_kind_find(group, cf_json_str(object, "", "kind", NULL));
}

char *cf_kind_label(const char *group, const char *kind)
{
    const struct cf_kind *k = cf_kind_find(group, kind);
    if (!k || k->flags & CF_KIND_CUSTOM)
        return cf_xasprintf("%s%s%s", kind, *group ? "." : "", group);
    return cf_xstrdup(k->label ? k->label : k->kind);
}

char *cf_object_label(const json_t *object)
{
    cf_autofree char *group = cf_group_of(cf_json_str(object, "", "apiVersion", NULL));
    cf_autofree char *kind = cf_kind_label(group, cf_json_str(object, "", "kind", NULL));
    return cf_xasprintf("%s/%s", kind, cf_object_name(object));
}

char *cf_kind_api_version(const struct cf_kind *k, char *buf)
{
    snprintf(buf, 64, "%s%s%s", k->group, *k->group ? "/" : "", k->version);
    return buf;
}

json_t *cf_object_pod_spec(const json_t *object)
{
    const struct cf_kind *k = cf_kind_of(object);
    return k && k->pod_spec ? cf_json_pointer(object, k->pod_spec) : NULL;
}

const json_t *cf_object_pod_labels(const json_t *object)
{
    const json_t *template = cf_json_at(object, "spec", "template", NULL);
    if (!template)
        template = cf_json_at(object, "spec", "jobTemplate", "spec", "template", NULL);
    return cf_json_at(template, "metadata", "labels", NULL);
}

const char *cf_object_name(const json_t *object)
{
    return cf_json_str(object, "", "metadata", "name", NULL);
}

json_t *cf_row_of(const json_t *rows, const char *kind, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(cf_json_str(row, "", "kind", NULL), kind) == 0 &&
            strcmp(cf_json_str(row, "", "name", NULL), name) == 0)
            return row;
    }
    return NULL;
}

const json_t *cf_object_condition(const json_t *object, const char *type)
{
    return cf_json_named(cf_json_at(object, "status", "conditions", NULL), "type", type);
}

bool cf_object_condition_is(const json_t *object, const char *type, const char *status)
{
    return strcmp(cf_json_str(cf_object_condition(object, type), "", "status", NULL), status) == 0;
}

const char *cf_object_namespace(const json_t *object)
{
    return cf_json_str(object, "", "metadata", "namespace", NULL);
}

const char *cf_object_uid(const json_t *object)
{
    return cf_json_str(object, "", "metadata", "uid", NULL);
}

char *cf_object_key(const json_t *object, const char *ns)
{
    const char *api_version = cf_json_str(object, "", "apiVersion", NULL);
    const char *slash = strchr(api_version, '/');
    return cf_xasprintf("%.*s/%s/%s/%s", slash ? (int)(slash - api_version) : 4,
                        slash ? api_version : "core", cf_json_str(object, "", "kind", NULL),
                        ns ? ns : cf_object_namespace(object), cf_object_name(object));
}
