/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the direct method, and what its parts share. */
#include "federation/propagate/direct.h"

#include <string.h>

#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"

const struct cf_propagator_ops cf_propagator_direct = {
    .name = "direct",
    .inventory = cf_direct_inventory,
    .preview = cf_direct_preview,
    .dry_run = cf_direct_dry_run,
    .apply = cf_direct_apply,
    .health = cf_direct_health,
    .changes = cf_direct_changes,
    .waiting = cf_direct_waiting,
    .activate = cf_direct_activate,
    .undo = cf_direct_undo,
    .release = cf_direct_release,
};

struct cf_object_ref cf_direct_ref(const json_t *item)
{
    const json_t *r = json_object_get(item, "ref");
    const char *group = cf_json_str(r, "", "group", NULL);
    cf_autofree char *api_version =
        cf_xasprintf("%s%s%s", group, *group ? "/" : "", cf_json_str(r, "", "version", NULL));
    return cf_ref(api_version, cf_json_str(r, "", "kind", NULL),
                  cf_json_str(r, "", "namespace", NULL), cf_json_str(r, "", "name", NULL));
}

json_t *cf_direct_ref_json(const struct cf_object_ref *ref)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "group", ref->group, "version", ref->version,
                     "kind", ref->kind, "namespace", ref->ns, "name", ref->name);
}

bool cf_direct_live(const struct cf_propagation *p, const json_t *entry, json_t **out_live,
                    struct cf_error *err)
{
    struct cf_object_ref ref = cf_direct_ref(entry);
    bool found = false;
    if (!cf_kube_find(p->target, NULL, &ref, &found, out_live, err))
        return cf_error_wrap(err, "read %s on %s", cf_json_str(entry, "", "key", NULL),
                             cf_kube_name(p->target));
    return true;
}

void cf_direct_finding(json_t *findings, const char *key, const char *level, const char *code,
                       const char *hint, const char *message, ...)
{
    va_list ap;
    va_start(ap, message);
    cf_autofree char *text = cf_xvasprintf(message, ap);
    va_end(ap);
    json_array_append_new(findings, json_pack("{s:s, s:s, s:s, s:s, s:s}", "key", key, "level",
                                              level, "code", code, "message", text, "hint", hint));
}

static bool is_shared_kind(const char *kind)
{
    return strcmp(kind, "Namespace") == 0 || strcmp(kind, "CustomResourceDefinition") == 0;
}

/* What another manager's object would be: without our label, and without what a copy has only while
 * both sides serve. */
json_t *cf_direct_differences(const json_t *item, const json_t *live)
{
    json_t *lines = json_array();
    cf_autojson json_t *unlabelled = cf_json_copy(json_object_get(item, "body"));
    cf_json_del(unlabelled, "metadata", "labels", CF_LABEL_RUN, NULL);
    if (!cf_json_at(live, "metadata", "labels", CF_LABEL_RUN, NULL))
        cf_object_unhold(unlabelled);
    cf_object_same(unlabelled, live, lines);
    return lines;
}

enum cf_standing cf_direct_standing_of(const struct cf_propagation *p, const json_t *item,
                                       const json_t *live)
{
    if (!live)
        return CF_STANDING_ABSENT;
    const char *owner = cf_json_str(live, "", "metadata", "labels", CF_LABEL_RUN, NULL);
    if (*p->run_id && strcmp(owner, p->run_id) == 0)
        return CF_STANDING_OURS;
    if (is_shared_kind(cf_json_str(item, "", "ref", "kind", NULL)))
        return CF_STANDING_SHARED;
    cf_autojson json_t *differences = cf_direct_differences(item, live);
    return json_array_size(differences) == 0 ? CF_STANDING_EQUAL : CF_STANDING_FOREIGN;
}

bool cf_direct_standing(const struct cf_propagation *p, const json_t *item, enum cf_standing *out,
                        json_t **out_live, struct cf_error *err)
{
    if (!cf_direct_live(p, item, out_live, err))
        return false;
    *out = cf_direct_standing_of(p, item, *out_live);
    return true;
}
