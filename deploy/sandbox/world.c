/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and stopping everything in order, and telling where it is. */
#include "deploy/sandbox/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "deploy/sandbox/api/kinds.h"
#include "deploy/sandbox/api/server.h"
#include "deploy/sandbox/certificate.h"
#include "deploy/sandbox/control/control.h"
#include "deploy/sandbox/controllers/controllers.h"
#include "deploy/sandbox/dataplane/dataplane.h"
#include "deploy/sandbox/demo.h"
#include "deploy/sandbox/addresses.h"
#include "deploy/sandbox/clusternet/clusternet.h"
#include "deploy/sandbox/karmada/karmada.h"
#include "deploy/sandbox/load/load.h"
#include "deploy/sandbox/velero/velero.h"
#include "deploy/sandbox/volumes/volumes.h"

enum {
    HANDLERS = 6, /* most answers are microseconds; a few write whole lists */
    DRAIN_MS = 300,
    PORTS_PER_CLUSTER = 3, /* API, gateway, admin */
    DEMO_READY_MS = 20000, /* a loaded machine under a sanitizer takes seconds */
    TOKEN_TEXT = 41,       /* 40 hex characters and NUL */
    SLOT_CONTROLLERS = 0,
    SLOT_DATAPLANE = 1,
    SLOT_PLANE = 2,
    SLOT_VELERO = 3,
    SERVERS_MAX = SANDBOX_CLUSTERS_MAX + 1, /* and a control plane */
};

struct cluster {
    char name[64];
    struct sbx_api_server *server;
    char admin_token[TOKEN_TEXT], viewer_token[TOKEN_TEXT];
    char *kubeconfig; /* path, or NULL without a folder */
};

struct sandbox_world {
    struct cf_http_server *http;
    struct cluster clusters[SERVERS_MAX]; /* the members first */
    struct sbx_api *apis[SERVERS_MAX];
    int count;     /* of clusters with workloads */
    int servers;   /* of API servers: `count`, and one more with a control plane */
    int addresses; /* the mark of where our pods live; below 0: none */
    bool has_demo;
    struct sbx_controllers *controllers, *upkeep; /* of the clusters; of the control plane */
    struct sbx_karmada *karmada;                  /* or NULL */
    struct sbx_clusternet *clusternet;            /* or NULL */
    struct sbx_velero *velero;                    /* or NULL */
    struct sbx_volumes *volumes;
    struct sbx_dataplane *dataplane;
    struct sbx_loads *loads;
    struct sbx_control *control;
    struct cf_http_tls *tls;
    char *ca;      /* PEM */
    char *ca_path; /* or NULL without a folder */
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

static bool write_kubeconfig(struct cluster *c, const char *dir, const char *ca_pem,
                             struct cf_error *err)
{
    cf_autofree char *ca = sandbox_base64(ca_pem);
    c->kubeconfig = cf_xasprintf("%s/%s.kubeconfig", dir, c->name);
    cf_autofree char *text = cf_xasprintf(
        "apiVersion: v1\nkind: Config\ncurrent-context: %s\n"
        "clusters:\n- name: %s\n  cluster:\n    server: %s\n    certificate-authority-data: %s\n"
        "contexts:\n- name: %s\n  context:\n    cluster: %s\n    user: crossfade\n"
        "users:\n- name: crossfade\n  user:\n    token: %s\n",
        c->name, c->name, sbx_api_server_url(c->server), ca, c->name, c->name, c->admin_token);
    return write_file(c->kubeconfig, text, err);
}

static struct cluster *find(struct sandbox_world *w, const char *name)
{
    for (int i = 0; i < w->servers; i++)
        if (strcmp(w->clusters[i].name, name) == 0)
            return &w->clusters[i];
    return NULL;
}

static bool add_server(struct sandbox_world *w, const char *name, enum sbx_plane plane, int port,
                       struct cf_error *err)
{
    static struct sbx_api *(*const make[])(const char *name) = {
        [SBX_PLANE_NONE] = sbx_api_new,
        [SBX_PLANE_KARMADA] = sbx_api_new_control_plane,
        [SBX_PLANE_CLUSTERNET] = sbx_api_new_hub,
    };
    if (plane == SBX_PLANE_NONE && w->count == SANDBOX_CLUSTERS_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "more than %d clusters", SANDBOX_CLUSTERS_MAX);
    if (strlen(name) >= sizeof(w->clusters[0].name) ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
        return cf_error_set(err, CF_ERR_INVALID, "not a cluster's name: %s", name);
    if (find(w, name))
        return cf_error_set(err, CF_ERR_INVALID, "two clusters are called %s", name);
    struct cluster *c = &w->clusters[w->servers];
    snprintf(c->name, sizeof(c->name), "%s", name);
    struct sbx_api *api = w->apis[w->servers++] = make[plane](name);
    w->count += plane == SBX_PLANE_NONE;
    cf_random_hex(c->admin_token, TOKEN_TEXT - 1);
    cf_random_hex(c->viewer_token, TOKEN_TEXT - 1);
    sbx_api_token(api, c->admin_token, "crossfade", SBX_RIGHTS_FULL);
    sbx_api_token(api, c->viewer_token, "crossfade-viewer", SBX_RIGHTS_READ);
    c->server = sbx_api_server_new(w->http, api, port, w->tls, err);
    return c->server != NULL;
}

static bool add_clusters(struct sandbox_world *w, const struct sandbox_options *options,
                         struct cf_error *err)
{
    cf_autofree char *names = cf_xstrdup(options->clusters);
    char *save = NULL;
    for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        int port = options->port_base ? options->port_base + 1 + w->count * PORTS_PER_CLUSTER : 0;
        if (!add_server(w, name, SBX_PLANE_NONE, port, err))
            return cf_error_wrap(err, "cluster %s", name);
    }
    if (w->count == 0)
        return cf_error_set(err, CF_ERR_INVALID, "no cluster is named");
    int port = options->port_base ? options->port_base + 1 + w->count * PORTS_PER_CLUSTER : 0;
    const char *plane = options->karmada ? options->karmada : options->clusternet;
    enum sbx_plane kind = options->karmada ? SBX_PLANE_KARMADA : SBX_PLANE_CLUSTERNET;
    if (plane && !add_server(w, plane, kind, port, err))
        return cf_error_wrap(err, "control plane %s", plane);
    return true;
}

/* The control endpoint's way to an API server's faults. */
static bool set_api_fault(void *user, const char *cluster,
                          const struct sbx_control_api_fault *fault, struct cf_error *err)
{
    struct sandbox_world *w = user;
    struct cluster *c = find(w, cluster);
    if (!c)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "no such cluster: %s", cluster);
    struct sbx_api_faults *f = sbx_api_server_faults(c->server);
    atomic_store(&f->slow_ms, fault->slow_ms);
    atomic_store(&f->status, fault->status);
    atomic_store(&f->hang, fault->hang);
    atomic_store(&f->watch_silent, fault->silent_watches);
    atomic_store(&f->lose_replies, fault->lose_replies);
    sbx_api_hide(w->apis[c - w->clusters], fault->hidden);
    if (fault->forget_history)
        sbx_api_compact(w->apis[c - w->clusters]);
    if (fault->cut_watches)
        sbx_api_server_cut(c->server);
    /* 401 and 403 are about who asks: the controllers have credentials of their own. */
    bool answers = !fault->away && !fault->hang && fault->status < 429;
    if (w->karmada)
        sbx_karmada_away(w->karmada, c - w->clusters < w->count ? c->name : NULL, !answers);
    if (w->clusternet)
        sbx_clusternet_away(w->clusternet, c - w->clusters < w->count ? c->name : NULL, !answers);
    if (w->velero)
        sbx_velero_away(w->velero, c->name, !answers);
    return sbx_api_server_away(c->server, fault->away, err);
}

static struct sbx_stop *stop_of(void *user, const char *cluster)
{
    struct cluster *c = find(user, cluster);
    return c ? sbx_api_server_stop(c->server) : NULL;
}

/* Demo objects, if wanted, and everything that controllers make of what is there. */
static bool fill(struct sandbox_world *w, struct cf_error *err)
{
    if (w->has_demo && !sbx_demo_load(w->apis[0], err))
        return false;
    if (!sbx_controllers_settle(w->controllers, DEMO_READY_MS) ||
        (w->karmada && !sbx_karmada_settle(w->karmada, DEMO_READY_MS)) ||
        (w->clusternet && !sbx_clusternet_settle(w->clusternet, DEMO_READY_MS)) ||
        (w->velero && !sbx_velero_settle(w->velero, DEMO_READY_MS)))
        return cf_error_set(err, CF_ERR_UNAVAILABLE, "the clusters did not settle");
    if (w->has_demo)
        cf_sleep_ms(&cf_clock_real, INT64_C(2) * SBX_PROPAGATION_MS); /* the gateways take it up */
    return true;
}

static bool reset(void *user, struct cf_error *err)
{
    struct sandbox_world *w = user;
    if (w->karmada)
        sbx_karmada_hold(w->karmada);
    if (w->clusternet)
        sbx_clusternet_hold(w->clusternet);
    if (w->velero)
        sbx_velero_hold(w->velero);
    for (int i = 0; i < w->servers; i++)
        sbx_api_wipe(w->apis[i]);
    if (w->karmada)
        sbx_karmada_release(w->karmada);
    if (w->clusternet)
        sbx_clusternet_release(w->clusternet);
    sbx_volumes_wipe(w->volumes);
    if (w->velero)
        sbx_velero_release(w->velero);
    return fill(w, err);
}

static bool start_dataplane(struct sandbox_world *w, int port_base, struct cf_error *err)
{
    int gateways[SANDBOX_CLUSTERS_MAX] = { 0 }, admins[SANDBOX_CLUSTERS_MAX] = { 0 };
    for (int i = 0; i < w->count && port_base; i++) {
        gateways[i] = port_base + 2 + i * PORTS_PER_CLUSTER;
        admins[i] = gateways[i] + 1;
    }
    struct sbx_dataplane_options options = { .apis = w->apis,
                                             .clusters = w->count,
                                             .gateway_ports = gateways,
                                             .admin_ports = admins,
                                             .volumes = w->volumes,
                                             .delay_ms = -1,
                                             .listener_slot = SLOT_DATAPLANE };
    w->dataplane = sbx_dataplane_start(&options, err);
    return w->dataplane != NULL;
}

static bool start_karmada(struct sandbox_world *w, int wait_percent, struct cf_error *err)
{
    const char *urls[SANDBOX_CLUSTERS_MAX];
    for (int i = 0; i < w->count; i++)
        urls[i] = sbx_api_server_url(w->clusters[i].server);
    struct sbx_karmada_options karmada = { .hub = w->apis[w->count],
                                           .members = w->apis,
                                           .urls = urls,
                                           .count = (size_t)w->count,
                                           .listener_slot = SLOT_PLANE,
                                           .wait_percent = wait_percent };
    w->karmada = sbx_karmada_start(&karmada, err);
    return w->karmada != NULL;
}

static bool start_clusternet(struct sandbox_world *w, struct cf_error *err)
{
    struct sbx_clusternet_options options = { .hub = w->apis[w->count],
                                              .members = w->apis,
                                              .count = (size_t)w->count,
                                              .listener_slot = SLOT_PLANE };
    w->clusternet = sbx_clusternet_start(&options, err);
    return w->clusternet != NULL;
}

static bool start_velero(struct sandbox_world *w, const struct sandbox_options *o,
                         struct cf_error *err)
{
    if (!o->velero)
        return true;
    struct sbx_velero_options options = { .apis = w->apis,
                                          .count = (size_t)w->count,
                                          .volumes = w->volumes,
                                          .listener_slot = SLOT_VELERO,
                                          .versions = o->velero_version,
                                          .wait_percent = o->velero_wait,
                                          .sync_ms = o->velero_sync_ms,
                                          .movers = o->velero_movers,
                                          .upload_per_s = o->velero_upload,
                                          .download_per_s = o->velero_download };
    w->velero = sbx_velero_start(&options, err);
    return w->velero != NULL;
}

/* The control plane's own controllers, and the federation's. */
static bool start_plane(struct sandbox_world *w, const struct sandbox_options *options,
                        struct cf_error *err)
{
    if (w->servers == w->count)
        return true;
    struct sbx_controllers_options upkeep = { .listener_slot = SLOT_CONTROLLERS,
                                              .only_upkeep = true };
    w->upkeep = sbx_controllers_start(&w->apis[w->count], 1, &upkeep, err);
    if (!w->upkeep)
        return false;
    return options->karmada ? start_karmada(w, options->karmada_wait, err)
                            : start_clusternet(w, err);
}

static bool make_certificate(struct sandbox_world *w, struct cf_error *err)
{
    cf_autofree char *key = NULL;
    if (!sandbox_certificate(&w->ca, &key, err))
        return false;
    w->tls = cf_http_tls_from_pem(w->ca, key, err);
    return w->tls != NULL;
}

static bool start_parts(struct sandbox_world *w, const struct sandbox_options *options,
                        struct cf_error *err)
{
    struct cf_http_server_options http = { .name = "sandbox", .handler_threads = HANDLERS };
    w->http = cf_http_server_start(&http, err);
    if (!w->http || !make_certificate(w, err) || !add_clusters(w, options, err))
        return false;
    w->volumes = sbx_volumes_new();
    struct sbx_controllers_options controllers = { .listener_slot = SLOT_CONTROLLERS,
                                                   .volumes = w->volumes };
    w->addresses = sbx_addresses_take(&controllers.third_octet);
    w->controllers = sbx_controllers_start(w->apis, (size_t)w->count, &controllers, err);
    if (!w->controllers || !start_dataplane(w, options->port_base, err) ||
        !start_plane(w, options, err) || !start_velero(w, options, err))
        return false;
    w->loads = sbx_loads_new(err);
    if (!w->loads)
        return false;
    struct sbx_control_options control = { .port = options->port_base,
                                           .apis = w->apis,
                                           .clusters = w->count,
                                           .servers = w->servers,
                                           .karmada = w->karmada,
                                           .clusternet = w->clusternet,
                                           .velero = w->velero,
                                           .volumes = w->volumes,
                                           .dataplane = w->dataplane,
                                           .loads = w->loads,
                                           .api_fault = set_api_fault,
                                           .stop = stop_of,
                                           .reset = reset,
                                           .user = w };
    w->control = sbx_control_start(&control, err);
    if (!w->control)
        return false;
    if (w->velero) {
        cf_autofree char *url = cf_xasprintf("%s/velero/download", sbx_control_url(w->control));
        sbx_velero_set_download_url(w->velero, url);
    }
    w->has_demo = options->demo;
    return fill(w, err);
}

static bool write_files(struct sandbox_world *w, const char *dir, struct cf_error *err)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return cf_error_errno(err, errno, dir);
    cf_autofree char *folder =
        realpath(dir, NULL); /* paths are read by others, from other places */
    if (!folder)
        return cf_error_errno(err, errno, dir);
    dir = folder;
    w->ca_path = cf_xasprintf("%s/ca.crt", dir);
    if (!write_file(w->ca_path, w->ca, err))
        return false;
    for (int i = 0; i < w->servers; i++)
        if (!write_kubeconfig(&w->clusters[i], dir, w->ca, err))
            return false;
    cf_autojson json_t *all = sandbox_world_describe(w);
    cf_autofree char *text = cf_json_dump_pretty(all);
    cf_autofree char *path = cf_xasprintf("%s/sandbox.json", dir),
                     *part = cf_xasprintf("%s/sandbox.json.part", dir);
    if (!write_file(part, text, err))
        return false;
    return rename(part, path) == 0 || cf_error_errno(err, errno, path);
}

struct sandbox_world *sandbox_world_start(const struct sandbox_options *options,
                                          struct cf_error *err)
{
    struct sandbox_world *w = cf_xcalloc(1, sizeof(*w));
    w->addresses = -1;
    if (start_parts(w, options, err) &&
        (!options->state_dir || write_files(w, options->state_dir, err)))
        return w;
    sandbox_world_stop(w);
    return NULL;
}

void sandbox_world_stop(struct sandbox_world *w)
{
    if (!w)
        return;
    if (w->addresses >= 0)
        close(w->addresses);
    sbx_control_stop(w->control);
    sbx_karmada_stop(w->karmada);
    sbx_clusternet_stop(w->clusternet);
    sbx_velero_stop(w->velero);
    sbx_controllers_stop(w->upkeep);
    sbx_loads_free(w->loads);
    sbx_dataplane_stop(w->dataplane);
    sbx_controllers_stop(w->controllers);
    cf_http_server_stop(w->http, DRAIN_MS);
    for (int i = 0; i < w->servers; i++) {
        sbx_api_server_free(w->clusters[i].server);
        sbx_api_free(w->apis[i]);
        free(w->clusters[i].kubeconfig);
    }
    sbx_volumes_free(w->volumes);
    cf_http_tls_unref(w->tls);
    free(w->ca);
    free(w->ca_path);
    free(w);
}

void sandbox_world_tick(struct sandbox_world *w)
{
    for (int i = 0; i < w->servers; i++)
        sbx_api_bookmarks(w->apis[i]);
}

static void add_paths(const struct sandbox_world *w, const struct cluster *c, json_t *o)
{
    if (w->ca_path)
        json_object_set_new(o, "ca", json_string(w->ca_path));
    if (c->kubeconfig)
        json_object_set_new(o, "kubeconfig", json_string(c->kubeconfig));
}

static json_t *describe_cluster(const struct sandbox_world *w, const struct cluster *c)
{
    const char *admin = sbx_dataplane_admin_url(w->dataplane, c->name);
    cf_autofree char *metrics = cf_xasprintf("%s/stats/prometheus", admin);
    json_t *o = json_pack(
        "{s:s,s:s,s:{s:s,s:s},s:s,s:s,s:s}", "name", c->name, "url", sbx_api_server_url(c->server),
        "tokens", "admin", c->admin_token, "viewer", c->viewer_token, "gateway",
        sbx_dataplane_gateway_url(w->dataplane, c->name), "admin", admin, "metrics", metrics);
    add_paths(w, c, o);
    return o;
}

static json_t *describe_plane(const struct sandbox_world *w, const struct cluster *c)
{
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:{s:s,s:s}}", "name", c->name, "kind",
                  w->karmada ? "karmada" : "clusternet", "server", sbx_api_server_url(c->server),
                  "tokens", "admin", c->admin_token, "viewer", c->viewer_token);
    add_paths(w, c, o);
    return o;
}

json_t *sandbox_world_describe(const struct sandbox_world *w)
{
    json_t *clusters = json_array(), *planes = json_array();
    for (int i = 0; i < w->servers; i++)
        if (i < w->count)
            json_array_append_new(clusters, describe_cluster(w, &w->clusters[i]));
        else
            json_array_append_new(planes, describe_plane(w, &w->clusters[i]));
    return json_pack("{s:o,s:o,s:s,s:i}", "clusters", clusters, "controlPlanes", planes, "control",
                     sbx_control_url(w->control), "pid", (int)getpid());
}
