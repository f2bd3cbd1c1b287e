/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what is copied: the closure, the target's admission, running Jobs. */
#include <string.h>

#include "federation/objects/diff.h"
#include "orchestrator/preflight/checks_internal.h"

static enum cf_level level_of(const json_t *row)
{
    const char *level = cf_json_str(row, "info", "level", NULL);
    return strcmp(level, "blocker") == 0   ? CF_LEVEL_BLOCKER
           : strcmp(level, "warning") == 0 ? CF_LEVEL_WARNING
                                           : CF_LEVEL_INFO;
}

static void pass_on(struct cf_checking *c, const json_t *rows, const char *cluster)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *key = cf_json_str(row, "", "key", NULL);
        cf_found(c, level_of(row), cluster,
                 json_pack("{s:s,s:s}", "object", key, "code", cf_json_str(row, "", "code", NULL)),
                 cf_json_str(row, "", "hint", NULL), NULL, "%s%s%s", key, *key ? ": " : "",
                 cf_json_str(row, "", "message", NULL));
    }
}

/* ---- copies ---- */

/* What is there but means something else: a PriorityClass of another value. */
static void compare_required(struct cf_checking *c, const json_t *row, const json_t *live)
{
    const json_t *expect = cf_json_at(row, "expect", NULL);
    cf_autojson json_t *lines = json_array();
    if (!expect || cf_object_same(expect, live, lines))
        return;
    cf_found(c, CF_LEVEL_BLOCKER, c->plan->target_cluster, cf_json_copy(row),
             "make another class in the target and name it with workloads.transforms: its value "
             "cannot be changed",
             NULL, "%s %s is another one than in the source (target → source: %s)",
             cf_json_str(row, "", "kind", NULL), cf_json_str(row, "", "name", NULL),
             json_string_value(json_array_get(lines, 0)));
}

static void check_required(struct cf_checking *c, const json_t *row)
{
    const json_t *r = cf_json_at(row, "ref", NULL);
    const char *group = cf_json_str(r, "", "group", NULL);
    cf_autofree char *version =
        cf_xasprintf("%s%s%s", group, *group ? "/" : "", cf_json_str(r, "v1", "version", NULL));
    struct cf_object_ref ref =
        cf_ref(version, cf_json_str(r, "", "kind", NULL), cf_json_str(r, "", "namespace", NULL),
               cf_json_str(r, "", "name", NULL));
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *live = NULL;
    bool found = false;
    if (!c->target_answers || !cf_ref_is_valid(&ref))
        return;
    if (!cf_kube_find(c->target, NULL, &ref, &found, &live, &err)) {
        cf_skipped(c, c->plan->target_cluster, "whether %s %s is in the target: %s", ref.kind,
                   ref.name, err.message);
        return;
    }
    if (found) {
        compare_required(c, row, live);
        return;
    }
    cf_found(c, level_of(row), c->plan->target_cluster, cf_json_copy(row),
             "create it in the target: it is not copied", NULL,
             "%s %s%s%s is needed in the target (%s)", ref.kind, ref.ns, *ref.ns ? "/" : "",
             ref.name, cf_json_str(row, "", "why", NULL));
}

void cf_preflight_copies(struct cf_checking *c)
{
    struct cf_error err = CF_ERROR_INIT;
    if (!cf_checking_needs(c, c->plan->source_cluster))
        return;
    if (!c->target) {
        (void)cf_checking_needs(c, c->plan->target_cluster);
        return;
    }
    struct cf_propagation p = cf_checking_propagation(c);
    if (!cf_checking_propagator(c)->inventory(&p, &c->inventory, &err)) {
        cf_found(c, CF_LEVEL_BLOCKER, c->plan->source_cluster, NULL, "look at workloads.include",
                 NULL, "what is to be copied cannot be read: %s", err.message);
        return;
    }
    size_t n = json_array_size(cf_json_at(c->inventory, "objects", NULL));
    if (n == 0)
        cf_found(c, CF_LEVEL_BLOCKER, c->plan->source_cluster, NULL, "say workloads.include", NULL,
                 "the selection matches no object in namespace %s", c->plan->source_namespace);
    else
        cf_found(c, CF_LEVEL_INFO, c->plan->source_cluster, NULL, NULL, NULL,
                 "%zu objects will be copied", n);
    pass_on(c, cf_json_at(c->inventory, "notes", NULL), c->plan->source_cluster);
    size_t i;
    json_t *row;
    const json_t *required = cf_json_at(c->inventory, "required", NULL);
    if (json_array_size(required) > 0 && !cf_checking_needs(c, c->plan->target_cluster))
        return;
    json_array_foreach(required, i, row)
    {
        check_required(c, row);
    }
}

/* ---- control plane ---- */

void cf_preflight_control_plane(struct cf_checking *c)
{
    const struct cf_propagator_ops *ops = cf_checking_propagator(c);
    const char *plane = c->plan->copy.control_plane;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *findings = NULL;
    if (!ops->check)
        return;
    if (!cf_checking_needs(c, plane) || !cf_checking_needs(c, c->plan->source_cluster) ||
        !cf_checking_needs(c, c->plan->target_cluster))
        return;
    struct cf_propagation p = cf_checking_propagation(c);
    if (!ops->check(&p, c->inventory, &findings, &err)) {
        cf_found(c, CF_LEVEL_BLOCKER, plane, NULL, NULL, NULL, "%s could not be looked at: %s",
                 plane, err.message);
        return;
    }
    pass_on(c, findings, plane);
}

/* ---- dry-run ---- */

/* False, and said, when the copies cannot be tried there. */
static bool namespace_is_there(struct cf_checking *c)
{
    const char *cluster = c->plan->target_cluster, *ns = c->plan->target_namespace;
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, ns);
    struct cf_error err = CF_ERROR_INIT;
    bool found = false;
    if (!cf_kube_find(c->target, NULL, &ref, &found, NULL, &err))
        cf_skipped(c, cluster, "namespace %s of the target could not be read: %s", ns, err.message);
    else if (!found)
        cf_skipped(c, cluster,
                   "namespace %s is not there yet: the copies cannot be tried before it is", ns);
    return found;
}

void cf_preflight_dry_run(struct cf_checking *c)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *findings = NULL;
    if (!cf_checking_needs(c, c->plan->target_cluster))
        return;
    if (!c->inventory) {
        cf_skipped(c, c->plan->source_cluster, "what is to be copied is not known");
        return;
    }
    if (!namespace_is_there(c))
        return;
    struct cf_propagation p = cf_checking_propagation(c);
    if (!cf_checking_propagator(c)->dry_run(&p, c->inventory, &findings, &err)) {
        cf_found(c, CF_LEVEL_BLOCKER, c->plan->target_cluster, NULL, NULL, NULL,
                 "the dry-run could not be made: %s", err.message);
        return;
    }
    c->tried = true;
    pass_on(c, findings, c->plan->target_cluster);
}

/* ---- jobs ---- */

static bool is_listed(const struct cf_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->workloads.n_include; i++) {
        const struct cf_plan_match *m = &plan->workloads.include[i].match;
        if (m->kind && strcmp(m->kind, "Job") == 0 &&
            (!m->name || strchr(m->name, '*') || strcmp(m->name, name) == 0))
            return true;
    }
    return false;
}

void cf_preflight_jobs(struct cf_checking *c)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *items = NULL;
    struct cf_kube_list what = { .api_version = "batch/v1",
                                 .kind = "Job",
                                 .ns = c->plan->source_namespace };
    size_t i;
    json_t *job;
    if (!cf_checking_needs(c, c->plan->source_cluster))
        return;
    if (!cf_kube_list(c->source, NULL, &what, &items, NULL, &err)) {
        cf_skipped(c, c->plan->source_cluster, "Jobs of the source could not be read: %s",
                   err.message);
        return;
    }
    json_array_foreach(items, i, job)
    {
        const char *name = cf_json_str(job, "", "metadata", "name", NULL);
        if (cf_json_int(job, 0, "status", "active", NULL) > 0 && !is_listed(c->plan, name))
            cf_found(c, CF_LEVEL_BLOCKER, c->plan->source_cluster, NULL,
                     "wait until it has ended, or list it in workloads.include", NULL,
                     "Job %s is running in the source", name);
    }
}
