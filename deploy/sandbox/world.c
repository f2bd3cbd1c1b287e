/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and stopping everything in order, and telling where it is. */
#include "deploy/sandbox/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/uuid.h"
#include "deploy/sandbox/control/control.h"
#include "deploy/sandbox/controllers/controllers.h"
#include "deploy/sandbox/dataplane/gateway.h"
#include "deploy/sandbox/demo.h"
#include "deploy/sandbox/load/load.h"

enum {
    HANDLERS = 6, /* most answers are microseconds; a few write whole lists */
    DRAIN_MS = 300,
    PORTS_PER_CLUSTER = 3, /* API, gateway, metrics */
};

static bool write_file(const char *path, const char *text, struct cf_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return cf_error_errno(err, errno, path);
    size_t len = strlen(text);
    bool ok = write(fd, text, len) == (ssize_t)len;
    if (!ok)
        cf_error_errno(err, errno, path);
    close(fd);
    return ok;
}

static bool write_kubeconfig(struct sbx_cluster *c, const char *dir, struct cf_error *err)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return cf_error_errno(err, errno, dir);
    c->kubeconfig = cf_xasprintf("%s/%s.kubeconfig", dir, c->name);
    cf_autofree char *text = cf_xasprintf("apiVersion: v1\nkind: Config\ncurrent-context: %s\n"
                                          "clusters:\n- name: %s\n  cluster:\n    server: %s\n"
                                          "contexts:\n- name: %s\n  context:\n    cluster: %s\n    user: crossfade\n"
                                          "users:\n- name: crossfade\n  user:\n    token: %s\n",
                                          c->name, c->name, sbx_api_server_url(c->server), c->name, c->name, c->admin_token);
    return write_file(c->kubeconfig, text, err);
}

static bool start_cluster(struct sbx_world *w, const char *name, const struct sbx_options *options, struct cf_error *err)
{
    int i = w->count, base = options->port_base ? options->port_base + 1 + i * PORTS_PER_CLUSTER : 0;
    struct sbx_cluster *c = &w->clusters[i];
    snprintf(c->name, sizeof(c->name), "%s", name);
    c->api = sbx_api_new(name);
    w->count++;
    cf_random_hex(c->admin_token, SBX_TOKEN_TEXT - 1);
    cf_random_hex(c->viewer_token, SBX_TOKEN_TEXT - 1);
    sbx_api_token(c->api, c->admin_token, "crossfade", SBX_RIGHTS_FULL);
    sbx_api_token(c->api, c->viewer_token, "crossfade-viewer", SBX_RIGHTS_READ);
    c->server = sbx_api_server_new(w->http, c->api, base, err);
    if (!c->server)
        return false;
    c->controllers = sbx_controllers_start(c->api, i, err);
    if (!c->controllers)
        return false;
    c->gateway = sbx_gateway_start(w, i, base ? base + 1 : 0, base ? base + 2 : 0, err);
    if (!c->gateway)
        return false;
    return !options->state_dir || write_kubeconfig(c, options->state_dir, err);
}

static bool start_clusters(struct sbx_world *w, const struct sbx_options *options, struct cf_error *err)
{
    cf_autofree char *names = cf_xstrdup(options->clusters);
    char *save = NULL;
    for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        if (w->count == SBX_CLUSTERS_MAX)
            return cf_error_set(err, CF_ERR_LIMIT, "more than %d clusters", SBX_CLUSTERS_MAX);
        if (strlen(name) >= sizeof(w->clusters[0].name) || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
            return cf_error_set(err, CF_ERR_INVALID, "not a cluster's name: %s", name);
        if (sbx_world_cluster(w, name))
            return cf_error_set(err, CF_ERR_INVALID, "two clusters are called %s", name);
        if (!start_cluster(w, name, options, err))
            return cf_error_wrap(err, "cluster %s", name);
    }
    return w->count > 0 || cf_error_set(err, CF_ERR_INVALID, "no cluster is named");
}

static bool write_description(const struct sbx_world *w, const char *dir, struct cf_error *err)
{
    cf_autojson json_t *all = sbx_world_describe(w);
    cf_autofree char *text = cf_json_dump_pretty(all);
    cf_autofree char *path = cf_xasprintf("%s/sandbox.json", dir), *part = cf_xasprintf("%s/sandbox.json.part", dir);
    if (!write_file(part, text, err))
        return false;
    return rename(part, path) == 0 || cf_error_errno(err, errno, path);
}

bool sbx_world_start(struct sbx_world *w, const struct sbx_options *options, struct cf_error *err)
{
    memset(w, 0, sizeof(*w));
    struct cf_http_server_options http = { .name = "sandbox", .handler_threads = HANDLERS };
    w->http = cf_http_server_start(&http, err);
    if (!w->http)
        return false;
    w->load = sbx_load_new();
    if (!start_clusters(w, options, err))
        return false;
    w->control = sbx_control_new(w, options->port_base, options->state_dir, options->demo, err);
    if (!w->control)
        return false;
    if (options->demo && !sbx_demo_load(w->clusters[0].api, err))
        return false;
    return !options->state_dir || write_description(w, options->state_dir, err);
}

void sbx_world_stop(struct sbx_world *w)
{
    sbx_load_free(w->load);
    for (int i = 0; i < w->count; i++)
        sbx_controllers_stop(w->clusters[i].controllers);
    for (int i = 0; i < w->count; i++)
        sbx_gateway_stop(w->clusters[i].gateway);
    cf_http_server_stop(w->http, DRAIN_MS);
    sbx_control_free(w->control);
    for (int i = 0; i < w->count; i++) {
        struct sbx_cluster *c = &w->clusters[i];
        sbx_gateway_free(c->gateway);
        sbx_controllers_free(c->controllers);
        sbx_api_server_free(c->server);
        sbx_api_free(c->api);
        free(c->kubeconfig);
    }
    memset(w, 0, sizeof(*w));
}

struct sbx_cluster *sbx_world_cluster(struct sbx_world *w, const char *name)
{
    for (int i = 0; i < w->count; i++)
        if (strcmp(w->clusters[i].name, name) == 0)
            return &w->clusters[i];
    return NULL;
}

json_t *sbx_world_describe(const struct sbx_world *w)
{
    json_t *clusters = json_object();
    for (int i = 0; i < w->count; i++) {
        const struct sbx_cluster *c = &w->clusters[i];
        json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "api", sbx_api_server_url(c->server), "token", c->admin_token, "viewerToken",
                              c->viewer_token, "gateway", sbx_gateway_url(c->gateway), "metrics", sbx_gateway_metrics_url(c->gateway),
                              "admin", sbx_gateway_admin_url(c->gateway));
        if (c->kubeconfig)
            json_object_set_new(o, "kubeconfig", json_string(c->kubeconfig));
        json_object_set_new(clusters, c->name, o);
    }
    return json_pack("{s:o,s:s,s:i}", "clusters", clusters, "control", sbx_control_url(w->control), "pid", (int)getpid());
}

bool sbx_world_reset(struct sbx_world *w, bool demo, struct cf_error *err)
{
    sbx_load_stop(w->load);
    for (int i = 0; i < w->count; i++) {
        struct sbx_cluster *c = &w->clusters[i];
        struct sbx_api_faults *f = sbx_api_server_faults(c->server);
        atomic_store(&f->slow_ms, 0);
        atomic_store(&f->fail_percent, 0);
        atomic_store(&f->hang, false);
        atomic_store(&f->watch_silent, false);
        if (atomic_load(&f->away) && !sbx_api_server_away(c->server, false, err))
            return false;
        sbx_gateway_heal(c->gateway);
        sbx_api_wipe(c->api);
    }
    return !demo || sbx_demo_load(w->clusters[0].api, err);
}
