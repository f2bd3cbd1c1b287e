/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery documents, made from the table of kinds. */
#include <ctype.h>
#include <string.h>

#include "deploy/sandbox/api/kinds.h"

json_t *sbx_discover_root(void)
{
    return json_pack("{s:s,s:[s],s:[]}", "kind", "APIVersions", "versions", "v1",
                     "serverAddressByClientCIDRs");
}

static json_t *group_version(const char *group, const char *version)
{
    cf_autofree char *gv = cf_xasprintf("%s/%s", group, version);
    return json_pack("{s:s,s:s}", "groupVersion", gv, "version", version);
}

/* Every version of the group that something is served under; the newest of ours is preferred. */
static json_t *group_entry(const struct sbx_served *s, const char *group)
{
    json_t *versions = json_array();
    const char *preferred = "v1", *last = "";
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++) {
        if (strcmp(k->group, group) != 0 || !sbx_kind_served(s, k) || strcmp(k->version, last) == 0)
            continue;
        last = preferred = k->version;
        json_array_insert_new(versions, 0, group_version(group, k->version));
    }
    if (json_array_size(versions) == 0)
        json_array_append_new(versions, group_version(group, preferred));
    for (const struct sbx_version_alias *a = sbx_version_aliases; a->group; a++)
        if (strcmp(a->group, group) == 0)
            json_array_append_new(versions, group_version(group, a->version));
    return json_pack("{s:s,s:o,s:o}", "name", group, "versions", versions, "preferredVersion",
                     group_version(group, preferred));
}

json_t *sbx_discover_groups(const struct sbx_served *s)
{
    json_t *groups = json_array();
    const char *last = "";
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++) {
        if (strcmp(k->group, last) == 0 || !sbx_kind_served(s, k))
            continue;
        json_array_append_new(groups, group_entry(s, k->group));
        last = k->group;
    }
    json_array_append_new(groups, group_entry(s, "authorization.k8s.io"));
    return json_pack("{s:s,s:s,s:o}", "kind", "APIGroupList", "apiVersion", "v1", "groups", groups);
}

json_t *sbx_discover_group(const struct sbx_served *s, const char *group)
{
    bool found = strcmp(group, "authorization.k8s.io") == 0;
    for (const struct sbx_kind *k = sbx_kinds; k->kind && !found; k++)
        found = *group && strcmp(k->group, group) == 0 && sbx_kind_served(s, k);
    if (!found)
        return NULL;
    json_t *g = group_entry(s, group);
    json_object_set_new(g, "kind", json_string("APIGroup"));
    json_object_set_new(g, "apiVersion", json_string("v1"));
    return g;
}

static json_t *verbs_of(const struct sbx_kind *k)
{
    json_t *v =
        json_pack("[s,s,s,s,s,s,s]", "create", "delete", "get", "list", "patch", "update", "watch");
    if (strcmp(k->plural, "namespaces") != 0)
        json_array_insert_new(v, 2, json_string("deletecollection"));
    return v;
}

static void add_sub(json_t *resources, const struct sbx_kind *k, const char *sub, const char *kind,
                    const char *group, const char *version)
{
    cf_autofree char *name = cf_xasprintf("%s/%s", k->plural, sub);
    json_t *r =
        json_pack("{s:s,s:s,s:b,s:s,s:[s,s,s]}", "name", name, "singularName", "", "namespaced",
                  k->namespaced, "kind", kind, "verbs", "get", "patch", "update");
    if (group) {
        json_object_set_new(r, "group", json_string(group));
        json_object_set_new(r, "version", json_string(version));
    }
    json_array_append_new(resources, r);
}

static void add_kind(json_t *resources, const struct sbx_kind *k)
{
    char singular[64];
    size_t n = 0;
    for (; k->kind[n] && n < sizeof(singular) - 1; n++)
        singular[n] = (char)tolower((unsigned char)k->kind[n]);
    singular[n] = '\0';
    json_t *r = json_pack("{s:s,s:s,s:b,s:s,s:o}", "name", k->plural, "singularName", singular,
                          "namespaced", k->namespaced, "kind", k->kind, "verbs", verbs_of(k));
    if (k->short_name && *k->short_name)
        json_object_set_new(r, "shortNames", json_pack("[s]", k->short_name));
    json_array_append_new(resources, r);
    if (k->has_scale)
        add_sub(resources, k, "scale", "Scale", "autoscaling", "v1");
    if (k->has_status)
        add_sub(resources, k, "status", k->kind, NULL, NULL);
    if (k->plane == SBX_PLANE_KARMADA && strcmp(k->kind, "Cluster") == 0)
        add_sub(resources, k, "proxy", k->kind, NULL, NULL);
}

json_t *sbx_discover_resources(const struct sbx_served *s, const char *group, const char *version)
{
    if (!sbx_group_version_served(s, group, version))
        return NULL;
    json_t *resources = json_array();
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
        if (strcmp(k->group, group) == 0 && sbx_kind_served(s, k) &&
            sbx_kind_find(group, version, k->plural))
            add_kind(resources, k);
    if (strcmp(group, "authorization.k8s.io") == 0)
        json_array_append_new(
            resources, json_pack("{s:s,s:s,s:b,s:s,s:[s]}", "name", "selfsubjectaccessreviews",
                                 "singularName", "selfsubjectaccessreview", "namespaced", 0, "kind",
                                 "SelfSubjectAccessReview", "verbs", "create"));
    cf_autofree char *gv = *group ? cf_xasprintf("%s/%s", group, version) : cf_xstrdup(version);
    return json_pack("{s:s,s:s,s:s,s:o}", "kind", "APIResourceList", "apiVersion", "v1",
                     "groupVersion", gv, "resources", resources);
}
