/* SPDX-License-Identifier: Apache-2.0 */
/* What a cluster's controllers do by themselves, for all simulated clusters: namespaces get their
 * default objects and go away with their content, workloads become pods, pods become Ready,
 * Services get EndpointSlices, claims get volumes, routes get a status, objects whose owner is gone
 * go too.
 *
 * One thread for all clusters. It is woken by the API servers' change signals and by its own timers
 * and looks at a whole cluster each time: nothing it must remember but when something is due, so it
 * may be started on a cluster in any state. It reads and writes through the API server like
 * everybody else, as `kube-controller-manager`, `kubelet` and a gateway.
 *
 * What it does not do: schedules of CronJobs, Endpoints objects, ControllerRevisions, retention
 * policies of StatefulSets' claims, adoption of pods without an owner, quotas, measuring load for
 * autoscalers.
 *
 * Of the API server it expects what a real one does: a Namespace, and a Pod with a node, are only
 * marked by DELETE (deletionTimestamp) and go away for good by `…/finalize` and by DELETE with
 * gracePeriodSeconds 0. */
#ifndef DEPLOY_SANDBOX_CONTROLLERS_CONTROLLERS_H
#define DEPLOY_SANDBOX_CONTROLLERS_CONTROLLERS_H

#include "deploy/sandbox/api/api.h"

struct sbx_volumes;

enum { SBX_CLUSTERS_MAX = 16 };

/* How fast the world turns. Zero stands for the default. */
struct sbx_controllers_options {
    int64_t pod_ready_ms; /* from a pod's creation to Ready; 300. Initial delays of probes are not
                             simulated */
    int64_t pod_drain_ms; /* from a pod's deletionTimestamp to its end: it leaves the EndpointSlices
                             at once; 300 */
    int64_t job_run_ms;   /* from a Job's pod being Ready to its success; 500 */
    int64_t route_status_ms;      /* from a change of an HTTPRoute or Gateway to its status; 50 */
    int64_t progress_deadline_ms; /* instead of every Deployment's progressDeadlineSeconds */
    int third_octet;              /* pods begin at 127.x.(third_octet).1; 0 */
    int first_octet;              /* cluster i's pods live in 127.(first_octet + i).0.0/16; 10 */
    int listener_slot;            /* of sbx_api_on_change; 0 */
    int64_t detach_ms;           /* from a volume's last pod on a node to its being detached; 100 */
    struct sbx_volumes *volumes; /* what is in them; borrowed, NULL: nothing is kept */
    bool only_upkeep; /* a control plane: namespaces end and owners' objects are collected, and
                         nothing else: its workloads make no pods */
    const char
        *root_ca; /* PEM for kube-root-ca.crt, borrowed for as long as it runs; NULL: a remark */
};

/* An image with one of these tags never becomes Ready (`image: echo:failing`); one with `crash`
 * ends a Job's pods as Failed. */
#define SBX_TAG_FAILING "failing"
#define SBX_TAG_UNREADY "unready"
#define SBX_TAG_CRASH   "crash"

/* A class of this provisioner makes volumes that are folders of a node: they are not attached and
 * have no snapshots. Those of the second's names are served by nobody. Every other one makes volumes of
 * a storage system. */
#define SBX_HOST_PATH "sandbox/host-path"
#define SBX_NOBODY    "example.com/"

struct sbx_controllers;

/* Starts on `n` (<= SBX_CLUSTERS_MAX) clusters, which must outlive it. `options` NULL: all
 * defaults. NULL when the thread cannot be started. */
struct sbx_controllers *sbx_controllers_start(struct sbx_api *const *apis, size_t n,
                                              const struct sbx_controllers_options *options,
                                              struct cf_error *err) CF_NODISCARD;
/* Ends the thread; objects stay as they are. Accepts NULL. */
void sbx_controllers_stop(struct sbx_controllers *c);

/* Waits until nothing is left to do now and no timer runs (unready pods' progress deadlines are not
 * waited for). False after `timeout_ms`. For setting up a world and for tests. */
bool sbx_controllers_settle(struct sbx_controllers *c, int64_t timeout_ms);

#endif
