/* SPDX-License-Identifier: Apache-2.0 */
/* Rules between spec.volumes, the writers of its data and the way back with it. See check.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/plan/check.h"
#include "orchestrator/plan/hint.h"

#define VOLUMES "/spec/volumes"
#define CLAIMS  VOLUMES "/claims"
#define WRITERS "/spec/traffic/writers"

static bool is_velero(const json_t *row)
{
    return strncmp(cf_json_str(row, "", "strategy", NULL), "velero", strlen("velero")) == 0;
}

bool cf_check_moves_data(const json_t *effective)
{
    const json_t *volumes = cf_json_pointer(effective, VOLUMES);
    bool moves = is_velero(json_object_get(volumes, "default"));
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(volumes, "claims"), i, row)
    {
        moves = moves || is_velero(row);
    }
    return moves;
}

/* ---- rows of claims ---- */

/* Fields that only some strategies have. */
static const struct {
    const char *key;
    bool velero, external;
} fields[] = {
    { "storageClass", true, false },
    { "size", true, false },
    { "until", false, true },
};

static void check_claim(const json_t *row, size_t i, struct cf_report *r)
{
    const char *strategy = cf_json_str(row, NULL, "strategy", NULL);
    char pointer[CF_JSON_POINTER_MAX];
    if (!strategy)
        return;
    bool external = strcmp(strategy, "external") == 0;
    for (size_t f = 0; f < CF_ARRAY_LEN(fields); f++) {
        bool fits = (is_velero(row) && fields[f].velero) || (external && fields[f].external);
        if (fits || !json_object_get(row, fields[f].key))
            continue;
        snprintf(pointer, sizeof pointer, CLAIMS "/%zu/%s", i, fields[f].key);
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer,
                  fields[f].external ? "remove it, or take the strategy external"
                                     : "remove it, or write it as a transform of the claim",
                  "the strategy \"%s\" has no %s", strategy, fields[f].key);
    }
    snprintf(pointer, sizeof pointer, CLAIMS "/%zu", i);
    if (external && !json_object_get(row, "until"))
        cf_report_missing(r, pointer, "until",
                          "the object that says when the data is there, such as {kind: ConfigMap, "
                          "name: replication, pointer: /data/state, equals: in-sync}");
    if (!is_velero(row) && strcmp(cf_json_str(row, "none", "verify", NULL), "none") != 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer, "write verify: none in this row",
                  "the strategy \"%s\" moves no files that could be compared", strategy);
}

static void check_claims(const json_t *volumes, bool moves, struct cf_report *r)
{
    size_t i;
    json_t *row;
    if (!moves && strcmp(cf_json_str(volumes, "none", "default", "verify", NULL), "none") != 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, VOLUMES "/default/verify",
                  "write verify: none, or take a strategy of Velero",
                  "no strategy of this plan moves files that could be compared");
    if (strcmp(cf_json_str(volumes, "", "default", "strategy", NULL), "external") == 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, VOLUMES "/default/strategy",
                  "take none here, and give each such claim a row of claims with its until",
                  "what says that the data is there differs from claim to claim");
    json_array_foreach(json_object_get(volumes, "claims"), i, row)
    {
        check_claim(row, i, r);
    }
}

/* ---- writers ---- */

static void check_switch(const json_t *effective, struct cf_report *r)
{
    const char *text = cf_json_str(effective, "", "spec", "traffic", "writers", "switch", NULL);
    const json_t *steps = cf_json_pointer(effective, "/spec/traffic/steps");
    size_t i;
    json_t *step;
    if (strncmp(text, "weight=", strlen("weight=")) != 0)
        return;
    long weight = strtol(text + strlen("weight="), NULL, 10);
    json_array_foreach(steps, i, step)
    {
        if (cf_json_int(step, 0, "weight", NULL) == weight)
            return;
    }
    cf_report(r, CF_PLAN_DANGLING_NAME, WRITERS "/switch",
              "name the weight of a step, such as weight=100, or beforeTraffic",
              "no step has the weight %ld", weight);
}

static void check_writers(const json_t *effective, bool moves, struct cf_report *r)
{
    const json_t *writers = cf_json_pointer(effective, WRITERS);
    const json_t *steps = cf_json_pointer(effective, "/spec/traffic/steps");
    const char *mode = cf_json_str(writers, "", "mode", NULL);
    if (!writers && moves && json_array_size(steps) > 1)
        cf_report_missing(r, "/spec/traffic", "writers",
                          "where the writer lives while traffic is split, such as {mode: single, "
                          "switch: weight=100}");
    if (!writers)
        return;
    if (!cf_json_pointer(effective, VOLUMES))
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, WRITERS,
                  "remove it, or say in spec.volumes how the "
                  "data moves",
                  "there is no data that would have a writer");
    if (strcmp(mode, "both") == 0 && moves)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, WRITERS "/mode",
                  "write single, or take the strategy external for data that the application "
                  "replicates",
                  "data that passes copy has one writer: what the other side wrote would be lost");
    check_switch(effective, r);
}

/* ---- the way back ---- */

static void check_way_back(const json_t *effective, bool moves, struct cf_report *r)
{
    const char *data = cf_json_str(effective, NULL, "spec", "rollback", "targetData", NULL);
    const json_t *velero = cf_json_pointer(effective, VOLUMES "/velero");
    const char *there = cf_json_str(velero, NULL, "location", NULL);
    const char *back = cf_json_str(velero, NULL, "backLocation", NULL);
    bool reverse = data && strcmp(data, "reverse") == 0;
    if (data && !moves)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, "/spec/rollback/targetData",
                  "remove it, or say in spec.volumes how the data moves",
                  "no data moves that could come back");
    if (moves && reverse && !back)
        cf_report(
            r, CF_PLAN_REQUIRED, VOLUMES "/velero",
            "name the target's BackupStorageLocation for the way back, with a prefix of its own",
            "targetData: reverse needs a backLocation");
    if (there && back && strcmp(there, back) == 0)
        cf_report(
            r, CF_PLAN_CONFLICTING_FIELDS, VOLUMES "/velero/backLocation",
            "give the way back a location with a prefix of its own",
            "both ways through one location: each cluster would clean up the other's backups");
}

/* A control plane that manages the source's replicas would start again what the freeze stopped. */
static void check_method(const json_t *effective, bool moves, struct cf_report *r)
{
    const char *mode = cf_json_str(effective, "", "spec", "copy", "mode", NULL);
    if (moves && strcmp(mode, "adopt") == 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, "/spec/copy/mode",
                  "write targetOnly: the source stays as it is, outside the control plane",
                  "Karmada would start again what the freeze stops");
}

void cf_check_volumes(const json_t *effective, struct cf_report *r)
{
    const json_t *volumes = cf_json_pointer(effective, VOLUMES);
    bool moves = cf_check_moves_data(effective);
    cf_check_unique(effective, CLAIMS, "name", "a claim", r);
    if (volumes)
        check_claims(volumes, moves, r);
    check_writers(effective, moves, r);
    check_way_back(effective, moves, r);
    check_method(effective, moves, r);
}
