/* SPDX-License-Identifier: Apache-2.0 */
/* Checks by kind: what is required, what is out of range, what may not change. The fields are those
 * of a real server's causes. */
#include <stdlib.h>
#include <string.h>

#include "deploy/sandbox/api/rules.h"
#include "federation/objects/selector.h"

static const json_t *spec_of(const json_t *obj)
{
    return json_object_get(obj, "spec");
}

static bool same(const json_t *a, const json_t *b, const char *member)
{
    return cf_json_equal(json_object_get(a, member), json_object_get(b, member)) ||
           (!json_object_get(a, member) && !json_object_get(b, member));
}

static void immutable(const json_t *obj, const json_t *live, const char *member, const char *field,
                      struct sbx_causes *causes)
{
    if (live && !same(obj, live, member))
        sbx_cause(causes, "FieldValueInvalid", "field is immutable", "%s", field);
}

static void check_replicas(const json_t *spec, struct sbx_causes *causes)
{
    if (cf_json_int(spec, 0, "replicas", NULL) < 0)
        sbx_cause(causes, "FieldValueInvalid", "must be greater than or equal to 0",
                  "spec.replicas");
}

/* A template's pod spec; that of a StatefulSet may mount what its claim templates will make. */
static json_t *with_claims(const json_t *spec)
{
    json_t *pod = cf_json_copy(cf_json_at(spec, "template", "spec", NULL)), *template;
    size_t i;
    json_array_foreach(json_object_get(spec, "volumeClaimTemplates"), i, template)
    {
        if (!json_object_get(pod, "volumes"))
            json_object_set_new(pod, "volumes", json_array());
        json_array_append_new(
            json_object_get(pod, "volumes"),
            json_pack("{s:s}", "name", cf_json_str(template, "", "metadata", "name", NULL)));
    }
    return pod;
}

static void check_apps(const struct sbx_kind *k, const json_t *obj, const json_t *live,
                       struct sbx_causes *causes)
{
    const json_t *spec = spec_of(obj), *selector = json_object_get(spec, "selector");
    check_replicas(spec, causes);
    bool empty = json_is_object(selector) && json_object_size(selector) == 0;
    if (!selector)
        sbx_cause(causes, "FieldValueRequired", "", "spec.selector");
    else if (empty)
        sbx_cause(causes, "FieldValueInvalid", "empty selector is invalid for this kind",
                  "spec.selector");
    if (empty || !cf_selector_object_matches(
                     selector, cf_json_at(spec, "template", "metadata", "labels", NULL)))
        sbx_cause(causes, "FieldValueInvalid", "`selector` does not match template `labels`",
                  "spec.template.metadata.labels");
    cf_autojson json_t *pod = with_claims(spec);
    sbx_rules_check_pod_spec(pod, "spec.template.spec", "Always", causes);
    immutable(spec, live ? spec_of(live) : NULL, "selector", "spec.selector", causes);
    if (live && strcmp(k->kind, "StatefulSet") == 0) {
        static const char *const fixed[] = { "serviceName", "volumeClaimTemplates",
                                             "podManagementPolicy" };
        bool forbidden = false;
        for (size_t i = 0; i < CF_ARRAY_LEN(fixed); i++)
            forbidden |= !same(spec, spec_of(live), fixed[i]);
        if (forbidden)
            sbx_cause(causes, "FieldValueForbidden",
                      "updates to statefulset spec for these fields are forbidden", "spec");
    }
}

static void check_service_ports(const json_t *ports, struct sbx_causes *causes)
{
    size_t i, j;
    json_t *p, *q;
    json_array_foreach(ports, i, p)
    {
        int64_t n = cf_json_int(p, 0, "port", NULL);
        if (json_array_size(ports) > 1 && !*cf_json_str(p, "", "name", NULL))
            sbx_cause(causes, "FieldValueRequired", "", "spec.ports[%zu].name", i);
        if (n < 1 || n > 65535)
            sbx_cause(causes, "FieldValueInvalid", "must be between 1 and 65535, inclusive",
                      "spec.ports[%zu].port", i);
        if (!sbx_word_in("TCP,UDP,SCTP", cf_json_str(p, "TCP", "protocol", NULL)))
            sbx_cause(causes, "FieldValueNotSupported",
                      "supported values: \"SCTP\", \"TCP\", \"UDP\"", "spec.ports[%zu].protocol",
                      i);
        for (j = 0; j < i; j++) {
            q = json_array_get(ports, j);
            const char *name = cf_json_str(p, "", "name", NULL);
            if (*name && strcmp(name, cf_json_str(q, "", "name", NULL)) == 0)
                sbx_cause(causes, "FieldValueDuplicate", name, "spec.ports[%zu].name", i);
            if (cf_json_int(q, 0, "port", NULL) == n &&
                strcmp(cf_json_str(p, "TCP", "protocol", NULL),
                       cf_json_str(q, "TCP", "protocol", NULL)) == 0)
                sbx_cause(causes, "FieldValueDuplicate", "port and protocol", "spec.ports[%zu]", i);
        }
    }
}

static void check_service(const json_t *obj, const json_t *live, struct sbx_causes *causes)
{
    const json_t *spec = spec_of(obj);
    const char *type = cf_json_str(spec, "ClusterIP", "type", NULL),
               *ip = cf_json_str(spec, "", "clusterIP", NULL);
    if (!sbx_word_in("ClusterIP,NodePort,LoadBalancer,ExternalName", type))
        sbx_cause(causes, "FieldValueNotSupported", type, "spec.type");
    bool external = strcmp(type, "ExternalName") == 0;
    if (external && !*cf_json_str(spec, "", "externalName", NULL))
        sbx_cause(causes, "FieldValueRequired", "", "spec.externalName");
    if (!external && strcmp(ip, "None") != 0 &&
        json_array_size(json_object_get(spec, "ports")) == 0)
        sbx_cause(causes, "FieldValueRequired", "", "spec.ports");
    check_service_ports(json_object_get(spec, "ports"), causes);
    const char *old = live ? cf_json_str(spec_of(live), "", "clusterIP", NULL) : "";
    if (*old && !external && strcmp(old, ip) != 0)
        sbx_cause(causes, "FieldValueInvalid", "may not change once set", "spec.clusterIPs[0]");
}

/* What may not change: of a suspended Job all but where its pods may run. */
static json_t *job_template(const json_t *job)
{
    static const char *const loose[] = { "nodeSelector", "affinity", "tolerations",
                                         "schedulingGates" };
    json_t *t = cf_json_copy(cf_json_at(job, "spec", "template", NULL));
    for (size_t i = 0; i < CF_ARRAY_LEN(loose) && cf_json_bool(job, false, "spec", "suspend", NULL);
         i++)
        (void)cf_json_del(t, "spec", loose[i], NULL);
    return t;
}

static void check_job(const json_t *obj, const json_t *live, struct sbx_causes *causes)
{
    const json_t *spec = spec_of(obj), *pod = cf_json_at(spec, "template", "spec", NULL);
    sbx_rules_check_pod_spec(pod, "spec.template.spec", "Always,OnFailure,Never", causes);
    if (strcmp(cf_json_str(pod, "Always", "restartPolicy", NULL), "Always") == 0)
        sbx_cause(causes, "FieldValueRequired", "valid values: \"OnFailure\", \"Never\"",
                  "spec.template.spec.restartPolicy");
    if (!live)
        return;
    cf_autojson json_t *now = job_template(obj), *before = job_template(live);
    if (!cf_json_equal(now, before))
        sbx_cause(causes, "FieldValueInvalid", "field is immutable", "spec.template");
    immutable(spec, spec_of(live), "selector", "spec.selector", causes);
    immutable(spec, spec_of(live), "completions", "spec.completions", causes);
}

static void check_cron_job(const json_t *obj, struct sbx_causes *causes)
{
    const json_t *spec = spec_of(obj),
                 *pod = cf_json_at(spec, "jobTemplate", "spec", "template", "spec", NULL);
    if (!*cf_json_str(spec, "", "schedule", NULL))
        sbx_cause(causes, "FieldValueRequired", "", "spec.schedule");
    else if (!sbx_rules_is_schedule(cf_json_str(spec, "", "schedule", NULL)))
        sbx_cause(causes, "FieldValueInvalid", "not a schedule", "spec.schedule");
    sbx_rules_check_pod_spec(pod, "spec.jobTemplate.spec.template.spec", "Always,OnFailure,Never",
                             causes);
    if (strcmp(cf_json_str(pod, "Always", "restartPolicy", NULL), "Always") == 0)
        sbx_cause(causes, "FieldValueRequired", "valid values: \"OnFailure\", \"Never\"",
                  "spec.jobTemplate.spec.template.spec.restartPolicy");
}

static void check_claim(const json_t *obj, const json_t *live, struct sbx_causes *causes)
{
    const json_t *spec = spec_of(obj);
    if (json_array_size(json_object_get(spec, "accessModes")) == 0)
        sbx_cause(causes, "FieldValueRequired", "at least 1 access mode is required",
                  "spec.accessModes");
    if (!cf_json_at(spec, "resources", "requests", "storage", NULL))
        sbx_cause(causes, "FieldValueRequired", "", "spec.resources[storage]");
    if (!live)
        return;
    cf_autojson json_t *a = cf_json_copy(spec), *b = cf_json_copy(spec_of(live));
    json_object_del(a, "resources");
    json_object_del(b, "resources");
    if (!json_object_get(b, "volumeName"))
        json_object_del(a, "volumeName");
    if (!cf_json_equal(a, b))
        sbx_cause(causes, "FieldValueForbidden",
                  "spec is immutable after creation except resources.requests", "spec");
}

static void check_hpa(const json_t *obj, struct sbx_causes *causes)
{
    const json_t *spec = spec_of(obj);
    int64_t min = cf_json_int(spec, 1, "minReplicas", NULL),
            max = cf_json_int(spec, 0, "maxReplicas", NULL);
    if (min < 1)
        sbx_cause(causes, "FieldValueInvalid", "must be greater than or equal to 1",
                  "spec.minReplicas");
    if (max < 1)
        sbx_cause(causes, "FieldValueInvalid", "must be greater than 0", "spec.maxReplicas");
    if (max < min)
        sbx_cause(causes, "FieldValueInvalid", "must be greater than or equal to `minReplicas`",
                  "spec.maxReplicas");
    if (!*cf_json_str(spec, "", "scaleTargetRef", "kind", NULL))
        sbx_cause(causes, "FieldValueRequired", "", "spec.scaleTargetRef.kind");
    if (!*cf_json_str(spec, "", "scaleTargetRef", "name", NULL))
        sbx_cause(causes, "FieldValueRequired", "", "spec.scaleTargetRef.name");
}

static void check_budget(const json_t *obj, struct sbx_causes *causes)
{
    const json_t *spec = spec_of(obj);
    if (json_object_get(spec, "minAvailable") && json_object_get(spec, "maxUnavailable"))
        sbx_cause(causes, "FieldValueInvalid", "minAvailable and maxUnavailable cannot be both set",
                  "spec");
}

static void check_backend(const json_t *backend, const char *at, struct sbx_causes *causes)
{
    const json_t *service = json_object_get(backend, "service");
    if (!service && !json_object_get(backend, "resource")) {
        sbx_cause(causes, "FieldValueRequired", "resource or service backend is required", "%s",
                  at);
        return;
    }
    if (service && !*cf_json_str(service, "", "name", NULL))
        sbx_cause(causes, "FieldValueRequired", "", "%s.service.name", at);
    if (service && !cf_json_at(service, "port", "number", NULL) &&
        !cf_json_at(service, "port", "name", NULL))
        sbx_cause(causes, "FieldValueRequired", "port name or number is required", "%s", at);
}

static void check_ingress(const json_t *obj, struct sbx_causes *causes)
{
    const json_t *spec = spec_of(obj);
    if (json_array_size(json_object_get(spec, "rules")) == 0 &&
        !json_object_get(spec, "defaultBackend"))
        sbx_cause(causes, "FieldValueInvalid",
                  "either `defaultBackend` or `rules` must be specified", "spec");
    if (json_object_get(spec, "defaultBackend"))
        check_backend(json_object_get(spec, "defaultBackend"), "spec.defaultBackend", causes);
    size_t i, j;
    json_t *r, *p;
    json_array_foreach(json_object_get(spec, "rules"), i, r)
    {
        json_array_foreach(cf_json_at(r, "http", "paths", NULL), j, p)
        {
            cf_autofree char *at = cf_xasprintf("spec.rules[%zu].http.paths[%zu]", i, j);
            const char *type = cf_json_str(p, "", "pathType", NULL),
                       *path = cf_json_str(p, "", "path", NULL);
            if (!*type) {
                sbx_cause(causes, "FieldValueRequired", "pathType must be specified", "%s.pathType",
                          at);
                continue;
            }
            if (!sbx_word_in("Exact,Prefix,ImplementationSpecific", type))
                sbx_cause(causes, "FieldValueNotSupported", type, "%s.pathType", at);
            else if (path[0] != '/' && (strcmp(type, "ImplementationSpecific") != 0 || *path))
                sbx_cause(causes, "FieldValueInvalid", "must be an absolute path", "%s.path", at);
            cf_autofree char *backend = cf_xasprintf("%s.backend", at);
            check_backend(json_object_get(p, "backend"), backend, causes);
        }
    }
}

/* Pods of the sandbox live on 127.10 to 127.31: these addresses pass for routable ones. */
static bool is_refused_loopback(const char *ip)
{
    long second = strncmp(ip, "127.", 4) == 0 ? strtol(ip + 4, NULL, 10) : -1;
    return second >= 0 && (second < 10 || second > 31);
}

static void check_slice_address(const char *type, const char *ip, size_t i, size_t j,
                                struct sbx_causes *causes)
{
    if (strcmp(type, "IPv6") == 0 && !strchr(ip, ':'))
        sbx_cause(causes, "FieldValueInvalid", "must be an IPv6 address",
                  "endpoints[%zu].addresses", i);
    if (strncmp(ip, "169.254.", 8) == 0)
        sbx_cause(causes, "FieldValueInvalid",
                  "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
                  "endpoints[%zu].addresses[%zu]", i, j);
    if (strcmp(type, "IPv4") == 0 && (!*ip || strspn(ip, "0123456789.") != strlen(ip)))
        sbx_cause(causes, "FieldValueInvalid", "must be a valid IPv4 address",
                  "endpoints[%zu].addresses[%zu]", i, j);
    else if (is_refused_loopback(ip))
        sbx_cause(causes, "FieldValueInvalid",
                  "may not be in the loopback range (127.0.0.0/8, ::1/128)",
                  "endpoints[%zu].addresses[%zu]", i, j);
}

static void check_slice_endpoint(const json_t *e, const char *type, size_t i,
                                 struct sbx_causes *causes)
{
    size_t j;
    json_t *a;
    if (json_array_size(json_object_get(e, "addresses")) == 0)
        sbx_cause(causes, "FieldValueRequired", "must contain at least 1 address",
                  "endpoints[%zu].addresses", i);
    json_array_foreach(json_object_get(e, "addresses"), j, a)
    {
        check_slice_address(type, json_is_string(a) ? json_string_value(a) : "", i, j, causes);
    }
    const json_t *hostname = json_object_get(e, "hostname");
    if (json_is_string(hostname) && !sbx_rules_is_dns_label(json_string_value(hostname)))
        sbx_cause(causes, "FieldValueInvalid", "not a label of DNS (RFC 1123)",
                  "endpoints[%zu].hostname", i);
}

static void check_slice(const json_t *obj, const json_t *live, struct sbx_causes *causes)
{
    const char *type = cf_json_str(obj, "", "addressType", NULL);
    if (!*type)
        sbx_cause(causes, "FieldValueRequired", "", "addressType");
    else if (!sbx_word_in("IPv4,IPv6,FQDN", type))
        sbx_cause(causes, "FieldValueNotSupported", type, "addressType");
    if (live)
        immutable(obj, live, "addressType", "addressType", causes);
    size_t i, j;
    json_t *e;
    const json_t *ports = json_object_get(obj, "ports");
    json_array_foreach(ports, i, e)
    {
        if (!sbx_word_in("TCP,UDP,SCTP", cf_json_str(e, "TCP", "protocol", NULL)))
            sbx_cause(causes, "FieldValueNotSupported", cf_json_str(e, "", "protocol", NULL),
                      "ports[%zu].protocol", i);
        for (j = 0; j < i; j++)
            if (strcmp(cf_json_str(e, "", "name", NULL),
                       cf_json_str(json_array_get(ports, j), "", "name", NULL)) == 0)
                sbx_cause(causes, "FieldValueDuplicate", cf_json_str(e, "", "name", NULL),
                          "ports[%zu].name", i);
    }
    json_array_foreach(json_object_get(obj, "endpoints"), i, e)
    {
        check_slice_endpoint(e, type, i, causes);
    }
}

static void check_rbac(const struct sbx_kind *k, const json_t *obj, const json_t *live,
                       struct sbx_causes *causes)
{
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(obj, "rules"), i, r)
    {
        if (json_array_size(json_object_get(r, "verbs")) == 0)
            sbx_cause(causes, "FieldValueRequired", "verbs must contain at least one value",
                      "rules[%zu].verbs", i);
        if (json_array_size(json_object_get(r, "nonResourceURLs")) > 0)
            continue;
        if (json_array_size(json_object_get(r, "apiGroups")) == 0)
            sbx_cause(causes, "FieldValueRequired",
                      "resource rules must supply at least one api group", "rules[%zu].apiGroups",
                      i);
        if (json_array_size(json_object_get(r, "resources")) == 0)
            sbx_cause(causes, "FieldValueRequired",
                      "resource rules must supply at least one resource", "rules[%zu].resources",
                      i);
    }
    if (!strstr(k->kind, "Binding"))
        return;
    if (!sbx_word_in("Role,ClusterRole", cf_json_str(obj, "", "roleRef", "kind", NULL)))
        sbx_cause(causes, "FieldValueNotSupported", cf_json_str(obj, "", "roleRef", "kind", NULL),
                  "roleRef.kind");
    if (!*cf_json_str(obj, "", "roleRef", "name", NULL))
        sbx_cause(causes, "FieldValueRequired", "", "roleRef.name");
    if (live && !same(obj, live, "roleRef"))
        sbx_cause(causes, "FieldValueInvalid", "cannot change roleRef", "roleRef");
    json_array_foreach(json_object_get(obj, "subjects"), i, r)
    {
        if (!*cf_json_str(r, "", "name", NULL))
            sbx_cause(causes, "FieldValueRequired", "", "subjects[%zu].name", i);
        if (strcmp(cf_json_str(r, "", "kind", NULL), "ServiceAccount") == 0 &&
            !*cf_json_str(r, "", "namespace", NULL))
            sbx_cause(causes, "FieldValueRequired", "", "subjects[%zu].namespace", i);
    }
}

static void check_data(const struct sbx_kind *k, const json_t *obj, const json_t *live,
                       struct sbx_causes *causes)
{
    const char *key;
    json_t *v;
    json_object_foreach(cf_json_unconst(json_object_get(obj, "data")), key, v)
    {
        if (!*key ||
            strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") !=
                strlen(key))
            sbx_cause(causes, "FieldValueInvalid",
                      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                      "data[%s]", key);
    }
    if (!live)
        return;
    if (strcmp(k->kind, "Secret") == 0)
        immutable(obj, live, "type", "type", causes);
    if (cf_json_bool(live, false, "immutable", NULL)) {
        if (!cf_json_bool(obj, false, "immutable", NULL))
            sbx_cause(causes, "FieldValueForbidden", "field is immutable when `immutable` is set",
                      "immutable");
        if (!same(obj, live, "data"))
            sbx_cause(causes, "FieldValueForbidden", "field is immutable when `immutable` is set",
                      "data");
    }
}

void sbx_rules_check(struct sbx_api *api, const struct sbx_kind *k, const json_t *obj,
                     const json_t *live, struct sbx_causes *causes)
{
    sbx_rules_check_meta(k, obj, causes);
    const char *kind = k->kind;
    if (strcmp(kind, "Service") == 0)
        sbx_rules_check_node_ports(api, obj, causes);
    if (k->is_crd)
        sbx_rules_check_routers(k, obj, causes);
    else if (strcmp(k->group, "apps") == 0)
        check_apps(k, obj, live, causes);
    else if (strcmp(kind, "Service") == 0)
        check_service(obj, live, causes);
    else if (strcmp(kind, "Pod") == 0)
        sbx_rules_check_pod_spec(spec_of(obj), "spec", "Always,OnFailure,Never", causes);
    else if (strcmp(kind, "Job") == 0)
        check_job(obj, live, causes);
    else if (strcmp(kind, "CronJob") == 0)
        check_cron_job(obj, causes);
    else if (strcmp(kind, "PersistentVolumeClaim") == 0)
        check_claim(obj, live, causes);
    else if (strcmp(kind, "HorizontalPodAutoscaler") == 0)
        check_hpa(obj, causes);
    else if (strcmp(kind, "PodDisruptionBudget") == 0)
        check_budget(obj, causes);
    else if (strcmp(kind, "Ingress") == 0)
        check_ingress(obj, causes);
    else if (strcmp(kind, "EndpointSlice") == 0)
        check_slice(obj, live, causes);
    else if (strcmp(k->group, "rbac.authorization.k8s.io") == 0)
        check_rbac(k, obj, live, causes);
    else if (strcmp(kind, "ConfigMap") == 0 || strcmp(kind, "Secret") == 0)
        check_data(k, obj, live, causes);
}
