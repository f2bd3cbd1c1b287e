/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway counts, and how it tells it to a scraper: Envoy's names for VirtualServices and
 * HTTPRoutes, ingress-nginx' names for Ingresses. A series is there from its first request on, as
 * with the real ones. Any thread. */
#ifndef DEPLOY_SANDBOX_DATAPLANE_METRICS_H
#define DEPLOY_SANDBOX_DATAPLANE_METRICS_H

#include "deploy/sandbox/dataplane/route.h"

struct sbx_metrics;

struct sbx_metrics *sbx_metrics_new(void) CF_NODISCARD;
void sbx_metrics_free(struct sbx_metrics *m); /* accepts NULL */
/* One request that this backend (borrowed) has answered, or that the gateway answered for it. */
void sbx_metrics_count(struct sbx_metrics *m, const struct sbx_backend *b, int status, int64_t us);
char *sbx_metrics_text(struct sbx_metrics *m); /* the caller frees */

#endif
