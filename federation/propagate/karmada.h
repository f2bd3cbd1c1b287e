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
 * The state: {"row": name, "inventory": digest, "written": n, "overridden": n, "scheduler": "own" |
 * "default", "target": Cluster, "source": Cluster, "policies": [{"name", "wave", "phase",
 * "objects": [{"apiVersion", "kind", "name"}]}], "bound": {binding id: true} of an undo, "release":
 * …}. */
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
#define CF_KARMADA_CLUSTER_ID    "clusterpropagationpolicy.karmada.io/permanent-id"
#define CF_KARMADA_CLUSTER_NAME  "clusterpropagationpolicy.karmada.io/name"
#define CF_KARMADA_BINDING_ID    "resourcebinding.karmada.io/permanent-id"
#define CF_KARMADA_RETAIN        "resourcetemplate.karmada.io/retain-replicas"
#define CF_KARMADA_CONFLICT      "work.karmada.io/conflict-resolution"
#define CF_KARMADA_SKIP          "namespace.karmada.io/skip-auto-propagation"
#define CF_KARMADA_WORK_FINISHER "karmada.io/execution-controller"
#define CF_KARMADA_SCHEDULER     "crossfade"

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
/* The condition of this type, or NULL. Borrowed. */
const json_t *cf_karmada_condition(const json_t *object, const char *type);
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
/* The Works of these bindings in a member, by binding id; new reference. */
/* Adds the ids of these bindings to an object {id: true}. */
void cf_karmada_note_ids(const json_t *bindings, json_t *ids);
/* The same by the ids alone: also when the bindings are gone and their Works are not. */
bool cf_karmada_works_by_id(const struct cf_karmada *k, const json_t *binding_ids,
                            const char *member, json_t **out_works,
                            struct cf_error *err) CF_NODISCARD;
bool cf_karmada_works_of(const struct cf_karmada *k, const json_t *bindings, const char *member,
                         json_t **out_works, struct cf_error *err) CF_NODISCARD;
/* The binding of one of the policy's objects and its Work in the member; NULL: not there. */
const json_t *cf_karmada_binding(const struct cf_karmada_look *look, const json_t *object);
const json_t *cf_karmada_work(const struct cf_karmada_look *look, const json_t *binding);
const json_t *cf_karmada_manifest(const json_t *work); /* borrowed, or NULL */
/* The entry of aggregatedStatus of a member, or NULL. */
const json_t *cf_karmada_aggregated(const json_t *binding, const char *member);

/* --- karmada_gates.c --- */

/* Waits until the bindings of the policy show its phase: placement, members exactly as placed (which
 * we write ourselves in client-driven mode), nothing being evicted. */
bool cf_karmada_bound(const struct cf_karmada *k, const json_t *policy, bool *out_so,
                      struct cf_copying *out, struct cf_error *err) CF_NODISCARD;
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

/* --- karmada_check.c --- */

/* Findings as dry_run has them; the first row of a copy and preflight ask the same. `inventory` may
 * be NULL: then only the control plane and its members. */
bool cf_karmada_check(const struct cf_propagation *p, const json_t *inventory,
                      json_t **out_findings, struct cf_error *err) CF_NODISCARD;
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

/* --- karmada_detach.c --- */

/* Takes what Karmada leaves of a take-over from the source's objects, where it manages them no
 * longer. */
bool cf_karmada_clean_source(const struct cf_karmada *k, struct cf_error *err) CF_NODISCARD;

/* --- karmada_edit.c: values of copies that stand --- */

/* Sets spec.<field> of a ledger's entry for the target. */
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
