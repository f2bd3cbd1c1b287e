/* SPDX-License-Identifier: Apache-2.0 */
/* PodVolumeBackups, PodVolumeRestores, DataUploads and DataDownloads: one life, four ways to fill
 * it. A node agent takes one up, prepares it, and moves the bytes of one at a time on each node, or of as
 * many as it was told to (loadConcurrency of a real one). */
#include "deploy/sandbox/velero/movers.h"

#include <inttypes.h>
#include <string.h>

static const struct vl_mover *const kinds[] = { &vl_pod_volume_backup, &vl_pod_volume_restore,
                                                &vl_data_upload, &vl_data_download };

static const char *claim_name(const json_t *o)
{
    const char *names[] = { cf_json_str(o, "", "metadata", "annotations", VL_PVC_NAME, NULL),
                            cf_json_str(o, "", "spec", "sourcePVC", NULL),
                            cf_json_str(o, "", "spec", "targetVolume", "pvc", NULL) };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++)
        if (*names[i])
            return names[i];
    return cf_json_str(o, "", "spec", "pod", "name", NULL);
}

static bool meets(const struct vl_move *m, enum vl_fault f, struct vl_met *out)
{
    return vl_meets(vl_common(m->c->velero)->switches, f, m->c->name, m->kind->kind, sbx_name(m->o),
                    claim_name(m->o), sbx_uid(m->o), out);
}

static void tell(const struct vl_move *m, json_t *status_take)
{
    vl_status(m->c, m->kind->plural, m->o, status_take);
}

static void end(const struct vl_move *m, const char *phase, const char *message)
{
    cf_autofree char *now = vl_time(m->c, 0);
    json_t *status = json_pack("{s:s,s:s}", "phase", phase, "completionTimestamp", now);
    if (message && *message)
        json_object_set_new(status, "message", json_string(message));
    tell(m, status);
    json_object_del(m->c->agents, sbx_uid(m->o));
}

/* Its pods came with 1.17 for pods' volumes; before, it was moved by the agent itself. */
static bool has_stages(const struct vl_move *m)
{
    return m->kind->in_v2 || atomic_load(&m->c->version) >= VL_VERSION(17, 0);
}

static bool cancel_asked(const struct vl_move *m)
{
    return has_stages(m) && cf_json_bool(m->o, false, "spec", "cancel", NULL);
}

/* A fault holds it in that phase. */
static bool is_held(const struct vl_move *m, const char *phase)
{
    struct vl_met met = { 0 };
    return meets(m, VL_MOVER_STUCK, &met) &&
           strcmp(*met.value ? met.value : "Accepted", phase) == 0;
}

/* ---- Before its bytes ---- */

static bool repository_ready(const struct vl_move *m)
{
    cf_autofree char *why = NULL;
    bool ready =
        vl_repository_ready(m->c, cf_json_str(m->o, "", "spec", "backupStorageLocation", NULL),
                            m->kind->space(m), &why);
    if (why)
        end(m, "Failed", why);
    return ready;
}

static void move(struct vl_move *m);

static void take_up(struct vl_move *m)
{
    cf_autofree char *now = vl_time(m->c, 0);
    if (is_held(m, "New") || !vl_after(m->c, VL_ACCEPT_MS, "accept", sbx_uid(m->o)))
        return;
    json_t *status = json_pack("{s:s,s:s}", "phase", "Accepted", "acceptedTimestamp", now);
    if (m->kind->in_v2)
        json_object_set_new(status, "acceptedByNode", json_string(m->node));
    if (has_stages(m))
        tell(m, status);
    else
        move(m);
    if (!has_stages(m))
        json_decref(status);
}

static void prepare(struct vl_move *m)
{
    cf_autofree char *why = m->kind->exposed ? m->kind->exposed(m) : NULL;
    if (is_held(m, "Accepted") ||
        (why && !vl_after(m->c, VL_PREPARE_MAX_MS, "expose", sbx_uid(m->o))))
        return;
    if (why) {
        cf_autofree char *text = cf_xasprintf("timeout on preparing %s: %s", m->kind->kind, why);
        end(m, m->kind->in_v2 ? "Canceled" : "Failed", text);
        return;
    }
    json_t *status = json_pack("{s:s}", "phase", "Prepared");
    if (m->kind->in_v2)
        json_object_set_new(status, "node", json_string(m->node));
    if (vl_after(m->c, VL_PREPARE_MS, "prepare", sbx_uid(m->o)))
        tell(m, status);
    else
        json_decref(status);
}

/* So many at a time on a node, of each kind. */
static bool slot_is_free(struct vl_move *m)
{
    cf_autofree char *key = cf_xasprintf("!slot %s %s", m->kind->plural, m->node);
    int64_t taken = cf_json_int(m->c->pass.kinds, 0, key, NULL);
    if (taken >= vl_common(m->c->velero)->options.movers)
        return false;
    json_object_set_new(m->c->pass.kinds, key, json_integer(taken + 1));
    return true;
}

/* ---- Its bytes ---- */

static json_t *progress(int64_t total, int64_t done)
{
    return json_pack("{s:I,s:I}", "totalBytes", (json_int_t)total, "bytesDone", (json_int_t)done);
}

/* One agent has begun to move; the "Prepared" of another, who looked at the same pod, lands after that. */
static void fall_back(struct vl_move *m)
{
    cf_autofree char *now = vl_time(m->c, 0);
    if (!cf_json_at(m->o, "status", "startTimestamp", NULL))
        tell(m,
             json_pack("{s:s,s:s,s:{}}", "phase", "Prepared", "startTimestamp", now, "progress"));
}

/* Where the bytes come from is looked at once, when the moving begins: that is the moment whose
 * contents are kept. */
static void move(struct vl_move *m)
{
    cf_autofree char *now = vl_time(m->c, 0), *why = NULL;
    json_t *memory = vl_memory(m->c->agents, m->o);
    if (is_held(m, "Prepared"))
        return;
    if (meets(m, VL_MOVER_FALLS_BACK, NULL)) {
        fall_back(m);
        return;
    }
    if (!m->kind->begin(m, memory, &why)) {
        end(m, "Failed", why);
        return;
    }
    json_object_set_new(memory, "began", json_integer(m->c->pass.now));
    tell(m, json_pack("{s:s,s:s,s:{}}", "phase", "InProgress", "startTimestamp", now, "progress"));
}

static int64_t real_ms_of(const struct vl_move *m, const json_t *memory)
{
    const struct sbx_velero_options *o = &vl_common(m->c->velero)->options;
    int64_t rate = m->kind->is_download ? o->download_per_s : o->upload_per_s;
    return VL_MOVE_MS + cf_json_int(memory, 0, "moves", NULL) * 1000 / rate;
}

static void tell_progress(const struct vl_move *m, json_t *memory, int64_t real_ms)
{
    int64_t n = cf_json_int(memory, 0, "looks", NULL),
            total = cf_json_int(memory, 0, "total", NULL),
            elapsed = m->c->pass.now - cf_json_int(memory, 0, "began", NULL),
            all = vl_ms(m->c, real_ms);
    cf_autofree char *what = cf_xasprintf("look %" PRId64, n);
    if (!vl_after(m->c, VL_PROGRESS_MS, what, sbx_uid(m->o)))
        return;
    json_object_set_new(memory, "looks", json_integer(n + 1));
    tell(m, json_pack("{s:o}", "progress",
                      progress(total, (int64_t)((double)total *
                                                CF_MIN(1.0, (double)elapsed / (double)all)))));
    m->c->pass.wake = CF_MIN(m->c->pass.wake, m->c->pass.now + vl_ms(m->c, VL_PROGRESS_MS));
}

static void complete(struct vl_move *m, json_t *memory)
{
    const json_t *location =
        vl_location(m->c, cf_json_str(m->o, "", "spec", "backupStorageLocation", NULL));
    cf_autofree char *why = NULL, *now = vl_time(m->c, 0);
    int64_t total = cf_json_int(memory, 0, "total", NULL);
    if (meets(m, VL_VOLUME_LOST, NULL))
        why = cf_xstrdup("data path backup failed: a fault was asked for");
    else if (!vl_location_reachable(m->c, location))
        why = cf_xstrdup("error to connect to the backup storage: connection refused");
    json_t *status = why ? NULL : m->kind->finish(m, memory, &why);
    if (!status) {
        end(m, "Failed", why);
        return;
    }
    json_object_set_new(status, "phase", json_string("Completed"));
    json_object_set_new(status, "completionTimestamp", json_string(now));
    json_object_set_new(status, "progress", progress(total, total));
    tell(m, status);
    json_object_del(m->c->agents, sbx_uid(m->o));
}

/* After an agent's restart its pods' work is taken up again: the moving goes on from the start. */
static void go_on(struct vl_move *m)
{
    cf_autofree char *why = NULL;
    json_t *memory = vl_memory(m->c->agents, m->o);
    if (!slot_is_free(m) || is_held(m, "InProgress") || meets(m, VL_STUCK, NULL))
        return;
    if (!json_object_get(memory, "began")) {
        if (!m->kind->begin(m, memory, &why)) {
            end(m, "Failed", why);
            return;
        }
        json_object_set_new(memory, "began", json_integer(m->c->pass.now));
    }
    /* The repository is opened only now; making one is the server's work. */
    if (!json_object_get(memory, "open")) {
        if (!repository_ready(m))
            return;
        json_object_set_new(memory, "open", json_true());
        json_object_set_new(memory, "began", json_integer(m->c->pass.now));
    }
    int64_t real_ms = real_ms_of(m, memory);
    if (vl_after(m->c, real_ms, "move", sbx_uid(m->o)))
        complete(m, memory);
    else
        tell_progress(m, memory, real_ms);
}

/* ---- Ending early ---- */

static void cancel(struct vl_move *m)
{
    if (vl_phase_in(m->o, "InProgress"))
        tell(m, json_pack("{s:s}", "phase", "Canceling"));
    else if (!vl_phase_in(m->o, "Canceling"))
        end(m, "Canceled", cf_json_str(m->o, "", "status", "message", NULL));
    else if (vl_after(m->c, VL_CANCEL_MS, "cancel", sbx_uid(m->o)))
        end(m, "Canceled", "data path is canceled");
}

static void look_at(struct vl_move *m)
{
    const char *phase = *vl_phase(m->o) ? vl_phase(m->o) : "New";
    m->node = m->kind->node(m);
    if (!m->node || !vl_agent_on(m->c, m->node))
        return;
    if (cancel_asked(m))
        cancel(m);
    else if (strcmp(phase, "New") == 0)
        take_up(m);
    else if (strcmp(phase, "Accepted") == 0)
        prepare(m);
    else if (strcmp(phase, "Prepared") == 0 && slot_is_free(m))
        move(m);
    else if (strcmp(phase, "InProgress") == 0)
        go_on(m);
}

/* Those whose bytes move have the slots, then who is prepared, in the order of their coming. */
void vl_ctl_movers(struct vl_cluster *c)
{
    static const char *const turns[] = { "InProgress,Canceling", "New,Accepted,Prepared" };
    for (size_t k = 0; k < CF_ARRAY_LEN(kinds); k++)
        for (size_t t = 0; t < CF_ARRAY_LEN(turns); t++) {
            size_t i;
            json_t *o;
            json_array_foreach(vl_all(c, kinds[k]->plural), i, o)
            {
                struct vl_move m = { c, kinds[k], o, NULL };
                if (sbx_word_in(turns[t], *vl_phase(o) ? vl_phase(o) : "New"))
                    look_at(&m);
            }
        }
}
