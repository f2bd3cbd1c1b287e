/* SPDX-License-Identifier: Apache-2.0 */
/* Rules between fields, after every field has been judged by itself: names, order, fields that
 * exclude each other; and lint, what is allowed but doubtful.
 *
 * The checks read the canonical form and are tolerant: what an earlier stage refused is absent or
 * null and is skipped, so that one mistake is reported once. Private to this room; pure. */
#ifndef CF_PLAN_CHECK_H
#define CF_PLAN_CHECK_H

#include "orchestrator/plan/report.h"

/* All rules. `effective` after cf_derive(). */
void cf_check(const json_t *effective, struct cf_report *r);

/* Lint, for documents without errors. */
void cf_lint(const json_t *effective, struct cf_report *r);

/* The parts of cf_check. */
void cf_check_copy(const json_t *effective, struct cf_report *r);
void cf_check_workloads(const json_t *effective, struct cf_report *r);
void cf_check_volumes(const json_t *effective, struct cf_report *r);
void cf_check_after(const json_t *effective, struct cf_report *r);
void cf_check_routers(const json_t *effective, struct cf_report *r);
void cf_check_reach(const json_t *effective, struct cf_report *r);
void cf_check_steps(const json_t *effective, struct cf_report *r);
void cf_check_gates(const json_t *effective, struct cf_report *r);

/* Whether a default or a row of spec.volumes has a strategy of Velero. */
bool cf_check_moves_data(const json_t *effective);

/* Every later row of the list whose text at `key` an earlier row has too: DUPLICATE_NAME. */
void cf_check_unique(const json_t *effective, const char *list, const char *key, const char *what,
                     struct cf_report *r);

/* A duration or percentage of the canonical form; the default when absent. */
int64_t cf_check_ms(const json_t *object, const char *key, int64_t dflt);
double cf_check_ratio(const json_t *object, const char *key, double dflt);

#endif
