/* SPDX-License-Identifier: Apache-2.0 */
/* One look of the hub's controllers at the hub and its members. Their thread only, but for the
 * switches and the shadow API. */
#ifndef DEPLOY_SANDBOX_CLUSTERNET_ROUND_H
#define DEPLOY_SANDBOX_CLUSTERNET_ROUND_H

#include <stdatomic.h>

#include "deploy/sandbox/clusternet/clusternet.h"
#include "deploy/sandbox/clusternet/words.h"
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"

enum cn_switch {
    /* of the hub */
    CN_SCHEDULER_PAUSED,   /* Subscriptions wait */
    CN_CONTROLLERS_PAUSED, /* nothing but the scheduler and the shadow API runs */
    CN_SHADOW_DOWN,        /* the shadow API answers 503 */
    CN_RECOVERY_OFF,       /* the agents' feature gate Recovery */
    CN_AWAY,               /* its API server does not answer */
    /* of a member */
    CN_UNREACHABLE, /* its API server does not answer the agent */
    CN_NOT_READY,   /* its agent does not report: the ManagedCluster is not Ready */
    CN_APPLY_FAILS, /* so many writes into it fail; -1: all */
    CN_SWITCHES,
};

struct cn_switchboard {
    atomic_llong at[CN_SWITCHES];
};

struct cn_member {
    char *name;
    struct sbx_world world;
    struct cn_switchboard switches;
};

struct cn_hub {
    struct sbx_world world;
    struct cn_member members[SBX_CLUSTERNET_MEMBERS_MAX];
    size_t count;
    struct cn_switchboard switches;
    json_t *seen; /* of each Description by uid: what was applied last, as a digest */
};

struct cn_round {
    struct cn_hub *plane;
    struct sbx_pass hub;
    struct sbx_pass members[SBX_CLUSTERNET_MEMBERS_MAX];
};

static inline bool cn_on(const struct cn_switchboard *b, enum cn_switch s)
{
    return atomic_load(&b->at[s]) != 0;
}
bool cn_switch_set(struct cn_hub *plane, const char *member, const char *name, int64_t value,
                   struct cf_error *err) CF_NODISCARD;
void cn_switches_heal(struct cn_hub *plane);
json_t *cn_switches_tell(const struct cn_hub *plane);
/* Takes one off a count that is above 0; false: it is used up. Below 0: never. */
bool cn_spend(struct cn_switchboard *b, enum cn_switch s);

void cn_round_begin(struct cn_round *r, struct cn_hub *plane);
void cn_round_end(struct cn_round *r, int64_t *out_wake, bool *out_waiting);

/* All objects of one of the hub's kinds in `apps`; borrowed, for the round. */
json_t *cn_all(struct cn_round *r, const char *plural);
/* The member whose dedicated namespace it is, or NULL. */
struct cn_member *cn_member_of(struct cn_round *r, const char *ns);
const json_t *cn_managed(struct cn_round *r, const char *ns); /* its ManagedCluster, or NULL */
bool cn_is_ready(const json_t *managed);

/* Puts a finalizer on, or takes it off; true when it was written, or was so already. */
bool cn_finalizer(struct cn_round *r, const char *plural, const json_t *o, const char *finalizer,
                  bool on);
/* Sets a label (NULL: takes it off), unless it is so already. */
void cn_label(struct cn_round *r, const char *plural, const json_t *o, const char *key,
              const char *value);
/* A Warning on an object of the hub. */
void cn_warn(struct cn_round *r, const json_t *object, const char *reason, const char *message);

/* The first Manifest that a feed means, or NULL. */
json_t *cn_manifest_of(struct cn_round *r, const json_t *feed);
bool cn_feed_means(const json_t *feed, const json_t *manifest);

/* override.c: a template after the Globalizations and Localizations that are joined to it, as it
 * goes to the member behind that namespace. New reference; NULL with *out_why in new memory. */
json_t *cn_overridden(struct cn_round *r, const json_t *manifest, const char *ns, char **out_why);

/* deploy.c: the calls into a member. False with *out_why in new memory. */
bool cn_deploy(struct cn_round *r, struct cn_member *m, const json_t *description,
               const json_t *object, char **out_why);
/* By name: whoever's it is. */
bool cn_delete_by_name(struct cn_round *r, struct cn_member *m, const json_t *object,
                       char **out_why);

/* The controllers, in their order in a round. */
void cn_ctl_members(struct cn_round *r);
void cn_ctl_manifests(struct cn_round *r);
void cn_ctl_overrides(struct cn_round *r);
void cn_ctl_scheduler(struct cn_round *r);
void cn_ctl_subscriptions(struct cn_round *r);
void cn_ctl_bases(struct cn_round *r);
void cn_ctl_descriptions(struct cn_round *r);

/* A sbx_front; `user` is a struct cn_hub. */
bool cn_shadow_answer(void *user, const struct sbx_call *call, struct sbx_answer *out);

#endif
