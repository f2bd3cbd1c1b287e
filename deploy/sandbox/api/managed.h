/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.managedFields: who set which field, kept up at every write. Pure. */
#ifndef DEPLOY_SANDBOX_API_MANAGED_H
#define DEPLOY_SANDBOX_API_MANAGED_H

#include "deploy/sandbox/api/fields.h"
#include "deploy/sandbox/api/status.h"

struct sbx_manager {
    const char *name, *operation; /* "Update" or "Apply" */
    const char *api_version;
    const char *subresource; /* "" or "status", … */
};

/* The managers after `by` changed `live` (NULL: it is new) into `obj`. `base`: the entries before.
 * New reference. */
json_t *sbx_managed_update(const struct sbx_kind *k, const json_t *base, const json_t *live,
                           const json_t *obj, const struct sbx_manager *by);

/* Server-side apply of `config` onto `live`. On success *out_obj is the merged object and
 * *out_managed its managers (new references). False: `causes` has the conflicts. */
bool sbx_managed_apply(const struct sbx_kind *k, const json_t *live, const json_t *config,
                       const struct sbx_manager *by, bool force, json_t **out_obj,
                       json_t **out_managed, struct sbx_causes *causes);

/* Whether two lists of entries say the same, whenever they were written. */
bool sbx_managed_equal(const json_t *a, const json_t *b);

#endif
