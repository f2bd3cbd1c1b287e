/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the target before the first raise (probe.h). */
#include "orchestrator/engine/probe.h"

#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "lb/bridge.h"
#include "orchestrator/engine/engine_internal.h"

/* What a way of asking found out. */
enum finding { ANSWERED, REFUSED, UNKNOWN };

static const json_t *reach_row(const struct cf_live *run, const char *router)
{
    const struct cf_step *reach = cf_run_step(run, "reach");
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(reach ? reach->intent : NULL, "routers", NULL), i, row)
    {
        if (strcmp(cf_json_str(row, "", "name", NULL), router) == 0)
            return row;
    }
    return NULL;
}

/* The first ready address and port of the bridge's slices, and the port's name. */
static bool first_address(const json_t *slices, char *out, size_t size, const char **out_port_name)
{
    size_t i, j;
    json_t *slice, *endpoint;
    json_array_foreach(slices, i, slice)
    {
        const json_t *port = json_array_get(cf_json_at(slice, "ports", NULL), 0);
        bool v6 = strcmp(cf_json_str(slice, "", "addressType", NULL), "IPv6") == 0;
        json_array_foreach(cf_json_at(slice, "endpoints", NULL), j, endpoint)
        {
            const char *ip =
                json_string_value(json_array_get(cf_json_at(endpoint, "addresses", NULL), 0));
            if (!ip || !port || !cf_json_bool(endpoint, true, "conditions", "ready", NULL))
                continue;
            (void)snprintf(out, size, v6 ? "[%s]:%lld" : "%s:%lld", ip,
                           (long long)cf_json_int(port, 0, "port", NULL));
            *out_port_name = cf_json_str(port, "", "name", NULL);
            return true;
        }
    }
    return false;
}

static enum finding ask_directly(struct cf_engine *e, const char *address, char *said, size_t size)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    cf_autofree char *url = cf_xasprintf("http://%s", address);
    struct cf_endpoint_options options = { .base_url = url };
    struct cf_endpoint *endpoint = cf_endpoint_new(&options, &err);
    if (!endpoint)
        return UNKNOWN;
    struct cf_http_call_request request = { .path = "/",
                                            .deadline_ms = cf_mono_now_ms() + CF_PROBE_TIMEOUT_MS,
                                            .response_max = 64 * 1024 };
    bool ok = cf_http_call(cf_kube_net_calls(e->config.net), endpoint, &request, &reply, &err);
    cf_endpoint_unref(endpoint);
    if (ok) {
        (void)snprintf(said, size, "%s answered GET / with HTTP %d, asked from this service",
                       address, reply.status);
        return ANSWERED;
    }
    if (strstr(err.message, "efused")) {
        (void)snprintf(said, size, "%s refuses connections from this service", address);
        return REFUSED;
    }
    /* Connected but no HTTP: something listens, and that is all that can be asked of another
     * protocol. */
    if (err.kind == CF_ERR_LIMIT || err.kind == CF_ERR_TRANSIENT) {
        (void)snprintf(said, size, "%s accepts connections from this service (no HTTP answer)",
                       address);
        return ANSWERED;
    }
    return UNKNOWN;
}

static enum finding ask_by_api_server(struct cf_kube *kube, const json_t *row,
                                      const char *port_name, char *said, size_t size)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_how how = { .timeout_ms = CF_PROBE_TIMEOUT_MS };
    char bridge[CF_DEST_WORD_MAX];
    cf_autojson json_t *body = NULL;
    cf_bridge_name(cf_json_str(row, "", "service", NULL), bridge);
    cf_autofree char *path =
        cf_xasprintf("/api/v1/namespaces/%s/services/http:%s:%s/proxy/",
                     cf_json_str(row, "", "serviceNs", NULL), bridge, port_name);
    bool ok = cf_kube_raw(kube, &how, "GET", path, NULL, NULL, &body, &err);
    if (ok) {
        (void)snprintf(said, size,
                       "the bridge %s answered GET /, asked through the API server of %s", bridge,
                       cf_kube_name(kube));
        return ANSWERED;
    }
    return UNKNOWN;
}

bool cf_probe(void *self, const struct cf_live *run, const struct cf_run_router *router,
              bool *out_ok, char *said, size_t size, struct cf_error *err)
{
    struct cf_engine *e = self;
    const json_t *row = reach_row(run, router->name);
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    cf_autojson json_t *slices = NULL;
    char address[128], bridge[CF_DEST_WORD_MAX];
    const char *port_name = "";
    *out_ok = true;
    if (!cf_json_bool(row, false, "bridge", NULL)) {
        (void)snprintf(
            said, size,
            "not probed: the plan names its own destination; the first weight is the proof");
        return true;
    }
    cf_bridge_name(cf_json_str(row, "", "service", NULL), bridge);
    if (!e->ports.clusters.kube(e->ports.clusters.self, router->cluster, &kube, err) ||
        !cf_bridge_target_slices(kube, NULL, cf_json_str(row, "", "serviceNs", NULL), bridge,
                                 &slices, err))
        return false;
    if (!first_address(slices, address, sizeof address, &port_name)) {
        *out_ok = false;
        (void)snprintf(said, size, "the bridge %s has no ready address", bridge);
        return true;
    }
    enum finding found = ask_directly(e, address, said, size);
    if (found != ANSWERED) {
        char through[CF_HOLD_TEXT_MAX / 2] = "";
        if (ask_by_api_server(kube, row, port_name, through, sizeof through) == ANSWERED) {
            (void)snprintf(said, size, "%s", through);
            return true;
        }
    }
    if (found == UNKNOWN)
        (void)snprintf(
            said, size,
            "%s could not be reached from here to probe it: the first weight is the proof",
            address);
    *out_ok = found != REFUSED;
    return true;
}
