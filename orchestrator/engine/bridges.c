/* SPDX-License-Identifier: Apache-2.0 */
/* The table of live bridges and the port over it (bridges.h). */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "orchestrator/engine/bridges_internal.h"
#include "orchestrator/preflight/survey.h"
#include "store/shards.h"

/* ---- the table ---- */

struct cf_bridge_live *cf_bridge_live_find(struct cf_bridges *b,
                                           const struct cf_bridge_place *place)
{
    for (struct cf_bridge_live *l = b->list; l; l = l->next)
        if (strcmp(l->cluster, place->cluster) == 0 && strcmp(l->which.ns, place->ns) == 0 &&
            strcmp(l->which.service, place->service) == 0 && l->which.by_name == place->by_name)
            return l;
    return NULL;
}

struct cf_bridge_live *cf_bridge_live_add(struct cf_bridges *b, const char *cluster,
                                          const struct cf_bridge *which, const json_t *spec)
{
    struct cf_bridge_live *l = cf_xcalloc(1, sizeof *l);
    (void)snprintf(l->cluster, sizeof l->cluster, "%s", cluster);
    (void)snprintf(l->run_id, sizeof l->run_id, "%.36s", which->run);
    l->which = *which;
    l->spec = cf_json_copy(spec);
    l->weight = (int)cf_json_int(spec, 0, "weight", NULL);
    l->born_ms = cf_mono_now_ms();
    l->dirty = true;
    l->refs = 1;
    l->owner = b;
    l->next = b->list;
    b->list = l;
    return l;
}

void cf_bridge_live_unlink(struct cf_bridges *b, struct cf_bridge_live *l)
{
    for (struct cf_bridge_live **at = &b->list; *at; at = &(*at)->next) {
        if (*at != l)
            continue;
        *at = l->next;
        l->dead = true;
        return;
    }
}

void cf_bridge_live_unref(struct cf_bridges *b, struct cf_bridge_live *l)
{
    {
        CF_LOCKED(&b->mutex);
        if (--l->refs > 0)
            return;
    }
    cf_kube_watch_stop(l->watch);
    cf_kube_unref(l->target);
    json_decref(l->spec);
    json_decref(l->service);
    free(l);
}

bool cf_bridge_live_carries(const struct cf_bridge_live *l)
{
    return l->weight > 0 || l->which.by_name;
}

/* ---- the port: ensure ---- */

static json_t *spec_of(const struct cf_bridge_want *want)
{
    if (want->by_name)
        return json_pack("{s:b}", "byName", true);
    json_t *addresses = json_array();
    if (want->traffic->reach == CF_PLAN_REACH_ADDRESS) {
        struct cf_bridge_address rows[CF_PLAN_ADDRESSES_MAX];
        int n = cf_survey_addresses(want->traffic, rows, CF_PLAN_ADDRESSES_MAX);
        for (int i = 0; i < n; i++)
            json_array_append_new(addresses,
                                  json_pack("{s:s,s:i}", "ip", rows[i].ip, "port", rows[i].port));
    }
    return json_pack("{s:o,s:i}", "addresses", addresses, "weight", 0);
}

static void which_of(const struct cf_bridge_want *want, struct cf_bridge *out)
{
    memset(out, 0, sizeof *out);
    (void)snprintf(out->ns, sizeof out->ns, "%s", want->ns);
    (void)snprintf(out->service, sizeof out->service, "%s", want->service);
    (void)snprintf(out->run, sizeof out->run, "%s", want->run_id);
    (void)snprintf(out->target_cluster, sizeof out->target_cluster, "%s", want->target_cluster);
    (void)snprintf(out->target_ns, sizeof out->target_ns, "%s", want->target_ns);
    (void)snprintf(out->target_service, sizeof out->target_service, "%s", want->target_service);
    out->by_name = want->by_name;
}

static bool put_row(struct cf_bridges *b, const struct cf_bridge_want *want, const json_t *spec,
                    char *out_id, struct cf_error *err)
{
    struct cf_bridge_new row = {
        .run_id = want->run_id,
        .cluster = want->cluster,
        .ns = want->ns,
        .service = want->service,
        .target_cluster = want->target_cluster,
        .target_ns = want->target_ns,
        .target_service = want->target_service,
        .spec = spec,
        .state = "active",
    };
    enum cf_record outcome;
    if (!cf_bridge_put(b->config.store, want->fence, &row, out_id, &outcome, err))
        return false;
    if (outcome != CF_RECORDED)
        return cf_error_set(err, CF_ERR_FENCED, "the bridge's row: %s", cf_record_name(outcome));
    return true;
}

static bool is_as_wanted(const struct cf_bridge_live *l, const char *id,
                         const struct cf_bridge *which)
{
    return !l->retiring && strcmp(l->id, id) == 0 && memcmp(&l->which, which, sizeof *which) == 0;
}

/* The row comes first: a bridge that nobody knows would be fed by nobody. The objects are made by
 * the first look. A look under way reads what it feeds without the mutex, so that is changed only
 * when there is none; routers that share a bridge change nothing. One that was going away stays: its
 * row is active again, which whoever takes it away sees. */
static bool ensure(void *self, const struct cf_bridge_want *want, struct cf_error *err)
{
    struct cf_bridges *b = self;
    const struct cf_bridge_place place = { want->cluster, want->ns, want->service, want->by_name };
    struct cf_bridge which;
    cf_autojson json_t *spec = spec_of(want);
    char id[CF_UUID_TEXT];
    which_of(want, &which);
    if (!put_row(b, want, spec, id, err))
        return cf_error_wrap(err, "remember the bridge %s/%s", want->ns, want->service);
    CF_LOCKED(&b->mutex);
    struct cf_bridge_live *l;
    while ((l = cf_bridge_live_find(b, &place)) && l->flying && !is_as_wanted(l, id, &which) &&
           !b->stopping)
        pthread_cond_wait(&b->changed, &b->mutex);
    if (!l)
        l = cf_bridge_live_add(b, want->cluster, &which, spec);
    if (!l->flying) {
        memcpy(l->id, id, sizeof l->id);
        memcpy(l->run_id, which.run, sizeof l->run_id);
        l->which = which;
        l->shard = cf_shard_of(id);
        l->retiring = false;
    }
    l->dirty = true;
    pthread_cond_broadcast(&b->changed);
    return true;
}

/* ---- the port: the rest ---- */

static int64_t unseen_ms(const struct cf_bridge_live *l)
{
    return cf_mono_now_ms() - CF_MAX(l->looked_ms, l->born_ms);
}

static bool is_stale(const struct cf_bridge_live *l)
{
    return cf_bridge_live_carries(l) && unseen_ms(l) > CF_BRIDGE_STALE_MS;
}

static void view(void *self, const struct cf_bridge_place *place, struct cf_bridge_view *out)
{
    struct cf_bridges *b = self;
    memset(out, 0, sizeof *out);
    (void)snprintf(out->why, sizeof out->why, "the bridge is not known here");
    CF_LOCKED(&b->mutex);
    const struct cf_bridge_live *l = cf_bridge_live_find(b, place);
    if (!l)
        return;
    out->known = true;
    out->synced = l->synced;
    out->stale = is_stale(l);
    out->unseen_ms = unseen_ms(l);
    out->ready = l->ready;
    out->others = l->others;
    memcpy(out->why, l->why, sizeof out->why);
}

/* The row first, whoever feeds the bridge: after a restart, and in another replica, it is all that is
 * known. `weighed_ms` keeps rows that were read before from undoing it. */
static bool set_weight(void *self, const struct cf_fence *fence, const char *run_id, int weight,
                       struct cf_error *err)
{
    struct cf_bridges *b = self;
    enum cf_record outcome;
    if (!cf_bridge_weight(b->config.store, fence, run_id, weight, &outcome, err))
        return false;
    if (outcome == CF_RECORD_FENCED)
        return cf_error_set(err, CF_ERR_FENCED, "the bridge's row: %s", cf_record_name(outcome));
    CF_LOCKED(&b->mutex);
    for (struct cf_bridge_live *l = b->list; l; l = l->next) {
        if (strcmp(l->run_id, run_id) != 0 || l->which.by_name)
            continue;
        l->weight = weight;
        l->weighed_ms = cf_mono_now_ms();
        l->dirty = true;
    }
    pthread_cond_broadcast(&b->changed);
    return true;
}

void cf_bridge_live_give_back(struct cf_bridges *b, struct cf_bridge_live *l, bool gone)
{
    {
        CF_LOCKED(&b->mutex);
        l->flying = false;
        if (gone && !l->dead) {
            cf_bridge_live_unlink(b, l);
            l->refs--;
        }
        pthread_cond_broadcast(&b->changed);
    }
    cf_bridge_live_unref(b, l);
}

struct cf_bridges_ops cf_bridges_port(struct cf_bridges *b)
{
    return (struct cf_bridges_ops){
        .ensure = ensure,
        .view = view,
        .weight = set_weight,
        .remove = cf_bridges_remove_of_run,
        .remove_one = cf_bridges_remove_one,
        .self = b,
    };
}

void cf_bridges_poke(struct cf_bridges *b)
{
    CF_LOCKED(&b->mutex);
    b->rows_due = true;
    pthread_cond_broadcast(&b->changed);
}

json_t *cf_bridges_status(struct cf_bridges *b, const char *id)
{
    CF_LOCKED(&b->mutex);
    for (const struct cf_bridge_live *l = b->list; l; l = l->next)
        if (strcmp(l->id, id) == 0)
            return json_pack("{s:b,s:b,s:i,s:i,s:i,s:s}", "synced", l->synced, "stale", is_stale(l),
                             "ready", l->ready, "weight", l->weight, "others", l->others, "why",
                             l->why);
    return NULL;
}

/* ---- life ---- */

struct cf_bridges *cf_bridges_start(const struct cf_bridges_config *config, struct cf_error *err)
{
    struct cf_bridges *b = cf_xcalloc(1, sizeof *b);
    b->config = *config;
    b->rows_due = true;
    pthread_mutex_init(&b->mutex, NULL);
    cf_cond_init(&b->changed);
    for (int i = 0; i < CF_BRIDGE_THREADS; i++) {
        if (!cf_thread_start(&b->threads[i], "bridges", cf_bridges_thread, b, err)) {
            cf_bridges_stop(b);
            return NULL;
        }
        b->n_threads = i + 1;
    }
    return b;
}

void cf_bridges_stop(struct cf_bridges *b)
{
    if (!b)
        return;
    {
        CF_LOCKED(&b->mutex);
        b->stopping = true;
        pthread_cond_broadcast(&b->changed);
    }
    for (int i = 0; i < b->n_threads; i++)
        pthread_join(b->threads[i], NULL);
    while (b->list) {
        struct cf_bridge_live *l = b->list;
        {
            CF_LOCKED(&b->mutex);
            cf_bridge_live_unlink(b, l);
        }
        cf_bridge_live_unref(b, l);
    }
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->mutex);
    free(b);
}
