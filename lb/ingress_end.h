/* SPDX-License-Identifier: Apache-2.0 */
/* Inside lb/ only: the last writes around an Ingress (ingress_end.c). Blocking; any thread. */
#ifndef CF_LB_INGRESS_END_H
#define CF_LB_INGRESS_END_H

#include "lb/write.h"

/* Settles a reading as DRIFTED with the error's text, which is consumed. Always true. */
bool cf_router_drifted(struct cf_router_reading *out, struct cf_error *why);

/* Made by this run, or by somebody else under the same name. */
bool cf_ingress_is_ours(const json_t *object, const char *run);

/* Deletes the canary in the very state that was judged. Gone is done. */
bool cf_ingress_delete_canary(struct cf_kube *kube, const struct cf_kube_how *how,
                              const json_t *baseline, const struct cf_router_grip *grip,
                              struct cf_router_reading *out, struct cf_error *err) CF_NODISCARD;

/* cf_router_release() of an Ingress: canary and keeper go. */
bool cf_ingress_release(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                        const struct cf_router_grip *grip, struct cf_router_reading *out,
                        struct cf_error *err) CF_NODISCARD;

#endif
