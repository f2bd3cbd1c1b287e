/* SPDX-License-Identifier: Apache-2.0 */
/* The fenced write protocol: every change of a router, made so that two replicas can never both
 * steer.
 *
 * Straight-line blocking functions; called by the run's worker, rollback also by the responders.
 * All idempotent: they may be killed after any line and called again. `kube` is the client of the
 * cluster that holds the router. A function returns false only when the cluster gave no usable
 * answer (UNAVAILABLE, TRANSIENT, DENIED, …; UNKNOWN: a write without an answer that could not be
 * read back: call again). Otherwise *out says what is true of the object; only CF_ROUTER_OURS means
 * that the write is in place. A lost answer is read back by its seq before a function returns.
 * Nonces come from the caller (cf_nonce), recorded in the intent first, except in touch, which
 * makes its own. */
#ifndef CF_LB_WRITE_H
#define CF_LB_WRITE_H

#include "federation/kube/kube.h"
#include "lb/router.h"

enum { CF_ROUTER_TRIES_MAX = 5 }; /* locate and write again, when others are writing too */

/* Reads all an inspection needs and inspects. NOT_FOUND when the router itself does not exist. */
bool cf_router_find(struct cf_kube *kube, const struct cf_kube_how *how,
                    const struct cf_router_target *t, struct cf_router_view *out,
                    struct cf_error *err) CF_NODISCARD;

/* First write, after the baseline was stored. On success the object carries grip as given. Also
 * takes an object of this run again whose marks somebody removed: only after the database fence was
 * checked. DRIFTED when the route is no longer the baseline's. */
bool cf_router_adopt(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                     const struct cf_router_grip *grip, struct cf_router_reading *out,
                     struct cf_error *err) CF_NODISCARD;

/* A new owner's first write. grip: run, incarnation and the owner's epoch in; on OURS arm and seq
 * as now on the object (an empty arm stays empty): every rollback document rendered before is void
 * then. A larger epoch there is FENCED. Weights and destinations are not judged here: read next. */
bool cf_router_touch(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                     struct cf_router_grip *grip, struct cf_router_reading *out,
                     struct cf_error *err) CF_NODISCARD;

/* To `weight` percent. grip.seq is the recorded one; on OURS it is new_seq. `from_weight` < 0:
 * whatever it is now; otherwise DRIFTED when the object does not carry it. */
bool cf_router_forward(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                       struct cf_router_grip *grip, int from_weight, int weight,
                       const char *new_seq, struct cf_router_reading *out,
                       struct cf_error *err) CF_NODISCARD;

/* Arms ("" → nonce) or disarms (nonce → ""); on OURS grip carries the new arm and seq. */
bool cf_router_set_arm(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                       struct cf_router_grip *grip, const char *new_arm, const char *new_seq,
                       struct cf_router_reading *out, struct cf_error *err) CF_NODISCARD;

/* The way back, from a document of cf_router_render_rollback: one PATCH, no read before it. `how`
 * bounds one attempt, and asks for the rollback lane (urgent) or a connection of its own. Only when
 * the object says that the route moved is the patch rendered and sent again. On OURS out->seq is
 * the document's and out->weight the baseline's. */
bool cf_router_rollback(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *document,
                        struct cf_router_reading *out, struct cf_error *err) CF_NODISCARD;

/* One GET, judged. */
bool cf_router_read(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                    const struct cf_router_grip *grip, int expect_weight,
                    struct cf_router_reading *out,
                    json_t **out_object /* may be NULL; new reference */,
                    struct cf_error *err) CF_NODISCARD;

/* One GET and the rollback document for what the object is now. CONFLICT unless it is OURS. */
bool cf_router_prepare_rollback(struct cf_kube *kube, const struct cf_kube_how *how,
                                const json_t *baseline, const struct cf_router_grip *grip,
                                const char *why, json_t **out_document,
                                struct cf_error *err) CF_NODISCARD;

/* Whether the data plane's controller has taken the object in (HTTPRoute: every parent Accepted and
 * ResolvedRefs for this generation; VirtualService: its status, where somebody writes one; Ingress:
 * nothing to ask). Never stands before a rollback. */
struct cf_router_acceptance {
    bool accepted;
    bool refused;  /* a controller said no for this generation; waiting will not help */
    char why[384]; /* what is missing: "Gateway edge: ResolvedRefs is False: BackendNotFound: …" */
};
void cf_router_judge_acceptance(enum cf_router_type type, const json_t *object,
                                struct cf_router_acceptance *out);
bool cf_router_accepted(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                        struct cf_router_acceptance *out, struct cf_error *err) CF_NODISCARD;

/* After a rollback: the baseline exactly, marks gone; an Ingress' canary is deleted. Done already
 * counts as OURS. */
bool cf_router_restore(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                       const struct cf_router_grip *grip, struct cf_router_reading *out,
                       struct cf_error *err) CF_NODISCARD;

/* What a gateway gets to learn of a destination before its first request. Envoy answers 503 for one
 * that it does not have yet, and istiod sends what changed within 100 ms of each other as one push:
 * a destination that came with its first weight lost 1 request of 700. */
enum { CF_ROUTER_REACH_SETTLES_MS = 2000 };

/* What a gateway needs, at most, until it serves by a changed backend alone: ingress-nginx syncs
 * every 3.3 s unless told otherwise, tests its new configuration, and reloads. */
enum { CF_ROUTER_SWITCH_SETTLES_MS = 10000 };

/* At commit. Ingress: the main backend goes to the target and is read back; the canary stays, and a
 * keeper (ingress_end.c) goes on naming the source. The others: nothing to do. */
bool cf_router_switch(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                      const struct cf_router_grip *grip, struct cf_router_reading *out,
                      struct cf_error *err) CF_NODISCARD;

/* When the switch has settled, before the source is scaled down. Ingress: the canary is deleted,
 * refused with CONFLICT while the main Ingress does not name the target. The others: nothing. Done
 * already counts as OURS. */
bool cf_router_retire(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                      const struct cf_router_grip *grip, struct cf_router_reading *out,
                      struct cf_error *err) CF_NODISCARD;

/* The last write, when the switch has settled: the marks go, the weights stay; of an Ingress, all
 * that we made goes, refused like cf_router_retire(). Done already counts as OURS. */
bool cf_router_release(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                       const struct cf_router_grip *grip, struct cf_router_reading *out,
                       struct cf_error *err) CF_NODISCARD;

#endif
