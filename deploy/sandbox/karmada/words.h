/* SPDX-License-Identifier: Apache-2.0 */
/* Karmada's labels, annotations, finalizers and the names of those who write. */
#ifndef DEPLOY_SANDBOX_KARMADA_WORDS_H
#define DEPLOY_SANDBOX_KARMADA_WORDS_H

#define KM_CONTROLLER "karmada-controller-manager"
#define KM_SCHEDULER  "karmada-scheduler"

#define KM_G_CLUSTER "cluster.karmada.io"
#define KM_G_POLICY  "policy.karmada.io"
#define KM_G_WORK    "work.karmada.io"

#define KM_PP_ID    "propagationpolicy.karmada.io/permanent-id"
#define KM_PP_NAME  "propagationpolicy.karmada.io/name"
#define KM_PP_NS    "propagationpolicy.karmada.io/namespace"
#define KM_CPP_ID   "clusterpropagationpolicy.karmada.io/permanent-id"
#define KM_CPP_NAME "clusterpropagationpolicy.karmada.io/name"

#define KM_RB_ID    "resourcebinding.karmada.io/permanent-id"
#define KM_RB_NAME  "resourcebinding.karmada.io/name"
#define KM_RB_NS    "resourcebinding.karmada.io/namespace"
#define KM_CRB_ID   "clusterresourcebinding.karmada.io/permanent-id"
#define KM_CRB_NAME "clusterresourcebinding.karmada.io/name"

#define KM_WORK_ID   "work.karmada.io/permanent-id"
#define KM_WORK_NAME "work.karmada.io/name"
#define KM_WORK_NS   "work.karmada.io/namespace"
#define KM_CONFLICT  "work.karmada.io/conflict-resolution"

#define KM_MANAGED             "karmada.io/managed"
#define KM_TEMPLATE_UID        "resourcetemplate.karmada.io/uid"
#define KM_TEMPLATE_GENERATION "resourcetemplate.karmada.io/generation"
#define KM_MANAGED_LABELS      "resourcetemplate.karmada.io/managed-labels"
#define KM_MANAGED_ANNOTATIONS "resourcetemplate.karmada.io/managed-annotations"
#define KM_RETAIN_REPLICAS     "resourcetemplate.karmada.io/retain-replicas"
#define KM_PROTECTED           "resourcetemplate.karmada.io/deletion-protected"
#define KM_SKIP_NAMESPACE      "namespace.karmada.io/skip-auto-propagation"
#define KM_APPLIED_PLACEMENT   "policy.karmada.io/applied-placement"
#define KM_CLUSTER_OVERRIDES   "policy.karmada.io/applied-cluster-overrides"
#define KM_OVERRIDES           "policy.karmada.io/applied-overrides"

#define KM_F_PP      "karmada.io/propagation-policy-controller"
#define KM_F_CPP     "karmada.io/cluster-propagation-policy-controller"
#define KM_F_RB      "karmada.io/binding-controller"
#define KM_F_CRB     "karmada.io/cluster-resource-binding-controller"
#define KM_F_WORK    "karmada.io/execution-controller"
#define KM_F_CLUSTER "karmada.io/cluster-controller"

#define KM_TAINT_NOT_READY   "cluster.karmada.io/not-ready"
#define KM_TAINT_UNREACHABLE "cluster.karmada.io/unreachable"

#define KM_SPACE_PREFIX      "karmada-es-" /* + cluster: the namespace of its Works */
#define KM_DEFAULT_SCHEDULER "default-scheduler"

#endif
