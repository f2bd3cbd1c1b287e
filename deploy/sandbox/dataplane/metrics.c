/* SPDX-License-Identifier: Apache-2.0 */
/* Series in the order of their first request, found by their labels; one lock. */
#include "deploy/sandbox/dataplane/metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/thread.h"

enum {
    BUCKETS_MAX = 20,
    LABELS_MAX = 512,            /* names of objects are below 254 characters each */
    SERIES_MAX = 4096,           /* backends times statuses; what is beyond is not counted */
    TEXT_MAX = 16 * 1024 * 1024, /* of SERIES_MAX series */
    STATUS_CANCELED = 499,       /* nginx': the client went away; Envoy counts no answer then */
};

/* Upper bounds as these gateways have them: Envoy's in ms, ingress-nginx' in s. */
static const double envoy_ms[] = { 0.5,   1,      5,      10,      25,     50,    100,
                                   250,   500,    1000,   2500,    5000,   10000, 30000,
                                   60000, 300000, 600000, 1800000, 3600000 };
static const double nginx_s[] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 };

struct series {
    bool nginx;
    char labels[LABELS_MAX];
    uint64_t by_class[6]; /* Envoy's; ingress-nginx has a series per status */
    uint64_t count, buckets[BUCKETS_MAX];
    double sum; /* in the unit of the buckets */
};

struct sbx_metrics {
    pthread_mutex_t lock;
    struct series **rows;
    int n;
};

struct sbx_metrics *sbx_metrics_new(void)
{
    struct sbx_metrics *m = cf_xcalloc(1, sizeof(*m));
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void sbx_metrics_free(struct sbx_metrics *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->n; i++)
        free(m->rows[i]);
    free(m->rows);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static struct series *find(struct sbx_metrics *m, bool nginx, const char *labels)
{
    for (int i = 0; i < m->n; i++)
        if (m->rows[i]->nginx == nginx && strcmp(m->rows[i]->labels, labels) == 0)
            return m->rows[i];
    if (m->n == SERIES_MAX)
        return NULL;
    m->rows = cf_xrealloc(m->rows, (size_t)(m->n + 1) * sizeof(*m->rows));
    struct series *s = m->rows[m->n++] = cf_xcalloc(1, sizeof(*s));
    s->nginx = nginx;
    snprintf(s->labels, sizeof(s->labels), "%s", labels);
    return s;
}

/* Names of Kubernetes objects need no escapes. */
static void label(const struct sbx_backend *b, int status, char out[LABELS_MAX])
{
    if (b->router == SBX_INGRESS)
        snprintf(out, LABELS_MAX,
                 "canary=\"%s\",ingress=\"%s\",namespace=\"%s\",service=\"%s\",status=\"%d\"",
                 b->canary, b->ingress, b->ns, b->service, status);
    else
        snprintf(out, LABELS_MAX, "envoy_cluster_name=\"%s\"", b->metric);
}

void sbx_metrics_count(struct sbx_metrics *m, const struct sbx_backend *b, int status, int64_t us)
{
    bool nginx = b->router == SBX_INGRESS;
    if (!nginx && status == STATUS_CANCELED)
        return;
    char labels[LABELS_MAX];
    label(b, status, labels);
    const double *bounds = nginx ? nginx_s : envoy_ms;
    size_t n = nginx ? CF_ARRAY_LEN(nginx_s) : CF_ARRAY_LEN(envoy_ms);
    double took = (double)us / (nginx ? 1e6 : 1e3);
    CF_LOCKED(&m->lock);
    struct series *s = find(m, nginx, labels);
    if (!s)
        return;
    s->by_class[CF_MIN(5, status / 100)]++;
    s->count++;
    s->sum += took;
    for (size_t i = n; i-- > 0 && took <= bounds[i];)
        s->buckets[i]++;
}

static void histogram(struct cf_buf *out, const struct series *s, const char *name)
{
    const double *bounds = s->nginx ? nginx_s : envoy_ms;
    size_t n = s->nginx ? CF_ARRAY_LEN(nginx_s) : CF_ARRAY_LEN(envoy_ms);
    for (size_t i = 0; i < n; i++)
        cf_buf_printf(out, "%s_bucket{%s,le=\"%.10g\"} %llu\n", name, s->labels, bounds[i],
                      (unsigned long long)s->buckets[i]);
    cf_buf_printf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n", name, s->labels,
                  (unsigned long long)s->count);
    cf_buf_printf(out, "%s_sum{%s} %.6f\n", name, s->labels, s->sum);
    cf_buf_printf(out, "%s_count{%s} %llu\n", name, s->labels, (unsigned long long)s->count);
}

static void counters(struct cf_buf *out, const struct series *s)
{
    if (s->nginx) {
        cf_buf_printf(out, "nginx_ingress_controller_requests{%s} %llu\n", s->labels,
                      (unsigned long long)s->count);
        return;
    }
    for (int i = 1; i < 6; i++)
        if (s->by_class[i])
            cf_buf_printf(
                out, "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"%d\",%s} %llu\n", i,
                s->labels, (unsigned long long)s->by_class[i]);
}

char *sbx_metrics_text(struct sbx_metrics *m)
{
    static const struct {
        bool nginx;
        const char *counter, *time;
    } families[] = {
        { false, "envoy_cluster_upstream_rq_xx", "envoy_cluster_upstream_rq_time" },
        { true, "nginx_ingress_controller_requests",
          "nginx_ingress_controller_request_duration_seconds" },
    };
    struct cf_buf out = CF_BUF_INIT(TEXT_MAX);
    CF_LOCKED(&m->lock);
    for (size_t f = 0; f < CF_ARRAY_LEN(families); f++) {
        cf_buf_printf(&out, "# TYPE %s counter\n", families[f].counter);
        for (int i = 0; i < m->n; i++)
            if (m->rows[i]->nginx == families[f].nginx)
                counters(&out, m->rows[i]);
        cf_buf_printf(&out, "# TYPE %s histogram\n", families[f].time);
        for (int i = 0; i < m->n; i++)
            if (m->rows[i]->nginx == families[f].nginx)
                histogram(&out, m->rows[i], families[f].time);
    }
    return cf_buf_take(&out);
}
