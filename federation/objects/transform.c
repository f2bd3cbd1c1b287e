/* SPDX-License-Identifier: Apache-2.0 */
/* From a cleaned object to the target's body. */
#include "federation/objects/transform.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_patch.h"
#include "federation/objects/clean.h"
#include "federation/objects/held.h"
#include "federation/objects/rehome.h"
#include "federation/objects/routes.h"
#include "federation/objects/selector.h"

/* --- the plan's transforms --- */

char *cf_image_rewrite(const char *image, const char *from, const char *to)
{
    size_t len = strlen(from);
    bool open = len > 0 && from[len - 1] == '/';
    if (strncmp(image, from, len) != 0)
        return NULL;
    if (!open && image[len] != '/' && image[len] != ':' && image[len] != '@')
        return NULL;
    return cf_xasprintf("%s%s", to, image + len);
}

static void rewrite_images(json_t *object, const json_t *registry)
{
    static const char *const lists[] = { "initContainers", "containers" };
    json_t *spec = cf_object_pod_spec(object);
    for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
        size_t i;
        json_t *container;
        json_array_foreach(json_object_get(spec, lists[l]), i, container)
        {
            cf_autofree char *image = cf_image_rewrite(cf_json_str(container, "", "image", NULL),
                                                       cf_json_str(registry, "", "from", NULL),
                                                       cf_json_str(registry, "", "to", NULL));
            if (image)
                json_object_set_new(container, "image", json_string(image));
        }
    }
}

static bool apply_transforms(json_t **object, const json_t *rows, struct cf_error *err)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (!cf_match_holds(json_object_get(row, "match"), *object))
            continue;
        const json_t *registry = json_object_get(row, "imageRegistry");
        if (registry)
            rewrite_images(*object, registry);
        const json_t *patch = json_object_get(row, "mergePatch");
        if (!patch)
            continue;
        cf_autofree char *before = cf_object_key(*object, NULL);
        json_t *patched = cf_json_merge_apply(*object, patch);
        json_decref(*object);
        *object = patched;
        cf_autofree char *after = cf_object_key(*object, NULL);
        if (strcmp(before, after) != 0) {
            cf_error_set(err, CF_ERR_INVALID, "workloads.transforms row %zu turns %s into %s", i,
                         before, after);
            cf_autofree char *field = cf_xasprintf("/spec/workloads/transforms/%zu/mergePatch", i);
            return cf_error_field(err, field);
        }
    }
    return true;
}

/* --- replicas, and what waits for the switch --- */

static void annotate(json_t *object, const char *key, const char *value)
{
    cf_json_put_take(object, json_string(value), "metadata", "annotations", key, NULL);
}

static void set_replicas(const struct cf_transform *t, json_t *object, const char *start)
{
    int64_t replicas = cf_json_int(object, 1, "spec", "replicas", NULL);
    int64_t min = cf_json_int(t->workloads, 1, "replicas", "min", NULL);
    if (replicas > 0 && replicas < min)
        replicas = min;
    cf_json_put_take(object, json_integer(replicas), "spec", "replicas", NULL);
    if (strcmp(start, "atSwitch") == 0 && replicas > 0)
        cf_held_hold(object, "replicas", json_integer(replicas));
}

/* The replicas that a workload of this kind and name has in the source now; 0 when it is not among
 * the members. */
static int64_t replicas_of(const json_t *members, const char *kind, const char *name)
{
    size_t i;
    json_t *m;
    json_array_foreach(members, i, m)
    {
        const json_t *o = json_object_get(m, "object");
        if (strcmp(cf_json_str(o, "", "kind", NULL), kind) == 0 &&
            strcmp(cf_object_name(o), name) == 0)
            return cf_json_int(o, 1, "spec", "replicas", NULL);
    }
    return 0;
}

/* While both sides serve, the copy must carry all the load at once: its floor is what the source
 * runs now. */
static void raise_floor(const struct cf_transform *t, json_t *object)
{
    int64_t floor = cf_json_int(object, 1, "spec", "minReplicas", NULL);
    int64_t now =
        replicas_of(t->members, cf_json_str(object, "", "spec", "scaleTargetRef", "kind", NULL),
                    cf_json_str(object, "", "spec", "scaleTargetRef", "name", NULL));
    int64_t max = cf_json_int(object, now, "spec", "maxReplicas", NULL);
    now = CF_MIN(now, max);
    if (now <= floor)
        return;
    cf_autofree char *text = cf_xasprintf("%lld", (long long)floor);
    annotate(object, CF_ANNOTATION_FLOOR, text);
    cf_json_put_take(object, json_integer(now), "spec", "minReplicas", NULL);
}

/* KEDA scales up from nothing: it would start what waits. */
static void pause(json_t *object, const char *start)
{
    const json_t *paused = cf_json_at(object, "metadata", "annotations", CF_KEDA_PAUSED, NULL);
    if (strcmp(start, "atSwitch") == 0)
        cf_held_hold(object, "paused", paused ? json_incref(cf_json_unconst(paused)) : json_null());
}

static void set_running(const struct cf_transform *t, json_t *object, const char *start)
{
    const struct cf_kind *k = cf_kind_of(object);
    if (k->flags & CF_KIND_SCALABLE)
        set_replicas(t, object, start);
    else if (strcmp(k->kind, "CronJob") == 0 || strcmp(k->kind, "Job") == 0) {
        if (!cf_json_bool(object, false, "spec", "suspend", NULL))
            cf_held_hold(object, "suspend", json_false());
    } else if (k->flags & CF_KIND_STARTS)
        pause(object, start);
    else if (strcmp(k->kind, "HorizontalPodAutoscaler") == 0)
        raise_floor(t, object);
}

/* --- what must not act on its own before its time --- */

/* Hosts of routes, and of Services that ask for a name, are published by the source until its
 * clients are to come to the target. */
static void hold_dns(json_t *object)
{
    static const char *const entries[] = { "Ingress", "HTTPRoute", "GRPCRoute", "VirtualService",
                                           "Gateway" };
    const char *kind = cf_json_str(object, "", "kind", NULL);
    const char *key;
    json_t *value;
    bool publishes = false;
    for (size_t i = 0; i < CF_ARRAY_LEN(entries); i++)
        publishes = publishes || strcmp(entries[i], kind) == 0;
    json_object_foreach(cf_json_unconst(cf_json_at(object, "metadata", "annotations", NULL)), key,
                        value)
    {
        publishes = publishes || strncmp(key, "external-dns.alpha.kubernetes.io/", 33) == 0;
    }
    if (publishes)
        annotate(object, CF_ANNOTATION_DNS, CF_DNS_HELD);
}

void cf_object_unhold(json_t *body)
{
    const char *floor =
        cf_json_str(body, NULL, "metadata", "annotations", CF_ANNOTATION_FLOOR, NULL);
    if (floor) {
        cf_json_put_take(body, json_integer(strtoll(floor, NULL, 10)), "spec", "minReplicas", NULL);
        cf_json_del(body, "metadata", "annotations", CF_ANNOTATION_FLOOR, NULL);
    }
    if (strcmp(cf_json_str(body, "", "metadata", "annotations", CF_ANNOTATION_DNS, NULL),
               CF_DNS_HELD) == 0)
        cf_json_del(body, "metadata", "annotations", CF_ANNOTATION_DNS, NULL);
}

/* --- all of it --- */

static bool is_copied(const void *members, const char *service)
{
    size_t i;
    json_t *m;
    json_array_foreach((const json_t *)members, i, m)
    {
        const json_t *o = json_object_get(m, "object");
        if (strcmp(cf_json_str(o, "", "kind", NULL), "Service") == 0 &&
            strcmp(cf_object_name(o), service) == 0)
            return true;
    }
    return false;
}

/* What the source's pods get from an account that is not copied. */
static void add_pull_secrets(json_t *object, const json_t *member)
{
    json_t *secrets = json_object_get(member, "pullSecrets");
    json_t *spec = secrets ? cf_object_pod_spec(object) : NULL;
    if (spec)
        json_object_set_new(spec, "imagePullSecrets", cf_json_copy(secrets));
}

json_t *cf_object_rehome(const json_t *object, const char *ns)
{
    json_t *copy = cf_object_clean(object);
    cf_object_set_namespace(copy, ns);
    return copy;
}

json_t *cf_object_transform(const struct cf_transform *t, const json_t *member,
                            struct cf_error *err)
{
    json_t *body = cf_object_clean(json_object_get(member, "object"));
    (void)cf_route_collapse(body, is_copied, t->members, NULL);
    cf_object_set_namespace(body, t->target_namespace);
    hold_dns(body);
    add_pull_secrets(body, member);
    if (!apply_transforms(&body, json_object_get(t->workloads, "transforms"), err)) {
        json_decref(body);
        return NULL;
    }
    set_running(t, body, cf_json_str(member, "now", "start", NULL));
    return body;
}
