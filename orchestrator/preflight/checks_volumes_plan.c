/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what the plan says about data, held against the source: rows that fit nothing, names of
 * nothing, and writers that could not serve both sides as the plan wants it (checks.h). */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/objects/selector.h"
#include "federation/objects/volumes.h"
#include "orchestrator/preflight/checks_internal.h"

static const json_t *said(const struct cf_checking *c, const char *key)
{
    return cf_json_at(c->plan->effective, "spec", "volumes", key, NULL);
}

/* ---- rows of claims ---- */

/* How many of the claims a row names, and of how many it is the first that does. */
static void count_fits(const json_t *rows, const json_t *row, const json_t *claims,
                       size_t *out_named, size_t *out_first)
{
    cf_autojson json_t *volumes = json_pack("{s:O}", "claims", rows);
    size_t i;
    json_t *claim;
    *out_named = *out_first = 0;
    json_array_foreach(claims, i, claim)
    {
        const char *name = cf_object_name(claim);
        *out_named += cf_name_matches(cf_json_str(row, "", "name", NULL), name);
        *out_first += cf_volumes_row(volumes, name) == row;
    }
}

static void check_row(struct cf_checking *c, const json_t *row, const json_t *claims)
{
    const char *name = cf_json_str(row, "", "name", NULL);
    size_t named, first;
    count_fits(said(c, "claims"), row, claims, &named, &first);
    if (first > 0)
        return;
    if (named > 0)
        cf_found(c, CF_LEVEL_BLOCKER, c->plan->source_cluster, json_pack("{s:s}", "row", name),
                 "put it before the rows that fit the same claims", NULL,
                 "the row %s of volumes.claims never counts: earlier rows fit all of its claims",
                 name);
    else
        cf_found(c, strchr(name, '*') ? CF_LEVEL_WARNING : CF_LEVEL_BLOCKER,
                 c->plan->source_cluster, json_pack("{s:s}", "row", name),
                 "name a claim of the source as `kubectl get pvc` shows it, or take the row out",
                 NULL, "no claim of %s fits the row %s of volumes.claims",
                 c->plan->source_namespace, name);
}

static void check_rows(struct cf_checking *c)
{
    struct cf_kube_list what = { .api_version = "v1",
                                 .kind = "PersistentVolumeClaim",
                                 .ns = c->plan->source_namespace };
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *claims = NULL;
    size_t i;
    json_t *row;
    if (json_array_size(said(c, "claims")) == 0)
        return;
    if (!cf_kube_list(c->source, NULL, &what, &claims, NULL, &err)) {
        cf_skipped(c, c->plan->source_cluster, "the source's claims could not be read: %s",
                   err.message);
        return;
    }
    json_array_foreach(said(c, "claims"), i, row)
    {
        check_row(c, row, claims);
    }
}

/* ---- what the plan names ---- */

/* Whether it is there; what may not be read is not known, and said by what asks for it. */
static bool is_there(struct cf_kube *kube, const char *api_version, const char *kind,
                     const char *ns, const char *name, json_t **out, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref(api_version, kind, ns, name);
    bool found = false;
    return cf_kube_find(kube, NULL, &ref, &found, out, err) && found;
}

static void check_quiesce(struct cf_checking *c)
{
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(said(c, "finalSync"), "quiesce", NULL), i, row)
    {
        const char *kind = cf_json_str(row, "", "kind", NULL);
        const char *name = cf_json_str(row, "", "name", NULL);
        const char *api = strcmp(kind, "CronJob") == 0 ? "batch/v1" : "apps/v1";
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *object = NULL;
        if (is_there(c->source, api, kind, c->plan->source_namespace, name, &object, &err))
            continue;
        cf_found(c, CF_LEVEL_BLOCKER, c->plan->source_cluster, json_pack("{s:O}", "row", row),
                 "name a workload of the source, or take the row out", NULL,
                 "volumes.finalSync.quiesce names %s %s, which %s%s", kind, name,
                 err.kind ? "cannot be read: " : "is not in the source",
                 err.kind ? err.message : "");
    }
}

/* What says that external data is there must be something that can be read. */
static void check_until(struct cf_checking *c, const char *claim, const json_t *until)
{
    bool source = strcmp(cf_json_str(until, "", "side", NULL), "source") == 0;
    const char *cluster = source ? c->plan->source_cluster : c->plan->target_cluster;
    const char *kind = cf_json_str(until, "", "kind", NULL);
    const char *name = cf_json_str(until, "", "name", NULL);
    const char *pointer = cf_json_str(until, "", "pointer", NULL);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *object = NULL;
    bool found = is_there(
        source ? c->source : c->target, cf_json_str(until, "v1", "apiVersion", NULL), kind,
        source ? c->plan->source_namespace : c->plan->target_namespace, name, &object, &err);
    if (found && cf_json_pointer(object, pointer))
        return;
    bool denied = err.kind == CF_ERR_DENIED;
    cf_found(c, denied ? CF_LEVEL_BLOCKER : CF_LEVEL_WARNING, cluster,
             json_pack("{s:s}", "claim", claim),
             denied ? "give the right to get it"
                    : "the freeze waits for it, until maxPause is over",
             NULL, "claim %s is external until %s %s says so, which %s%s", claim, kind, name,
             found      ? "has nothing at "
             : err.kind ? "cannot be read: "
                        : "is not there now",
             found      ? pointer
             : err.kind ? err.message
                        : "");
}

/* ---- the writers ---- */

/* Whether one of the routers' own Services selects the workload's pods. */
static bool is_routed(const struct cf_checking *c, const json_t *workload)
{
    const json_t *objects = json_object_get(c->inventory, "objects");
    size_t i, k;
    json_t *name, *item;
    json_array_foreach(c->services, i, name)
    {
        json_array_foreach(objects, k, item)
        {
            const json_t *body = json_object_get(item, "body");
            if (strcmp(cf_json_str(body, "", "kind", NULL), "Service") == 0 &&
                strcmp(cf_object_name(body), json_string_value(name)) == 0 &&
                cf_selector_map_matches(cf_json_at(body, "spec", "selector", NULL),
                                        cf_object_pod_labels(workload)))
                return true;
        }
    }
    return false;
}

/* A workload that a router reaches serves from both sides while traffic is split: with one writer it
 * cannot. */
static void check_split(struct cf_checking *c)
{
    const json_t *writers = cf_json_at(c->inventory, "volumes", "writers", NULL);
    size_t i;
    json_t *item;
    if (c->plan->traffic.n_steps == 1)
        return;
    json_array_foreach(json_object_get(c->inventory, "objects"), i, item)
    {
        if (!cf_row_of(writers, cf_json_str(item, "", "ref", "kind", NULL),
                       cf_json_str(item, "", "ref", "name", NULL)) ||
            !is_routed(c, json_object_get(item, "body")))
            continue;
        cf_found(
            c, CF_LEVEL_BLOCKER, c->plan->source_cluster,
            json_pack("{s:O}", "object", json_object_get(item, "key")),
            "write traffic.steps: [100]: all of its traffic moves at once, after the freeze", NULL,
            "%s is what a router reaches and mounts a claim whose data moves: its traffic cannot "
            "be split",
            cf_json_str(item, "", "key", NULL));
    }
}

/* Fixed addresses are a gateway's: a Service's name cannot lead to the other side's pods through
 * them, so who runs on one side does not find the writer on the other. */
static void check_names(struct cf_checking *c)
{
    cf_autojson json_t *names = cf_volumes_names_of_writers(c->inventory);
    const json_t *caller = cf_volumes_caller(c->inventory);
    const char *name = json_string_value(json_array_get(names, 0));
    if (c->plan->traffic.reach != CF_PLAN_REACH_ADDRESS || !name || !caller)
        return;
    cf_found(c, CF_LEVEL_BLOCKER, c->plan->target_cluster, json_pack("{s:O}", "names", names),
             "write traffic.reach: {mode: endpoints} where the pods of both clusters reach each "
             "other; else move the writer in a plan of its own, and let its callers use an address "
             "that leads to it from both clusters",
             NULL,
             "%s %s and the writer behind Service %s run in different clusters for a while, and "
             "with traffic.reach.mode address that name leads nowhere across",
             cf_json_str(caller, "?", "kind", NULL), cf_object_name(caller), name);
}

/* ---- all ---- */

void cf_preflight_volumes_plan(struct cf_checking *c)
{
    size_t i;
    json_t *row;
    check_rows(c);
    check_quiesce(c);
    json_array_foreach(said(c, "claims"), i, row)
    {
        if (strcmp(cf_json_str(row, "", "strategy", NULL), "external") == 0)
            check_until(c, cf_json_str(row, "", "name", NULL), json_object_get(row, "until"));
    }
    check_split(c);
    check_names(c);
}
