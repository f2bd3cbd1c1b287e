/* SPDX-License-Identifier: Apache-2.0 */
/* The objects that are written to the hub. Pure. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/json_patch.h"
#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/clusternet.h"

/* Applied after all others: what is ours is to stand in the target. */
enum { PRIORITY_LAST = 1000 };

/* --- templates --- */

/* The hub takes these from a Service whenever it is written; the target's own come with the
 * Localization. */
static void drop_node_ports(json_t *service)
{
    size_t i;
    json_t *port;
    cf_json_del(service, "spec", "healthCheckNodePort", NULL);
    json_array_foreach(cf_json_at(service, "spec", "ports", NULL), i, port)
    {
        json_object_del(port, "nodePort");
    }
}

static void mark(json_t *object, const char *run_id)
{
    if (*run_id)
        cf_json_put_take(object, json_string(run_id), "metadata", "labels", CF_LABEL_RUN, NULL);
    cf_json_put_take(object, json_string("true"), "metadata", "annotations", CF_CLUSTERNET_UNTRIED,
                     NULL);
}

json_t *cf_clusternet_template(const struct cf_clusternet *c, const json_t *item)
{
    json_t *template = cf_object_rehome(json_object_get(item, "origin"), c->p->target_namespace);
    if (strcmp(cf_json_str(template, "", "kind", NULL), "Service") == 0)
        drop_node_ports(template);
    mark(template, c->p->run_id);
    return template;
}

bool cf_clusternet_is_left_to_autoscaler(const json_t *item)
{
    const json_t *body = json_object_get(item, "body");
    return cf_json_bool(item, false, "autoscaled", NULL) &&
           !cf_json_at(body, "metadata", "annotations", CF_ANNOTATION_ACTIVATE, NULL);
}

json_t *cf_clusternet_wanted(const json_t *item)
{
    json_t *wanted = cf_json_copy(json_object_get(item, "body"));
    if (cf_clusternet_is_left_to_autoscaler(item))
        cf_json_del(wanted, "spec", "replicas", NULL);
    return wanted;
}

/* --- Localizations --- */

void cf_clusternet_localization_name(const struct cf_clusternet *c, const char *key,
                                     char out[CF_CLUSTERNET_NAME_MAX])
{
    char hex[CF_SHA256_HEX];
    cf_sha256_hex(key, strlen(key), hex);
    (void)snprintf(out, CF_CLUSTERNET_NAME_MAX, "crossfade-%s-%.12s", c->id, hex);
}

json_t *cf_clusternet_overrides(const json_t *patch)
{
    cf_autofree char *text = cf_json_dump(patch);
    return json_pack("[{s:s, s:s, s:s}]", "name", "crossfade", "type", "MergePatch", "value", text);
}

json_t *cf_clusternet_override(const json_t *localization, struct cf_error *err)
{
    const json_t *rows = cf_json_at(localization, "spec", "overrides", NULL);
    const char *text = cf_json_str(json_array_get(rows, 0), "", "value", NULL);
    json_t *patch = json_array_size(rows) == 1 ? cf_json_parse(text, strlen(text), 0, err) : NULL;
    if (json_is_object(patch))
        return patch;
    json_decref(patch);
    cf_error_set(err, CF_ERR_INVALID, "Localization %s is not as it was written",
                 cf_object_name(localization));
    return NULL;
}

static json_t *feed_of(const struct cf_object_ref *ref)
{
    char version[CF_API_VERSION_MAX];
    return json_pack("{s:s, s:s, s:s, s:s}", "apiVersion", cf_ref_api_version(ref, version), "kind",
                     ref->kind, "namespace", ref->ns, "name", ref->name);
}

json_t *cf_clusternet_localization(const struct cf_clusternet *c, const json_t *item)
{
    cf_autojson json_t *from = cf_clusternet_template(c, item);
    cf_autojson json_t *to = cf_clusternet_wanted(item);
    char name[CF_CLUSTERNET_NAME_MAX];
    mark(to, c->p->run_id);
    cf_autojson json_t *patch = cf_json_merge_diff(from, to);
    if (json_object_size(patch) == 0)
        return NULL;
    struct cf_object_ref ref = cf_direct_ref(item);
    cf_clusternet_localization_name(c, cf_json_str(item, "", "key", NULL), name);
    json_t *localization = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s, s:i, s:o, s:o}}", "apiVersion",
        CF_CLUSTERNET_APPS, "kind", "Localization", "metadata", "name", name, "namespace", c->ns,
        "labels", CF_LABEL_RUN, c->p->run_id, "spec", "overridePolicy", "ApplyNow", "priority",
        PRIORITY_LAST, "feed", feed_of(&ref), "overrides", cf_clusternet_overrides(patch));
    if (cf_json_bool(item, false, "autoscaled", NULL))
        cf_json_put_take(localization, json_string("true"), "metadata", "annotations",
                         CF_ANNOTATION_AUTOSCALED, NULL);
    return localization;
}

/* --- Subscriptions --- */

static json_t *feeds_of(const struct cf_clusternet *c, const json_t *row)
{
    json_t *feeds = json_array();
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(row, "objects"), i, object)
    {
        json_array_append_new(feeds, json_pack("{s:O, s:O, s:s, s:O}", "apiVersion",
                                               json_object_get(object, "apiVersion"), "kind",
                                               json_object_get(object, "kind"), "namespace",
                                               c->p->target_namespace, "name",
                                               json_object_get(object, "name")));
    }
    return feeds;
}

/* All taints are tolerated: when one makes the scheduler let go of the target, Clusternet deletes
 * there what serves. */
json_t *cf_clusternet_subscription(const struct cf_clusternet *c, const json_t *row)
{
    return json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s, s:[{s:{s:{s:s}}}], s:[{s:s}], s:o}}",
        "apiVersion", CF_CLUSTERNET_APPS, "kind", "Subscription", "metadata", "name",
        cf_json_str(row, "", "name", NULL), "namespace", c->p->target_namespace, "labels",
        CF_LABEL_RUN, c->p->run_id, "spec", "schedulingStrategy", "Replication", "subscribers",
        "clusterAffinity", "matchLabels", CF_CLUSTERNET_CLUSTER_ID, c->cluster_id,
        "clusterTolerations", "operator", "Exists", "feeds", feeds_of(c, row));
}

bool cf_clusternet_is_ours(const struct cf_clusternet *c, const json_t *row, const json_t *live,
                           json_t *lines)
{
    static const char *const fields[] = { "schedulingStrategy", "subscribers", "feeds",
                                          "clusterTolerations" };
    cf_autojson json_t *wanted = cf_clusternet_subscription(c, row);
    bool same = true;
    for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++) {
        cf_autojson json_t *want = json_object();
        const json_t *value = cf_json_at(wanted, "spec", fields[i], NULL);
        cf_json_put_take(want, cf_json_copy(value), "spec", fields[i], NULL);
        same = cf_object_same(want, live, lines) && same;
        const json_t *there = cf_json_at(live, "spec", fields[i], NULL);
        if (!json_is_array(value) || json_array_size(value) == json_array_size(there))
            continue;
        same = false;
        if (lines) {
            cf_autofree char *line =
                cf_xasprintf("spec.%s has %zu entries instead of %zu", fields[i],
                             json_array_size(there), json_array_size(value));
            json_array_append_new(lines, json_string(line));
        }
    }
    return same;
}

bool cf_clusternet_feeds(const json_t *feed, const char *kind, const char *ns, const char *name)
{
    const char *fed = cf_json_str(feed, "", "kind", NULL);
    const char *in = cf_json_str(feed, "", "namespace", NULL);
    const char *named = cf_json_str(feed, "", "name", NULL);
    if (strcmp(fed, "Namespace") == 0)
        return strcmp(named, ns) == 0;
    /* A feed without a namespace means that name in all of them. */
    return strcmp(fed, kind) == 0 && strcmp(named, name) == 0 && (!*in || strcmp(in, ns) == 0);
}
