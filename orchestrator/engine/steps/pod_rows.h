/* SPDX-License-Identifier: Apache-2.0 */
/* What the forecast of a freeze wants to know of the writers' pods (forecast.h): how long they may take to end, and how
 * long one took to start where it runs now. Called by: volume.sync. */
#ifndef CF_ENGINE_STEPS_POD_ROWS_H
#define CF_ENGINE_STEPS_POD_ROWS_H

#include "orchestrator/engine/pass.h"

/* One row for each workload that mounts one of the claims (velero/volumes.h's, with "by"):
 * [{"workload", "terminationGracePeriodSeconds", "waves", "startMs" or absent}]. Pods that waited for a repair, or
 * have started their containers more than once, tell nothing. New reference. */
bool cf_pod_rows(struct cf_pass *p, const json_t *inventory, const json_t *claims, json_t **out,
                 struct cf_error *err) CF_NODISCARD;

/* Of the pods as read: pure. */
json_t *cf_pod_rows_of(const json_t *inventory, const json_t *claims,
                       const json_t *pods) CF_NODISCARD;

#endif
