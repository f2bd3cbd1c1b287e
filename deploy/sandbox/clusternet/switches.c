/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with the hub: switches set from outside, read by its controllers. Any thread. */
#include <string.h>

#include "deploy/sandbox/clusternet/round.h"

static const struct {
    const char *name;
    bool of_member;
    int64_t min, max;
} table[CN_SWITCHES] = {
    [CN_SCHEDULER_PAUSED] = { "schedulerPaused", false, 0, 1 },
    [CN_CONTROLLERS_PAUSED] = { "controllersPaused", false, 0, 1 },
    [CN_SHADOW_DOWN] = { "shadowDown", false, 0, 1 },
    [CN_RECOVERY_OFF] = { "recoveryOff", false, 0, 1 },
    [CN_AWAY] = { "away", false, 0, 1 },
    [CN_UNREACHABLE] = { "unreachable", true, 0, 1 },
    [CN_NOT_READY] = { "notReady", true, 0, 1 },
    [CN_APPLY_FAILS] = { "applyFails", true, -1, 1000 },
};

bool cn_spend(struct cn_switchboard *b, enum cn_switch s)
{
    long long left = atomic_load(&b->at[s]);
    while (left > 0 && !atomic_compare_exchange_weak(&b->at[s], &left, left - 1))
        ;
    return left != 0;
}

static struct cn_switchboard *board_of(struct cn_hub *plane, const char *member)
{
    if (!member)
        return &plane->switches;
    for (size_t i = 0; i < plane->count; i++)
        if (strcmp(plane->members[i].name, member) == 0)
            return &plane->members[i].switches;
    return NULL;
}

bool cn_switch_set(struct cn_hub *plane, const char *member, const char *name, int64_t value,
                   struct cf_error *err)
{
    struct cn_switchboard *b = board_of(plane, member);
    if (!b)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "no member \"%s\"", member);
    for (size_t i = 0; i < CN_SWITCHES; i++) {
        if (strcmp(table[i].name, name) != 0 || table[i].of_member != (member != NULL))
            continue;
        if (value < table[i].min || value > table[i].max)
            return cf_error_set(err, CF_ERR_INVALID, "%s must be from %lld to %lld", name,
                                (long long)table[i].min, (long long)table[i].max);
        atomic_store(&b->at[i], value);
        return true;
    }
    return cf_error_set(err, CF_ERR_INVALID, "\"%s\" is no switch of %s", name,
                        member ? "a member" : "the hub");
}

void cn_switches_heal(struct cn_hub *plane)
{
    for (size_t i = 0; i < CN_SWITCHES; i++) {
        atomic_store(&plane->switches.at[i], 0);
        for (size_t m = 0; m < plane->count; m++)
            atomic_store(&plane->members[m].switches.at[i], 0);
    }
}

static json_t *tell(const struct cn_switchboard *b)
{
    json_t *all = json_object();
    for (size_t i = 0; i < CN_SWITCHES; i++)
        if (cn_on(b, (enum cn_switch)i))
            json_object_set_new(all, table[i].name, json_integer(atomic_load(&b->at[i])));
    return all;
}

json_t *cn_switches_tell(const struct cn_hub *plane)
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
