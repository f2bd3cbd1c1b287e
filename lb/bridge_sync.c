/* SPDX-License-Identifier: Apache-2.0 */
/* The bridge in a cluster: made, kept equal, read, removed. */
#include <stdio.h>
#include <string.h>

#include "base/json_patch.h"
#include "lb/bridge_objects.h"

static struct cf_object_ref service_ref(const struct cf_bridge *b)
{
    char name[CF_DEST_NAME_MAX];
    return cf_ref("v1", "Service", b->ns, cf_bridge_service_name(b, name));
}

static struct cf_object_ref slice_ref(const struct cf_bridge *b, const char *name)
{
    return cf_ref("discovery.k8s.io/v1", "EndpointSlice", b->ns, name);
}

static bool fail(const struct cf_bridge *b, const char *what, struct cf_error *err)
{
    char name[CF_DEST_NAME_MAX];
    return cf_error_wrap(err, "%s bridge %s%s/%s", what, b->by_name ? "by name " : "", b->ns,
                         cf_bridge_service_name(b, name));
}

/* ---- Service ---- */

/* The ports of an existing bridge follow the source's. */
static bool complete_service(struct cf_kube *kube, const struct cf_kube_how *how,
                             const json_t *want, const json_t *have,
                             const struct cf_object_ref *ref, struct cf_error *err)
{
    const json_t *ports = cf_json_at(have, "spec", "ports", NULL),
                 *wanted = cf_json_at(want, "spec", "ports", NULL);
    bool same = json_array_size(ports) == json_array_size(wanted);
    for (size_t i = 0; same && i < json_array_size(wanted); i++) {
        cf_autojson json_t *merged =
            cf_json_merge_apply(json_array_get(ports, i), json_array_get(wanted, i));
        same = json_equal(merged, json_array_get(ports, i));
    }
    if (same)
        return true;
    cf_autojson json_t *patch = json_pack("{s{sO}}", "spec", "ports", cf_json_unconst(wanted));
    return cf_kube_merge_patch(kube, how, ref, patch, NULL, NULL, err);
}

/* The Service beside the source's: made, or completed. */
static bool ensure_beside(struct cf_kube *kube, const struct cf_kube_how *how,
                          const struct cf_bridge *b, const json_t *source, struct cf_error *err)
{
    struct cf_object_ref ref = service_ref(b);
    cf_autojson json_t *have = NULL;
    bool found = false;
    cf_autojson json_t *want = cf_bridge_service(b, source, err);
    if (!want)
        return false;
    if (!cf_kube_find(kube, how, &ref, &found, &have, err))
        return fail(b, "read", err);
    if (!found && !cf_kube_create(kube, how, want, NULL, NULL, err)) {
        /* A lost answer or another one's create: what is there decides. */
        if (err->kind != CF_ERR_CONFLICT && err->kind != CF_ERR_UNKNOWN)
            return fail(b, "create", err);
        cf_error_clear(err);
        if (!cf_kube_get(kube, how, &ref, &have, err))
            return fail(b, "create", err);
    }
    if (have && (!cf_bridge_is_ours(have) || cf_json_at(have, "spec", "selector", NULL))) {
        cf_error_set(err, CF_ERR_CONFLICT,
                     "Service %s/%s exists and is no bridge of ours; rename it", b->ns, ref.name);
        return cf_error_reason(err, "name-taken");
    }
    if (have && !complete_service(kube, how, want, have, &ref, err))
        return fail(b, "complete", err);
    return true;
}

bool cf_bridge_ensure(struct cf_kube *kube, const struct cf_kube_how *how,
                      const struct cf_bridge *b, json_t **out_service, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Service", b->ns, b->service);
    cf_autojson json_t *source = NULL;
    if (!cf_kube_get(kube, how, &ref, &source, err))
        return cf_error_wrap(err, "read Service %s/%s", b->ns, b->service);
    if (b->by_name ? !cf_bridge_by_name_fits(b, source, err)
                   : !ensure_beside(kube, how, b, source, err))
        return false;
    if (out_service)
        *out_service = cf_steal(&source);
    return true;
}

/* ---- slices ---- */

/* All slices of the bridge's Service that are ours. */
static bool list_slices(struct cf_kube *kube, const struct cf_kube_how *how,
                        const struct cf_bridge *b, json_t **out, struct cf_error *err)
{
    char name[CF_DEST_NAME_MAX], selector[CF_DEST_NAME_MAX + 2 * CF_DEST_WORD_MAX];
    snprintf(selector, sizeof selector,
             CF_SLICE_SERVICE "=%s," CF_SLICE_MANAGED_BY "=" CF_SLICE_MANAGER,
             cf_bridge_service_name(b, name));
    struct cf_kube_list list = { .api_version = "discovery.k8s.io/v1",
                                 .kind = "EndpointSlice",
                                 .ns = b->ns,
                                 .label_selector = selector };
    return cf_kube_list(kube, how, &list, out, NULL, err) || fail(b, "list slices of", err);
}

static bool carry_out(struct cf_kube *kube, const struct cf_kube_how *how,
                      const struct cf_bridge *b, const json_t *write, struct cf_error *err)
{
    const char *op = cf_json_str(write, "", "op", NULL),
               *uid = cf_json_str(write, NULL, "uid", NULL);
    struct cf_object_ref ref = slice_ref(b, cf_json_str(write, "", "name", NULL));
    if (strcmp(op, "create") == 0)
        return cf_kube_create(kube, how, json_object_get(write, "object"), NULL, NULL, err);
    if (strcmp(op, "update") == 0) {
        cf_autojson json_t *patch = cf_json_copy(json_object_get(write, "patch"));
        if (uid)
            cf_json_put_take(patch, json_string(uid), "metadata", "uid", NULL);
        return cf_kube_merge_patch(kube, how, &ref, patch, NULL, NULL, err);
    }
    struct cf_kube_delete options = CF_KUBE_DELETE_INIT;
    options.uid = uid;
    if (cf_kube_delete(kube, how, &ref, &options, err))
        return true;
    if (err->kind != CF_ERR_NOT_FOUND)
        return false;
    cf_error_clear(err);
    return true;
}

static bool write_what_differs(struct cf_kube *kube, const struct cf_kube_how *how,
                               const struct cf_bridge *b, const json_t *desired, int *out_writes,
                               struct cf_error *err)
{
    cf_autojson json_t *present = NULL;
    if (!list_slices(kube, how, b, &present, err))
        return false;
    cf_autojson json_t *writes = cf_bridge_diff(desired, present);
    for (size_t i = 0; i < json_array_size(writes); i++)
        if (!carry_out(kube, how, b, json_array_get(writes, i), err))
            return fail(b, "write slices of", err);
    *out_writes = (int)json_array_size(writes);
    return true;
}

bool cf_bridge_sync(struct cf_kube *kube, const struct cf_kube_how *how, const struct cf_bridge *b,
                    const json_t *desired, int weight, int *out_writes, struct cf_error *err)
{
    if (weight > 0 && cf_bridge_ready_count(desired) == 0) {
        cf_error_set(err, CF_ERR_CONFLICT,
                     "the target has no ready endpoint while it has %d%% of the traffic: the "
                     "bridge is not emptied",
                     weight);
        return cf_error_reason(err, "would-be-empty");
    }
    /* Two replicas may feed it: what the other has just written is looked at again, once. */
    for (int tries = 0; tries < 2; tries++) {
        cf_error_clear(err);
        if (!write_what_differs(kube, how, b, desired, out_writes, err) &&
            err->kind != CF_ERR_CONFLICT && err->kind != CF_ERR_NOT_FOUND)
            return false;
        if (err->kind == CF_ERR_NONE)
            return true;
    }
    return false;
}

bool cf_bridge_read(struct cf_kube *kube, const struct cf_kube_how *how, const struct cf_bridge *b,
                    int *out_ready, struct cf_error *err)
{
    struct cf_object_ref ref = service_ref(b);
    cf_autojson json_t *service = NULL;
    cf_autojson json_t *present = NULL;
    if (!cf_kube_get(kube, how, &ref, &service, err))
        return fail(b, "read", err);
    if (!list_slices(kube, how, b, &present, err))
        return false;
    *out_ready = cf_bridge_ready_count(present);
    return true;
}

/* Of one Service, whoever keeps them. */
static bool list_of_service(struct cf_kube *kube, const struct cf_kube_how *how, const char *ns,
                            const char *service, json_t **out, struct cf_error *err)
{
    char selector[CF_DEST_NAME_MAX + 64];
    snprintf(selector, sizeof selector, CF_SLICE_SERVICE "=%s", service);
    struct cf_kube_list list = { .api_version = "discovery.k8s.io/v1",
                                 .kind = "EndpointSlice",
                                 .ns = ns,
                                 .label_selector = selector };
    return cf_kube_list(kube, how, &list, out, NULL, err) ||
           cf_error_wrap(err, "list EndpointSlices of Service %s/%s", ns, service);
}

bool cf_bridge_target_slices(struct cf_kube *target, const struct cf_kube_how *how, const char *ns,
                             const char *service, json_t **out_slices, struct cf_error *err)
{
    cf_autojson json_t *all = NULL;
    if (!list_of_service(target, how, ns, service, &all, err))
        return false;
    json_t *own = json_array();
    for (size_t i = 0; i < json_array_size(all); i++)
        if (!cf_bridge_slice_is_by_name(json_array_get(all, i)))
            json_array_append(own, json_array_get(all, i));
    *out_slices = own;
    return true;
}

bool cf_bridge_others(struct cf_kube *kube, const struct cf_kube_how *how,
                      const struct cf_bridge *b, int *out_others, struct cf_error *err)
{
    cf_autojson json_t *others = NULL;
    if (!cf_bridge_target_slices(kube, how, b->ns, b->service, &others, err))
        return false;
    *out_others = cf_bridge_ready_count(others);
    return true;
}

/* ---- removal ---- */

/* Fails with CONFLICT naming the first router of this kind that leads to the bridge; kinds the
 * cluster does not serve are none. */
static bool no_router_names(struct cf_kube *kube, const struct cf_kube_how *how,
                            const struct cf_bridge *b, const char *api_version, const char *kind,
                            struct cf_error *err)
{
    cf_autojson json_t *items = NULL;
    /* Routers of other namespaces may name it; without the right to see them, those of its own are
     * looked at. */
    const char *const scopes[] = { "", b->ns };
    for (size_t i = 0; i < CF_ARRAY_LEN(scopes) && !items; i++) {
        struct cf_kube_list list = { .api_version = api_version, .kind = kind, .ns = scopes[i] };
        cf_error_clear(err);
        if (cf_kube_list(kube, how, &list, &items, NULL, err))
            break;
        if (err->kind == CF_ERR_NOT_FOUND) {
            cf_error_clear(err);
            return true;
        }
        if (err->kind != CF_ERR_DENIED || i + 1 == CF_ARRAY_LEN(scopes))
            return cf_error_wrap(err, "look for %ss that use the bridge", kind);
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (!cf_bridge_named_by(b, item))
            continue;
        cf_error_set(err, CF_ERR_CONFLICT, "%s %s/%s still leads to it", kind,
                     cf_json_str(item, "", "metadata", "namespace", NULL),
                     cf_json_str(item, "", "metadata", "name", NULL));
        return cf_error_reason(err, "in-use");
    }
    return true;
}

/* The Service itself, unless it is gone. */
static bool remove_service(struct cf_kube *kube, const struct cf_kube_how *how,
                           const struct cf_bridge *b, struct cf_error *err)
{
    struct cf_object_ref ref = service_ref(b);
    cf_autojson json_t *service = NULL;
    bool found;
    if (!cf_kube_find(kube, how, &ref, &found, &service, err))
        return fail(b, "remove", err);
    if (!found)
        return true;
    if (!cf_bridge_is_ours(service)) {
        cf_error_set(err, CF_ERR_CONFLICT, "Service %s/%s is no bridge of ours", b->ns, ref.name);
        return cf_error_reason(err, "name-taken");
    }
    struct cf_kube_delete options = CF_KUBE_DELETE_INIT;
    options.uid = cf_json_str(service, NULL, "metadata", "uid", NULL);
    if (!cf_kube_delete(kube, how, &ref, &options, err) && err->kind != CF_ERR_NOT_FOUND)
        return fail(b, "remove", err);
    cf_error_clear(err);
    return true;
}

static bool remove_slices(struct cf_kube *kube, const struct cf_kube_how *how,
                          const struct cf_bridge *b, struct cf_error *err)
{
    cf_autojson json_t *slices = NULL;
    if (!list_slices(kube, how, b, &slices, err))
        return false;
    cf_autojson json_t *nothing = json_array();
    cf_autojson json_t *writes = cf_bridge_diff(nothing, slices);
    for (size_t i = 0; i < json_array_size(writes); i++)
        if (!carry_out(kube, how, b, json_array_get(writes, i), err))
            return fail(b, "remove slices of", err);
    return true;
}

bool cf_bridge_remove(struct cf_kube *kube, const struct cf_kube_how *how,
                      const struct cf_bridge *b, struct cf_error *err)
{
    static const struct {
        const char *api_version, *kind;
    } routers[] = {
        { "networking.istio.io/v1", "VirtualService" },
        { "networking.istio.io/v1beta1", "VirtualService" },
        { "gateway.networking.k8s.io/v1", "HTTPRoute" },
        { "networking.k8s.io/v1", "Ingress" },
    };
    if (b->by_name)
        return remove_slices(kube, how, b, err);
    for (size_t i = 0; i < CF_ARRAY_LEN(routers); i++)
        if (!no_router_names(kube, how, b, routers[i].api_version, routers[i].kind, err))
            return fail(b, "remove", err);
    return remove_service(kube, how, b, err) && remove_slices(kube, how, b, err);
}
