/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox's own REST interface, on one loopback port: faults, load, the present split, edits by
 * somebody else.
 *
 *   GET    /state              clusters, URLs, pods, faults, loads
 *   GET    /split[?cluster=]   {cluster: {host: {object, backends: {name: weight},
 *                              ready: {name: n}}}}
 *   PUT    /faults/app         {cluster, namespace, app, error, latency_ms, hang, status, capacity}
 *                              or {cluster, namespace, app, clear: true}
 *   PUT    /faults/api         {cluster, slow_ms, status, hang, away, cut_watches, silent_watches,
 *                              forget_history, hidden, lose_replies}; what is left out ends
 *   PUT    /faults/metrics     {cluster?, state: "fine" | "stale" | "away"}
 *   PUT    /faults/karmada     {member?, SWITCH: value, …}: karmada/README.md has the switches
 *   GET    /faults/karmada     those that are thrown
 *   PUT    /faults/clusternet  {member?, SWITCH: value, …}: clusternet/README.md has the switches
 *   GET    /faults/clusternet  those that are thrown
 *   PUT    /faults/velero      {fault, cluster?, name?, attempt?, …}: velero/README.md has the
 *                              faults
 *   GET    /faults/velero      those that are thrown
 *   DELETE /faults/velero      [?fault=&cluster=] ends them
 *   GET    /velero/download/{token}   the end of a DownloadRequest's URL
 *   GET    /volumes/{cluster}/{namespace}/{claim}/files   {files: [{path, size, sha256}], …}
 *   GET, PUT, DELETE …/files/{path...}   one file: its bytes; a PUT of application/json
 *                              {size, seed} describes one that is not held
 *   PUT    /faults/dataplane   {cluster?, frozen}
 *   DELETE /faults             heals everything
 *   PUT    /stops              {cluster, method?, path}: crossfade's requests whose target contains
 *                              `path` wait there, without effect, until
 *   DELETE /stops[?cluster=]   lets all go on
 *   GET    /stops?cluster=     {request}: the first that waits there, "" while none does
 *   GET    /requests[?cluster=]   {cluster: {"list pods": n}}: what crossfade's programs asked of the
 *                              API servers
 *   DELETE /requests           forgets that
 *   POST   /reset              {}: no loads, no faults, no objects but those of the start
 *   POST   /load               {url | cluster?, host, path?, header?, rps, duration_ms?,
 *                              timeout_ms?, log?, writes?} → {id}
 *   GET    /load/{id}/acknowledged   {prefix, acknowledged: [n …]}: the writes that were
 *                              acknowledged; their bodies were prefix + n
 *   GET    /load, /load/{id}   all summaries, one
 *   POST   /load/{id}/stop     stops and tells
 *   DELETE /load/{id}          stops, tells and forgets
 *   GET    /object             ?cluster=&path=: an API object, with full rights
 *   POST   /edit               {cluster, path, manager, patch, type?}: a JSON Patch ("json"; or
 *                              "merge", "apply") by that field manager
 *   POST   /apply              {cluster, manager?, objects}: server-side apply, in order; or
 *                              application/yaml with ?cluster=&manager=
 *   POST   /roll               {cluster, namespace, deployment}: as `kubectl rollout restart`, to
 *                              its end
 *
 * Errors are {error} with 400, 404, 409 or what the API server said. No authentication: loopback
 * only, and bodies must be application/json (or application/yaml), which a web page cannot send
 * here unasked. Used by world.c. */
#ifndef DEPLOY_SANDBOX_CONTROL_CONTROL_H
#define DEPLOY_SANDBOX_CONTROL_CONTROL_H

#include "deploy/sandbox/api/api.h"
#include "deploy/sandbox/clusternet/clusternet.h"
#include "deploy/sandbox/dataplane/dataplane.h"
#include "deploy/sandbox/karmada/karmada.h"
#include "deploy/sandbox/load/load.h"
#include "deploy/sandbox/velero/velero.h"

struct sbx_control;
struct sbx_stop;

struct sbx_control_api_fault {
    int64_t slow_ms;     /* every answer takes this much longer */
    int status;          /* every call is answered so (500, 503, 429) */
    bool hang;           /* calls get no answer */
    bool away;           /* connections are refused */
    bool cut_watches;    /* open watches are cut, once */
    bool forget_history; /* watches from older versions are answered 410, once */
    const char *hidden;  /* "group/plural,…": kinds that it does not serve; NULL: none */
    int lose_replies;    /* so many writes happen without a reply: the connection is cut */
    bool silent_watches; /* watches stay open and say nothing: what happens meanwhile is lost to
                            them */
};

struct sbx_control_options {
    int port; /* 0: any free one */
    struct sbx_api *const *apis;
    int clusters;                      /* with workloads and a gateway: the first of them */
    int servers;                       /* all; 0: as many as clusters */
    struct sbx_karmada *karmada;       /* NULL: none */
    struct sbx_clusternet *clusternet; /* NULL: none */
    struct sbx_velero *velero;         /* NULL: none */
    struct sbx_volumes *volumes;       /* what is in claims; NULL: answered 404 */
    struct sbx_dataplane *dataplane;
    struct sbx_loads *loads;
    /* All borrowed until sbx_control_stop(). */

    /* One cluster's API server gets these faults (0, false: none). Called on a handler's thread;
     * may block. NULL: answered 501. */
    bool (*api_fault)(void *user, const char *cluster, const struct sbx_control_api_fault *fault,
                      struct cf_error *err);
    /* Where that cluster's API server stops requests; borrowed. NULL: answered 501. */
    struct sbx_stop *(*stop)(void *user, const char *cluster);
    /* All clusters' objects as at the start. The same; NULL: answered 501. */
    bool (*reset)(void *user, struct cf_error *err);
    void *user;
};

struct sbx_control *sbx_control_start(const struct sbx_control_options *options,
                                      struct cf_error *err) CF_NODISCARD;
/* Before the loads and the data plane end. Accepts NULL. */
void sbx_control_stop(struct sbx_control *c);
const char *sbx_control_url(const struct sbx_control *c); /* borrowed */

#endif
