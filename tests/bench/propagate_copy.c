/* SPDX-License-Identifier: Apache-2.0 */
/* Copies a namespace between two real API servers, without a run around it: by the direct driver, or
 * as a client would that is in a hurry: lists, cleans, and applies everything side by side, with no
 * order, no rehearsal, no look at what is there, no ledger and no limit.
 *
 *   bench_propagate_copy direct|plain SOURCE_KUBECONFIG TARGET_KUBECONFIG FROM TO AT_ONCE [tried]
 *
 * Objects whose name begins with "bench-". `tried` leaves the driver's rehearsal out. Prints one
 * JSON line. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/thread.h"
#include "federation/kube/credentials.h"
#include "federation/kube/fan_out.h"
#include "federation/objects/clean.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/propagator.h"

struct plain {
    struct cf_kube *target;
    json_t *bodies;
    bool creates; /* POST instead of server-side apply */
    atomic_int failed;
};

static bool put_number(void *arg, size_t i)
{
    struct plain *p = arg;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_write write = { .force = true, .field_manager = "bench" };
    const json_t *body = json_array_get(p->bodies, i);
    bool ok = p->creates ? cf_kube_create(p->target, NULL, body, &write, NULL, &err)
                         : cf_kube_apply(p->target, NULL, body, &write, NULL, &err);
    if (!ok && atomic_fetch_add(&p->failed, 1) == 0)
        fprintf(stderr, "%s\n", err.message);
    return true;
}

static void add_kind(struct cf_kube *source, const struct cf_kind *k, const char *from,
                     const char *to, json_t *bodies)
{
    char api_version[64];
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_list list = { .api_version = cf_kind_api_version(k, api_version),
                                 .kind = k->kind,
                                 .ns = from };
    cf_autojson json_t *items = NULL;
    if (strcmp(k->kind, "Namespace") == 0 || !cf_kube_list(source, NULL, &list, &items, NULL, &err))
        return;
    size_t i;
    json_t *object;
    json_array_foreach(items, i, object)
    {
        if (strncmp(cf_object_name(object), "bench-", 6) != 0)
            continue;
        json_t *body = cf_object_clean(object);
        cf_json_put_take(body, json_string(to), "metadata", "namespace", NULL);
        json_array_append_new(bodies, body);
    }
}

static int copy_plain(struct cf_kube *source, struct cf_kube *target, const char *from,
                      const char *to, bool creates)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *ns = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
                                       "Namespace", "metadata", "name", to);
    cf_autojson json_t *bodies = json_array();
    struct plain p = { .target = target, .bodies = bodies, .creates = creates };
    struct cf_kube_write write = { .force = true, .field_manager = "bench" };
    if (!cf_kube_apply(target, NULL, ns, &write, NULL, &err))
        fprintf(stderr, "%s\n", err.message);
    for (const struct cf_kind *k = cf_kinds; k->kind; k++)
        add_kind(source, k, from, to, bodies);
    cf_kube_fan_out(target, json_array_size(bodies), put_number, &p);
    return atomic_load(&p.failed) ? -1 : (int)json_array_size(bodies);
}

static bool no_image(void *self, const char *key, const json_t *object, struct cf_error *err)
{
    (void)self;
    (void)object;
    return cf_error_set(err, CF_ERR_BUG, "nothing is overwritten here: %s", key);
}

static int copy_direct(struct cf_kube *source, struct cf_kube *target, const char *from,
                       const char *to, bool tried, int64_t *out_read_ms)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *workloads = json_pack(
        "{s:[{s:s}], s:[], s:s, s:s, s:[], s:{s:i}}", "include", "name", "bench-*", "exclude",
        "onConflict", "fail", "start", "now", "transforms", "replicas", "min", 1);
    cf_autojson json_t *services = json_array();
    cf_autojson json_t *inventory = NULL;
    json_t *ledger = json_array();
    char run[32];
    (void)snprintf(run, sizeof run, "bench-%lld", (long long)cf_mono_now_ms());
    struct cf_propagation p = { .source = source,
                                .target = target,
                                .source_namespace = from,
                                .target_namespace = to,
                                .create_namespace = true,
                                .run_id = run,
                                .plan_name = "bench",
                                .workloads = workloads,
                                .services = services,
                                .before = { .put = no_image } };
    int64_t began_ms = cf_mono_now_ms();
    struct cf_copying copying = { 0 };
    bool ok = cf_propagator_direct.inventory(&p, &inventory, &err);
    *out_read_ms = cf_mono_now_ms() - began_ms;
    p.tried = tried ? cf_json_str(inventory, "", "digest", NULL) : "";
    while (ok && !copying.done)
        ok = cf_propagator_direct.apply(&p, inventory, &ledger, CF_PROPAGATE_BATCH, &copying, &err);
    if (!ok)
        fprintf(stderr, "%s\n", err.message);
    int n = ok ? (int)json_array_size(ledger) : -1;
    json_decref(ledger);
    return n;
}

static struct cf_kube *open_client(struct cf_kube_net *net, const char *path, int at_once)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_credentials *c = cf_kubeconfig_load(path, NULL, &err);
    struct cf_kube_options o = {
        .name = path, .max_in_flight = 2 * at_once, .rate_per_s = 1e9, .burst = 1000000
    };
    struct cf_kube *k = c ? cf_kube_open(net, c, &o, &err) : NULL;
    if (k)
        cf_kube_set_parallel(k, at_once);
    else
        fprintf(stderr, "%s\n", err.message);
    cf_kube_credentials_unref(c);
    return k;
}

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    struct cf_error err = CF_ERROR_INIT;
    if (argc < 7)
        return 64;
    int at_once = CF_MAX(1, CF_MIN(atoi(argv[6]), CF_KUBE_PARALLEL_MAX));
    struct cf_kube_net *net = cf_kube_net_new(&err);
    struct cf_kube *source = net ? open_client(net, argv[2], at_once) : NULL;
    struct cf_kube *target = source ? open_client(net, argv[3], at_once) : NULL;
    int64_t read_ms = 0, began_ms = cf_mono_now_ms();
    int n = -1;
    bool creates = strcmp(argv[1], "create") == 0;
    if (target && (creates || strcmp(argv[1], "plain") == 0))
        n = copy_plain(source, target, argv[4], argv[5], creates);
    else if (target)
        n = copy_direct(source, target, argv[4], argv[5], argc > 7, &read_ms);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("{\"how\":\"%s\",\"atOnce\":%d,\"objects\":%d,\"seconds\":%.3f,\"readSeconds\":%.3f,"
           "\"cpuSeconds\":%.2f,\"maxRssMiB\":%.0f}\n",
           argv[1], at_once, n, (double)(cf_mono_now_ms() - began_ms) / 1000.0,
           (double)read_ms / 1000.0, cpu_s(), (double)u.ru_maxrss / 1024.0);
    cf_kube_unref(source);
    cf_kube_unref(target);
    cf_kube_net_free(net);
    return n < 0;
}
