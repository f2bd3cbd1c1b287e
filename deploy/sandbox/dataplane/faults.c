/* SPDX-License-Identifier: Apache-2.0 */
/* The table of faults; dice and token buckets decide for each request. */
#include "deploy/sandbox/dataplane/faults.h"

#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "deploy/sandbox/dataplane/rng.h"

enum {
    NAME_MAX_LEN = 128,
    LATENCY_MS_MAX = 600000,
    BURST_MS = 200 /* a capacity is not felt by a handful of requests at once */
};

struct row {
    char cluster[NAME_MAX_LEN], ns[NAME_MAX_LEN], app[NAME_MAX_LEN];
    struct sbx_app_fault fault;
    double tokens; /* of the capacity */
    int64_t filled_ms;
};

struct sbx_faults {
    pthread_mutex_t lock;
    struct sbx_rng rng;
    struct row rows[SBX_FAULTS_MAX];
    int n;
};

struct sbx_faults *sbx_faults_new(void)
{
    struct sbx_faults *f = cf_xcalloc(1, sizeof(*f));
    pthread_mutex_init(&f->lock, NULL);
    sbx_rng_seed_any(&f->rng);
    return f;
}

void sbx_faults_free(struct sbx_faults *f)
{
    if (!f)
        return;
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static bool check(const struct sbx_app_fault *fault, struct cf_error *err)
{
    if (!(fault->error >= 0 && fault->error <= 1) || !(fault->hang >= 0 && fault->hang <= 1))
        return cf_error_set(err, CF_ERR_INVALID, "error and hang are parts, from 0 to 1");
    if (fault->status && (fault->status < 400 || fault->status > 599))
        return cf_error_set(err, CF_ERR_INVALID, "status must be from 400 to 599");
    if (fault->latency_ms < 0 || fault->latency_ms > LATENCY_MS_MAX)
        return cf_error_set(err, CF_ERR_INVALID, "latency_ms must be from 0 to %d", LATENCY_MS_MAX);
    if (!(fault->capacity >= 0 && fault->capacity <= 1e6))
        return cf_error_set(err, CF_ERR_INVALID,
                            "capacity must be from 0 to 1000000 requests a second");
    return true;
}

bool sbx_faults_set(struct sbx_faults *f, const char *cluster, const char *ns, const char *app,
                    const struct sbx_app_fault *fault, struct cf_error *err)
{
    if (fault && !check(fault, err))
        return false;
    if (strlen(cluster) >= NAME_MAX_LEN || strlen(ns) >= NAME_MAX_LEN ||
        strlen(app) >= NAME_MAX_LEN)
        return cf_error_set(err, CF_ERR_INVALID, "a name is longer than %d characters",
                            NAME_MAX_LEN - 1);
    CF_LOCKED(&f->lock);
    int i = 0;
    while (i < f->n && (strcmp(f->rows[i].cluster, cluster) != 0 ||
                        strcmp(f->rows[i].ns, ns) != 0 || strcmp(f->rows[i].app, app) != 0))
        i++;
    if (!fault) {
        if (i < f->n)
            f->rows[i] = f->rows[--f->n];
        return true;
    }
    if (i == SBX_FAULTS_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "there are %d faults already", SBX_FAULTS_MAX);
    struct row *r = &f->rows[i];
    *r = (struct row){ .fault = *fault, .filled_ms = cf_mono_now_ms() };
    snprintf(r->cluster, sizeof(r->cluster), "%s", cluster);
    snprintf(r->ns, sizeof(r->ns), "%s", ns);
    snprintf(r->app, sizeof(r->app), "%s", app);
    f->n = CF_MAX(f->n, i + 1);
    return true;
}

void sbx_faults_clear(struct sbx_faults *f)
{
    CF_LOCKED(&f->lock);
    f->n = 0;
}

json_t *sbx_faults_json(struct sbx_faults *f)
{
    CF_LOCKED(&f->lock);
    json_t *all = json_array();
    for (int i = 0; i < f->n; i++) {
        const struct row *r = &f->rows[i];
        json_array_append_new(
            all, json_pack("{s:s, s:s, s:s, s:f, s:I, s:f, s:i, s:f}", "cluster", r->cluster,
                           "namespace", r->ns, "app", r->app, "error", r->fault.error, "latency_ms",
                           (json_int_t)r->fault.latency_ms, "hang", r->fault.hang, "status",
                           r->fault.status, "capacity", r->fault.capacity));
    }
    return all;
}

static bool has_room(struct row *r, int64_t now_ms)
{
    if (r->fault.capacity <= 0)
        return true;
    double most = CF_MAX(1.0, r->fault.capacity * BURST_MS / 1000.0);
    r->tokens =
        CF_MIN(most, r->tokens + r->fault.capacity * (double)(now_ms - r->filled_ms) / 1000.0);
    r->filled_ms = now_ms;
    if (r->tokens < 1)
        return false;
    r->tokens -= 1;
    return true;
}

static bool fits(const char *row, const char *name)
{
    return !*row || strcmp(row, name) == 0;
}

struct sbx_verdict sbx_faults_judge(struct sbx_faults *f, const char *cluster, const char *ns,
                                    const char *app, int64_t now_ms)
{
    struct sbx_verdict v = { 0 };
    CF_LOCKED(&f->lock);
    for (int i = 0; i < f->n; i++) {
        struct row *r = &f->rows[i];
        if (!fits(r->cluster, cluster) || !fits(r->ns, ns) || !fits(r->app, app))
            continue;
        v.delay_ms += r->fault.latency_ms;
        if (!has_room(r, now_ms))
            v.status = 503;
        if (r->fault.hang > 0 && sbx_rng_uniform(&f->rng) < r->fault.hang)
            v.hang = true;
        if (r->fault.error > 0 && sbx_rng_uniform(&f->rng) < r->fault.error)
            v.status = r->fault.status ? r->fault.status : 500;
    }
    return v;
}
