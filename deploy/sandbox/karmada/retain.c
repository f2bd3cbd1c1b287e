/* SPDX-License-Identifier: Apache-2.0 */
/* Retention, in general and by kind. */
#include "deploy/sandbox/karmada/retain.h"

#include <string.h>

#include "deploy/sandbox/api/kinds.h"
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/karmada/prune.h"
#include "deploy/sandbox/karmada/words.h"

/* The value at the path as `live` has it, if it has. */
static void keep(json_t *body, const json_t *live, const char *a, const char *b, const char *c)
{
    const json_t *v = cf_json_at(live, "spec", a, b, c, NULL);
    if (v)
        cf_json_put_take(body, json_incref(cf_json_unconst(v)), "spec", a, b, c, NULL);
}

static void keep_deployment(json_t *body, const json_t *live)
{
    if (strcmp(sbx_label(body, KM_RETAIN_REPLICAS), "true") == 0)
        keep(body, live, "replicas", NULL, NULL);
}

static void keep_pod(json_t *body, const json_t *live)
{
    keep(body, live, "nodeName", NULL, NULL);
    keep(body, live, "serviceAccountName", NULL, NULL);
    keep(body, live, "volumes", NULL, NULL);
}

static json_t *same_port(const json_t *ports, const json_t *port)
{
    size_t i;
    json_t *p;
    json_array_foreach(cf_json_unconst(ports), i, p)
    {
        if (cf_json_int(p, 0, "port", NULL) == cf_json_int(port, 0, "port", NULL) &&
            strcmp(cf_json_str(p, "", "name", NULL), cf_json_str(port, "", "name", NULL)) == 0)
            return p;
    }
    return NULL;
}

/* A real API server keeps the node port of a port that names none. */
static void keep_service(json_t *body, const json_t *live)
{
    const char *ip = cf_json_str(body, "", "spec", "clusterIP", NULL);
    if (strcmp(ip, "None") != 0) {
        keep(body, live, "clusterIP", NULL, NULL);
        keep(body, live, "clusterIPs", NULL, NULL);
    }
    keep(body, live, "healthCheckNodePort", NULL, NULL);
    size_t i;
    json_t *port;
    json_array_foreach(cf_json_unconst(cf_json_at(body, "spec", "ports", NULL)), i, port)
    {
        const json_t *old = same_port(cf_json_at(live, "spec", "ports", NULL), port);
        json_t *node_port = json_object_get(old, "nodePort");
        if (node_port && !json_object_get(port, "nodePort"))
            json_object_set(port, "nodePort", node_port);
    }
}

static void keep_account(json_t *body, const json_t *live)
{
    json_t *secrets = json_object_get(live, "secrets");
    if (secrets && !json_object_get(body, "secrets"))
        json_object_set(body, "secrets", secrets);
}

static void keep_claim(json_t *body, const json_t *live)
{
    keep(body, live, "volumeName", NULL, NULL);
}

static void keep_volume(json_t *body, const json_t *live)
{
    keep(body, live, "claimRef", NULL, NULL);
}

static void keep_job(json_t *body, const json_t *live)
{
    keep(body, live, "selector", "matchLabels", NULL);
    keep(body, live, "template", "metadata", "labels");
}

static void keep_secret(json_t *body, const json_t *live)
{
    json_t *data = json_object_get(live, "data");
    if (data &&
        strcmp(cf_json_str(body, "", "type", NULL), "kubernetes.io/service-account-token") == 0)
        json_object_set(body, "data", data);
}

static const struct {
    const char *kind;
    void (*keep)(json_t *body, const json_t *live);
} kinds[] = {
    { "Deployment", keep_deployment },
    { "Pod", keep_pod },
    { "Service", keep_service },
    { "ServiceAccount", keep_account },
    { "PersistentVolumeClaim", keep_claim },
    { "PersistentVolume", keep_volume },
    { "Job", keep_job },
    { "Secret", keep_secret },
};

/* Labels or annotations of others stay; those that Karmada put there and no longer wants go. */
static void merge_map(json_t *body, const json_t *live, const char *map, const char *record)
{
    const char *recorded = cf_json_str(live, "", "metadata", "annotations", record, NULL), *key;
    json_t *v;
    json_object_foreach(cf_json_unconst(cf_json_at(live, "metadata", map, NULL)), key, v)
    {
        bool wanted = cf_json_at(body, "metadata", map, key, NULL) != NULL;
        if (!wanted && !sbx_word_in(recorded, key))
            cf_json_put_take(body, json_incref(v), "metadata", map, key, NULL);
    }
}

json_t *km_retain(const json_t *manifest, const json_t *live)
{
    static const char *const kept[] = { "resourceVersion", "finalizers", "ownerReferences" };
    json_t *body = cf_json_copy(manifest);
    for (size_t i = 0; i < CF_ARRAY_LEN(kept); i++) {
        const json_t *v = cf_json_at(live, "metadata", kept[i], NULL);
        if (v)
            cf_json_put_take(body, json_incref(cf_json_unconst(v)), "metadata", kept[i], NULL);
        else
            (void)cf_json_del(body, "metadata", kept[i], NULL);
    }
    merge_map(body, live, "annotations", KM_MANAGED_ANNOTATIONS);
    merge_map(body, live, "labels", KM_MANAGED_LABELS);
    const char *kind = cf_json_str(body, "", "kind", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            kinds[i].keep(body, live);
    return body;
}

bool km_differs(const json_t *body, const json_t *live)
{
    cf_autojson json_t *pruned = cf_json_copy(live);
    km_prune(pruned);
    cf_autojson json_t *same = km_retain(pruned, live);
    return !cf_json_equal(body, same);
}
