/* SPDX-License-Identifier: Apache-2.0 */
/* Globalizations and Localizations: joined to the template that they are about by a label with its
 * uid, and put over it, the lowest priority first. One that is not joined yet changes nothing. */
#include <string.h>

#include "base/json_patch.h"
#include "deploy/sandbox/clusternet/round.h"

enum { PRIORITY_DEFAULT = 500 };

/* ---- joining ---- */

static void look_at(struct cn_round *r, const char *plural, const json_t *o)
{
    const json_t *manifest = cn_manifest_of(r, cf_json_at(o, "spec", "feed", NULL));
    if (sbx_is_going(o)) {
        (void)cn_finalizer(r, plural, o, CN_FINALIZER, false);
        return;
    }
    (void)cn_finalizer(r, plural, o, CN_FINALIZER, true);
    if (manifest)
        cn_label(r, plural, o, sbx_uid(manifest), sbx_label(manifest, CN_KIND));
}

void cn_ctl_overrides(struct cn_round *r)
{
    static const char *const plurals[] = { "globalizations", "localizations" };
    size_t i;
    json_t *o;
    for (size_t k = 0; k < CF_ARRAY_LEN(plurals); k++) {
        json_array_foreach(cn_all(r, plurals[k]), i, o)
        {
            look_at(r, plurals[k], o);
        }
    }
}

/* ---- putting over ---- */

static bool is_about(struct cn_round *r, const json_t *o, const json_t *manifest, const char *ns)
{
    const json_t *affinity = cf_json_at(o, "spec", "clusterAffinity", NULL);
    const json_t *managed = cn_managed(r, ns);
    if (sbx_is_going(o) || !*sbx_label(o, sbx_uid(manifest)))
        return false;
    if (*sbx_ns(o))
        return strcmp(sbx_ns(o), ns) == 0;
    return !affinity ||
           sbx_selector_matches(affinity,
                                managed ? cf_json_at(managed, "metadata", "labels", NULL) : NULL);
}

static int64_t priority_of(const json_t *o)
{
    return cf_json_int(o, PRIORITY_DEFAULT, "spec", "priority", NULL);
}

/* In their order; new array of shared objects. */
static json_t *about(struct cn_round *r, const char *plural, const json_t *manifest, const char *ns)
{
    json_t *list = json_array();
    size_t i, at;
    json_t *o;
    json_array_foreach(cn_all(r, plural), i, o)
    {
        if (!is_about(r, o, manifest, ns))
            continue;
        for (at = 0; at < json_array_size(list); at++)
            if (priority_of(json_array_get(list, at)) > priority_of(o))
                break;
        json_array_insert(list, at, o);
    }
    return list;
}

static json_t *put_over(const json_t *object, const json_t *row, char **out_why)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *type = cf_json_str(row, "", "type", NULL);
    const char *text = cf_json_str(row, "", "value", NULL);
    cf_autojson json_t *patch = cf_json_parse(text, strlen(text), 0, &err);
    json_t *next = NULL;
    if (patch && strcmp(type, "MergePatch") == 0)
        next = cf_json_merge_apply(object, patch);
    else if (patch && strcmp(type, "JSONPatch") == 0)
        next = cf_json_patch_apply(object, patch, &err);
    if (!next)
        *out_why = cf_xasprintf("failed to apply OverrideConfig %s: %s",
                                cf_json_str(row, "", "name", NULL),
                                err.kind == CF_ERR_NONE ? "unsupported OverrideType" : err.message);
    return next;
}

json_t *cn_overridden(struct cn_round *r, const json_t *manifest, const char *ns, char **out_why)
{
    static const char *const plurals[] = { "globalizations", "localizations" };
    json_t *object = cf_json_copy(json_object_get(manifest, "template"));
    for (size_t k = 0; k < CF_ARRAY_LEN(plurals); k++) {
        cf_autojson json_t *list = about(r, plurals[k], manifest, ns);
        size_t i, n;
        json_t *o, *row;
        json_array_foreach(list, i, o)
        {
            json_array_foreach(cf_json_at(o, "spec", "overrides", NULL), n, row)
            {
                json_t *next = put_over(object, row, out_why);
                json_decref(object);
                object = next;
                if (!object)
                    return NULL;
            }
        }
    }
    cf_json_del(object, "metadata", "managedFields", NULL);
    cf_json_del(object, "metadata", "uid", NULL);
    json_object_del(object, "status");
    return object;
}
