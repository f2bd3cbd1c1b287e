/* SPDX-License-Identifier: Apache-2.0 */
/* The direct method: read from the source's API server, write to the target's by
 * server-side apply. Internal to this room.
 *
 * How an object of the inventory stands in the target decides what is done with it:
 *
 *   absent     it is created by an apply that carries the label crossfade.dev/run
 *   ours       it carries our run's label: applied again when the source has changed, else left
 *   shared     a namespace or an object that another run shares: left as it is
 *   equal      somebody else's, but with everything that we would write: adopted without a write
 *   foreign    somebody else's and different: `fail` and `adopt` stop, `overwrite` keeps
 *              a before-image and takes its fields */
#ifndef CF_FEDERATION_PROPAGATE_DIRECT_H
#define CF_FEDERATION_PROPAGATE_DIRECT_H

#include "federation/kube/kube.h"
#include "federation/propagate/propagator.h"

#define CF_LABEL_RUN "crossfade.dev/run"

enum cf_standing {
    CF_STANDING_ABSENT,
    CF_STANDING_OURS,
    CF_STANDING_SHARED,
    CF_STANDING_EQUAL,
    CF_STANDING_FOREIGN
};

bool cf_direct_inventory(const struct cf_propagation *p, json_t **out_inventory,
                         struct cf_error *err) CF_NODISCARD;
bool cf_direct_preview(const struct cf_propagation *p, const json_t *inventory, json_t **out_bodies,
                       struct cf_error *err) CF_NODISCARD;
bool cf_direct_dry_run(const struct cf_propagation *p, const json_t *inventory,
                       json_t **out_findings, struct cf_error *err) CF_NODISCARD;
bool cf_direct_apply(const struct cf_propagation *p, const json_t *inventory, json_t **io_ledger,
                     int max_objects, struct cf_copying *out, struct cf_error *err) CF_NODISCARD;
bool cf_direct_health(const struct cf_propagation *p, const json_t *ledger, json_t **out_report,
                      struct cf_error *err) CF_NODISCARD;
bool cf_direct_changes(const struct cf_propagation *p, const json_t *inventory,
                       const json_t *ledger, json_t **out_changes,
                       struct cf_error *err) CF_NODISCARD;
/* The copies of a ledger that wait for the switch: [{"key", "ref", "live": as it stands, "fields": {…}
 * as it is to be from the switch on, or (`off`) before it (held.h)}] (new reference). KEDA's come first,
 * and only those that scale one of the ledger's workloads: paused, they would take it down again, and
 * let go, they would start it. */
bool cf_direct_held(const struct cf_propagation *p, const json_t *ledger, bool off,
                    json_t **out_rows, struct cf_error *err) CF_NODISCARD;
bool cf_direct_waiting(const struct cf_propagation *p, const json_t *ledger, json_t **out_rows,
                       struct cf_error *err) CF_NODISCARD;
bool cf_direct_activate(const struct cf_propagation *p, const json_t *ledger, bool off,
                        struct cf_copying *out, struct cf_error *err) CF_NODISCARD;
bool cf_direct_undo(const struct cf_propagation *p, json_t **io_ledger, int max_objects,
                    struct cf_copying *out, json_t **out_left, struct cf_error *err) CF_NODISCARD;
bool cf_direct_release(const struct cf_propagation *p, const json_t *ledger, struct cf_copying *out,
                       struct cf_error *err) CF_NODISCARD;

/* What stands in the target where the rows of an inventory or a ledger point: *out_live is an
 * object, key → object (new reference); what is absent is not in it. A kind with several rows is
 * listed once, the calls go out side by side. `not_of` NULL, or a run id: its objects are left out,
 * which makes short lists of what is ours. */
bool cf_direct_look(const struct cf_propagation *p, const json_t *rows, const char *not_of,
                    json_t **out_live, struct cf_error *err) CF_NODISCARD;

/* What a live object (NULL: absent) is to the inventory's item. */
enum cf_standing cf_direct_standing_of(const struct cf_propagation *p, const json_t *item,
                                       const json_t *live);
/* How the inventory's object stands in the target now, by a read of its own. *out_live: new
 * reference, NULL when absent. */
bool cf_direct_standing(const struct cf_propagation *p, const json_t *item, enum cf_standing *out,
                        json_t **out_live, struct cf_error *err) CF_NODISCARD;

/* The object of a ledger's entry as it stands in the target now: new reference, NULL when it is not
 * there. */
bool cf_direct_live(const struct cf_propagation *p, const json_t *entry, json_t **out_live,
                    struct cf_error *err) CF_NODISCARD;

/* What differs between the live object and the item's body, but for our own label: lines as
 * cf_object_same() gives them (new reference). */
json_t *cf_direct_differences(const json_t *item, const json_t *live) CF_NODISCARD;

/* The ref of an inventory item or ledger entry. */
struct cf_object_ref cf_direct_ref(const json_t *item);
json_t *cf_direct_ref_json(const struct cf_object_ref *ref) CF_NODISCARD;
/* Appends {"level", "code", "message", "hint"[, "key"]} to an array. */
void cf_direct_finding(json_t *findings, const char *key, const char *level, const char *code,
                       const char *hint, const char *message, ...) CF_PRINTF(6, 7);

#endif
