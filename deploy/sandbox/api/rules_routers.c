/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the routers' CRD schemas that steering relies on: required members, types and ranges.
 */
#include <string.h>

#include "deploy/sandbox/api/rules.h"

enum { WEIGHT_MAX = 1000000, BACKENDS_MAX = 16 };

static bool check_int(const json_t *v, const char *at, struct sbx_causes *causes)
{
    if (!v || json_is_integer(v))
        return true;
    sbx_cause(causes, "FieldValueTypeInvalid", "must be of type integer", "%s", at);
    return false;
}

static void check_destination(const json_t *route, const char *at, struct sbx_causes *causes)
{
    const json_t *d = json_object_get(route, "destination"),
                 *port = cf_json_at(d, "port", "number", NULL);
    cf_autofree char *weight = cf_xasprintf("%s.weight", at),
                     *number = cf_xasprintf("%s.destination.port.number", at);
    (void)check_int(json_object_get(route, "weight"), weight, causes);
    (void)check_int(port, number, causes);
    if (!d)
        sbx_cause(causes, "FieldValueRequired", "", "%s.destination", at);
    else if (!json_object_get(d, "host"))
        sbx_cause(causes, "FieldValueRequired", "", "%s.destination.host", at);
}

static void check_virtual_service(const json_t *spec, struct sbx_causes *causes)
{
    const json_t *http = json_object_get(spec, "http");
    if (http && !json_is_array(http)) {
        sbx_cause(causes, "FieldValueTypeInvalid", "must be of type array", "spec.http");
        return;
    }
    size_t i, j;
    json_t *r, *d;
    json_array_foreach(http, i, r)
    {
        json_array_foreach(json_object_get(r, "route"), j, d)
        {
            cf_autofree char *at = cf_xasprintf("spec.http[%zu].route[%zu]", i, j);
            check_destination(d, at, causes);
        }
    }
}

static void check_backend_ref(const json_t *b, const char *at, struct sbx_causes *causes)
{
    cf_autofree char *weight = cf_xasprintf("%s.weight", at), *port = cf_xasprintf("%s.port", at);
    const json_t *w = json_object_get(b, "weight"), *p = json_object_get(b, "port");
    if (!json_object_get(b, "name"))
        sbx_cause(causes, "FieldValueRequired", "", "%s.name", at);
    if (check_int(w, weight, causes) && w &&
        (json_integer_value(w) < 0 || json_integer_value(w) > WEIGHT_MAX))
        sbx_cause(causes, "FieldValueInvalid",
                  "should be greater than or equal to 0 and at most 1000000", "%s", weight);
    if (check_int(p, port, causes) && p &&
        (json_integer_value(p) < 1 || json_integer_value(p) > 65535))
        sbx_cause(causes, "FieldValueInvalid", "should be a port number", "%s", port);
}

static void check_http_route(const json_t *spec, struct sbx_causes *causes)
{
    size_t i, j;
    json_t *r, *b;
    json_array_foreach(json_object_get(spec, "parentRefs"), i, r)
    {
        if (!json_object_get(r, "name"))
            sbx_cause(causes, "FieldValueRequired", "", "spec.parentRefs[%zu].name", i);
    }
    json_array_foreach(json_object_get(spec, "rules"), i, r)
    {
        const json_t *refs = json_object_get(r, "backendRefs");
        if (json_array_size(refs) > BACKENDS_MAX)
            sbx_cause(causes, "FieldValueTooMany", "must have at most 16 items",
                      "spec.rules[%zu].backendRefs", i);
        json_array_foreach(refs, j, b)
        {
            cf_autofree char *at = cf_xasprintf("spec.rules[%zu].backendRefs[%zu]", i, j);
            check_backend_ref(b, at, causes);
        }
        json_array_foreach(json_object_get(r, "matches"), j, b)
        {
            const char *type = cf_json_str(b, "PathPrefix", "path", "type", NULL);
            if (!sbx_word_in("Exact,PathPrefix,RegularExpression", type))
                sbx_cause(causes, "FieldValueNotSupported", type,
                          "spec.rules[%zu].matches[%zu].path.type", i, j);
        }
    }
}

void sbx_rules_check_routers(const struct sbx_kind *k, const json_t *obj, struct sbx_causes *causes)
{
    const json_t *spec = json_object_get(obj, "spec");
    size_t before = json_array_size(causes->list);
    if (strcmp(k->kind, "VirtualService") == 0)
        check_virtual_service(spec, causes);
    else if (strcmp(k->kind, "HTTPRoute") == 0)
        check_http_route(spec, causes);
    else if (!spec && *k->group == 'g')
        sbx_cause(causes, "FieldValueRequired", "", "spec");
    if (json_array_size(causes->list) > before)
        sbx_cause_raw(causes, "FieldValueInvalid",
                      "Invalid value: null: some validation rules were not checked because the "
                      "object was invalid; correct the "
                      "existing errors to complete validation",
                      "<nil>");
}
