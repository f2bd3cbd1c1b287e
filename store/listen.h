/* SPDX-License-Identifier: Apache-2.0 */
/* Wake-ups between replicas: one NOTIFY per API effect that an owner must notice. A hint, never the
 * truth: what it says is read from the tables, and pollers go on polling slowly. One thread per
 * listener, except for cf_listener_wake; it has a connection of its own. */
#ifndef CF_STORE_LISTEN_H
#define CF_STORE_LISTEN_H

#include "store/store.h"

struct cf_listener;

/* Does not connect yet. */
struct cf_listener *cf_listener_new(struct cf_store *store) CF_NODISCARD;
void cf_listener_free(struct cf_listener *l); /* accepts NULL */

/* Called for each hint: what is "run" (id: the run's), "preflight" (id: the job's), "setting" (id:
 * its name), "bridge" (id: the bridge's), or "resync" (id: ""): the connection was new, anything
 * may have been missed. */
typedef void (*cf_listen_fn)(void *ctx, const char *what, const char *id);

/* Ends the wait under way, or else the next one, at once: from any thread. */
void cf_listener_wake(struct cf_listener *l);

/* Waits at most `timeout_ms` for hints and hands over those that came; returns early when woken;
 * reconnects by itself. An error says that there is no connection now: back off and call again. */
bool cf_listener_wait(struct cf_listener *l, int timeout_ms, cf_listen_fn fn, void *ctx,
                      struct cf_error *err) CF_NODISCARD;

#endif
