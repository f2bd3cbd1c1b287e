/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a server serves: by aggregated discovery where it is offered, else group by group. */
#include <stdio.h>
#include <string.h>

#include "federation/kube/discovery_parse.h"
#include "federation/kube/kube_internal.h"

#define AGGREGATED_V2                                                                              \
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"                        \
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

static bool fetch(const struct kube_span *span, const char *path, const char *accept, json_t **out,
                  struct cf_error *err)
{
    struct kube_exchange x = { .method = "GET",
                               .path = path,
                               .accept = accept,
                               .response_max = CF_KUBE_PAGE_BYTES_MAX,
                               .is_read = true };
    return kube_exchange(span, &x, out, NULL, err);
}

/* One group and version, by itself. One that does not answer is noted and passed over. */
static bool walk_version(const struct kube_span *span, const char *api_version,
                         struct kube_resources *all, struct cf_buf *missing, struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(KUBE_PATH_MAX);
    kube_group_version_path(api_version, &path);
    cf_autojson json_t *list = NULL;
    struct kube_resources found = { 0 };
    struct cf_error away = CF_ERROR_INIT;
    bool ok = fetch(span, cf_buf_str(&path), NULL, &list, &away) &&
              kube_parse_resource_list(list, api_version, &found, &away);
    if (!ok && missing)
        cf_buf_printf(missing, "%s%s", missing->len ? ", " : "", api_version);
    ok = true;
    for (size_t i = 0; ok && i < found.n; i++)
        ok = kube_resources_add_first(all, &found.items[i], err);
    free(found.items);
    return ok;
}

/* The preferred version first, then the others for kinds that only they have. */
static bool walk_group(const struct kube_span *span, const json_t *group,
                       struct kube_resources *all, struct cf_buf *missing, struct cf_error *err)
{
    const char *preferred = cf_json_str(group, "", "preferredVersion", "groupVersion", NULL);
    if (preferred[0] && !walk_version(span, preferred, all, missing, err))
        return false;
    const json_t *versions = cf_json_at(group, "versions", NULL);
    for (size_t i = 0; i < json_array_size(versions); i++) {
        const char *gv = cf_json_str(json_array_get(versions, i), "", "groupVersion", NULL);
        if (gv[0] && strcmp(gv, preferred) != 0 && !walk_version(span, gv, all, missing, err))
            return false;
    }
    return true;
}

static bool take_core(const struct kube_span *span, const json_t *api, struct kube_resources *all,
                      struct cf_buf *missing, struct cf_error *err)
{
    if (strcmp(cf_json_str(api, "", "kind", NULL), "APIGroupDiscoveryList") == 0)
        return kube_parse_aggregated(api, all, missing, err);
    const json_t *versions = cf_json_at(api, "versions", NULL);
    for (size_t i = 0; i < json_array_size(versions); i++) {
        const char *version = json_string_value(json_array_get(versions, i));
        if (version && !walk_version(span, version, all, missing, err))
            return false;
    }
    return true;
}

static bool take_groups(const struct kube_span *span, const json_t *apis,
                        struct kube_resources *all, struct cf_buf *missing, struct cf_error *err)
{
    if (strcmp(cf_json_str(apis, "", "kind", NULL), "APIGroupDiscoveryList") == 0)
        return kube_parse_aggregated(apis, all, missing, err);
    const json_t *groups = cf_json_at(apis, "groups", NULL);
    for (size_t i = 0; i < json_array_size(groups); i++) {
        if (!walk_group(span, json_array_get(groups, i), all, missing, err))
            return false;
    }
    return true;
}

bool cf_kube_resources(struct cf_kube *k, const struct cf_kube_how *how,
                       struct cf_kube_resource **out, size_t *out_n, struct cf_buf *out_missing,
                       struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    cf_autojson json_t *api = NULL;
    cf_autojson json_t *apis = NULL;
    struct kube_resources all = { 0 };
    if (!fetch(&span, "/api", AGGREGATED_V2, &api, err) ||
        !fetch(&span, "/apis", AGGREGATED_V2, &apis, err) ||
        !take_core(&span, api, &all, out_missing, err) ||
        !take_groups(&span, apis, &all, out_missing, err)) {
        free(all.items);
        return cf_error_wrap(err, "discover what the cluster serves");
    }
    *out = all.items;
    *out_n = all.n;
    return true;
}
