/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with the control plane: switches set from outside, read by its controllers. Any
 * thread. */
#ifndef DEPLOY_SANDBOX_KARMADA_SWITCHES_H
#define DEPLOY_SANDBOX_KARMADA_SWITCHES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

enum km_switch {
    /* of the control plane */
    KM_WEBHOOK_DOWN,       /* writes of policies, bindings and Works fail */
    KM_SCHEDULER_PAUSED,   /* bindings wait */
    KM_CONTROLLERS_PAUSED, /* nothing but the scheduler and the webhooks runs */
    KM_AGGREGATED_DOWN,    /* the Cluster API answers 503 */
    KM_PROXY_STATUS,       /* the members' proxies answer so (403, 502) */
    KM_BINDING_CONFLICTS,  /* so many writes of bindings by clients are answered 409 */
    KM_BINDINGS_DENIED,    /* clients may not write bindings */
    KM_RACE,               /* of preserve and shrink in one write; enum km_race */
    KM_PREEMPTION_OFF,     /* the feature gate PropagationPolicyPreemption */
    KM_FAILOVER_OFF,       /* the feature gate Failover, with eviction by NoExecute taints */
    KM_CLOCK_AHEAD_MS,     /* the hub's clock */
    KM_HUB_AWAY,           /* its API server does not answer */
    /* of a member */
    KM_UNREACHABLE,   /* its API server does not answer the control plane */
    KM_READY,         /* the Cluster's condition, whatever the member does; enum km_ready */
    KM_STATUS_FROZEN, /* nothing of what changes there is reported */
    KM_APPLY_FAILS,   /* so many writes into it fail; -1: all */
    KM_SWITCHES,
};

enum km_race { KM_RACE_SEEDED, KM_RACE_SURVIVES, KM_RACE_DELETES };
enum km_ready { KM_READY_MEASURED, KM_READY_FALSE, KM_READY_UNKNOWN };

struct km_switchboard {
    atomic_llong at[KM_SWITCHES];
};

static inline int64_t km_get(const struct km_switchboard *b, enum km_switch s)
{
    return atomic_load(&b->at[s]);
}
static inline bool km_on(const struct km_switchboard *b, enum km_switch s)
{
    return atomic_load(&b->at[s]) != 0;
}
struct km_plane;
/* sbx_karmada_switch() and its kin (karmada.h). */
bool km_switch_set(struct km_plane *plane, const char *member, const char *name, int64_t value,
                   struct cf_error *err) CF_NODISCARD;
void km_switches_heal(struct km_plane *plane);
json_t *km_switches_tell(const struct km_plane *plane);

/* Takes one off a count that is above 0; false: it is used up. Below 0: never. */
bool km_spend(struct km_switchboard *b, enum km_switch s);

#endif
