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
    char *key; /* as cf_object_label(): unique in a namespace */
    const json_t *object;
    const struct cf_kind *kind;
    char *why;                  /* NULL: not a member */
    char *why_not;              /* something asked for it, and this kept it out */
    const struct cf_node *from; /* what brought it; NULL: the plan */
    const json_t *include;      /* the plan's row that selected it, or NULL */
    int wave;                   /* from 0: before it the earlier ones are healthy in the target */
    const json_t *pull_secrets; /* what its pods get from the default ServiceAccount, or NULL */
    bool looked_at;             /* what it brings has been brought */
    bool excluded;              /* by the plan: never a member */
    bool reached;               /* a router's Service selects its pods */
    bool unlisted;              /* asked for, and the plan copies only what it lists */
    bool writes;  /* mounts a claim whose data moves: starts when the writers switch */
    bool refused; /* its maker is an operator: the plan cannot have it as it is */
    UT_hash_handle hh;
};

struct cf_closure_set {
    const struct cf_closure_input *in;
    const char *ns; /* of the source */
    bool listed;    /* dependencies: listed */
    bool settled;   /* nobody joins any more */
    struct cf_node *nodes;
    /* Members in the order in which they came; what they bring is looked at in this order. */
    struct cf_node **queue;
    size_t queued;
    int *row_waves;                        /* of the rows of include */
    int waves;                             /* how many there are */
    int wave;                              /* what is brought now comes with this one */
    const struct cf_node *late, *late_for; /* the first that is to come after who needs it */
    json_t *required;
    json_t *notes;
    json_t *claims, *writers; /* whose data moves, and who mounts them */
};

void cf_set_init(struct cf_closure_set *s, const struct cf_closure_input *in);
void cf_set_free(struct cf_closure_set *s);

/* `label` is a kind's label (kinds.h): "Service", "Gateway.networking.istio.io". */
struct cf_node *cf_set_find(const struct cf_closure_set *s, const char *label, const char *name);
/* By an apiVersion and kind as objects name each other; "" as apiVersion is any. */
struct cf_node *cf_set_find_ref(struct cf_closure_set *s, const char *api_version, const char *kind,
                                const char *name);
bool cf_node_is(const struct cf_node *n, const char *label);

/* Makes a node a member, unless it is one, is excluded, or may never be copied. NULL is no node. */
/* The plan names it: by a row, or (NULL) through its routers. */
void cf_set_select(struct cf_closure_set *s, struct cf_node *n, const json_t *include,
                   const char *why, ...) CF_PRINTF(4, 5);
/* `from` does not work without it. */
void cf_set_need(struct cf_closure_set *s, struct cf_node *n, const struct cf_node *from,
                 const char *why, ...) CF_PRINTF(4, 5);
/* It acts on `from`, which works without it. */
void cf_set_bring(struct cf_closure_set *s, struct cf_node *n, const struct cf_node *from,
                  const char *why, ...) CF_PRINTF(4, 5);
/* Not a member after all. */
void cf_set_drop(struct cf_closure_set *s, struct cf_node *n, const char *why_not);

/* Something the target must have by itself. `api_version` NULL: that of a well-known class. `ns`
 * NULL: it has none. */
void cf_set_require(struct cf_closure_set *s, const char *api_version, const char *kind,
                    const char *ns, const char *name, const char *level, const struct cf_node *by);
void cf_set_note(struct cf_closure_set *s, const char *level, const char *code, const char *hint,
                 const char *message, ...) CF_PRINTF(5, 6);

/* Takes the claims whose data moves out of the members, once nobody joins any more. */
void cf_closure_volumes(struct cf_closure_set *s);

/* Everything that one member brings along. */
void cf_closure_edges(struct cf_closure_set *s, struct cf_node *n);
void cf_closure_service_edges(struct cf_closure_set *s, struct cf_node *n);
void cf_closure_route_edges(struct cf_closure_set *s, struct cf_node *n);
void cf_closure_custom_edges(struct cf_closure_set *s, struct cf_node *n);
/* Services that the member's configuration names by their host names: those that are configuration
 * themselves join; once the set is settled, the others are remarked upon. */
void cf_closure_mentions(struct cf_closure_set *s, struct cf_node *n);
/* The waves of the rows of include, from their `after`. INVALID: a name that no row has, or a
 * circle; plans are checked before. */
bool cf_closure_row_waves(struct cf_closure_set *s, struct cf_error *err) CF_NODISCARD;
/* Whether each wave can come: what is waited for becomes ready before the switch, and nobody needs
 * what comes after it. INVALID (field = the row's `after`) says why not. */
bool cf_closure_check_waves(const struct cf_closure_set *s, struct cf_error *err) CF_NODISCARD;
/* "now" or "atSwitch"; of what starts others (CF_KIND_STARTS), when they do. */
const char *cf_closure_start(const struct cf_closure_set *s, const struct cf_node *n);
/* Custom resources that name a member, once nothing else is to come. */
void cf_closure_custom_referrers(struct cf_closure_set *s);

/* Whether an operator of the source acts on a custom resource: it has a status, or children. */
bool cf_closure_is_operated(const struct cf_closure_set *s, const struct cf_node *n);
/* Of a kind that the target does not serve: the row of in->absent, or NULL. */
const json_t *cf_closure_absent(const struct cf_closure_set *s, const struct cf_node *n);
/* A route that the plan steers. */
bool cf_closure_is_steered(const struct cf_closure_set *s, const struct cf_node *n);
/* Whether a Service of the namespace is a member: cf_is_copied_fn. */
bool cf_closure_has_service(const void *set, const char *service);

/* Members that turn out to be nothing: routes of which no rule is left. */
void cf_closure_drop_empty_routes(struct cf_closure_set *s);
/* Findings about members, and about what is not one. */
void cf_closure_notes(struct cf_closure_set *s);
void cf_closure_route_notes(struct cf_closure_set *s, const struct cf_node *n);
void cf_closure_operator_notes(struct cf_closure_set *s);
void cf_closure_pod_notes(struct cf_closure_set *s, const struct cf_node *n);
void cf_closure_quota_notes(struct cf_closure_set *s);

#endif
