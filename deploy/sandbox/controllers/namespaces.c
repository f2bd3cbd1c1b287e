/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: what each new one is given, and how one goes away: its content first, then itself. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"

#include <string.h>

#define ROOT_CA "kube-root-ca.crt"

static void give_defaults(struct sbx_pass *p, const char *ns)
{
    if (p->world->options.only_upkeep)
        return;
    const char *ca = p->world->options.root_ca;
    if (!sbx_pass_one(p, "", "serviceaccounts", ns, "default"))
        sbx_pass_create(p, SBX_MANAGER, "", "serviceaccounts",
                        json_pack("{s:{s:s,s:s}}", "metadata", "namespace", ns, "name", "default"));
    if (!sbx_pass_one(p, "", "configmaps", ns, ROOT_CA))
        sbx_pass_create(p, SBX_MANAGER, "", "configmaps",
                        json_pack("{s:{s:s,s:s},s:{s:s}}", "metadata", "namespace", ns, "name",
                                  ROOT_CA, "data", "ca.crt",
                                  ca ? ca : "(this sandbox serves without certificates)\n"));
}

/* Deletes what is in it; returns how much there was. */
static size_t empty(struct sbx_pass *p, const char *ns)
{
    size_t found = 0;
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++) {
        size_t i;
        json_t *o;
        json_array_foreach(k->namespaced ? sbx_pass_all(p, k->group, k->plural) : NULL, i, o)
        {
            if (strcmp(sbx_ns(o), ns) != 0)
                continue;
            found++;
            if (!sbx_is_going(o))
                sbx_pass_delete(p, k->group, k->plural, o, -1);
        }
    }
    return found;
}

static void say_what_remains(struct sbx_pass *p, const json_t *ns, size_t count)
{
    cf_autojson json_t *list = json_array();
    cf_autofree char *message = cf_xasprintf("%zu objects are still there", count);
    sbx_condition_add(list, ns, "NamespaceContentRemaining", count ? "True" : "False",
                      count ? "SomeResourcesRemain" : "ContentRemoved",
                      count ? message : "nothing is left", -1, p->stamp);
    sbx_pass_status(p, SBX_MANAGER, "", "namespaces", ns,
                    json_pack("{s:s,s:O}", "phase", "Terminating", "conditions", list));
}

void sbx_ctl_namespaces(struct sbx_pass *p)
{
    size_t i;
    json_t *ns;
    json_array_foreach(sbx_pass_all(p, "", "namespaces"), i, ns)
    {
        if (!sbx_is_going(ns)) {
            give_defaults(p, sbx_name(ns));
            continue;
        }
        size_t count = empty(p, sbx_name(ns));
        if (count > 0)
            say_what_remains(p, ns, count);
        else if (json_array_size(cf_json_at(ns, "spec", "finalizers", NULL)) > 0)
            sbx_pass_finalize(p, ns);
    }
}
