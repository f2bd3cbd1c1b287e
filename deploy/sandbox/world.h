/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world: clusters with their API servers, controllers and gateways; one HTTP server for all of it.
 *
 * Made and ended by main.c; the control endpoint works on it from handler threads. */
#ifndef DEPLOY_SANDBOX_WORLD_H
#define DEPLOY_SANDBOX_WORLD_H

#include "deploy/sandbox/api/server.h"

enum {
    SBX_CLUSTERS_MAX = 8,
    SBX_TOKEN_TEXT = 41, /* 40 hex characters and NUL */
};

struct sbx_controllers;
struct sbx_gateway;
struct sbx_load;
struct sbx_control;

struct sbx_cluster {
    char name[64];
    struct sbx_api *api;
    struct sbx_api_server *server;
    struct sbx_controllers *controllers;
    struct sbx_gateway *gateway;
    char admin_token[SBX_TOKEN_TEXT], viewer_token[SBX_TOKEN_TEXT];
    char *kubeconfig; /* path, or NULL without a folder */
};

struct sbx_world {
    struct cf_http_server *http;
    struct sbx_cluster clusters[SBX_CLUSTERS_MAX];
    int count;
    struct sbx_load *load;
    struct sbx_control *control;
};

struct sbx_options {
    const char *clusters;  /* "east,west" */
    int port_base;         /* 0: any ports */
    const char *state_dir; /* NULL: no files */
    bool demo, die_with_parent;
};

bool sbx_world_start(struct sbx_world *w, const struct sbx_options *options, struct cf_error *err) CF_NODISCARD;
void sbx_world_stop(struct sbx_world *w);
struct sbx_cluster *sbx_world_cluster(struct sbx_world *w, const char *name); /* NULL: no such one */
/* URLs, tokens and paths, as printed and as written to DIR/sandbox.json. New reference. */
json_t *sbx_world_describe(const struct sbx_world *w);
/* Everything as it was at the start; with the demo if there was one. */
bool sbx_world_reset(struct sbx_world *w, bool demo, struct cf_error *err) CF_NODISCARD;

#endif
