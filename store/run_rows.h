/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of runs, steps, routers and actions, and how they are read: one place for each. Internal
 * to store/. */
#ifndef CF_STORE_RUN_ROWS_H
#define CF_STORE_RUN_ROWS_H

#include "store/column.h"
#include "store/runs.h"

/* Of `run r`. */
#define CF_RUN_COLUMNS                                                                             \
    "r.id, r.plan, r.number, r.revision, r.digest, r.shard, r.source, r.target, r.state, "         \
    "r.phase, r.message, r.step,"                                                                  \
    " r.rev, r.seq, r.last_event, r.hold, r.weight_desired, r.weight_applied, r.weight_observed,"  \
    " (extract(epoch FROM r.wake_at - clock_timestamp()) * 1000)::bigint, r.progress, r.memo, "    \
    "r.warnings, r.labels,"                                                                        \
    " r.started_by, r.start_reason, (SELECT count(*) FROM action a WHERE a.run_id = r.id AND "     \
    "a.state = 'open'),"                                                                           \
    " wall_ms(r.created_at), wall_ms(r.updated_at), wall_ms(r.committed_at), "                     \
    "wall_ms(r.finished_at)"
/* Of `run_step s`. */
#define CF_STEP_COLUMNS                                                                            \
    "s.no, s.kind, s.name, s.params, s.state, s.message, s.attempt, s.intent, s.observation, "     \
    "s.progress,"                                                                                  \
    " wall_ms(s.started_at), wall_ms(s.finished_at), wall_ms(s.updated_at)"
/* Of `run_router t`. */
#define CF_ROUTER_COLUMNS                                                                          \
    "t.idx, t.name, t.type, t.cluster, t.ns, t.object, t.route, t.target, t.arm, t.seq, t.epoch, " \
    "t.weight, t.want,"                                                                            \
    " t.in_sync, t.baseline, t.restore, t.memo, wall_ms(t.written_at), wall_ms(t.updated_at)"
/* Of `action a JOIN run r`. */
#define CF_ACTION_COLUMNS                                                                          \
    "a.id, a.run_id, r.plan || '/' || r.number, a.action, a.reason, a.principal, a.state, "        \
    "a.message, a.expect,"                                                                         \
    " a.args, wall_ms(a.created_at), wall_ms(a.answered_at)"

bool cf_run_row_read(struct cf_column *c, struct cf_run_row *out,
                     struct cf_error *err) CF_NODISCARD;
bool cf_step_row_read(struct cf_column *c, struct cf_step_row *out,
                      struct cf_error *err) CF_NODISCARD;
bool cf_router_row_read(struct cf_column *c, struct cf_router_row *out,
                        struct cf_error *err) CF_NODISCARD;
bool cf_action_row_read(struct cf_column *c, struct cf_action_row *out,
                        struct cf_error *err) CF_NODISCARD;

#endif
