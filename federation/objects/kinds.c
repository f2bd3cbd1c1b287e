/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds, and the small questions that everyone asks of an object. */
#include "federation/objects/kinds.h"

#include <stdio.h>
#include <string.h>

#include "federation/objects/clean.h"

#define TEMPLATE "/spec/template/spec"

/* What others need comes first: limits before what they limit, accounts and their rights before
 * what runs with them, configuration and claims before the pods that mount them, Services before
 * the pods that look them up, workloads, and last what acts on workloads. */
const struct cf_kind cf_kinds[] = {
    { "", "v1", "Namespace", 0, CF_KIND_AMBIENT, NULL, cf_clean_namespace, cf_health_namespace },
    { "", "v1", "ResourceQuota", 10, CF_KIND_AMBIENT, NULL, NULL, NULL },
    { "", "v1", "LimitRange", 11, CF_KIND_AMBIENT, NULL, NULL, NULL },
    { "", "v1", "ServiceAccount", 20, 0, NULL, cf_clean_service_account, NULL },
    { "rbac.authorization.k8s.io", "v1", "Role", 21, 0, NULL, NULL, NULL },
    { "rbac.authorization.k8s.io", "v1", "RoleBinding", 22, 0, NULL, NULL, NULL },
    { "", "v1", "Secret", 30, 0, NULL, NULL, NULL },
    { "", "v1", "ConfigMap", 31, 0, NULL, NULL, NULL },
    { "", "v1", "PersistentVolumeClaim", 40, 0, NULL, cf_clean_claim, cf_health_claim },
    { "", "v1", "Service", 50, 0, NULL, cf_clean_service, NULL },
    { "networking.k8s.io", "v1", "NetworkPolicy", 51, 0, NULL, NULL, NULL },
    { "apps", "v1", "StatefulSet", 60, CF_KIND_WORKLOAD | CF_KIND_SCALABLE | CF_KIND_REACHED,
      TEMPLATE, cf_clean_stateful_set, cf_health_stateful_set },
    { "apps", "v1", "Deployment", 61, CF_KIND_WORKLOAD | CF_KIND_SCALABLE | CF_KIND_REACHED,
      TEMPLATE, cf_clean_pod_template, cf_health_deployment },
    { "apps", "v1", "DaemonSet", 62, CF_KIND_WORKLOAD | CF_KIND_REACHED, TEMPLATE,
      cf_clean_pod_template, cf_health_daemon_set },
    { "batch", "v1", "CronJob", 63, CF_KIND_WORKLOAD, "/spec/jobTemplate/spec/template/spec",
      cf_clean_pod_template, NULL },
    { "batch", "v1", "Job", 64, CF_KIND_WORKLOAD, TEMPLATE, cf_clean_job, cf_health_job },
    { "policy", "v1", "PodDisruptionBudget", 70, 0, NULL, NULL, NULL },
    { "autoscaling", "v2", "HorizontalPodAutoscaler", 71, 0, NULL, NULL, NULL },
    { .kind = NULL },
};

const struct cf_kind *cf_kind_find(const char *group, const char *kind)
{
    for (const struct cf_kind *k = cf_kinds; k->kind; k++)
        if (strcmp(k->kind, kind) == 0 && strcmp(k->group, group) == 0)
            return k;
    return NULL;
}

const struct cf_kind *cf_kind_of(const json_t *object)
{
    const char *api_version = cf_json_str(object, "", "apiVersion", NULL);
    const char *slash = strchr(api_version, '/');
    cf_autofree char *group =
        slash ? cf_xstrndup(api_version, (size_t)(slash - api_version)) : cf_xstrdup("");
    return cf_kind_find(group, cf_json_str(object, "", "kind", NULL));
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
