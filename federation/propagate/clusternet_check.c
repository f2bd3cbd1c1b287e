/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the hub can do it, before anything is written: the same questions in preflight and as the
 * first row of a copy. */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/propagate/clusternet.h"
#include "federation/propagate/members.h"

/* --- the hub and its members --- */

static bool is_label_value(const char *name)
{
    enum { LABEL_VALUE_MAX = 63 };
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t len = strlen(name);
    return len > 0 && len <= LABEL_VALUE_MAX && strchr(letters, name[0]) &&
           strchr(letters, name[len - 1]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len;
}

static bool check_identity(const struct cf_clusternet *c, json_t *findings, struct cf_error *err)
{
    char hub[CF_KUBE_UID_TEXT], target[CF_KUBE_UID_TEXT];
    if (!cf_kube_uid(c->hub, NULL, hub, err) || !cf_kube_uid(c->p->target, NULL, target, err))
        return cf_error_wrap(err, "identity of the hub and the target");
    if (strcmp(hub, target) == 0)
        cf_direct_finding(findings, "", "blocker", "HUB_IS_TARGET",
                          "Copy with method: direct, or move to another member",
                          "%s is the hub itself: what is taken back there would go with the hub's "
                          "own namespace",
                          cf_kube_name(c->p->target));
    return true;
}

static bool check_member(struct cf_clusternet *c, json_t *findings, struct cf_error *err)
{
    struct cf_error mine = CF_ERROR_INIT;
    cf_autojson json_t *member = NULL;
    if (!cf_clusternet_open(c->p, c, &mine)) {
        if (mine.kind != CF_ERR_INVALID)
            return cf_error_move(err, &mine);
        cf_direct_finding(findings, "", "blocker", "NO_MEMBER",
                          "Name the hub that the target's agent is registered with", "%s",
                          mine.message);
        return true;
    }
    if (!cf_clusternet_member(c, &member, err))
        return false;
    cf_autofree char *why = cf_clusternet_not_ready(member);
    if (why)
        cf_direct_finding(findings, "", "blocker", "MEMBER_NOT_READY",
                          "Look at the agent clusternet-agent in the target",
                          "ManagedCluster %s/%s of %s is not Ready: %s", c->ns, c->name,
                          cf_kube_name(c->hub), why);
    if (strcmp(cf_json_str(member, "", "metadata", "labels", CF_CLUSTERNET_CLUSTER_ID, NULL),
               c->cluster_id) != 0)
        cf_direct_finding(findings, "", "blocker", "MEMBER_NOT_LABELLED",
                          "Set the label " CF_CLUSTERNET_CLUSTER_ID " to spec.clusterId",
                          "ManagedCluster %s/%s of %s has no label with its id, by which a "
                          "Subscription finds it",
                          c->ns, c->name, cf_kube_name(c->hub));
    return true;
}

/* --- others' Subscriptions --- */

/* The Bases in a member's namespace that feed any of the objects (`in`: their namespace there) and
 * are not this run's. */
static void check_bases(const struct cf_clusternet *c, const json_t *bases, const json_t *inventory,
                        bool in_source, json_t *findings)
{
    const char *in = in_source ? c->p->source_namespace : c->p->target_namespace;
    size_t b, f, i;
    json_t *base, *feed, *item;
    json_array_foreach(bases, b, base)
    {
        const char *sub =
            cf_json_str(base, "?", "metadata", "labels", CF_CLUSTERNET_SUB_NAME, NULL);
        const char *of = cf_json_str(base, "", "metadata", "labels", CF_CLUSTERNET_SUB_NS, NULL);
        cf_autofree char *ours = cf_xasprintf("crossfade-%s-", c->id);
        if (strncmp(sub, ours, strlen(ours)) == 0)
            continue;
        json_array_foreach(cf_json_at(base, "spec", "feeds", NULL), f, feed)
        {
            json_array_foreach(json_object_get(inventory, "objects"), i, item)
            {
                struct cf_object_ref ref = cf_direct_ref(item);
                if (!cf_is_carried(item) || !cf_clusternet_feeds(feed, ref.kind, in, ref.name))
                    continue;
                cf_direct_finding(
                    findings, cf_json_str(item, "", "key", NULL), "blocker",
                    in_source ? "SOURCE_SUBSCRIBED" : "TARGET_SUBSCRIBED",
                    in_source ? "Take them out of the Subscription as its owner knows how (it "
                                "deletes what leaves it), or move them with another tool"
                              : "Take them out of that Subscription first",
                    "Subscription %s/%s of %s has %s %s in %s. Clusternet deletes by name what "
                    "leaves a Subscription, and brings back what is changed beside it",
                    of, sub, cf_kube_name(c->hub), ref.kind, ref.name,
                    cf_kube_name(in_source ? c->p->source : c->p->target));
            }
        }
    }
}

static bool check_target_bases(const struct cf_clusternet *c, const json_t *inventory,
                               json_t *findings, struct cf_error *err)
{
    cf_autojson json_t *bases = NULL;
    if (!*c->name)
        return true;
    if (!cf_clusternet_list(c, "Base", c->ns, NULL, &bases, err))
        return false;
    check_bases(c, bases, inventory, false, findings);
    return true;
}

/* The source may be no member at all, which is best. */
static bool check_source_bases(const struct cf_clusternet *c, const json_t *inventory,
                               json_t *findings, struct cf_error *err)
{
    struct cf_error mine = CF_ERROR_INIT;
    char id[CF_KUBE_UID_TEXT];
    cf_autojson json_t *members = NULL;
    cf_autojson json_t *bases = NULL;
    if (!cf_member_identity(c->p->source, CF_PLANE_CLUSTERNET, id, sizeof id, &mine))
        return mine.kind == CF_ERR_NOT_FOUND || cf_error_move(err, &mine);
    if (!cf_members_list(c->hub, &members, err))
        return false;
    const json_t *member = cf_member_by_id(members, id);
    if (!member)
        return true;
    if (!cf_clusternet_list(c, "Base", cf_json_str(member, "", "namespace", NULL), NULL, &bases,
                            err))
        return false;
    check_bases(c, bases, inventory, true, findings);
    return true;
}

/* Whichever hub it is that has them. */
static void check_origins(const struct cf_clusternet *c, const json_t *inventory, json_t *findings)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const char *by = cf_json_str(item, NULL, "origin", "metadata", "annotations",
                                     CF_CLUSTERNET_OWNED_BY, NULL);
        if (by)
            cf_direct_finding(findings, cf_json_str(item, "", "key", NULL), "blocker",
                              "SOURCE_SUBSCRIBED",
                              "Take it out of the Subscription as its owner knows how (it deletes "
                              "what leaves it), or move it with another tool",
                              "%s on %s was deployed by Clusternet (Description %s), which deletes "
                              "by name what leaves a Subscription and brings back what is stopped",
                              cf_json_str(item, "", "key", NULL), cf_kube_name(c->p->source), by);
    }
}

/* --- others' overrides --- */

static void check_feeds(const struct cf_clusternet *c, const json_t *rows, const json_t *inventory,
                        json_t *findings)
{
    size_t r, i;
    json_t *row, *item;
    json_array_foreach(rows, r, row)
    {
        if (cf_is_of_run(c->p, row))
            continue;
        json_array_foreach(json_object_get(inventory, "objects"), i, item)
        {
            struct cf_object_ref ref = cf_direct_ref(item);
            if (cf_is_carried(item) && cf_clusternet_feeds(cf_json_at(row, "spec", "feed", NULL),
                                                           ref.kind, ref.ns, ref.name))
                cf_direct_finding(
                    findings, cf_json_str(item, "", "key", NULL), "blocker", "OVERRIDDEN",
                    "Remove it, or its feed", "%s %s of %s changes what %s %s would be in %s",
                    cf_json_str(row, "", "kind", NULL), cf_object_name(row), cf_kube_name(c->hub),
                    ref.kind, ref.name, cf_kube_name(c->p->target));
        }
    }
}

static bool check_overrides(const struct cf_clusternet *c, const json_t *inventory,
                            json_t *findings, struct cf_error *err)
{
    cf_autojson json_t *globals = NULL;
    cf_autojson json_t *locals = NULL;
    if (!cf_clusternet_list(c, "Globalization", NULL, NULL, &globals, err) ||
        (*c->name && !cf_clusternet_list(c, "Localization", c->ns, NULL, &locals, err)))
        return false;
    check_feeds(c, globals, inventory, findings);
    check_feeds(c, locals, inventory, findings);
    return true;
}

/* --- templates --- */

static bool check_templates(const struct cf_clusternet *c, const json_t *kinds,
                            const json_t *inventory, json_t *findings, struct cf_error *err)
{
    cf_autojson json_t *manifests = NULL;
    size_t i;
    json_t *item;
    if (!cf_clusternet_manifests(c, false, &manifests, err))
        return false;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        struct cf_object_ref ref = cf_direct_ref(item);
        const json_t *manifest = json_object_get(manifests, key);
        if (!cf_is_carried(item))
            continue;
        if (!cf_clusternet_plural(kinds, &ref))
            cf_direct_finding(findings, key, "blocker", "KIND_NOT_SERVED",
                              "Install its CRD in the hub, exclude it, or copy with method: direct",
                              "the shadow API of %s does not take %s (%s)", cf_kube_name(c->hub),
                              ref.kind, *ref.group ? ref.group : "core");
        if (!is_label_value(ref.name))
            cf_direct_finding(findings, key, "blocker", "NAME_NOT_CARRIED",
                              "Exclude it, or copy with method: direct",
                              "Clusternet keeps names as values of labels: %s %s has one that "
                              "cannot be",
                              ref.kind, ref.name);
        if (manifest && !cf_is_of_run(c->p, json_object_get(manifest, "template")))
            cf_direct_finding(findings, key, "blocker", "TEMPLATE_EXISTS",
                              "Remove it there, or use another target namespace",
                              "%s has a template of %s %s already, which is not this run's",
                              cf_kube_name(c->hub), ref.kind, ref.name);
    }
    return true;
}

static bool check_shadow(const struct cf_clusternet *c, const json_t *inventory, json_t *findings,
                         struct cf_error *err)
{
    struct cf_error mine = CF_ERROR_INIT;
    cf_autojson json_t *kinds = NULL;
    if (cf_clusternet_kinds(c, &kinds, &mine))
        return !inventory || check_templates(c, kinds, inventory, findings, err);
    if (mine.kind != CF_ERR_NOT_FOUND)
        return cf_error_move(err, &mine);
    cf_direct_finding(findings, "", "blocker", "NO_SHADOW_API",
                      "Switch on the feature gate ShadowAPI of clusternet-hub",
                      "%s serves no shadow API, by which templates are written",
                      cf_kube_name(c->hub));
    return true;
}

static bool check_all(const struct cf_propagation *p, const json_t *inventory, json_t *findings,
                      struct cf_error *err)
{
    struct cf_clusternet c;
    enum cf_plane_kind kind;
    cf_clusternet_view(p, &c);
    if (!cf_plane_kind_of(c.hub, &kind, err))
        return false;
    if (kind != CF_PLANE_CLUSTERNET) {
        cf_direct_finding(findings, "", "blocker", "NO_HUB", "Name the API server of the hub",
                          "%s is no hub of Clusternet: it serves no ManagedClusters",
                          cf_kube_name(c.hub));
        return true;
    }
    if (!check_identity(&c, findings, err) || !check_member(&c, findings, err) ||
        !check_shadow(&c, inventory, findings, err))
        return false;
    if (!inventory)
        return true;
    check_origins(&c, inventory, findings);
    return check_target_bases(&c, inventory, findings, err) &&
           check_source_bases(&c, inventory, findings, err) &&
           check_overrides(&c, inventory, findings, err);
}

bool cf_clusternet_check(const struct cf_propagation *p, const json_t *inventory,
                         json_t **out_findings, struct cf_error *err)
{
    struct cf_propagation aside;
    cf_autojson json_t *findings = json_array();
    cf_clusternet_aside(p, &aside);
    bool ok = check_all(&aside, inventory, findings, err);
    json_decref(aside.state);
    if (ok)
        *out_findings = cf_steal(&findings);
    return ok;
}
