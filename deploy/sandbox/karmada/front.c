/* SPDX-License-Identifier: Apache-2.0 */
/* `…/clusters/NAME/proxy/PATH`: who may, and the member's answer. */
#include "deploy/sandbox/karmada/front.h"

#include <string.h>

#include "deploy/sandbox/api/status.h"
#include "deploy/sandbox/karmada/round.h"

#define AGGREGATED "/apis/" KM_G_CLUSTER
#define CLUSTERS   AGGREGATED "/v1alpha1/clusters/"

/* Whether rules let somebody use the proxy of that cluster. */
static bool rules_cover(const json_t *role, const char *cluster)
{
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(role, "rules"), i, rule)
    {
        const json_t *groups = json_object_get(rule, "apiGroups"),
                     *resources = json_object_get(rule, "resources"),
                     *names = json_object_get(rule, "resourceNames");
        size_t j;
        json_t *word;
        bool group = false, resource = false, name = json_array_size(names) == 0;
        json_array_foreach(cf_json_unconst(groups), j, word)
        {
            group |= sbx_word_in("*," KM_G_CLUSTER, json_string_value(word));
        }
        json_array_foreach(cf_json_unconst(resources), j, word)
        {
            resource |= sbx_word_in("*,*/*,clusters/proxy,clusters/*", json_string_value(word));
        }
        json_array_foreach(cf_json_unconst(names), j, word)
        {
            name |= strcmp(json_string_value(word), cluster) == 0;
        }
        if (group && resource && name)
            return true;
    }
    return false;
}

/* Being a cluster's administrator is not enough: a binding must name the user, or everyone. */
static bool may_proxy(struct sbx_api *hub, const char *user, const char *cluster)
{
    cf_autojson json_t *bindings =
        sbx_api_all(hub, "rbac.authorization.k8s.io", "clusterrolebindings", NULL);
    size_t i, j;
    json_t *b, *s;
    json_array_foreach(bindings, i, b)
    {
        cf_autojson json_t *role = sbx_api_one(hub, "rbac.authorization.k8s.io", "clusterroles",
                                               NULL, cf_json_str(b, "", "roleRef", "name", NULL));
        if (!role || !rules_cover(role, cluster))
            continue;
        json_array_foreach(json_object_get(b, "subjects"), j, s)
        {
            const char *name = cf_json_str(s, "", "name", NULL);
            if (strcmp(name, user) == 0 || strcmp(name, "system:masters") == 0 ||
                strcmp(name, "system:authenticated") == 0)
                return true;
        }
    }
    return false;
}

static bool proxy(struct km_plane *plane, const struct sbx_call *call, const char *cluster,
                  const char *rest, struct sbx_answer *out)
{
    const char *user = "";
    if (!call->trusted && sbx_api_who(plane->hub.api, call->authorization, &user) == 0)
        return sbx_fail(out, 401, "Unauthorized", "Unauthorized");
    int64_t status = km_get(&plane->switches, KM_PROXY_STATUS);
    if (status == 403 || (!status && !call->trusted && !may_proxy(plane->hub.api, user, cluster)))
        return sbx_fail(out, 403, "Forbidden",
                        "users \"%s\" is forbidden: User \"system:serviceaccount:karmada-cluster:"
                        "karmada-impersonator\" cannot impersonate resource \"users\" in API group "
                        "\"\" at the cluster scope",
                        user);
    struct km_member *m = NULL;
    for (size_t i = 0; i < plane->count; i++)
        if (strcmp(plane->members[i].name, cluster) == 0)
            m = &plane->members[i];
    if (!m)
        return sbx_fail(out, 404, "NotFound", "clusters.cluster.karmada.io \"%s\" not found",
                        cluster);
    if (status || !km_member_answers(m)) {
        out->status = status ? (int)status : 502;
        out->text = cf_xstrdup("error trying to reach service: dial tcp: connect: connection "
                               "refused");
        return true;
    }
    struct sbx_call inner = *call;
    inner.target = rest;
    inner.trusted = true;
    sbx_api_call(m->world.api, &inner, NULL, NULL, NULL, out);
    return true;
}

bool km_front_answer(void *user, const struct sbx_call *call, struct sbx_answer *out)
{
    struct km_plane *plane = ((struct km_front *)user)->plane;
    if (call->trusted || strncmp(call->target, AGGREGATED, strlen(AGGREGATED)) != 0)
        return false;
    if (km_on(&plane->switches, KM_AGGREGATED_DOWN)) {
        out->status = 503;
        out->text = cf_xstrdup("service unavailable\n");
        return true;
    }
    if (strncmp(call->target, CLUSTERS, strlen(CLUSTERS)) != 0)
        return false;
    const char *name = call->target + strlen(CLUSTERS), *end = strstr(name, "/proxy");
    if (!end || (end[6] && end[6] != '/' && end[6] != '?') ||
        memchr(name, '/', (size_t)(end - name)))
        return false;
    cf_autofree char *cluster = cf_xstrndup(name, (size_t)(end - name));
    (void)proxy(plane, call, cluster, end[6] ? end + 6 : "/", out);
    return true;
}
