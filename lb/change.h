/* SPDX-License-Identifier: Apache-2.0 */
/* Inside lb/ only: one fenced change of a router in use (look, render, patch, read back what got no
 * answer). A change is never rebased: its tests name the seq that was recorded; only the places are
 * looked up again. */
#ifndef CF_LB_CHANGE_H
#define CF_LB_CHANGE_H

#include "lb/kinds.h"
#include "lb/write.h"

struct cf_change {
    const json_t *baseline;
    struct cf_router_grip grip;  /* expected on the object before */
    struct cf_router_grip after; /* and after */
    int from_weight;             /* -1: any */
    int weight;                  /* expected after; -1: any */
    bool allows_emergency;
    bool ignores_drift;      /* weights and destinations may have been changed by others */
    bool removes_marks;      /* the last write: done when they are gone */
    bool must_be_given_back; /* and our destinations are the baseline's */
    json_t *(*render)(const struct cf_change *c, const json_t *object, struct cf_error *err);
};

bool cf_change_run(struct cf_kube *kube, const struct cf_kube_how *how, const struct cf_change *c,
                   struct cf_router_reading *out, struct cf_error *err) CF_NODISCARD;

struct cf_object_ref cf_router_ref(const json_t *baseline);
/* *out NULL when it is gone. After a write without an answer, a failed read leaves that write
 * UNKNOWN. */
bool cf_router_get(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                   bool after_unknown, json_t **out, struct cf_error *err) CF_NODISCARD;

/* Whether two patches are equal but for the restore mark, whose nonce is new each time. */
bool cf_json_same_but_nonces(const json_t *a, const json_t *b);

#endif
