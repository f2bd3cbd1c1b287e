/* SPDX-License-Identifier: Apache-2.0 */
/* What a preview shows, as a digest that stays the same as long as the same would be written.
 *
 * Of a copy it is the source's digest and what is done with it in the target: replicas that an
 * autoscaler moves make no difference. Of everything else it is the patch or body itself. Pure; any
 * thread. */
#ifndef CF_ENGINE_DIFF_H
#define CF_ENGINE_DIFF_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"

/* [{"key": "step cluster Kind namespace/name", "hash"}] of a preview's writes. New reference. */
json_t *cf_diff_rows(const json_t *writes) CF_NODISCARD;
void cf_diff_digest(const char *plan_digest, const json_t *rows, char out[CF_SHA256_HEX]);
/* "Kind namespace/name changed; …; and 7 more" into `out`; nothing when the rows are the same. */
void cf_diff_say(const json_t *before, const json_t *now, struct cf_buf *out);

#endif
