/* SPDX-License-Identifier: Apache-2.0 */
/* Pods: put on the node, started when what they mount is there, Ready after a while, ended when
 * they are done or deleted. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/mounts.h"
#include "deploy/sandbox/controllers/pass.h"
#include "deploy/sandbox/controllers/pod_needs.h"
#include "deploy/sandbox/controllers/readers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    IPS_PER_CLUSTER = 254 * 256, /* 127.x.0.1 to 127.x.255.254, without .0 and .255 */
    IP_TEXT = 20,
};

/* ---- Addresses ---- */

static void address(const struct sbx_world *w, int64_t n, char out[IP_TEXT])
{
    snprintf(out, IP_TEXT, "127.%d.%d.%d", (w->options.first_octet + (int)w->index) & 255,
             (w->options.third_octet + (int)(n / 254)) & 255, (int)(n % 254) + 1);
}

static bool is_taken(struct sbx_pass *p, const char *ip)
{
    size_t i;
    json_t *pod;
    json_array_foreach(sbx_pass_all(p, "", "pods"), i, pod)
    {
        if (strcmp(cf_json_str(pod, "", "status", "podIP", NULL), ip) == 0)
            return true;
    }
    return false;
}

/* A new one each time, so that a connection to a pod that is gone never meets another; again from
 * the start when all were used. */
static void next_address(struct sbx_pass *p, char out[IP_TEXT])
{
    do
        address(p->world, p->world->next_ip++ % IPS_PER_CLUSTER, out);
    while (is_taken(p, out));
}

/* ---- Status ---- */

static void add_container(json_t *list, const json_t *pod, const json_t *container,
                          const char *phase, bool ready)
{
    bool never = sbx_pod_has_tag(pod, SBX_TAG_FAILING), running = strcmp(phase, "Running") == 0;
    const char *since = cf_json_str(pod, "", "status", "startTime", NULL);
    json_t *state;
    if (strcmp(phase, "Pending") == 0)
        state = json_pack("{s:{s:s}}", "waiting", "reason", "ContainerCreating");
    else if (running && never)
        state = json_pack("{s:{s:s}}", "waiting", "reason", "CrashLoopBackOff");
    else if (running)
        state = json_pack("{s:{s:s}}", "running", "startedAt", since);
    else
        state = json_pack("{s:{s:i,s:s}}", "terminated", "exitCode", strcmp(phase, "Failed") == 0,
                          "reason", strcmp(phase, "Failed") == 0 ? "Error" : "Completed");
    const char *image = cf_json_str(container, "", "image", NULL);
    json_array_append_new(list,
                          json_pack("{s:s,s:s,s:s,s:b,s:b,s:i,s:o}", "name",
                                    cf_json_str(container, "", "name", NULL), "image", image,
                                    "imageID", image, "ready", ready, "started", running && !never,
                                    "restartCount", running && never ? 1 : 0, "state", state));
}

/* Init containers have ended once the pod runs; before, the one that waits for files runs. */
static json_t *init_statuses(const json_t *pod, const char *phase, const char *why, const char *now)
{
    json_t *list = json_array();
    size_t i;
    json_t *c;
    bool pending = strcmp(phase, "Pending") == 0, waits = strcmp(why, SBX_RESTORE_WAIT) == 0;
    json_array_foreach(cf_json_at(pod, "spec", "initContainers", NULL), i, c)
    {
        bool runs = pending && waits && i == 0;
        const char *image = cf_json_str(c, "", "image", NULL),
                   *since = cf_json_str(pod, now, "status", "startTime", NULL);
        json_t *state = runs      ? json_pack("{s:{s:s}}", "running", "startedAt", since)
                        : pending ? json_pack("{s:{s:s}}", "waiting", "reason", "PodInitializing")
                                  : json_pack("{s:{s:i,s:s}}", "terminated", "exitCode", 0,
                                              "reason", "Completed");
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:b,s:b,s:i,s:o}", "name",
                                              cf_json_str(c, "", "name", NULL), "image", image,
                                              "imageID", image, "ready", !pending, "started", runs,
                                              "restartCount", 0, "state", state));
    }
    return list;
}

/* The pod's status in that phase. `why`: why its containers wait, or "". */
static void tell(struct sbx_pass *p, const json_t *pod, const char *phase, bool ready,
                 const char *why)
{
    const json_t *old = json_object_get(pod, "status");
    json_t *status = old ? cf_json_copy(old) : json_object(), *list = json_array(),
           *containers = json_array();
    bool done = strcmp(phase, "Succeeded") == 0, pending = strcmp(phase, "Pending") == 0;
    const char *reason = done ? "PodCompleted" : ready ? "" : "ContainersNotReady";
    sbx_condition_add(list, pod, "PodReadyToStartContainers", done || pending ? "False" : "True",
                      "", "", -1, p->stamp);
    sbx_condition_add(list, pod, "Initialized", pending ? "False" : "True", "", "", -1, p->stamp);
    sbx_condition_add(list, pod, "Ready", ready ? "True" : "False", reason, why, -1, p->stamp);
    sbx_condition_add(list, pod, "ContainersReady", ready ? "True" : "False", reason, why, -1,
                      p->stamp);
    sbx_condition_add(list, pod, "PodScheduled", "True", "", "", -1, p->stamp);
    size_t i;
    json_t *container;
    json_array_foreach(cf_json_at(pod, "spec", "containers", NULL), i, container)
    {
        add_container(containers, pod, container, phase, ready);
    }
    if (done)
        sbx_reader_leave(p, pod, containers);
    json_object_set_new(status, "phase", json_string(phase));
    json_object_set_new(status, "conditions", list);
    json_object_set_new(status, "containerStatuses", containers);
    if (json_array_size(cf_json_at(pod, "spec", "initContainers", NULL)) > 0)
        json_object_set_new(status, "initContainerStatuses",
                            init_statuses(pod, phase, why, p->stamp));
    if (!json_object_get(status, "startTime"))
        json_object_set_new(status, "startTime", json_string(p->stamp));
    if (!pending && !json_object_get(status, "podIP")) {
        char ip[IP_TEXT];
        next_address(p, ip);
        json_object_set_new(status, "hostIP", json_string("127.0.0.1"));
        json_object_set_new(status, "hostIPs", json_pack("[{s:s}]", "ip", "127.0.0.1"));
        json_object_set_new(status, "podIP", json_string(ip));
        json_object_set_new(status, "podIPs", json_pack("[{s:s}]", "ip", ip));
    }
    sbx_pass_status(p, SBX_KUBELET, "", "pods", pod, status);
}

/* ---- A pod's life ---- */

static void drain(struct sbx_pass *p, const json_t *pod)
{
    int64_t grace = cf_json_int(pod, 30, "metadata", "deletionGracePeriodSeconds", NULL);
    if (sbx_pass_after(p, CF_MIN(p->world->options.pod_drain_ms, grace * 1000), false, "drain %s",
                       sbx_uid(pod)))
        sbx_pass_delete(p, "", "pods", pod, 0);
}

/* A node that takes the pod, or NULL: not cordoned, and with the labels that the pod selects. */
static const json_t *node_for(struct sbx_pass *p, const json_t *pod)
{
    const json_t *selector = cf_json_at(pod, "spec", "nodeSelector", NULL);
    size_t i;
    json_t *node;
    if (json_array_size(cf_json_at(pod, "spec", "schedulingGates", NULL)) > 0)
        return NULL;
    json_array_foreach(sbx_pass_all(p, "", "nodes"), i, node)
    {
        if (!cf_json_bool(node, false, "spec", "unschedulable", NULL) &&
            (json_object_size(selector) == 0 ||
             sbx_labels_have(cf_json_at(node, "metadata", "labels", NULL), selector)))
            return node;
    }
    return NULL;
}

bool sbx_pod_is_ours_to_schedule(const json_t *pod)
{
    return strcmp(cf_json_str(pod, "default-scheduler", "spec", "schedulerName", NULL),
                  "default-scheduler") == 0;
}

static void schedule(struct sbx_pass *p, const json_t *pod)
{
    cf_autofree char *shut_out = sbx_pod_shut_out(p, pod);
    const json_t *node = shut_out ? NULL : node_for(p, pod);
    if (node) {
        sbx_pass_merge(p, "kube-scheduler", "", "pods", pod,
                       json_pack("{s:{s:s}}", "spec", "nodeName", sbx_name(node)));
        return;
    }
    const json_t *old = json_object_get(pod, "status");
    json_t *status = old ? cf_json_copy(old) : json_object(), *list = json_array();
    sbx_condition_add(list, pod, "PodScheduled", "False", "Unschedulable",
                      shut_out ? shut_out : "no node takes it", -1, p->stamp);
    json_object_set_new(status, "phase", json_string("Pending"));
    json_object_set_new(status, "conditions", list);
    sbx_pass_status(p, "kube-scheduler", "", "pods", pod, status);
}

static void run(struct sbx_pass *p, const json_t *pod)
{
    const struct sbx_controllers_options *o = &p->world->options;
    if (!sbx_pod_is_ready(pod)) {
        if (sbx_pod_has_tag(pod, SBX_TAG_FAILING) || sbx_pod_has_tag(pod, SBX_TAG_UNREADY))
            return;
        if (sbx_pass_after(p, o->pod_ready_ms, false, "ready %s", sbx_uid(pod)))
            tell(p, pod, "Running", true, "");
        return;
    }
    bool ends = strcmp(cf_json_str(pod, "Always", "spec", "restartPolicy", NULL), "Always") != 0;
    if (ends && sbx_pass_after(p, o->job_run_ms, false, "end %s", sbx_uid(pod)))
        tell(p, pod, sbx_pod_has_tag(pod, SBX_TAG_CRASH) ? "Failed" : "Succeeded", false, "");
}

static void look_at(struct sbx_pass *p, const json_t *pod)
{
    if (sbx_is_going(pod)) {
        drain(p, pod);
        return;
    }
    if (sbx_pod_is_done(pod))
        return;
    if (!*cf_json_str(pod, "", "spec", "nodeName", NULL)) {
        if (sbx_pod_is_ours_to_schedule(pod))
            schedule(p, pod);
        return;
    }
    if (strcmp(cf_json_str(pod, "", "status", "phase", NULL), "Running") == 0) {
        run(p, pod);
        return;
    }
    cf_autofree char *missing = sbx_pod_missing(p, pod);
    if (!missing)
        missing = sbx_pod_unmounted(p, pod);
    if (!missing && sbx_pod_awaits_files(p, pod))
        tell(p, pod, "Pending", false, SBX_RESTORE_WAIT);
    else if (missing)
        tell(p, pod, "Pending", false, missing);
    else
        tell(p, pod, "Running", false, "starting");
}

void sbx_ctl_pods(struct sbx_pass *p)
{
    size_t i;
    json_t *pod;
    json_array_foreach(sbx_pass_all(p, "", "pods"), i, pod)
    {
        look_at(p, pod);
    }
}
