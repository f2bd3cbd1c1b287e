/* SPDX-License-Identifier: Apache-2.0 */
/* Short forms are written out on a copy of the document. See expand.h. */
#include "orchestrator/plan/expand.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define TRAFFIC "/spec/traffic"
#define ROUTER  TRAFFIC "/router"
#define ROUTERS TRAFFIC "/routers"
#define GATES   "/spec/gates"

static bool has_short_router(const json_t *written)
{
    const json_t *traffic = cf_json_pointer(written, TRAFFIC);
    return json_object_get(traffic, "router") && !json_object_get(traffic, "routers");
}

static bool is_short_gate(const json_t *gate)
{
    return json_is_object(gate) && json_object_size(gate) == 1 &&
           json_object_get(gate, "successRate");
}

void cf_expand_origin(const json_t *written, const char *expanded, char *buf)
{
    static const char first[] = ROUTERS "/0";
    size_t n = sizeof first - 1;
    if (strncmp(expanded, first, n) == 0 && (expanded[n] == '/' || !expanded[n]) &&
        has_short_router(written)) {
        snprintf(buf, CF_JSON_POINTER_MAX, "%s%s", ROUTER, expanded + n);
        return;
    }
    if (strcmp(expanded, ROUTERS) == 0 && has_short_router(written)) {
        snprintf(buf, CF_JSON_POINTER_MAX, "%s", ROUTER);
        return;
    }
    snprintf(buf, CF_JSON_POINTER_MAX, "%s", expanded);
    unsigned index;
    if (sscanf(expanded, GATES "/%u", &index) == 1 &&
        is_short_gate(json_array_get(cf_json_pointer(written, GATES), index)))
        snprintf(buf, CF_JSON_POINTER_MAX, GATES "/%u/successRate", index);
}

static void expand_router(json_t *traffic, struct cf_report *r)
{
    json_t *router = json_object_get(traffic, "router");
    if (!router)
        return;
    if (json_object_get(traffic, "routers")) {
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, ROUTER, "keep one of them",
                  "\"router\" is short for \"routers\" with one element; both are given");
        json_object_del(traffic, "router");
        return;
    }
    json_t *name = json_object_get(router, "name");
    if (name && !json_object_get(router, "object"))
        json_object_set(router, "object", name);
    else if (!name && json_is_object(router) && !json_object_get(router, "object"))
        json_object_set_new(router, "object", json_string("unnamed")); /* one mistake, one issue */
    json_t *list = json_array();
    json_array_append(list, router);
    json_object_del(traffic, "router");
    json_object_set_new(traffic, "routers", list);
}

static void expand_steps(json_t *traffic)
{
    json_t *steps = json_object_get(traffic, "steps");
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step) if (!json_is_object(step) && !json_is_null(step))
        json_array_set_new(steps, i, json_pack("{s:O}", "weight", step));
}

/* ">= 99.5%" → "99.5%": a pointer into the text, or NULL. */
static const char *at_least(const char *text)
{
    if (!text)
        return NULL;
    while (isspace((unsigned char)*text))
        text++;
    if (strncmp(text, ">=", 2) != 0)
        return NULL;
    for (text += 2; isspace((unsigned char)*text);)
        text++;
    struct cf_error ignored = CF_ERROR_INIT;
    double ratio;
    return cf_percent_parse(text, &ratio, &ignored) ? text : NULL;
}

static void expand_gates(json_t *spec, struct cf_report *r)
{
    json_t *gates = json_object_get(spec, "gates");
    size_t i;
    json_t *gate;
    json_array_foreach(gates, i, gate)
    {
        if (!is_short_gate(gate))
            continue;
        const char *min = at_least(json_string_value(json_object_get(gate, "successRate")));
        if (min) {
            json_array_set_new(gates, i,
                               json_pack("{s:s, s:s, s:s}", "name", CF_EXPAND_GATE_NAME, "type",
                                         "successRate", "min", min));
            continue;
        }
        char pointer[64];
        snprintf(pointer, sizeof pointer, GATES "/%zu/successRate", i);
        cf_report(r, CF_PLAN_BAD_FORMAT, pointer, "write `successRate: \">= 99.5%\"`",
                  "must be \">=\" and a percentage");
        json_array_set_new(gates, i, json_null());
    }
}

json_t *cf_expand(const json_t *document, struct cf_report *r)
{
    json_t *copy = cf_json_copy(document);
    json_t *spec = json_object_get(copy, "spec");
    json_t *traffic = json_object_get(spec, "traffic");
    expand_router(traffic, r);
    expand_steps(traffic);
    expand_gates(spec, r);
    return copy;
}
