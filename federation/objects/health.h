/* SPDX-License-Identifier: Apache-2.0 */
/* When a copied object is ready, by the rules of its kind and never by time. Pure; any thread.
 *
 * The rules are those that a rolling update waits for, made stricter where traffic is to follow:
 * replicas 0 is not healthy, a StatefulSet must have finished its revision, a Deployment past its
 * progress deadline has failed. What a kind's controller has not looked at yet (observedGeneration)
 * is never ready. */
#ifndef CF_FEDERATION_OBJECTS_HEALTH_H
#define CF_FEDERATION_OBJECTS_HEALTH_H

#include "base/json.h"

enum cf_health { CF_HEALTH_READY, CF_HEALTH_WAITING, CF_HEALTH_FAILED };
enum { CF_HEALTH_TEXT_MAX = 256 };

/* `text` (CF_HEALTH_TEXT_MAX bytes) gets one sentence for people, also when ready: "3 of 5 pods
 * ready". */
typedef enum cf_health cf_health_fn(const json_t *object, char *text);

/* By the object's kind; kinds without a rule are ready as soon as they are there. An object that is
 * being deleted is failed. */
enum cf_health cf_object_health(const json_t *object, char *text);

/* The rules, for the table in kinds.c. */
cf_health_fn cf_health_deployment;
cf_health_fn cf_health_stateful_set;
cf_health_fn cf_health_daemon_set;
cf_health_fn cf_health_job;
cf_health_fn cf_health_claim;
cf_health_fn cf_health_namespace;
cf_health_fn cf_health_service;
cf_health_fn cf_health_ingress;
cf_health_fn cf_health_budget;
cf_health_fn cf_health_definition;
cf_health_fn cf_health_custom;

#endif
