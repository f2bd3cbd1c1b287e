/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at targets and writes bridges (bridges.h). */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "orchestrator/engine/bridges_internal.h"

enum { LOOK_TIMEOUT_MS = 4000, IDLE_MS = 1000 };

/* ---- the watch only says "look again" ---- */

static void slices_moved(void *arg, const struct cf_watch_event *event)
{
    struct cf_bridge_live *l = arg;
    if (event->type == CF_WATCH_ALIVE || event->type == CF_WATCH_RELIST ||
        event->type == CF_WATCH_OBJECT)
        return;
    CF_LOCKED(&l->owner->mutex);
    l->dirty = true;
    pthread_cond_broadcast(&l->owner->changed);
}

static void open_watch(struct cf_bridges *b, struct cf_bridge_live *l)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *target = NULL;
    struct cf_error ignored = CF_ERROR_INIT; /* without a watch the relists still do it */
    struct cf_kube_how how = { .timeout_ms = LOOK_TIMEOUT_MS };
    cf_autofree char *selector =
        cf_xasprintf("kubernetes.io/service-name=%s", l->which.target_service);
    struct cf_watch_options options = {
        .api_version = "discovery.k8s.io/v1",
        .kind = "EndpointSlice",
        .ns = l->which.target_ns,
        .label_selector = selector,
    };
    if (!b->config.clusters.kube(b->config.clusters.self, l->which.target_cluster, &target,
                                 &ignored))
        return;
    struct cf_kube_watch *watch =
        cf_kube_watch_start(target, &how, &options, slices_moved, l, &ignored);
    if (!watch)
        return;
    CF_LOCKED(&b->mutex);
    l->watch = watch;
    l->target = cf_steal(&target);
}

/* ---- one look ---- */

static json_t *fixed_slices(const struct cf_bridge_live *l, const json_t *addresses, int *out_ready,
                            struct cf_error *err)
{
    struct cf_bridge_address rows[CF_PLAN_ADDRESSES_MAX];
    int n = 0;
    size_t i;
    json_t *row;
    json_array_foreach(addresses, i, row)
    {
        if (n == CF_PLAN_ADDRESSES_MAX)
            break;
        (void)snprintf(rows[n].ip, sizeof rows[n].ip, "%s", cf_json_str(row, "", "ip", NULL));
        rows[n++].port = (int)cf_json_int(row, 0, "port", NULL);
    }
    return cf_bridge_slices_fixed(&l->which, l->service, rows, n, out_ready, err);
}

static json_t *desired_slices(struct cf_bridges *b, const struct cf_bridge_live *l, int *out_ready,
                              struct cf_error *err)
{
    const json_t *addresses = cf_json_at(l->spec, "addresses", NULL);
    struct cf_kube_how how = { .timeout_ms = LOOK_TIMEOUT_MS };
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *target = NULL;
    cf_autojson json_t *slices = NULL;
    if (json_array_size(addresses) > 0)
        return fixed_slices(l, addresses, out_ready, err);
    if (!b->config.clusters.kube(b->config.clusters.self, l->which.target_cluster, &target, err) ||
        !cf_bridge_target_slices(target, &how, l->which.target_ns, l->which.target_service, &slices,
                                 err)) {
        cf_error_wrap(err, "endpoints of the target");
        return NULL;
    }
    return cf_bridge_slices(&l->which, l->service, slices, out_ready, err);
}

/* What a look found. */
struct found {
    int ready, others;
};

static bool write_slices(struct cf_bridges *b, struct cf_bridge_live *l, int weight,
                         struct found *out, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_kube_how how = { .timeout_ms = LOOK_TIMEOUT_MS };
    json_t *service = NULL;
    int writes = 0;
    if (!b->config.clusters.kube(b->config.clusters.self, l->cluster, &kube, err) ||
        !cf_bridge_ensure(kube, &how, &l->which, &service, err))
        return cf_error_wrap(err, "bridge Service");
    json_decref(l->service);
    l->service = service;
    cf_autojson json_t *desired = desired_slices(b, l, &out->ready, err);
    if (!desired || !cf_bridge_sync(kube, &how, &l->which, desired, weight, &writes, err))
        return false;
    return !l->which.by_name || cf_bridge_others(kube, &how, &l->which, &out->others, err);
}

/* Pods of both clusters behind one name are in step, and all the same what a person must hear of.
 * With the mutex. */
static void say_others(struct cf_bridge_live *l)
{
    l->why[0] = '\0';
    if (l->others > 0 && l->ready > 0)
        (void)snprintf(l->why, sizeof l->why,
                       "%d ready endpoints of Service %.63s/%.63s are its own, beside the bridge's "
                       "%d: callers reach both clusters",
                       l->others, l->which.ns, l->which.service, l->ready);
}

bool cf_bridge_live_look(struct cf_bridges *b, struct cf_bridge_live *l, struct cf_error *err)
{
    struct found found = { 0 };
    int weight;
    bool fixed = json_array_size(cf_json_at(l->spec, "addresses", NULL)) > 0;
    {
        CF_LOCKED(&b->mutex);
        weight = l->weight;
    }
    if (!l->watch && !fixed)
        open_watch(b, l);
    bool ok = write_slices(b, l, weight, &found, err);
    CF_LOCKED(&b->mutex);
    int64_t now = cf_mono_now_ms();
    l->due_ms = now + (cf_bridge_live_carries(l) ? CF_BRIDGE_RELIST_MS : CF_BRIDGE_RELIST_IDLE_MS);
    if (!ok) {
        (void)snprintf(l->why, sizeof l->why, "%.250s", err->message);
        l->due_ms = now + CF_BRIDGE_AGAIN_MS;
        return false;
    }
    l->synced = true;
    l->ready = found.ready;
    l->others = found.others;
    l->looked_ms = now;
    say_others(l);
    return true;
}

/* ---- the threads ---- */

/* A bridge that is due, referenced and marked flying; or NULL with *out_rows when the rows are to
 * be read; both NULL and false: stop. */
static bool take_work(struct cf_bridges *b, struct cf_bridge_live **out, bool *out_rows)
{
    CF_LOCKED(&b->mutex);
    *out = NULL;
    *out_rows = false;
    while (!b->stopping) {
        int64_t now = cf_mono_now_ms();
        int64_t next = CF_MIN(now + IDLE_MS, CF_MAX(b->rows_ms, now + 1));
        if (b->rows_due || now >= b->rows_ms) {
            b->rows_due = false;
            b->rows_ms = now + CF_BRIDGE_ROWS_MS;
            *out_rows = true;
            return true;
        }
        for (struct cf_bridge_live *l = b->list; l; l = l->next) {
            if (l->flying)
                continue;
            if (!l->dirty && l->due_ms > now) {
                next = CF_MIN(next, l->due_ms);
                continue;
            }
            l->dirty = false;
            l->flying = true;
            l->refs++;
            *out = l;
            return true;
        }
        (void)cf_cond_wait_until(&b->changed, &b->mutex, next);
    }
    return false;
}

/* One log line for each change. */
static void feed(struct cf_bridges *b, struct cf_bridge_live *l)
{
    struct cf_error err = CF_ERROR_INIT;
    bool ok = cf_bridge_live_look(b, l, &err);
    if (!ok && !l->failing)
        cf_log_err(CF_LOG_WARN, "bridge.failing", "the bridge could not be brought in step", &err,
                   CF_S("cluster", l->cluster), CF_S("bridge", l->which.service));
    if (ok && l->failing)
        cf_log(CF_LOG_INFO, "bridge.in-step", "the bridge is in step again",
               CF_S("cluster", l->cluster), CF_S("bridge", l->which.service));
    l->failing = !ok;
}

/* What was asked to go and is still named, or cannot be asked about, is fed on, with the reason in
 * its status, and asked again at each look. Whether it is gone; what another replica takes away is gone
 * from here. */
static bool retire(struct cf_bridges *b, struct cf_bridge_live *l)
{
    struct cf_error err = CF_ERROR_INIT;
    if (!cf_bridges_own(b, cf_bridge_live_said(b, l).shard) || cf_bridges_retire(b, l, &err))
        return true;
    if (!l->kept)
        cf_log_err(CF_LOG_INFO, "bridge.kept", "the bridge stays until nothing names it", &err,
                   CF_S("cluster", l->cluster), CF_S("bridge", l->which.service));
    l->kept = true;
    feed(b, l);
    CF_LOCKED(&b->mutex);
    (void)snprintf(l->why, sizeof l->why, "%.250s", err.message);
    l->due_ms = CF_MIN(l->due_ms, cf_mono_now_ms() + CF_BRIDGE_RELIST_MS);
    return false;
}

static void work_on(struct cf_bridges *b, struct cf_bridge_live *l)
{
    bool was_synced = l->synced;
    int was_ready = l->ready, was_others = l->others;
    char was_why[sizeof l->why];
    memcpy(was_why, l->why, sizeof was_why);
    const struct cf_bridge_said said = cf_bridge_live_said(b, l);
    bool gone = said.retiring ? retire(b, l) : (feed(b, l), false);
    bool news = was_synced != l->synced || was_ready != l->ready || was_others != l->others;
    if (!gone && (news || strcmp(was_why, l->why) != 0))
        cf_bridges_save_status(b, l);
    cf_bridge_live_give_back(b, l, gone);
    if (news)
        b->config.woken(b->config.woken_arg, said.run_id);
}

void *cf_bridges_thread(void *arg)
{
    struct cf_bridges *b = arg;
    struct cf_bridge_live *l;
    bool rows;
    while (take_work(b, &l, &rows)) {
        if (rows)
            cf_bridges_read_rows(b);
        if (l)
            work_on(b, l);
    }
    return NULL;
}
