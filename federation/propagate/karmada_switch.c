/* SPDX-License-Identifier: Apache-2.0 */
/* At commit: what waited for the switch starts in the target. A value that is written into the
 * member alone would be written back: it goes through the control plane, and is so when the member
 * shows it. */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/karmada.h"

static bool is_workload(const json_t *entry)
{
    struct cf_object_ref ref = cf_direct_ref(entry);
    const struct cf_kind *k = cf_kind_find(ref.group, ref.kind);
    return k && k->flags & CF_KIND_WORKLOAD;
}

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
    if (cf_json_equal(cf_json_at(live, "spec", field, NULL), value))
        return true;
    *io_so = false;
    return cf_karmada_set_field(k, entry, field, value, err) &&
           set_in_member(k, live, field, value, err);
}

static bool switch_one(const struct cf_karmada *k, const json_t *entry, const json_t *live,
                       bool off, bool *out_so, struct cf_error *err)
{
    const char *text =
        cf_json_str(live, NULL, "metadata", "annotations", CF_ANNOTATION_ACTIVATE, NULL);
    *out_so = true;
    if (!text)
        return true;
    cf_autojson json_t *kept = cf_json_parse(text, strlen(text), 0, err);
    const char *field;
    json_t *value;
    if (!kept)
        return cf_error_wrap(err, "annotation %s of %s", CF_ANNOTATION_ACTIVATE,
                             cf_json_str(entry, "", "key", NULL));
    if (off && json_object_get(kept, "replicas"))
        json_object_set_new(kept, "replicas", json_integer(0));
    if (off && json_object_get(kept, "suspend"))
        json_object_set_new(kept, "suspend", json_true());
    json_object_foreach(kept, field, value)
    {
        if (!set_one(k, entry, live, field, value, out_so, err))
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
    cf_autojson json_t *rows = json_array();
    cf_autojson json_t *lives = NULL;
    const char *first = NULL;
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        if (is_workload(entry))
            json_array_append(rows, entry);
    }
    if (!cf_karmada_open(p, &k, err) || !cf_direct_look(p, rows, NULL, &lives, err))
        return false;
    json_array_foreach(rows, i, entry)
    {
        const char *key = cf_json_str(entry, "", "key", NULL);
        bool so = false;
        if (!switch_one(&k, entry, json_object_get(lives, key), off, &so, err))
            return false;
        if (!so && !first)
            first = key;
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
