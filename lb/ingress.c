/* SPDX-License-Identifier: Apache-2.0 */
/* Ingress with ingress-nginx canary annotations. The object we steer is a canary Ingress of our own
 * beside the main one; the main one is changed once, at commit: its backend becomes the target's.
 *
 * A baseline's own members: main, main_uid, class?, class_annotation?, tls?, sticky, paths
 * (lb/ingress.h). */
#include "lb/ingress.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "lb/render.h"

#define CLASS_ANNOTATION "kubernetes.io/ingress.class"
char *cf_ingress_canary_name(const char *ingress, char buf[CF_DEST_NAME_MAX])
{
    snprintf(buf, CF_DEST_NAME_MAX, "%.243s-crossfade", ingress);
    return buf;
}

char *cf_ingress_keeper_name(const char *ingress, char buf[CF_DEST_NAME_MAX])
{
    snprintf(buf, CF_DEST_NAME_MAX, "%.236s-crossfade-keeper", ingress);
    return buf;
}

static const char *annotation(const json_t *object, const char *key)
{
    return cf_json_str(object, "", "metadata", "annotations", key, NULL);
}

static void check_main(const struct cf_router_target *t, const json_t *main_object,
                       struct cf_router_view *out)
{
    const char *class = cf_json_str(main_object, annotation(main_object, CLASS_ANNOTATION), "spec",
                                    "ingressClassName", NULL);
    if (strcmp(annotation(main_object, CF_NGINX "canary"), "true") == 0)
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "is-canary",
                        "this Ingress is itself a canary; name the main one");
    if (*class && !strstr(class, "nginx"))
        cf_problems_add(&out->problems, CF_PROBLEM_WARNING, "class-unknown",
                        "class %.60s: the weight is set with annotations of ingress-nginx, which "
                        "other controllers do not read",
                        class);
    if (strcmp(annotation(main_object, CF_NGINX "affinity"), "cookie") == 0)
        cf_problems_add(&out->problems, CF_PROBLEM_WARNING, "sticky-sessions",
                        "cookie affinity comes before the weight: clients that hold a cookie stay "
                        "where they are, also at weight 100 "
                        "and after a rollback");
    if (t->has_target && strcmp(t->target.ns, out->ns) != 0)
        cf_problems_add(
            &out->problems, CF_PROBLEM_BLOCKER, "other-namespace",
            "an Ingress reaches Services of its own namespace only, and the target is in %s",
            t->target.ns);
    if (t->has_target && strcmp(t->target.name, out->source.name) == 0 &&
        (!*t->target.port || strcmp(t->target.port, out->source.port) == 0))
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "same-destination",
                        "the canary would have the main Ingress' own backend, which ingress-nginx "
                        "does not take");
}

static int canary_percent(const json_t *canary)
{
    struct cf_error ignored = CF_ERROR_INIT;
    int64_t weight, total = 100;
    const char *text = annotation(canary, CF_NGINX "canary-weight");
    if (!cf_int_parse(annotation(canary, CF_NGINX "canary-weight-total"), 101, 1000000, &total,
                      &ignored))
        total = 100;
    cf_error_clear(&ignored);
    if (!cf_int_parse(*text ? text : "0", 0, 1000000, &weight, &ignored))
        weight = 0; /* as ingress-nginx reads it */
    cf_error_clear(&ignored);
    return weight <= total && weight * 100 % total == 0 ? (int)(weight * 100 / total) : -1;
}

static void inspect_canary(const json_t *canary, struct cf_router_view *out)
{
    out->object = json_incref(cf_json_unconst(canary));
    out->target_present = true;
    out->weight = canary_percent(canary);
    out->target_weight = CF_MAX(out->weight, 0);
    out->source_weight = 100 - out->target_weight;
    cf_marks_read(canary, "", &out->marks);
    if (out->marks.present)
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "held", "run %s steers this route",
                        out->marks.run);
    else
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "name-taken",
                        "an Ingress %.200s exists and is not ours; remove or rename it", out->name);
}

static void inspect(const struct cf_router_target *t, const struct cf_router_objects *o,
                    struct cf_router_view *out)
{
    out->main_object = cf_steal(&out->object);
    snprintf(out->ns, sizeof out->ns, "%s",
             cf_json_str(o->object, t->ns, "metadata", "namespace", NULL));
    cf_ingress_canary_name(cf_json_str(o->object, t->object, "metadata", "name", NULL), out->name);
    cf_autojson json_t *paths = cf_ingress_paths(t, o->object, &out->source, &out->problems);
    if (!paths)
        return;
    out->located = true;
    out->alone = true;
    out->share = out->source_weight = 100;
    out->weight = 0;
    check_main(t, o->object, out);
    cf_problems_of_owners(o->object, "", &out->problems);
    cf_ingress_check_canaries(paths, o->peers, out->name, &out->problems);
    if (o->canary)
        inspect_canary(o->canary, out);
}

static void baseline(const struct cf_router_target *t, const struct cf_router_view *view,
                     json_t *out)
{
    const json_t *main_object = view->main_object;
    struct cf_problems ignored = { 0 };
    struct cf_destination source;
    const json_t *class = cf_json_at(main_object, "spec", "ingressClassName", NULL);
    const json_t *tls = cf_json_at(main_object, "spec", "tls", NULL);
    json_object_set_new(out, "api_version", json_string("networking.k8s.io/v1"));
    json_object_set_new(out, "uid", json_string(""));
    json_object_set_new(out, "main",
                        json_string(cf_json_str(main_object, t->object, "metadata", "name", NULL)));
    json_object_set_new(out, "main_uid",
                        json_string(cf_json_str(main_object, "", "metadata", "uid", NULL)));
    if (class)
        json_object_set_new(out, "class", cf_json_copy(class));
    if (*annotation(main_object, CLASS_ANNOTATION))
        json_object_set_new(out, "class_annotation",
                            json_string(annotation(main_object, CLASS_ANNOTATION)));
    if (tls)
        json_object_set_new(out, "tls", cf_json_copy(tls));
    json_object_set_new(
        out, "sticky",
        json_boolean(strcmp(annotation(main_object, CF_NGINX "affinity"), "cookie") == 0));
    json_object_set_new(out, "paths", cf_ingress_paths(t, main_object, &source, &ignored));
}

static json_t *target_backend(const json_t *b)
{
    struct cf_destination source, target;
    cf_baseline_destinations(b, &source, &target);
    return cf_destination_json(CF_ROUTER_INGRESS, cf_baseline_ns(b), &target);
}

/* A canary Ingress of ours in the main one's class, at weight 0 and without rules. */
static json_t *beside_main(const json_t *b, const char *name, const char *run)
{
    json_t *object =
        json_pack("{s:s,s:s}", "apiVersion", "networking.k8s.io/v1", "kind", "Ingress");
    cf_json_put_take(object, json_string(name), "metadata", "name", NULL);
    cf_json_put_take(object, json_string(cf_baseline_ns(b)), "metadata", "namespace", NULL);
    cf_json_put_take(object, json_string(run), "metadata", "labels", CF_INGRESS_OWNER_LABEL, NULL);
    cf_json_put_take(object, json_string("crossfade"), "metadata", "labels",
                     "app.kubernetes.io/managed-by", NULL);
    cf_json_put_take(object, json_string("true"), "metadata", "annotations", CF_NGINX "canary",
                     NULL);
    cf_json_put_take(object, json_string("0"), "metadata", "annotations", CF_NGINX "canary-weight",
                     NULL);
    if (json_object_get(b, "class_annotation"))
        cf_json_put_take(object, cf_json_copy(json_object_get(b, "class_annotation")), "metadata",
                         "annotations", CLASS_ANNOTATION, NULL);
    if (json_object_get(b, "class"))
        cf_json_put_take(object, cf_json_copy(json_object_get(b, "class")), "spec",
                         "ingressClassName", NULL);
    return object;
}

static void put_marks(const json_t *b, const struct cf_router_grip *grip, json_t *canary)
{
    char key[CF_MARK_KEY_MAX], epoch[24];
    snprintf(epoch, sizeof epoch, "%lld", (long long)grip->epoch);
    const char *marks[CF_MARKS] = {
        [CF_MARK_RUN] = grip->run,
        [CF_MARK_EPOCH] = epoch,
        [CF_MARK_INCARNATION] = grip->incarnation,
        [CF_MARK_ARM] = grip->arm,
        [CF_MARK_SEQ] = grip->seq,
        [CF_MARK_WANT] = "0",
        [CF_MARK_RESTORE] = "",
        [CF_MARK_EMERGENCY] = "",
    };
    for (int m = 0; m < CF_MARKS; m++)
        cf_json_put_take(canary, json_string(marks[m]), "metadata", "annotations",
                         cf_mark_key((enum cf_mark)m, cf_baseline_slot(b), key), NULL);
    cf_autofree char *restore = cf_render_restore_text(b, canary, grip);
    cf_json_put_take(canary, json_string(restore), "metadata", "annotations",
                     cf_mark_key(CF_MARK_RESTORE, cf_baseline_slot(b), key), NULL);
}

json_t *cf_router_render_canary(const json_t *b, const struct cf_router_grip *grip)
{
    json_t *canary = beside_main(b, cf_baseline_object(b), grip->run);
    cf_autojson json_t *backend = target_backend(b);
    if (cf_json_bool(b, false, "sticky", NULL))
        cf_json_put_take(canary, json_string("legacy"), "metadata", "annotations",
                         CF_NGINX "affinity-canary-behavior", NULL);
    if (json_object_get(b, "tls"))
        cf_json_put_take(canary, cf_json_copy(json_object_get(b, "tls")), "spec", "tls", NULL);
    cf_json_put_take(canary, cf_ingress_rules(json_object_get(b, "paths"), backend), "spec",
                     "rules", NULL);
    put_marks(b, grip, canary);
    return canary;
}

/* A canary of a host that no main Ingress has gets no server of its own: the keeper comes and goes
 * without a reload, and its Services stay in the list of backends. */
json_t *cf_router_render_keeper(const json_t *b, const char *run)
{
    char name[CF_DEST_NAME_MAX];
    json_t *keeper =
        beside_main(b, cf_ingress_keeper_name(cf_json_str(b, "", "main", NULL), name), run);
    const json_t *paths = json_object_get(b, "paths");
    json_t *kept = json_array();
    for (size_t i = 0; i < json_array_size(paths); i++)
        json_array_append_new(
            kept, json_pack("{s:o,s:s,s:O}", "path",
                            json_sprintf("/%zu", i), /* each its own: paths may share a backend */
                            "pathType", "Exact", "backend",
                            json_object_get(json_array_get(paths, i), "backend")));
    cf_json_put_take(keeper,
                     json_pack("[{s:o,s:{s:o}}]", "host", json_sprintf("%s.crossfade.invalid", run),
                               "http", "paths", kept),
                     "spec", "rules", NULL);
    return keeper;
}

static bool locate(const json_t *b, const json_t *object, struct cf_place *out,
                   char why[CF_PLACE_WHY_MAX])
{
    cf_autojson json_t *backend = target_backend(b);
    cf_autojson json_t *rules = cf_ingress_rules(json_object_get(b, "paths"), backend);
    if (strcmp(annotation(object, CF_NGINX "canary"), "true") != 0)
        snprintf(why, CF_PLACE_WHY_MAX, "the canary Ingress is no longer marked as one");
    else if (!json_equal(rules, cf_json_at(object, "spec", "rules", NULL)))
        snprintf(why, CF_PLACE_WHY_MAX, "the rules of the canary Ingress were changed");
    else {
        int percent = canary_percent(object);
        *out = (struct cf_place){ .source_weight = percent < 0 ? -1 : 100 - percent,
                                  .target_weight = percent };
        return true;
    }
    return false;
}

static void test_identity(const json_t *b, const json_t *object, const struct cf_place *at,
                          json_t *patch)
{
    (void)b;
    (void)at;
    cf_patch_annotation(patch, "test", CF_NGINX "canary", "true");
    cf_patch_add_take(patch, "test", "/spec/rules",
                      cf_json_copy(cf_json_at(object, "spec", "rules", NULL)));
}

static void set_weight(const json_t *b, const struct cf_place *at, int percent, json_t *patch)
{
    char text[12];
    (void)b;
    (void)at;
    snprintf(text, sizeof text, "%d", percent);
    cf_patch_annotation(patch, "add", CF_NGINX "canary-weight", text);
}

static bool is_given_back(const json_t *b, const json_t *object)
{
    (void)b;
    return object == NULL;
}

static bool same_path(const json_t *entry, const json_t *rule, const json_t *path)
{
    return strcmp(cf_json_str(entry, "", "host", NULL), cf_json_str(rule, "", "host", NULL)) == 0 &&
           strcmp(cf_json_str(entry, "/", "path", NULL), cf_json_str(path, "/", "path", NULL)) ==
               0 &&
           strcmp(cf_json_str(entry, "", "pathType", NULL),
                  cf_json_str(path, "", "pathType", NULL)) == 0;
}

/* Adds what makes the main Ingress' path of `entry` name `backend`; false when it is not there as
 * it was. */
static bool switch_path(const json_t *entry, const json_t *main_object, json_t *backend,
                        json_t *patch)
{
    const json_t *rules = cf_json_at(main_object, "spec", "rules", NULL);
    char pointer[CF_JSON_POINTER_MAX];
    for (size_t r = 0; r < json_array_size(rules); r++) {
        const json_t *rule = json_array_get(rules, r),
                     *paths = cf_json_at(rule, "http", "paths", NULL);
        for (size_t p = 0; p < json_array_size(paths); p++) {
            const json_t *path = json_array_get(paths, p), *now = json_object_get(path, "backend");
            if (!same_path(entry, rule, path))
                continue;
            if (json_equal(now, backend))
                return true;
            if (!json_equal(now, json_object_get(entry, "backend")))
                return false;
            snprintf(pointer, sizeof pointer, "/spec/rules/%zu/http/paths/%zu/backend", r, p);
            cf_patch_add_take(patch, "test", pointer, cf_json_copy(now));
            cf_patch_add_take(patch, "replace", pointer, cf_json_copy(backend));
            return true;
        }
    }
    return false;
}

json_t *cf_router_render_switch(const json_t *b, const json_t *main_object, struct cf_error *err)
{
    cf_autojson json_t *patch = json_array();
    cf_autojson json_t *backend = target_backend(b);
    const json_t *paths = json_object_get(b, "paths");
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const json_t *entry = json_array_get(paths, i);
        if (switch_path(entry, main_object, backend, patch))
            continue;
        cf_error_set(err, CF_ERR_CONFLICT,
                     "the path %s%s of Ingress %s is gone or has another backend than at the start",
                     cf_json_str(entry, "", "host", NULL), cf_json_str(entry, "/", "path", NULL),
                     cf_json_str(b, "", "main", NULL));
        cf_error_reason(err, "drifted");
        return NULL;
    }
    if (json_array_size(patch)) {
        json_t *uid = json_pack("{ss ss ss}", "op", "test", "path", "/metadata/uid", "value",
                                cf_json_str(b, "", "main_uid", NULL));
        json_array_insert_new(patch, 0, uid);
    }
    return cf_steal(&patch);
}

bool cf_ingress_is_switched(const json_t *b, const json_t *main_object)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *patch = cf_router_render_switch(b, main_object, &err);
    return patch && json_array_size(patch) == 0;
}

static const char *const versions[] = { "v1", NULL };

const struct cf_kind_ops cf_kind_ingress = {
    .group = "networking.k8s.io",
    .versions = versions,
    .kind = "Ingress",
    .plural = "ingresses",
    .inspect = inspect,
    .baseline = baseline,
    .locate = locate,
    .test_identity = test_identity,
    .set_weight = set_weight,
    .is_given_back = is_given_back,
};
