/* SPDX-License-Identifier: Apache-2.0 */
/* The body ClusterNew, as the record and the sealed text that the engine reads
 * (orchestrator/engine/clusters.h). Handler threads. */
#ifndef CF_API_CLUSTER_BODY_H
#define CF_API_CLUSTER_BODY_H

#include "base/secret.h"
#include "orchestrator/http/http.h"

struct cf_cluster_body {
    json_t *doc;                   /* what is not secret; owned */
    struct cf_secret *credentials; /* {"kubeconfig", "metrics", "metricsCa"} as text; owned */
};
void cf_cluster_body_free(struct cf_cluster_body *b); /* for CF_CLEANUP; zeroed before first use */

/* Makes it from a decoded body. What the body leaves out is taken from the record and the
 * credentials that are there already (both NULL for a new cluster). False: answered. */
bool cf_cluster_body_make(struct cf_http_request *req, struct cf_http_response *res,
                          const json_t *body, const json_t *old_doc,
                          const struct cf_secret *old_credentials, struct cf_cluster_body *out);

#endif
