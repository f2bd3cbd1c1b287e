/* SPDX-License-Identifier: Apache-2.0 */
/* Inside lb/ only: what the write protocol asks of an Ingress beyond the common row. Pure; any
 * thread. */
#ifndef CF_LB_INGRESS_H
#define CF_LB_INGRESS_H

#include "lb/kinds.h"

#define CF_NGINX               "nginx.ingress.kubernetes.io/"
#define CF_INGRESS_OWNER_LABEL "crossfade.dev/run" /* on what we make beside the main one */

/* "<ingress>-crossfade". */
char *cf_ingress_canary_name(const char *ingress, char buf[CF_DEST_NAME_MAX]);
/* "<ingress>-crossfade-keeper". */
char *cf_ingress_keeper_name(const char *ingress, char buf[CF_DEST_NAME_MAX]);

/* One entry per path that moves: {host?, path?, pathType, backend}. Fills *source from the plan or
 * from the only Service there is. Problems go into `problems`; NULL when there is nothing to move.
 * New reference. */
json_t *cf_ingress_paths(const struct cf_router_target *t, const json_t *main_object,
                         struct cf_destination *source, struct cf_problems *problems);
/* The canary's spec.rules for these paths and this backend. New reference. */
json_t *cf_ingress_rules(const json_t *paths, const json_t *backend);
/* Adds blockers for other canaries on the same host and path. */
void cf_ingress_check_canaries(const json_t *paths, const json_t *peers, const char *own_canary,
                               struct cf_problems *out);

/* Whether the main Ingress' paths of the baseline all name the target. */
bool cf_ingress_is_switched(const json_t *baseline, const json_t *main_object);

#endif
