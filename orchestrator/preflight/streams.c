/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of a plan's gates (streams.h). */
#include "orchestrator/preflight/streams.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

const char *cf_stream_cluster(const struct cf_plan_gate *gate, const struct cf_plan_router *router)
{
    return gate->cluster ? gate->cluster : router->cluster;
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

/* 0 for a port's name, and for none. */
static int port_number(const char *text)
{
    struct cf_error ignored = CF_ERROR_INIT;
    int64_t port;
    return cf_int_parse(text, 1, 65535, &port, &ignored) ? (int)port : 0;
}

static void name_backend(const struct cf_plan_router *router, enum cf_side side,
                         const struct cf_destination *source, struct cf_named_stream *s)
{
    struct cf_stream_backend *b = &s->stream.backend;
    const struct cf_destination *d = &s->destination;
    b->port = port_number(d->port);
    b->port_name = b->port > 0 ? NULL : or_null(d->port);
    b->namespace_ = router->namespace_;
    if (router->type == CF_PLAN_ROUTER_VIRTUAL_SERVICE) {
        size_t first = strcspn(d->host, ".");
        (void)snprintf(s->main_service, sizeof s->main_service, "%.*s", (int)first, d->host);
        b->host = d->host;
        b->service = s->main_service;
        b->subset = or_null(d->subset);
        return;
    }
    b->service = d->name;
    if (d->ns[0])
        b->namespace_ = d->ns;
    (void)snprintf(s->host, sizeof s->host, "%.160s.%.63s.svc.cluster.local", d->name,
                   b->namespace_);
    b->host = s->host;
    if (router->type != CF_PLAN_ROUTER_INGRESS)
        return;
    b->canary = side == CF_SIDE_TARGET;
    (void)snprintf(s->canary_ingress, sizeof s->canary_ingress, "%.240s%s", router->object,
                   b->canary ? "-crossfade" : "");
    (void)snprintf(s->main_service, sizeof s->main_service, "%s", source->name);
    b->ingress = s->canary_ingress;
    b->main_service = s->main_service;
}

void cf_stream_of(const struct cf_plan_gate *gate, const struct cf_plan_router *router,
                  enum cf_side side, const struct cf_destination *destination,
                  const struct cf_destination *source, const char *preset,
                  struct cf_named_stream *out)
{
    memset(out, 0, sizeof *out);
    out->destination = *destination;
    out->stream.preset = preset;
    switch (gate ? gate->type : CF_PLAN_GATE_SUCCESS_RATE) {
    case CF_PLAN_GATE_SUCCESS_RATE:
        out->stream.kind = CF_STREAM_SUCCESS;
        break;
    case CF_PLAN_GATE_LATENCY:
        out->stream.kind = CF_STREAM_LATENCY;
        out->stream.slower_than_ms = gate->max_ms;
        break;
    case CF_PLAN_GATE_PROMQL:
        out->stream.kind = CF_STREAM_PROMQL;
        out->stream.total_query = gate->total;
        out->stream.bad_query = gate->failed;
        break;
    }
    name_backend(router, side, source, out);
}

struct cf_gate_config cf_gate_config_of(const struct cf_plan_gate *gate)
{
    return (struct cf_gate_config){
        .name = gate->name,
        .success_min = gate->min,
        .detect = gate->detect,
        .alpha = gate->alpha,
        .look_ms = gate->interval_ms,
        .min_requests = (uint64_t)gate->min_requests,
    };
}
