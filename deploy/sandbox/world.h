/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world: clusters with their API servers, the controllers, the data plane, loads and
 * the control endpoint, made and ended in order. Main thread; the control endpoint changes API
 * faults from its handlers. */
#ifndef DEPLOY_SANDBOX_WORLD_H
#define DEPLOY_SANDBOX_WORLD_H

#include <stdint.h>

#include "base/json.h"

enum { SANDBOX_CLUSTERS_MAX = 8 };

struct sandbox_world; /* opaque */

struct sandbox_options {
    const char *clusters; /* "east,west" */
    int port_base; /* control here, then API, gateway and admin of each cluster; 0: any ports */
    const char *state_dir;  /* sandbox.json and kubeconfigs; NULL: no files */
    const char *karmada;    /* the name of a Karmada control plane over all of them; NULL: none */
    const char *clusternet; /* the name of a hub of Clusternet instead; NULL: none */
    int karmada_wait;       /* how long it waits, in percent of a real one */
    bool velero;            /* one in each cluster, over one bucket */
    const char *velero_version; /* as struct sbx_velero_options has it */
    int velero_wait;            /* how long it takes, in percent of a real one; 0: its default */
    int64_t velero_sync_ms;     /* of a real one; 0: its default */
    int velero_movers;          /* at a time on a node, of each kind; 0: its default */
    int64_t velero_upload, velero_download; /* bytes a second of a real one; 0: its defaults */
    bool demo; /* the demo application in the first cluster; waits until its pods are Ready */
};

struct sandbox_world *sandbox_world_start(const struct sandbox_options *options,
                                          struct cf_error *err) CF_NODISCARD;
void sandbox_world_stop(struct sandbox_world *w); /* accepts NULL */
/* Bookmarks for the watches; call it about every SANDBOX_TICK_MS. */
enum { SANDBOX_TICK_MS = 2000 };
void sandbox_world_tick(struct sandbox_world *w);
/* URLs, tokens and paths, as printed and as written to DIR/sandbox.json. New reference. */
json_t *sandbox_world_describe(const struct sandbox_world *w);

#endif
