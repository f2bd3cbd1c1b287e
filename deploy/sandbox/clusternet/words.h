/* SPDX-License-Identifier: Apache-2.0 */
/* Clusternet's labels, annotations, finalizers and the names of those who write. */
#ifndef DEPLOY_SANDBOX_CLUSTERNET_WORDS_H
#define DEPLOY_SANDBOX_CLUSTERNET_WORDS_H

#define CN_CONTROLLER "clusternet-controller-manager"
#define CN_SCHEDULER  "clusternet-scheduler"
#define CN_HUB        "clusternet-hub"
#define CN_AGENT      "clusternet-agent"

#define CN_G_CLUSTERS "clusters.clusternet.io"
#define CN_G_APPS     "apps.clusternet.io"
#define CN_SHADOW     "/apis/shadow/v1alpha1"
#define CN_RESERVED   "clusternet-reserved"
#define CN_SYSTEM     "clusternet-system"

#define CN_CLUSTER_ID   "clusters.clusternet.io/cluster-id"
#define CN_CLUSTER_NAME "clusters.clusternet.io/cluster-name"
#define CN_TAINT        "clusters.clusternet.io/unschedulable"
#define CN_CREATED_BY   "clusternet.io/created-by"

#define CN_GROUP     "apps.clusternet.io/config.group"
#define CN_VERSION   "apps.clusternet.io/config.version"
#define CN_KIND      "apps.clusternet.io/config.kind"
#define CN_NAME      "apps.clusternet.io/config.name"
#define CN_NAMESPACE "apps.clusternet.io/config.namespace"
#define CN_UID       "apps.clusternet.io/config.uid"
#define CN_SUB_UID   "apps.clusternet.io/subs.uid"
#define CN_SUB_NAME  "apps.clusternet.io/subs.name"
#define CN_SUB_NS    "apps.clusternet.io/subs.namespace"

#define CN_SKIP     "apps.clusternet.io/skip-validating"
#define CN_OWNED_BY "apps.clusternet.io/owned-by-description"
#define CN_APPLIED  "clusternet.io/last-applied-configuration"

#define CN_FINALIZER  "apps.clusternet.io/finalizer"
#define CN_PROTECTION "apps.clusternet.io/feed-protection"

#endif
