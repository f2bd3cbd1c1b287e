/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the checks, and those that belong to no part. See check.h. */
#include "orchestrator/plan/check.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/plan/hint.h"

int64_t cf_check_ms(const json_t *object, const char *key, int64_t dflt)
{
    const char *text = cf_json_str(object, NULL, key, NULL);
    struct cf_error ignored = CF_ERROR_INIT;
    int64_t ms;
    return text && cf_duration_parse(text, &ms, &ignored) ? ms : dflt;
}

double cf_check_ratio(const json_t *object, const char *key, double dflt)
{
    const char *text = cf_json_str(object, NULL, key, NULL);
    struct cf_error ignored = CF_ERROR_INIT;
    double ratio;
    return text && cf_percent_parse(text, &ratio, &ignored) ? ratio : dflt;
}

/* The first row before `index` with this text at `key`, or `index`. */
static size_t first_with(const json_t *rows, const char *key, const char *text, size_t index)
{
    for (size_t j = 0; j < index; j++) {
        const char *other = cf_json_str(json_array_get(rows, j), NULL, key, NULL);
        if (other && strcmp(other, text) == 0)
            return j;
    }
    return index;
}

void cf_check_unique(const json_t *effective, const char *list, const char *key, const char *what,
                     struct cf_report *r)
{
    const json_t *rows = cf_json_pointer(effective, list);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *text = cf_json_str(row, NULL, key, NULL);
        size_t first = text ? first_with(rows, key, text, i) : i;
        if (first == i)
            continue;
        char pointer[CF_JSON_POINTER_MAX], quoted[CF_QUOTE_MAX];
        snprintf(pointer, sizeof pointer, "%s/%zu/%s", list, i, key);
        cf_report(r, CF_PLAN_DUPLICATE_NAME, pointer, "give each a name of its own",
                  "%s %s is there already, in row %zu", what, cf_quote(text, quoted), first + 1);
    }
}

static bool is_equal_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static void check_ends(const json_t *effective, struct cf_report *r)
{
    const json_t *source = cf_json_at(effective, "spec", "source", NULL);
    const json_t *target = cf_json_at(effective, "spec", "target", NULL);
    const char *cluster = cf_json_str(source, NULL, "cluster", NULL);
    const char *name = cf_json_str(source, NULL, "namespace", NULL);
    if (is_equal_text(cluster, cf_json_str(target, NULL, "cluster", NULL)) &&
        is_equal_text(name, cf_json_str(target, NULL, "namespace", NULL)))
        cf_report(r, CF_PLAN_SAME_ENDS, "/spec/target",
                  "name another cluster, or another namespace of the same one",
                  "source and target are one place: %s/%s", cluster, name);
}

static void check_triggers(const json_t *effective, struct cf_report *r)
{
    const json_t *on = cf_json_at(effective, "spec", "rollback", "on", NULL);
    if (json_array_size(on) == 2 && json_is_string(json_array_get(on, 0)) &&
        json_equal(json_array_get(on, 0), json_array_get(on, 1)))
        cf_report(r, CF_PLAN_DUPLICATE_NAME, "/spec/rollback/on/1", "remove it",
                  "\"%s\" is there already", json_string_value(json_array_get(on, 1)));
}

void cf_check(const json_t *effective, struct cf_report *r)
{
    check_ends(effective, r);
    cf_check_workloads(effective, r);
    cf_check_copy(effective, r);
    cf_check_volumes(effective, r);
    cf_check_routers(effective, r);
    cf_check_reach(effective, r);
    cf_check_steps(effective, r);
    cf_check_gates(effective, r);
    check_triggers(effective, r);
}
