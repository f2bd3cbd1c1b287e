/* SPDX-License-Identifier: Apache-2.0 */
/* Looking without touching: preview, dry run, health, and what has changed in the source since the
 * copy. */
#include <stdio.h>
#include <string.h>

#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/direct.h"

enum { CF_CHANGES_MAX = 50 }; /* what a hold can show; the first fifty tell the story */

/* --- preview --- */

static const char *verb_of(enum cf_standing standing, const char *policy)
{
    switch (standing) {
    case CF_STANDING_ABSENT:
        return "create";
    case CF_STANDING_OURS:
        return "apply";
    case CF_STANDING_SHARED:
        return "keep";
    case CF_STANDING_EQUAL:
        return strcmp(policy, "fail") == 0 ? "conflict" : "keep";
    case CF_STANDING_FOREIGN:
        return strcmp(policy, "overwrite") == 0 ? "apply" : "conflict";
    }
    return "keep";
}

bool cf_direct_preview(const struct cf_propagation *p, const json_t *inventory, json_t **out_bodies,
                       struct cf_error *err)
{
    cf_autojson json_t *bodies = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        enum cf_standing standing;
        cf_autojson json_t *live = NULL;
        if (!cf_direct_standing(p, item, &standing, &live, err))
            return false;
        cf_autojson json_t *changes = live ? cf_direct_differences(item, live) : json_array();
        json_array_append_new(
            bodies, json_pack("{s:s, s:s, s:O, s:o, s:O, s:O}", "cluster", "target", "verb",
                              verb_of(standing, cf_json_str(item, "fail", "onConflict", NULL)),
                              "ref", json_object_get(item, "ref"), "body",
                              cf_object_mask(json_object_get(item, "body")), "changes", changes,
                              "note", json_object_get(item, "why")));
    }
    *out_bodies = json_incref(bodies);
    return true;
}

/* --- dry run --- */

/* An error of one object as a finding; false for errors that say nothing about the object (no
 * answer). */
static bool take_error(json_t *findings, const char *key, struct cf_error *mine,
                       struct cf_error *err)
{
    switch (mine->kind) {
    case CF_ERR_CONFLICT:
        cf_direct_finding(findings, key, "blocker", "CONFLICT",
                          "Remove the object from the target, or set workloads.onConflict",
                          "%s: %s", key, mine->message);
        return true;
    case CF_ERR_INVALID:
    case CF_ERR_NOT_FOUND:
    case CF_ERR_LIMIT:
        cf_direct_finding(findings, key, "blocker", "REFUSED",
                          "Mend it in the source, or with workloads.transforms",
                          "the target refuses %s: %s", key, mine->message);
        return true;
    case CF_ERR_DENIED:
        cf_direct_finding(findings, key, "blocker", "DENIED",
                          "crossfade cluster rbac CLUSTER prints the rights that are needed",
                          "%s: %s", key, mine->message);
        return true;
    default:
        cf_error_move(err, mine);
        return cf_error_wrap(err, "dry run of %s", key);
    }
}

static bool try_apply(const struct cf_propagation *p, const json_t *item, bool force,
                      json_t *findings, struct cf_error *err)
{
    struct cf_error mine = CF_ERROR_INIT;
    struct cf_kube_write write = { .dry_run = true, .force = force };
    if (cf_kube_apply(p->target, NULL, json_object_get(item, "body"), &write, NULL, &mine))
        return true;
    return take_error(findings, cf_json_str(item, "", "key", NULL), &mine, err);
}

static bool try_one(const struct cf_propagation *p, const json_t *item, json_t *findings,
                    struct cf_error *err)
{
    const char *key = cf_json_str(item, "", "key", NULL);
    enum cf_standing standing;
    cf_autojson json_t *live = NULL;
    if (!cf_direct_standing(p, item, &standing, &live, err))
        return false;
    const char *policy = cf_json_str(item, "fail", "onConflict", NULL);
    if (strcmp(verb_of(standing, policy), "conflict") == 0) {
        cf_autojson json_t *lines = cf_direct_differences(item, live);
        cf_direct_finding(
            findings, key, "blocker", "CONFLICT",
            "Remove it from the target, or set workloads.onConflict: overwrite",
            "%s is already there%s%.300s", key, json_array_size(lines) ? " and differs: " : "",
            json_array_size(lines) ? json_string_value(json_array_get(lines, 0)) : "");
        return true;
    }
    if (strcmp(verb_of(standing, policy), "keep") == 0)
        return true;
    return try_apply(p, item, standing != CF_STANDING_ABSENT, findings, err);
}

/* Whether the target namespace is there. */
static bool namespace_exists(const struct cf_propagation *p, bool *out, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, p->target_namespace);
    cf_autojson json_t *unused = NULL;
    return cf_kube_find(p->target, NULL, &ref, out, &unused, err);
}

bool cf_direct_dry_run(const struct cf_propagation *p, const json_t *inventory,
                       json_t **out_findings, struct cf_error *err)
{
    bool exists = false;
    if (!namespace_exists(p, &exists, err))
        return cf_error_wrap(err, "read namespace %s on %s", p->target_namespace,
                             cf_kube_name(p->target));
    cf_autojson json_t *findings = json_array();
    if (!exists && !p->create_namespace)
        cf_direct_finding(findings, "", "blocker", "NO_NAMESPACE",
                          "Create it, or set target.createNamespace: true",
                          "namespace %s does not exist on %s", p->target_namespace,
                          cf_kube_name(p->target));
    else if (!exists)
        cf_direct_finding(
            findings, "", "info", "NEW_NAMESPACE", "",
            "namespace %s is new on %s: its objects are tried right after it is made, before the "
            "first of them is written",
            p->target_namespace, cf_kube_name(p->target));
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        bool is_namespace = strcmp(cf_json_str(item, "", "ref", "kind", NULL), "Namespace") == 0;
        if ((exists || is_namespace) && !try_one(p, item, findings, err))
            return false;
    }
    *out_findings = json_incref(findings);
    return true;
}

/* --- health --- */

static bool is_judged(const struct cf_kind *k)
{
    return k && k->health;
}

/* One object's health in the target; what waits for the switch is ready by being there. */
static bool judge(const struct cf_propagation *p, const json_t *entry, enum cf_health *out,
                  char *text, struct cf_error *err)
{
    cf_autojson json_t *live = NULL;
    if (!cf_direct_live(p, entry, &live, err))
        return false;
    if (!live) {
        snprintf(text, CF_HEALTH_TEXT_MAX, "it is gone");
        *out = CF_HEALTH_FAILED;
        return true;
    }
    *out = cf_object_health(live, text);
    bool waits = cf_json_at(live, "metadata", "annotations", CF_ANNOTATION_ACTIVATE, NULL) != NULL;
    if (waits && *out == CF_HEALTH_WAITING) {
        snprintf(text, CF_HEALTH_TEXT_MAX, "waits for the switch");
        *out = CF_HEALTH_READY;
    }
    return true;
}

bool cf_direct_health(const struct cf_propagation *p, const json_t *ledger, json_t **out_report,
                      struct cf_error *err)
{
    cf_autojson json_t *objects = json_array();
    int done = 0;
    bool failed = false;
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        struct cf_object_ref ref = cf_direct_ref(entry);
        char text[CF_HEALTH_TEXT_MAX];
        enum cf_health health;
        if (!is_judged(cf_kind_find(ref.group, ref.kind)))
            continue;
        if (!judge(p, entry, &health, text, err))
            return false;
        json_array_append_new(objects,
                              json_pack("{s:O, s:b, s:s}", "key", json_object_get(entry, "key"),
                                        "ready", health == CF_HEALTH_READY, "message", text));
        done += health == CF_HEALTH_READY;
        failed = failed || health == CF_HEALTH_FAILED;
    }
    int total = (int)json_array_size(objects);
    *out_report = json_pack("{s:b, s:b, s:O, s:i, s:i}", "ready", done == total, "failed", failed,
                            "objects", objects, "done", done, "total", total);
    return true;
}

/* --- changes in the source --- */

static void add_change(json_t *changes, const char *key, const char *change, const char *detail,
                       const char *by)
{
    json_array_append_new(changes, json_pack("{s:s, s:s, s:s, s:s}", "key", key, "change", change,
                                             "detail", detail, "by", by));
}

/* What the copy would become: the first few differences between the new body and the copy that
 * stands in the target. */
static void describe_change(const struct cf_propagation *p, const json_t *item, struct cf_buf *out)
{
    struct cf_object_ref ref = cf_direct_ref(item);
    struct cf_error unseen = CF_ERROR_INIT; /* the change stands without its detail */
    bool found = false;
    cf_autojson json_t *live = NULL;
    if (!cf_kube_find(p->target, NULL, &ref, &found, &live, &unseen) || !found)
        return;
    cf_autojson json_t *lines = cf_direct_differences(item, live);
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line)
    {
        if (i < 3)
            cf_buf_printf(out, "%s%s", i ? "; " : "", json_string_value(line));
    }
}

bool cf_direct_changes(const struct cf_propagation *p, const json_t *inventory,
                       const json_t *ledger, json_t **out_changes, struct cf_error *err)
{
    (void)err;
    json_t *changes = json_array();
    const json_t *objects = json_object_get(inventory, "objects");
    size_t i;
    json_t *item;
    json_array_foreach(objects, i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        const char *by = cf_json_str(item, "", "by", NULL);
        const json_t *entry = cf_direct_entry(ledger, key);
        if (!entry) {
            add_change(changes, key, "added", "", by);
        } else if (strcmp(cf_json_str(entry, "", "digest", NULL),
                          cf_json_str(item, "", "digest", NULL)) != 0) {
            CF_CLEANUP(cf_buf_free) struct cf_buf detail = CF_BUF_INIT(2048);
            describe_change(p, item, &detail);
            add_change(changes, key, "changed", cf_buf_str(&detail), by);
        }
        if (json_array_size(changes) >= CF_CHANGES_MAX)
            break;
    }
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        const char *key = cf_json_str(entry, "", "key", NULL);
        if (json_array_size(changes) < CF_CHANGES_MAX && !cf_direct_entry(objects, key))
            add_change(changes, key, "removed", "", "");
    }
    *out_changes = changes;
    return true;
}
