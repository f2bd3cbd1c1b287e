/* SPDX-License-Identifier: Apache-2.0 */
/* At commit: what waited for the switch starts in the target. A value that is written into the
 * member alone would be written back: it goes through the control plane, and is so when the member
 * shows it. */
#include <string.h>

#include "federation/objects/held.h"
#include "federation/propagate/karmada.h"

/* What an autoscaler scales keeps the replicas of the member, so they are set there as well. */
static bool set_in_member(const struct cf_karmada *k, const json_t *live, const char *field,
                          const json_t *value, struct cf_error *err)
{
    struct cf_object_ref ref;
    if (strcmp(field, "replicas") != 0 ||
        !cf_json_at(live, "metadata", "labels", CF_KARMADA_RETAIN, NULL))
        return true;
    cf_autojson json_t *patch = json_pack("{s:{s:s}, s:{s:O}}", "metadata", "uid",
                                          cf_json_str(live, "", "metadata", "uid", NULL), "spec",
                                          field, cf_json_unconst(value));
    return cf_ref_of(live, &ref, err) &&
           cf_kube_merge_patch(k->p->target, NULL, &ref, patch, NULL, NULL, err);
}

static bool set_one(const struct cf_karmada *k, const json_t *entry, const json_t *live,
                    const char *field, const json_t *value, bool *io_so, struct cf_error *err)
{
    if (cf_held_is(live, field, value))
        return true;
    *io_so = false;
    return cf_karmada_set_field(k, entry, field, value, err) &&
           set_in_member(k, live, field, value, err);
}

static bool switch_one(const struct cf_karmada *k, const json_t *row, bool *out_so,
                       struct cf_error *err)
{
    const char *field;
    json_t *value;
    *out_so = true;
    json_object_foreach(json_object_get(row, "fields"), field, value)
    {
        if (!set_one(k, row, json_object_get(row, "live"), field, value, out_so, err))
            return false;
    }
    return true;
}

/* In client-driven mode the bindings get the template's new replicas from us. */
static bool place_again(const struct cf_karmada *k, struct cf_error *err)
{
    size_t i;
    json_t *policy;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        struct cf_copying ignored = { 0 };
        bool so = false;
        if (cf_karmada_policy_is_own(k, policy) && !cf_karmada_bound(k, policy, &so, &ignored, err))
            return false;
    }
    return true;
}

static bool activate_all(const struct cf_propagation *p, const json_t *ledger, bool off,
                         struct cf_copying *out, struct cf_error *err)
{
    struct cf_karmada k;
    cf_autojson json_t *rows = NULL;
    const char *first = NULL;
    size_t i;
    json_t *row;
    if (!cf_karmada_open(p, &k, err) || !cf_direct_held(p, ledger, off, &rows, err))
        return false;
    json_array_foreach(rows, i, row)
    {
        bool so = false;
        if (!switch_one(&k, row, &so, err))
            return false;
        if (!so && !first)
            first = cf_json_str(row, "", "key", NULL);
    }
    if (!first) {
        out->done = true;
        return true;
    }
    if (k.in_template && !place_again(&k, err))
        return false;
    return cf_copying_waits(out, "%s has yet to %s %s in %s", cf_kube_name(k.hub),
                            off ? "stop" : "start", first, cf_kube_name(p->target));
}

bool cf_karmada_activate(const struct cf_propagation *p, const json_t *ledger, bool off,
                         struct cf_copying *out, struct cf_error *err)
{
    return cf_karmada_end(activate_all(p, ledger, off, out, err), out, err);
}
