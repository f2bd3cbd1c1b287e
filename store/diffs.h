/* SPDX-License-Identifier: Apache-2.0 */
/* What `plan diff` showed, by its digest: so that a run which is started on it can be refused when
 * things are no longer so, and can say what has changed. Pruned. */
#ifndef CF_STORE_DIFFS_H
#define CF_STORE_DIFFS_H

#include "base/json.h"
#include "store/store.h"

/* `rows` is the engine's own array; the same digest again only renews its time. */
bool cf_diff_keep(struct cf_store *store, const char *digest, const char *plan, const json_t *rows,
                  struct cf_error *err) CF_NODISCARD;
/* New reference. NOT_FOUND: never shown of this plan, or pruned. */
bool cf_diff_get(struct cf_store *store, const char *digest, const char *plan, json_t **out_rows,
                 struct cf_error *err) CF_NODISCARD;

#endif
