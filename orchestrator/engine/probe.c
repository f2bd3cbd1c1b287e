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
    return cf_json_named(cf_json_at(reach ? reach->intent : NULL, "routers", NULL), "name", router);
}

/* ---- who is asked ---- */

/* An address of the Service's endpoints. */
struct place {
    char address[128];                /* "10.1.2.3:8080" */
    char port_name[CF_DEST_WORD_MAX]; /* of the Service's port that leads there; "" = it has none */
};

/* The name of the Service's port that the destination means; "" for one without a name. */
static void port_name_of(const json_t *service, const char *port, char out[CF_DEST_WORD_MAX])
{
    size_t i;
    json_t *p;
    json_array_foreach(cf_json_at(service, "spec", "ports", NULL), i, p)
    {
        char number[CF_DEST_WORD_MAX];
        const char *name = cf_json_str(p, "", "name", NULL);
        (void)snprintf(number, sizeof number, "%lld", (long long)cf_json_int(p, 0, "port", NULL));
        if (i > 0 && strcmp(number, port) != 0 && strcmp(name, port) != 0)
            continue;
        (void)snprintf(out, CF_DEST_WORD_MAX, "%s", name);
        if (i > 0)
            return;
    }
}

static const json_t *slice_port(const json_t *slice, const char *name)
{
    return cf_json_named(cf_json_at(slice, "ports", NULL), "name", name);
}

/* The first ready endpoint that has the port. */
static bool first_place(const json_t *slices, struct place *place)
{
    size_t i, j;
    json_t *slice, *endpoint;
    json_array_foreach(slices, i, slice)
    {
        const json_t *port = slice_port(slice, place->port_name);
        bool v6 = strcmp(cf_json_str(slice, "", "addressType", NULL), "IPv6") == 0;
        json_array_foreach(cf_json_at(slice, "endpoints", NULL), j, endpoint)
        {
            const char *ip =
                json_string_value(json_array_get(cf_json_at(endpoint, "addresses", NULL), 0));
            if (!ip || !port || !cf_json_bool(endpoint, true, "conditions", "ready", NULL))
                continue;
            (void)snprintf(place->address, sizeof place->address, v6 ? "[%s]:%lld" : "%s:%lld", ip,
                           (long long)cf_json_int(port, 0, "port", NULL));
            return true;
        }
    }
    return false;
}

/* ---- asking ---- */

/* What it means that no HTTP answer came. */
static enum finding judge(const struct cf_error *err)
{
    if (strcmp(err->reason, "Refused") == 0)
        return REFUSED;
    /* Connected but no HTTP: something listens, and that is all that can be asked of another
     * protocol. */
    return err->kind == CF_ERR_LIMIT || strcmp(err->reason, "Broken") == 0 ? ANSWERED : UNKNOWN;
}

static enum finding ask_directly(struct cf_transport *calls, const char *address, char *said,
                                 size_t size)
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
    bool ok = cf_http_call(calls, endpoint, &request, &reply, &err);
    cf_endpoint_unref(endpoint);
    if (ok) {
        (void)snprintf(said, size, "%s answered GET / with HTTP %d, asked from this service",
                       address, reply.status);
        return ANSWERED;
    }
    enum finding found = judge(&err);
    (void)snprintf(said, size,
                   found == REFUSED    ? "%s refuses connections from this service"
                   : found == ANSWERED ? "%s accepts connections from this service (no HTTP answer)"
                                       : "%s could not be reached from here to probe it: the first "
                                         "weight is the proof",
                   address);
    return found;
}

static enum finding ask_by_api_server(const struct cf_probe_way *w, const char *port_name,
                                      char *said, size_t size)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_how how = { .timeout_ms = CF_PROBE_TIMEOUT_MS };
    cf_autojson json_t *body = NULL;
    cf_autofree char *path = cf_xasprintf("/api/v1/namespaces/%s/services/http:%s:%s/proxy/", w->ns,
                                          w->service, port_name);
    if (!cf_kube_raw(w->kube, &how, "GET", path, NULL, NULL, &body, &err))
        return UNKNOWN;
    (void)snprintf(said, size, "Service %s/%s answered GET /, asked through the API server of %s",
                   w->ns, w->service, cf_kube_name(w->kube));
    return ANSWERED;
}

bool cf_probe_service(const struct cf_probe_way *w, bool *out_ok, char *said, size_t size,
                      struct cf_error *err)
{
    cf_autojson json_t *service = NULL;
    cf_autojson json_t *slices = NULL;
    struct cf_object_ref ref = cf_ref("v1", "Service", w->ns, w->service);
    struct place place = { .address = "" };
    bool found = false;
    if (!cf_kube_find(w->kube, NULL, &ref, &found, &service, err) ||
        !cf_bridge_target_slices(w->kube, NULL, w->ns, w->service, &slices, err))
        return false;
    const char *elsewhere = cf_json_str(service, "", "spec", "externalName", NULL);
    if (*elsewhere) {
        *out_ok = true;
        (void)snprintf(said, size,
                       "not probed: Service %s/%s is another name for %s; the first weight is the "
                       "proof",
                       w->ns, w->service, elsewhere);
        return true;
    }
    port_name_of(service, w->port, place.port_name);
    if (!first_place(slices, &place)) {
        *out_ok = false;
        (void)snprintf(said, size,
                       found ? "Service %s/%s has no ready address" : "Service %s/%s is not there",
                       w->ns, w->service);
        return true;
    }
    char through[CF_HOLD_TEXT_MAX / 2] = "";
    enum finding told = ask_directly(w->calls, place.address, said, size);
    if (told != ANSWERED &&
        ask_by_api_server(w, place.port_name, through, sizeof through) == ANSWERED) {
        (void)snprintf(said, size, "%s", through);
        told = ANSWERED;
    }
    *out_ok = told != REFUSED;
    return true;
}

/* ---- the port ---- */

bool cf_probe(void *self, const struct cf_live *run, const struct cf_run_router *router,
              bool *out_ok, char *said, size_t size, struct cf_error *err)
{
    struct cf_engine *e = self;
    const json_t *row = reach_row(run, router->name);
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    char bridge[CF_DEST_WORD_MAX];
    struct cf_probe_way way = { .calls = cf_kube_net_calls(e->config.net),
                                .port = cf_json_str(row, "", "targetPort", NULL) };
    if (cf_json_bool(row, false, "bridge", NULL)) {
        way.ns = cf_json_str(row, "", "serviceNs", NULL);
        way.service = cf_bridge_name(cf_json_str(row, "", "service", NULL), bridge);
    } else {
        way.ns = cf_json_str(row, "", "targetServiceNs", NULL);
        way.service = cf_json_str(row, "", "targetService", NULL);
    }
    if (!e->ports.clusters.kube(e->ports.clusters.self, router->cluster, &kube, err))
        return false;
    way.kube = kube;
    if (*way.service)
        return cf_probe_service(&way, out_ok, said, size, err);
    *out_ok = true;
    (void)snprintf(said, size,
                   "not probed: the target destination lies outside %s; the first weight is the "
                   "proof",
                   router->cluster);
    return true;
}
