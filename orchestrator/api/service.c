/* SPDX-License-Identifier: Apache-2.0 */
/* Assembling a service. */
#include "orchestrator/api/service.h"

#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/thread.h"
#include "federation/kube/kube.h"
#include "orchestrator/api/api.h"
#include "orchestrator/api/metrics_table.h"
#include "orchestrator/engine/engine.h"
#include "store/migrate.h"
#include "store/store.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

enum { PRUNE_EVERY_MS = 10 * 60 * 1000, PRUNE_ROWS = 5000, DRAIN_MS = 5000, KEEP_DAYS = 90 };

struct cf_service {
    char *database, *key_file, *state_dir, *address, *tls_cert, *tls_key, *public_url, *version;
    char *clusters_folder, *in_cluster;
    struct cf_service_config config; /* its texts are the copies above */
    struct cf_keyring *keyring;
    struct cf_metrics *metrics;
    struct cf_store *store;
    struct cf_kube_net *net;
    struct cf_engine *engine;
    struct cf_http_tls *tls;
    struct cf_api *api;
    pthread_t pruner;
    bool prunes;
    pthread_mutex_t mutex; /* guards `stopping` */
    pthread_cond_t cond;
    bool stopping;
};

static void copy_config(struct cf_service *s, const struct cf_service_config *c)
{
    s->config = *c;
    s->config.database = s->database = cf_xstrdup(c->database ? c->database : "");
    s->config.key_file = s->key_file = cf_xstrdup(c->key_file);
    s->config.state_dir = s->state_dir = cf_xstrdup(c->state_dir);
    s->config.address = s->address = cf_xstrdup(c->address ? c->address : "127.0.0.1");
    s->config.clusters_folder = s->clusters_folder =
        cf_xstrdup(c->clusters_folder ? c->clusters_folder : "");
    s->config.in_cluster = s->in_cluster = cf_xstrdup(c->in_cluster ? c->in_cluster : "");
    s->config.tls_cert = s->tls_cert = cf_xstrdup(c->tls_cert);
    s->config.tls_key = s->tls_key = cf_xstrdup(c->tls_key);
    s->config.public_url = s->public_url = cf_xstrdup(c->public_url ? c->public_url : "");
    s->config.version = s->version = cf_xstrdup(c->version ? c->version : "");
    s->config.port = c->port < 0 ? 0 : c->port == 0 ? CF_SERVICE_PORT : c->port;
    s->config.drain_ms = c->drain_ms ? c->drain_ms : DRAIN_MS;
    s->config.keep_ms = c->keep_ms ? c->keep_ms : KEEP_DAYS * DAY_MS;
}

/* ---- old rows go ---- */

static bool pause_until_stop(struct cf_service *s, int64_t ms)
{
    CF_LOCKED(&s->mutex);
    int64_t until = cf_mono_now_ms() + ms;
    while (!s->stopping && cf_cond_wait_until(&s->cond, &s->mutex, until))
        continue;
    return !s->stopping;
}

static void *prune_thread(void *arg)
{
    struct cf_service *s = arg;
    while (pause_until_stop(s, PRUNE_EVERY_MS)) {
        struct cf_error err = CF_ERROR_INIT;
        int64_t n = 0;
        if (!cf_store_prune(s->store, s->config.keep_ms, PRUNE_ROWS, &n, &err))
            cf_log_err(CF_LOG_WARN, "store.prune", "old rows were not removed", &err);
        else if (n > 0)
            cf_log(CF_LOG_INFO, "store.prune", "old rows were removed", CF_I("rows", n));
    }
    return NULL;
}

/* ---- starting, in the order in which they need each other ---- */

static bool check(const struct cf_service *s, struct cf_error *err)
{
    const struct cf_service_config *c = &s->config;
    if (!c->state_dir || !*c->state_dir)
        return cf_error_set(err, CF_ERR_INVALID, "a state directory is needed");
    if (!c->tls_cert != !c->tls_key)
        return cf_error_set(err, CF_ERR_INVALID,
                            "TLS needs both a certificate and its key, or neither");
    if (!c->tls_cert && !cf_http_addr_is_loopback(c->address))
        return cf_error_set(err, CF_ERR_INVALID,
                            "without TLS only a loopback address is listened on, not %s: give a "
                            "certificate and its key, or listen on 127.0.0.1",
                            c->address);
    return true;
}

static bool open_store(struct cf_service *s, struct cf_error *err)
{
    struct cf_migrate_report report = { 0 };
    if (s->config.key_file && !(s->keyring = cf_keyring_load(s->config.key_file, err)))
        return false;
    struct cf_store_config config = { .conninfo = s->config.database,
                                      .pool_size = s->config.pool_size,
                                      .keyring = s->keyring };
    s->store = cf_store_open(&config, err);
    if (!s->store || !cf_store_migrate(s->store, &report, err))
        return cf_error_wrap(err, "database");
    if (report.applied > 0)
        cf_log(CF_LOG_INFO, "store.migrated", "the schema was brought up to date",
               CF_I("from", report.have), CF_I("to", report.want));
    return true;
}

static bool start_engine(struct cf_service *s, struct cf_error *err)
{
    s->metrics = cf_metrics_new(cf_metrics_table);
    s->net = cf_kube_net_new(err);
    if (!s->net)
        return false;
    struct cf_engine_config config = { .store = s->store,
                                       .net = s->net,
                                       .metrics = s->metrics,
                                       .state_dir = s->config.state_dir,
                                       .clusters = { .folder = s->config.clusters_folder,
                                                     .in_cluster = s->config.in_cluster,
                                                     .calls_at_once = s->config.calls_at_once,
                                                     .calls_per_s = s->config.calls_per_s },
                                       .address = s->config.public_url,
                                       .version = s->config.version,
                                       .workers = s->config.workers,
                                       .lease_ms = s->config.lease_ms,
                                       .look_ms = s->config.look_ms };
    s->engine = cf_engine_start(&config, err);
    return s->engine != NULL;
}

static bool start_api(struct cf_service *s, struct cf_error *err)
{
    if (s->config.tls_cert &&
        !(s->tls = cf_http_tls_from_files(s->config.tls_cert, s->config.tls_key, err)))
        return false;
    struct cf_api_config config = { .store = s->store,
                                    .engine = s->engine,
                                    .metrics = s->metrics,
                                    .version = s->config.version,
                                    .address = s->config.address,
                                    .port = s->config.port,
                                    .tls = s->tls,
                                    .handler_threads = s->config.handler_threads,
                                    .limits = { .body_max = s->config.body_max,
                                                .connections = s->config.connections } };
    s->api = cf_api_start(&config, err);
    return s->api != NULL;
}

struct cf_service *cf_service_start(const struct cf_service_config *config, struct cf_error *err)
{
    struct cf_service *s = cf_xcalloc(1, sizeof *s);
    copy_config(s, config);
    pthread_mutex_init(&s->mutex, NULL);
    cf_cond_init(&s->cond);
    if (check(s, err) && open_store(s, err) && start_engine(s, err) && start_api(s, err) &&
        cf_thread_start(&s->pruner, "prune", prune_thread, s, err)) {
        s->prunes = true;
        return s;
    }
    cf_service_stop(s);
    return NULL;
}

static void stop_pruner(struct cf_service *s)
{
    {
        CF_LOCKED(&s->mutex);
        s->stopping = true;
        pthread_cond_signal(&s->cond);
    }
    if (s->prunes)
        pthread_join(s->pruner, NULL);
}

void cf_service_stop(struct cf_service *s)
{
    if (!s)
        return;
    stop_pruner(s);
    cf_api_stop(s->api, s->config.drain_ms);
    cf_http_tls_unref(s->tls);
    cf_engine_stop(s->engine);
    cf_kube_net_free(s->net);
    cf_store_close(s->store);
    cf_metrics_free(s->metrics);
    cf_keyring_free(s->keyring);
    pthread_cond_destroy(&s->cond);
    pthread_mutex_destroy(&s->mutex);
    char *texts[] = { s->database, s->key_file,   s->state_dir, s->address,         s->tls_cert,
                      s->tls_key,  s->public_url, s->version,   s->clusters_folder, s->in_cluster };
    for (size_t i = 0; i < CF_ARRAY_LEN(texts); i++)
        free(texts[i]);
    free(s);
}

bool cf_service_reload(struct cf_service *s, struct cf_error *err)
{
    if (!s->config.tls_cert)
        return true;
    struct cf_http_tls *tls = cf_http_tls_from_files(s->config.tls_cert, s->config.tls_key, err);
    if (!tls)
        return false;
    cf_api_set_tls(s->api, tls);
    cf_http_tls_unref(s->tls);
    s->tls = tls;
    return true;
}

int cf_service_port(const struct cf_service *s)
{
    return cf_api_port(s->api);
}

const char *cf_service_url(const struct cf_service *s)
{
    return cf_api_url(s->api);
}
