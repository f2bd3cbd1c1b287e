/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces of the hub go into every cluster, unless they say otherwise: as Works that belong to
 * the namespace and preserve nothing. */
#include <string.h>
#include <strings.h>

#include "deploy/sandbox/karmada/round.h"
#include "deploy/sandbox/karmada/works.h"

enum { SYNC_MS = 15 };

static bool is_synced(const json_t *ns)
{
    const char *name = sbx_name(ns);
    return !sbx_is_going(ns) && strcmp(name, "default") != 0 && strncmp(name, "kube-", 5) != 0 &&
           strcmp(name, "karmada-system") != 0 && strcmp(name, "karmada-cluster") != 0 &&
           strncmp(name, KM_SPACE_PREFIX, strlen(KM_SPACE_PREFIX)) != 0 &&
           strcasecmp(sbx_label(ns, KM_SKIP_NAMESPACE), "true") != 0;
}

static void sync(struct km_round *r, const json_t *ns, const json_t *cluster)
{
    cf_autojson json_t *manifest = cf_json_copy(ns);
    CF_CLEANUP(km_overridden_free) struct km_overridden overridden = { NULL, NULL };
    cf_autofree char *policy = NULL, *why = NULL;
    if (!km_override(r, &manifest, cluster, &overridden, &policy, &why))
        return;
    struct km_work w = { .cluster = sbx_name(cluster),
                         .template = ns,
                         .manifest = cf_steal(&manifest),
                         .labels = json_object(),
                         .annotations = json_object(),
                         .owners = sbx_owned_by("v1", "Namespace", ns),
                         .overridden = &overridden };
    (void)km_work_write(r, &w);
}

void km_ctl_namespaces(struct km_round *r)
{
    size_t i, j;
    json_t *ns, *cluster;
    json_array_foreach(sbx_pass_all(&r->hub, "", "namespaces"), i, ns)
    {
        if (!is_synced(ns))
            continue;
        cf_autojson json_t *said =
            json_pack("[s,O?,O?]", km_overrides_digest(r),
                      json_object_get(json_object_get(ns, "metadata"), "labels"),
                      json_object_get(json_object_get(ns, "metadata"), "annotations"));
        char state[KM_DIGEST];
        km_digest(said, state);
        json_array_foreach(sbx_pass_all(&r->hub, KM_G_CLUSTER, "clusters"), j, cluster)
        {
            cf_autofree char *space = cf_xasprintf(KM_SPACE_PREFIX "%s", sbx_name(cluster));
            const char *seen = km_recall(r, "namespace %s %s", sbx_uid(ns), sbx_uid(cluster));
            if (sbx_is_going(cluster) || !sbx_pass_one(&r->hub, "", "namespaces", NULL, space) ||
                (seen && strcmp(seen, state) == 0) ||
                !km_after(r, SYNC_MS, "namespace %s %s %s", sbx_uid(ns), sbx_uid(cluster), state))
                continue;
            km_note(r, state, "namespace %s %s", sbx_uid(ns), sbx_uid(cluster));
            sync(r, ns, cluster);
        }
    }
}
