/* SPDX-License-Identifier: Apache-2.0 */
/* From a cleaned object to the target's body. */
#include "federation/objects/transform.h"

#include <string.h>

#include "base/json_patch.h"
#include "federation/objects/clean.h"
#include "federation/objects/selector.h"

/* --- namespace --- */

static void map_namespace(json_t *object, const char *from, const char *to)
{
    const struct cf_kind *k = cf_kind_of(object);
    if (strcmp(k->kind, "Namespace") == 0) {
        cf_json_put_take(object, json_string(to), "metadata", "name", NULL);
        return;
    }
    cf_json_put_take(object, json_string(to), "metadata", "namespace", NULL);
    size_t i;
    json_t *subject;
    json_array_foreach(json_object_get(object, "subjects"), i, subject)
    {
        if (strcmp(cf_json_str(subject, from, "namespace", NULL), from) == 0 &&
            strcmp(cf_json_str(subject, "", "kind", NULL), "ServiceAccount") == 0)
            json_object_set_new(subject, "namespace", json_string(to));
    }
}

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

/* Keeps `running` for the switch and puts `waiting` in its place. */
static void hold_back(json_t *object, const char *field, json_t *running_take, json_t *waiting_take)
{
    cf_autojson json_t *patch = json_pack("{s:o}", field, running_take);
    cf_autofree char *text = cf_json_dump(patch);
    annotate(object, CF_ANNOTATION_ACTIVATE, text);
    cf_json_put_take(object, waiting_take, "spec", field, NULL);
}

static void set_replicas(const struct cf_transform *t, json_t *object, const char *start)
{
    int64_t replicas = cf_json_int(object, 1, "spec", "replicas", NULL);
    int64_t min = cf_json_int(t->workloads, 1, "replicas", "min", NULL);
    if (replicas > 0 && replicas < min)
        replicas = min;
    cf_json_put_take(object, json_integer(replicas), "spec", "replicas", NULL);
    if (strcmp(start, "atSwitch") == 0 && replicas > 0)
        hold_back(object, "replicas", json_integer(replicas), json_integer(0));
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

static void set_running(const struct cf_transform *t, json_t *object, const char *start)
{
    const struct cf_kind *k = cf_kind_of(object);
    if (k->flags & CF_KIND_SCALABLE)
        set_replicas(t, object, start);
    else if (strcmp(k->kind, "CronJob") == 0 || strcmp(k->kind, "Job") == 0) {
        if (!cf_json_bool(object, false, "spec", "suspend", NULL))
            hold_back(object, "suspend", json_false(), json_true());
    } else if (strcmp(k->kind, "HorizontalPodAutoscaler") == 0)
        raise_floor(t, object);
}

json_t *cf_object_rehome(const json_t *object, const char *ns)
{
    json_t *copy = cf_object_clean(object);
    map_namespace(copy, cf_object_namespace(object), ns);
    return copy;
}

json_t *cf_object_transform(const struct cf_transform *t, const json_t *member,
                            struct cf_error *err)
{
    const json_t *object = json_object_get(member, "object");
    json_t *body = cf_object_rehome(object, t->target_namespace);
    if (!apply_transforms(&body, json_object_get(t->workloads, "transforms"), err)) {
        json_decref(body);
        return NULL;
    }
    set_running(t, body, cf_json_str(member, "now", "start", NULL));
    return body;
}
