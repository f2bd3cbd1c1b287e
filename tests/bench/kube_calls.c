/* SPDX-License-Identifier: Apache-2.0 */
/* Calls per second of the cluster client against a real API server, beside what a plain curl handle
 * per thread does with the same requests in the same run, and the memory that watches cost.
 *
 *   CROSSFADE_TEST_KUBECONFIG=… bench_kube_calls [threads [seconds [watches]]]
 *
 * Prints one JSON line per measurement. */
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/thread.h"
#include "federation/kube/credentials.h"
#include "federation/kube/watch.h"

enum { THREADS_MAX = 256, WATCHES_MAX = 4096 };

struct work {
    struct cf_kube *k;
    const struct cf_kube_credentials *credentials;
    atomic_bool stop;
    atomic_long done, failed;
};

static double rss_mib(void)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *text = cf_file_read("/proc/self/statm", 4096, NULL, &err);
    long size = 0, resident = 0;
    if (text)
        sscanf(text, "%ld %ld", &size, &resident);
    return (double)resident * 4096.0 / 1048576.0;
}

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void *with_client(void *arg)
{
    struct work *w = arg;
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, "kube-system");
    while (!atomic_load(&w->stop)) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *ns = NULL;
        atomic_fetch_add(cf_kube_get(w->k, NULL, &ref, &ns, &err) ? &w->done : &w->failed, 1);
    }
    return NULL;
}

static size_t drop(char *data, size_t size, size_t n, void *arg)
{
    (void)data, (void)arg;
    return size * n;
}

static void set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = { .data = (void *)(uintptr_t)pem,
                              .len = pem ? strlen(pem) : 0,
                              .flags = CURL_BLOB_NOCOPY };
    if (pem)
        curl_easy_setopt(easy, option, &blob);
}

static void *with_plain_curl(void *arg)
{
    struct work *w = arg;
    const struct cf_kube_credentials *c = w->credentials;
    CURL *easy = curl_easy_init();
    cf_autofree char *url = cf_xasprintf("%s/api/v1/namespaces/kube-system", c->server);
    cf_autofree char *line =
        cf_xasprintf("Authorization: %s", c->authorization ? c->authorization : "");
    struct curl_slist *headers = c->authorization ? curl_slist_append(NULL, line) : NULL;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    set_blob(easy, CURLOPT_CAINFO_BLOB, c->ca_pem);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, c->cert_pem);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, c->key_pem);
    while (!atomic_load(&w->stop))
        atomic_fetch_add(curl_easy_perform(easy) == CURLE_OK ? &w->done : &w->failed, 1);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    return NULL;
}

static void measure(const char *name, struct work *w, void *(*fn)(void *), int threads, int seconds)
{
    pthread_t ids[THREADS_MAX];
    struct cf_error err = CF_ERROR_INIT;
    atomic_store(&w->stop, false);
    atomic_store(&w->done, 0);
    atomic_store(&w->failed, 0);
    double cpu = cpu_s();
    int64_t begun_ms = cf_mono_now_ms();
    for (int i = 0; i < threads; i++)
        cf_assert(cf_thread_start(&ids[i], name, fn, w, &err));
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never;
    cf_cond_init(&never);
    pthread_mutex_lock(&lock);
    while (cf_cond_wait_until(&never, &lock, begun_ms + seconds * 1000))
        ;
    pthread_mutex_unlock(&lock);
    double rss = rss_mib();
    atomic_store(&w->stop, true);
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    double s = (double)(cf_mono_now_ms() - begun_ms) / 1000.0;
    long done = atomic_load(&w->done);
    printf("{\"what\":\"%s\",\"threads\":%d,\"seconds\":%.1f,\"calls_per_s\":%.0f,\"failed\":%ld,"
           "\"rss_mib\":%.1f,"
           "\"cpu_us_per_call\":%.0f}\n",
           name, threads, s, (double)done / s, atomic_load(&w->failed), rss,
           done ? (cpu_s() - cpu) * 1e6 / (double)done : 0.0);
    fflush(stdout);
}

static void count(void *arg, const struct cf_watch_event *e)
{
    if (e->type == CF_WATCH_SYNCED)
        atomic_fetch_add((atomic_int *)arg, 1);
}

static void measure_watches(struct cf_kube *k, int n)
{
    static struct cf_kube_watch *w[WATCHES_MAX];
    struct cf_error err = CF_ERROR_INIT;
    atomic_int synced = 0;
    double before = rss_mib();
    int64_t begun_ms = cf_mono_now_ms();
    struct cf_watch_options o = { .api_version = "v1", .kind = "ConfigMap", .ns = "default" };
    for (int i = 0; i < n; i++) {
        w[i] = cf_kube_watch_start(k, NULL, &o, count, &synced, &err);
        cf_assert(w[i]);
    }
    while (atomic_load(&synced) < n && cf_mono_now_ms() - begun_ms < 60000)
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    printf("{\"what\":\"watches\",\"n\":%d,\"live\":%d,\"seconds\":%.2f,\"rss_mib\":%.1f,"
           "\"kib_per_watch\":%.1f}\n",
           n, atomic_load(&synced), (double)(cf_mono_now_ms() - begun_ms) / 1000.0, rss_mib(),
           (rss_mib() - before) * 1024 / n);
    for (int i = 0; i < n; i++)
        cf_kube_watch_stop(w[i]);
}

int main(int argc, char **argv)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *path = getenv("CROSSFADE_TEST_KUBECONFIG");
    if (!path) {
        fprintf(stderr, "CROSSFADE_TEST_KUBECONFIG is not set\n");
        return 77;
    }
    int threads = argc > 1 ? CF_MIN(atoi(argv[1]), THREADS_MAX) : 16;
    int seconds = argc > 2 ? atoi(argv[2]) : 5;
    int watches = argc > 3 ? CF_MIN(atoi(argv[3]), WATCHES_MAX) : 500;
    struct cf_kube_credentials *c = cf_kubeconfig_load(path, NULL, &err);
    struct cf_kube_net *net = c ? cf_kube_net_new(&err) : NULL;
    struct cf_kube_options o = {
        .name = "bench", .max_in_flight = THREADS_MAX, .rate_per_s = 1e9, .burst = 1000000
    };
    struct cf_kube *k = net ? cf_kube_open(net, c, &o, &err) : NULL;
    if (!k) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    struct work w = { .k = k, .credentials = c };
    measure("client", &w, with_client, threads, seconds);
    if (watches > 0)
        measure_watches(k, watches);
    measure("plain curl per thread", &w, with_plain_curl, threads, seconds);
    measure("client again", &w, with_client, threads, seconds);
    cf_kube_unref(k);
    cf_kube_net_free(net);
    cf_kube_credentials_unref(c);
    return 0;
}
