/* SPDX-License-Identifier: Apache-2.0 */
/* What workloads lose beyond what every object loses (clean.h). */
#include <string.h>

#include "federation/objects/clean.h"

static bool is_token_volume(const char *name, const char *account)
{
    cf_autofree char *prefix = cf_xasprintf("%s-token-", account);
    return strncmp(name, "kube-api-access-", 16) == 0 ||
           (*account && strncmp(name, prefix, strlen(prefix)) == 0);
}

static void drop_named(json_t *list, const char *account)
{
    for (size_t i = json_array_size(list); i-- > 0;)
        if (is_token_volume(cf_json_str(json_array_get(list, i), "", "name", NULL), account))
            json_array_remove(list, i);
}

static void strip_pod_spec(json_t *spec)
{
    const char *account = cf_json_str(spec, "default", "serviceAccountName", NULL);
    json_object_del(spec, "nodeName");
    if (json_object_get(spec, "priorityClassName"))
        json_object_del(spec, "priority"); /* computed from the class */
    drop_named(json_object_get(spec, "volumes"), account);
    static const char *const lists[] = { "containers", "initContainers" };
    for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
        size_t i;
        json_t *container;
        json_array_foreach(json_object_get(spec, lists[l]), i, container)
        {
            drop_named(json_object_get(container, "volumeMounts"), account);
        }
    }
    json_object_del(spec, "serviceAccount"); /* deprecated twin of serviceAccountName */
}

void cf_clean_pod_template(json_t *object, const json_t *original)
{
    (void)original;
    json_t *spec = cf_object_pod_spec(object);
    if (spec)
        strip_pod_spec(spec);
    cf_json_del(object, "spec", "template", "metadata", "creationTimestamp", NULL);
}

void cf_clean_stateful_set(json_t *object, const json_t *original)
{
    cf_clean_pod_template(object, original);
    size_t i;
    json_t *claim;
    json_array_foreach(cf_json_at(object, "spec", "volumeClaimTemplates", NULL), i, claim)
    {
        json_object_del(claim, "status");
        cf_json_del(claim, "metadata", "creationTimestamp", NULL);
    }
}

/* The controller's own selector and labels name the uid of the source's Job. */
void cf_clean_job(json_t *object, const json_t *original)
{
    static const char *const labels[] = { "controller-uid", "job-name",
                                          "batch.kubernetes.io/controller-uid",
                                          "batch.kubernetes.io/job-name" };
    cf_clean_pod_template(object, original);
    if (cf_json_bool(object, false, "spec", "manualSelector", NULL))
        return;
    cf_json_del(object, "spec", "selector", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(labels); i++) {
        cf_json_del(object, "spec", "template", "metadata", "labels", labels[i], NULL);
        cf_json_del(object, "metadata", "labels", labels[i], NULL);
    }
}

void cf_clean_cron_job(json_t *object, const json_t *original)
{
    cf_clean_pod_template(object, original);
    cf_json_del(object, "spec", "jobTemplate", "metadata", "creationTimestamp", NULL);
    cf_json_del(object, "spec", "jobTemplate", "spec", "template", "metadata", "creationTimestamp",
                NULL);
}
