/* SPDX-License-Identifier: Apache-2.0 */
/* Node agents: the pods of the DaemonSet, one a node, as long as they run. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

static bool is_agent(struct vl_cluster *c, const json_t *pod)
{
    struct vl_met met = { 0 };
    const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL);
    if (strcmp(sbx_ns(pod), VL_NS) != 0 || strcmp(sbx_label(pod, "role"), "node-agent") != 0 ||
        !sbx_pod_is_ready(pod) || sbx_is_going(pod))
        return false;
    return !vl_is_on(vl_common(c->velero)->switches, VL_AGENT_AWAY, c->name, &met) ||
           (*met.value && strcmp(met.value, node) != 0);
}

/* The nodes with an agent, looked for once a look: every mover asks. */
static json_t *nodes(struct vl_cluster *c)
{
    json_t *all = json_object_get(c->pass.kinds, "!agents"), *pod;
    size_t i;
    if (all)
        return all;
    all = json_object();
    json_object_set_new(c->pass.kinds, "!agents", all);
    json_array_foreach(sbx_pass_all(&c->pass, "", "pods"), i, pod)
    {
        if (is_agent(c, pod))
            json_object_set_new(all, cf_json_str(pod, "", "spec", "nodeName", NULL), json_true());
    }
    return all;
}

bool vl_agent_on(struct vl_cluster *c, const char *node)
{
    return json_object_get(nodes(c), node) != NULL;
}

const char *vl_any_agent(struct vl_cluster *c)
{
    return json_object_iter_key(json_object_iter(nodes(c)));
}
