/* SPDX-License-Identifier: Apache-2.0 */
/* Default values, of the fields that programs read back. */
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/api/rules.h"

/* An object that wants its defaults. `live`: what it replaces, or NULL. */
struct fresh {
    struct sbx_api *api;
    const struct sbx_kind *k;
    json_t *obj, *spec;
    const json_t *live;
};

static void dflt(json_t *o, const char *name, json_t *value_take)
{
    if (!json_is_object(o) || json_object_get(o, name))
        json_decref(value_take);
    else
        json_object_set_new(o, name, value_take);
}

static json_t *at(json_t *o, const char *a)
{
    return json_object_get(o, a);
}

static void default_containers(json_t *list)
{
    size_t i, j;
    json_t *c, *p;
    json_array_foreach(list, i, c)
    {
        const char *image = cf_json_str(c, "", "image", NULL);
        const char *tag = strrchr(image, ':');
        bool latest = !tag || strchr(tag, '/') || strcmp(tag, ":latest") == 0;
        json_array_foreach(at(c, "ports"), j, p)
        {
            dflt(p, "protocol", json_string("TCP"));
        }
        dflt(c, "resources", json_object());
        dflt(c, "terminationMessagePath", json_string("/dev/termination-log"));
        dflt(c, "terminationMessagePolicy", json_string("File"));
        dflt(c, "imagePullPolicy", json_string(latest ? "Always" : "IfNotPresent"));
        static const char *const probes[] = { "readinessProbe", "livenessProbe", "startupProbe" };
        for (size_t n = 0; n < CF_ARRAY_LEN(probes); n++) {
            json_t *probe = at(c, probes[n]);
            dflt(probe, "timeoutSeconds", json_integer(1));
            dflt(probe, "periodSeconds", json_integer(10));
            dflt(probe, "successThreshold", json_integer(1));
            dflt(probe, "failureThreshold", json_integer(3));
            if (at(probe, "httpGet")) {
                dflt(at(probe, "httpGet"), "path", json_string("/"));
                dflt(at(probe, "httpGet"), "scheme", json_string("HTTP"));
            }
        }
    }
}

/* Both names say the same: the new one where there is one, else the old one. */
static void default_account(json_t *spec)
{
    const char *account = cf_json_str(spec, "", "serviceAccountName", NULL);
    if (!*account)
        account = cf_json_str(spec, "", "serviceAccount", NULL);
    if (!*account)
        return;
    cf_autofree char *both = cf_xstrdup(account);
    json_object_set_new(spec, "serviceAccountName", json_string(both));
    json_object_set_new(spec, "serviceAccount", json_string(both));
}

void sbx_rules_default_pod_spec(json_t *spec)
{
    if (!json_is_object(spec))
        return;
    default_containers(at(spec, "containers"));
    default_containers(at(spec, "initContainers"));
    size_t i;
    json_t *v;
    json_array_foreach(at(spec, "volumes"), i, v)
    {
        static const char *const sources[] = { "configMap", "secret", "projected" };
        for (size_t n = 0; n < CF_ARRAY_LEN(sources); n++)
            dflt(at(v, sources[n]), "defaultMode", json_integer(420));
    }
    dflt(spec, "restartPolicy", json_string("Always"));
    dflt(spec, "terminationGracePeriodSeconds", json_integer(30));
    dflt(spec, "dnsPolicy", json_string("ClusterFirst"));
    dflt(spec, "securityContext", json_object());
    dflt(spec, "schedulerName", json_string("default-scheduler"));
    default_account(spec);
}

static json_t *template_spec(json_t *spec)
{
    return at(at(spec, "template"), "spec");
}

static void default_apps(const struct fresh *f)
{
    const struct sbx_kind *k = f->k;
    json_t *spec = f->spec;
    sbx_rules_default_pod_spec(template_spec(spec));
    if (strcmp(k->kind, "DaemonSet") != 0)
        dflt(spec, "replicas", json_integer(1));
    if (strcmp(k->kind, "Deployment") == 0) {
        dflt(spec, "strategy", json_pack("{s:s}", "type", "RollingUpdate"));
        if (strcmp(cf_json_str(spec, "", "strategy", "type", NULL), "RollingUpdate") == 0) {
            dflt(at(spec, "strategy"), "rollingUpdate", json_object());
            dflt(at(at(spec, "strategy"), "rollingUpdate"), "maxUnavailable", json_string("25%"));
            dflt(at(at(spec, "strategy"), "rollingUpdate"), "maxSurge", json_string("25%"));
        }
        dflt(spec, "revisionHistoryLimit", json_integer(10));
        dflt(spec, "progressDeadlineSeconds", json_integer(600));
    } else if (strcmp(k->kind, "StatefulSet") == 0) {
        dflt(spec, "podManagementPolicy", json_string("OrderedReady"));
        dflt(spec, "updateStrategy",
             json_pack("{s:s,s:{s:i}}", "type", "RollingUpdate", "rollingUpdate", "partition", 0));
        dflt(spec, "persistentVolumeClaimRetentionPolicy",
             json_pack("{s:s,s:s}", "whenDeleted", "Retain", "whenScaled", "Retain"));
        dflt(spec, "revisionHistoryLimit", json_integer(10));
    } else if (strcmp(k->kind, "DaemonSet") == 0) {
        dflt(spec, "updateStrategy",
             json_pack("{s:s,s:{s:i,s:i}}", "type", "RollingUpdate", "rollingUpdate",
                       "maxUnavailable", 1, "maxSurge", 0));
        dflt(spec, "revisionHistoryLimit", json_integer(10));
    }
}

static void default_job(const struct fresh *f)
{
    json_t *spec = f->spec, *meta = at(f->obj, "metadata");
    sbx_rules_default_pod_spec(template_spec(spec));
    dflt(spec, "completionMode", json_string("NonIndexed"));
    if (!at(spec, "completions") && !at(spec, "parallelism"))
        json_object_set_new(spec, "completions", json_integer(1));
    dflt(spec, "parallelism", json_integer(1));
    dflt(spec, "backoffLimit", json_integer(6));
    dflt(spec, "suspend", json_false());
    dflt(spec, "manualSelector", json_false());
    dflt(spec, "podReplacementPolicy", json_string("TerminatingOrFailed"));
    const char *uid = cf_json_str(meta, NULL, "uid", NULL);
    if (uid && !at(spec, "selector") && at(spec, "template")) {
        json_object_set_new(
            spec, "selector",
            json_pack("{s:{s:s}}", "matchLabels", "batch.kubernetes.io/controller-uid", uid));
        const char *name = cf_json_str(meta, "", "name", NULL);
        const char *labels[][2] = { { "batch.kubernetes.io/controller-uid", uid },
                                    { "batch.kubernetes.io/job-name", name },
                                    { "controller-uid", uid },
                                    { "job-name", name } };
        for (size_t i = 0; i < CF_ARRAY_LEN(labels); i++)
            cf_json_put_take(spec, json_string(labels[i][1]), "template", "metadata", "labels",
                             labels[i][0], NULL);
    }
}

static void default_cron_job(const struct fresh *f)
{
    json_t *spec = f->spec;
    dflt(spec, "concurrencyPolicy", json_string("Allow"));
    dflt(spec, "suspend", json_false());
    dflt(spec, "successfulJobsHistoryLimit", json_integer(3));
    dflt(spec, "failedJobsHistoryLimit", json_integer(1));
    sbx_rules_default_pod_spec(template_spec(at(at(spec, "jobTemplate"), "spec")));
}

/* The address it has, or the next one. */
static void default_cluster_ip(const struct fresh *f)
{
    const json_t *old = cf_json_at(f->live, "spec", "clusterIP", NULL);
    if (old)
        dflt(f->spec, "clusterIP", json_incref(cf_json_unconst(old)));
    if (at(f->spec, "clusterIP"))
        return;
    char ip[24];
    int n = f->api->next_ip++;
    snprintf(ip, sizeof(ip), "10.96.%d.%d", (n / 250) % 250, n % 250 + 1);
    json_object_set_new(f->spec, "clusterIP", json_string(ip));
}

static void default_balancer(const struct fresh *f)
{
    dflt(f->obj, "status", json_pack("{s:{}}", "loadBalancer"));
}

static void default_service(const struct fresh *f)
{
    json_t *spec = f->spec;
    if (!spec)
        return;
    default_balancer(f);
    dflt(spec, "type", json_string("ClusterIP"));
    dflt(spec, "sessionAffinity", json_string("None"));
    size_t i;
    json_t *p;
    json_array_foreach(at(spec, "ports"), i, p)
    {
        dflt(p, "protocol", json_string("TCP"));
        dflt(p, "targetPort", json_copy(at(p, "port")));
    }
    if (strcmp(cf_json_str(spec, "", "type", NULL), "ExternalName") == 0)
        return;
    default_cluster_ip(f);
    sbx_rules_default_node_ports(f->api, f->obj, f->live);
    dflt(spec, "clusterIPs", json_pack("[O]", at(spec, "clusterIP")));
    dflt(spec, "ipFamilies", json_pack("[s]", "IPv4"));
    dflt(spec, "ipFamilyPolicy", json_string("SingleStack"));
    dflt(spec, "internalTrafficPolicy", json_string("Cluster"));
}

static void default_subjects(const struct fresh *f)
{
    json_t *obj = f->obj;
    size_t i;
    json_t *s;
    json_array_foreach(at(obj, "subjects"), i, s)
    {
        if (strcmp(cf_json_str(s, "", "kind", NULL), "ServiceAccount") != 0)
            dflt(s, "apiGroup", json_string("rbac.authorization.k8s.io"));
    }
    dflt(at(obj, "roleRef"), "apiGroup", json_string("rbac.authorization.k8s.io"));
}

/* The values that the CRD's schema gives. */
static void default_http_route(const struct fresh *f)
{
    json_t *spec = f->spec;
    size_t i, j;
    json_t *r, *b;
    json_array_foreach(at(spec, "parentRefs"), i, r)
    {
        dflt(r, "group", json_string("gateway.networking.k8s.io"));
        dflt(r, "kind", json_string("Gateway"));
    }
    if (spec)
        dflt(spec, "rules",
             json_pack("[{s:[{s:{s:s,s:s}}]}]", "matches", "path", "type", "PathPrefix", "value",
                       "/"));
    json_array_foreach(at(spec, "rules"), i, r)
    {
        dflt(r, "matches",
             json_pack("[{s:{s:s,s:s}}]", "path", "type", "PathPrefix", "value", "/"));
        json_array_foreach(at(r, "matches"), j, b)
        {
            dflt(b, "path", json_pack("{s:s,s:s}", "type", "PathPrefix", "value", "/"));
            dflt(at(b, "path"), "type", json_string("PathPrefix"));
            dflt(at(b, "path"), "value", json_string("/"));
        }
        json_array_foreach(at(r, "backendRefs"), j, b)
        {
            dflt(b, "group", json_string(""));
            dflt(b, "kind", json_string("Service"));
            dflt(b, "weight", json_integer(1));
        }
    }
}

static void default_secret(const struct fresh *f)
{
    dflt(f->obj, "type", json_string("Opaque"));
}

/* A new claim without a class gets the default one; an empty name says that it wants none. */
static void default_class(const struct fresh *f)
{
    const struct sbx_table *t =
        sbx_table_of(f->api, sbx_kind_of_group("storage.k8s.io", "storageclasses"));
    for (size_t i = 0; !f->live && i < t->count; i++)
        if (strcmp(cf_json_str(t->entries[i].obj, "", "metadata", "annotations",
                               "storageclass.kubernetes.io/is-default-class", NULL),
                   "true") == 0)
            dflt(f->spec, "storageClassName",
                 json_string(cf_json_str(t->entries[i].obj, "", "metadata", "name", NULL)));
}

static void default_claim(const struct fresh *f)
{
    default_class(f);
    dflt(f->spec, "volumeMode", json_string("Filesystem"));
    dflt(f->obj, "status", json_pack("{s:s}", "phase", "Pending"));
}

static void default_hpa(const struct fresh *f)
{
    json_t *spec = f->spec;
    dflt(spec, "minReplicas", json_integer(1));
    if (!at(spec, "metrics"))
        json_object_set_new(spec, "metrics",
                            json_pack("[{s:s,s:{s:s,s:{s:s,s:i}}}]", "type", "Resource", "resource",
                                      "name", "cpu", "target", "type", "Utilization",
                                      "averageUtilization", 80));
}

static void default_pod(const struct fresh *f)
{
    json_t *spec = f->spec;
    dflt(spec, "serviceAccountName", json_string("default"));
    sbx_rules_default_pod_spec(spec);
    dflt(spec, "enableServiceLinks", json_true());
    dflt(f->obj, "status", json_pack("{s:s,s:s}", "phase", "Pending", "qosClass", "BestEffort"));
}

/* Empty lists are written as null. */
static void default_slice(const struct fresh *f)
{
    json_t *obj = f->obj;
    static const char *const lists[] = { "endpoints", "ports" };
    for (size_t n = 0; n < CF_ARRAY_LEN(lists); n++)
        if (json_array_size(at(obj, lists[n])) == 0)
            json_object_set_new(obj, lists[n], json_null());
    size_t i;
    json_t *p;
    json_array_foreach(at(obj, "endpoints"), i, p)
    {
        dflt(p, "conditions", json_object());
    }
    json_array_foreach(at(obj, "ports"), i, p)
    {
        dflt(p, "protocol", json_string("TCP"));
        dflt(p, "name", json_string(""));
    }
}

static void default_namespace(const struct fresh *f)
{
    json_t *obj = f->obj;
    dflt(obj, "spec", json_pack("{s:[s]}", "finalizers", "kubernetes"));
    dflt(obj, "status", json_pack("{s:s}", "phase", "Active"));
    const char *name = cf_json_str(obj, "", "metadata", "name", NULL);
    if (*name)
        cf_json_put_take(obj, json_string(name), "metadata", "labels",
                         "kubernetes.io/metadata.name", NULL);
}

/* By group or by kind; a kind stands in one row at the most. */
static const struct {
    const char *group, *kind;
    void (*defaults)(const struct fresh *f);
} rows[] = {
    { "apps", NULL, default_apps },
    { "rbac.authorization.k8s.io", NULL, default_subjects },
    { NULL, "Pod", default_pod },
    { NULL, "Job", default_job },
    { NULL, "CronJob", default_cron_job },
    { NULL, "Service", default_service },
    { NULL, "Ingress", default_balancer },
    { NULL, "HTTPRoute", default_http_route },
    { NULL, "Secret", default_secret },
    { NULL, "PersistentVolumeClaim", default_claim },
    { NULL, "HorizontalPodAutoscaler", default_hpa },
    { NULL, "EndpointSlice", default_slice },
    { NULL, "Namespace", default_namespace },
};

void sbx_rules_default(struct sbx_api *api, const struct sbx_kind *k, json_t *obj,
                       const json_t *live)
{
    const struct fresh f = { api, k, obj, at(obj, "spec"), live };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        if (rows[i].kind ? strcmp(rows[i].kind, k->kind) == 0
                         : strcmp(rows[i].group, k->group) == 0)
            rows[i].defaults(&f);
    if (k->has_status && !k->is_crd)
        dflt(obj, "status", json_object());
}
