/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster's life, and the way in for our own side. */
#include <stdarg.h>
#include <string.h>

#include "base/thread.h"
#include "deploy/sandbox/api/core.h"

/* Services' addresses tell which sort of server gave them. */
enum { PLANE_FIRST_IP = 20000 };

static void add_namespace(struct sbx_api *api, const char *name)
{
    cf_autojson json_t *o = json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", "Namespace",
                                      "metadata", "name", name);
    (void)sbx_api_do(api, "sandbox", "POST", NULL, o, NULL, "/api/v1/namespaces");
}

static void fill(struct sbx_api *api)
{
    static const char *const namespaces[] = { "default", "kube-system", "kube-public",
                                              "kube-node-lease" };
    for (size_t i = 0; i < CF_ARRAY_LEN(namespaces); i++)
        add_namespace(api, namespaces[i]);
    static const char *const of_planes[][2] = {
        [SBX_PLANE_KARMADA] = { "karmada-system", "karmada-cluster" },
        [SBX_PLANE_CLUSTERNET] = { "clusternet-system", "clusternet-reserved" },
    };
    if (api->plane != SBX_PLANE_NONE) {
        for (size_t i = 0; i < CF_ARRAY_LEN(of_planes[0]); i++)
            add_namespace(api, of_planes[api->plane][i]);
        return;
    }
    cf_autojson json_t *node =
        json_pack("{s:s,s:s,s:{s:s,s:{s:s,s:s}}}", "apiVersion", "v1", "kind", "Node", "metadata",
                  "name", "node-1", "labels", "kubernetes.io/hostname", "node-1",
                  "topology.kubernetes.io/region", api->cluster);
    (void)sbx_api_do(api, "sandbox", "POST", NULL, node, NULL, "/api/v1/nodes");
    cf_autojson json_t *ready = json_pack("{s:{s:[{s:s,s:s,s:s}]}}", "status", "conditions", "type",
                                          "Ready", "status", "True", "reason", "KubeletReady");
    (void)sbx_api_do(api, "sandbox", "PATCH", "application/merge-patch+json", ready, NULL,
                     "/api/v1/nodes/node-1/status");
    cf_autojson json_t *sc =
        json_pack("{s:s,s:s,s:{s:s,s:{s:s}},s:s,s:s,s:s}", "apiVersion", "storage.k8s.io/v1",
                  "kind", "StorageClass", "metadata", "name", "standard", "annotations",
                  "storageclass.kubernetes.io/is-default-class", "true", "provisioner", "sandbox",
                  "reclaimPolicy", "Delete", "volumeBindingMode", "Immediate");
    (void)sbx_api_do(api, "sandbox", "POST", NULL, sc, NULL,
                     "/apis/storage.k8s.io/v1/storageclasses");
    cf_autojson json_t *ic = json_pack(
        "{s:s,s:s,s:{s:s},s:{s:s}}", "apiVersion", "networking.k8s.io/v1", "kind", "IngressClass",
        "metadata", "name", "nginx", "spec", "controller", "k8s.io/ingress-nginx");
    (void)sbx_api_do(api, "sandbox", "POST", NULL, ic, NULL,
                     "/apis/networking.k8s.io/v1/ingressclasses");
    cf_autojson json_t *gc =
        json_pack("{s:s,s:s,s:{s:s},s:{s:s}}", "apiVersion", "gateway.networking.k8s.io/v1", "kind",
                  "GatewayClass", "metadata", "name", "istio", "spec", "controllerName",
                  "istio.io/gateway-controller");
    (void)sbx_api_do(api, "sandbox", "POST", NULL, gc, NULL,
                     "/apis/gateway.networking.k8s.io/v1/gatewayclasses");
}

static struct sbx_api *new_api(const char *cluster, enum sbx_plane plane)
{
    struct sbx_api *api = cf_xcalloc(1, sizeof(*api));
    pthread_mutex_init(&api->lock, NULL);
    api->cluster = cf_xstrdup(cluster);
    api->plane = plane;
    api->next_ip = plane == SBX_PLANE_NONE ? 0 : PLANE_FIRST_IP;
    api->rv = 1000;
    api->compacted = api->rv;
    api->asked = json_object();
    fill(api);
    return api;
}

struct sbx_api *sbx_api_new(const char *cluster)
{
    return new_api(cluster, SBX_PLANE_NONE);
}

struct sbx_api *sbx_api_new_control_plane(const char *name)
{
    return new_api(name, SBX_PLANE_KARMADA);
}

struct sbx_api *sbx_api_new_hub(const char *name)
{
    return new_api(name, SBX_PLANE_CLUSTERNET);
}

static void forget_history(struct sbx_api *api)
{
    while (api->changes) {
        struct sbx_change *c = &api->history[api->first];
        json_decref(c->obj);
        json_decref(c->before);
        api->first = (api->first + 1) % SBX_HISTORY_MAX;
        api->changes--;
    }
    for (int i = 0; i < SBX_SNAPSHOTS_MAX; i++) {
        json_decref(api->snapshots[i].items);
        api->snapshots[i] = (struct sbx_snapshot){ .id = "" };
    }
    api->compacted = api->rv;
}

static void forget_objects(struct sbx_api *api)
{
    for (int k = 0; k < SBX_KINDS_MAX; k++) {
        struct sbx_table *t = &api->tables[k];
        for (size_t i = 0; i < t->count; i++) {
            free(t->entries[i].key);
            json_decref(t->entries[i].obj);
        }
        free(t->entries);
        *t = (struct sbx_table){ 0 };
    }
}

void sbx_api_free(struct sbx_api *api)
{
    if (!api)
        return;
    cf_assert(!api->watches);
    forget_history(api);
    forget_objects(api);
    for (int i = 0; i < api->token_count; i++) {
        free(api->tokens[i].token);
        free(api->tokens[i].user);
    }
    pthread_mutex_destroy(&api->lock);
    json_decref(api->asked);
    free(api->hidden);
    free(api->lacking);
    free(api->denied);
    free(api->cluster);
    free(api);
}

void sbx_api_wipe(struct sbx_api *api)
{
    {
        CF_LOCKED(&api->lock);
        for (const struct sbx_kind *k = sbx_kinds; k->kind; k++) {
            const struct sbx_table *t = sbx_table_of(api, k);
            while (t->count) {
                cf_autojson json_t *o = json_incref(t->entries[t->count - 1].obj);
                sbx_remove(api, k, cf_json_str(o, "", "metadata", "namespace", NULL),
                           cf_json_str(o, "", "metadata", "name", NULL));
            }
        }
    }
    fill(api);
}

void sbx_api_compact(struct sbx_api *api)
{
    CF_LOCKED(&api->lock);
    forget_history(api);
}

const char *sbx_api_cluster(const struct sbx_api *api)
{
    return api->cluster;
}

void sbx_api_token(struct sbx_api *api, const char *token, const char *user, enum sbx_rights rights)
{
    CF_LOCKED(&api->lock);
    cf_assert(api->token_count < SBX_TOKENS_MAX);
    int i = api->token_count++;
    api->tokens[i].token = cf_xstrdup(token);
    api->tokens[i].user = cf_xstrdup(user);
    api->tokens[i].rights = rights;
}

int sbx_api_do(struct sbx_api *api, const char *manager, const char *method,
               const char *content_type, const json_t *body, json_t **out, const char *target_fmt,
               ...)
{
    va_list ap;
    va_start(ap, target_fmt);
    cf_autofree char *target = cf_xvasprintf(target_fmt, ap);
    va_end(ap);
    cf_autofree char *text = body ? cf_json_dump(body) : NULL;
    struct sbx_call call = { .method = method,
                             .target = target,
                             .content_type = content_type,
                             .user_agent = manager,
                             .body = text ? text : "",
                             .body_len = text ? strlen(text) : 0,
                             .trusted = true };
    struct sbx_answer answer;
    sbx_api_call(api, &call, NULL, NULL, NULL, &answer);
    int status = answer.status;
    if (out)
        *out = json_incref(answer.body);
    sbx_answer_free(&answer);
    return status;
}

/* With the lock held. */
static json_t *all_of(const struct sbx_table *t, const char *ns)
{
    json_t *all = json_array();
    for (size_t i = 0; i < t->count; i++)
        if (!ns ||
            strcmp(cf_json_str(t->entries[i].obj, "", "metadata", "namespace", NULL), ns) == 0)
            json_array_append(all, t->entries[i].obj);
    return all;
}

static const struct sbx_table *table_named(struct sbx_api *api, const char *group,
                                           const char *plural)
{
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    cf_assert(k);
    return sbx_table_of(api, k);
}

json_t *sbx_api_all(struct sbx_api *api, const char *group, const char *plural, const char *ns)
{
    const struct sbx_table *t = table_named(api, group, plural);
    CF_LOCKED(&api->lock);
    return all_of(t, ns);
}

json_t *sbx_api_all_since(struct sbx_api *api, const char *group, const char *plural,
                          int64_t *io_rv)
{
    const struct sbx_table *t = table_named(api, group, plural);
    CF_LOCKED(&api->lock);
    if (*io_rv == t->rv)
        return NULL;
    *io_rv = t->rv;
    return all_of(t, NULL);
}

json_t *sbx_api_one(struct sbx_api *api, const char *group, const char *plural, const char *ns,
                    const char *name)
{
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    cf_assert(k);
    CF_LOCKED(&api->lock);
    return json_incref(sbx_get(api, k, ns, name));
}

void sbx_api_on_change(struct sbx_api *api, int slot, void (*fn)(void *user), void *user)
{
    CF_LOCKED(&api->lock);
    cf_assert(slot >= 0 && slot < SBX_LISTENERS_MAX);
    api->listeners[slot].fn = fn;
    api->listeners[slot].user = user;
}

static void replace_text(struct sbx_api *api, char **slot, const char *text)
{
    CF_LOCKED(&api->lock);
    free(*slot);
    *slot = cf_xstrdup(text);
}

void sbx_api_hide(struct sbx_api *api, const char *kinds)
{
    replace_text(api, &api->hidden, kinds);
}

void sbx_api_deny(struct sbx_api *api, const char *kinds)
{
    replace_text(api, &api->denied, kinds);
}

void sbx_api_install(struct sbx_api *api, const char *lacking)
{
    CF_LOCKED(&api->lock);
    api->addon = SBX_ADDON_VELERO;
    free(api->lacking);
    api->lacking = cf_xstrdup(lacking);
}

bool sbx_api_serves(struct sbx_api *api, const char *group, const char *plural)
{
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    CF_LOCKED(&api->lock);
    const struct sbx_served served = sbx_served_by(api);
    return k && sbx_kind_served(&served, k);
}

void sbx_api_skew(struct sbx_api *api, int64_t ms)
{
    atomic_store(&api->skew_ms, ms);
}

int64_t sbx_api_skew_ms(const struct sbx_api *api)
{
    return atomic_load(&api->skew_ms);
}

void sbx_api_on_write(struct sbx_api *api, sbx_reviewer *fn, void *user)
{
    CF_LOCKED(&api->lock);
    api->reviewer = fn;
    api->reviewer_user = user;
}

void sbx_api_on_call(struct sbx_api *api, sbx_front *fn, void *user)
{
    CF_LOCKED(&api->lock);
    api->front = fn;
    api->front_user = user;
}

int64_t sbx_api_version(struct sbx_api *api)
{
    CF_LOCKED(&api->lock);
    return api->rv;
}
