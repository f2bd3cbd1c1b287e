/* SPDX-License-Identifier: Apache-2.0 */
/* Routers, the way to the target, the order of the weights. */
#include "orchestrator/plan/check.h"

#include <stdio.h>
#include <string.h>

#include "base/address.h"

#define ROUTERS   "/spec/traffic/routers"
#define REACH     "/spec/traffic/reach"
#define STEPS     "/spec/traffic/steps"
#define ADDRESSES REACH "/addresses"

/* ---- routers ---- */

static bool is_same_place(const json_t *a, const json_t *b)
{
    static const char *const keys[] = { "cluster", "namespace", "type", "object", "route",
                                        "rule",    "match",     "host", "path" };
    for (size_t i = 0; i < CF_ARRAY_LEN(keys); i++) {
        const json_t *x = json_object_get(a, keys[i]), *y = json_object_get(b, keys[i]);
        if (x != y && !(x && y && json_equal(x, y)))
            return false;
    }
    return json_object_get(a, "object") != NULL;
}

static void check_same_place(const json_t *routers, size_t index, struct cf_report *r)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, ROUTERS "/%zu", index);
    for (size_t j = 0; j < index; j++)
        if (is_same_place(json_array_get(routers, j), json_array_get(routers, index))) {
            cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer,
                      "remove one of them, or name the route or rule of each",
                      "this is the same route of the same object as in row %zu", j + 1);
            return;
        }
}

static void check_router(const json_t *router, size_t index, struct cf_report *r)
{
    char pointer[128];
    if (json_object_get(router, "rule") && json_object_get(router, "match")) {
        snprintf(pointer, sizeof pointer, ROUTERS "/%zu/match", index);
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer, "keep one of them",
                  "\"rule\" and \"match\" both say which rule is meant");
    }
    const json_t *source = cf_json_at(router, "destinations", "source", NULL);
    const json_t *target = cf_json_at(router, "destinations", "target", NULL);
    snprintf(pointer, sizeof pointer, ROUTERS "/%zu/destinations/target", index);
    if (json_object_size(source) > 0 && json_equal(source, target))
        cf_report(r, CF_PLAN_SAME_ENDS, pointer, "name the destination that leads to the target",
                  "source and target are the same destination");
    static const char *const sides[] = { "source", "target" };
    for (size_t s = 0; s < CF_ARRAY_LEN(sides); s++) {
        const json_t *d = cf_json_at(router, "destinations", sides[s], NULL);
        snprintf(pointer, sizeof pointer, ROUTERS "/%zu/destinations/%s/portName", index, sides[s]);
        if (json_object_get(d, "port") && json_object_get(d, "portName"))
            cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer, "keep one of them",
                      "\"port\" and \"portName\" both say which port is meant");
    }
}

void cf_check_routers(const json_t *effective, struct cf_report *r)
{
    cf_check_unique(effective, ROUTERS, "name", "a router", r);
    const json_t *routers = cf_json_pointer(effective, ROUTERS);
    size_t i;
    json_t *router;
    json_array_foreach(routers, i, router)
    {
        check_same_place(routers, i, r);
        check_router(router, i, r);
    }
}

/* ---- reach ---- */

/* The mode and the destinations must tell one story. */
static void check_mode(const json_t *routers, const char *mode, struct cf_report *r)
{
    size_t i, n_named = 0;
    json_t *router;
    bool is_existing = strcmp(mode, "existing") == 0;
    json_array_foreach(routers, i, router)
    {
        if (!json_is_object(router))
            return;
        bool is_named = cf_json_at(router, "destinations", "target", NULL) != NULL;
        n_named += is_named;
        char pointer[64];
        snprintf(pointer, sizeof pointer, ROUTERS "/%zu/destinations", i);
        if (is_existing && !is_named)
            cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer,
                      "name destinations.target, or take reach.mode endpoints or address",
                      "reach.mode is existing, but the router names no destination of the target");
    }
    if (!is_existing && n_named > 0 && n_named == json_array_size(routers))
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, REACH "/mode",
                  "take existing, or remove destinations.target",
                  "every router names destinations.target, so there is no use for a bridge");
}

static void check_address(const json_t *addresses, size_t i, struct cf_report *r)
{
    const json_t *address = json_array_get(addresses, i);
    const char *text = json_string_value(address);
    char pointer[64];
    snprintf(pointer, sizeof pointer, ADDRESSES "/%zu", i);
    if (!text)
        return;
    const char *refused = cf_address_refused(text);
    if (refused)
        cf_report(r, CF_PLAN_BAD_FORMAT, pointer,
                  "give the address of the target's gateway or load balancer, as the router's "
                  "cluster reaches it",
                  "%s is %s address: no EndpointSlice may carry it", text, refused);
    for (size_t j = 0; j < i; j++) {
        if (!json_equal(address, json_array_get(addresses, j)))
            continue;
        cf_report(r, CF_PLAN_DUPLICATE_NAME, pointer, "remove one of them",
                  "the address is there already, in row %zu", j + 1);
        return;
    }
}

static void check_addresses(const json_t *addresses, const char *mode, struct cf_report *r)
{
    bool is_address = strcmp(mode, "address") == 0;
    if (is_address && addresses && json_array_size(addresses) == 0)
        cf_report_missing(r, REACH, "addresses",
                          "the target's gateway or load balancer, such as [10.20.0.5]");
    if (!is_address && json_array_size(addresses) > 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, ADDRESSES, "remove them, or set mode to address",
                  "addresses have no meaning for mode %s", mode);
    for (size_t i = 0; i < json_array_size(addresses); i++)
        check_address(addresses, i, r);
}

static void check_ports(const json_t *effective, const char *mode, struct cf_report *r)
{
    const json_t *ports = cf_json_pointer(effective, REACH "/ports");
    if (strcmp(mode, "address") != 0 && json_array_size(ports) > 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, REACH "/ports",
                  "remove them, or set mode to address", "ports have no meaning for mode %s", mode);
    if (json_array_size(ports) > 1)
        cf_report(r, CF_PLAN_NOT_SUPPORTED_YET, REACH "/ports/1",
                  "give one port: each port of the Service goes to it",
                  "several ports for fixed addresses are not supported yet");
}

void cf_check_reach(const json_t *effective, struct cf_report *r)
{
    const char *mode = cf_json_str(effective, NULL, "spec", "traffic", "reach", "mode", NULL);
    if (!mode)
        return;
    check_mode(cf_json_pointer(effective, ROUTERS), mode, r);
    check_addresses(cf_json_pointer(effective, ADDRESSES), mode, r);
    check_ports(effective, mode, r);
}

/* ---- steps ---- */

void cf_check_steps(const json_t *effective, struct cf_report *r)
{
    const json_t *steps = cf_json_pointer(effective, STEPS);
    int64_t before = 0, weight = 0;
    bool rises = true;
    size_t i, n_known = 0;
    json_t *step;
    char pointer[64];
    json_array_foreach(steps, i, step)
    {
        weight = cf_json_int(step, 0, "weight", NULL);
        if (weight == 0) {
            before = 0;
            continue;
        }
        n_known++;
        snprintf(pointer, sizeof pointer, STEPS "/%zu/weight", i);
        rises = rises && weight > before;
        if (weight <= before)
            cf_report(r, CF_PLAN_STEP_ORDER, pointer, "weights rise from step to step",
                      "weight %d does not rise above the %d before it", (int)weight, (int)before);
        before = weight;
    }
    if (n_known > 0 && n_known == json_array_size(steps) && rises && weight != 100)
        cf_report(r, CF_PLAN_STEP_ORDER, pointer, "add 100 as the last step",
                  "the last weight is %d, but all traffic must have moved before commit",
                  (int)weight);
}
