/* SPDX-License-Identifier: Apache-2.0 */
/* Taking bridges away, as a run asks for it (ports.h).
 *
 * The row is told first ("retiring"): from then on whoever reads it, this replica after a crash or
 * another one, takes the bridge away and does not feed it. Then the objects, then the row. The row
 * belongs to the owner of the bridge's shard: when that is another replica it was woken by the telling,
 * and the caller comes again until the row is gone. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "orchestrator/engine/bridges_internal.h"

/* One live bridge, referenced and kept from the lane's threads, or NULL. `place` NULL: any of the
 * run. */
static struct cf_bridge_live *take(struct cf_bridges *b, const char *run_id,
                                   const struct cf_bridge_place *place)
{
    CF_LOCKED(&b->mutex);
    for (;;) {
        struct cf_bridge_live *l = place ? cf_bridge_live_find(b, place) : b->list;
        while (l && strcmp(l->run_id, run_id) != 0)
            l = place ? NULL : l->next;
        if (!l)
            return NULL;
        if (!l->flying || b->stopping) {
            l->flying = true;
            l->refs++;
            return l;
        }
        pthread_cond_wait(&b->changed, &b->mutex); /* after which it may be gone */
    }
}

static bool remove_objects(struct cf_bridges *b, const char *cluster, const struct cf_bridge *which,
                           struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    return (b->config.clusters.kube(b->config.clusters.self, cluster, &kube, err) &&
            cf_bridge_remove(kube, NULL, which, err)) ||
           cf_error_wrap(err, "bridge %s/%s on %s", which->ns, which->service, cluster);
}

/* Its objects, and this replica feeds it no more. */
static bool remove_live(struct cf_bridges *b, struct cf_bridge_live *l, struct cf_error *err)
{
    bool ok = remove_objects(b, l->cluster, &l->which, err);
    cf_bridge_live_give_back(b, l, ok);
    return ok;
}

static bool tell_row(struct cf_bridges *b, const struct cf_fence *fence, const char *run_id,
                     const struct cf_bridge_row *row, bool *out_ours, struct cf_error *err)
{
    enum cf_record outcome;
    if (!cf_bridge_retire(b->config.store, fence, row->id, run_id, &outcome, err))
        return false;
    if (outcome == CF_RECORD_FENCED)
        return cf_error_set(err, CF_ERR_FENCED, "the bridge's row: %s", cf_record_name(outcome));
    *out_ours = outcome == CF_RECORDED;
    return true;
}

static bool end_row(struct cf_bridges *b, const struct cf_bridge_row *row, struct cf_error *err)
{
    struct cf_fence own;
    enum cf_record outcome;
    if (!b->config.fence(b->config.self, row->shard, &own)) {
        cf_error_set(err, CF_ERR_TRANSIENT,
                     "bridge %s/%s on %s is fed by another replica, which was asked to remove it",
                     row->ns, row->service, row->cluster);
        return cf_error_reason(err, "bridge-elsewhere");
    }
    return cf_bridge_row_remove(b->config.store, &own, row->id, "", &outcome, err);
}

static bool remove_row(struct cf_bridges *b, const struct cf_fence *fence, const char *run_id,
                       const struct cf_bridge_row *row, struct cf_error *err)
{
    const struct cf_bridge_place place = { row->cluster, row->ns, row->service,
                                           cf_json_bool(row->spec, false, "byName", NULL) };
    bool ours = false;
    if (!tell_row(b, fence, run_id, row, &ours, err) || !ours)
        return err->kind == CF_ERR_NONE;
    struct cf_bridge_live *l = take(b, run_id, &place);
    struct cf_bridge which = { .by_name = place.by_name };
    (void)snprintf(which.ns, sizeof which.ns, "%s", row->ns);
    (void)snprintf(which.service, sizeof which.service, "%s", row->service);
    (void)snprintf(which.run, sizeof which.run, "%s", row->run_id);
    if (l ? !remove_live(b, l, err) : !remove_objects(b, row->cluster, &which, err))
        return false;
    return end_row(b, row, err);
}

bool cf_bridges_remove_of_run(void *self, const struct cf_fence *fence, const char *run_id,
                              struct cf_error *err)
{
    struct cf_bridges *b = self;
    CF_CLEANUP(cf_bridge_list_free) struct cf_bridge_list rows = { 0 };
    if (!cf_bridge_list_all(b->config.store, NULL, 0, run_id, &rows, err))
        return false;
    for (size_t i = 0; i < rows.n; i++)
        if (!remove_row(b, fence, run_id, &rows.rows[i], err))
            return false;
    struct cf_bridge_live *l; /* whose row went without them */
    while ((l = take(b, run_id, NULL)) != NULL)
        if (!remove_live(b, l, err))
            return false;
    return true;
}

bool cf_bridges_remove_one(void *self, const struct cf_fence *fence, const char *run_id,
                           const struct cf_bridge_place *place, struct cf_error *err)
{
    struct cf_bridges *b = self;
    CF_CLEANUP(cf_bridge_row_free) struct cf_bridge_row row = { 0 };
    char id[CF_UUID_TEXT];
    cf_bridge_id(place->cluster, place->ns, place->service, place->by_name, id);
    if (cf_bridge_get(b->config.store, id, &row, err))
        return remove_row(b, fence, run_id, &row, err);
    if (err->kind != CF_ERR_NOT_FOUND)
        return false;
    cf_error_clear(err);
    struct cf_bridge_live *l = take(b, run_id, place);
    return !l || remove_live(b, l, err);
}
