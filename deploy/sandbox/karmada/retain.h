/* SPDX-License-Identifier: Apache-2.0 */
/* What a member's object keeps when Karmada writes it. Pure. */
#ifndef DEPLOY_SANDBOX_KARMADA_RETAIN_H
#define DEPLOY_SANDBOX_KARMADA_RETAIN_H

#include "base/json.h"

/* The body of the PUT: the manifest with the version, finalizers, owners, others' labels and
 * annotations of `live`, and what its cluster gave it. New reference. */
json_t *km_retain(const json_t *manifest, const json_t *live) CF_NODISCARD;
/* Whether the PUT would say something that `live` does not. */
bool km_differs(const json_t *body, const json_t *live);

#endif
