/* SPDX-License-Identifier: Apache-2.0 */
/* One listener per pod and port, opened and closed as the objects say, and the answer that they give. */
#include "deploy/sandbox/dataplane/pods.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/thread.h"
#include "deploy/sandbox/dataplane/ledger.h"
#include "deploy/sandbox/dataplane/wire.h"
#include "orchestrator/http/http.h"

enum { CONNECTIONS = 2048, NAME_LEN = 254, APP_LEN = 64, VERSION_LEN = 256, IDLE_MS = 600000 };

/* One listener. The record stays to the end, as the server's listener does; a later pod of that
 * address takes it over. */
struct pod {
    LIST_ENTRY(pod) row;
    struct sbx_pods *pods;
    char address[SBX_WIRE_ADDRESS];
    int port, real_port;
    struct cf_http_listener *listener; /* NULL: it could not be opened */
    /* Guarded by the lock. */
    char cluster[APP_LEN], ns[APP_LEN], name[NAME_LEN], app[APP_LEN], version[VERSION_LEN];
    char uid[APP_LEN], volume[NAME_LEN];
    struct sbx_api *api;
    bool is_ledger;
    bool seen, open;
    int64_t close_at_ms; /* draining until then; 0: it is not */
    uint64_t requests;
};

struct sbx_pods {
    pthread_mutex_t lock;
    struct cf_http_server *server;
    struct sbx_faults *faults;
    struct sbx_volumes *volumes;
    LIST_HEAD(, pod) rows;
};

/* ---- answering */

static void never(struct cf_http_request *req, struct cf_http_response *res, enum cf_http_wake why,
                  void *user)
{
    (void)req;
    (void)user;
    if (why != CF_HTTP_GONE)
        cf_http_response_cut(res);
}

static void who(struct pod *p, struct cf_http_response *res, struct sbx_verdict *out_verdict)
{
    CF_LOCKED(&p->pods->lock);
    p->requests++;
    *out_verdict = sbx_faults_judge(p->pods->faults, p->cluster, p->ns, p->app, cf_mono_now_ms());
    cf_http_response_header(res, "Lab-Cluster", p->cluster);
    cf_http_response_header(res, "Lab-Pod", p->name);
    cf_http_response_header(res, "Lab-Version", p->version);
    cf_http_response_json_take(res, out_verdict->status ? out_verdict->status : 200,
                               json_pack("{s:s, s:s, s:s, s:s}", "cluster", p->cluster, "pod",
                                         p->name, "version", p->version, "namespace", p->ns));
}

/* What an application with a volume answers instead of who it is. */
static void keep_ledger(struct pod *p, struct cf_http_request *req, struct cf_http_response *res)
{
    char ns[APP_LEN], name[NAME_LEN], uid[APP_LEN], volume[NAME_LEN];
    struct sbx_ledger l = { .volumes = p->pods->volumes };
    {
        CF_LOCKED(&p->pods->lock);
        if (!p->is_ledger)
            return;
        memcpy(ns, p->ns, sizeof(ns));
        memcpy(name, p->name, sizeof(name));
        memcpy(uid, p->uid, sizeof(uid));
        memcpy(volume, p->volume, sizeof(volume));
        l.api = p->api;
    }
    l.ns = ns;
    l.pod = name;
    l.uid = uid;
    l.volume = volume;
    sbx_ledger_answer(&l, req, res);
}

static void answer(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_verdict v;
    who(cf_http_request_owner(req), res, &v);
    if (!v.hang && !v.status)
        keep_ledger(cf_http_request_owner(req), req, res);
    if (v.hang)
        cf_http_parked_release(cf_http_park(res, -1, never, NULL));
    else if (v.delay_ms)
        cf_http_response_delay(res, v.delay_ms);
}

/* ---- opening and closing */

static struct pod *find(struct sbx_pods *s, const char *address, int port)
{
    struct pod *p;
    LIST_FOREACH(p, &s->rows, row)
    if (p->port == port && strcmp(p->address, address) == 0)
        return p;
    return NULL;
}

static struct cf_http_listener *listen_at(struct sbx_pods *s, struct pod *p, int port,
                                          struct cf_error *err)
{
    return cf_http_listen(
        s->server,
        &(struct cf_http_listen_options){
            .address = p->address,
            .port = port,
            .site = { .fallback = answer, .fallback_lane = CF_HTTP_INLINE, .owner = p },
            .limits = { .connections = CONNECTIONS,
                        .connections_per_address = CONNECTIONS,
                        .idle_ms = IDLE_MS },
        },
        err);
}

static struct pod *add(struct sbx_pods *s, const char *address, int port)
{
    struct pod *p = cf_xcalloc(1, sizeof(*p));
    p->pods = s;
    p->port = port;
    snprintf(p->address, sizeof(p->address), "%s", address);
    struct cf_error err = CF_ERROR_INIT;
    struct cf_error first = CF_ERROR_INIT;
    p->listener = listen_at(s, p, port, &first);
    if (!p->listener)
        p->listener = listen_at(s, p, 0, &err);
    if (!p->listener)
        cf_log_err(CF_LOG_WARN, "sandbox.pod", "a pod cannot answer", &err,
                   CF_S("address", address), CF_I("port", port));
    p->real_port = p->listener ? cf_http_listener_port(p->listener) : 0;
    p->open = p->listener;
    CF_LOCKED(&s->lock);
    LIST_INSERT_HEAD(&s->rows, p, row);
    return p;
}

static const char *app_of(const json_t *pod)
{
    const char *app = cf_json_str(pod, NULL, "metadata", "labels", "app", NULL);
    return app ? app : cf_json_str(pod, "", "metadata", "labels", "app.kubernetes.io/name", NULL);
}

static const char *version_of(const json_t *pod)
{
    const char *version = cf_json_str(pod, NULL, "metadata", "labels", "version", NULL);
    const json_t *first = json_array_get(cf_json_at(pod, "spec", "containers", NULL), 0);
    return version ? version : cf_json_str(first, "", "image", NULL);
}

/* One cluster as it is now. */
struct scene {
    struct sbx_api *api;
    const char *cluster;
    const json_t *claims;
};

static void open_port(struct sbx_pods *s, const struct scene *now, const json_t *pod, int port)
{
    const char *address = cf_json_str(pod, "", "status", "podIP", NULL);
    if (port <= 0 || port > 65535)
        return;
    struct pod *p = find(s, address, port);
    if (!p)
        p = add(s, address, port);
    bool reopen;
    {
        CF_LOCKED(&s->lock);
        snprintf(p->cluster, sizeof(p->cluster), "%s", now->cluster);
        p->api = now->api;
        p->is_ledger = sbx_ledger_is(pod);
        snprintf(p->uid, sizeof(p->uid), "%s", cf_json_str(pod, "", "metadata", "uid", NULL));
        snprintf(p->volume, sizeof(p->volume), "%s",
                 p->is_ledger ? sbx_ledger_volume(pod, now->claims) : "");
        snprintf(p->ns, sizeof(p->ns), "%s", cf_json_str(pod, "", "metadata", "namespace", NULL));
        snprintf(p->name, sizeof(p->name), "%s", cf_json_str(pod, "", "metadata", "name", NULL));
        snprintf(p->app, sizeof(p->app), "%s", app_of(pod));
        snprintf(p->version, sizeof(p->version), "%s", version_of(pod));
        p->seen = true;
        p->close_at_ms = 0;
        reopen = !p->open && p->real_port > 0;
        p->open = p->listener;
    }
    struct cf_error err = CF_ERROR_INIT;
    if (reopen && !cf_http_listener_set_away(p->listener, false, &err))
        cf_log_err(CF_LOG_WARN, "sandbox.pod", "a pod cannot answer", &err,
                   CF_S("address", address), CF_I("port", port));
}

/* ---- what there should be */

static void open_ports(struct sbx_pods *s, const struct scene *now, const json_t *pod)
{
    size_t i, k;
    json_t *container, *port;
    json_array_foreach(cf_json_at(pod, "spec", "containers", NULL), i, container)
        json_array_foreach(json_object_get(container, "ports"), k, port)
            open_port(s, now, pod, (int)cf_json_int(port, 0, "containerPort", NULL));
}

/* Ports that a container does not declare, but a Service leads to. */
static void open_slice_ports(struct sbx_pods *s, const struct scene *now, const json_t *by_address,
                             const json_t *slice)
{
    size_t i, k, m;
    json_t *endpoint, *address, *port;
    json_array_foreach(json_object_get(slice, "endpoints"), i, endpoint)
    {
        json_array_foreach(json_object_get(endpoint, "addresses"), k, address)
        {
            const char *text = json_string_value(address);
            const json_t *pod = text ? json_object_get(by_address, text) : NULL;
            if (!pod)
                continue;
            json_array_foreach(json_object_get(slice, "ports"), m, port)
                open_port(s, now, pod, (int)cf_json_int(port, 0, "port", NULL));
        }
    }
}

static bool has_address(const json_t *pod)
{
    const char *address = cf_json_str(pod, "", "status", "podIP", NULL);
    return *address && strlen(address) < SBX_WIRE_ADDRESS && cf_http_addr_is_loopback(address) &&
           strcmp(cf_json_str(pod, "", "status", "phase", NULL), "Running") == 0;
}

void sbx_pods_sync(struct sbx_pods *s, struct sbx_api *api, const json_t *pods,
                   const json_t *slices, const json_t *claims)
{
    const char *cluster = sbx_api_cluster(api);
    const struct scene now = { api, cluster, claims };
    struct pod *p;
    pthread_mutex_lock(&s->lock);
    LIST_FOREACH(p, &s->rows, row)
    if (strcmp(p->cluster, cluster) == 0)
        p->seen = false;
    pthread_mutex_unlock(&s->lock);
    cf_autojson json_t *by_address = json_object();
    size_t i;
    json_t *o;
    json_array_foreach(pods, i, o)
    {
        if (!has_address(o))
            continue;
        json_object_set(by_address, cf_json_str(o, "", "status", "podIP", NULL), o);
        open_ports(s, &now, o);
    }
    json_array_foreach(slices, i, o) open_slice_ports(s, &now, by_address, o);
    CF_LOCKED(&s->lock);
    LIST_FOREACH(p, &s->rows, row)
    if (!p->seen && p->open && !p->close_at_ms && strcmp(p->cluster, cluster) == 0)
        p->close_at_ms = cf_mono_now_ms() + SBX_DRAIN_MS;
}

int64_t sbx_pods_close_drained(struct sbx_pods *s)
{
    int64_t next = -1;
    int64_t now = cf_mono_now_ms();
    struct pod *p;
    LIST_FOREACH(p, &s->rows, row)
    { /* rows are only added, by this thread */
        bool close_it = false;
        pthread_mutex_lock(&s->lock);
        if (p->close_at_ms && p->close_at_ms <= now) {
            p->close_at_ms = 0;
            p->open = false;
            close_it = p->listener;
        } else if (p->close_at_ms) {
            next = next < 0 ? p->close_at_ms : CF_MIN(next, p->close_at_ms);
        }
        pthread_mutex_unlock(&s->lock);
        struct cf_error ignored = CF_ERROR_INIT; /* going away does not fail */
        if (close_it && !cf_http_listener_set_away(p->listener, true, &ignored))
            cf_error_clear(&ignored);
    }
    return next;
}

int sbx_pods_port(struct sbx_pods *s, const char *address, int port)
{
    CF_LOCKED(&s->lock);
    struct pod *p = find(s, address, port);
    return !p ? port : p->open ? p->real_port : 0;
}

json_t *sbx_pods_json(struct sbx_pods *s)
{
    json_t *all = json_array();
    CF_LOCKED(&s->lock);
    struct pod *p;
    LIST_FOREACH(p, &s->rows, row)
    if (p->open)
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:b}", "cluster",
                                             p->cluster, "namespace", p->ns, "pod", p->name,
                                             "address", p->address, "port", p->port, "real_port",
                                             p->real_port, "requests", (json_int_t)p->requests,
                                             "draining", p->close_at_ms != 0));
    return all;
}

struct sbx_pods *sbx_pods_start(struct sbx_faults *faults, struct sbx_volumes *volumes,
                                struct cf_error *err)
{
    struct sbx_pods *s = cf_xcalloc(1, sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->faults = faults;
    s->volumes = volumes;
    s->server = cf_http_server_start(&(struct cf_http_server_options){ .name = "pods",
                                                                       .handler_threads = 1,
                                                                       .action_threads = -1 },
                                     err);
    if (!s->server) {
        sbx_pods_stop(s);
        return NULL;
    }
    return s;
}

void sbx_pods_stop(struct sbx_pods *s)
{
    if (!s)
        return;
    cf_http_server_stop(s->server, 0);
    struct pod *p;
    while ((p = LIST_FIRST(&s->rows))) {
        LIST_REMOVE(p, row);
        free(p);
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
}
