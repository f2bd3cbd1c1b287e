/* SPDX-License-Identifier: Apache-2.0 */
/* Health of copies that Karmada wrote: what the member shows, and that the control plane has seen
 * the same. */
#include <stdio.h>
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/propagate/karmada.h"

static json_t *row_of(json_t *report, const char *key)
{
    return cf_json_named(json_object_get(report, "objects"), "key", key);
}

/* Turns a ready row into one that is not; rows that wait already say why. */
static void not_ready(json_t *report, const char *key, const char *message)
{
    json_t *row = row_of(report, key);
    if (!row || !cf_json_bool(row, false, "ready", NULL))
        return;
    json_object_set_new(row, "ready", json_false());
    json_object_set_new(row, "message", json_string(message));
    json_object_set_new(report, "ready", json_false());
    json_object_set_new(report, "done", json_integer(cf_json_int(report, 1, "done", NULL) - 1));
}

/* Of other kinds Karmada says Unhealthy for as long as something is missing that need not come: an
 * Ingress' address, a pod for a budget or a claim. What we see of them ourselves decides. */
static bool is_workload(const struct cf_karmada *k, const json_t *object)
{
    struct cf_object_ref ref = cf_karmada_object_ref(k, object);
    const struct cf_kind *kind = cf_kind_find(ref.group, ref.kind);
    return kind && kind->flags & CF_KIND_WORKLOAD;
}

/* What the control plane reports of one object; its own health word is stale whenever the member was
 * away, so it can only say no. */
static void judge(const struct cf_karmada *k, json_t *report, const json_t *object,
                  const json_t *binding)
{
    const char *key = cf_json_str(object, "", "key", NULL);
    const json_t *row = cf_karmada_aggregated(binding, k->target);
    char text[CF_COPYING_WHY_MAX];
    if (!binding) {
        not_ready(report, key, "its ResourceBinding is gone");
    } else if (!row || !cf_json_bool(row, false, "applied", NULL)) {
        (void)snprintf(text, sizeof text, "not applied: %.300s",
                       cf_json_str(row, "not reported yet", "appliedMessage", NULL));
        not_ready(report, key, text);
    } else if (is_workload(k, object) &&
               strcmp(cf_json_str(row, "", "health", NULL), "Unhealthy") == 0) {
        not_ready(report, key, "the control plane has yet to see it healthy");
    }
}

static bool judge_policies(const struct cf_karmada *k, json_t *report, struct cf_error *err)
{
    size_t i, n;
    json_t *policy, *object;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
        bool judged = false;
        json_array_foreach(json_object_get(policy, "objects"), n, object)
        {
            judged = judged || row_of(report, cf_json_str(object, "", "key", NULL));
        }
        if (!judged)
            continue;
        if (!cf_karmada_look(k, policy, NULL, &look, err))
            return false;
        json_array_foreach(json_object_get(policy, "objects"), n, object)
        {
            judge(k, report, object, cf_karmada_binding(&look, object));
        }
    }
    return true;
}

bool cf_karmada_health(const struct cf_propagation *p, const json_t *ledger, json_t **out_report,
                       struct cf_error *err)
{
    struct cf_karmada k;
    cf_autojson json_t *report = NULL;
    struct cf_copying waits = { 0 };
    bool ready = false;
    if (!cf_direct_health(p, ledger, &report, err) || !cf_karmada_open(p, &k, err))
        return false;
    /* While the control plane is away the guard holds; what runs in the target runs. */
    if (!cf_karmada_members_ready(&k, false, &ready, &waits, err) ||
        (ready && !judge_policies(&k, report, err)))
        return cf_error_wrap(err, "as %s sees them", cf_kube_name(k.hub));
    if (!ready) {
        json_object_set_new(report, "ready", json_false());
        json_object_set_new(report, "unseen", json_string(waits.why));
    }
    *out_report = cf_steal(&report);
    return true;
}
