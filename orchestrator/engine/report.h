/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told about a run: its gates, its routers, and the report with the timing of a
 * rollback. Pure. */
#ifndef CF_ENGINE_REPORT_H
#define CF_ENGINE_REPORT_H

#include "orchestrator/engine/ports.h"
#include "store/events.h"
#include "store/runs.h"

/* [{"name", "state", "value", "threshold", "upper", "needed", "samples", "failures", "lastAt",
 * "evidence", "text"}] */
json_t *cf_report_gates(const struct cf_gates_view *view) CF_NODISCARD;
/* [{"name", "type", "cluster", "namespace", "object", "weight", "want", "inSync", "lastWriteAt",
 * "kubectl"}] */
json_t *cf_report_routers(const struct cf_live *run, const struct cf_run *rows) CF_NODISCARD;
/* {"claims": n, "passes": n good ones before the freeze, "reports": [what each pass measured and proved,
 * claim by claim], "reportsBack": of the passes back, "forecast": {…} (forecast.h; once the writers have stopped, as it was told then),
 * "freeze": {"from", "to", "ms", "forecastMs" (p90), "forecast", "parts": [{"name", "ms", "p50Ms", "p90Ms"}]}
 * or null, "freezeBack": the same of a way back with the data, "trouble": "…" or null, "text": all of
 * it in a sentence}; NULL when no data moves. */
json_t *cf_report_volumes(const struct cf_live *run) CF_NODISCARD;
/* engine.h says what is in it. */
json_t *cf_run_report(const struct cf_live *run, const struct cf_run *rows,
                      const struct cf_event_list *weights) CF_NODISCARD;

#endif
