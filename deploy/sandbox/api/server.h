/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster's API over HTTP, with faults that can be switched on from outside. Any thread. */
#ifndef DEPLOY_SANDBOX_API_SERVER_H
#define DEPLOY_SANDBOX_API_SERVER_H

#include "deploy/sandbox/api/api.h"
#include "deploy/sandbox/api/faults.h"
#include "deploy/sandbox/api/stops.h"
#include "orchestrator/http/http.h"

struct sbx_api_server;

/* Serves `api` on 127.0.0.1:port (0: any), in clear text when `tls` is NULL. `http` and `api`
 * outlive it. */
struct sbx_api_server *sbx_api_server_new(struct cf_http_server *http, struct sbx_api *api,
                                          int port, struct cf_http_tls *tls,
                                          struct cf_error *err) CF_NODISCARD;
/* After cf_http_server_stop(). Accepts NULL. */
void sbx_api_server_free(struct sbx_api_server *s);
const char *sbx_api_server_url(const struct sbx_api_server *s);
struct sbx_api_faults *sbx_api_server_faults(struct sbx_api_server *s);
struct sbx_stop *sbx_api_server_stop(struct sbx_api_server *s);
bool sbx_api_server_away(struct sbx_api_server *s, bool away, struct cf_error *err) CF_NODISCARD;
/* Ends every connection, watches too, without a word. */
void sbx_api_server_cut(struct sbx_api_server *s);

#endif
