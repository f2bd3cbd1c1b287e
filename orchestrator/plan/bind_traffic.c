/* SPDX-License-Identifier: Apache-2.0 */
/* The typed plan: routers, reach, steps. See bind.h. */
#include <stdlib.h>
#include <string.h>

#include "orchestrator/plan/bind.h"

static const struct cf_plan_destination *bind_destination(struct cf_plan *p, const json_t *row)
{
    if (!row)
        return NULL;
    struct cf_plan_destination *d = cf_arena_alloc(p->arena, sizeof *d);
    d->host = cf_json_str(row, NULL, "host", NULL);
    d->subset = cf_json_str(row, NULL, "subset", NULL);
    d->service = cf_json_str(row, NULL, "service", NULL);
    d->namespace_ = cf_json_str(row, NULL, "namespace", NULL);
    d->kind = cf_json_str(row, NULL, "kind", NULL);
    d->port_name = cf_json_str(row, NULL, "portName", NULL);
    d->port = (int)cf_json_int(row, 0, "port", NULL);
    return d;
}

static void bind_pick(struct cf_plan_router *r, const json_t *row)
{
    const json_t *which = json_object_get(row, "route") ?: json_object_get(row, "rule");
    r->pick_match = json_object_get(row, "match");
    if (json_is_string(which)) {
        r->pick = CF_PLAN_PICK_NAME;
        r->pick_name = json_string_value(which);
    } else if (json_is_integer(which)) {
        r->pick = CF_PLAN_PICK_INDEX;
        r->pick_index = (int)json_integer_value(which);
    } else {
        r->pick = r->pick_match ? CF_PLAN_PICK_MATCH : CF_PLAN_PICK_ONLY;
    }
}

static void bind_router(struct cf_plan *p, struct cf_plan_router *r, const json_t *row)
{
    r->name = cf_bind_text(row, "name");
    r->type = (enum cf_plan_router_type)cf_bind_word(row, "type", cf_words_router_type);
    r->cluster = cf_bind_text(row, "cluster");
    r->namespace_ = cf_bind_text(row, "namespace");
    r->object = cf_bind_text(row, "object");
    bind_pick(r, row);
    r->host = cf_json_str(row, NULL, "host", NULL);
    r->path = cf_json_str(row, NULL, "path", NULL);
    r->source = bind_destination(p, cf_json_at(row, "destinations", "source", NULL));
    r->target = bind_destination(p, cf_json_at(row, "destinations", "target", NULL));
    r->reach = r->target ? CF_PLAN_REACH_EXISTING : p->traffic.reach;
}

static void bind_routers(struct cf_plan *p, const json_t *rows)
{
    struct cf_plan_traffic *t = &p->traffic;
    t->n_routers = json_array_size(rows);
    struct cf_plan_router *list = cf_arena_alloc(p->arena, t->n_routers * sizeof *list);
    for (size_t i = 0; i < t->n_routers; i++)
        bind_router(p, &list[i], json_array_get(rows, i));
    t->routers = list;
}

static void bind_reach(struct cf_plan *p, const json_t *reach)
{
    struct cf_plan_traffic *t = &p->traffic;
    t->reach = (enum cf_plan_reach)cf_bind_word(reach, "mode", cf_words_reach);
    const json_t *rows = json_object_get(reach, "addresses");
    t->n_addresses = json_array_size(rows);
    const char **addresses = cf_arena_alloc(p->arena, t->n_addresses * sizeof *addresses);
    for (size_t i = 0; i < t->n_addresses; i++)
        addresses[i] = json_string_value(json_array_get(rows, i));
    t->addresses = addresses;
    rows = json_object_get(reach, "ports");
    t->n_ports = json_array_size(rows);
    struct cf_plan_port *ports = cf_arena_alloc(p->arena, t->n_ports * sizeof *ports);
    for (size_t i = 0; i < t->n_ports; i++) {
        const json_t *row = json_array_get(rows, i);
        ports[i].name = cf_json_str(row, NULL, "name", NULL);
        ports[i].port = (int)cf_json_int(row, 0, "port", NULL);
    }
    t->ports = ports;
}

static void bind_steps(struct cf_plan *p, const json_t *rows)
{
    struct cf_plan_traffic *t = &p->traffic;
    t->n_steps = json_array_size(rows);
    struct cf_plan_step *list = cf_arena_alloc(p->arena, t->n_steps * sizeof *list);
    for (size_t i = 0; i < t->n_steps; i++) {
        list[i].weight = (int)cf_json_int(json_array_get(rows, i), 0, "weight", NULL);
        list[i].hold_ms = cf_bind_ms(json_array_get(rows, i), "hold");
    }
    t->steps = list;
}

static void bind_writers(struct cf_plan_traffic *t, const json_t *writers)
{
    static const char *const modes[] = { "none", "single", "both", NULL };
    static const char *const at_weight = "weight=";
    if (!writers)
        return;
    const char *when = cf_bind_text(writers, "switch");
    t->writers = (enum cf_plan_writers)cf_bind_word(writers, "mode", modes);
    if (strncmp(when, at_weight, strlen(at_weight)) == 0)
        t->switch_weight = (int)strtol(when + strlen(at_weight), NULL, 10);
}

void cf_bind_traffic(struct cf_plan *p, const json_t *traffic)
{
    struct cf_plan_traffic *t = &p->traffic;
    bind_reach(p, json_object_get(traffic, "reach"));
    bind_routers(p, json_object_get(traffic, "routers"));
    bind_steps(p, json_object_get(traffic, "steps"));
    t->hold_ms = cf_bind_ms(traffic, "hold");
    t->deadline_ms = json_object_get(traffic, "deadline") ? cf_bind_ms(traffic, "deadline") : 0;
    bind_writers(t, json_object_get(traffic, "writers"));
    t->on_drift = (enum cf_plan_drift)cf_bind_word(traffic, "onDrift", cf_words_drift);
}
