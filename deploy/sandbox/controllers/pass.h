/* SPDX-License-Identifier: Apache-2.0 */
/* One look at one cluster: what is there, what is due, and the writes that follow.
 *
 * Objects are read once per pass and kind and are shared: never change them. A controller compares
 * what is with what should be and writes the difference; its own writes cause the next pass, until
 * nothing is left. Controllers' thread only. */
#ifndef DEPLOY_SANDBOX_CONTROLLERS_PASS_H
#define DEPLOY_SANDBOX_CONTROLLERS_PASS_H

#include "deploy/sandbox/api/kinds.h"
#include "deploy/sandbox/controllers/controllers.h"

enum {
    SBX_RETRY_MS = 1000, /* after a refused write */
    SBX_PATH_MAX = 1024,
};

/* Who writes: the managers' names of managedFields. */
#define SBX_MANAGER "kube-controller-manager"
#define SBX_KUBELET "kubelet"
#define SBX_GATEWAY "crossfade-sandbox-gateway"

/* A cluster between passes. */
struct sbx_world {
    struct sbx_api *api;
    size_t index;
    struct sbx_controllers_options options; /* without zeroes */
    json_t *timers;                         /* key → when, in ms of cf_mono_now_ms() */
    int64_t next_ip;
    json_t *views; /* what the last passes read: "group/plural" → {"rv", "all", "index"} */
};
void sbx_world_end(struct sbx_world *w);

struct sbx_pass {
    struct sbx_world *world;
    int64_t now;     /* cf_mono_now_ms() */
    char stamp[32];  /* wall time as Kubernetes writes it */
    json_t *kinds;   /* "group/plural" → the view of it (sbx_world) */
    json_t *timers;  /* asked for in this pass */
    int64_t wake;    /* the earliest of them; INT64_MAX: none */
    bool is_waiting; /* a timer that settling waits for */
};

void sbx_pass_begin(struct sbx_pass *p, struct sbx_world *w);
/* Timers that nobody asked for in this pass are forgotten. */
void sbx_pass_end(struct sbx_pass *p);

/* All objects of a kind; borrowed, for the pass. */
json_t *sbx_pass_all(struct sbx_pass *p, const char *group, const char *plural);
/* The object of this pass' view, borrowed, or NULL. `ns` NULL for cluster scope. */
json_t *sbx_pass_one(struct sbx_pass *p, const char *group, const char *plural, const char *ns,
                     const char *name);
/* Those whose controller is `owner`: a new array of shared objects. */
json_t *sbx_pass_owned(struct sbx_pass *p, const char *group, const char *plural,
                       const json_t *owner) CF_NODISCARD;
/* Whether things may be made for this object: neither it nor its namespace is going away. */
bool sbx_pass_is_live(struct sbx_pass *p, const json_t *object);
/* Looks at each object of the kind for which things may be made. */
void sbx_pass_each_live(struct sbx_pass *p, const char *group, const char *plural,
                        void (*look_at)(struct sbx_pass *p, const json_t *object));

/* True from `delay_ms` after it was first asked without a pass in between that did not ask.
 * `is_background`: settling does not wait for it. */
bool sbx_pass_after(struct sbx_pass *p, int64_t delay_ms, bool is_background, const char *key_fmt,
                    ...) CF_PRINTF(4, 5);

/* The API path of an object, or of its kind where `name` is NULL, into SBX_PATH_MAX bytes. */
void sbx_pass_path(char *out, const char *group, const char *plural, const char *ns,
                   const char *name);

/* Writes; each takes `body`'s reference where it has one. A refusal other than "gone", "exists",
 * "changed" is tried again later. Returns whether it was accepted. */
bool sbx_pass_create(struct sbx_pass *p, const char *manager, const char *group, const char *plural,
                     json_t *body);
bool sbx_pass_merge(struct sbx_pass *p, const char *manager, const char *group, const char *plural,
                    const json_t *object, json_t *patch);
/* The same to the status subresource, which takes a Deployment's annotations without growing its
 * generation. */
bool sbx_pass_merge_status(struct sbx_pass *p, const char *manager, const char *group,
                           const char *plural, const json_t *object, json_t *patch);
/* Makes the object's status equal to `status`; writes only what differs. */
bool sbx_pass_status(struct sbx_pass *p, const char *manager, const char *group, const char *plural,
                     const json_t *object, json_t *status);
/* `grace_s` below 0: as the kind does by default. */
bool sbx_pass_delete(struct sbx_pass *p, const char *group, const char *plural,
                     const json_t *object, int grace_s);
/* PUT …/finalize of a Namespace with no finalizers in its spec. */
bool sbx_pass_finalize(struct sbx_pass *p, const json_t *ns);

/* The controllers, in the order in which one's work is the next one's input. */
void sbx_ctl_namespaces(struct sbx_pass *p);
void sbx_ctl_garbage(struct sbx_pass *p);
void sbx_ctl_deployments(struct sbx_pass *p);
void sbx_ctl_replica_sets(struct sbx_pass *p);
void sbx_ctl_stateful_sets(struct sbx_pass *p);
void sbx_ctl_daemon_sets(struct sbx_pass *p);
void sbx_ctl_jobs(struct sbx_pass *p);
void sbx_ctl_claims(struct sbx_pass *p);
void sbx_ctl_attachments(struct sbx_pass *p);
void sbx_ctl_contents(struct sbx_pass *p);
void sbx_ctl_pods(struct sbx_pass *p);
void sbx_ctl_slices(struct sbx_pass *p);
void sbx_ctl_scaling(struct sbx_pass *p);
void sbx_ctl_disruption(struct sbx_pass *p);
void sbx_ctl_gateways(struct sbx_pass *p);

#endif
