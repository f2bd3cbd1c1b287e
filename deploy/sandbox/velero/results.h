/* SPDX-License-Identifier: Apache-2.0 */
/* What a Backup or Restore has to say at its end, gathered in its memory: lists "errors" and
 * "warnings" of {"ns", "text"}. Velero's thread only. */
#ifndef DEPLOY_SANDBOX_VELERO_RESULTS_H
#define DEPLOY_SANDBOX_VELERO_RESULTS_H

#include "deploy/sandbox/velero/round.h"

void vl_say(json_t *work, const char *list, const char *ns, const char *text);
/* As the results file has it: {"errors": {"velero": […], "namespaces": {ns: […]}}, "warnings": …}.
 * New reference. */
json_t *vl_results(const json_t *work);
/* Names of objects by kind: {"v1/Pod": ["NAMESPACE/NAME" …]}, sorted. New reference. */
json_t *vl_resource_list(const json_t *objects);
/* The numbers of both lists into a status, where they are not 0. */
void vl_set_counts(json_t *status, const json_t *work);

#endif
