/* SPDX-License-Identifier: Apache-2.0 */
/* The demo application: a small web service with everything that comes with one, behind routes of
 * all three kinds. */
#ifndef DEPLOY_SANDBOX_DEMO_H
#define DEPLOY_SANDBOX_DEMO_H

#include "deploy/sandbox/api/api.h"

/* Namespace web: Deployment, Service, ConfigMap, Secret, ServiceAccount, HPA, PDB named echo;
 * VirtualService, HTTPRoute and Ingress named echo for the hosts virtualservice.web.example.com,
 * httproute.web.example.com and ingress.web.example.com. */
bool sbx_demo_load(struct sbx_api *api, struct cf_error *err) CF_NODISCARD;

#endif
