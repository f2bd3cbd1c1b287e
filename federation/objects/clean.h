/* SPDX-License-Identifier: Apache-2.0 */
/* What an object loses on its way to another cluster: everything that only the cluster it lives in
 * can know.
 *
 * The list unites what Karmada, Velero, crane and Clusternet strip, with our own additions. Pure
 * functions on trees; any thread. */
#ifndef CF_FEDERATION_OBJECTS_CLEAN_H
#define CF_FEDERATION_OBJECTS_CLEAN_H

#include "federation/objects/kinds.h"

/* A cleaned copy (new reference); the object stays as it is. */
json_t *cf_object_clean(const json_t *object) CF_NODISCARD;

/* Why an object is never copied ("a token of the source cluster's service account"), or NULL if it
 * may be. */
const char *cf_object_skip_reason(const json_t *object);

#define CF_SECRET_TYPE_TOKEN "kubernetes.io/service-account-token"

/* The owner reference of the controller that makes the object; NULL for what a person makes. */
const json_t *cf_object_controller(const json_t *object);

/* Whether a Service has no selector and no name outside: its endpoints are a person's. */
bool cf_service_is_by_hand(const json_t *service);

/* The tracking label or annotation of a GitOps tool on the object ("Argo CD"), or NULL: copies lose
 * it, or the tool would prune them. */
const char *cf_object_gitops_owner(const json_t *object);

/* The rules beyond those of every kind, for the table in kinds.c. */
cf_clean_fn cf_clean_pod_template;
cf_clean_fn cf_clean_stateful_set;
cf_clean_fn cf_clean_job;
cf_clean_fn cf_clean_service;
cf_clean_fn cf_clean_claim;
cf_clean_fn cf_clean_service_account;
cf_clean_fn cf_clean_namespace;
cf_clean_fn cf_clean_secret;
cf_clean_fn cf_clean_cron_job;
cf_clean_fn cf_clean_endpoints;
cf_clean_fn cf_clean_endpoint_slice;
cf_clean_fn cf_clean_ingress;
cf_clean_fn cf_clean_definition;

#endif
