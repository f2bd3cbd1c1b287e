/* SPDX-License-Identifier: Apache-2.0 */
/* The set that a closure grows: every object of the namespace as a node, in or out, with the
 * reason. Internal to this room. */
#ifndef CF_FEDERATION_OBJECTS_CLOSURE_SET_H
#define CF_FEDERATION_OBJECTS_CLOSURE_SET_H

#include <stdbool.h>
#include <stddef.h>

#include <uthash.h>

#include "federation/objects/closure.h"
#include "federation/objects/kinds.h"

struct cf_node {
    char *key; /* "Kind/name": kinds of the table are unique without their group */
    const json_t *object;
    const struct cf_kind *kind;
    char *why;             /* NULL: not a member */
    const json_t *include; /* the plan's row that selected it, or NULL */
    bool excluded;         /* by the plan: never a member */
    bool reached;          /* a router's Service selects its pods */
    UT_hash_handle hh;
};

struct cf_closure_set {
    const struct cf_closure_input *in;
    struct cf_node *nodes; /* by key */
    /* Members in the order in which they came; what they bring is looked at in this order. */
    struct cf_node **queue;
    size_t queued, looked_at;
    json_t *required;
    json_t *notes;
};

struct cf_node *cf_set_find(struct cf_closure_set *s, const char *kind, const char *name);
/* Makes a node a member, unless it is one, is excluded, or may never be copied. */
void cf_set_join(struct cf_closure_set *s, struct cf_node *n, const json_t *include,
                 const char *why, ...) CF_PRINTF(4, 5);
/* Something the target must have by itself. */
void cf_set_require(struct cf_closure_set *s, const char *kind, const char *name, const char *why);
void cf_set_note(struct cf_closure_set *s, const char *level, const char *code, const char *hint,
                 const char *message, ...) CF_PRINTF(5, 6);

/* Everything that one member brings along. */
void cf_closure_edges(struct cf_closure_set *s, struct cf_node *n);

#endif
