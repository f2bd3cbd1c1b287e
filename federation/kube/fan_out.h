/* SPDX-License-Identifier: Apache-2.0 */
/* Many calls to one cluster at once, from code that stays a straight line.
 *
 * Called by: drivers with hundreds of independent objects (federation/propagate, velero, the freeze of
 * the engine), on a worker's thread. The calls run on that thread and on a few more that live only as long as the function: it
 * returns when all have ended, so nothing of it outlives its caller's stack. The cluster's own
 * limits (places, tokens, first come first served) hold as for any other call.
 *
 * A client that plays an API server does one at a time, in order, on the caller's thread, unless
 * it is told otherwise: simulators and crash tests stay deterministic. */
#ifndef CF_FEDERATION_KUBE_FAN_OUT_H
#define CF_FEDERATION_KUBE_FAN_OUT_H

#include "federation/kube/kube.h"

enum {
    CF_KUBE_PARALLEL_MAX = 64, /* threads for one function */
};

/* Number `i` of 0 … n-1. False: no further number is begun (those under way are ended). Runs on any
 * of the threads: what it writes belongs to its number alone. */
typedef bool cf_kube_fan_fn(void *arg, size_t i);

/* Begins the numbers in their order, several at a time. Returns how many were begun: 0 … that
 * number less one, without a gap. */
size_t cf_kube_fan_out(struct cf_kube *k, size_t n, cf_kube_fan_fn *one, void *arg);

/* One call per element of an array, in the same way; the first error ends it, and is told. */
typedef bool cf_kube_each_fn(void *arg, const json_t *element, struct cf_error *err);
bool cf_kube_each(struct cf_kube *k, const json_t *elements, cf_kube_each_fn *one, void *arg,
                  struct cf_error *err) CF_NODISCARD;

/* How many at a time: on the wire half of the cluster's places (max_in_flight), so that other runs
 * find some; behind any other port 1. Not while calls are under way. */
void cf_kube_set_parallel(struct cf_kube *k, int parallel);

#endif
