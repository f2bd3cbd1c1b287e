/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and stopping the REST API. */
#include "orchestrator/api/api.h"

#include "orchestrator/api/authn.h"
#include "orchestrator/api/hub.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/routes.h"

static bool may_listen(const struct cf_api_config *config, struct cf_error *err)
{
    if (config->tls || !config->address || cf_http_addr_is_loopback(config->address))
        return true;
    return cf_error_set(err, CF_ERR_INVALID,
                        "without TLS only a loopback address is listened on, not %s: give a "
                        "certificate and its key, or listen on 127.0.0.1",
                        config->address);
}

static bool listen_on(struct cf_api *api, const struct cf_api_config *config, struct cf_error *err)
{
    struct cf_http_listen_options options = {
        .address = config->address,
        .port = config->port,
        .tls = config->tls,
        .limits = config->limits,
        .site = { .routes = api->routes,
                  .owner = api,
                  .guard = cf_api_guard,
                  .problem = cf_problem_of_server,
                  .done = cf_api_done },
    };
    api->listener = cf_http_listen(api->server, &options, err);
    return api->listener != NULL;
}

struct cf_api *cf_api_start(const struct cf_api_config *config, struct cf_error *err)
{
    struct cf_http_server_options options = { .handler_threads = config->handler_threads };
    if (!may_listen(config, err))
        return NULL;
    struct cf_api *api = cf_xcalloc(1, sizeof *api);
    pthread_mutex_init(&api->seen.mutex, NULL);
    api->store = config->store;
    api->engine = config->engine;
    api->metrics = config->metrics;
    api->version = config->version ? config->version : "";
    api->routes = cf_routes_http();
    cf_metrics_runs_begin(&api->runs, api->store);
    if ((api->hub = cf_hub_start(api->store, api->metrics, err)) != NULL &&
        (api->server = cf_http_server_start(&options, err)) != NULL && listen_on(api, config, err))
        return api;
    cf_error_wrap(err, "start the API");
    cf_api_stop(api, 0);
    return NULL;
}

void cf_api_stop(struct cf_api *api, int64_t drain_ms)
{
    if (!api)
        return;
    cf_http_server_stop(api->server, drain_ms);
    cf_hub_stop(api->hub);
    pthread_mutex_destroy(&api->seen.mutex);
    cf_metrics_runs_end(&api->runs);
    free(api->routes);
    free(api);
}

int cf_api_port(const struct cf_api *api)
{
    return cf_http_listener_port(api->listener);
}

const char *cf_api_url(const struct cf_api *api)
{
    return cf_http_listener_url(api->listener);
}

void cf_api_set_tls(struct cf_api *api, struct cf_http_tls *tls)
{
    cf_http_listener_set_tls(api->listener, tls);
}
