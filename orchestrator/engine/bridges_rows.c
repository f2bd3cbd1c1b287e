/* SPDX-License-Identifier: Apache-2.0 */
/* Bridges as the store knows them (bridges.h). */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "orchestrator/engine/bridges_internal.h"
#include "store/shards.h"

static void which_of_row(const struct cf_bridge_row *row, struct cf_bridge *out)
{
    memset(out, 0, sizeof *out);
    (void)snprintf(out->ns, sizeof out->ns, "%s", row->ns);
    (void)snprintf(out->service, sizeof out->service, "%s", row->service);
    (void)snprintf(out->run, sizeof out->run, "%s", row->run_id);
    (void)snprintf(out->target_cluster, sizeof out->target_cluster, "%s", row->target_cluster);
    (void)snprintf(out->target_ns, sizeof out->target_ns, "%s", row->target_ns);
    (void)snprintf(out->target_service, sizeof out->target_service, "%s", row->target_service);
    out->by_name = cf_json_bool(row->spec, false, "byName", NULL);
}

bool cf_bridges_own(struct cf_bridges *b, int shard)
{
    struct cf_fence ignored;
    return b->config.fence(b->config.self, shard, &ignored);
}

static void add_row(struct cf_bridges *b, const struct cf_bridge_row *row, int64_t read_ms)
{
    struct cf_bridge which;
    which_of_row(row, &which);
    const struct cf_bridge_place place = { row->cluster, row->ns, row->service, which.by_name };
    bool retiring = strcmp(row->state, "retiring") == 0;
    bool elsewhere = retiring && !cf_bridges_own(b, row->shard);
    CF_LOCKED(&b->mutex);
    struct cf_bridge_live *l = cf_bridge_live_find(b, &place);
    if (!l && elsewhere)
        return;
    if (!l) {
        l = cf_bridge_live_add(b, row->cluster, &which, row->spec);
        pthread_cond_broadcast(&b->changed);
    }
    memcpy(l->id, row->id, sizeof l->id);
    l->shard = row->shard;
    /* The run may be another replica's. */
    if (l->weighed_ms < read_ms && !which.by_name)
        l->weight = (int)cf_json_int(row->spec, l->weight, "weight", NULL);
    if (retiring && !l->retiring)
        l->dirty = true;
    l->retiring = retiring;
}

static bool is_in(const struct cf_bridge_list *rows, const struct cf_bridge_live *l)
{
    for (size_t i = 0; i < rows->n; i++)
        if (strcmp(rows->rows[i].id, l->id) == 0)
            return true;
    return false;
}

/* One live bridge whose row is gone or another replica's, taken off the list; NULL when there is
 * none. */
static struct cf_bridge_live *take_orphan(struct cf_bridges *b, const struct cf_bridge_list *rows,
                                          int64_t read_ms)
{
    CF_LOCKED(&b->mutex);
    for (struct cf_bridge_live *l = b->list; l; l = l->next) {
        /* Made after the rows were read: not an orphan. */
        if (l->flying || l->due_ms == 0 || l->looked_ms > read_ms || is_in(rows, l))
            continue;
        cf_bridge_live_unlink(b, l);
        return l;
    }
    return NULL;
}

void cf_bridges_read_rows(struct cf_bridges *b)
{
    CF_CLEANUP(cf_bridge_list_free) struct cf_bridge_list rows = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    int shards[CF_SHARDS];
    int64_t read_ms = cf_mono_now_ms();
    int n = b->config.shards(b->config.self, shards);
    if (n == 0)
        return;
    /* Without the store the lane goes on with what it knows. */
    if (!cf_bridge_list_all(b->config.store, shards, (size_t)n, NULL, &rows, &err))
        return;
    for (size_t i = 0; i < rows.n; i++)
        add_row(b, &rows.rows[i], read_ms);
    struct cf_bridge_live *orphan;
    while ((orphan = take_orphan(b, &rows, read_ms)) != NULL)
        cf_bridge_live_unref(b, orphan);
}

struct cf_bridge_said cf_bridge_live_said(struct cf_bridges *b, const struct cf_bridge_live *l)
{
    CF_LOCKED(&b->mutex);
    struct cf_bridge_said said = { .shard = l->shard, .retiring = l->retiring };
    memcpy(said.id, l->id, sizeof said.id);
    memcpy(said.run_id, l->run_id, sizeof said.run_id);
    return said;
}

bool cf_bridges_retire(struct cf_bridges *b, struct cf_bridge_live *l, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_fence fence;
    enum cf_record outcome;
    const struct cf_bridge_said said = cf_bridge_live_said(b, l);
    if (!b->config.fence(b->config.self, said.shard, &fence))
        return cf_error_set(err, CF_ERR_FENCED, "the bridge's shard is not ours");
    if (!b->config.clusters.kube(b->config.clusters.self, l->cluster, &kube, err))
        return false;
    if (!cf_bridge_remove(kube, NULL, &l->which, err))
        return cf_error_wrap(err, "it cannot go yet");
    if (!cf_bridge_row_remove(b->config.store, &fence, said.id, "", &outcome, err))
        return false;
    if (outcome == CF_RECORD_STALE)
        cf_bridges_poke(b); /* gone, or wanted again: the rows say which */
    return true;
}

void cf_bridges_save_status(struct cf_bridges *b, struct cf_bridge_live *l)
{
    struct cf_fence fence;
    struct cf_error ignored = CF_ERROR_INIT;
    enum cf_record outcome;
    const struct cf_bridge_said said = cf_bridge_live_said(b, l);
    if (!said.id[0] || !b->config.fence(b->config.self, said.shard, &fence))
        return;
    cf_autojson json_t *status = cf_bridges_status(b, said.id);
    if (!cf_bridge_set(b->config.store, &fence, said.id, NULL, status, &outcome, &ignored))
        cf_error_clear(&ignored);
}
