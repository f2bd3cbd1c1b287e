/* SPDX-License-Identifier: Apache-2.0 */
/* Errors and warnings by namespace; and the fault of a phase that nobody knows. */
#include "deploy/sandbox/velero/results.h"

#include <string.h>

static const char *const lists[] = { "errors", "warnings" };

void vl_say(json_t *work, const char *list, const char *ns, const char *text)
{
    if (!json_object_get(work, list))
        json_object_set_new(work, list, json_array());
    json_array_append_new(json_object_get(work, list),
                          json_pack("{s:s,s:s}", "ns", ns, "text", text));
}

static json_t *texts_of(json_t *sorted, const char *ns)
{
    json_t *texts = *ns ? cf_json_unconst(cf_json_at(sorted, "namespaces", ns, NULL))
                        : json_object_get(sorted, "velero");
    if (texts)
        return texts;
    texts = json_array();
    if (*ns)
        cf_json_put_take(sorted, texts, "namespaces", ns, NULL);
    else
        json_object_set_new(sorted, "velero", texts);
    return texts;
}

json_t *vl_results(const json_t *work)
{
    json_t *results = json_object();
    for (size_t k = 0; k < CF_ARRAY_LEN(lists); k++) {
        json_t *sorted = json_object(), *one;
        size_t i;
        json_array_foreach(json_object_get(work, lists[k]), i, one)
        {
            json_array_append(texts_of(sorted, cf_json_str(one, "", "ns", NULL)),
                              json_object_get(one, "text"));
        }
        json_object_set_new(results, lists[k], sorted);
    }
    return results;
}

void vl_set_counts(json_t *status, const json_t *work)
{
    for (size_t k = 0; k < CF_ARRAY_LEN(lists); k++) {
        size_t n = json_array_size(json_object_get(work, lists[k]));
        if (n)
            json_object_set_new(status, lists[k], json_integer((json_int_t)n));
    }
}

/* ---- What was taken ---- */

static void insert_sorted(json_t *list, const char *text)
{
    size_t lo = 0, hi = json_array_size(list);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (strcmp(json_string_value(json_array_get(list, mid)), text) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    json_array_insert_new(list, lo, json_string(text));
}

json_t *vl_resource_list(const json_t *objects)
{
    json_t *all = json_object(), *o;
    size_t i;
    json_array_foreach(objects, i, o)
    {
        cf_autofree char *kind = cf_xasprintf("%s/%s", cf_json_str(o, "", "apiVersion", NULL),
                                              cf_json_str(o, "", "kind", NULL));
        cf_autofree char *name =
            cf_xasprintf("%s%s%s", sbx_ns(o), *sbx_ns(o) ? "/" : "", sbx_name(o));
        if (!json_object_get(all, kind))
            json_object_set_new(all, kind, json_array());
        insert_sorted(json_object_get(all, kind), name);
    }
    return all;
}

/* ---- A phase that this program's authors have never heard of ---- */

bool vl_unknown_phase(struct vl_cluster *c, const char *plural, const char *kind, const json_t *o)
{
    struct vl_met met = { 0 };
    bool is_met = vl_meets(vl_common(c->velero)->switches, VL_UNKNOWN_PHASE, c->name, kind,
                           sbx_name(o), NULL, sbx_uid(o), &met);
    json_t *memory = json_object_get(c->server, sbx_uid(o));
    const char *real = cf_json_str(memory, "", "shows", NULL);
    if (*real) {
        if (is_met && (met.ms == 0 || !vl_after(c, met.ms, "unknown", sbx_uid(o))))
            return true;
        vl_status(c, plural, o, json_pack("{s:s}", "phase", real));
        json_object_del(memory, "shows");
        json_object_set_new(memory, "has shown", json_true());
        return true;
    }
    if (!is_met || !vl_phase_in(o, "InProgress") || json_object_get(memory, "has shown"))
        return false;
    memory = vl_memory(c->server, o);
    json_object_set_new(memory, "shows", json_string(vl_phase(o)));
    vl_status(c, plural, o, json_pack("{s:s}", "phase", *met.value ? met.value : "Foo"));
    return true;
}
