/* SPDX-License-Identifier: Apache-2.0 */
/* One thread looks at the API servers' objects when they change, and hands what they say to the
 * gateways a delay later. */
#include "deploy/sandbox/dataplane/dataplane.h"

#include <string.h>
#include <sys/queue.h>

#include "base/thread.h"
#include "deploy/sandbox/dataplane/gateway.h"
#include "orchestrator/http/http.h"

enum {
    CLUSTERS_MAX = 16,   /* as many as a person can follow */
    BUILD_EVERY_MS = 20, /* changes come in bursts: one look for all of them */
    DRAIN_MS = 2000,     /* of requests in flight at the end */
    NEVER = -1,
};

/* A table on its way to a gateway. */
struct news {
    STAILQ_ENTRY(news) row;
    int64_t due_ms;
    struct sbx_table *table;
};

struct site {
    struct sbx_dataplane *dataplane;
    struct sbx_api *api;
    struct sbx_gateway *gateway;
    /* Guarded by the lock. */
    bool dirty, frozen;
    /* The thread's own. */
    int64_t built_ms;
    STAILQ_HEAD(, news) news;
};

struct sbx_dataplane {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool stopping, started;
    pthread_t thread;
    int64_t delay_ms;
    int slot;
    int n;
    struct site sites[CLUSTERS_MAX];
    struct cf_http_server *server, *admin_server;
    struct sbx_wire *wire;
    struct sbx_pods *pods;
    struct sbx_faults *faults;
    struct sbx_volumes *volumes;
};

/* ---- looking */

static void on_change(void *user)
{
    struct site *s = user;
    CF_LOCKED(&s->dataplane->lock);
    s->dirty = true;
    pthread_cond_signal(&s->dataplane->cond);
}

static void build(struct sbx_dataplane *d, struct site *s)
{
    static const char istio[] = "networking.istio.io";
    cf_autojson json_t *virtual_services = sbx_api_all(s->api, istio, "virtualservices", NULL);
    cf_autojson json_t *destination_rules = sbx_api_all(s->api, istio, "destinationrules", NULL);
    cf_autojson json_t *http_routes =
        sbx_api_all(s->api, "gateway.networking.k8s.io", "httproutes", NULL);
    cf_autojson json_t *ingresses = sbx_api_all(s->api, "networking.k8s.io", "ingresses", NULL);
    cf_autojson json_t *services = sbx_api_all(s->api, "", "services", NULL);
    cf_autojson json_t *slices = sbx_api_all(s->api, "discovery.k8s.io", "endpointslices", NULL);
    cf_autojson json_t *pods = sbx_api_all(s->api, "", "pods", NULL);
    cf_autojson json_t *claims = sbx_api_all(s->api, "", "persistentvolumeclaims", NULL);
    sbx_pods_sync(d->pods, s->api, pods, slices, claims);
    struct news *n = cf_xcalloc(1, sizeof(*n));
    n->table = sbx_table_build(&(struct sbx_objects){ .virtual_services = virtual_services,
                                                      .destination_rules = destination_rules,
                                                      .http_routes = http_routes,
                                                      .ingresses = ingresses,
                                                      .services = services,
                                                      .slices = slices,
                                                      .pods = pods });
    s->built_ms = cf_mono_now_ms();
    n->due_ms = s->built_ms + d->delay_ms;
    STAILQ_INSERT_TAIL(&s->news, n, row);
}

/* Hands over what is due; a frozen gateway gets it when it thaws. */
static void publish(struct site *s, bool frozen)
{
    struct news *n;
    while (!frozen && (n = STAILQ_FIRST(&s->news)) && n->due_ms <= cf_mono_now_ms()) {
        STAILQ_REMOVE_HEAD(&s->news, row);
        sbx_gateway_use_take(s->gateway, n->table);
        free(n);
    }
    while (frozen && (n = STAILQ_FIRST(&s->news)) &&
           STAILQ_NEXT(n, row)) { /* only the newest will matter */
        STAILQ_REMOVE_HEAD(&s->news, row);
        sbx_table_unref(n->table);
        free(n);
    }
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a == NEVER ? b : b == NEVER ? a : CF_MIN(a, b);
}

/* One site's turn; returns when it wants the next one. */
static int64_t step(struct sbx_dataplane *d, struct site *s)
{
    bool due, frozen, dirty;
    {
        CF_LOCKED(&d->lock);
        frozen = s->frozen;
        due = s->dirty && cf_mono_now_ms() >= s->built_ms + BUILD_EVERY_MS;
        if (due)
            s->dirty = false;
        dirty = s->dirty;
    }
    if (due)
        build(d, s);
    publish(s, frozen);
    const struct news *first = STAILQ_FIRST(&s->news);
    return sooner(dirty ? s->built_ms + BUILD_EVERY_MS : NEVER,
                  first && !frozen ? first->due_ms : NEVER);
}

static void *run(void *arg)
{
    struct sbx_dataplane *d = arg;
    pthread_mutex_lock(&d->lock);
    while (!d->stopping) {
        pthread_mutex_unlock(&d->lock);
        int64_t next = NEVER;
        for (int i = 0; i < d->n; i++)
            next = sooner(next, step(d, &d->sites[i]));
        next = sooner(next, sbx_pods_close_drained(d->pods));
        pthread_mutex_lock(&d->lock);
        bool ready = d->stopping;
        for (int i = 0; i < d->n; i++)
            if (d->sites[i].dirty)
                next = sooner(next, d->sites[i].built_ms + BUILD_EVERY_MS);
        if (ready)
            break;
        if (next == NEVER)
            pthread_cond_wait(&d->cond, &d->lock);
        else
            cf_cond_wait_until(&d->cond, &d->lock, next);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* ---- starting and stopping */

static bool open_servers(struct sbx_dataplane *d, struct cf_error *err)
{
    d->wire = sbx_wire_start("gw-wire", err);
    if (!d->wire)
        return false;
    d->pods = sbx_pods_start(d->faults, d->volumes, err);
    if (!d->pods)
        return false;
    d->server = cf_http_server_start(&(struct cf_http_server_options){ .name = "gateway",
                                                                       .handler_threads = 1,
                                                                       .action_threads = -1 },
                                     err);
    if (!d->server)
        return false;
    d->admin_server = cf_http_server_start(&(struct cf_http_server_options){ .name = "gw-admin",
                                                                             .handler_threads = 2,
                                                                             .action_threads = -1 },
                                           err);
    return d->admin_server;
}

static bool open_gateways(struct sbx_dataplane *d, const struct sbx_dataplane_options *o,
                          struct cf_error *err)
{
    if (o->clusters > CLUSTERS_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "at most %d clusters", CLUSTERS_MAX);
    for (int i = 0; i < o->clusters; i++) {
        struct site *s = &d->sites[i];
        *s = (struct site){ .dataplane = d, .api = o->apis[i], .dirty = true };
        STAILQ_INIT(&s->news);
        d->n = i + 1;
        const struct sbx_gateway_options gateway = {
            .cluster = sbx_api_cluster(o->apis[i]),
            .port = o->gateway_ports ? o->gateway_ports[i] : 0,
            .admin_port = o->admin_ports ? o->admin_ports[i] : 0,
            .server = d->server,
            .admin_server = d->admin_server,
            .wire = d->wire,
            .pods = d->pods,
        };
        if (!sbx_gateway_open(&gateway, &s->gateway, err))
            return false;
    }
    return true;
}

struct sbx_dataplane *sbx_dataplane_start(const struct sbx_dataplane_options *options,
                                          struct cf_error *err)
{
    struct sbx_dataplane *d = cf_xcalloc(1, sizeof(*d));
    pthread_mutex_init(&d->lock, NULL);
    cf_cond_init(&d->cond);
    d->delay_ms = options->delay_ms < 0 ? SBX_PROPAGATION_MS : options->delay_ms;
    d->slot = options->listener_slot;
    d->volumes = options->volumes;
    d->faults = sbx_faults_new();
    if (!open_servers(d, err) || !open_gateways(d, options, err) ||
        !cf_thread_start(&d->thread, "dataplane", run, d, err)) {
        sbx_dataplane_stop(d);
        return NULL;
    }
    d->started = true;
    for (int i = 0; i < d->n; i++)
        sbx_api_on_change(d->sites[i].api, d->slot, on_change, &d->sites[i]);
    for (int i = 0; i < d->n; i++)
        on_change(&d->sites[i]);
    return d;
}

void sbx_dataplane_stop(struct sbx_dataplane *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->n && d->started; i++)
        sbx_api_on_change(d->sites[i].api, d->slot, NULL, NULL);
    if (d->started) {
        pthread_mutex_lock(&d->lock);
        d->stopping = true;
        pthread_cond_signal(&d->cond);
        pthread_mutex_unlock(&d->lock);
        pthread_join(d->thread, NULL);
    }
    cf_http_server_stop(d->server, DRAIN_MS);
    cf_http_server_stop(d->admin_server, DRAIN_MS);
    sbx_wire_stop(d->wire);
    sbx_pods_stop(d->pods);
    for (int i = 0; i < d->n; i++) {
        struct news *n;
        while ((n = STAILQ_FIRST(&d->sites[i].news))) {
            STAILQ_REMOVE_HEAD(&d->sites[i].news, row);
            sbx_table_unref(n->table);
            free(n);
        }
        sbx_gateway_free(d->sites[i].gateway);
    }
    sbx_faults_free(d->faults);
    pthread_cond_destroy(&d->cond);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* ---- asking */

static const struct site *find(const struct sbx_dataplane *d, const char *cluster)
{
    for (int i = 0; cluster && i < d->n; i++)
        if (strcmp(sbx_api_cluster(d->sites[i].api), cluster) == 0)
            return &d->sites[i];
    return NULL;
}

const char *sbx_dataplane_gateway_url(const struct sbx_dataplane *d, const char *cluster)
{
    const struct site *s = find(d, cluster);
    return s ? sbx_gateway_url(s->gateway) : NULL;
}

const char *sbx_dataplane_admin_url(const struct sbx_dataplane *d, const char *cluster)
{
    const struct site *s = find(d, cluster);
    return s ? sbx_gateway_admin_url(s->gateway) : NULL;
}

json_t *sbx_dataplane_split(struct sbx_dataplane *d, const char *cluster)
{
    const struct site *s = find(d, cluster);
    return s ? sbx_gateway_split(s->gateway) : NULL;
}

char *sbx_dataplane_metrics(struct sbx_dataplane *d, const char *cluster)
{
    const struct site *s = find(d, cluster);
    return s ? sbx_gateway_metrics(s->gateway) : NULL;
}

json_t *sbx_dataplane_state(struct sbx_dataplane *d)
{
    json_t *gateways = json_object();
    json_t *admin = json_object();
    for (int i = 0; i < d->n; i++) {
        const struct sbx_gateway *g = d->sites[i].gateway;
        json_object_set_new(gateways, sbx_gateway_cluster(g), json_string(sbx_gateway_url(g)));
        json_object_set_new(admin, sbx_gateway_cluster(g), json_string(sbx_gateway_admin_url(g)));
    }
    return json_pack("{s:o, s:o, s:I, s:o, s:o}", "gateways", gateways, "admin", admin,
                     "propagation_ms", (json_int_t)d->delay_ms, "pods", sbx_pods_json(d->pods),
                     "faults", sbx_faults_json(d->faults));
}

/* ---- faults */

bool sbx_dataplane_fault(struct sbx_dataplane *d, const char *cluster, const char *ns,
                         const char *app, const struct sbx_app_fault *fault, struct cf_error *err)
{
    if (!find(d, cluster))
        return cf_error_set(err, CF_ERR_NOT_FOUND, "no cluster \"%s\"", cluster);
    return sbx_faults_set(d->faults, cluster, ns, app, fault, err);
}

bool sbx_dataplane_metrics_fault(struct sbx_dataplane *d, const char *cluster,
                                 enum sbx_metrics_fault fault, struct cf_error *err)
{
    if (cluster && !find(d, cluster))
        return cf_error_set(err, CF_ERR_NOT_FOUND, "no cluster \"%s\"", cluster);
    for (int i = 0; i < d->n; i++)
        if (!cluster || strcmp(cluster, sbx_gateway_cluster(d->sites[i].gateway)) == 0)
            if (!sbx_gateway_metrics_fault(d->sites[i].gateway, fault, err))
                return false;
    return true;
}

bool sbx_dataplane_freeze(struct sbx_dataplane *d, const char *cluster, bool frozen,
                          struct cf_error *err)
{
    if (cluster && !find(d, cluster))
        return cf_error_set(err, CF_ERR_NOT_FOUND, "no cluster \"%s\"", cluster);
    CF_LOCKED(&d->lock);
    for (int i = 0; i < d->n; i++) {
        if (!cluster || strcmp(cluster, sbx_gateway_cluster(d->sites[i].gateway)) == 0) {
            d->sites[i].frozen = frozen;
            d->sites[i].dirty = true; /* a reason to look */
        }
    }
    pthread_cond_signal(&d->cond);
    return true;
}

void sbx_dataplane_heal(struct sbx_dataplane *d)
{
    struct cf_error ignored = CF_ERROR_INIT; /* a port that was taken meanwhile stays away */
    sbx_faults_clear(d->faults);
    if (!sbx_dataplane_metrics_fault(d, NULL, SBX_METRICS_FINE, &ignored))
        cf_error_clear(&ignored);
    if (!sbx_dataplane_freeze(d, NULL, false, &ignored))
        cf_error_clear(&ignored);
}
