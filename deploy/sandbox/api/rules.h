/* SPDX-License-Identifier: Apache-2.0 */
/* What the server itself knows about kinds: default values, checks, what may not change. Pure but
 * for addresses of Services. */
#ifndef DEPLOY_SANDBOX_API_RULES_H
#define DEPLOY_SANDBOX_API_RULES_H

#include "deploy/sandbox/api/core.h"

/* 400 for members of a wrong type ("cannot unmarshal"), and with `strict` for unknown ones; drops
 * unknown ones otherwise. */
bool sbx_rules_decode(const struct sbx_kind *k, json_t *obj, bool strict, struct sbx_answer *out);
/* Fills in defaults; `live` is the object before, or NULL. */
void sbx_rules_default(struct sbx_api *api, const struct sbx_kind *k, json_t *obj,
                       const json_t *live);
/* Adds what is wrong. `live` is NULL for a new object. */
void sbx_rules_check(struct sbx_api *api, const struct sbx_kind *k, const json_t *obj,
                     const json_t *live, struct sbx_causes *causes);
/* Names, labels, annotations, finalizers (rules_meta.c). */
void sbx_rules_check_meta(const struct sbx_kind *k, const json_t *obj, struct sbx_causes *causes);
/* Whether it is a label of DNS: 63 lower-case letters, digits and inner dashes at the most. */
bool sbx_rules_is_dns_label(const char *text);
/* A pod template or a pod's spec at that place (rules_pods.c). */
void sbx_rules_check_pod_spec(const json_t *spec, const char *at, const char *restart_rule,
                              struct sbx_causes *causes);
void sbx_rules_default_pod_spec(json_t *spec);
/* Whether a CronJob may have it (rules_schedule.c). */
bool sbx_rules_is_schedule(const char *text);
/* Services' node ports: given, kept, and refused where another Service has them
 * (rules_node_ports.c). */
void sbx_rules_default_node_ports(struct sbx_api *api, json_t *service, const json_t *live);
void sbx_rules_check_node_ports(struct sbx_api *api, const json_t *service,
                                struct sbx_causes *causes);
void sbx_rules_check_routers(const struct sbx_kind *k, const json_t *obj,
                             struct sbx_causes *causes);

#endif
