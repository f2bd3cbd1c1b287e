/* SPDX-License-Identifier: Apache-2.0 */
/* What a Work would do to its member, tried with our own credentials before it is let go. */
#include <string.h>

#include "base/json_patch.h"
#include "federation/objects/diff.h"
#include "federation/propagate/karmada.h"

/* The manifest as an apply of ours: what Karmada adds for itself is no matter of admission. */
static json_t *as_apply(const json_t *manifest)
{
    json_t *body = cf_json_copy(manifest);
    cf_json_del(body, "status", NULL);
    cf_json_del(body, "metadata", "uid", NULL);
    cf_json_del(body, "metadata", "resourceVersion", NULL);
    cf_json_del(body, "metadata", "creationTimestamp", NULL);
    return body;
}

static bool try_target(const struct cf_karmada *k, const json_t *manifest, const char *what,
                       bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *body = as_apply(manifest);
    struct cf_kube_write write = { .dry_run = true, .force = true };
    struct cf_error mine = CF_ERROR_INIT;
    *out_so = cf_kube_apply(k->p->target, NULL, body, &write, NULL, &mine);
    if (*out_so)
        return true;
    if (mine.kind == CF_ERR_INVALID || mine.kind == CF_ERR_DENIED || mine.kind == CF_ERR_CONFLICT ||
        mine.kind == CF_ERR_NOT_FOUND)
        return cf_copying_stuck(out, "%s refuses %s: %.400s", cf_kube_name(k->p->target), what,
                                mine.message);
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "try %s on %s", what, cf_kube_name(k->p->target));
}

/* As Karmada's update: the manifest over what stands there, which keeps all that the manifest does
 * not name. */
static json_t *as_update(const json_t *manifest, const json_t *live, bool retained)
{
    cf_autojson json_t *body = as_apply(manifest);
    if (retained)
        cf_json_del(body, "spec", "replicas", NULL);
    json_t *update = cf_json_merge_apply(live, body);
    cf_json_del(update, "status", NULL);
    cf_json_del(update, "metadata", "managedFields", NULL);
    return update;
}

/* Everything that is not metadata or status. */
static json_t *substance(const json_t *object)
{
    json_t *copy = json_copy(cf_json_unconst(object));
    json_object_del(copy, "metadata");
    json_object_del(copy, "status");
    return copy;
}

static bool leaves_it_alone(const json_t *after, const json_t *live, char **out_difference)
{
    cf_autojson json_t *now = substance(live);
    cf_autojson json_t *then = substance(after);
    if (cf_json_equal(now, then))
        return true;
    cf_autojson json_t *lines = json_array();
    json_object_set(then, "kind", json_object_get(live, "kind"));
    cf_object_same(then, live, lines);
    *out_difference =
        cf_xstrdup(json_array_size(lines) ? json_string_value(json_array_get(lines, 0))
                                          : "a field would be removed");
    return false;
}

static bool try_source(const struct cf_karmada *k, const json_t *manifest, const json_t *object,
                       bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    const char *what = cf_json_str(object, "", "key", NULL);
    struct cf_object_ref ref = cf_karmada_object_ref(k, object);
    struct cf_kube_write write = { .dry_run = true };
    bool found = false;
    cf_autojson json_t *live = NULL;
    cf_autojson json_t *after = NULL;
    cf_autofree char *difference = NULL;
    *out_so = false;
    if (!cf_kube_find(k->p->source, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read %s on %s", what, cf_kube_name(k->p->source));
    if (!found)
        return cf_copying_stuck(out, "%s is no longer in %s: roll back, or copy again", what,
                                cf_kube_name(k->p->source));
    bool retained = cf_json_at(manifest, "metadata", "labels", CF_KARMADA_RETAIN, NULL) != NULL;
    cf_autojson json_t *update = as_update(manifest, live, retained);
    if (!cf_kube_replace(k->p->source, NULL, update, &write, &after, err))
        return cf_error_wrap(err, "try %s on %s", what, cf_kube_name(k->p->source));
    *out_so = leaves_it_alone(after, live, &difference);
    if (*out_so)
        return true;
    return cf_copying_stuck(out,
                            "taking over %s would change it in %s (%.300s): it is left alone. Roll "
                            "back, or use copy.mode: targetOnly",
                            what, cf_kube_name(k->p->source), difference);
}

bool cf_karmada_rehearse(const struct cf_karmada *k, const json_t *policy, bool in_source,
                         bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    *out_so = false;
    if (!cf_karmada_look(k, policy, in_source ? k->source : k->target, &look, err))
        return false;
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        const char *what = cf_json_str(object, "", "key", NULL);
        const json_t *manifest =
            cf_karmada_manifest(cf_karmada_work(&look, cf_karmada_binding(&look, object)));
        bool so = false;
        if (!manifest)
            return cf_copying_waits(out, "the Work of %s is gone again", what);
        if (!(in_source ? try_source(k, manifest, object, &so, out, err)
                        : try_target(k, manifest, what, &so, out, err)))
            return false;
        if (!so)
            return true;
    }
    *out_so = true;
    return true;
}
