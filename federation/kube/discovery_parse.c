/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery documents to rows. Pure. */
#include "federation/kube/discovery_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/url.h"

static const struct {
    const char *name;
    enum cf_kube_verb verb;
} verb_names[] = {
    { "get", CF_KUBE_VERB_GET },       { "list", CF_KUBE_VERB_LIST },
    { "watch", CF_KUBE_VERB_WATCH },   { "create", CF_KUBE_VERB_CREATE },
    { "update", CF_KUBE_VERB_UPDATE }, { "patch", CF_KUBE_VERB_PATCH },
    { "delete", CF_KUBE_VERB_DELETE },
};

void kube_group_version_path(const char *api_version, struct cf_buf *out)
{
    const char *slash = strchr(api_version, '/');
    cf_buf_puts(out, slash ? "/apis/" : "/api/");
    if (slash) {
        cf_autofree char *group = cf_xstrndup(api_version, (size_t)(slash - api_version));
        cf_url_escape(out, group);
        cf_buf_putc(out, '/');
    }
    cf_url_escape(out, slash ? slash + 1 : api_version);
}

static unsigned verbs_of(const json_t *names)
{
    unsigned verbs = 0;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        for (size_t v = 0; name && v < CF_ARRAY_LEN(verb_names); v++) {
            if (strcmp(name, verb_names[v].name) == 0)
                verbs |= verb_names[v].verb;
        }
    }
    return verbs;
}

static bool put(char *to, size_t size, const char *from)
{
    size_t len = strlen(from);
    if (len >= size)
        return false;
    memcpy(to, from, len + 1);
    return true;
}

static bool make_row(const char *group, const char *version, const char *kind, const char *plural,
                     struct cf_kube_resource *out)
{
    *out = (struct cf_kube_resource){ 0 };
    return kind[0] && plural[0] && put(out->group, sizeof out->group, group) &&
           put(out->version, sizeof out->version, version) &&
           put(out->kind, sizeof out->kind, kind) && put(out->plural, sizeof out->plural, plural);
}

static bool add(struct kube_resources *out, const struct cf_kube_resource *r, struct cf_error *err)
{
    if (out->n >= CF_KUBE_RESOURCES_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "the cluster serves more than %d kinds",
                            CF_KUBE_RESOURCES_MAX);
    if (out->n == out->cap) {
        out->cap = out->cap ? 2 * out->cap : 32;
        out->items = cf_xrealloc(out->items, out->cap * sizeof *out->items);
    }
    out->items[out->n++] = *r;
    return true;
}

bool kube_resources_add_first(struct kube_resources *out, const struct cf_kube_resource *r,
                              struct cf_error *err)
{
    for (size_t i = out->n; i-- > 0;) {
        if (strcmp(out->items[i].plural, r->plural) == 0 &&
            strcmp(out->items[i].group, r->group) == 0)
            return true;
    }
    return add(out, r, err);
}

bool kube_parse_resource_list(const json_t *list, const char *api_version,
                              struct kube_resources *out, struct cf_error *err)
{
    const json_t *resources = cf_json_at(list, "resources", NULL);
    if (!json_is_array(resources) && !json_is_null(resources))
        return cf_error_set(err, CF_ERR_TRANSIENT, "%s: not an APIResourceList", api_version);
    struct cf_object_ref gv = cf_ref(api_version, "List", NULL, NULL);
    for (size_t i = 0; i < json_array_size(resources); i++) {
        const json_t *item = json_array_get(resources, i);
        const char *plural = cf_json_str(item, "", "name", NULL);
        struct cf_kube_resource r;
        if (strchr(plural, '/') ||
            !make_row(gv.group, gv.version, cf_json_str(item, "", "kind", NULL), plural, &r))
            continue;
        r.namespaced = cf_json_bool(item, false, "namespaced", NULL);
        r.verbs = verbs_of(cf_json_at(item, "verbs", NULL));
        if (!add(out, &r, err))
            return false;
    }
    return true;
}

static bool parse_aggregated_version(const char *group, const json_t *version,
                                     struct kube_resources *out, struct cf_error *err)
{
    const json_t *resources = cf_json_at(version, "resources", NULL);
    for (size_t i = 0; i < json_array_size(resources); i++) {
        const json_t *item = json_array_get(resources, i);
        struct cf_kube_resource r;
        if (!make_row(group, cf_json_str(version, "", "version", NULL),
                      cf_json_str(item, "", "responseKind", "kind", NULL),
                      cf_json_str(item, "", "resource", NULL), &r))
            continue;
        r.namespaced = strcmp(cf_json_str(item, "", "scope", NULL), "Namespaced") == 0;
        r.verbs = verbs_of(cf_json_at(item, "verbs", NULL));
        if (!kube_resources_add_first(out, &r, err))
            return false;
    }
    return true;
}

bool kube_parse_aggregated(const json_t *list, struct kube_resources *out, struct cf_buf *missing,
                           struct cf_error *err)
{
    const json_t *groups = cf_json_at(list, "items", NULL);
    for (size_t g = 0; g < json_array_size(groups); g++) {
        const json_t *item = json_array_get(groups, g);
        const char *group = cf_json_str(item, "", "metadata", "name", NULL);
        const json_t *versions = cf_json_at(item, "versions", NULL);
        for (size_t v = 0; v < json_array_size(versions); v++) {
            const json_t *version = json_array_get(versions, v);
            if (missing && strcmp(cf_json_str(version, "", "freshness", NULL), "Stale") == 0)
                cf_buf_printf(missing, "%s%s/%s", missing->len ? ", " : "", group,
                              cf_json_str(version, "", "version", NULL));
            if (!parse_aggregated_version(group, version, out, err))
                return false;
        }
    }
    return true;
}
