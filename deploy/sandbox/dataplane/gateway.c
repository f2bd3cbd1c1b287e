/* SPDX-License-Identifier: Apache-2.0 */
/* The two listeners of a gateway and what stands between requests and the table: one lock. */
#include "deploy/sandbox/dataplane/gateway.h"

#include <string.h>

#include "base/thread.h"
#include "deploy/sandbox/dataplane/metrics.h"
#include "deploy/sandbox/dataplane/rng.h"
#include "orchestrator/http/http.h"

enum { CONNECTIONS = 4096, BODY_MAX = 1024 * 1024 };

struct sbx_gateway {
    struct sbx_gateway_options options;
    char *cluster;
    struct cf_http_listener *listener, *admin;
    struct sbx_metrics *metrics;
    pthread_mutex_t lock; /* of what follows */
    struct sbx_table *table;
    struct sbx_rng rng;
    char *stale; /* the metrics' text that stands still; NULL: it does not */
};

struct sbx_table *sbx_gateway_table(struct sbx_gateway *g)
{
    CF_LOCKED(&g->lock);
    return sbx_table_ref(g->table);
}

double sbx_gateway_dice(struct sbx_gateway *g)
{
    CF_LOCKED(&g->lock);
    return sbx_rng_uniform(&g->rng);
}

struct sbx_metrics *sbx_gateway_counters(struct sbx_gateway *g)
{
    return g->metrics;
}

const struct sbx_gateway_options *sbx_gateway_options(const struct sbx_gateway *g)
{
    return &g->options;
}

const char *sbx_gateway_cluster(const struct sbx_gateway *g)
{
    return g->cluster;
}

const char *sbx_gateway_url(const struct sbx_gateway *g)
{
    return cf_http_listener_url(g->listener);
}

const char *sbx_gateway_admin_url(const struct sbx_gateway *g)
{
    return cf_http_listener_url(g->admin);
}

void sbx_gateway_use_take(struct sbx_gateway *g, struct sbx_table *table)
{
    struct sbx_table *old;
    {
        CF_LOCKED(&g->lock);
        old = g->table;
        sbx_table_succeed(table, old);
        g->table = table;
    }
    sbx_table_unref(old);
}

json_t *sbx_gateway_split(struct sbx_gateway *g)
{
    struct sbx_table *t = sbx_gateway_table(g);
    json_t *split = sbx_table_split(t);
    sbx_table_unref(t);
    return split;
}

char *sbx_gateway_metrics(struct sbx_gateway *g)
{
    {
        CF_LOCKED(&g->lock);
        if (g->stale)
            return cf_xstrdup(g->stale);
    }
    return sbx_metrics_text(g->metrics);
}

bool sbx_gateway_metrics_fault(struct sbx_gateway *g, enum sbx_metrics_fault fault,
                               struct cf_error *err)
{
    char *text = fault == SBX_METRICS_STALE ? sbx_gateway_metrics(g) : NULL;
    {
        CF_LOCKED(&g->lock);
        free(g->stale);
        g->stale = text;
    }
    return cf_http_listener_set_away(g->admin, fault == SBX_METRICS_AWAY, err);
}

/* ---- the admin port */

static void serve_metrics(struct cf_http_request *req, struct cf_http_response *res)
{
    char *text = sbx_gateway_metrics(cf_http_request_owner(req));
    cf_http_response_body_take(res, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
}

static void serve_split(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_http_response_json_take(res, 200, sbx_gateway_split(cf_http_request_owner(req)));
}

static const struct cf_http_route admin_routes[] = {
    { .method = "GET", .path = "/stats/prometheus", .handler = serve_metrics },
    { .method = "GET", .path = "/metrics", .handler = serve_metrics },
    { .method = "GET", .path = "/split", .handler = serve_split },
    { .method = NULL },
};

bool sbx_gateway_open(const struct sbx_gateway_options *options, struct sbx_gateway **out,
                      struct cf_error *err)
{
    struct sbx_gateway *g = *out = cf_xcalloc(1, sizeof(*g));
    pthread_mutex_init(&g->lock, NULL);
    g->options = *options;
    g->options.cluster = g->cluster = cf_xstrdup(options->cluster);
    g->metrics = sbx_metrics_new();
    g->table = sbx_table_build(&(struct sbx_objects){ 0 });
    sbx_rng_seed_any(&g->rng);
    const struct cf_http_limits limits = { .connections = CONNECTIONS,
                                           .connections_per_address = CONNECTIONS,
                                           .body_max = BODY_MAX };
    g->listener = cf_http_listen(
        options->server,
        &(struct cf_http_listen_options){
            .port = options->port,
            .limits = limits,
            .site = { .fallback = sbx_passage, .fallback_lane = CF_HTTP_INLINE, .owner = g },
        },
        err);
    if (g->listener)
        g->admin = cf_http_listen(
            options->admin_server,
            &(struct cf_http_listen_options){ .port = options->admin_port,
                                              .site = { .routes = admin_routes, .owner = g } },
            err);
    return g->admin || cf_error_wrap(err, "open the gateway of %s", options->cluster);
}

void sbx_gateway_free(struct sbx_gateway *g)
{
    if (!g)
        return;
    sbx_table_unref(g->table);
    sbx_metrics_free(g->metrics);
    pthread_mutex_destroy(&g->lock);
    free(g->stale);
    free(g->cluster);
    free(g);
}
