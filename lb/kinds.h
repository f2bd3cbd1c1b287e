/* SPDX-License-Identifier: Apache-2.0 */
/* Inside lb/ only: what differs between the three router types, one row of functions each.
 *
 * Everything works on trees; a *place* is where a baseline's destinations are in an object now.
 * Indices are valid for that very tree only. Pure; any thread. */
#ifndef CF_LB_KINDS_H
#define CF_LB_KINDS_H

#include "lb/router.h"

enum { CF_PLACE_WHY_MAX = 256 };

/* Where our destinations are. For an Ingress the object is the canary and the indices are unused.
 */
struct cf_place {
    int route;                        /* in spec.http or spec.rules */
    int source;                       /* in its route or backendRefs */
    int target;                       /* -1: not there */
    int source_weight, target_weight; /* as the data plane reads them */
};

struct cf_kind_ops {
    const char *group;
    const char *const *versions; /* best first, ended by NULL */
    const char *kind;
    const char *plural;
    void (*inspect)(const struct cf_router_target *t, const struct cf_router_objects *o,
                    struct cf_router_view *out);
    /* Adds what the type needs to a baseline that already has the common members. */
    void (*baseline)(const struct cf_router_target *t, const struct cf_router_view *view,
                     json_t *out);
    /* False with a text when our destinations are not to be found. */
    bool (*locate)(const json_t *baseline, const json_t *object, struct cf_place *out,
                   char why[CF_PLACE_WHY_MAX]);
    void (*test_identity)(const json_t *baseline, const json_t *object, const struct cf_place *at,
                          json_t *patch);
    void (*set_weight)(const json_t *baseline, const struct cf_place *at, int percent,
                       json_t *patch);
    /* Adds the target destination at weight 0, if it is missing. NULL: not this way. */
    void (*add_target)(const json_t *baseline, const json_t *object, const struct cf_place *at,
                       json_t *patch);
    /* Our destinations exactly as in the baseline. NULL: the object goes as a whole. */
    void (*give_back)(const json_t *baseline, const json_t *object, const struct cf_place *at,
                      json_t *patch);
    /* Whether our destinations are exactly as in the baseline. */
    bool (*is_given_back)(const json_t *baseline, const json_t *object);
};

extern const struct cf_kind_ops cf_kind_virtual_service, cf_kind_http_route, cf_kind_ingress;

const struct cf_kind_ops *cf_router_kind_of(enum cf_router_type type);
const struct cf_kind_ops *cf_kind_of_baseline(const json_t *baseline);

/* The target's percent of the share, or -1 when the two do not make the share or it is no integer.
 */
int cf_share_percent(int share, int source_weight, int target_weight);
/* The target's weight for a percent of the share; false when integers cannot express it. */
bool cf_share_split(int share, int percent, int *out_source, int *out_target);

/* Who else steers this object: another rollout controller (blocker), a GitOps tool (warning),
 * another run (blocker). */
void cf_problems_of_owners(const json_t *object, const char *slot, struct cf_problems *out);

/* Appends {"op", "path", "value"}; takes `value` (NULL for remove). */
void cf_patch_add_take(json_t *patch, const char *op, const char *path, json_t *value);
/* The same on an annotation's key. */
void cf_patch_annotation(json_t *patch, const char *op, const char *key, const char *text);

/* First 8 hex of the SHA-256 over the canonical form. */
char *cf_json_short_hash(const json_t *j, char buf[9]);

/* Slot and facts of a baseline. */
const char *cf_baseline_slot(const json_t *baseline);
int cf_baseline_share(const json_t *baseline);
void cf_baseline_destinations(const json_t *baseline, struct cf_destination *source,
                              struct cf_destination *target);

#endif
