/* SPDX-License-Identifier: Apache-2.0 */
/* The program: gives the command line the rooms that stand on its own floor, the service, its
 * tokens and the sandbox. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "deploy/sandbox/sandbox.h"
#include "orchestrator/api/service.h"
#include "orchestrator/api/token.h"
#include "orchestrator/cli/cli.h"

enum { PORT_ANY = -1, DRAIN_MS = 5000 };

/* "127.0.0.1:8700" or "[::1]:8700"; port 0 becomes PORT_ANY. *out_host: caller frees. */
static bool split_listen(const char *text, char **out_host, int *out_port, struct cf_error *err)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || !cf_int_parse(colon + 1, 0, 65535, &port, err)) {
        cf_error_clear(err);
        return cf_error_set(err, CF_ERR_INVALID, "listen: \"%.100s\" is not ADDRESS:PORT", text);
    }
    size_t len = (size_t)(colon - text);
    bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    char *host = bracketed ? cf_xstrndup(text + 1, len - 2) : cf_xstrndup(text, len);
    if (strcmp(host, "localhost") == 0)
        memcpy(host, "127.0.0.1", 10);
    *out_host = host;
    *out_port = port ? (int)port : PORT_ANY;
    return true;
}

static void *start(const struct cf_config *c, char **out_url, struct cf_error *err)
{
    cf_autofree char *host = NULL;
    struct cf_service_config config = {
        .database = cf_config_str(c, "database"),
        .pool_size = (int)cf_config_int(c, "database-pool"),
        .key_file = cf_config_str(c, "key-file"),
        .state_dir = cf_config_str(c, "state-dir"),
        .clusters_folder = cf_config_str(c, "clusters.folder"),
        .in_cluster = cf_config_str(c, "clusters.in-cluster"),
        .calls_at_once = (int)cf_config_int(c, "clusters.calls-at-once"),
        .calls_per_s = (int)cf_config_int(c, "clusters.calls-per-second"),
        .tls_cert = cf_config_str(c, "tls.cert-file"),
        .tls_key = cf_config_str(c, "tls.key-file"),
        .public_url = cf_config_str(c, "public-url"),
        .handler_threads = (int)cf_config_int(c, "http.handlers"),
        .connections = (int)cf_config_int(c, "http.connections"),
        .body_max = (size_t)cf_config_int(c, "http.body-max"),
        .workers = (int)cf_config_int(c, "workers"),
        .lease_ms = cf_config_int(c, "lease"),
        .look_ms = cf_config_int(c, "look"),
        .keep_ms = cf_config_int(c, "keep-events"),
        .drain_ms = DRAIN_MS,
        .version = CF_VERSION,
    };
    if (!split_listen(cf_config_str(c, "listen"), &host, &config.port, err))
        return NULL;
    config.address = host;
    struct cf_service *service = cf_service_start(&config, err);
    if (service)
        *out_url = cf_xstrdup(cf_service_url(service));
    return service;
}

static void stop(void *service)
{
    cf_service_stop(service);
}

static bool reload(void *service, struct cf_error *err)
{
    return cf_service_reload(service, err);
}

int main(int argc, char **argv)
{
    static const struct cf_cli_parts parts = {
        .service_start = start,
        .service_stop = stop,
        .service_reload = reload,
        .token_draw = cf_token_draw,
        .sandbox = cf_sandbox_main,
    };
    cf_mem_few_arenas();
    return cf_cli_main(argc, argv, &parts);
}
