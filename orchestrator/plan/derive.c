/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults that follow from other fields, filled in place. See derive.h. */
#include "orchestrator/plan/derive.h"

#include <math.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/plan/check.h"

/* Puts a copy of `value` (a scalar, borrowed; NULL: nothing) where a null stands; the key keeps its
 * position. */
static void fill(json_t *object, const char *key, const json_t *value)
{
    if (!json_is_null(json_object_get(object, key)))
        return;
    if (value && !json_is_null(value))
        json_object_set(object, key, cf_json_unconst(value));
    else
        json_object_del(object, key);
}

static void fill_text(json_t *object, const char *key, const char *text)
{
    cf_autojson json_t *value = text ? json_string(text) : NULL;
    fill(object, key, value);
}

static void derive_workloads(json_t *workloads)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(workloads, "include"), i, row)
    {
        fill(row, "start", json_object_get(workloads, "start"));
        fill(row, "onConflict", json_object_get(workloads, "onConflict"));
    }
}

static bool names_every_target(const json_t *routers)
{
    size_t i;
    json_t *router;
    json_array_foreach(
        routers, i, router) if (!cf_json_at(router, "destinations", "target", NULL)) return false;
    return json_array_size(routers) > 0;
}

static void derive_traffic(json_t *traffic, const json_t *source)
{
    size_t i;
    json_t *row;
    json_t *routers = json_object_get(traffic, "routers");
    json_array_foreach(routers, i, row)
    {
        fill(row, "cluster", json_object_get(source, "cluster"));
        fill(row, "namespace", json_object_get(source, "namespace"));
    }
    fill_text(json_object_get(traffic, "reach"), "mode",
              names_every_target(routers) ? "existing" : "endpoints");
    json_array_foreach(json_object_get(traffic, "steps"), i, row)
        fill(row, "hold", json_object_get(traffic, "hold"));
}

double cf_derive_detect(double min)
{
    return fmin(0.5, 10.0 * (1.0 - min));
}

static void derive_gate(json_t *gate, const json_t *source)
{
    bool is_promql = strcmp(cf_json_str(gate, "", "type", NULL), "promql") == 0;
    fill(gate, "cluster", is_promql ? json_object_get(source, "cluster") : NULL);
    struct cf_error ignored = CF_ERROR_INIT;
    const char *min = cf_json_str(gate, NULL, "min", NULL);
    double ratio;
    char text[CF_UNIT_TEXT_MAX];
    bool is_known = min && cf_percent_parse(min, &ratio, &ignored);
    fill_text(gate, "detect", is_known ? cf_percent_format(cf_derive_detect(ratio), text) : NULL);
}

/* Two orders of the same words are one meaning. Refused words (null) and repetitions stay for the
 * checks. */
static void sort_triggers(json_t *rollback)
{
    json_t *on = json_object_get(rollback, "on");
    if (json_array_size(on) == 2 &&
        strcmp(json_string_value(json_array_get(on, 0)) ?: "", "deadline") == 0 &&
        strcmp(json_string_value(json_array_get(on, 1)) ?: "", "gate") == 0)
        json_object_set_new(rollback, "on", json_pack("[s, s]", "gate", "deadline"));
}

static void derive_copy(json_t *copy)
{
    const char *method = cf_json_str(copy, "", "method", NULL);
    bool is_karmada = strcmp(method, "karmada") == 0;
    bool is_federation = is_karmada || strcmp(method, "clusternet") == 0;
    fill_text(copy, "mode", is_karmada ? "targetOnly" : NULL);
    fill_text(copy, "onConflict", is_federation ? "abort" : NULL);
    fill_text(copy, "overrides", is_karmada ? "policy" : NULL);
}

static void derive_volumes(json_t *volumes)
{
    const json_t *all = json_object_get(volumes, "default");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(volumes, "claims"), i, row)
    {
        fill(row, "strategy", json_object_get(all, "strategy"));
        if (strncmp(cf_json_str(row, "", "strategy", NULL), "velero", strlen("velero")) == 0)
            fill(row, "verify", json_object_get(all, "verify"));
        fill_text(row, "verify", "none");
    }
}

/* One step is no split: the writers can only move before it. */
static void derive_writers(json_t *traffic, bool moves)
{
    bool one = moves && json_array_size(json_object_get(traffic, "steps")) == 1;
    cf_autojson json_t *writers =
        one ? json_pack("{s:s,s:s}", "mode", "single", "switch", "beforeTraffic") : NULL;
    fill(traffic, "writers", writers);
}

void cf_derive(json_t *effective)
{
    json_t *spec = json_object_get(effective, "spec");
    const json_t *source = json_object_get(spec, "source");
    fill(json_object_get(spec, "target"), "namespace", json_object_get(source, "namespace"));
    derive_workloads(json_object_get(spec, "workloads"));
    derive_copy(json_object_get(spec, "copy"));
    derive_volumes(json_object_get(spec, "volumes"));
    derive_traffic(json_object_get(spec, "traffic"), source);
    bool moves = cf_check_moves_data(effective);
    derive_writers(json_object_get(spec, "traffic"), moves);
    fill_text(json_object_get(spec, "rollback"), "targetData", moves ? "discard" : NULL);
    size_t i;
    json_t *gate;
    json_array_foreach(json_object_get(spec, "gates"), i, gate) derive_gate(gate, source);
    sort_triggers(json_object_get(spec, "rollback"));
}
