/* SPDX-License-Identifier: Apache-2.0 */
/* EndpointSlices of Services with a selector: one slice for each set of port numbers that their
 * pods have. */
#include "base/json_patch.h"
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"

#include <string.h>

#define SLICES       "discovery.k8s.io", "endpointslices"
#define SERVICE_NAME "kubernetes.io/service-name"
#define MANAGED_BY   "endpointslice.kubernetes.io/managed-by"
#define MANAGER_NAME "endpointslice-controller.k8s.io"

static int64_t named_port(const json_t *pod, const char *name, const char *protocol)
{
    size_t i, k;
    json_t *container, *port;
    json_array_foreach(cf_json_at(pod, "spec", "containers", NULL), i, container)
    {
        json_array_foreach(json_object_get(container, "ports"), k, port)
        {
            if (strcmp(cf_json_str(port, "", "name", NULL), name) == 0 &&
                strcmp(cf_json_str(port, "TCP", "protocol", NULL), protocol) == 0)
                return cf_json_int(port, 0, "containerPort", NULL);
        }
    }
    return 0;
}

/* The Service's ports as numbers of this pod. */
static json_t *ports_on(const json_t *service, const json_t *pod)
{
    json_t *list = json_array();
    size_t i;
    json_t *port;
    json_array_foreach(cf_json_at(service, "spec", "ports", NULL), i, port)
    {
        const char *protocol = cf_json_str(port, "TCP", "protocol", NULL);
        const json_t *target = json_object_get(port, "targetPort");
        int64_t number = json_is_string(target)
                             ? named_port(pod, json_string_value(target), protocol)
                         : json_is_integer(target) ? json_integer_value(target)
                                                   : 0;
        if (number == 0 && !json_is_string(target))
            number = cf_json_int(port, 0, "port", NULL);
        if (number == 0)
            continue;
        json_t *row = json_pack("{s:s,s:s,s:I}", "name", cf_json_str(port, "", "name", NULL),
                                "protocol", protocol, "port", (json_int_t)number);
        const json_t *app = json_object_get(port, "appProtocol");
        if (app)
            json_object_set_new(row, "appProtocol", json_copy(cf_json_unconst(app)));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *endpoint_of(const json_t *service, const json_t *pod)
{
    bool serving = sbx_pod_is_ready(pod), going = sbx_is_going(pod);
    bool anyhow = cf_json_bool(service, false, "spec", "publishNotReadyAddresses", NULL);
    json_t *e =
        json_pack("{s:[s],s:{s:b,s:b,s:b},s:s,s:{s:s,s:s,s:s,s:s}}", "addresses",
                  cf_json_str(pod, "", "status", "podIP", NULL), "conditions", "ready",
                  anyhow || (serving && !going), "serving", serving, "terminating", going,
                  "nodeName", cf_json_str(pod, "", "spec", "nodeName", NULL), "targetRef", "kind",
                  "Pod", "namespace", sbx_ns(pod), "name", sbx_name(pod), "uid", sbx_uid(pod));
    const char *hostname = cf_json_str(pod, "", "spec", "hostname", NULL);
    if (*hostname &&
        strcmp(cf_json_str(pod, "", "spec", "subdomain", NULL), sbx_name(service)) == 0)
        json_object_set_new(e, "hostname", json_string(hostname));
    return e;
}

static bool is_endpoint(const json_t *service, const json_t *pod)
{
    return strcmp(sbx_ns(pod), sbx_ns(service)) == 0 &&
           *cf_json_str(pod, "", "status", "podIP", NULL) && !sbx_pod_is_done(pod) &&
           sbx_labels_have(cf_json_at(pod, "metadata", "labels", NULL),
                           cf_json_at(service, "spec", "selector", NULL));
}

/* What should be: [{ports, endpoints}], at least one of them. */
static json_t *wanted_slices(struct sbx_pass *p, const json_t *service)
{
    json_t *wanted = json_array();
    size_t i, k;
    json_t *pod, *slice;
    json_array_foreach(sbx_pass_all(p, "", "pods"), i, pod)
    {
        if (!is_endpoint(service, pod))
            continue;
        cf_autojson json_t *ports = ports_on(service, pod);
        json_t *mine = NULL;
        json_array_foreach(wanted, k, slice)
        {
            if (cf_json_equal(json_object_get(slice, "ports"), ports))
                mine = slice;
        }
        if (!mine) {
            mine = json_pack("{s:O,s:[]}", "ports", ports, "endpoints");
            json_array_append_new(wanted, mine);
        }
        json_array_append_new(json_object_get(mine, "endpoints"), endpoint_of(service, pod));
    }
    if (json_array_size(wanted) == 0)
        json_array_append_new(wanted, json_pack("{s:[],s:[]}", "ports", "endpoints"));
    return wanted;
}

static json_t *labels_of(const json_t *service)
{
    const json_t *own = cf_json_at(service, "metadata", "labels", NULL);
    json_t *labels = own ? cf_json_copy(own) : json_object();
    json_object_set_new(labels, SERVICE_NAME, json_string(sbx_name(service)));
    json_object_set_new(labels, MANAGED_BY, json_string(MANAGER_NAME));
    if (strcmp(cf_json_str(service, "", "spec", "clusterIP", NULL), "None") == 0)
        json_object_set_new(labels, "service.kubernetes.io/headless", json_string(""));
    return labels;
}

static void make_slice(struct sbx_pass *p, const json_t *service, const json_t *want)
{
    cf_autofree char *name = sbx_random_name(sbx_name(service));
    cf_autofree char *generate = cf_xasprintf("%s-", sbx_name(service));
    sbx_pass_create(p, SBX_MANAGER, SLICES,
                    json_pack("{s:{s:s,s:s,s:s,s:o,s:o},s:s,s:O,s:O}", "metadata", "namespace",
                              sbx_ns(service), "name", name, "generateName", generate, "labels",
                              labels_of(service), "ownerReferences",
                              sbx_owned_by("v1", "Service", service), "addressType", "IPv4",
                              "ports", json_object_get(want, "ports"), "endpoints",
                              json_object_get(want, "endpoints")));
}

static void correct_slice(struct sbx_pass *p, const json_t *service, const json_t *slice,
                          const json_t *want)
{
    cf_autojson json_t *labels = labels_of(service), *empty = json_object();
    const json_t *have_labels = cf_json_at(slice, "metadata", "labels", NULL);
    json_t *patch = json_object();
    static const char *const parts[] = { "ports", "endpoints" };
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++) {
        json_t *part = json_object_get(want, parts[i]), *have = json_object_get(slice, parts[i]);
        if (!cf_json_equal(have, part) && (json_array_size(have) || json_array_size(part)))
            json_object_set(patch, parts[i], part);
    }
    cf_autojson json_t *diff = cf_json_merge_diff(have_labels ? have_labels : empty, labels);
    if (json_object_size(diff) > 0)
        cf_json_put_take(patch, json_incref(diff), "metadata", "labels", NULL);
    if (json_object_size(patch) > 0)
        sbx_pass_merge(p, SBX_MANAGER, SLICES, slice, patch);
    else
        json_decref(patch);
}

/* The wanted slice that an existing one becomes: the one with its ports, else any that is left. */
static size_t match(const json_t *wanted, const json_t *slice)
{
    for (size_t i = 0; i < json_array_size(wanted); i++)
        if (cf_json_equal(json_object_get(json_array_get(wanted, i), "ports"),
                          json_object_get(slice, "ports")))
            return i;
    return 0;
}

static void look_at(struct sbx_pass *p, const json_t *service)
{
    cf_autojson json_t *wanted = wanted_slices(p, service);
    cf_autojson json_t *slices = sbx_pass_owned(p, SLICES, service);
    size_t i;
    json_t *slice, *want;
    json_array_foreach(slices, i, slice)
    {
        if (strcmp(sbx_label(slice, MANAGED_BY), MANAGER_NAME) != 0 || sbx_is_going(slice))
            continue;
        if (json_array_size(wanted) == 0) {
            sbx_pass_delete(p, SLICES, slice, -1);
            continue;
        }
        size_t at = match(wanted, slice);
        correct_slice(p, service, slice, json_array_get(wanted, at));
        json_array_remove(wanted, at);
    }
    json_array_foreach(wanted, i, want)
    {
        make_slice(p, service, want);
    }
}

void sbx_ctl_slices(struct sbx_pass *p)
{
    size_t i;
    json_t *service;
    json_array_foreach(sbx_pass_all(p, "", "services"), i, service)
    {
        bool selects = json_object_size(cf_json_at(service, "spec", "selector", NULL)) > 0 &&
                       strcmp(cf_json_str(service, "", "spec", "type", NULL), "ExternalName") != 0;
        if (selects && sbx_pass_is_live(p, service))
            look_at(p, service);
    }
}
