/* SPDX-License-Identifier: Apache-2.0 */
/* One look of the control plane's controllers at the hub and its members, and what they keep
 * between two looks. Their thread only, but for the switches. */
#ifndef DEPLOY_SANDBOX_KARMADA_ROUND_H
#define DEPLOY_SANDBOX_KARMADA_ROUND_H

#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"
#include "deploy/sandbox/karmada/karmada.h"
#include "deploy/sandbox/karmada/switches.h"
#include "deploy/sandbox/karmada/words.h"

struct km_member {
    char *name, *url;
    struct sbx_world world;
    struct km_switchboard switches;
    bool joined; /* its Cluster was made; whoever deletes it means it */
};

struct km_plane {
    struct sbx_world hub;
    struct km_member members[SBX_KARMADA_MEMBERS_MAX];
    size_t count;
    struct km_switchboard switches;
    int64_t wait_percent;
    json_t *memory; /* what controllers saw last: key → text */
};

/* A digest of a value, as 16 hex characters. */
enum { KM_DIGEST = 17 };
char *km_digest(const json_t *value, char out[KM_DIGEST]);

struct km_round {
    struct km_plane *plane;
    struct sbx_pass hub;
    struct sbx_pass members[SBX_KARMADA_MEMBERS_MAX];
    json_t *memory;   /* of this round; what nobody asked for is forgotten */
    bool hub_answers; /* else nothing is written there; what was read last is all there is */
    char clusters[KM_DIGEST], overrides[KM_DIGEST]; /* of this round's view; "": not yet asked */
};

void km_round_begin(struct km_round *r, struct km_plane *plane);
/* *out_wake: when to look again; *out_waiting: a short wait runs. */
void km_round_end(struct km_round *r, int64_t *out_wake, bool *out_waiting);

/* As sbx_pass_after, with a real control plane's time. Waits below a second are short: settling
 * waits for them. */
bool km_after(struct km_round *r, int64_t real_ms, const char *key_fmt, ...) CF_PRINTF(3, 4);

/* Whether what is noted under the key differs from `now`; it is then noted. True when nothing is
 * noted: after a restart all is new. */
bool km_is_news(struct km_round *r, const char *now, const char *key_fmt, ...) CF_PRINTF(3, 4);
/* The text noted under the key, borrowed for the round, or NULL; it is kept. */
const char *km_recall(struct km_round *r, const char *key_fmt, ...) CF_PRINTF(2, 3);
void km_note(struct km_round *r, const char *text, const char *key_fmt, ...) CF_PRINTF(3, 4);

/* The member of that name, or NULL. */
struct km_member *km_member(struct km_round *r, const char *name);
struct sbx_pass *km_member_pass(struct km_round *r, const struct km_member *m);
bool km_member_answers(const struct km_member *m);
/* Whether its Cluster object is Ready. */
bool km_cluster_is_ready(struct km_round *r, const char *name);

/* A Warning on an object of the hub, once for each message. */
void km_warn(struct km_round *r, const json_t *object, const char *reason, const char *message);

/* ResourceBindings and ClusterResourceBindings alike. */
struct km_binding_kind {
    const char *plural, *kind;
    const char *id_label, *name_note, *ns_note; /* on Works; ns_note NULL: none */
    const char *finalizer;
};
extern const struct km_binding_kind km_binding_kinds[2];
void km_each_binding(struct km_round *r,
                     void (*look_at)(struct km_round *r, const struct km_binding_kind *bk,
                                     json_t *binding));
/* The permanent id of a binding, or "". */
const char *km_binding_id(const struct km_binding_kind *bk, const json_t *binding);
/* Works of a binding, in all namespaces: new array of shared objects. */
json_t *km_works_of(struct km_round *r, const struct km_binding_kind *bk,
                    const json_t *binding) CF_NODISCARD;
json_t *km_works_among(const json_t *works, const struct km_binding_kind *bk,
                       const json_t *binding) CF_NODISCARD;
/* The cluster that a Work is for: behind the prefix of its namespace; "" for none. */
const char *km_work_cluster(const json_t *work);
/* The template that spec.resource names, borrowed, or NULL: gone, or another one under its name. */
json_t *km_template_of(struct km_round *r, const json_t *binding);
/* Whether a list of {name} has that name. */
bool km_has_cluster(const json_t *clusters, const char *name);
/* Takes a finalizer off. */
bool km_drop_finalizer(struct km_round *r, const char *group, const char *plural, const json_t *o,
                       const char *finalizer);

/* The controllers, in their order in a round. */
void km_ctl_clusters(struct km_round *r);
void km_ctl_namespaces(struct km_round *r);
void km_ctl_policies(struct km_round *r);
void km_ctl_detector(struct km_round *r);
void km_ctl_rebalancer(struct km_round *r);
void km_ctl_scheduler(struct km_round *r);
void km_ctl_eviction(struct km_round *r);
void km_ctl_dependencies(struct km_round *r);
void km_ctl_bindings(struct km_round *r);
void km_ctl_execution(struct km_round *r);
void km_ctl_work_status(struct km_round *r);
void km_ctl_binding_status(struct km_round *r);
void km_ctl_template_status(struct km_round *r);

#endif
