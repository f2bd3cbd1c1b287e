/* SPDX-License-Identifier: Apache-2.0 */
/* The method karmada: templates and policies in a control plane, which writes them to its members.
 * Internal to this room.
 *
 * What it rests on:
 *   - A copy goes through one table of rows (karmada_rows.c). The row that was reached stands in the
 *     *state*; a killed call begins again in that row and finds everything as it is.
 *   - Each object belongs to one of our PropagationPolicies, which selects it by name. A policy has
 *     a *phase*; what its spec must be follows from the phase alone, so it can be compared at any
 *     time with what stands there.
 *   - What is true is what stands in the member, read with credentials of our own. The federation's
 *     conditions are asked as well, never alone.
 *   - Which Cluster object of the control plane is our source or target says its spec.id: the uid of
 *     the member's namespace kube-system. Names mean nothing.
 *   - The target's namespace, its quotas and limits are written directly, as the direct method does:
 *     Karmada takes down with a namespace what it put there, whatever it was asked to preserve.
 *
 *   - A template that somebody's policy places on the source already is *placed*: it stays its
 *     owner's and is never written, but for the claim on it, which is ours for the time of the run.
 *     Placed objects have policies of their own.
 *
 * The state: {"row": name, "inventory": digest, "written": n, "overridden": n, "scheduler": "own" |
 * "default", "target": Cluster, "source": Cluster, "policies": [{"name", "wave", "phase", "placed"?,
 * "givenBack"?, "objects": [{"apiVersion", "kind", "name"}]}], "placed": {key: its owner's claim},
 * "bound", "placedBound": {binding id: true} of an undo, "release": …}. */
#ifndef CF_FEDERATION_PROPAGATE_KARMADA_H
#define CF_FEDERATION_PROPAGATE_KARMADA_H

#include "federation/propagate/direct.h"
#include "federation/propagate/federation.h"

#define CF_KARMADA_POLICY_API  "policy.karmada.io/v1alpha1"
#define CF_KARMADA_BINDING_API "work.karmada.io/v1alpha2"
#define CF_KARMADA_WORK_API    "work.karmada.io/v1alpha1"
#define CF_KARMADA_CLUSTER_API "cluster.karmada.io/v1alpha1"

#define CF_KARMADA_MANAGED       "karmada.io/managed"
#define CF_KARMADA_POLICY_ID     "propagationpolicy.karmada.io/permanent-id"
#define CF_KARMADA_POLICY_NAME   "propagationpolicy.karmada.io/name"
#define CF_KARMADA_POLICY_NS     "propagationpolicy.karmada.io/namespace"
#define CF_KARMADA_CLUSTER_ID    "clusterpropagationpolicy.karmada.io/permanent-id"
#define CF_KARMADA_CLUSTER_NAME  "clusterpropagationpolicy.karmada.io/name"
#define CF_KARMADA_BINDING_ID    "resourcebinding.karmada.io/permanent-id"
#define CF_KARMADA_RETAIN        "resourcetemplate.karmada.io/retain-replicas"
#define CF_KARMADA_CONFLICT      "work.karmada.io/conflict-resolution"
#define CF_KARMADA_SKIP          "namespace.karmada.io/skip-auto-propagation"
#define CF_KARMADA_WORK_FINISHER "karmada.io/execution-controller"
#define CF_KARMADA_TAKEN_BY      "resourcetemplate.karmada.io/claimed-by"
#define CF_KARMADA_SCHEDULER     "crossfade"
/* On policies of ours that took their objects over from somebody else's. */
#define CF_LABEL_PLACED "crossfade.dev/placed"

enum {
    CF_KARMADA_SELECTORS_MAX = 100, /* of one policy: each change of it is looked at as a whole */
    CF_KARMADA_IDS_MAX = 50,        /* in one label selector: 37 characters each, in the URL */
    /* While we move it, nobody's policy may preempt ours: that would place the objects elsewhere in
     * one step, and not preserve them. */
    CF_KARMADA_PRIORITY = 2000000000,
    CF_KARMADA_NAME_MAX = 64,
};

/* How far a policy has come; each phase but the first is a spec. */
enum cf_karmada_phase {
    CF_PHASE_PLANNED,  /* not there yet */
    CF_PHASE_PLACED,   /* on the first member (adopt: the source), nothing dispatched */
    CF_PHASE_TAKING,   /* adopt: dispatched to the source, what stands there is taken over */
    CF_PHASE_TAKEN,    /* adopt: the same, and nothing may be overwritten any more */
    CF_PHASE_WIDENED,  /* adopt: on both, not dispatched to the target */
    CF_PHASE_OPEN,     /* dispatched to all members it is placed on */
    CF_PHASE_DETACHED, /* adopt: on the target alone */
};

/* One call's view. */
struct cf_karmada {
    const struct cf_propagation *p;
    struct cf_kube *hub;
    bool adopt;
    bool overwrite;   /* onConflict of spec.copy */
    bool in_template; /* overrides: template */
    char id[CF_FEDERATION_ID];
    const char *target, *source; /* names of Cluster objects; "" while unknown; borrowed from the
                                    state */
};

/* Fills the view from the plan and the state. Asks nobody. */
void cf_karmada_view(const struct cf_propagation *p, struct cf_karmada *out);
/* The same, and the members' Cluster objects found by their identity, once a run; notes them in the
 * state. INVALID when the control plane has no such member. */
bool cf_karmada_open(const struct cf_propagation *p, struct cf_karmada *out,
                     struct cf_error *err) CF_NODISCARD;
/* Whether this run's bindings get their clusters from us (client-driven mode). */
bool cf_karmada_is_own_scheduler(const struct cf_karmada *k);
/* The same of one policy: at the end each is handed over to Karmada's scheduler. */
bool cf_karmada_policy_is_own(const struct cf_karmada *k, const json_t *policy);

/* How a call of the port ends: what only a person can mend (a right that is missing, an object that
 * a server refuses, a webhook that does not answer) waits and says so, since nothing is gained by
 * failing; everything else stays an error. Returns what the port returns. */
bool cf_karmada_end(bool ok, struct cf_copying *out, struct cf_error *err);

/* --- karmada_members.c: Cluster objects --- */

/* *out: new reference. NOT_FOUND when it is gone. */
bool cf_karmada_cluster(const struct cf_karmada *k, const char *name, json_t **out,
                        struct cf_error *err) CF_NODISCARD;
bool cf_karmada_cluster_is_ready(const json_t *cluster);
/* The first taint that our policies do not tolerate, "key:Effect" in new memory; NULL: none. */
char *cf_karmada_taint(const json_t *cluster);
/* Whether the cluster is known to serve the kind; true where its list is not complete. */
bool cf_karmada_serves(const json_t *cluster, const char *api_version, const char *kind);
/* Waits while one of the members that a copy needs is not Ready. *out_ready false: `out` says so. */
bool cf_karmada_members_ready(const struct cf_karmada *k, bool with_source, bool *out_ready,
                              struct cf_copying *out, struct cf_error *err) CF_NODISCARD;

/* --- karmada_template.c: what stands in the control plane --- */

bool cf_karmada_inventory(const struct cf_propagation *p, json_t **out_inventory,
                          struct cf_error *err) CF_NODISCARD;
/* The name of the OverridePolicy of the object with this key. */
void cf_karmada_override_name(const struct cf_karmada *k, const char *key,
                              char out[CF_KARMADA_NAME_MAX]);
/* The OverridePolicy of an item, or NULL when no member's values differ from the template. `live`:
 * the template as it stands, NULL in previews. New reference. */
json_t *cf_karmada_override(const struct cf_karmada *k, const json_t *item,
                            const json_t *live) CF_NODISCARD;
/* One rule's overriders that turn `from` into `to`: {"plaintext": …, "labelsOverrider": …,
 * "annotationsOverrider": …}, without those that are empty. New reference. */
json_t *cf_karmada_overriders(const json_t *from, const json_t *to) CF_NODISCARD;

/* --- karmada_policy.c: the PropagationPolicies --- */

json_t *cf_karmada_policies(const struct cf_karmada *k); /* of the state; borrowed */
enum cf_karmada_phase cf_karmada_phase_of(const json_t *policy);
/* Its templates are somebody else's: they and their bindings stay. */
bool cf_karmada_policy_is_placed(const json_t *policy);
/* Gives every carried object that has none a policy. */
void cf_karmada_assign(const struct cf_karmada *k, const json_t *inventory);
/* The whole object for a phase; new reference. */
json_t *cf_karmada_policy_body(const struct cf_karmada *k, const json_t *policy,
                               enum cf_karmada_phase phase) CF_NODISCARD;
/* Makes the policy stand as the phase says; then notes the phase. */
bool cf_karmada_policy_write(const struct cf_karmada *k, json_t *policy,
                             enum cf_karmada_phase phase, struct cf_error *err) CF_NODISCARD;
/* Whether the live policy says what its phase says; else lines about what differs are appended. */
bool cf_karmada_policy_is(const struct cf_karmada *k, const json_t *policy, const json_t *live,
                          json_t *lines);
/* The members a phase places on, in an array of names; new reference. */
json_t *cf_karmada_placed(const struct cf_karmada *k, enum cf_karmada_phase phase) CF_NODISCARD;
struct cf_object_ref cf_karmada_policy_ref(const struct cf_karmada *k, const json_t *policy);
/* The ref of one of a policy's objects in the control plane, the members having the same. */
struct cf_object_ref cf_karmada_object_ref(const struct cf_karmada *k, const json_t *object);

/* --- karmada_look.c: bindings and Works --- */

/* Everything of one policy as it stands, read at once. */
struct cf_karmada_look {
    json_t *policy_object; /* NULL: gone */
    json_t *bindings;      /* by "Kind/name" */
    json_t *works;         /* by binding id; of the member asked for; NULL when none was */
};
void cf_karmada_look_free(struct cf_karmada_look *look); /* for CF_CLEANUP */
bool cf_karmada_look(const struct cf_karmada *k, const json_t *policy, const char *member,
                     struct cf_karmada_look *out, struct cf_error *err) CF_NODISCARD;
/* All bindings of the namespace, whosoever's, by "Kind/name"; new reference. */
bool cf_karmada_bindings(const struct cf_karmada *k, json_t **out_bindings,
                         struct cf_error *err) CF_NODISCARD;
/* Adds the ids of these bindings to an object {id: true}. */
void cf_karmada_note_ids(const json_t *bindings, json_t *ids);
/* The Works of these bindings in a member, by binding id; new reference. By the ids alone: also when
 * the bindings are gone and their Works are not. */
bool cf_karmada_works_by_id(const struct cf_karmada *k, const json_t *binding_ids,
                            const char *member, json_t **out_works,
                            struct cf_error *err) CF_NODISCARD;
bool cf_karmada_works_of(const struct cf_karmada *k, const json_t *bindings, const char *member,
                         json_t **out_works, struct cf_error *err) CF_NODISCARD;
/* The binding of one of the policy's objects and its Work in the member; NULL: not there. */
const json_t *cf_karmada_binding(const struct cf_karmada_look *look, const json_t *object);
const json_t *cf_karmada_binding_among(const json_t *bindings, const char *kind, const char *name);
const json_t *cf_karmada_work(const struct cf_karmada_look *look, const json_t *binding);
const json_t *cf_karmada_manifest(const json_t *work); /* borrowed, or NULL */
/* The entry of aggregatedStatus of a member, or NULL. */
const json_t *cf_karmada_aggregated(const json_t *binding, const char *member);

/* --- karmada_gates.c --- */

/* Waits until the bindings of the policy show its phase: placement, members exactly as placed (which
 * we write ourselves in client-driven mode), nothing being evicted. */
bool cf_karmada_bound(const struct cf_karmada *k, const json_t *policy, bool *out_so,
                      struct cf_copying *out, struct cf_error *err) CF_NODISCARD;
/* Whether a binding says what the policy says of dispatching, conflicts and placement. */
bool cf_karmada_shows_policy(const json_t *policy_object, const json_t *binding);
/* Whether spec.clusters of a binding are exactly these names. */
bool cf_karmada_is_placed_on(const json_t *binding, const json_t *names);
/* Waits for Karmada's own scheduler to have placed it so. */
bool cf_karmada_is_scheduled(const struct cf_karmada *k, const json_t *binding,
                             const json_t *wanted, bool *out_so, struct cf_copying *out);
/* Waits until each Work of the member stands, preserves, and is held back or not. */
bool cf_karmada_works_stand(const struct cf_karmada *k, const json_t *policy, const char *member,
                            bool held_back, bool *out_so, struct cf_copying *out,
                            struct cf_error *err) CF_NODISCARD;
/* Waits until each object of the policy is applied in the member: the Work says so, and so does the
 * member itself. */
bool cf_karmada_applied(const struct cf_karmada *k, const json_t *policy, const char *member,
                        bool *out_so, struct cf_copying *out, struct cf_error *err) CF_NODISCARD;

/* --- karmada_rehearse.c: what the Works would do --- */

/* Tries each Work's manifest of the policy against the member. In the target: server-side apply. In
 * the source: an update that must leave everything but metadata as it is, so that nothing restarts.
 * *out_so false: `out` says which object and why. */
bool cf_karmada_rehearse(const struct cf_karmada *k, const json_t *policy, bool in_source,
                         bool *out_so, struct cf_copying *out, struct cf_error *err) CF_NODISCARD;

/* --- karmada_claim.c: whose a template is --- */

/* The policy that an object (a template, or a binding) names as its own: {"kind", "namespace" ("" of
 * a cluster's policy), "name", "id"}; NULL: nobody's. New reference. */
json_t *cf_karmada_claim(const json_t *object) CF_NODISCARD;
/* The claim of a live policy; new reference. */
json_t *cf_karmada_claim_by(const json_t *policy) CF_NODISCARD;
/* Of the same policy, whatever its id; NULL is like nothing. */
bool cf_karmada_claim_same(const json_t *a, const json_t *b);
/* By a policy of this run. */
bool cf_karmada_claim_is_ours(const struct cf_karmada *k, const json_t *claim);
struct cf_object_ref cf_karmada_claim_ref(const json_t *claim);
char *cf_karmada_claim_text(const json_t *claim); /* "PropagationPolicy shop/web"; new memory */
/* Gives the template from the policy it shows to another: one patch, which fails if it is another's
 * by now. *out_so false: somebody was faster, look again. */
bool cf_karmada_claim_write(const struct cf_karmada *k, const json_t *object, const json_t *to,
                            bool *out_so, struct cf_error *err) CF_NODISCARD;
/* Karmada leaves the claim of a namespace's policy on a binding that a cluster's policy (`owner`)
 * gets: it is taken off. *out_so: there is none. */
bool cf_karmada_claim_leave(const struct cf_karmada *k, const json_t *binding, const json_t *owner,
                            bool *out_so, struct cf_error *err) CF_NODISCARD;

/* --- karmada_placed.c: what somebody's policy places on the source already --- */

/* Whether the object with this key is placed by somebody else's policy without us. */
bool cf_karmada_is_placed(const struct cf_karmada *k, const char *key);
/* The claim of the owner of a placed object, from what was kept when it was taken over; NULL: it was
 * not. New reference. */
bool cf_karmada_owner(const struct cf_karmada *k, const char *key, json_t **out_claim,
                      struct cf_error *err) CF_NODISCARD;
/* What a policy says that cannot be taken over and given back without moving something: new memory,
 * and *out_hint says what to do; NULL: it places on this member and nothing else. */
char *cf_karmada_not_plain(const json_t *policy, const char *member, const char **out_hint);
/* Whether we may write the bindings of the namespace. */
bool cf_karmada_may_place(const struct cf_karmada *k, bool *out_may,
                          struct cf_error *err) CF_NODISCARD;
/* Where the control plane has this template of somebody's: whether it is taken over (*out_placed gets
 * its claim under the key), or a finding that says why not. `policies`: all that there are. */
struct cf_karmada_placing {
    const struct cf_karmada *k;
    const json_t *policies;
    json_t *bindings; /* read when they are asked for first */
    json_t *placed;   /* key → claim */
    json_t *findings;
    bool has_asked, may_place; /* cf_karmada_may_place(), asked at most once */
};
bool cf_karmada_check_placed(struct cf_karmada_placing *c, const json_t *item, const json_t *live,
                             bool *out_placed, struct cf_error *err) CF_NODISCARD;
/* A note for each policy that something is taken over from. */
void cf_karmada_say_placed(struct cf_karmada_placing *c);
/* Gives the templates of the policies that stand held back to them, in the place of their owners;
 * what each was is kept first. */
bool cf_karmada_take_claims(const struct cf_karmada *k, int *io_room, bool *out_so,
                            struct cf_copying *out, struct cf_error *err) CF_NODISCARD;

/* --- karmada_hand_on.c --- */

/* Before our policy of a finished run goes: its templates become those of `to` (another row of the
 * state). *out_so: every binding shows it. */
bool cf_karmada_hand_claims(const struct cf_karmada *k, const json_t *policy, const json_t *to,
                            bool *out_so, struct cf_copying *out,
                            struct cf_error *err) CF_NODISCARD;
/* What a person has to do after the run, in new memory; NULL: nothing was placed before. */
char *cf_karmada_placed_advice(const struct cf_karmada *k);

/* --- karmada_give_back.c --- */

/* The policies that took templates over: back to the source alone, the target's Works gone, the
 * claims given back, each binding as its owner has it. *out_so: all of it. */
bool cf_karmada_give_back(const struct cf_karmada *k, int *io_room, bool *out_so,
                          struct cf_copying *out, struct cf_error *err) CF_NODISCARD;

/* --- karmada_check.c --- */

/* Findings as dry_run has them; the first row of a copy and preflight ask the same. `inventory` may
 * be NULL: then only the control plane and its members. */
bool cf_karmada_check(const struct cf_propagation *p, const json_t *inventory,
                      json_t **out_findings, struct cf_error *err) CF_NODISCARD;
/* The same, and what is taken over from policies of others, key → claim (new reference; as
 * state.placed). */
bool cf_karmada_survey(const struct cf_propagation *p, const json_t *inventory,
                       json_t **out_findings, json_t **out_placed,
                       struct cf_error *err) CF_NODISCARD;
/* Whether a policy selects an object (a template with its labels, or a bare ref). */
bool cf_karmada_selects(const json_t *policy, const json_t *object);

/* --- karmada_namespace.c --- */

/* New reference. */
json_t *cf_karmada_namespace_body(const struct cf_karmada *k) CF_NODISCARD;
bool cf_karmada_namespace_write(const struct cf_karmada *k, struct cf_error *err) CF_NODISCARD;
bool cf_karmada_namespace_gate(const struct cf_karmada *k, bool *out_so, struct cf_copying *out,
                               struct cf_error *err) CF_NODISCARD;
/* Deletes it where it is ours and empty. */
bool cf_karmada_namespace_remove(const struct cf_karmada *k, struct cf_error *err) CF_NODISCARD;

/* --- karmada_undo.c --- */

/* Adds to *io_left the Works of these bindings ({id: true}) that are still there in a member, and
 * frees those that hang. */
bool cf_karmada_works_left(const struct cf_karmada *k, const json_t *binding_ids,
                           const char *member, struct cf_kube *kube, int *io_left,
                           struct cf_error *err) CF_NODISCARD;

/* --- karmada_detach.c --- */

/* Takes what Karmada leaves of a take-over from the source's objects, where it manages them no
 * longer. */
bool cf_karmada_clean_source(const struct cf_karmada *k, struct cf_error *err) CF_NODISCARD;

/* --- karmada_edit.c: values of copies that stand --- */

/* Sets a field (held.h) of a ledger's entry for the target. */
bool cf_karmada_set_field(const struct cf_karmada *k, const json_t *entry, const char *field,
                          const json_t *value, struct cf_error *err) CF_NODISCARD;
/* Writes the live object without what is ours for the time of the move. */
bool cf_karmada_release_override(const struct cf_karmada *k, json_t *override,
                                 struct cf_error *err) CF_NODISCARD;
bool cf_karmada_release_template(const struct cf_karmada *k, const json_t *template,
                                 struct cf_error *err) CF_NODISCARD;

/* --- the port's functions --- */

bool cf_karmada_preview(const struct cf_propagation *p, const json_t *inventory,
                        json_t **out_bodies, struct cf_error *err) CF_NODISCARD;
bool cf_karmada_dry_run(const struct cf_propagation *p, const json_t *inventory,
                        json_t **out_findings, struct cf_error *err) CF_NODISCARD;
bool cf_karmada_apply(const struct cf_propagation *p, const json_t *inventory, json_t **io_ledger,
                      int max_objects, struct cf_copying *out, struct cf_error *err) CF_NODISCARD;
bool cf_karmada_health(const struct cf_propagation *p, const json_t *ledger, json_t **out_report,
                       struct cf_error *err) CF_NODISCARD;
bool cf_karmada_activate(const struct cf_propagation *p, const json_t *ledger, bool off,
                         struct cf_copying *out, struct cf_error *err) CF_NODISCARD;
bool cf_karmada_undo(const struct cf_propagation *p, json_t **io_ledger, int max_objects,
                     struct cf_copying *out, json_t **out_left, struct cf_error *err) CF_NODISCARD;
bool cf_karmada_release(const struct cf_propagation *p, const json_t *ledger,
                        struct cf_copying *out, struct cf_error *err) CF_NODISCARD;
bool cf_karmada_guard(const struct cf_propagation *p, const json_t *ledger, json_t **out_findings,
                      struct cf_error *err) CF_NODISCARD;
bool cf_karmada_detach(const struct cf_propagation *p, const json_t *ledger, struct cf_copying *out,
                       struct cf_error *err) CF_NODISCARD;

#endif
