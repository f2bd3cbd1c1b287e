/* SPDX-License-Identifier: Apache-2.0 */
/* Rules between the fields of spec.copy. See check.h. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/plan/check.h"

#define COPY "/spec/copy"

/* Fields that only some methods have. */
static const struct {
    const char *key;
    bool karmada, clusternet;
} fields[] = {
    { "controlPlane", true, true },
    { "mode", true, false },
    { "onConflict", true, true },
    { "overrides", true, false },
};

static void check_strangers(const json_t *copy, const char *method, struct cf_report *r)
{
    bool is_karmada = strcmp(method, "karmada") == 0;
    bool is_clusternet = strcmp(method, "clusternet") == 0;
    for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++) {
        bool fits = (is_karmada && fields[i].karmada) || (is_clusternet && fields[i].clusternet);
        char pointer[CF_JSON_POINTER_MAX];
        if (fits || !json_object_get(copy, fields[i].key))
            continue;
        snprintf(pointer, sizeof pointer, COPY "/%s", fields[i].key);
        if (is_clusternet && strcmp(fields[i].key, "mode") == 0)
            cf_report(
                r, CF_PLAN_CONFLICTING_FIELDS, pointer, "remove it: only the target is copied to",
                "Clusternet cannot adopt a source: it deletes what leaves a subscription, and "
                "can keep nothing");
        else
            cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer, "remove it, or name a federation",
                      "the method \"%s\" has no %s", method, fields[i].key);
    }
}

/* Adoption has one template for both members. */
static void check_adoption(const json_t *effective, const json_t *copy, struct cf_report *r)
{
    const char *from = cf_json_str(effective, "", "spec", "source", "namespace", NULL);
    const char *to = cf_json_str(effective, from, "spec", "target", "namespace", NULL);
    if (strcmp(cf_json_str(copy, "", "mode", NULL), "adopt") != 0)
        return;
    if (strcmp(cf_json_str(copy, "", "overrides", NULL), "template") == 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, COPY "/overrides", "write policy, or remove it",
                  "the template is the source's own: what only the target has stands in a policy");
    if (*from && *to && strcmp(from, to) != 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, COPY "/mode",
                  "write targetOnly, or name one namespace",
                  "one template cannot stand in the namespaces \"%s\" and \"%s\"", from, to);
}

/* It merges over what it finds and deletes by name: nothing could be given back. */
static void check_merging(const json_t *effective, const json_t *copy, struct cf_report *r)
{
    static const char *const why =
        "Clusternet merges over what it finds, and deletes it by name with the Subscription: what "
        "was there could not be given back";
    const char *workloads = cf_json_str(effective, "fail", "spec", "workloads", "onConflict", NULL);
    if (strcmp(cf_json_str(copy, "", "onConflict", NULL), "overwrite") == 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, COPY "/onConflict", "write abort, or remove it",
                  "%s", why);
    if (strcmp(workloads, "fail") != 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, "/spec/workloads/onConflict",
                  "write fail, or remove it", "%s", why);
}

void cf_check_copy(const json_t *effective, struct cf_report *r)
{
    const json_t *copy = cf_json_pointer(effective, COPY);
    const char *method = cf_json_str(copy, NULL, "method", NULL);
    const char *plane = cf_json_str(copy, NULL, "controlPlane", NULL);
    if (!method)
        return;
    check_strangers(copy, method, r);
    if (strcmp(method, "direct") == 0)
        return;
    check_adoption(effective, copy, r);
    if (strcmp(method, "clusternet") == 0)
        check_merging(effective, copy, r);
    if (!plane)
        cf_report(r, CF_PLAN_REQUIRED, COPY, "name the registered cluster that is its API server",
                  "the method \"%s\" needs a controlPlane", method);
    static const char *const ends[] = { "source", "target" };
    for (size_t i = 0; plane && i < CF_ARRAY_LEN(ends); i++) {
        const char *end = cf_json_str(effective, NULL, "spec", ends[i], "cluster", NULL);
        if (end && strcmp(end, plane) == 0)
            cf_report(r, CF_PLAN_SAME_ENDS, COPY "/controlPlane",
                      "name the API server of the federation, not a member",
                      "the control plane is the %s cluster itself", ends[i]);
    }
}
