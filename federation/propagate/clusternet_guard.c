/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the hub is still as we left it, so that nothing of it can remove a copy that serves. A hub
 * that does not answer is a finding: what it does then cannot be seen. */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/propagate/clusternet.h"

static void add(json_t *findings, const char *code, const char *hint, const char *message, ...)
    CF_PRINTF(4, 5);

static void add(json_t *findings, const char *code, const char *hint, const char *message, ...)
{
    va_list ap;
    va_start(ap, message);
    cf_autofree char *text = cf_xvasprintf(message, ap);
    va_end(ap);
    json_array_append_new(
        findings, json_pack("{s:s, s:s, s:s}", "code", code, "message", text, "hint", hint));
}

/* --- the member --- */

static bool guard_member(const struct cf_clusternet *c, json_t *findings, struct cf_error *err)
{
    static const char *const hint = "nothing is deleted while it is not Ready; look at the agent "
                                    "in the target";
    cf_autojson json_t *member = NULL;
    struct cf_error mine = CF_ERROR_INIT;
    if (!cf_clusternet_member(c, &member, &mine)) {
        if (mine.kind != CF_ERR_NOT_FOUND)
            return cf_error_move(err, &mine);
        add(findings, "MEMBER_GONE", "register the target with the hub again",
            "ManagedCluster %s/%s of %s is gone", c->ns, c->name, cf_kube_name(c->hub));
        return true;
    }
    cf_autofree char *why = cf_clusternet_not_ready(member);
    if (why)
        add(findings, "MEMBER_NOT_READY", hint, "ManagedCluster %s/%s of %s is not Ready: %s",
            c->ns, c->name, cf_kube_name(c->hub), why);
    if (strcmp(cf_json_str(member, "", "spec", "clusterId", NULL), c->cluster_id) != 0 ||
        strcmp(cf_json_str(member, "", "metadata", "labels", CF_CLUSTERNET_CLUSTER_ID, NULL),
               c->cluster_id) != 0)
        add(findings, "MEMBER_CHANGED",
            "give it its id and its label back: " CF_CLUSTERNET_CLUSTER_ID,
            "ManagedCluster %s/%s of %s does not carry the id %s any more, by which it is subscribed",
            c->ns, c->name, cf_kube_name(c->hub), c->cluster_id);
    if (cf_json_at(member, "metadata", "deletionTimestamp", NULL))
        add(findings, "MEMBER_GONE", "keep it until the run is over",
            "ManagedCluster %s/%s of %s is being deleted", c->ns, c->name, cf_kube_name(c->hub));
    return true;
}

/* --- Subscriptions --- */

static bool guard_offspring(const struct cf_clusternet *c, const json_t *sub, json_t *findings,
                            struct cf_error *err)
{
    static const char *const kinds[] = { "Base", "Description" };
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++) {
        cf_autojson json_t *rows = NULL;
        if (!cf_clusternet_offspring(c, kinds[i], cf_object_uid(sub), &rows, err))
            return false;
        const json_t *row = json_array_get(rows, 0);
        if (!row || cf_json_at(row, "metadata", "deletionTimestamp", NULL)) {
            add(findings, row ? "DEPLOYMENT_GOING" : "DEPLOYMENT_GONE",
                "with it Clusternet deletes the copies in the target; look at the events of the "
                "Subscription",
                "the %s of Subscription %s in %s is %s", kinds[i], cf_object_name(sub), c->ns,
                row ? "being deleted" : "gone");
            return true;
        }
        const char *phase = cf_json_str(row, "Success", "status", "phase", NULL);
        if (strcmp(phase, "Success") != 0)
            add(findings, "DEPLOYMENT_FAILS", "its status says why",
                "Description %s/%s: %s: %.300s", c->ns, cf_object_name(row), phase,
                cf_json_str(row, "", "status", "reason", NULL));
    }
    return true;
}

static bool is_bound_here(const struct cf_clusternet *c, const json_t *sub)
{
    const json_t *bound = cf_json_at(sub, "status", "bindingClusters", NULL);
    cf_autofree char *wanted = cf_xasprintf("%s/%s", c->ns, c->name);
    const char *first = json_string_value(json_array_get(bound, 0));
    return json_array_size(bound) == 1 && first && strcmp(first, wanted) == 0;
}

static bool guard_subscription(const struct cf_clusternet *c, const json_t *row, json_t *findings,
                               struct cf_error *err)
{
    static const char *const hint = "nothing is moved until it is as it was: whatever leaves a "
                                    "Subscription is deleted in the target";
    const char *name = cf_json_str(row, "", "name", NULL);
    struct cf_object_ref ref = cf_clusternet_ref("Subscription", c->p->target_namespace, name);
    cf_autojson json_t *sub = NULL;
    cf_autojson json_t *lines = json_array();
    bool found = false;
    if (!cf_kube_find(c->hub, NULL, &ref, &found, &sub, err))
        return cf_error_wrap(err, "read Subscription %s", name);
    if (!found || cf_json_at(sub, "metadata", "deletionTimestamp", NULL)) {
        add(findings, "SUBSCRIPTION_GONE", "roll the run back: the copies go with it",
            "Subscription %s/%s of %s is %s", ref.ns, name, cf_kube_name(c->hub),
            found ? "being deleted" : "gone");
        return true;
    }
    if (!cf_clusternet_is_ours(c, row, sub, lines))
        add(findings, "SUBSCRIPTION_CHANGED", hint, "Subscription %s/%s of %s was changed: %.200s",
            ref.ns, name, cf_kube_name(c->hub),
            json_array_size(lines) ? json_string_value(json_array_get(lines, 0)) : "it differs");
    if (!is_bound_here(c, sub))
        add(findings, "BINDING_CHANGED", hint,
            "Subscription %s/%s of %s is not bound to %s/%s alone any more", ref.ns, name,
            cf_kube_name(c->hub), c->ns, c->name);
    return guard_offspring(c, sub, findings, err);
}

/* --- templates and overrides --- */

static bool feeds_ours(const struct cf_clusternet *c, const json_t *feed)
{
    size_t i, n;
    json_t *row, *object;
    json_array_foreach(cf_clusternet_subscriptions(c), i, row)
    {
        json_array_foreach(json_object_get(row, "objects"), n, object)
        {
            if (cf_clusternet_feeds(feed, cf_json_str(object, "", "kind", NULL),
                                    c->p->target_namespace, cf_json_str(object, "", "name", NULL)))
                return true;
        }
    }
    return false;
}

static bool guard_foreign(const struct cf_clusternet *c, const char *kind, const char *ns,
                          json_t *findings, struct cf_error *err)
{
    cf_autojson json_t *rows = NULL;
    size_t i;
    json_t *row;
    if (!cf_clusternet_list(c, kind, ns, NULL, &rows, err))
        return false;
    json_array_foreach(rows, i, row)
    {
        if (!cf_is_of_run(c->p, row) && feeds_ours(c, cf_json_at(row, "spec", "feed", NULL)))
            add(findings, "OVERRIDDEN", "remove it until the run is over",
                "%s %s of %s changes what this run deployed", kind, cf_object_name(row),
                cf_kube_name(c->hub));
    }
    return true;
}

static bool guard_localizations(const struct cf_clusternet *c, const json_t *ledger,
                                json_t *findings, struct cf_error *err)
{
    cf_autojson json_t *ours = NULL;
    size_t i;
    json_t *entry;
    if (!cf_clusternet_localizations(c, &ours, err))
        return false;
    json_array_foreach(ledger, i, entry)
    {
        const char *key = cf_json_str(entry, "", "key", NULL);
        char name[CF_CLUSTERNET_NAME_MAX];
        cf_clusternet_localization_name(c, key, name);
        const json_t *there = json_object_get(ours, name);
        if (!cf_clusternet_is_noted(c, key, there))
            add(findings, "LOCALIZATION_CHANGED",
                "what it said is what the target has otherwise than the source: replicas, images, "
                "what waits for the switch",
                "Localization %s/%s of %s for %s %s", c->ns, name, cf_kube_name(c->hub), key,
                there ? "was changed" : "is gone");
    }
    return true;
}

static bool guard_others(const struct cf_clusternet *c, json_t *findings, struct cf_error *err)
{
    cf_autofree char *ours = cf_xasprintf("crossfade-%s-", c->id);
    cf_autojson json_t *bases = NULL;
    size_t i, f;
    json_t *base, *feed;
    if (!cf_clusternet_list(c, "Base", c->ns, NULL, &bases, err))
        return false;
    json_array_foreach(bases, i, base)
    {
        if (strncmp(cf_object_name(base), ours, strlen(ours)) == 0)
            continue;
        json_array_foreach(cf_json_at(base, "spec", "feeds", NULL), f, feed)
        {
            if (!feeds_ours(c, feed))
                continue;
            add(findings, "SUBSCRIBED_TWICE",
                "take it out of that Subscription's feeds only when "
                "the traffic is back in the source: it deletes there",
                "Subscription %s of %s feeds %s %s in the target as well",
                cf_json_str(base, "?", "metadata", "labels", CF_CLUSTERNET_SUB_NAME, NULL),
                cf_kube_name(c->hub), cf_json_str(feed, "?", "kind", NULL),
                cf_json_str(feed, "?", "name", NULL));
            break;
        }
    }
    return true;
}

static bool guard_templates(const struct cf_clusternet *c, json_t *findings, struct cf_error *err)
{
    cf_autojson json_t *manifests = NULL;
    size_t i, n;
    json_t *row, *object;
    if (!cf_clusternet_manifests(c, true, &manifests, err))
        return false;
    json_array_foreach(cf_clusternet_subscriptions(c), i, row)
    {
        json_array_foreach(json_object_get(row, "objects"), n, object)
        {
            const char *key = cf_json_str(object, "", "key", NULL);
            const json_t *manifest = json_object_get(manifests, key);
            if (cf_clusternet_phase_of(row) == CF_SUB_PLANNED ||
                (manifest && !cf_json_at(manifest, "metadata", "deletionTimestamp", NULL)))
                continue;
            add(findings, "TEMPLATE_GONE", "roll the run back, or write the template again",
                "the template of %s on %s is %s", key, cf_kube_name(c->hub),
                manifest ? "being deleted" : "gone");
        }
    }
    return true;
}

/* --- the copies --- */

/* One that the agent made again is as good as the first. */
static bool guard_copies(const struct cf_clusternet *c, const json_t *ledger, json_t *findings,
                         struct cf_error *err)
{
    cf_autojson json_t *carried = cf_carried_entries(ledger, true);
    cf_autojson json_t *lives = NULL;
    size_t i;
    json_t *entry;
    if (!cf_direct_look(c->p, carried, NULL, &lives, err))
        return false;
    json_array_foreach(carried, i, entry)
    {
        const char *key = cf_json_str(entry, "", "key", NULL);
        const json_t *live = json_object_get(lives, key);
        if (cf_is_of_run(c->p, live))
            continue;
        add(findings, live ? "COPY_REPLACED" : "COPY_GONE",
            "where the agent's Recovery is on, it comes back by itself; else roll back",
            "%s on %s is %s", key, cf_kube_name(c->p->target),
            live ? "not this run's any more" : "gone");
    }
    return true;
}

/* --- all of it --- */

static bool guard_hub(const struct cf_clusternet *c, const json_t *ledger, json_t *findings,
                      struct cf_error *err)
{
    size_t i;
    json_t *row;
    if (!guard_member(c, findings, err))
        return false;
    json_array_foreach(cf_clusternet_subscriptions(c), i, row)
    {
        if (cf_clusternet_phase_of(row) != CF_SUB_PLANNED &&
            !guard_subscription(c, row, findings, err))
            return false;
    }
    return guard_templates(c, findings, err) && guard_localizations(c, ledger, findings, err) &&
           guard_others(c, findings, err) &&
           guard_foreign(c, "Globalization", NULL, findings, err) &&
           guard_foreign(c, "Localization", c->ns, findings, err);
}

bool cf_clusternet_guard(const struct cf_propagation *p, const json_t *ledger,
                         json_t **out_findings, struct cf_error *err)
{
    struct cf_clusternet c;
    struct cf_error mine = CF_ERROR_INIT;
    cf_autojson json_t *findings = json_array();
    cf_clusternet_view(p, &c);
    if (*c.name && !guard_hub(&c, ledger, findings, &mine))
        add(findings, "HUB_UNREACHABLE",
            "what it does to the copies cannot be seen; nothing is moved until it answers",
            "%s does not answer: %.300s", cf_kube_name(c.hub), mine.message);
    if (!guard_copies(&c, ledger, findings, err))
        return false;
    *out_findings = cf_steal(&findings);
    return true;
}
