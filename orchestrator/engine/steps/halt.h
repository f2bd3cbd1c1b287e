/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads of the source that stop after commit: at commit what must not run twice, later the
 * rest.
 *
 * A row names one object with its uid and what it had, so that a person can bring it back:
 * {apiVersion, kind, name, uid, "replicas": n} or {…, "suspend": false}, and for what KEDA scales by
 * {…, "paused": the annotation before, or null} (freeze.h). Rows stand in the intent of the step that
 * stops them, before it does. Called by: commit, source.scale_down, cleanup and the
 * run's message. */
#ifndef CF_ENGINE_STEPS_HALT_H
#define CF_ENGINE_STEPS_HALT_H

#include "orchestrator/engine/pass.h"

/* Appends the row of the source's object behind a copy ({"ref": …}), as it is now; nothing when it
 * is gone or stopped already. `field`: "replicas" or "suspend". */
bool cf_halt_add(struct cf_pass *p, struct cf_kube *kube, const json_t *copy, const char *field,
                 json_t *rows, struct cf_error *err) CF_NODISCARD;

/* Puts in front of `rows`, so that it stops first, what would start the source's objects behind these
 * copies again: KEDA scales up from nothing by itself. */
bool cf_halt_add_scalers(struct cf_pass *p, struct cf_kube *kube, const json_t *copies,
                         json_t *rows, struct cf_error *err) CF_NODISCARD;

/* Those of the rows that are KEDA's; new reference. */
json_t *cf_halt_scalers(const json_t *rows) CF_NODISCARD;

/* Stops every row's object, if it is still the one that was meant (uid); idempotent. Of what the
 * server refuses, only another uid counts as "not ours": everything else is an error. */
bool cf_halt_write(struct cf_pass *p, struct cf_kube *kube, const json_t *rows,
                   struct cf_error *err) CF_NODISCARD;

/* How many rows' objects have no replica left or start nothing any more; *out_first: the first that
 * is not so far (borrowed), NULL when all are. */
bool cf_halt_look(struct cf_pass *p, struct cf_kube *kube, const json_t *rows, int *out_done,
                  const json_t **out_first, struct cf_error *err) CF_NODISCARD;

/* "Deployment worker (2 replicas), CronJob nightly, ScaledObject worker (paused), and 3 more". */
void cf_halt_names(const json_t *rows, struct cf_buf *out);

/* "; still running in dc1: DaemonSet agent": what the run leaves running there, or nothing. */
void cf_halt_say_what_stays(const struct cf_pass *p, struct cf_buf *out);

#endif
