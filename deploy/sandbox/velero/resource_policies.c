/* SPDX-License-Identifier: Apache-2.0 */
/* The ConfigMap of a Backup that says by conditions what becomes of volumes; the first fit wins. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#include "base/units.h"
#include "base/yaml.h"

/* The policies, parsed once a look. NULL: none, or what is there cannot be read. */
static const json_t *policies_of(struct vl_cluster *c, const json_t *backup)
{
    const char *name = cf_json_str(backup, "", "spec", "resourcePolicy", "name", NULL);
    cf_autofree char *key = cf_xasprintf("!policy %s", name);
    json_t *parsed = json_object_get(c->pass.kinds, key), *text;
    const char *member;
    if (parsed || !*name)
        return parsed;
    const json_t *config = sbx_pass_one(&c->pass, "", "configmaps", VL_NS, name);
    json_object_foreach(json_object_get(config, "data"), member, text)
    {
        struct cf_error err = CF_ERROR_INIT;
        if (!parsed && json_is_string(text))
            parsed =
                cf_yaml_parse(json_string_value(text), json_string_length(text), 0, NULL, &err);
    }
    if (parsed)
        json_object_set_new(c->pass.kinds, key, parsed);
    return parsed;
}

static bool in_list(const json_t *list, const char *text)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        if (json_is_string(v) && strcmp(json_string_value(v), text) == 0)
            return true;
    }
    return false;
}

/* "LOW,HIGH", either of which may be left out. */
static bool capacity_fits(const char *range, const char *capacity)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *comma = strchr(range, ',');
    int64_t have, low, high;
    if (!comma || !cf_bytes_parse(capacity, &have, &err))
        return false;
    cf_autofree char *first = cf_xstrndup(range, (size_t)(comma - range));
    bool has_low = cf_bytes_parse(first, &low, &err);
    cf_error_clear(&err);
    bool has_high = cf_bytes_parse(comma + 1, &high, &err);
    return (!has_low || have >= low) && (!has_high || have <= high);
}

static bool fits(const json_t *conditions, const json_t *claim, const json_t *volume)
{
    const json_t *classes = json_object_get(conditions, "storageClass"),
                 *csi = json_object_get(conditions, "csi"),
                 *labels = json_object_get(conditions, "pvcLabels"),
                 *phases = json_object_get(conditions, "pvcPhase");
    const char *range = cf_json_str(conditions, NULL, "capacity", NULL),
               *driver = cf_json_str(csi, "", "driver", NULL);
    if (classes && !in_list(classes, cf_json_str(volume, "", "spec", "storageClassName", NULL)))
        return false;
    if (csi &&
        (!cf_json_at(volume, "spec", "csi", NULL) ||
         (*driver && strcmp(driver, cf_json_str(volume, "", "spec", "csi", "driver", NULL)) != 0)))
        return false;
    if (labels && !sbx_labels_have(cf_json_at(claim, "metadata", "labels", NULL), labels))
        return false;
    if (phases && !in_list(phases, vl_phase(claim)))
        return false;
    return !json_object_get(conditions, "nfs") &&
           (!range ||
            capacity_fits(range, cf_json_str(volume, "", "spec", "capacity", "storage", NULL)));
}

/* ---- what is wrong with them ---- */

static bool known_members(const json_t *o, const char *members, const char **out_wrong)
{
    const char *key;
    json_t *v;
    json_object_foreach(cf_json_unconst(o), key, v)
    {
        if (!sbx_word_in(members, key)) {
            *out_wrong = key;
            return false;
        }
    }
    return true;
}

static char *wrong_with(const json_t *policies)
{
    static const char conditions[] = "capacity,storageClass,csi,nfs,volumeTypes,pvcLabels,pvcPhase";
    const char *wrong;
    size_t i;
    json_t *policy;
    if (strcmp(cf_json_str(policies, "", "version", NULL), "v1") != 0)
        return cf_xasprintf("incompatible version number %s with supported version v1",
                            cf_json_str(policies, "", "version", NULL));
    if (!known_members(policies, "version,volumePolicies,includeExcludePolicy", &wrong))
        return cf_xasprintf("failed to decode yaml data into resource policies: field %s not found",
                            wrong);
    json_array_foreach(json_object_get(policies, "volumePolicies"), i, policy)
    {
        const char *type = cf_json_str(policy, "", "action", "type", NULL);
        if (!known_members(json_object_get(policy, "conditions"), conditions, &wrong))
            return cf_xasprintf("failed to decode yaml data into resource policies: field %s not "
                                "found in conditions",
                                wrong);
        if (!sbx_word_in("skip,snapshot,fs-backup,custom", type))
            return cf_xasprintf("invalid action type %s", type);
    }
    return NULL;
}

char *vl_policy_wrong(struct vl_cluster *c, const json_t *backup)
{
    const char *name = cf_json_str(backup, "", "spec", "resourcePolicy", "name", NULL);
    if (!*name)
        return NULL;
    if (!sbx_pass_one(&c->pass, "", "configmaps", VL_NS, name))
        return cf_xasprintf("fail to get ResourcePolicies %s/%s ConfigMap with error configmaps "
                            "\"%s\" not found",
                            VL_NS, name, name);
    const json_t *policies = policies_of(c, backup);
    return policies ? wrong_with(policies)
                    : cf_xstrdup("failed to decode yaml data into resource policies");
}

const char *vl_policy_action(struct vl_cluster *c, const json_t *backup, const json_t *claim,
                             const json_t *volume)
{
    size_t i;
    json_t *policy;
    json_array_foreach(json_object_get(policies_of(c, backup), "volumePolicies"), i, policy)
    {
        if (fits(json_object_get(policy, "conditions"), claim, volume))
            return cf_json_str(policy, "", "action", "type", NULL);
    }
    return "";
}
