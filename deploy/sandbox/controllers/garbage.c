/* SPDX-License-Identifier: Apache-2.0 */
/* Garbage collection by ownerReferences: objects whose owners are all gone are deleted; an owner
 * that is being deleted in the foreground waits for its dependents, one that orphans them lets them
 * go first. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"

#include <string.h>

#define FOREGROUND "foregroundDeletion"
#define ORPHAN     "orphan"

/* Whether the owner is known to be gone: of a kind that is served, and not there under that uid at
 * this very moment. */
static bool is_gone(struct sbx_pass *p, const json_t *ref, const json_t *uids, const char *ns)
{
    const char *uid = cf_json_str(ref, "", "uid", NULL);
    const struct sbx_kind *k = sbx_kind_named(cf_json_str(ref, "", "apiVersion", NULL),
                                              cf_json_str(ref, "", "kind", NULL));
    if (!k || json_object_get(uids, uid))
        return false;
    cf_autojson json_t *owner =
        sbx_api_one(p->world->api, k->group, k->plural, k->namespaced ? ns : NULL,
                    cf_json_str(ref, "", "name", NULL));
    return !owner || strcmp(sbx_uid(owner), uid) != 0;
}

static bool is_garbage(struct sbx_pass *p, const json_t *o, const json_t *uids)
{
    const json_t *refs = cf_json_at(o, "metadata", "ownerReferences", NULL);
    if (json_array_size(refs) == 0)
        return false;
    size_t i;
    json_t *ref;
    json_array_foreach(refs, i, ref)
    {
        if (!is_gone(p, ref, uids, sbx_ns(o)))
            return false;
    }
    return true;
}

static void drop_finalizer(struct sbx_pass *p, const struct sbx_kind *k, const json_t *o,
                           const char *finalizer)
{
    json_t *kept = sbx_list_without(cf_json_at(o, "metadata", "finalizers", NULL), NULL, finalizer);
    sbx_pass_merge(p, SBX_MANAGER, k->group, k->plural, o,
                   json_pack("{s:{s:o}}", "metadata", "finalizers", kept));
}

static bool is_owned_by(const json_t *o, const char *uid)
{
    size_t i;
    json_t *ref;
    json_array_foreach(cf_json_at(o, "metadata", "ownerReferences", NULL), i, ref)
    {
        if (strcmp(cf_json_str(ref, "", "uid", NULL), uid) == 0)
            return true;
    }
    return false;
}

/* Deletes the dependents of `owner`, or lets them go; returns how many there were. */
static size_t settle_dependents(struct sbx_pass *p, const json_t *owner, bool let_go)
{
    size_t found = 0;
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++) {
        size_t i;
        json_t *o;
        json_array_foreach(sbx_pass_all(p, k->group, k->plural), i, o)
        {
            if (!is_owned_by(o, sbx_uid(owner)))
                continue;
            found++;
            if (let_go)
                sbx_pass_merge(
                    p, SBX_MANAGER, k->group, k->plural, o,
                    json_pack("{s:{s:o}}", "metadata", "ownerReferences",
                              sbx_list_without(cf_json_at(o, "metadata", "ownerReferences", NULL),
                                               "uid", sbx_uid(owner))));
            else if (!sbx_is_going(o))
                sbx_pass_delete(p, k->group, k->plural, o, -1);
        }
    }
    return found;
}

static void look_at(struct sbx_pass *p, const struct sbx_kind *k, const json_t *o,
                    const json_t *uids)
{
    if (!sbx_is_going(o)) {
        if (is_garbage(p, o, uids))
            sbx_pass_delete(p, k->group, k->plural, o, -1);
        return;
    }
    if (sbx_has_finalizer(o, ORPHAN) && settle_dependents(p, o, true) == 0)
        drop_finalizer(p, k, o, ORPHAN);
    else if (sbx_has_finalizer(o, FOREGROUND) && settle_dependents(p, o, false) == 0)
        drop_finalizer(p, k, o, FOREGROUND);
}

void sbx_ctl_garbage(struct sbx_pass *p)
{
    cf_autojson json_t *uids = json_object();
    size_t i;
    json_t *o;
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
        json_array_foreach(sbx_pass_all(p, k->group, k->plural), i, o)
        {
            json_object_set_new(uids, sbx_uid(o), json_true());
        }
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
        json_array_foreach(sbx_pass_all(p, k->group, k->plural), i, o)
        {
            look_at(p, k, o, uids);
        }
}
