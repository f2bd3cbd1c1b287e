/* SPDX-License-Identifier: Apache-2.0 */
/* Looking without touching: preview, dry run, health, and what has changed in the source since the
 * copy. */
#include <stdio.h>
#include <string.h>

#include "federation/kube/fan_out.h"
#include "federation/objects/diff.h"
#include "federation/objects/held.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/definitions.h"
#include "federation/propagate/direct.h"
#include "federation/propagate/endpoints.h"
#include "federation/propagate/waves.h"

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
    cf_autojson json_t *lives = NULL;
    const json_t *objects = json_object_get(inventory, "objects");
    if (!cf_direct_look(p, objects, NULL, &lives, err))
        return false;
    size_t i;
    json_t *item;
    json_array_foreach(objects, i, item)
    {
        const json_t *live = json_object_get(lives, cf_json_str(item, "", "key", NULL));
        enum cf_standing standing = cf_direct_standing_of(p, item, live);
        cf_autojson json_t *changes = live ? cf_direct_differences(item, live) : json_array();
        json_array_append_new(
            bodies,
            json_pack("{s:s, s:s, s:O, s:o, s:O, s:O, s:O}", "cluster", "target", "verb",
                      verb_of(standing, cf_json_str(item, "fail", "onConflict", NULL)), "ref",
                      json_object_get(item, "ref"), "body",
                      cf_object_mask(json_object_get(item, "body")), "changes", changes, "note",
                      json_object_get(item, "why"), "source", json_object_get(item, "digest")));
        cf_preview_wave(bodies, inventory, item);
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

/* One object that is tried. Written by the thread that has its number. */
struct trial {
    const json_t *item;
    bool force;
    struct cf_error *err; /* what the target said against it; NULL: nothing */
};

struct trials {
    const struct cf_propagation *p;
    struct trial *rows;
    size_t n;
};

static bool try_apply(const struct cf_propagation *p, const json_t *item, bool force,
                      struct cf_error *err)
{
    struct cf_kube_write write = { .dry_run = true, .force = force };
    return cf_kube_apply(p->target, NULL, json_object_get(item, "body"), &write, NULL, err);
}

static bool is_about_the_object(const struct cf_error *err)
{
    return err->kind == CF_ERR_CONFLICT || err->kind == CF_ERR_INVALID ||
           err->kind == CF_ERR_NOT_FOUND || err->kind == CF_ERR_LIMIT || err->kind == CF_ERR_DENIED;
}

static bool try_number(void *arg, size_t i)
{
    const struct trials *t = arg;
    struct trial *row = &t->rows[i];
    struct cf_error err = CF_ERROR_INIT;
    if (try_apply(t->p, row->item, row->force, &err))
        return true;
    row->err = cf_xmalloc(sizeof *row->err);
    *row->err = err;
    return is_about_the_object(&err);
}

/* Somebody else's object in the way is a finding; what will be written becomes a row. */
static void judge_item(struct trials *t, const json_t *item, const json_t *live, json_t *findings)
{
    const char *key = cf_json_str(item, "", "key", NULL);
    enum cf_standing standing = cf_direct_standing_of(t->p, item, live);
    const char *verb = verb_of(standing, cf_json_str(item, "fail", "onConflict", NULL));
    if (strcmp(verb, "conflict") == 0) {
        cf_autojson json_t *lines = cf_direct_differences(item, live);
        cf_direct_finding(
            findings, key, "blocker", "CONFLICT",
            "Remove it from the target, or set workloads.onConflict: overwrite",
            "%s is already there%s%.300s", key, json_array_size(lines) ? " and differs: " : "",
            json_array_size(lines) ? json_string_value(json_array_get(lines, 0)) : "");
    } else if (strcmp(verb, "keep") != 0) {
        t->rows[t->n++] = (struct trial){ .item = item, .force = standing != CF_STANDING_ABSENT };
    }
}

/* What the target said against a row. Ours from before a crash was not in the look: its conflicts
 * are nobody's. */
static bool take_trial(const struct trials *t, struct trial *row, json_t *findings,
                       struct cf_error *err)
{
    enum cf_standing standing;
    cf_autojson json_t *live = NULL;
    if (row->err && row->err->kind == CF_ERR_CONFLICT && !row->force) {
        if (!cf_direct_standing(t->p, row->item, &standing, &live, err))
            return false;
        cf_error_clear(row->err);
        if (try_apply(t->p, row->item, standing == CF_STANDING_OURS, row->err))
            return true;
    }
    return !row->err ||
           take_error(findings, cf_json_str(row->item, "", "key", NULL), row->err, err);
}

static bool try_all(struct trials *t, json_t *findings, struct cf_error *err)
{
    bool ok = true;
    size_t begun = cf_kube_fan_out(t->p->target, t->n, try_number, t);
    for (size_t i = 0; ok && i < begun; i++)
        ok = take_trial(t, &t->rows[i], findings, err);
    return ok;
}

static bool try_items(const struct cf_propagation *p, const json_t *items, json_t *findings,
                      struct cf_error *err)
{
    struct trials t = { .p = p };
    cf_autojson json_t *lives = NULL;
    if (!cf_direct_look(p, items, *p->run_id ? p->run_id : NULL, &lives, err))
        return false;
    t.rows = cf_xcalloc(json_array_size(items) + 1, sizeof *t.rows);
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        judge_item(&t, item, json_object_get(lives, cf_json_str(item, "", "key", NULL)), findings);
    }
    bool ok = try_all(&t, findings, err);
    for (i = 0; i < t.n; i++)
        free(t.rows[i].err);
    free(t.rows);
    return ok;
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
    cf_autojson json_t *items = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        bool is_namespace = strcmp(cf_json_str(item, "", "ref", "kind", NULL), "Namespace") == 0;
        bool is_outside = is_namespace || cf_is_definition(item);
        if (!exists && !is_outside)
            continue;
        if (cf_definition_is_to_come(p, inventory, item))
            cf_direct_finding(findings, cf_json_str(item, "", "key", NULL), "info",
                              "NEW_DEFINITION", "",
                              "%s does not serve its kind yet: it is tried right after its "
                              "definition is there, before the first object is written",
                              cf_kube_name(p->target));
        else
            json_array_append(items, item);
    }
    if (!try_items(p, items, findings, err))
        return false;
    *out_findings = json_incref(findings);
    return true;
}

/* --- health --- */

static bool is_judged(const struct cf_kind *k)
{
    return k && k->health;
}

/* One object's health in the target (NULL: gone); what waits for the switch is ready by being
 * there. */
static enum cf_health judge(const json_t *live, char *text)
{
    if (!live) {
        snprintf(text, CF_HEALTH_TEXT_MAX, "it is gone");
        return CF_HEALTH_FAILED;
    }
    enum cf_health health = cf_object_health(live, text);
    if (!cf_held_stands(live) || health != CF_HEALTH_WAITING)
        return health;
    snprintf(text, CF_HEALTH_TEXT_MAX, "waits for the switch");
    return CF_HEALTH_READY;
}

static json_t *judged_rows(const json_t *ledger)
{
    json_t *rows = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        struct cf_object_ref ref = cf_direct_ref(entry);
        if (is_judged(cf_kind_find(ref.group, ref.kind)))
            json_array_append(rows, entry);
    }
    return rows;
}

/* One row of the report. */
static void report_row(json_t *objects, const json_t *entry, bool ready, const char *message)
{
    json_array_append_new(objects,
                          json_pack("{s:O, s:b, s:s}", "key", json_object_get(entry, "key"),
                                    "ready", ready, "message", message));
}

/* Services that lead nowhere although their pods are ready: a controller has yet to see them. */
static bool judge_services(const struct cf_propagation *p, const json_t *lives, json_t *objects,
                           int *io_done, struct cf_error *err)
{
    cf_autojson json_t *empty = NULL;
    size_t i;
    json_t *row;
    if (!cf_services_without_endpoints(p, lives, &empty, err))
        return false;
    json_array_foreach(objects, i, row)
    {
        if (!json_object_get(empty, cf_json_str(row, "", "key", NULL)))
            continue;
        json_object_set_new(row, "ready", json_false());
        json_object_set_new(row, "message", json_string("it has no ready endpoint yet"));
        (*io_done)--;
    }
    return true;
}

bool cf_direct_health(const struct cf_propagation *p, const json_t *ledger, json_t **out_report,
                      struct cf_error *err)
{
    cf_autojson json_t *objects = json_array();
    cf_autojson json_t *rows = judged_rows(ledger);
    cf_autojson json_t *lives = NULL;
    int done = 0;
    bool failed = false;
    size_t i;
    json_t *entry;
    if (!cf_direct_look(p, rows, NULL, &lives, err))
        return false;
    json_array_foreach(rows, i, entry)
    {
        char text[CF_HEALTH_TEXT_MAX];
        enum cf_health health =
            judge(json_object_get(lives, cf_json_str(entry, "", "key", NULL)), text);
        report_row(objects, entry, health == CF_HEALTH_READY, text);
        done += health == CF_HEALTH_READY;
        failed = failed || health == CF_HEALTH_FAILED;
    }
    int total = (int)json_array_size(objects);
    if (done == total && !judge_services(p, lives, objects, &done, err))
        return false;
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
    cf_autojson json_t *copies = cf_json_index(ledger, "key", NULL);
    cf_autojson json_t *sources = cf_json_index(objects, "key", NULL);
    size_t i;
    json_t *item;
    json_array_foreach(objects, i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        const char *by = cf_json_str(item, "", "by", NULL);
        const json_t *entry = json_object_get(copies, key);
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
        /* A definition is wanted only while the target has none. */
        if (json_array_size(changes) < CF_CHANGES_MAX && !json_object_get(sources, key) &&
            !cf_is_definition(entry))
            add_change(changes, key, "removed", "", "");
    }
    *out_changes = changes;
    return true;
}
