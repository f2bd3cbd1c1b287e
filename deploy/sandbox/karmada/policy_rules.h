/* SPDX-License-Identifier: Apache-2.0 */
/* What policies get by default, and what is refused in them. Pure. */
#ifndef DEPLOY_SANDBOX_KARMADA_POLICY_RULES_H
#define DEPLOY_SANDBOX_KARMADA_POLICY_RULES_H

#include "deploy/sandbox/api/api.h"

/* Defaults of the definition. */
void km_schema_default(const char *plural, json_t *obj);
/* What the definition does not allow: 422, set in `out`. */
bool km_schema_check(const char *plural, const json_t *obj, struct sbx_answer *out);

/* Defaults of the webhook of (cluster) propagation policies. */
void km_policy_default(json_t *policy);
/* False: *out_why, the caller's to free, says what its other webhook refuses. `live` is NULL for a
 * new one. */
bool km_policy_check(const json_t *policy, const json_t *live, const char *id_label,
                     char **out_why);

#endif
