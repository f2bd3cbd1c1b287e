/* SPDX-License-Identifier: Apache-2.0 */
/* The port through which a gate reads metrics, and what it asks for.
 *
 * A *stream* is one gate's view of one side: cumulative counters of requests, in any number of series (gateway pods ×
 * response codes). A *source* is one place that has metrics: a Prometheus, or exposition text read directly. Where they are is a
 * property of a cluster's record. A read asks one source for many streams at once (one batched query), blocks at most until the
 * deadline, and may be done for several sources side by side by several threads: a source may be used by one thread at a time.
 *
 * Counters, never rate(): the tests need n and k, and a rate hides resets. */
#ifndef CF_GATE_SOURCE_H
#define CF_GATE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

struct cf_transport;
struct cf_endpoint;

enum cf_stream_kind {
    CF_STREAM_SUCCESS, /* n = finished requests, k = those answered 5xx or not at all */
    CF_STREAM_LATENCY, /* n = finished requests, k = those slower than `slower_than_ms`, a bucket's edge */
    CF_STREAM_PROMQL, /* n and k as two expressions of the plan that give cumulative counters */
};

/* The backend whose requests are meant, as the router names it. Unknown parts are NULL or 0. */
struct cf_stream_backend {
    const char *namespace_; /* of the router's destination */
    const char *service;    /* Service name there: "echo-crossfade" */
    const char *host;       /* FQDN for meshes: "echo-crossfade.demo.svc.cluster.local" */
    const char *subset;     /* DestinationRule subset */
    int port;               /* 0: see port_name */
    const char *port_name;  /* an Ingress backend's port that has a name and no number; else NULL */
    const char *ingress;    /* canary or main Ingress' name */
    /* the main Ingress' backend: ingress-nginx labels canary requests with it */
    const char *main_service;
    bool canary;
};

struct cf_stream {
    enum cf_stream_kind kind;
    const char *preset; /* "envoy", "istio", "nginx", "traefik" or "auto" */
    struct cf_stream_backend backend;
    int64_t slower_than_ms;  /* CF_STREAM_LATENCY */
    const char *total_query; /* CF_STREAM_PROMQL */
    const char *bad_query;
};

/* One series of one stream at one scrape: cumulative counts since the series began. */
struct cf_point {
    uint64_t series; /* hash of the labels: the same series has the same number in every read */
    int64_t at_ms;   /* wall time of the scrape (or of the direct read) */
    double total;    /* adds to n */
    double bad;      /* adds to k */
    uint8_t place;   /* which of the source's places said it: a bit of missing_places */
};

struct cf_reading {
    bool ok; /* false: `error` says why this stream could not be read */
    struct cf_error error;
    struct cf_point *points; /* by series, then by time ascending */
    size_t count;
    /* Places that said nothing in this reading (a gateway's pod that does not answer): what they count is not known, which is not
     * the same as none. 0: all did. `missing_why` names them, and is "" when none is missing. */
    uint64_t missing_places;
    char missing_why[CF_ERROR_FIELD_MAX];
};

void cf_readings_free(struct cf_reading *readings, size_t count); /* also frees the array itself */

struct cf_source {
    const struct cf_source_ops *ops;
    void *self;
};

struct cf_source_ops {
    const char *type; /* "prometheus", "scrape" */
    /* Reads all streams. True when the source answered, even if single streams have no series (ok with count 0). False: the
     * source as a whole gave nothing (unreachable, unreadable, too large). *out has `count` rows; free with
     * cf_readings_free. */
    bool (*read)(void *self, const struct cf_stream *streams, size_t count,
                 int64_t deadline_mono_ms, struct cf_reading **out, struct cf_error *err);
    void (*destroy)(void *self);
};

bool cf_source_read(struct cf_source *s, const struct cf_stream *streams, size_t count,
                    int64_t deadline_mono_ms, struct cf_reading **out,
                    struct cf_error *err) CF_NODISCARD;
void cf_source_free(struct cf_source *s);

/* A Prometheus (or what speaks its HTTP API) behind an endpoint, which carries TLS, basic or bearer credentials. The reference of
 * the endpoint is taken. */
struct cf_source *cf_source_prometheus_new(struct cf_transport *t,
                                           struct cf_endpoint *endpoint_take);
/* Exposition text at one or several URLs (a gateway's pods), all read at once under the look's deadline. References are taken, also on
 * failure (INVALID: none; LIMIT: more than CF_GATE_PLACES_MAX). What answered counts, and the readings say which places are missing;
 * the read fails when none answers. */
struct cf_source *cf_source_scrape_new(struct cf_transport *t, struct cf_endpoint **endpoints_take,
                                       size_t count, struct cf_error *err);

#endif
