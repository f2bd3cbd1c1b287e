/* SPDX-License-Identifier: Apache-2.0 */
/* Gates: names, whose metrics, and whether the numbers can ever be met. */
#include "orchestrator/plan/check.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/plan/limits.h"
#include "orchestrator/plan/hint.h"

#define GATES "/spec/gates"

/* The clusters that the plan names, without repetition, ended by NULL. */
static void plan_clusters(const json_t *effective, const char *names[CF_PLAN_ROUTERS_MAX + 3])
{
    size_t n = 0;
    const char *found[CF_PLAN_ROUTERS_MAX + 2];
    size_t n_found = 0;
    found[n_found++] = cf_json_str(effective, NULL, "spec", "source", "cluster", NULL);
    found[n_found++] = cf_json_str(effective, NULL, "spec", "target", "cluster", NULL);
    size_t i;
    json_t *router;
    json_array_foreach(cf_json_pointer(effective, "/spec/traffic/routers"), i, router)
        found[n_found++] = cf_json_str(router, NULL, "cluster", NULL);
    for (size_t f = 0; f < n_found; f++) {
        bool is_new = found[f] != NULL;
        for (size_t j = 0; is_new && j < n; j++)
            is_new = strcmp(names[j], found[f]) != 0;
        if (is_new)
            names[n++] = found[f];
    }
    names[n] = NULL;
}

static void check_cluster(const char *cluster, const char *const *names, const char *at,
                          struct cf_report *r)
{
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], cluster) == 0)
            return;
    char pointer[CF_JSON_POINTER_MAX], quoted[CF_QUOTE_MAX];
    snprintf(pointer, sizeof pointer, "%s/cluster", at);
    struct cf_buf hint CF_CLEANUP(cf_buf_free) = CF_BUF_INIT(1024);
    if (cf_did_you_mean(cluster, names, quoted)) {
        cf_buf_puts(&hint, quoted);
    } else {
        cf_buf_puts(&hint, "in this plan: ");
        for (size_t i = 0; names[i]; i++)
            cf_buf_printf(&hint, "%s%s", i ? ", " : "", names[i]);
    }
    cf_report(r, CF_PLAN_DANGLING_NAME, pointer, cf_buf_str(&hint),
              "%s is neither an end of this plan nor a router's cluster",
              cf_quote(cluster, quoted));
}

static void check_numbers(const json_t *gate, const char *at, struct cf_report *r)
{
    char pointer[CF_JSON_POINTER_MAX], spare[CF_UNIT_TEXT_MAX], hint[128];
    double min = cf_check_ratio(gate, "min", -1), detect = cf_check_ratio(gate, "detect", -1);
    if (min < 0 || detect < 0)
        return;
    const double rounding = 1e-12;
    if (detect > 1 - min + rounding)
        return;
    snprintf(pointer, sizeof pointer, "%s/detect", at);
    cf_percent_format(1 - min, spare);
    snprintf(hint, sizeof hint, "take more than %s; left out it is ten times that", spare);
    cf_report(r, CF_PLAN_OUT_OF_RANGE, pointer, hint,
              "must be larger than the %s of failures that \"min\" allows, or no step could pass",
              spare);
}

static void check_queries(const json_t *gate, const char *at, struct cf_report *r)
{
    const char *total = cf_json_str(gate, NULL, "total", NULL);
    const char *failed = cf_json_str(gate, NULL, "failed", NULL);
    if (!total || !failed || strcmp(total, failed) != 0)
        return;
    char pointer[CF_JSON_POINTER_MAX];
    snprintf(pointer, sizeof pointer, "%s/failed", at);
    cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer,
              "\"failed\" counts only the requests that failed",
              "\"total\" and \"failed\" are the same query: every request would count as failed");
}

void cf_check_gates(const json_t *effective, struct cf_report *r)
{
    const char *names[CF_PLAN_ROUTERS_MAX + 3];
    plan_clusters(effective, names);
    cf_check_unique(effective, GATES, "name", "a gate", r);
    size_t i;
    json_t *gate;
    json_array_foreach(cf_json_pointer(effective, GATES), i, gate)
    {
        char at[64];
        snprintf(at, sizeof at, GATES "/%zu", i);
        const char *cluster = cf_json_str(gate, NULL, "cluster", NULL);
        if (cluster)
            check_cluster(cluster, names, at, r);
        check_numbers(gate, at, r);
        check_queries(gate, at, r);
    }
}
