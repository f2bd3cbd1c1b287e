/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the document for the enums of plan.h. A test holds them against the table. */
#include "orchestrator/plan/bind.h"

const char *const cf_words_router_type[] = { "virtualService", "httpRoute", "ingress", NULL };
const char *const cf_words_reach[] = { "existing", "endpoints", "address", NULL };
const char *const cf_words_gate_type[] = { "successRate", "latency", "promql", NULL };
const char *const cf_words_conflict[] = { "fail", "adopt", "overwrite", NULL };
const char *const cf_words_copy_method[] = { "direct", "karmada", "clusternet", NULL };
const char *const cf_words_drift[] = { "pause", "restore", "rollback", NULL };

const char *cf_plan_router_type_name(enum cf_plan_router_type t)
{
    cf_assert(t <= CF_PLAN_ROUTER_INGRESS);
    return cf_words_router_type[t];
}

const char *cf_plan_reach_name(enum cf_plan_reach r)
{
    cf_assert(r <= CF_PLAN_REACH_ADDRESS);
    return cf_words_reach[r];
}

const char *cf_plan_gate_type_name(enum cf_plan_gate_type t)
{
    cf_assert(t <= CF_PLAN_GATE_PROMQL);
    return cf_words_gate_type[t];
}

const char *cf_plan_copy_method_name(enum cf_plan_copy_method m)
{
    cf_assert(m <= CF_PLAN_COPY_CLUSTERNET);
    return cf_words_copy_method[m];
}

const char *cf_plan_conflict_name(enum cf_plan_conflict c)
{
    cf_assert(c <= CF_PLAN_CONFLICT_OVERWRITE);
    return cf_words_conflict[c];
}

const char *cf_plan_drift_name(enum cf_plan_drift d)
{
    cf_assert(d <= CF_PLAN_DRIFT_ROLLBACK);
    return cf_words_drift[d];
}
