/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of the service's configuration, and the rules between keys. */
#include "orchestrator/cli/config_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"

#define SYSTEM_FILE "/etc/crossfade/crossfade.yaml"

enum { KEYS_MAX = 64, ENVIRONMENT_MAX = 4096 };

/* clang-format off: a table is read by its columns */
const struct cf_config_key cf_config_table[] = {
    { "database", CF_CFG_STRING, "", 0, 0,
      "PostgreSQL as libpq takes it: \"host=/run/postgresql dbname=crossfade\" or a URI; "
      "empty: PGHOST and the like. Passwords belong into a password file",
      true },
    { "database-pool", CF_CFG_INT, "16", 2, 200,
      "connections to PostgreSQL; one more is kept for leases", false },
    { "listen", CF_CFG_STRING, "127.0.0.1:8700", 0, 0,
      "address and port of the API; port 0 picks a free one", false },
    { "tls.cert-file", CF_CFG_PATH, NULL, 0, 0,
      "certificate chain (PEM); needed for every address but loopback", false },
    { "tls.key-file", CF_CFG_PATH, NULL, 0, 0,
      "private key of the certificate (PEM); SIGHUP reads both again", false },
    { "key-file", CF_CFG_PATH, NULL, 0, 0,
      "sealing keys for clusters' credentials; crossfade key generate FILE makes one", false },
    { "state-dir", CF_CFG_PATH, "/var/lib/crossfade", 0, 0,
      "this replica's identity (locked) and its journal of ways back", false },
    { "clusters.folder", CF_CFG_PATH, NULL, 0, 0,
      "folder of NAME.kubeconfig for clusters registered with --server-side; token files and exec "
      "plugins are allowed in them",
      false },
    { "clusters.in-cluster", CF_CFG_STRING, NULL, 0, 0,
      "name of the cluster that this service runs in as a pod: --server-side then takes the pod's "
      "service account",
      false },
    { "clusters.calls-at-once", CF_CFG_INT, "32", 2, 256,
      "calls under way in one cluster; a copy takes half of them, the rest is kept for other runs",
      false },
    { "clusters.calls-per-second", CF_CFG_INT, "2000", 5, 100000,
      "calls that one cluster is given in a second, over all runs; rollbacks are not counted",
      false },
    { "public-url", CF_CFG_STRING, NULL, 0, 0,
      "where people and other replicas reach this API; default: where it listens", false },
    { "http.connections", CF_CFG_INT, "1024", 16, 65536, "clients' connections at once", false },
    { "http.handlers", CF_CFG_INT, "4", 2, 64,
      "requests handled at once; one is kept free for actions", false },
    { "http.body-max", CF_CFG_BYTES, "1Mi", 65536, 16777216, "largest body of a request", false },
    { "keep-events", CF_CFG_DURATION, "90d", 3600000, 315360000000,
      "how long events of ended runs are kept", false },
    { "workers", CF_CFG_INT, "16", 1, 128, "runs carried at once", false },
    { "lease", CF_CFG_DURATION, "15s", 3000, 300000,
      "how long a dead replica's runs wait for another", false },
    { "look", CF_CFG_DURATION, "200ms", 100, 60000,
      "shortest period of a gate's looks at the metrics", false },
    { "ready-file", CF_CFG_PATH, NULL, 0, 0, "written when ready, with the URL in it", false },
    { "log.level", CF_CFG_STRING, "info", 0, 0,
      "debug (with every read of the API), info, warn or error", false },
    { "log.format", CF_CFG_STRING, "auto", 0, 0, "json, text, or auto: text on a terminal", false },
    { .name = NULL },
};
/* clang-format on */

static struct cf_option config_options[KEYS_MAX];
static char option_names[KEYS_MAX][48];

static const char *value_name(enum cf_config_type type)
{
    static const char *const names[] = {
        [CF_CFG_STRING] = "TEXT",       [CF_CFG_INT] = "NUMBER",  [CF_CFG_BOOL] = "true|false",
        [CF_CFG_DURATION] = "DURATION", [CF_CFG_BYTES] = "BYTES", [CF_CFG_PATH] = "FILE",
    };
    return names[type];
}

static void make_options(void)
{
    size_t n = 0;
    config_options[n++] = (struct cf_option){
        "config", 0,
        "FILE",   "the configuration's file (default " SYSTEM_FILE ", if it is there)",
        NULL,     false
    };
    for (const struct cf_config_key *k = cf_config_table; k->name; k++, n++) {
        cf_assert(n + 1 < KEYS_MAX && strlen(k->name) < sizeof option_names[n]);
        memcpy(option_names[n], k->name, strlen(k->name) + 1);
        for (char *p = option_names[n]; *p; p++)
            *p = *p == '.' ? '-' : *p;
        config_options[n] =
            (struct cf_option){ option_names[n], 0, value_name(k->type), k->help, NULL, false };
    }
}

const struct cf_option *cf_config_options(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_options);
    return config_options;
}

/* The environment without what belongs to the command line and to tests. *out's array is the
 * caller's; its texts are not. */
static char **service_environment(void)
{
    static const char *const others[] = {
        "CROSSFADE_CONFIG=",  "CROSSFADE_SERVER=", "CROSSFADE_TOKEN_FILE=", "CROSSFADE_CONTEXT=",
        "CROSSFADE_CA_FILE=", "CROSSFADE_TEST_",   "CROSSFADE_LAB_",        "CROSSFADE_UPDATE="
    };
    char **out = cf_xcalloc(ENVIRONMENT_MAX + 1, sizeof *out);
    size_t n = 0;
    for (char **e = environ; e && *e && n < ENVIRONMENT_MAX; e++) {
        bool is_other = false;
        for (size_t i = 0; i < CF_ARRAY_LEN(others); i++)
            is_other = is_other || strncmp(*e, others[i], strlen(others[i])) == 0;
        if (!is_other)
            out[n++] = *e;
    }
    return out;
}

/* "key=value" of every configuration option given; the caller frees the texts and the array. */
static char **given_flags(const struct cf_cli *cli)
{
    char **flags = cf_xcalloc(CF_CLI_GIVEN_MAX + 1, sizeof *flags);
    const struct cf_option *options = cf_config_options();
    size_t n = 0;
    for (size_t i = 0; i < cli->n_given; i++)
        for (size_t k = 0; cf_config_table[k].name; k++)
            if (cli->given[i].option == &options[k + 1])
                flags[n++] = cf_xasprintf("%s=%s", cf_config_table[k].name, cli->given[i].value);
    return flags;
}

struct cf_config *cf_config_of_cli(const struct cf_cli *cli, struct cf_error *err)
{
    const char *file = cf_arg(cli, "config");
    if (!file)
        file = getenv("CROSSFADE_CONFIG");
    if (!file && access(SYSTEM_FILE, R_OK) == 0)
        file = SYSTEM_FILE;
    char **env = service_environment();
    char **flags = given_flags(cli);
    struct cf_config *c =
        cf_config_load(cf_config_table, file, env, (const char *const *)flags, err);
    for (char **f = flags; *f; f++)
        free(*f);
    free(flags);
    free(env);
    return c;
}

bool cf_address_is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]:", 6) == 0 ||
           strncasecmp(address, "localhost:", 10) == 0;
}

bool cf_config_judge(const struct cf_config *config, struct cf_error *err)
{
    const char *cert = cf_config_str(config, "tls.cert-file"),
               *key = cf_config_str(config, "tls.key-file");
    const char *listen = cf_config_str(config, "listen");
    enum cf_log_level level;
    if (!cert != !key)
        return cf_error_set(err, CF_ERR_INVALID,
                            "tls.cert-file and tls.key-file go together; %s is missing",
                            cert ? "tls.key-file" : "tls.cert-file");
    if (!strchr(listen, ':'))
        return cf_error_set(err, CF_ERR_INVALID, "listen: \"%.100s\" is not ADDRESS:PORT", listen);
    if (!cert && !cf_address_is_loopback(listen))
        return cf_error_set(err, CF_ERR_INVALID,
                            "listen: %s can be reached from outside, and without TLS tokens and "
                            "credentials would cross the "
                            "network in clear. Set tls.cert-file and tls.key-file, or listen on "
                            "127.0.0.1:PORT behind a proxy "
                            "that speaks TLS",
                            listen);
    if (!cf_log_level_parse(cf_config_str(config, "log.level"), &level))
        return cf_error_set(err, CF_ERR_INVALID, "log.level: must be debug, info, warn or error");
    const char *format = cf_config_str(config, "log.format");
    if (strcmp(format, "auto") != 0 && strcmp(format, "json") != 0 && strcmp(format, "text") != 0)
        return cf_error_set(err, CF_ERR_INVALID, "log.format: must be auto, json or text");
    return true;
}
