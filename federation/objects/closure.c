/* SPDX-License-Identifier: Apache-2.0 */
/* The closure: seeds from the plan, then edges until nothing new comes, then the order of
 * application. */
#include "federation/objects/closure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/closure_set.h"
#include "federation/objects/selector.h"

/* --- the set --- */

struct cf_node *cf_set_find(struct cf_closure_set *s, const char *kind, const char *name)
{
    cf_autofree char *key = cf_xasprintf("%s/%s", kind, name);
    struct cf_node *n = NULL;
    HASH_FIND_STR(s->nodes, key, n);
    return n;
}

void cf_set_note(struct cf_closure_set *s, const char *level, const char *code, const char *hint,
                 const char *message, ...)
{
    if (json_array_size(s->notes) >= CF_CLOSURE_NOTES_MAX)
        return;
    va_list ap;
    va_start(ap, message);
    cf_autofree char *text = cf_xvasprintf(message, ap);
    va_end(ap);
    json_array_append_new(s->notes, json_pack("{s:s, s:s, s:s, s:s}", "level", level, "code", code,
                                              "message", text, "hint", hint));
}

void cf_set_require(struct cf_closure_set *s, const char *kind, const char *name, const char *why)
{
    size_t i;
    json_t *r;
    json_array_foreach(s->required, i, r)
    {
        if (strcmp(cf_json_str(r, "", "kind", NULL), kind) == 0 &&
            strcmp(cf_json_str(r, "", "name", NULL), name) == 0)
            return;
    }
    json_array_append_new(s->required,
                          json_pack("{s:s, s:s, s:s}", "kind", kind, "name", name, "why", why));
}

void cf_set_join(struct cf_closure_set *s, struct cf_node *n, const json_t *include,
                 const char *why, ...)
{
    if (!n || n->why || n->excluded || cf_object_skip_reason(n->object))
        return;
    va_list ap;
    va_start(ap, why);
    n->why = cf_xvasprintf(why, ap);
    va_end(ap);
    n->include = include;
    s->queue[s->queued++] = n;
}

static void add_node(struct cf_closure_set *s, const json_t *object)
{
    const struct cf_kind *kind = cf_kind_of(object);
    if (!kind)
        return;
    struct cf_node *n = cf_xcalloc(1, sizeof *n);
    n->key = cf_xasprintf("%s/%s", kind->kind, cf_object_name(object));
    n->object = object;
    n->kind = kind;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(s->in->workloads, "exclude"), i, row)
    {
        n->excluded = n->excluded || cf_match_holds(row, n->object);
    }
    HASH_ADD_KEYPTR(hh, s->nodes, n->key, strlen(n->key), n);
}

static void set_free(struct cf_closure_set *s)
{
    struct cf_node *n, *next;
    HASH_ITER(hh, s->nodes, n, next)
    {
        HASH_DEL(s->nodes, n);
        free(n->key);
        free(n->why);
        free(n);
    }
    free(s->queue);
    json_decref(s->required);
    json_decref(s->notes);
}

static void set_init(struct cf_closure_set *s, const struct cf_closure_input *in)
{
    *s = (struct cf_closure_set){ .in = in, .required = json_array(), .notes = json_array() };
    s->queue = cf_xcalloc(json_array_size(in->objects) + 1, sizeof(struct cf_node *));
    size_t i;
    json_t *object;
    json_array_foreach(in->objects, i, object)
    {
        add_node(s, object);
    }
}

/* --- seeds --- */

/* Marks what the routers' Services select, and joins it when the plan names nothing else. */
static bool seed_services(struct cf_closure_set *s, bool join, struct cf_error *err)
{
    size_t i;
    json_t *name;
    json_array_foreach(s->in->services, i, name)
    {
        struct cf_node *service = cf_set_find(s, "Service", json_string_value(name));
        if (!service)
            return cf_error_set(
                err, CF_ERR_INVALID,
                "the router's source destination is Service %s, which is not in the "
                "source namespace",
                json_string_value(name));
        const json_t *selector = cf_json_at(service->object, "spec", "selector", NULL);
        if (join)
            cf_set_join(s, service, NULL, "the router's source destination");
        for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
            if (!(n->kind->flags & CF_KIND_REACHED) ||
                !cf_selector_map_matches(selector, cf_object_pod_labels(n->object)))
                continue;
            n->reached = true;
            if (join)
                cf_set_join(s, n, NULL, "selected by Service %s", json_string_value(name));
        }
    }
    return true;
}

static bool seed_includes(struct cf_closure_set *s, struct cf_error *err)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(s->in->workloads, "include"), i, row)
    {
        size_t before = s->queued;
        bool member_already = false;
        for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
            if (!cf_match_holds(row, n->object))
                continue;
            member_already = member_already || n->why;
            cf_set_join(s, n, row, "listed in workloads.include");
        }
        if (s->queued == before && !member_already) {
            cf_autofree char *text = cf_json_dump(row);
            cf_error_set(err, CF_ERR_INVALID,
                         "workloads.include row %zu matches nothing in the source: %.300s", i,
                         text);
            cf_autofree char *field = cf_xasprintf("/spec/workloads/include/%zu", i);
            return cf_error_field(err, field);
        }
    }
    return true;
}

static void join_ambient(struct cf_closure_set *s)
{
    for (struct cf_node *n = s->nodes; n; n = n->hh.next)
        if (n->kind->flags & CF_KIND_AMBIENT)
            cf_set_join(s, n, NULL, "belongs to the namespace");
}

static bool has_workload(const struct cf_closure_set *s)
{
    for (size_t i = 0; i < s->queued; i++)
        if (s->queue[i]->kind->flags & CF_KIND_WORKLOAD)
            return true;
    return false;
}

/* --- findings about members --- */

static void note_owner(struct cf_closure_set *s, const struct cf_node *n)
{
    size_t i;
    json_t *owner;
    json_array_foreach(cf_json_at(n->object, "metadata", "ownerReferences", NULL), i, owner)
    {
        if (cf_json_bool(owner, false, "controller", NULL))
            cf_set_note(s, "blocker", "OPERATOR_OWNED",
                        "Move the custom resource with its operator, or exclude the object",
                        "%s is made by %s %s: a copy would have no maker", n->key,
                        cf_json_str(owner, "?", "kind", NULL),
                        cf_json_str(owner, "?", "name", NULL));
    }
}

static bool is_listed(const struct cf_node *n)
{
    return n->include != NULL;
}

/* Active Jobs would run twice, or be torn: unless a person listed them, they end first. */
static void note_active_jobs(struct cf_closure_set *s)
{
    for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
        if (strcmp(n->kind->kind, "Job") != 0 ||
            cf_json_int(n->object, 0, "status", "active", NULL) == 0 || is_listed(n) || n->excluded)
            continue;
        const json_t *owner =
            json_array_get(cf_json_at(n->object, "metadata", "ownerReferences", NULL), 0);
        struct cf_node *cron = cf_set_find(s, "CronJob", cf_json_str(owner, "", "name", NULL));
        if (cron && cron->why)
            cf_set_note(
                s, "blocker", "ACTIVE_JOB",
                "Wait until it has ended, suspend the CronJob, or list the Job in workloads.include",
                "Job %s of CronJob %s is running in the source", cf_object_name(n->object),
                cf_object_name(cron->object));
    }
}

static void note_members(struct cf_closure_set *s)
{
    for (size_t i = 0; i < s->queued; i++) {
        const struct cf_node *n = s->queue[i];
        const char *tool = cf_object_gitops_owner(n->object);
        if (tool)
            cf_set_note(
                s, "warning", "GITOPS_TRACKED",
                "Its tracking labels are left out of the copy. Pause self-healing of the source while "
                "the run lasts, and point the repository at the target afterwards",
                "%s is kept by %s", n->key, tool);
        note_owner(s, n);
    }
    note_active_jobs(s);
}

/* --- the result --- */

static int by_wave(const void *a, const void *b)
{
    const struct cf_node *x = *(struct cf_node *const *)a, *y = *(struct cf_node *const *)b;
    if (x->kind->wave != y->kind->wave)
        return x->kind->wave - y->kind->wave;
    return strcmp(x->key, y->key);
}

static const char *start_of(const struct cf_closure_set *s, const struct cf_node *n)
{
    const char *start = cf_json_str(n->include, NULL, "start", NULL);
    if (!start)
        start = cf_json_str(s->in->workloads, "auto", "start", NULL);
    if (strcmp(start, "auto") != 0)
        return start;
    return n->reached || !(n->kind->flags & CF_KIND_SCALABLE) ? "now" : "atSwitch";
}

static const char *conflict_of(const struct cf_closure_set *s, const struct cf_node *n)
{
    const char *own = cf_json_str(n->include, NULL, "onConflict", NULL);
    return own ? own : cf_json_str(s->in->workloads, "fail", "onConflict", NULL);
}

static json_t *result(struct cf_closure_set *s)
{
    qsort(s->queue, s->queued, sizeof(struct cf_node *), by_wave);
    json_t *members = json_array();
    for (size_t i = 0; i < s->queued; i++) {
        const struct cf_node *n = s->queue[i];
        json_array_append_new(members,
                              json_pack("{s:O, s:s, s:s, s:s}", "object", n->object, "why", n->why,
                                        "start", start_of(s, n), "onConflict", conflict_of(s, n)));
    }
    return json_pack("{s:o, s:O, s:O}", "members", members, "required", s->required, "notes",
                     s->notes);
}

json_t *cf_closure(const struct cf_closure_input *in, struct cf_error *err)
{
    struct cf_closure_set s;
    set_init(&s, in);
    json_t *out = NULL;
    bool by_services = json_array_size(json_object_get(in->workloads, "include")) == 0;
    if (!seed_services(&s, by_services, err) || !seed_includes(&s, err))
        goto done;
    if (s.queued == 0 || (by_services && !has_workload(&s))) {
        cf_error_set(
            err, CF_ERR_INVALID,
            "nothing to copy: the routers' source Services select no workload; list what to move in "
            "spec.workloads.include");
        goto done;
    }
    while (s.looked_at < s.queued)
        cf_closure_edges(&s, s.queue[s.looked_at++]);
    join_ambient(&s);
    note_members(&s);
    out = result(&s);
done:
    set_free(&s);
    return out;
}
