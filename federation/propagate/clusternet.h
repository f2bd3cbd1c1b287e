/* SPDX-License-Identifier: Apache-2.0 */
/* The method clusternet: templates, Localizations and Subscriptions in a hub, whose agent in the
 * target writes them there. Internal to this room.
 *
 * What it rests on:
 *   - Only the target is ever subscribed. Clusternet deletes by name what leaves a subscription, at
 *     once, and can keep nothing: a source of ours that were subscribed would be deleted under its
 *     traffic.
 *   - Clusternet merges over what it finds and deletes without asking whose it is. So the target is
 *     looked at directly before a Subscription is made, and again before one is deleted.
 *   - No Namespace is ever fed: with the Subscription it would go, and all that lives in it.
 *   - A copy goes through one table of rows (clusternet_rows.c). The row that was reached stands in
 *     the *state*; a killed call begins again in that row and finds everything as it is.
 *   - What is true is what stands in the target, read with credentials of our own.
 *   - The target among the hub's ManagedClusters says its id: the uid of its agent's Lease. Names
 *     mean nothing.
 *   - Templates are made with Clusternet's own word for "do not try it in the hub": what reaches the
 *     target is what we wrote, without the hub's defaults and without fields that an older hub does
 *     not know. They are tried against the target instead.
 *   - An autoscaler's workload goes out without replicas: Clusternet would write ours back over the
 *     autoscaler's.
 *
 * The state: {"member": {"namespace", "name", "id"}, "inventory": digest, "row": name, "written": n,
 * "localized": n, "overrides": {key: digest}, "subscriptions": [{"name", "wave", "phase", "objects": [{"key", "apiVersion",
 * "kind", "name"}]}]}. */
#ifndef CF_FEDERATION_PROPAGATE_CLUSTERNET_H
#define CF_FEDERATION_PROPAGATE_CLUSTERNET_H

#include "federation/propagate/direct.h"
#include "federation/propagate/federation.h"

#define CF_CLUSTERNET_APPS     "apps.clusternet.io/v1alpha1"
#define CF_CLUSTERNET_CLUSTERS "clusters.clusternet.io/v1beta1"
#define CF_CLUSTERNET_SHADOW   "/apis/shadow/v1alpha1"
/* Where the hub keeps what is written through its shadow API. */
#define CF_CLUSTERNET_RESERVED "clusternet-reserved"

#define CF_CLUSTERNET_CLUSTER_ID "clusters.clusternet.io/cluster-id"
#define CF_CLUSTERNET_OWNED_BY   "apps.clusternet.io/owned-by-description"
#define CF_CLUSTERNET_UNTRIED    "apps.clusternet.io/skip-validating"
#define CF_CLUSTERNET_SUB_UID    "apps.clusternet.io/subs.uid"
#define CF_CLUSTERNET_SUB_NAME   "apps.clusternet.io/subs.name"
#define CF_CLUSTERNET_SUB_NS     "apps.clusternet.io/subs.namespace"
/* On a Localization of ours: its object's replicas are an autoscaler's. */
#define CF_ANNOTATION_AUTOSCALED "crossfade.dev/autoscaled"

enum {
    /* Of one Subscription: all its objects stand in one Description, which must stay well below
     * what an object may weigh (1.5 MiB). */
    CF_CLUSTERNET_FEEDS_MAX = 100,
    CF_CLUSTERNET_BYTES_MAX = 512 * 1024,
    CF_CLUSTERNET_NAME_MAX = 64, /* a name that is also a label's value; and NUL */
};

enum cf_clusternet_phase {
    CF_SUB_PLANNED,    /* not written yet: its objects are looked for in the target first */
    CF_SUB_SUBSCRIBED, /* written */
    CF_SUB_STANDING,   /* everything of it was seen in the target as it is to be */
};

/* One call's view; all borrowed. */
struct cf_clusternet {
    const struct cf_propagation *p;
    struct cf_kube *hub;
    char id[CF_FEDERATION_ID];
    /* The target's ManagedCluster; "" while unknown; borrowed from the state. */
    const char *ns, *name, *cluster_id;
};

/* Fills the view from the plan and the state. Asks nobody. */
void cf_clusternet_view(const struct cf_propagation *p, struct cf_clusternet *out);
/* The same, and the target's ManagedCluster found by its identity, once a run; notes it in the
 * state. INVALID when the hub has no such member. */
bool cf_clusternet_open(const struct cf_propagation *p, struct cf_clusternet *out,
                        struct cf_error *err) CF_NODISCARD;
/* A request with a state of its own, for what leaves nothing behind; the caller drops
 * out->state. */
void cf_clusternet_aside(const struct cf_propagation *p, struct cf_propagation *out);

/* --- clusternet_form.c: what is written to the hub, as pure functions --- */

/* The template of an inventory item; new reference. */
json_t *cf_clusternet_template(const struct cf_clusternet *c, const json_t *item) CF_NODISCARD;
/* Whether the item is a workload whose replicas are left to its autoscaler. */
bool cf_clusternet_is_left_to_autoscaler(const json_t *item);
/* The object that is to stand in the target; new reference. */
json_t *cf_clusternet_wanted(const json_t *item) CF_NODISCARD;
/* The Localization that makes the one of the other, or NULL where they are equal. New reference. */
json_t *cf_clusternet_localization(const struct cf_clusternet *c, const json_t *item) CF_NODISCARD;
/* The name of the Localization of the object with this key. */
void cf_clusternet_localization_name(const struct cf_clusternet *c, const char *key,
                                     char out[CF_CLUSTERNET_NAME_MAX]);
/* The merge patch that a Localization of ours says. New reference; INVALID when it is none. */
json_t *cf_clusternet_override(const json_t *localization, struct cf_error *err) CF_NODISCARD;
json_t *cf_clusternet_overrides(const json_t *patch) CF_NODISCARD; /* as spec.overrides; new */
/* The whole Subscription for a row of the state; new reference. */
json_t *cf_clusternet_subscription(const struct cf_clusternet *c, const json_t *row) CF_NODISCARD;
/* Whether the live Subscription says what we wrote; else lines about what differs are appended. */
bool cf_clusternet_is_ours(const struct cf_clusternet *c, const json_t *row, const json_t *live,
                           json_t *lines);
/* Whether a feed ({apiVersion, kind, namespace?, name}) means the object, or the namespace that it
 * lives in. */
bool cf_clusternet_feeds(const json_t *feed, const char *kind, const char *ns, const char *name);

/* --- clusternet_plan.c: which object is in which Subscription --- */

json_t *cf_clusternet_subscriptions(const struct cf_clusternet *c); /* of the state; borrowed */
enum cf_clusternet_phase cf_clusternet_phase_of(const json_t *row);
/* Gives every carried object that has none a Subscription; whether there was any. */
bool cf_clusternet_assign(const struct cf_clusternet *c, const json_t *inventory);
/* The inventory's items of a row; new array of shared items. */
json_t *cf_clusternet_items(const json_t *row, const json_t *inventory) CF_NODISCARD;
/* Notes what the Localization of the object with that key says (NULL: there is none); and whether
 * one, or NULL, says that. */
void cf_clusternet_note_override(const struct cf_clusternet *c, const char *key,
                                 const json_t *overrides);
bool cf_clusternet_is_noted(const struct cf_clusternet *c, const char *key,
                            const json_t *localization);

/* --- clusternet_hub.c: reading and writing the hub --- */

/* The ManagedCluster of the target. NOT_FOUND when it is gone. */
bool cf_clusternet_member(const struct cf_clusternet *c, json_t **out,
                          struct cf_error *err) CF_NODISCARD;
/* NULL when it is Ready; else why not, new text. */
char *cf_clusternet_not_ready(const json_t *member) CF_NODISCARD;

/* All objects of one of Clusternet's kinds; `selector` may be NULL. New reference. */
bool cf_clusternet_list(const struct cf_clusternet *c, const char *kind, const char *ns,
                        const char *selector, json_t **out, struct cf_error *err) CF_NODISCARD;

/* What the hub's shadow API takes: {"apps/v1/Deployment": "deployments"}. NOT_FOUND when there is no
 * shadow API. */
bool cf_clusternet_kinds(const struct cf_clusternet *c, json_t **out,
                         struct cf_error *err) CF_NODISCARD;
/* The plural under which it takes the kind, or NULL. */
const char *cf_clusternet_plural(const json_t *kinds, const struct cf_object_ref *ref);

/* The Manifests of the target's namespace, by the key of the object that each is the template of;
 * `ours`: those of this run only. New reference. */
bool cf_clusternet_manifests(const struct cf_clusternet *c, bool ours, json_t **out,
                             struct cf_error *err) CF_NODISCARD;
/* Makes the template stand; `manifest` is the one that stands, or NULL. */
bool cf_clusternet_template_write(const struct cf_clusternet *c, const json_t *kinds,
                                  const json_t *item, const json_t *manifest,
                                  struct cf_error *err) CF_NODISCARD;
bool cf_clusternet_template_delete(const struct cf_clusternet *c, const json_t *kinds,
                                   const json_t *manifest, struct cf_error *err) CF_NODISCARD;
/* Our Localizations by their names; new reference. */
bool cf_clusternet_localizations(const struct cf_clusternet *c, json_t **out,
                                 struct cf_error *err) CF_NODISCARD;
/* Deletes an object of Clusternet's that was read; gone already is fine. */
bool cf_clusternet_delete(const struct cf_clusternet *c, const json_t *object,
                          struct cf_error *err) CF_NODISCARD;
struct cf_object_ref cf_clusternet_ref(const char *kind, const char *ns, const char *name);

/* --- clusternet_gates.c: what has become of a Subscription --- */

/* Waits until it is bound to the target alone, deployed, and each of its objects stands in the
 * target as wanted. Then *out_so, and *out_live has the objects by key (new reference). */
bool cf_clusternet_stands(const struct cf_clusternet *c, const json_t *row, const json_t *items,
                          bool *out_so, json_t **out_live, struct cf_copying *out,
                          struct cf_error *err) CF_NODISCARD;
/* The Bases or Descriptions of a Subscription in the target's namespace of the hub. */
bool cf_clusternet_offspring(const struct cf_clusternet *c, const char *kind, const char *sub_uid,
                             json_t **out, struct cf_error *err) CF_NODISCARD;
/* CONFLICT (field = key) naming the first of the items that stands in the target and is not this
 * run's: Clusternet would write over it. */
bool cf_clusternet_is_free(const struct cf_clusternet *c, const json_t *items,
                           struct cf_error *err) CF_NODISCARD;

/* --- the port's functions --- */

bool cf_clusternet_inventory(const struct cf_propagation *p, json_t **out_inventory,
                             struct cf_error *err) CF_NODISCARD;
bool cf_clusternet_preview(const struct cf_propagation *p, const json_t *inventory,
                           json_t **out_bodies, struct cf_error *err) CF_NODISCARD;
bool cf_clusternet_check(const struct cf_propagation *p, const json_t *inventory,
                         json_t **out_findings, struct cf_error *err) CF_NODISCARD;
bool cf_clusternet_apply(const struct cf_propagation *p, const json_t *inventory,
                         json_t **io_ledger, int max_objects, struct cf_copying *out,
                         struct cf_error *err) CF_NODISCARD;
bool cf_clusternet_activate(const struct cf_propagation *p, const json_t *ledger, bool off,
                            struct cf_copying *out, struct cf_error *err) CF_NODISCARD;
bool cf_clusternet_undo(const struct cf_propagation *p, json_t **io_ledger, int max_objects,
                        struct cf_copying *out, json_t **out_left,
                        struct cf_error *err) CF_NODISCARD;
bool cf_clusternet_release(const struct cf_propagation *p, const json_t *ledger,
                           struct cf_copying *out, struct cf_error *err) CF_NODISCARD;
bool cf_clusternet_guard(const struct cf_propagation *p, const json_t *ledger,
                         json_t **out_findings, struct cf_error *err) CF_NODISCARD;

#endif
