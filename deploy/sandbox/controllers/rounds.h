/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that looks at a part of the world: once after many changes, again when a timer is due. It can be held still, and says
 * when nothing more happens by itself. */
#ifndef DEPLOY_SANDBOX_CONTROLLERS_ROUNDS_H
#define DEPLOY_SANDBOX_CONTROLLERS_ROUNDS_H

#include "base/error.h"

/* One look, on the thread, without a lock. *out_wake is when to look again (monotonic ms; INT64_MAX: only after a change),
 * *out_waiting whether somebody who settles waits for that. */
typedef void sbx_look_fn(void *user, int64_t *out_wake, bool *out_waiting);

struct sbx_rounds;

/* Without its thread: changes are noted already, and the first look is due at once. The caller frees it. */
struct sbx_rounds *sbx_rounds_new(sbx_look_fn *look, void *user);
bool sbx_rounds_start(struct sbx_rounds *r, const char *thread_name, struct cf_error *err);
/* After it there is no look any more; changes are still taken. Once only; from any thread but its own. */
void sbx_rounds_stop(struct sbx_rounds *r);
/* After the last change was told. NULL is fine. */
void sbx_rounds_free(struct sbx_rounds *r);

/* Something changed. Any thread, also with an API server's lock held. */
void sbx_rounds_change(void *rounds);

/* Waits until nothing changes by itself; false if that did not come within timeout_ms. */
bool sbx_rounds_settle(struct sbx_rounds *r, int64_t timeout_ms);

/* From here to the release there is no look: what the thread alone may touch is everyone's. Holds are counted. */
void sbx_rounds_hold(struct sbx_rounds *r);
/* `forget` (may be NULL) runs before the last hold ends, under the lock: it must not call an API server. */
void sbx_rounds_release(struct sbx_rounds *r, void (*forget)(void *user));

#endif
