/* SPDX-License-Identifier: Apache-2.0 */
/* The journal port over PostgreSQL: rows to a run in memory and marks to one fenced statement. Any
 * thread. */
#ifndef CF_ENGINE_JOURNAL_STORE_H
#define CF_ENGINE_JOURNAL_STORE_H

#include "orchestrator/engine/ports.h"
#include "store/runs.h"

struct cf_store;

/* The port's table with `store` as its self. */
struct cf_journal_ops cf_journal_store(struct cf_store *store);

/* A run in memory from its rows; also for reports and views. INVALID for a plan or a state that
 * this version does not know. */
struct cf_live *cf_live_of_rows(const struct cf_run *rows, const char *incarnation,
                                struct cf_error *err) CF_NODISCARD;

/* {"reason", "message", "callToAction": {"text", "command", "kubectl": […]}} of the run's hold;
 * NULL when it does not hold. New reference. */
json_t *cf_hold_json(const struct cf_live *run) CF_NODISCARD;

#endif
