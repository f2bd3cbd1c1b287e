/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of copied Services (endpoints.h). */
#include "federation/propagate/endpoints.h"

#include <string.h>

#include "federation/kube/kube.h"
#include "federation/objects/kinds.h"
#include "federation/objects/selector.h"

/* The workloads among the copies that run pods. */
static json_t *running(const json_t *lives)
{
    json_t *workloads = json_array();
    const char *key;
    json_t *o;
    json_object_foreach(cf_json_unconst(lives), key, o)
    {
        const struct cf_kind *k = cf_kind_of(o);
        if (k && k->flags & CF_KIND_SCALABLE && cf_json_int(o, 1, "spec", "replicas", NULL) > 0)
            json_array_append(workloads, o);
    }
    return workloads;
}

static bool selects_any(const json_t *service, const json_t *workloads)
{
    const json_t *selector = cf_json_at(service, "spec", "selector", NULL);
    size_t i;
    json_t *o;
    json_array_foreach(workloads, i, o)
    {
        if (cf_selector_map_matches(selector, cf_object_pod_labels(o)))
            return true;
    }
    return false;
}

/* Of its own: what a bridge leads to are pods of another cluster. */
static bool has_ready_endpoint(const json_t *slices, const char *service)
{
    size_t i, k;
    json_t *slice, *endpoint;
    json_array_foreach(slices, i, slice)
    {
        if (strcmp(cf_json_str(slice, "", "metadata", "labels", "kubernetes.io/service-name", NULL),
                   service) != 0 ||
            cf_json_at(slice, "metadata", "labels", "crossfade.dev/bridge", NULL))
            continue;
        json_array_foreach(json_object_get(slice, "endpoints"), k, endpoint)
        {
            if (cf_json_bool(endpoint, true, "conditions", "ready", NULL))
                return true;
        }
    }
    return false;
}

static json_t *services_with_pods(const json_t *lives)
{
    json_t *services = json_object();
    cf_autojson json_t *workloads = running(lives);
    const char *key;
    json_t *o;
    json_object_foreach(cf_json_unconst(lives), key, o)
    {
        if (strcmp(cf_json_str(o, "", "kind", NULL), "Service") == 0 && selects_any(o, workloads))
            json_object_set(services, key, o);
    }
    return services;
}

bool cf_services_without_endpoints(const struct cf_propagation *p, const json_t *lives,
                                   json_t **out_empty, struct cf_error *err)
{
    cf_autojson json_t *services = services_with_pods(lives);
    cf_autojson json_t *slices = NULL;
    struct cf_kube_list list = { .api_version = "discovery.k8s.io/v1",
                                 .kind = "EndpointSlice",
                                 .ns = p->target_namespace };
    struct cf_error mine = CF_ERROR_INIT;
    json_t *empty = json_object();
    const char *key;
    json_t *o;
    bool known = json_object_size(services) > 0 &&
                 cf_kube_list(p->target, NULL, &list, &slices, NULL, &mine);
    if (mine.kind != CF_ERR_NONE && mine.kind != CF_ERR_DENIED && mine.kind != CF_ERR_NOT_FOUND) {
        json_decref(empty);
        cf_error_move(err, &mine);
        return cf_error_wrap(err, "endpoints of the copies on %s", cf_kube_name(p->target));
    }
    json_object_foreach(services, key, o)
    {
        if (known && !has_ready_endpoint(slices, cf_object_name(o)))
            json_object_set(empty, key, o);
    }
    *out_empty = empty;
    return true;
}
