/* SPDX-License-Identifier: Apache-2.0 */
/* Routers behind one port: VirtualService, HTTPRoute and Ingress, found, measured, and turned into
 * patches.
 *
 * This header is the pure half: functions from JSON trees to views, baselines and JSON Patches;
 * plan diff, the run's steps and the pre-rendered rollback all use these. The half that talks to a
 * cluster is lb/write.h.
 *
 * A run's life with a router: inspect (preflight) → baseline, captured and stored before the first
 * write → adopt (marks, and the target destination at weight 0) → touch after every change of owner
 * → forward … → rollback and restore, or finish. The *baseline* holds all that is needed from then
 * on: which object, which route, our two destinations, our share, the exact fragment to give back.
 * Callers store it as it is and pass it back.
 *
 * Our weight is percent of what source and target have together; everybody else's destinations keep
 * their weights. */
#ifndef CF_LB_ROUTER_H
#define CF_LB_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "lb/annotations.h"
#include "lb/destination.h"
#include "lb/problem.h"

struct cf_kube;

enum { CF_ROUTE_SELECTOR_MAX = 254, CF_ROUTER_LINE_MAX = 2048 };

/* The plan's router row, resolved. A plain value. */
struct cf_router_target {
    enum cf_router_type type;
    char cluster[CF_DEST_WORD_MAX]; /* name of the cluster that holds the object; for texts */
    char ns[CF_DEST_WORD_MAX];
    char object[CF_DEST_NAME_MAX];
    /* Which route: "" = the only one, or the only one with the source destination. Otherwise
     * VirtualService: the http route's name; HTTPRoute: the rule's name, its index in decimal, or
     * "match:" and 8 hex (as in cf_router_view.route_key); Ingress: "host", "/path" or "host/path".
     */
    char route[CF_ROUTE_SELECTOR_MAX];
    bool has_source; /* false: the route's only destination (beside the target's) */
    struct cf_destination source;
    bool has_target; /* false while the bridge is not named yet: inspect still works */
    struct cf_destination target;
};

/* What inspection saw. Owns `object`. */
struct cf_router_view {
    json_t *object; /* the object that carries the weights: for a VirtualService that delegates, the
                       delegate */
    json_t *main_object; /* Ingress: the main Ingress (`object` is our canary, or NULL while there
                            is none); else NULL */
    bool located;        /* the fields below are meaningful */
    char route_key[CF_ROUTE_SELECTOR_MAX]; /* canonical name of the route, for claims: name,
                                              "match:<8 hex>", or "" */
    char ns[CF_DEST_WORD_MAX];             /* of the object that carries the weights */
    char name[CF_DEST_NAME_MAX];
    char slot[CF_SLOT_MAX];                      /* suffix of the marks' keys on this object */
    int route_index, source_index, target_index; /* in `object`; target_index -1: absent */
    struct cf_destination source;
    struct cf_destination target; /* as it is in the route, when it is */
    bool target_present;          /* the target destination is already in the route */
    bool alone;                   /* no destination but ours: then our share is 100 */
    int share;                    /* what source and target have together, and keep */
    int source_weight, target_weight, others_weight; /* as the data plane reads them now */
    int weight; /* target's percent of the share now; -1 if that is no integer */
    struct cf_marks marks;
    struct cf_problems problems;
};

/* HTTPRoute: the selector "match:<8 hex>" of the rule that has this element in `matches`; what the
 * API fills in (path, types) may be left out. Returns buf. */
char *cf_router_match_selector(const json_t *match, char buf[CF_ROUTE_SELECTOR_MAX]);

void cf_router_view_free(struct cf_router_view *v); /* for CF_CLEANUP; accepts a zeroed one */

/* The objects an inspection needs, read by the caller (lb/write.h does it) or given by a test. All
 * borrowed. */
struct cf_router_objects {
    const json_t *object;   /* the object the plan names */
    const json_t *delegate; /* VirtualService: the delegate the chosen route points to, or NULL */
    const json_t *canary;   /* Ingress: `<ingress>-crossfade`, or NULL */
    const json_t *peers; /* array of the other objects of that kind in the namespace, or NULL: not
                            looked at */
};

/* Finds our destinations and everything that stands in the way. Never fails: what is wrong is in
 * out->problems. */
void cf_router_inspect(const struct cf_router_target *t, const struct cf_router_objects *o,
                       struct cf_router_view *out);

/* VirtualService: whether the route that `t` chooses delegates, and to which VirtualService. */
bool cf_router_delegate_of(const struct cf_router_target *t, const json_t *object,
                           char ns[CF_DEST_WORD_MAX], char name[CF_DEST_NAME_MAX]);

/* Adds a blocker for every step (percent) that integers cannot express within our share. */
void cf_router_check_steps(struct cf_router_view *view, const int *steps, int n);

/* The baseline of an inspected router without blockers whose target is known: what to store before
 * the first write. INVALID names the first blocker. New reference. */
json_t *cf_router_baseline(const struct cf_router_target *t, const struct cf_router_view *view,
                           struct cf_error *err) CF_NODISCARD;

/* Facts of a baseline, borrowed from it. */
enum cf_router_type cf_baseline_type(const json_t *baseline);
const char *cf_baseline_cluster(const json_t *baseline);
const char *cf_baseline_ns(const json_t *baseline);     /* of the object we write */
const char *cf_baseline_object(const json_t *baseline); /* for an Ingress: the canary */
const char *cf_baseline_kind(const json_t *baseline);
const char *cf_baseline_route_key(const json_t *baseline);
int cf_baseline_weight(const json_t *baseline); /* the target's percent before we came */
/* "virtualService web/shop route checkout on dc1", into buf of CF_ROUTER_LINE_MAX; returns buf. */
char *cf_baseline_text(const json_t *baseline, char *buf);

/* Under whose name a write is made. `arm` and `seq` are what the object is expected to carry: those
 * of our last recorded write. */
struct cf_router_grip {
    char run[CF_DEST_WORD_MAX];
    char incarnation[CF_DEST_WORD_MAX];
    int64_t epoch;
    char arm[CF_NONCE_TEXT]; /* "" = not armed */
    char seq[CF_NONCE_TEXT];
};

/* What an object says against what a run expects, most important first. */
enum cf_router_state {
    CF_ROUTER_OURS,      /* marks and destinations are as expected */
    CF_ROUTER_FENCED,    /* another run, a larger epoch, another arm, another object under the name:
                            drop it */
    CF_ROUTER_FOREIGN,   /* marks of ours from another store incarnation: hold and ask */
    CF_ROUTER_OVERTAKEN, /* a newer write of this run (or its rollback): plan again from the
                            database */
    CF_ROUTER_DRIFTED,   /* somebody else changed our destinations, weights or marks */
    CF_ROUTER_MOVED,     /* the same destinations elsewhere in the list: locate again */
};
const char *cf_router_state_name(enum cf_router_state s);

/* A reading of the object, by value. */
struct cf_router_reading {
    enum cf_router_state state;
    bool located;   /* the two weights below were found */
    int weight;     /* the target's percent; -1 if absent or no integer of our share */
    int want;       /* what the last write of ours asked for; -1 unknown */
    bool emergency; /* the traffic was sent back; nothing may raise it until a person asks */
    char emergency_why[128];
    int64_t epoch; /* the object's */
    char run[CF_DEST_WORD_MAX];
    char arm[64], seq[64];
    char who[192];  /* drift: "kubectl-edit (Update, 2026-11-21T10:00:00Z)", from managedFields; ""
                       unknown */
    char what[384]; /* what differs, for people */
    int64_t generation;
};

/* Judges an object against grip and baseline; `object` NULL (gone) is DRIFTED. An empty grip->seq
 * means that the nonces are not known: they are not compared. `expect_weight` < 0 does not check
 * weights. FENCED with the caller's own run and epoch means that a touch of its own came between:
 * take the grip from there. Never says MOVED: that is what a failed test on an object that is OURS
 * means. */
void cf_router_judge(const json_t *baseline, const json_t *object,
                     const struct cf_router_grip *grip, int expect_weight,
                     struct cf_router_reading *out);

/* ---- patches; all RFC 6902 arrays, new references; CONFLICT when the route is not where and what
 * the baseline says ---- */

/* The spec part alone, without marks: for plan diff and previews, also on an object not adopted
 * yet. */
json_t *cf_router_render_preview(const json_t *baseline, const json_t *object, int weight,
                                 struct cf_error *err) CF_NODISCARD;

/* First write: marks from `grip`, target destination at weight 0, explicit weight on the source;
 * with the version just read. An Ingress has nothing to patch: cf_router_render_canary() makes the
 * object. */
json_t *cf_router_render_adopt(const json_t *baseline, const json_t *object,
                               const struct cf_router_grip *grip,
                               struct cf_error *err) CF_NODISCARD;
json_t *cf_router_render_canary(const json_t *baseline,
                                const struct cf_router_grip *grip) CF_NODISCARD;

/* An Ingress that names the source's Services for a host that nobody asks for (ingress_end.c). */
json_t *cf_router_render_keeper(const json_t *baseline, const char *run) CF_NODISCARD;

/* Merge patch (not RFC 6902): new owner's epoch, fresh nonces, with uid and the resourceVersion
 * just read. `next` is what the object carries after. */
json_t *cf_router_render_touch(const json_t *baseline, const json_t *object,
                               const struct cf_router_grip *next,
                               struct cf_error *err) CF_NODISCARD;

/* Tests uid, run, arm, grip's seq, no emergency, identity of our destinations; then the weights,
 * `want`, `new_seq`. */
json_t *cf_router_render_forward(const json_t *baseline, const json_t *object,
                                 const struct cf_router_grip *grip, int weight, const char *new_seq,
                                 struct cf_error *err) CF_NODISCARD;

/* Forward patch that changes `arm` instead of weights: `new_arm` "" disarms. Arming tests that arm
 * is empty. */
json_t *cf_router_render_arm(const json_t *baseline, const json_t *object,
                             const struct cf_router_grip *grip, const char *new_arm,
                             const char *new_seq, struct cf_error *err) CF_NODISCARD;

/* The whole way back as one document, to be journalled when a weight is raised: {baseline, grip,
 * seq, why, patch}. No test on seq. Weights go to the baseline's. INVALID when grip is not armed.
 */
json_t *cf_router_render_rollback(const json_t *baseline, const json_t *object,
                                  const struct cf_router_grip *grip, const char *why,
                                  struct cf_error *err) CF_NODISCARD;

/* Our destinations exactly as in the baseline, the target's gone if we added it, marks removed.
 * Tests like forward, but allows emergency. */
json_t *cf_router_render_restore(const json_t *baseline, const json_t *object,
                                 const struct cf_router_grip *grip,
                                 struct cf_error *err) CF_NODISCARD;

/* Marks removed, weights stay: after commit. Tests like forward. */
json_t *cf_router_render_release(const json_t *baseline, const json_t *object,
                                 const struct cf_router_grip *grip,
                                 struct cf_error *err) CF_NODISCARD;

/* Ingress at commit: the main Ingress' backends of our paths become the target's. An empty array if
 * they already are. */
json_t *cf_router_render_switch(const json_t *baseline, const json_t *main_object,
                                struct cf_error *err) CF_NODISCARD;

/* The shell line that sends the traffic back without us; obeys `arm`. Into buf of
 * CF_ROUTER_LINE_MAX; returns buf. */
char *cf_router_kubectl_line(const json_t *baseline, char *buf);

#endif
