/* SPDX-License-Identifier: Apache-2.0 */
/* Several blocking calls at once, for a source that has to ask several places or questions in one look. */
#ifndef CF_GATE_AT_ONCE_H
#define CF_GATE_AT_ONCE_H

#include <stddef.h>

/* Calls fn(arg, 0) … fn(arg, n - 1), at most CF_GATE_AT_ONCE_MAX of them at once, the first ones on the caller's own thread; returns
 * when all have returned. Calls of different numbers run side by side: what they share is theirs to guard. Where a thread cannot be
 * had, fewer run at once. */
void cf_at_once(size_t n, void (*fn)(void *arg, size_t i), void *arg);

#endif
