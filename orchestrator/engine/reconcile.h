/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over one run: load → look → decide → intent → act → observe → record.
 *
 * Straight-line blocking code that keeps nothing between passes: it may be killed after any line,
 * and the next pass, here or in another replica, goes on from the rows and the world. Called by a
 * worker, which owns the run's shard (fence). */
#ifndef CF_ENGINE_RECONCILE_H
#define CF_ENGINE_RECONCILE_H

#include "orchestrator/engine/pass.h"

struct cf_pass_result {
    enum cf_pass_end end;
    int64_t wake_ms;                                 /* CF_PASS_WAIT: from now */
    int64_t rev;                                     /* of the run as it was left; 0: not loaded */
    char source[CF_LABEL_MAX], target[CF_LABEL_MAX]; /* the run's clusters; "" when not loaded */
};

/* False when the pass could not do its work (the store or a cluster did not answer): *out still
 * says when to come back. */
bool cf_reconcile(const struct cf_ports *ports, const struct cf_fence *fence, const char *run_id,
                  struct cf_pass_result *out, struct cf_error *err) CF_NODISCARD;

#endif
