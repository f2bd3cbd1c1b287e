/* SPDX-License-Identifier: Apache-2.0 */
/* Making, listing and dropping objects. */
#include <stdio.h>
#include <string.h>

#include "velero/room.h"

/* --- what an older Velero does not know --- */

static bool differs(const json_t *sent, const json_t *got, char *path)
{
    const char *key;
    json_t *value;
    if (!got)
        return true;
    if (json_is_array(sent)) {
        for (size_t i = 0; i < json_array_size(sent); i++) {
            size_t was = cf_json_pointer_push_index(path, i);
            if (differs(json_array_get(sent, i), json_array_get(got, i), path))
                return true;
            path[was] = '\0';
        }
        return json_array_size(sent) != json_array_size(got);
    }
    if (!json_is_object(sent))
        return !cf_json_equal(sent, got);
    json_object_foreach(cf_json_unconst(sent), key, value)
    {
        size_t was = cf_json_pointer_push(path, key);
        if (differs(value, json_object_get(got, key), path))
            return true;
        path[was] = '\0';
    }
    return false;
}

bool cf_velero_pruned(const json_t *sent, const json_t *got, char *buf, size_t size)
{
    char path[CF_JSON_POINTER_MAX] = "";
    if (!differs(sent, got, path))
        return false;
    snprintf(buf, size, "%s", path);
    return true;
}

/* --- make --- */

/* What stands under the name is what we would have made: each label of ours has the same value. */
static bool is_the_same(const json_t *mine, const json_t *found)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(cf_json_at(mine, "metadata", "labels", NULL)), key, value)
    {
        if (strncmp(key, "crossfade.dev/", 14) == 0 &&
            strcmp(json_string_value(value),
                   cf_json_str(found, "", "metadata", "labels", key, NULL)) != 0)
            return false;
    }
    return true;
}

static bool adopt(struct cf_kube *k, const json_t *object, const struct cf_object_ref *ref,
                  json_t **out, struct cf_error *err)
{
    char text[CF_REF_TEXT_MAX];
    cf_autojson json_t *found = NULL;
    if (!cf_kube_get(k, NULL, ref, &found, err))
        return false;
    if (!is_the_same(object, found))
        return cf_error_set(err, CF_ERR_CONFLICT,
                            "%s exists and is not this run's: delete it if nobody needs it",
                            cf_ref_text(ref, text));
    *out = cf_steal(&found);
    return true;
}

bool cf_velero_make(struct cf_kube *k, const json_t *object, json_t **out, struct cf_error *err)
{
    struct cf_object_ref ref;
    cf_autojson json_t *made = NULL;
    char text[CF_REF_TEXT_MAX], path[CF_JSON_POINTER_MAX];
    struct cf_error why = CF_ERROR_INIT;
    if (!cf_ref_of(object, &ref, err))
        return false;
    if (!cf_kube_create(k, NULL, object, NULL, &made, &why)) {
        bool exists = why.kind == CF_ERR_CONFLICT && strcmp(why.reason, "AlreadyExists") == 0;
        if (!exists) {
            cf_error_move(err, &why);
            return cf_error_wrap(err, "create %s on %s", cf_ref_text(&ref, text), cf_kube_name(k));
        }
        if (!adopt(k, object, &ref, &made, err))
            return cf_error_wrap(err, "create on %s", cf_kube_name(k));
    }
    const json_t *spec = json_object_get(object, "spec");
    if (spec && strncmp(ref.group, "velero.io", 9) == 0 &&
        cf_velero_pruned(spec, json_object_get(made, "spec"), path, sizeof path))
        return cf_error_set(
            err, CF_ERR_INVALID,
            "%s on %s has lost spec%s: this Velero does not know the field; update it",
            cf_ref_text(&ref, text), cf_kube_name(k), path);
    if (out)
        *out = cf_steal(&made);
    return true;
}

/* --- list --- */

bool cf_velero_list(struct cf_kube *k, const char *api_version, const char *kind, const char *ns,
                    const char *selector, void (*trim)(json_t *), json_t **out,
                    struct cf_error *err)
{
    struct cf_kube_list list = {
        .api_version = api_version, .kind = kind, .ns = ns, .label_selector = selector, .trim = trim
    };
    struct cf_error why = CF_ERROR_INIT;
    if (cf_kube_list(k, NULL, &list, out, NULL, &why))
        return true;
    if (why.kind == CF_ERR_NOT_FOUND && strcmp(why.reason, "NoKindMatch") == 0) {
        *out = json_array();
        return true;
    }
    cf_error_move(err, &why);
    return cf_error_wrap(err, "list %ss on %s", kind, cf_kube_name(k));
}

bool cf_velero_list_more(struct cf_kube *k, const char *api_version, const char *kind,
                         const char *ns, const char *selector, json_t *items, struct cf_error *err)
{
    cf_autojson json_t *more = NULL;
    if (!cf_velero_list(k, api_version, kind, ns, selector, NULL, &more, err))
        return false;
    json_array_extend(items, more);
    return true;
}

bool cf_velero_operations(struct cf_kube *k, const char *ns, const char *label, const char *parent,
                          json_t **out, struct cf_error *err)
{
    bool backup = strcmp(label, CF_VELERO_BACKUP_NAME) == 0;
    cf_autofree char *selector = cf_xasprintf("%s=%s", label, parent);
    cf_autojson json_t *items = NULL;
    if (!cf_velero_list(k, CF_VELERO_V1, backup ? "PodVolumeBackup" : "PodVolumeRestore", ns,
                        selector, NULL, &items, err) ||
        !cf_velero_list_more(k, CF_VELERO_V2ALPHA1, backup ? "DataUpload" : "DataDownload", ns,
                             selector, items, err))
        return false;
    *out = cf_steal(&items);
    return true;
}

bool cf_velero_in_front(const struct cf_volumes *v, struct cf_kube *k, const char *kind,
                        const char *ours, char *buf, struct cf_error *err)
{
    cf_autojson json_t *all = NULL;
    size_t i;
    json_t *one;
    *buf = '\0';
    if (!cf_velero_list(k, CF_VELERO_V1, kind, v->velero_namespace, NULL, NULL, &all, err))
        return false;
    json_array_foreach(all, i, one)
    {
        const char *name = cf_json_str(one, "", "metadata", "name", NULL);
        if (strcmp(name, ours) != 0 &&
            strcmp(cf_json_str(one, "", "status", "phase", NULL), "InProgress") == 0)
            snprintf(buf, CF_NAME_MAX, "%s", name);
    }
    return true;
}

/* --- drop --- */

bool cf_velero_delete(struct cf_kube *k, const struct cf_object_ref *ref, const json_t *object,
                      bool unchanged, bool *out_gone, struct cf_error *err)
{
    struct cf_kube_delete how = CF_KUBE_DELETE_INIT;
    struct cf_error why = CF_ERROR_INIT;
    char text[CF_REF_TEXT_MAX];
    bool is_there = false;
    how.uid = cf_json_str(object, NULL, "metadata", "uid", NULL);
    if (unchanged)
        how.resource_version = cf_json_str(object, NULL, "metadata", "resourceVersion", NULL);
    *out_gone = false;
    if (cf_json_at(object, "metadata", "deletionTimestamp", NULL))
        return true;
    if (!cf_kube_delete(k, NULL, ref, &how, &why) && why.kind != CF_ERR_NOT_FOUND &&
        !(unchanged && why.kind == CF_ERR_CONFLICT)) {
        cf_error_move(err, &why);
        return cf_error_wrap(err, "delete %s on %s", cf_ref_text(ref, text), cf_kube_name(k));
    }
    cf_error_clear(&why);
    if (!cf_kube_find(k, NULL, ref, &is_there, NULL, err))
        return cf_error_wrap(err, "read %s on %s", cf_ref_text(ref, text), cf_kube_name(k));
    *out_gone = !is_there;
    return true;
}

bool cf_velero_drop(const struct cf_volumes *v, struct cf_kube *k, const struct cf_object_ref *ref,
                    bool *out_gone, struct cf_error *err)
{
    cf_autojson json_t *found = NULL;
    char text[CF_REF_TEXT_MAX];
    bool is_there = false;
    *out_gone = false;
    if (!cf_kube_find(k, NULL, ref, &is_there, &found, err))
        return cf_error_wrap(err, "read %s on %s", cf_ref_text(ref, text), cf_kube_name(k));
    if (!is_there || !cf_velero_is_ours(v, found)) {
        *out_gone = true;
        return true;
    }
    return cf_velero_delete(k, ref, found, false, out_gone, err);
}

/* --- pods --- */

void cf_velero_trim_pod(json_t *pod)
{
    static const char *const of_spec[] = { "nodeName", "volumes", NULL };
    json_t *spec = json_object();
    for (size_t i = 0; of_spec[i]; i++) {
        const json_t *value = cf_json_at(pod, "spec", of_spec[i], NULL);
        if (value)
            json_object_set(spec, of_spec[i], cf_json_unconst(value));
    }
    json_object_set_new(pod, "spec", spec);
    cf_json_del(pod, "metadata", "managedFields", NULL);
    cf_json_del(pod, "metadata", "annotations", NULL);
}

json_t *cf_velero_tolerations(const json_t *claim)
{
    json_t *all = json_pack("[{s:s, s:s}]", "operator", "Exists", "effect", "NoExecute");
    json_array_extend(all, json_object_get(claim, "tolerations"));
    return all;
}

bool cf_velero_mounts(const json_t *pod, const char *claim)
{
    size_t i;
    json_t *volume;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        if (strcmp(cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL), claim) == 0)
            return true;
    }
    return false;
}

bool cf_velero_pod_is_over(const json_t *pod)
{
    const char *phase = cf_json_str(pod, "", "status", "phase", NULL);
    return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}
