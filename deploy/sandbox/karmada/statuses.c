/* SPDX-License-Identifier: Apache-2.0 */
/* The way back: from members' objects to Works, from Works to bindings, from bindings to
 * templates. */
#include <string.h>

#include "base/json_patch.h"
#include "deploy/sandbox/karmada/apply.h"
#include "deploy/sandbox/karmada/interpret.h"
#include "deploy/sandbox/karmada/round.h"
#include "deploy/sandbox/karmada/status.h"
#include "federation/objects/kinds.h"

enum {
    REFLECT_MS = 20,
    AGGREGATE_MS = 20,
    TEMPLATE_MS = 14,
};

/* ---- Works ---- */

static bool is_of_work(const json_t *live, const json_t *work)
{
    return km_is_managed(live) &&
           strcmp(cf_json_str(live, "", "metadata", "annotations", KM_WORK_NAME, NULL),
                  sbx_name(work)) == 0 &&
           strcmp(cf_json_str(live, "", "metadata", "annotations", KM_WORK_NS, NULL),
                  sbx_ns(work)) == 0;
}

static json_t *identifier_of(const json_t *live)
{
    const char *gv = cf_json_str(live, "", "apiVersion", NULL), *slash = strchr(gv, '/');
    cf_autofree char *group = slash ? cf_xstrndup(gv, (size_t)(slash - gv)) : cf_xstrdup("");
    json_t *id = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s}", "ordinal", 0, "version",
                           slash ? slash + 1 : gv, "kind", cf_json_str(live, "", "kind", NULL),
                           "resource", "", "namespace", sbx_ns(live), "name", sbx_name(live));
    json_object_set_new(id, "group", json_string(group));
    return id;
}

static void reflect(struct km_round *r, const json_t *work)
{
    struct km_member *m = km_member(r, km_work_cluster(work));
    const json_t *manifest =
        json_array_get(cf_json_at(work, "spec", "workload", "manifests", NULL), 0);
    if (!m || !manifest || sbx_is_going(work) || !km_member_answers(m) ||
        km_on(&m->switches, KM_STATUS_FROZEN))
        return;
    cf_autojson json_t *live = km_live(m, manifest);
    if (!live || !is_of_work(live, work))
        return;
    json_t *one =
        json_pack("{s:o,s:s}", "identifier", identifier_of(live), "health", km_health_of(live));
    json_t *status = km_reflected(live);
    if (status)
        json_object_set_new(one, "status", status);
    cf_autojson json_t *list = json_pack("[o]", one);
    char digest[KM_DIGEST];
    if (cf_json_equal(list, cf_json_at(work, "status", "manifestStatuses", NULL)) ||
        !km_after(r, REFLECT_MS, "reflect %s %s", sbx_uid(work), km_digest(list, digest)))
        return;
    (void)km_set_status(r, KM_CONTROLLER, KM_G_WORK, "works", work, NULL,
                        json_pack("{s:O}", "manifestStatuses", list));
}

void km_ctl_work_status(struct km_round *r)
{
    size_t i;
    json_t *work;
    json_array_foreach(sbx_pass_all(&r->hub, KM_G_WORK, "works"), i, work)
    {
        reflect(r, work);
    }
}

/* ---- Bindings ---- */

static json_t *item_of(const json_t *work)
{
    const json_t *applied = cf_object_condition(work, "Applied"),
                 *seen = json_array_get(cf_json_at(work, "status", "manifestStatuses", NULL), 0);
    json_t *item =
        json_pack("{s:s,s:s}", "clusterName", km_work_cluster(work), "health", "Unknown");
    if (strcmp(cf_json_str(applied, "", "status", NULL), "True") != 0) {
        const char *why = cf_json_str(applied, "", "message", NULL);
        if (*why)
            json_object_set_new(item, "appliedMessage", json_string(why));
        return item;
    }
    json_object_set_new(item, "applied", json_true());
    if (seen) {
        json_object_set_new(item, "health",
                            json_string(cf_json_str(seen, "Unknown", "health", NULL)));
        if (json_object_get(seen, "status"))
            json_object_set(item, "status", json_object_get(seen, "status"));
    }
    return item;
}

/* In order of the clusters' names, as Works are listed in order of their namespaces. */
static json_t *items_of(const json_t *works)
{
    json_t *items = json_array(), *w;
    size_t i;
    json_array_foreach(cf_json_unconst(works), i, w)
    {
        if (!sbx_is_going(w))
            json_array_append_new(items, item_of(w));
    }
    return items;
}

static bool is_full(const json_t *binding, const json_t *items)
{
    cf_autojson json_t *wanted = json_object();
    size_t i, j;
    json_t *o, *c;
    json_array_foreach(cf_json_at(binding, "spec", "clusters", NULL), i, o)
    {
        json_object_set_new(wanted, cf_json_str(o, "", "name", NULL), json_true());
    }
    json_array_foreach(cf_json_at(binding, "spec", "requiredBy", NULL), i, o)
    {
        json_array_foreach(json_object_get(o, "clusters"), j, c)
        {
            json_object_set_new(wanted, cf_json_str(c, "", "name", NULL), json_true());
        }
    }
    json_array_foreach(cf_json_at(binding, "spec", "gracefulEvictionTasks", NULL), i, o)
    {
        json_object_set_new(wanted, cf_json_str(o, "", "fromCluster", NULL), json_true());
    }
    if (json_object_size(wanted) == 0 || json_object_size(wanted) != json_array_size(items))
        return false;
    json_array_foreach(cf_json_unconst(items), i, o)
    {
        if (!cf_json_bool(o, false, "applied", NULL) ||
            !json_object_get(wanted, cf_json_str(o, "", "clusterName", NULL)))
            return false;
    }
    return true;
}

/* What makes it sum up again: Works' statuses, and Works that are gone. A new Work without a status,
 * and one that only begins to go, do not: until something else happens the sum is that of before. */
static void trigger_of(const json_t *binding, const json_t *works, char out[KM_DIGEST])
{
    cf_autojson json_t *all = json_array();
    size_t i;
    json_t *w;
    json_array_foreach(cf_json_unconst(works), i, w)
    {
        if (json_object_size(json_object_get(w, "status")) > 0)
            json_array_append_new(all,
                                  json_pack("[s,O]", sbx_uid(w), json_object_get(w, "status")));
    }
    if (cf_json_at(binding, "status", "lastScheduledTime", NULL))
        json_array_append_new(all, json_string(cf_json_str(binding, "", "spec", "resource",
                                                           "resourceVersion", NULL)));
    km_digest(all, out);
}

static void aggregate(struct km_round *r, const struct km_binding_kind *bk, json_t *binding)
{
    cf_autojson json_t *works = km_works_of(r, bk, binding);
    char trigger[KM_DIGEST];
    trigger_of(binding, works, trigger);
    const char *seen = km_recall(r, "summed %s", sbx_uid(binding));
    bool nothing_yet = json_array_size(works) == 0 && !seen;
    if (nothing_yet || sbx_is_going(binding) || (seen && strcmp(seen, trigger) == 0) ||
        !km_after(r, AGGREGATE_MS, "sum %s %s", sbx_uid(binding), trigger))
        return;
    km_note(r, trigger, "summed %s", sbx_uid(binding));
    json_t *items = items_of(works);
    bool full = is_full(binding, items);
    const struct km_condition c = {
        "FullyApplied", full ? "True" : "False",
        full ? "FullyAppliedSuccess" : "FullyAppliedFailed",
        full ? "All works have been successfully applied"
             : "Failed to apply all works, see status.aggregatedStatus for details"
    };
    json_t *more = json_object();
    if (json_array_size(items) > 0)
        json_object_set(more, "aggregatedStatus", items);
    else
        json_object_set_new(more, "aggregatedStatus", json_null());
    json_decref(items);
    (void)km_set_status(r, KM_CONTROLLER, KM_G_WORK, bk->plural, binding, &c, more);
}

void km_ctl_binding_status(struct km_round *r)
{
    km_each_binding(r, aggregate);
}

/* ---- Templates ---- */

static void sum_up_template(struct km_round *r, const struct km_binding_kind *bk, json_t *binding)
{
    (void)bk;
    const json_t *items = cf_json_at(binding, "status", "aggregatedStatus", NULL);
    json_t *template = km_template_of(r, binding);
    if (!template || !items || sbx_is_going(binding) || sbx_is_going(template))
        return;
    cf_autojson json_t *status = km_summed_up(template, items);
    const struct sbx_kind *k = sbx_kind_named(cf_json_str(template, "", "apiVersion", NULL),
                                              cf_json_str(template, "", "kind", NULL));
    if (!status || !k->has_status || cf_json_equal(status, json_object_get(template, "status")))
        return;
    char digest[KM_DIGEST];
    if (km_after(r, TEMPLATE_MS, "template %s %s", sbx_uid(template), km_digest(status, digest)))
        (void)sbx_pass_status(&r->hub, KM_CONTROLLER, k->group, k->plural, template,
                              json_incref(status));
}

void km_ctl_template_status(struct km_round *r)
{
    km_each_binding(r, sum_up_template);
}
