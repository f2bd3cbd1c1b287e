/* SPDX-License-Identifier: Apache-2.0 */
/* What a body must be before it is an object: types of the members that we rely on, and members
 * that nobody knows. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "deploy/sandbox/api/rules.h"

enum want { WANT_INT, WANT_STRING, WANT_OBJECT, WANT_ARRAY, WANT_STRINGS, WANT_BASE64S };

/* Typed members of built-in kinds. `kind` NULL: all. A "[]" walks into each item. */
static const struct {
    const char *kind, *path;
    enum want want;
    const char *go; /* as the real message names it */
} typed[] = {
    { NULL, "metadata.labels", WANT_STRINGS, "string" },
    { NULL, "metadata.annotations", WANT_STRINGS, "string" },
    { NULL, "metadata.name", WANT_STRING, "string" },
    { NULL, "metadata.finalizers", WANT_ARRAY, "[]string" },
    { "ConfigMap", "data", WANT_STRINGS, "string" },
    { "Secret", "data", WANT_BASE64S, "[]uint8" },
    { "Secret", "stringData", WANT_STRINGS, "string" },
    { "Secret", "type", WANT_STRING, "string" },
    { "Deployment", "spec.replicas", WANT_INT, "int32" },
    { "StatefulSet", "spec.replicas", WANT_INT, "int32" },
    { "ReplicaSet", "spec.replicas", WANT_INT, "int32" },
    { NULL, "spec.template.spec.containers", WANT_ARRAY, "[]v1.Container" },
    { NULL, "spec.template.spec.containers[].image", WANT_STRING, "string" },
    { NULL, "spec.template.spec.containers[].ports[].containerPort", WANT_INT, "int32" },
    { NULL, "spec.template.spec.containers[].env[].value", WANT_STRING, "string" },
    { NULL, "spec.template.metadata.labels", WANT_STRINGS, "string" },
    { "Service", "spec.ports", WANT_ARRAY, "[]v1.ServicePort" },
    { "Service", "spec.ports[].port", WANT_INT, "int32" },
    { "Service", "spec.selector", WANT_STRINGS, "string" },
    { "EndpointSlice", "endpoints[].addresses", WANT_ARRAY, "[]string" },
    { "EndpointSlice", "ports[].port", WANT_INT, "int32" },
    { "HorizontalPodAutoscaler", "spec.minReplicas", WANT_INT, "int32" },
    { "HorizontalPodAutoscaler", "spec.maxReplicas", WANT_INT, "int32" },
};

/* Members of specs, for what a strict request is told about and any other request loses. */
static const struct {
    const char *kind, *at, *members;
} known[] = {
    { "Deployment", "spec",
      "replicas,selector,template,strategy,minReadySeconds,revisionHistoryLimit,paused,"
      "progressDeadlineSeconds" },
    { "StatefulSet", "spec",
      "replicas,selector,template,serviceName,volumeClaimTemplates,podManagementPolicy,"
      "updateStrategy,revisionHistoryLimit,"
      "minReadySeconds,persistentVolumeClaimRetentionPolicy,ordinals" },
    { "DaemonSet", "spec",
      "selector,template,updateStrategy,minReadySeconds,revisionHistoryLimit" },
    { "Service", "spec",
      "ports,selector,clusterIP,clusterIPs,type,externalIPs,sessionAffinity,loadBalancerIP,"
      "loadBalancerSourceRanges,externalName,"
      "externalTrafficPolicy,healthCheckNodePort,publishNotReadyAddresses,sessionAffinityConfig,"
      "ipFamilies,ipFamilyPolicy,"
      "allocateLoadBalancerNodePorts,loadBalancerClass,internalTrafficPolicy,trafficDistribution" },
    { "Ingress", "spec", "ingressClassName,defaultBackend,tls,rules" },
    { "PodDisruptionBudget", "spec",
      "minAvailable,selector,maxUnavailable,unhealthyPodEvictionPolicy" },
    { "HorizontalPodAutoscaler", "spec",
      "scaleTargetRef,minReplicas,maxReplicas,metrics,behavior" },
    { "VirtualService", "spec", "hosts,gateways,http,tls,tcp,exportTo" },
    { "HTTPRoute", "spec", "parentRefs,hostnames,rules,useDefaultGateways" },
};

static bool is_base64(const char *s)
{
    size_t n = strlen(s);
    size_t body = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    return n % 4 == 0 && body + strspn(s + body, "=") == n && n - body <= 2;
}

static bool fits(enum want want, const json_t *v)
{
    const char *key;
    json_t *m;
    switch (want) {
    case WANT_INT:
        return json_is_integer(v);
    case WANT_STRING:
        return json_is_string(v);
    case WANT_OBJECT:
        return json_is_object(v);
    case WANT_ARRAY:
        return json_is_array(v);
    case WANT_STRINGS:
    case WANT_BASE64S:
        if (!json_is_object(v))
            return false;
        json_object_foreach(cf_json_unconst(v), key, m)
        {
            if (!json_is_null(m) && !json_is_string(m))
                return false;
            if (want == WANT_BASE64S && json_is_string(m) && !is_base64(json_string_value(m)))
                return false;
        }
        return true;
    }
    return true;
}

/* Whether every value at the path has the type; absent and null ones do. */
static bool check_path(const json_t *v, const char *path, enum want want)
{
    if (!v || json_is_null(v))
        return true;
    if (!*path)
        return fits(want, v);
    size_t n = strcspn(path, ".[");
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)n, path);
    const json_t *child = json_object_get(v, name);
    bool each = path[n] == '[';
    path += n + (each ? 2 : 0);
    path += *path == '.';
    if (!each)
        return check_path(child, path, want);
    size_t i;
    json_t *item;
    json_array_foreach(child, i, item)
    {
        if (!check_path(item, path, want))
            return false;
    }
    return true;
}

/* Collects (strict) or drops what is not in the list. */
static void unknown_members(json_t *o, const char *members, const char *extra, const char *at,
                            bool strict, struct cf_buf *found)
{
    const char *name;
    json_t *v;
    void *tmp;
    json_object_foreach_safe(o, tmp, name, v)
    {
        if (sbx_word_in(members, name) || (extra && sbx_word_in(extra, name)))
            continue;
        cf_buf_printf(found, "%sunknown field \"%s%s%s\"", found->len ? ", " : "", at,
                      *at ? "." : "", name);
        if (!strict)
            json_object_del(o, name);
    }
}

static void drop_nulls(json_t *v)
{
    const char *name;
    json_t *m;
    void *tmp;
    size_t i;
    if (json_is_object(v)) {
        json_object_foreach_safe(v, tmp, name, m)
        {
            if (json_is_null(m))
                json_object_del(v, name);
            else
                drop_nulls(m);
        }
    }
    json_array_foreach(v, i, m)
    {
        drop_nulls(m);
    }
}

/* Empty maps and lists are not kept. */
static void drop_empty(json_t *o, const char *member)
{
    const json_t *v = json_object_get(o, member);
    if (v && json_object_size(v) == 0 && json_array_size(v) == 0)
        json_object_del(o, member);
}

/* Lists without items, at any depth: a built-in kind does not keep them. */
static void drop_empty_lists(json_t *v)
{
    const char *name;
    json_t *m;
    void *tmp;
    size_t i;
    json_object_foreach_safe(v, tmp, name, m)
    {
        if (json_is_array(m) && json_array_size(m) == 0)
            json_object_del(v, name);
        else
            drop_empty_lists(m);
    }
    json_array_foreach(v, i, m)
    {
        drop_empty_lists(m);
    }
}

bool sbx_rules_decode(const struct sbx_kind *k, json_t *obj, bool strict, struct sbx_answer *out)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(typed) && !k->is_crd; i++) {
        if (typed[i].kind && strcmp(typed[i].kind, k->kind) != 0)
            continue;
        if (!check_path(obj, typed[i].path, typed[i].want))
            return sbx_fail(out, 400, "BadRequest",
                            "%s in version \"%s\" cannot be handled as a %s: json: cannot "
                            "unmarshal into Go struct field %s of type %s",
                            k->kind, k->version, k->kind, typed[i].path, typed[i].go);
    }
    CF_CLEANUP(cf_buf_free) struct cf_buf found = CF_BUF_INIT(4096);
    unknown_members(obj, k->top, "apiVersion,kind,metadata", "", strict, &found);
    unknown_members(
        json_object_get(obj, "metadata"),
        "name,generateName,namespace,labels,annotations,finalizers,ownerReferences,managedFields,"
        "uid,resourceVersion,"
        "generation,creationTimestamp,deletionTimestamp,deletionGracePeriodSeconds,selfLink",
        NULL, "metadata", strict, &found);

    for (size_t i = 0; i < CF_ARRAY_LEN(known); i++)
        if (strcmp(known[i].kind, k->kind) == 0)
            unknown_members(json_object_get(obj, known[i].at), known[i].members, NULL, known[i].at,
                            strict, &found);
    if (found.len && !strict && !out->warning)
        out->warning = cf_xstrdup(cf_buf_str(&found));
    else if (found.len && strict)
        return sbx_fail(out, 400, "BadRequest",
                        "%s in version \"%s\" cannot be handled as a %s: strict decoding error: %s",
                        k->kind, k->version, k->kind, cf_buf_str(&found));
    drop_nulls(obj);
    static const char *const in_meta[] = { "labels", "annotations", "finalizers",
                                           "ownerReferences" };
    static const char *const in_object[] = { "data", "stringData", "binaryData" };
    for (size_t i = 0; i < CF_ARRAY_LEN(in_meta); i++)
        drop_empty(json_object_get(obj, "metadata"), in_meta[i]);
    for (size_t i = 0; i < CF_ARRAY_LEN(in_object); i++)
        drop_empty(obj, in_object[i]);
    if (!k->is_crd)
        drop_empty_lists(json_object_get(obj, "spec"));
    if (strcmp(k->kind, "Service") == 0)
        drop_empty(json_object_get(obj, "spec"), "selector");
    return true;
}
