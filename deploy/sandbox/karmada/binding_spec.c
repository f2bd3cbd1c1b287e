/* SPDX-License-Identifier: Apache-2.0 */
/* Building a binding's spec. */
#include "deploy/sandbox/karmada/binding_spec.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/controllers/meta.h"

/* In lower case, with what a name may not have replaced. */
static void to_name(char *s)
{
    for (; *s; s++)
        *s = *s == ':' ? '.' : (char)tolower((unsigned char)*s);
}

char *km_binding_name(const json_t *template)
{
    char *name = cf_xasprintf("%s-%s", sbx_name(template), cf_json_str(template, "", "kind", NULL));
    to_name(name);
    return name;
}

char *km_work_name(const char *kind, const char *name, const char *ns)
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
    cf_autofree char *whole = cf_xasprintf("%s-%s-%s", ns, name, kind);
    uint32_t h = UINT32_C(2166136261); /* FNV-1a */
    for (const char *c = whole; *c; c++)
        h = (h ^ (unsigned char)tolower((unsigned char)*c)) * UINT32_C(16777619);
    char digits[16];
    int n = snprintf(digits, sizeof(digits), "%" PRIu32, h);
    for (int i = 0; i < n; i++)
        digits[i] = letters[(size_t)digits[i] % (sizeof(letters) - 1)];
    char *out = cf_xasprintf("%s-%s", name, digits);
    to_name(out);
    return out;
}

/* Where kinds with replicas keep their number. */
static const struct {
    const char *kind, *member;
    int64_t dflt;
} counted[] = {
    { "Deployment", "replicas", 1 },
    { "StatefulSet", "replicas", 1 },
    { "ReplicaSet", "replicas", 1 },
    { "Job", "parallelism", 1 },
};

int64_t km_replicas_of(const json_t *object)
{
    const char *kind = cf_json_str(object, "", "kind", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(counted); i++)
        if (strcmp(counted[i].kind, kind) == 0)
            return cf_json_int(object, counted[i].dflt, "spec", counted[i].member, NULL);
    return -1;
}

void km_set_replicas(json_t *object, int64_t replicas)
{
    const char *kind = cf_json_str(object, "", "kind", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(counted); i++)
        if (strcmp(counted[i].kind, kind) == 0)
            cf_json_put_take(object, json_integer(replicas), "spec", counted[i].member, NULL);
}

static json_t *requirements_of(const json_t *object)
{
    const json_t *containers = cf_json_at(object, "spec", "template", "spec", "containers", NULL);
    const json_t *requests =
        cf_json_at(json_array_get(containers, 0), "resources", "requests", NULL);
    return requests ? json_pack("{s:o}", "resourceRequest", cf_json_copy(requests)) : NULL;
}

/* A member as the policy has it, or none. */
static void take_over(json_t *spec, const char *member, const json_t *policy)
{
    const json_t *v = cf_json_at(policy, "spec", member, NULL);
    if (v && !(json_is_false(v) && strcmp(member, "propagateDeps") == 0))
        json_object_set(spec, member, cf_json_unconst(v));
    else
        json_object_del(spec, member);
}

/* The policy says whether to dispatch; whether to schedule is the binding's own. */
static void merge_suspension(json_t *spec, const json_t *policy)
{
    const json_t *said = cf_json_at(policy, "spec", "suspension", NULL),
                 *own = cf_json_at(spec, "suspension", "scheduling", NULL);
    cf_autojson json_t *both = said ? cf_json_copy(said) : json_object();
    if (own)
        json_object_set(both, "scheduling", cf_json_unconst(own));
    if (json_object_size(both) > 0)
        json_object_set(spec, "suspension", both);
    else
        json_object_del(spec, "suspension");
}

void km_binding_spec(json_t *spec, const json_t *template, const json_t *policy)
{
    json_t *ref = json_pack("{s:s,s:s,s:s,s:s,s:s}", "apiVersion",
                            cf_json_str(template, "", "apiVersion", NULL), "kind",
                            cf_json_str(template, "", "kind", NULL), "name", sbx_name(template),
                            "uid", sbx_uid(template), "resourceVersion",
                            cf_json_str(template, "", "metadata", "resourceVersion", NULL));
    if (*sbx_ns(template))
        json_object_set_new(ref, "namespace", json_string(sbx_ns(template)));
    json_object_set_new(spec, "resource", ref);
    int64_t replicas = km_replicas_of(template);
    if (replicas > 0)
        json_object_set_new(spec, "replicas", json_integer(replicas));
    else
        json_object_del(spec, "replicas");
    json_t *needs = replicas >= 0 ? requirements_of(template) : NULL;
    if (needs)
        json_object_set_new(spec, "replicaRequirements", needs);
    else
        json_object_del(spec, "replicaRequirements");
    static const char *const copied[] = { "placement",     "schedulerName",
                                          "propagateDeps", "conflictResolution",
                                          "failover",      "preserveResourcesOnDeletion" };
    for (size_t i = 0; i < CF_ARRAY_LEN(copied); i++)
        take_over(spec, copied[i], policy);
    if (!json_object_get(spec, "placement"))
        json_object_set_new(spec, "placement", json_object());
    merge_suspension(spec, policy);
}
