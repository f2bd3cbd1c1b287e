/* SPDX-License-Identifier: Apache-2.0 */
/* The switches' names, and throwing them. */
#include "deploy/sandbox/karmada/switches.h"

#include <string.h>

#include "deploy/sandbox/karmada/round.h"

static const struct {
    const char *name;
    bool of_member;
    int64_t min, max;
} table[KM_SWITCHES] = {
    [KM_WEBHOOK_DOWN] = { "webhookDown", false, 0, 1 },
    [KM_SCHEDULER_PAUSED] = { "schedulerPaused", false, 0, 1 },
    [KM_CONTROLLERS_PAUSED] = { "controllersPaused", false, 0, 1 },
    [KM_AGGREGATED_DOWN] = { "aggregatedDown", false, 0, 1 },
    [KM_PROXY_STATUS] = { "proxyStatus", false, 0, 599 },
    [KM_BINDING_CONFLICTS] = { "bindingConflicts", false, 0, 1000 },
    [KM_BINDINGS_DENIED] = { "bindingsDenied", false, 0, 1 },
    [KM_RACE] = { "preserveRace", false, KM_RACE_SEEDED, KM_RACE_DELETES },
    [KM_PREEMPTION_OFF] = { "preemptionOff", false, 0, 1 },
    [KM_FAILOVER_OFF] = { "failoverOff", false, 0, 1 },
    [KM_CLOCK_AHEAD_MS] = { "clockAheadMs", false, -86400000, 86400000 },
    [KM_HUB_AWAY] = { "away", false, 0, 1 },
    [KM_UNREACHABLE] = { "unreachable", true, 0, 1 },
    [KM_READY] = { "ready", true, KM_READY_MEASURED, KM_READY_UNKNOWN },
    [KM_STATUS_FROZEN] = { "statusFrozen", true, 0, 1 },
    [KM_APPLY_FAILS] = { "applyFails", true, -1, 1000 },
};

bool km_spend(struct km_switchboard *b, enum km_switch s)
{
    long long left = atomic_load(&b->at[s]);
    while (left > 0 && !atomic_compare_exchange_weak(&b->at[s], &left, left - 1))
        ;
    return left != 0;
}

/* What a switch does beyond being read by the controllers. */
static void take_effect(struct km_plane *plane, enum km_switch s, int64_t value)
{
    if (s == KM_BINDINGS_DENIED)
        sbx_api_deny(plane->hub.api, value ? KM_G_WORK "/resourcebindings," KM_G_WORK
                                                       "/clusterresourcebindings"
                                           : NULL);
    if (s == KM_CLOCK_AHEAD_MS)
        sbx_api_skew(plane->hub.api, value);
}

static struct km_switchboard *board_of(struct km_plane *plane, const char *member)
{
    if (!member)
        return &plane->switches;
    for (size_t i = 0; i < plane->count; i++)
        if (strcmp(plane->members[i].name, member) == 0)
            return &plane->members[i].switches;
    return NULL;
}

bool km_switch_set(struct km_plane *plane, const char *member, const char *name, int64_t value,
                   struct cf_error *err)
{
    struct km_switchboard *b = board_of(plane, member);
    if (!b)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "no member \"%s\"", member);
    for (size_t i = 0; i < KM_SWITCHES; i++) {
        if (strcmp(table[i].name, name) != 0 || table[i].of_member != (member != NULL))
            continue;
        if (value < table[i].min || value > table[i].max)
            return cf_error_set(err, CF_ERR_INVALID, "%s must be from %lld to %lld", name,
                                (long long)table[i].min, (long long)table[i].max);
        atomic_store(&b->at[i], value);
        take_effect(plane, (enum km_switch)i, value);
        return true;
    }
    return cf_error_set(err, CF_ERR_INVALID, "\"%s\" is no switch of %s", name,
                        member ? "a member" : "the control plane");
}

void km_switches_heal(struct km_plane *plane)
{
    for (size_t i = 0; i < KM_SWITCHES; i++) {
        atomic_store(&plane->switches.at[i], 0);
        take_effect(plane, (enum km_switch)i, 0);
        for (size_t m = 0; m < plane->count; m++)
            atomic_store(&plane->members[m].switches.at[i], 0);
    }
}

static json_t *tell(const struct km_switchboard *b)
{
    json_t *all = json_object();
    for (size_t i = 0; i < KM_SWITCHES; i++)
        if (km_get(b, (enum km_switch)i))
            json_object_set_new(all, table[i].name, json_integer(km_get(b, (enum km_switch)i)));
    return all;
}

json_t *km_switches_tell(const struct km_plane *plane)
{
    json_t *all = tell(&plane->switches), *members = json_object();
    for (size_t m = 0; m < plane->count; m++) {
        cf_autojson json_t *one = tell(&plane->members[m].switches);
        if (json_object_size(one) > 0)
            json_object_set(members, plane->members[m].name, one);
    }
    json_object_set_new(all, "members", members);
    return all;
}
