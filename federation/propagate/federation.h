/* SPDX-License-Identifier: Apache-2.0 */
/* What the drivers of federations have in common. Internal to this room; any thread.
 *
 * A federation carries what belongs to the application. What stands around it in the target - the
 * namespace, cluster-wide objects, quotas and limits - is written directly, as the method `direct`
 * does: a control plane that takes an application down must not take them with it. */
#ifndef CF_FEDERATION_PROPAGATE_FEDERATION_H
#define CF_FEDERATION_PROPAGATE_FEDERATION_H

#include "federation/kube/kube.h"
#include "federation/propagate/propagator.h"

enum { CF_FEDERATION_ID = 9 }; /* eight hex characters, and NUL */

/* What names of ours in a control plane have of the run: eight characters of its id's digest, since
 * run ids begin with the time and those of one minute begin alike. "preview" without a run. */
void cf_federation_id(const char *run_id, char out[CF_FEDERATION_ID]);

/* "not yet, and why"; stuck: it needs a person. Return true, so that `return cf_copying_waits(…)`
 * reads well. */
bool cf_copying_waits(struct cf_copying *out, const char *fmt, ...) CF_PRINTF(2, 3);
bool cf_copying_stuck(struct cf_copying *out, const char *fmt, ...) CF_PRINTF(2, 3);

/* Of several that are asked, `mine` waits: the first such is passed on, or the first that needs a
 * person. *io_waiting counts them. */
void cf_copying_among(struct cf_copying *out, const struct cf_copying *mine, int *io_waiting);

/* Whether an item or ledger entry goes through the control plane. */
bool cf_is_carried(const json_t *item);
/* The inventory's objects that are (not) carried, as an inventory of their own; new reference. */
json_t *cf_carried_part(const json_t *inventory, bool carried) CF_NODISCARD;
/* The same of a ledger. */
json_t *cf_carried_entries(const json_t *ledger, bool carried) CF_NODISCARD;

/* Whether an object carries this run's label. */
bool cf_is_of_run(const struct cf_propagation *p, const json_t *object);

/* The namespace in the control plane that holds what we write there; new reference. */
json_t *cf_hub_namespace_body(const struct cf_propagation *p, const json_t *labels) CF_NODISCARD;
/* It is made with our label and those of `labels` (NULL: none) where it is absent. */
bool cf_hub_namespace_write(const struct cf_propagation *p, const json_t *labels,
                            struct cf_error *err) CF_NODISCARD;
/* Deletes it where it is ours and nothing of `kinds` (ended by one without a kind), nor of what
 * applications consist of, lives in it; else it is ours no longer. */
struct cf_hub_kind {
    const char *api_version, *kind;
};
bool cf_hub_namespace_remove(const struct cf_propagation *p, const struct cf_hub_kind *kinds,
                             struct cf_error *err) CF_NODISCARD;

#endif
