/* SPDX-License-Identifier: Apache-2.0 */
/* CustomResourceDefinitions among the copies: made only where the target has none, waited for before
 * the first custom resource, and taken back only when nobody uses them. Internal to this room;
 * blocking, on the caller's thread. */
#ifndef CF_FEDERATION_PROPAGATE_DEFINITIONS_H
#define CF_FEDERATION_PROPAGATE_DEFINITIONS_H

#include "federation/kube/kube.h"
#include "federation/propagate/propagator.h"

/* Whether an inventory's item or a ledger's entry is a definition. */
bool cf_is_definition(const json_t *row);

/* Whether all definitions of the ledger are served; if not, `out` waits and says which. */
bool cf_definitions_served(const struct cf_propagation *p, const json_t *ledger, bool *out_served,
                           struct cf_copying *out, struct cf_error *err) CF_NODISCARD;

/* Whether the target does not serve the item's kind yet, but will by a definition of the same
 * inventory. */
bool cf_definition_is_to_come(const struct cf_propagation *p, const json_t *inventory,
                              const json_t *item);

/* Whether any object of the kind that a definition defines is in the target. */
bool cf_definition_is_used(const struct cf_propagation *p, const json_t *definition, bool *out,
                           struct cf_error *err) CF_NODISCARD;

/* The namespaced custom kinds that the target serves, [{"apiVersion", "kind"}]; none when it does
 * not tell. New reference. */
json_t *cf_custom_kinds(struct cf_kube *kube) CF_NODISCARD;

#endif
