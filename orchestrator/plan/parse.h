/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a plan to its tree, with the places of its nodes. Private to this room; pure. */
#ifndef CF_PLAN_PARSE_H
#define CF_PLAN_PARSE_H

#include "base/yaml.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/report.h"

/* Parses the text; what is wrong with its syntax is reported as one issue, and NULL returned.
 * *out_marks may become NULL for a JSON text that YAML cannot read (escaped surrogates); then
 * issues have no lines. New reference; the marks are the caller's. */
json_t *cf_plan_parse(const char *text, size_t len, enum cf_plan_media media,
                      struct cf_marks **out_marks, struct cf_report *r) CF_NODISCARD;

#endif
