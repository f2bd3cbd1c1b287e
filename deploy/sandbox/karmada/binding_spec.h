/* SPDX-License-Identifier: Apache-2.0 */
/* What a binding's spec says of its template and its policy. Pure. */
#ifndef DEPLOY_SANDBOX_KARMADA_BINDING_SPEC_H
#define DEPLOY_SANDBOX_KARMADA_BINDING_SPEC_H

#include "base/json.h"

/* "web-deployment". Caller frees. */
char *km_binding_name(const json_t *template) CF_NODISCARD;
/* "web-6d5f7c": the same for that object in each execution namespace. Caller frees. */
char *km_work_name(const char *kind, const char *name, const char *ns) CF_NODISCARD;
/* Sets in `spec` what comes from the template and the policy; clusters and the scheduler's part
 * stay. */
void km_binding_spec(json_t *spec, const json_t *template, const json_t *policy);
/* How many replicas an object asks for; -1 for kinds that have none. */
int64_t km_replicas_of(const json_t *object);
/* Makes it ask for so many. */
void km_set_replicas(json_t *object, int64_t replicas);

#endif
