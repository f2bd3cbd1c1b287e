/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the store as the API shows them. Pure; every result is a new reference. */
#ifndef CF_API_RENDER_H
#define CF_API_RENDER_H

#include "base/json.h"
#include "store/access.h"
#include "store/bridges.h"
#include "store/clusters.h"
#include "store/events.h"
#include "store/plans.h"
#include "store/preflights.h"
#include "store/runs.h"
#include "store/settings.h"

/* RFC 3339, or null for "never". */
json_t *cf_render_time(int64_t wall_ms) CF_NODISCARD;

/* One row of a list of plans. */
json_t *cf_render_plan_row(const struct cf_plan_row *row) CF_NODISCARD;
/* The same with the document and its effective form. */
json_t *cf_render_plan(const struct cf_plan_row *row) CF_NODISCARD;

json_t *cf_render_run_row(const struct cf_run_row *row) CF_NODISCARD;
/* The same with its steps in short; `view` (cf_engine_run_view) is merged in, may be NULL. */
json_t *cf_render_run(const struct cf_run *run, const json_t *view) CF_NODISCARD;
/* `whole`: with params, intent and observation. */
json_t *cf_render_step(const struct cf_step_row *row, bool whole) CF_NODISCARD;
json_t *cf_render_action(const struct cf_action_row *row) CF_NODISCARD;
json_t *cf_render_event(const struct cf_event_row *row) CF_NODISCARD;

json_t *cf_render_cluster(const struct cf_cluster_row *row) CF_NODISCARD;
/* `status` (cf_engine_bridge_status) may be NULL. */
json_t *cf_render_bridge(const struct cf_bridge_row *row, const json_t *status) CF_NODISCARD;
json_t *cf_render_preflight(const struct cf_preflight_row *row) CF_NODISCARD;
json_t *cf_render_token(const struct cf_token_row *row) CF_NODISCARD;
json_t *cf_render_freeze(const struct cf_setting *s) CF_NODISCARD;

#endif
