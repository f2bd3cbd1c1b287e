/* SPDX-License-Identifier: Apache-2.0 */
/* Cleaning and marking manifests. */
#include "deploy/sandbox/karmada/prune.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/karmada/words.h"

enum { KEYS_MAX = 16 * 1024 /* of one object's labels or annotations, joined */ };

static void drop(json_t *object, const char *map, const char *const *keys, size_t n)
{
    json_t *m = json_object_get(json_object_get(object, "metadata"), map);
    for (size_t i = 0; i < n; i++)
        json_object_del(m, keys[i]);
    if (m && json_object_size(m) == 0)
        json_object_del(json_object_get(object, "metadata"), map);
}
#define DROP(object, map, ...)                                                                     \
    do {                                                                                           \
        static const char *const keys_[] = { __VA_ARGS__ };                                        \
        drop(object, map, keys_, CF_ARRAY_LEN(keys_));                                             \
    } while (0)

static void prune_deployment(json_t *o)
{
    DROP(o, "annotations", "deployment.kubernetes.io/revision",
         "deployment.kubernetes.io/revision-history");
}

static void prune_job(json_t *o)
{
    static const char *const drawn[] = { "controller-uid", "batch.kubernetes.io/controller-uid",
                                         "job-name", "batch.kubernetes.io/job-name" };
    (void)cf_json_del(o, "spec", "ttlSecondsAfterFinished", NULL);
    if (cf_json_bool(o, false, "spec", "manualSelector", NULL))
        return;
    for (size_t i = 0; i < CF_ARRAY_LEN(drawn); i++) {
        (void)cf_json_del(o, "spec", "selector", "matchLabels", drawn[i], NULL);
        (void)cf_json_del(o, "spec", "template", "metadata", "labels", drawn[i], NULL);
    }
}

static void prune_service(json_t *o)
{
    const char *ip = cf_json_str(o, "", "spec", "clusterIP", NULL);
    if (!*ip || strcmp(ip, "None") == 0)
        return;
    (void)cf_json_del(o, "spec", "clusterIP", NULL);
    (void)cf_json_del(o, "spec", "clusterIPs", NULL);
}

static void prune_claim(json_t *o)
{
    DROP(o, "annotations", "volume.kubernetes.io/selected-node");
}

static void prune_account(json_t *o)
{
    json_t *secrets = json_object_get(o, "secrets");
    cf_autofree char *prefix = cf_xasprintf("%s-token-", sbx_name(o));
    for (size_t i = json_array_size(secrets); i-- > 0;)
        if (strncmp(cf_json_str(json_array_get(secrets, i), "", "name", NULL), prefix,
                    strlen(prefix)) == 0)
            json_array_remove(secrets, i);
}

static const struct {
    const char *kind;
    void (*prune)(json_t *o);
} kinds[] = {
    { "Deployment", prune_deployment },  { "Job", prune_job },
    { "Service", prune_service },        { "PersistentVolumeClaim", prune_claim },
    { "ServiceAccount", prune_account },
};

void km_prune(json_t *manifest)
{
    static const char *const system[] = { "creationTimestamp",
                                          "deletionTimestamp",
                                          "deletionGracePeriodSeconds",
                                          "generation",
                                          "managedFields",
                                          "resourceVersion",
                                          "selfLink",
                                          "uid",
                                          "ownerReferences",
                                          "finalizers" };
    for (size_t i = 0; i < CF_ARRAY_LEN(system); i++)
        (void)cf_json_del(manifest, "metadata", system[i], NULL);
    json_object_del(manifest, "status");
    const char *kind = cf_json_str(manifest, "", "kind", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            kinds[i].prune(manifest);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The map's keys and `more`, sorted, joined by commas. Caller frees. */
static char *keys_of(const json_t *map, const char *const *more, size_t n_more)
{
    size_t n = 0;
    const char **keys = cf_xcalloc(json_object_size(map) + n_more + 1, sizeof(*keys));
    const char *key;
    json_t *v;
    json_object_foreach(cf_json_unconst(map), key, v)
    {
        bool twice = false;
        for (size_t i = 0; i < n_more; i++)
            twice |= strcmp(key, more[i]) == 0;
        if (!twice)
            keys[n++] = key;
    }
    for (size_t i = 0; i < n_more; i++)
        keys[n++] = more[i];
    qsort(keys, n, sizeof(*keys), by_text);
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(KEYS_MAX);
    for (size_t i = 0; i < n; i++)
        cf_buf_printf(&b, "%s%s", i ? "," : "", keys[i]);
    free(keys);
    return cf_xstrdup(cf_buf_str(&b));
}

void km_mark_manifest(json_t *manifest, const json_t *work)
{
    static const char *const own[] = { KM_MANAGED_ANNOTATIONS, KM_MANAGED_LABELS };
    cf_autofree char *annotations =
        keys_of(cf_json_at(manifest, "metadata", "annotations", NULL), own, CF_ARRAY_LEN(own));
    cf_json_put_take(manifest, json_string(annotations), "metadata", "annotations",
                     KM_MANAGED_ANNOTATIONS, NULL);
    cf_json_put_take(manifest, json_string(sbx_label(work, KM_WORK_ID)), "metadata", "labels",
                     KM_WORK_ID, NULL);
    cf_autofree char *labels = keys_of(cf_json_at(manifest, "metadata", "labels", NULL), NULL, 0);
    cf_json_put_take(manifest, json_string(labels), "metadata", "annotations", KM_MANAGED_LABELS,
                     NULL);
}

void km_unmark(json_t *object)
{
    DROP(object, "labels", KM_RB_ID, KM_CRB_ID, KM_WORK_ID, KM_MANAGED);
    DROP(object, "annotations", KM_MANAGED_ANNOTATIONS, KM_MANAGED_LABELS, KM_RB_NS, KM_RB_NAME,
         KM_CRB_NAME, KM_TEMPLATE_UID, KM_TEMPLATE_GENERATION, KM_WORK_NAME, KM_WORK_NS);
}

void km_unclaim(json_t *object)
{
    DROP(object, "labels", KM_PP_ID, KM_CPP_ID);
    DROP(object, "annotations", KM_PP_NAME, KM_PP_NS, KM_CPP_NAME);
}
