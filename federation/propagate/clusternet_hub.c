/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing the hub.
 *
 * Templates are written through the shadow API, and read as the Manifests that it keeps: the shadow
 * API answers from a cache, which may not know yet what was just written. It does not know dryRun
 * either: a create under dryRun creates. */
#include <string.h>

#include "base/json_patch.h"
#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/clusternet.h"

struct cf_object_ref cf_clusternet_ref(const char *kind, const char *ns, const char *name)
{
    return cf_ref(CF_CLUSTERNET_APPS, kind, ns, name);
}

/* --- members --- */

bool cf_clusternet_member(const struct cf_clusternet *c, json_t **out, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref(CF_CLUSTERNET_CLUSTERS, "ManagedCluster", c->ns, c->name);
    if (!cf_kube_get(c->hub, NULL, &ref, out, err))
        return cf_error_wrap(err, "read ManagedCluster %s/%s on %s", c->ns, c->name,
                             cf_kube_name(c->hub));
    return true;
}

char *cf_clusternet_not_ready(const json_t *member)
{
    const json_t *ready = cf_object_condition(member, "Ready");
    if (!ready)
        return cf_xstrdup("the hub has not judged it yet");
    if (cf_object_condition_is(member, "Ready", "True"))
        return NULL;
    return cf_xasprintf("%s: %s", cf_json_str(ready, "?", "reason", NULL),
                        cf_json_str(ready, "", "message", NULL));
}

/* --- lists --- */

bool cf_clusternet_list(const struct cf_clusternet *c, const char *kind, const char *ns,
                        const char *selector, json_t **out, struct cf_error *err)
{
    struct cf_kube_list list = {
        .api_version = CF_CLUSTERNET_APPS, .kind = kind, .ns = ns, .label_selector = selector
    };
    if (!cf_kube_list(c->hub, NULL, &list, out, NULL, err))
        return cf_error_wrap(err, "list %ss on %s", kind, cf_kube_name(c->hub));
    return true;
}

bool cf_clusternet_manifests(const struct cf_clusternet *c, bool ours, json_t **out,
                             struct cf_error *err)
{
    cf_autofree char *selector =
        cf_xasprintf("apps.clusternet.io/config.namespace=%s%s%s", c->p->target_namespace,
                     ours ? "," CF_LABEL_RUN "=" : "", ours ? c->p->run_id : "");
    cf_autojson json_t *items = NULL;
    if (!cf_clusternet_list(c, "Manifest", CF_CLUSTERNET_RESERVED, selector, &items, err))
        return false;
    cf_autojson json_t *by_key = json_object();
    size_t i;
    json_t *manifest;
    json_array_foreach(items, i, manifest)
    {
        cf_autofree char *key =
            cf_object_key(json_object_get(manifest, "template"), c->p->target_namespace);
        json_object_set(by_key, key, manifest);
    }
    *out = cf_steal(&by_key);
    return true;
}

bool cf_clusternet_localizations(const struct cf_clusternet *c, json_t **out, struct cf_error *err)
{
    cf_autofree char *selector = cf_xasprintf(CF_LABEL_RUN "=%s", c->p->run_id);
    cf_autojson json_t *items = NULL;
    if (!cf_clusternet_list(c, "Localization", c->ns, selector, &items, err))
        return false;
    cf_autojson json_t *by_name = json_object();
    size_t i;
    json_t *row;
    json_array_foreach(items, i, row)
    {
        json_object_set(by_name, cf_object_name(row), row);
    }
    *out = cf_steal(&by_name);
    return true;
}

bool cf_clusternet_delete(const struct cf_clusternet *c, const json_t *object, struct cf_error *err)
{
    struct cf_object_ref ref;
    struct cf_kube_delete how = CF_KUBE_DELETE_INIT;
    struct cf_error mine = CF_ERROR_INIT;
    if (!cf_ref_of(object, &ref, err))
        return false;
    how.uid = cf_object_uid(object);
    if (cf_json_at(object, "metadata", "deletionTimestamp", NULL) ||
        cf_kube_delete(c->hub, NULL, &ref, &how, &mine) || mine.kind == CF_ERR_NOT_FOUND)
        return true;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "delete %s %s/%s on %s", ref.kind, ref.ns, ref.name,
                         cf_kube_name(c->hub));
}

/* --- the shadow API --- */

static char *kind_key(const char *group, const char *version, const char *kind)
{
    return cf_xasprintf("%s%s%s/%s", group, *group ? "/" : "", version, kind);
}

bool cf_clusternet_kinds(const struct cf_clusternet *c, json_t **out, struct cf_error *err)
{
    cf_autojson json_t *answer = NULL;
    cf_autojson json_t *kinds = json_object();
    size_t i;
    json_t *row;
    if (!cf_kube_raw(c->hub, NULL, "GET", CF_CLUSTERNET_SHADOW, NULL, NULL, &answer, err))
        return cf_error_wrap(err, "what the shadow API of %s takes", cf_kube_name(c->hub));
    json_array_foreach(json_object_get(answer, "resources"), i, row)
    {
        cf_autofree char *key =
            kind_key(cf_json_str(row, "", "group", NULL), cf_json_str(row, "", "version", NULL),
                     cf_json_str(row, "", "kind", NULL));
        if (!strchr(cf_json_str(row, "/", "name", NULL), '/'))
            json_object_set(kinds, key, json_object_get(row, "name"));
    }
    *out = cf_steal(&kinds);
    return true;
}

const char *cf_clusternet_plural(const json_t *kinds, const struct cf_object_ref *ref)
{
    cf_autofree char *key = kind_key(ref->group, ref->version, ref->kind);
    return json_string_value(json_object_get(kinds, key));
}

/* Names are plain there: preflight refuses what could not be a label's value. */
static char *shadow_path(const json_t *kinds, const struct cf_object_ref *ref, bool with_name,
                         struct cf_error *err)
{
    const char *plural = cf_clusternet_plural(kinds, ref);
    if (plural)
        return cf_xasprintf(CF_CLUSTERNET_SHADOW "/namespaces/%s/%s%s%s", ref->ns, plural,
                            with_name ? "/" : "", with_name ? ref->name : "");
    cf_error_set(err, CF_ERR_INVALID, "the hub's shadow API does not take %s", ref->kind);
    return NULL;
}

static bool refuse_foreign(const struct cf_clusternet *c, const json_t *item, struct cf_error *err)
{
    const char *key = cf_json_str(item, "", "key", NULL);
    cf_error_set(err, CF_ERR_CONFLICT,
                 "%s has a template on %s already, which is not this run's: remove it there", key,
                 cf_kube_name(c->hub));
    return cf_error_field(err, key);
}

/* Only what is to be, apart from what the hub adds by itself. */
static json_t *difference(const json_t *live, const json_t *wanted)
{
    cf_autojson json_t *known = cf_json_copy(live);
    static const char *const own[] = { "uid", "generation", "resourceVersion",
                                       "creationTimestamp" };
    for (size_t i = 0; i < CF_ARRAY_LEN(own); i++)
        cf_json_del(known, "metadata", own[i], NULL);
    cf_json_del(known, "metadata", "labels", "clusternet.io/created-by", NULL);
    return cf_json_merge_diff(known, wanted);
}

static bool write_to(const struct cf_clusternet *c, const char *path, const json_t *manifest,
                     const json_t *wanted, struct cf_error *err)
{
    if (!manifest)
        return cf_kube_raw(c->hub, NULL, "POST", path, "application/json", wanted, NULL, err);
    cf_autojson json_t *patch = difference(json_object_get(manifest, "template"), wanted);
    return json_object_size(patch) == 0 ||
           cf_kube_raw(c->hub, NULL, "PATCH", path, "application/merge-patch+json", patch, NULL,
                       err);
}

bool cf_clusternet_template_write(const struct cf_clusternet *c, const json_t *kinds,
                                  const json_t *item, const json_t *manifest, struct cf_error *err)
{
    struct cf_object_ref ref = cf_direct_ref(item);
    cf_autojson json_t *wanted = cf_clusternet_template(c, item);
    if (manifest && !cf_is_of_run(c->p, json_object_get(manifest, "template")))
        return refuse_foreign(c, item, err);
    cf_autofree char *path = shadow_path(kinds, &ref, manifest != NULL, err);
    struct cf_error mine = CF_ERROR_INIT;
    if (!path)
        return false;
    if (write_to(c, path, manifest, wanted, &mine))
        return true;
    /* Somebody's of this very moment, or ours, whose answer was lost: the next look tells. */
    if (strcmp(mine.reason, "AlreadyExists") == 0)
        mine.kind = CF_ERR_TRANSIENT;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "template of %s on %s", cf_json_str(item, "", "key", NULL),
                         cf_kube_name(c->hub));
}

bool cf_clusternet_template_delete(const struct cf_clusternet *c, const json_t *kinds,
                                   const json_t *manifest, struct cf_error *err)
{
    struct cf_object_ref ref;
    struct cf_error mine = CF_ERROR_INIT;
    if (cf_json_at(manifest, "metadata", "deletionTimestamp", NULL))
        return true;
    if (!cf_ref_of(json_object_get(manifest, "template"), &ref, err))
        return false;
    cf_autofree char *path = shadow_path(kinds, &ref, true, err);
    if (!path)
        return false;
    cf_autojson json_t *options =
        json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "DeleteOptions",
                  "preconditions", "uid", cf_object_uid(manifest));
    if (cf_kube_raw(c->hub, NULL, "DELETE", path, "application/json", options, NULL, &mine) ||
        mine.kind == CF_ERR_NOT_FOUND)
        return true;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "delete the template of %s %s on %s", ref.kind, ref.name,
                         cf_kube_name(c->hub));
}
