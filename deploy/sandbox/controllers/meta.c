/* SPDX-License-Identifier: Apache-2.0 */
/* Common parts of objects. */
#include "deploy/sandbox/controllers/meta.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/uuid.h"
#include "federation/objects/kinds.h"

/* Kubernetes' alphabet for generated names: no vowels and nothing that is mistaken for another. */
static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";

const char *sbx_name(const json_t *o)
{
    return cf_json_str(o, "", "metadata", "name", NULL);
}

const char *sbx_ns(const json_t *o)
{
    return cf_json_str(o, "", "metadata", "namespace", NULL);
}

const char *sbx_uid(const json_t *o)
{
    return cf_json_str(o, "", "metadata", "uid", NULL);
}

bool sbx_is_going(const json_t *o)
{
    return cf_json_at(o, "metadata", "deletionTimestamp", NULL) != NULL;
}

bool sbx_has_finalizer(const json_t *o, const char *finalizer)
{
    size_t i;
    json_t *f;
    json_array_foreach(cf_json_at(o, "metadata", "finalizers", NULL), i, f)
    {
        if (json_is_string(f) && strcmp(json_string_value(f), finalizer) == 0)
            return true;
    }
    return false;
}

const char *sbx_controller_uid(const json_t *o)
{
    size_t i;
    json_t *ref;
    json_array_foreach(cf_json_at(o, "metadata", "ownerReferences", NULL), i, ref)
    {
        if (cf_json_bool(ref, false, "controller", NULL))
            return cf_json_str(ref, "", "uid", NULL);
    }
    return "";
}

json_t *sbx_list_without(const json_t *list, const char *member, const char *drop)
{
    json_t *kept = json_array();
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        const char *text = member ? cf_json_str(v, "", member, NULL) : json_string_value(v);
        if (strcmp(text ? text : "", drop) != 0)
            json_array_append(kept, v);
    }
    return kept;
}

json_t *sbx_owned_by(const char *api_version, const char *kind, const json_t *owner)
{
    return json_pack("[{s:s,s:s,s:s,s:s,s:b,s:b}]", "apiVersion", api_version, "kind", kind, "name",
                     sbx_name(owner), "uid", sbx_uid(owner), "controller", 1, "blockOwnerDeletion",
                     1);
}

/* Two hex digits make one character. */
static void spell(const char *hex, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        unsigned v = 0;
        sscanf(hex + 2 * i, "%2x", &v);
        out[i] = alphabet[v % (sizeof(alphabet) - 1)];
    }
    out[n] = '\0';
}

char *sbx_random_name(const char *base)
{
    char hex[2 * SBX_SUFFIX_LEN + 1], suffix[SBX_SUFFIX_LEN + 1];
    spell(cf_random_hex(hex, 2 * SBX_SUFFIX_LEN), SBX_SUFFIX_LEN, suffix);
    return cf_xasprintf("%s-%s", base, suffix);
}

void sbx_template_hash(const json_t *pod_template, char buf[SBX_HASH_LEN + 1])
{
    cf_autofree char *text = cf_json_canonical(pod_template);
    char hex[CF_SHA256_HEX];
    spell(cf_sha256_hex(text, strlen(text), hex), SBX_HASH_LEN, buf);
}

bool sbx_labels_have(const json_t *labels, const json_t *wanted)
{
    if (json_object_size(wanted) == 0)
        return false;
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(wanted), key, value)
    {
        const char *have = json_string_value(json_object_get(labels, key));
        if (!have || strcmp(have, json_string_value(value) ? json_string_value(value) : "") != 0)
            return false;
    }
    return true;
}

static bool expression_matches(const json_t *e, const json_t *labels)
{
    const char *have = json_string_value(json_object_get(labels, cf_json_str(e, "", "key", NULL)));
    const char *op = cf_json_str(e, "", "operator", NULL);
    if (strcmp(op, "Exists") == 0)
        return have != NULL;
    if (strcmp(op, "DoesNotExist") == 0)
        return have == NULL;
    bool in = false;
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(e, "values"), i, v)
    {
        in = in || (have && json_is_string(v) && strcmp(have, json_string_value(v)) == 0);
    }
    return strcmp(op, "NotIn") == 0 ? !in : in;
}

bool sbx_selector_matches(const json_t *selector, const json_t *labels)
{
    if (!json_is_object(selector))
        return false;
    const json_t *exact = json_object_get(selector, "matchLabels");
    if (json_object_size(exact) > 0 && !sbx_labels_have(labels, exact))
        return false;
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(selector, "matchExpressions"), i, e)
    {
        if (!expression_matches(e, labels))
            return false;
    }
    return true;
}

json_t *sbx_condition_add(json_t *list, const json_t *object, const char *type, const char *status,
                          const char *reason, const char *message, int64_t generation,
                          const char *stamp)
{
    const json_t *old = cf_object_condition(object, type);
    bool same = strcmp(cf_json_str(old, "", "status", NULL), status) == 0;
    json_t *c = json_pack("{s:s,s:s,s:s}", "type", type, "status", status, "lastTransitionTime",
                          same ? cf_json_str(old, stamp, "lastTransitionTime", NULL) : stamp);
    if (*reason)
        json_object_set_new(c, "reason", json_string(reason));
    if (*message)
        json_object_set_new(c, "message", json_string(message));
    if (generation >= 0)
        json_object_set_new(c, "observedGeneration", json_integer(generation));
    json_array_append_new(list, c);
    return c;
}

void sbx_set_count(json_t *status, const char *field, int64_t n)
{
    if (n != 0)
        json_object_set_new(status, field, json_integer(n));
}

int64_t sbx_int_or_percent(const json_t *value, int64_t total, bool round_up, int64_t dflt)
{
    if (json_is_integer(value))
        return json_integer_value(value);
    int percent;
    if (!json_is_string(value) || sscanf(json_string_value(value), "%9d%%", &percent) != 1)
        return dflt;
    return (total * percent + (round_up ? 99 : 0)) / 100;
}

bool sbx_pod_is_ready(const json_t *pod)
{
    return cf_object_condition_is(pod, "Ready", "True");
}

bool sbx_pod_is_done(const json_t *pod)
{
    const char *phase = cf_json_str(pod, "", "status", "phase", NULL);
    return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

bool sbx_pod_is_active(const json_t *pod)
{
    return !sbx_is_going(pod) && !sbx_pod_is_done(pod);
}

const char *sbx_label(const json_t *o, const char *key)
{
    return cf_json_str(o, "", "metadata", "labels", key, NULL);
}

json_t *sbx_pod_from(const json_t *pod_template, const char *ns)
{
    json_t *pod = json_pack("{s:{s:s}}", "metadata", "namespace", ns);
    static const char *const copied[] = { "labels", "annotations", "finalizers" };
    for (size_t i = 0; i < CF_ARRAY_LEN(copied); i++) {
        const json_t *part = cf_json_at(pod_template, "metadata", copied[i], NULL);
        if (part)
            cf_json_put_take(pod, cf_json_copy(part), "metadata", copied[i], NULL);
    }
    const json_t *spec = json_object_get(pod_template, "spec");
    json_object_set_new(pod, "spec", spec ? cf_json_copy(spec) : json_object());
    return pod;
}

bool sbx_pod_has_tag(const json_t *pod, const char *tag)
{
    size_t i;
    json_t *container;
    json_array_foreach(cf_json_at(pod, "spec", "containers", NULL), i, container)
    {
        const char *image = cf_json_str(container, "", "image", NULL);
        const char *colon = strrchr(image, ':');
        if (colon && strcmp(colon + 1, tag) == 0)
            return true;
    }
    return false;
}
