/* SPDX-License-Identifier: Apache-2.0 */
/* From an effective form to the typed plan. Private to this room; pure. */
#ifndef CF_PLAN_BIND_H
#define CF_PLAN_BIND_H

#include "orchestrator/plan/plan.h"

/* `effective` has passed every check: a missing field here is a bug (assert). Keeps a reference of
 * it. Free with cf_plan_free. */
struct cf_plan *cf_bind(json_t *effective) CF_NODISCARD;

/* The parts of cf_bind. */
void cf_bind_workloads(struct cf_plan *p, const json_t *workloads);
void cf_bind_volumes(struct cf_plan *p, const json_t *volumes); /* NULL: the plan has none */
void cf_bind_traffic(struct cf_plan *p, const json_t *traffic);

/* A member that must be there. */
const char *cf_bind_text(const json_t *object, const char *key);
int64_t cf_bind_ms(const json_t *object, const char *key);
double cf_bind_ratio(const json_t *object, const char *key);
/* The position of the member's word in a list ended by NULL. */
int cf_bind_word(const json_t *object, const char *key, const char *const *words);

/* The words in the order of the enums of plan.h, each list ended by NULL. */
extern const char *const cf_words_router_type[],
    *const cf_words_reach[], *const cf_words_gate_type[], *const cf_words_conflict[],
                                                              *const cf_words_drift[],
                                                                  *const cf_words_copy_method[];

#endif
