/* SPDX-License-Identifier: Apache-2.0 */
/* Inside lb/ only: routers that are a list of routes, each a list of weighted destinations
 * (VirtualService, HTTPRoute). What the two share; virtual_service.c and http_route.c add what they
 * do not. Pure; any thread. */
#ifndef CF_LB_SPLIT_H
#define CF_LB_SPLIT_H

#include "lb/kinds.h"

struct cf_split {
    enum cf_router_type type;
    const char *routes;  /* "http" */
    const char *entries; /* "route" */
    const char *match;   /* "match" */
    const char *word;    /* what people call a route: "http route" */
    int absent_weight;   /* what an entry without weight counts beside others */
};

json_t *cf_split_routes(const struct cf_split *s, const json_t *object);
json_t *cf_split_entries(const struct cf_split *s, const json_t *object, int route);

/* Which of a route's entries are the two; -1 not there, -2 there more than once. */
void cf_split_find(const struct cf_split *s, const char *ns, const json_t *entries,
                   const struct cf_destination *source, const struct cf_destination *target,
                   int *out_source, int *out_target);
/* The weight of entry i as the data plane reads it (a lone one has all: 100). */
int cf_split_weight(const struct cf_split *s, const json_t *entries, int i);
/* The destination of an entry; false if it is none. */
bool cf_split_destination(const struct cf_split *s, const char *ns, const json_t *entry,
                          struct cf_destination *out);

/* The route's canonical name: its name, "match:<8 hex>", or "" without both; with "#<index>" behind
 * when others have the same. */
char *cf_split_route_key(const struct cf_split *s, const json_t *routes, int index,
                         char buf[CF_ROUTE_SELECTOR_MAX]);

/* Fills the view from route `index`: destinations, weights, slot, marks, problems of both. */
void cf_split_inspect(const struct cf_split *s, const struct cf_router_target *t,
                      const json_t *object, int index, struct cf_router_view *out);
/* Chooses the route when the plan does not name one; -1 with a problem. */
int cf_split_only_route(const struct cf_split *s, const struct cf_router_target *t,
                        const json_t *object, struct cf_router_view *out);
/* Index of the route with this name, or -1. */
int cf_split_named(const struct cf_split *s, const json_t *object, const char *name);

/* The kind's functions, parameterised. */
void cf_split_baseline(const struct cf_split *s, const struct cf_router_target *t,
                       const struct cf_router_view *view, json_t *out);
bool cf_split_locate(const struct cf_split *s, const json_t *baseline, const json_t *object,
                     struct cf_place *out, char why[CF_PLACE_WHY_MAX]);
void cf_split_test_identity(const struct cf_split *s, const json_t *object,
                            const struct cf_place *at, json_t *patch);
void cf_split_set_weight(const struct cf_split *s, const json_t *baseline,
                         const struct cf_place *at, int percent, json_t *patch);
void cf_split_add_target(const struct cf_split *s, const json_t *baseline, const json_t *object,
                         const struct cf_place *at, json_t *patch);
void cf_split_give_back(const struct cf_split *s, const json_t *baseline, const json_t *object,
                        const struct cf_place *at, json_t *patch);
bool cf_split_is_given_back(const struct cf_split *s, const json_t *baseline, const json_t *object);

#endif
