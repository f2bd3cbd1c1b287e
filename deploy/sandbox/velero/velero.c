/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of all Veleros: when to look, which parts run, start and end. */
#include "deploy/sandbox/velero/velero.h"

#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "base/units.h"
#include "deploy/sandbox/controllers/rounds.h"
#include "deploy/sandbox/velero/downloads.h"
#include "deploy/sandbox/velero/round.h"

enum {
    WAIT_PERCENT = 2, /* a sync each 1.2 s */
    SYNC_MS = 60 * 1000,
    UPLOAD_PER_S = 30 * 1000 * 1000,
    DOWNLOAD_PER_S = 60 * 1000 * 1000,
};

struct sbx_velero {
    struct vl_common common; /* the thread's, but for what has a lock of its own */
    struct sbx_rounds *rounds;
    int slot;
    pthread_mutex_t lock; /* guards what follows */
    char *download_url;
};

/* Which process does it. */
enum part { PART_ALWAYS, PART_SERVER, PART_AGENTS };

static const struct {
    enum part part;
    void (*look)(struct vl_cluster *c);
} controllers[] = {
    { PART_ALWAYS, vl_ctl_restarts },     { PART_SERVER, vl_ctl_locations },
    { PART_SERVER, vl_ctl_requests },     { PART_SERVER, vl_ctl_sync },
    { PART_SERVER, vl_ctl_repositories }, { PART_SERVER, vl_ctl_backups },
    { PART_SERVER, vl_ctl_deletions },    { PART_SERVER, vl_ctl_restores },
    { PART_AGENTS, vl_ctl_movers },
};

struct vl_common *vl_common(struct sbx_velero *v)
{
    return &v->common;
}

/* One look at one cluster. */
static void look_at(struct vl_cluster *c, int64_t *wake, bool *waiting)
{
    const struct vl_common *v = vl_common(c->velero);
    if (atomic_load(&c->api_away))
        return;
    bool server = !vl_is_on(v->switches, VL_SERVER_AWAY, c->name, NULL);
    vl_round_begin(c);
    for (size_t i = 0; i < CF_ARRAY_LEN(controllers); i++)
        if (controllers[i].part != PART_SERVER || server)
            controllers[i].look(c);
    *wake = CF_MIN(*wake, c->pass.wake);
    *waiting = *waiting || c->pass.is_waiting;
    vl_round_end(c);
}

static void look(void *user, int64_t *out_wake, bool *out_waiting)
{
    struct vl_common *common = user;
    for (size_t i = 0; i < common->count; i++)
        look_at(&common->clusters[i], out_wake, out_waiting);
}

/* ---- versions ---- */

/* "v1.18.3" or "1.18.3". */
static bool read_version(const char *text, int *out, struct cf_error *err)
{
    int minor, patch, used = 0;
    if (sscanf(text, "%*[v]1.%d.%d%n", &minor, &patch, &used) != 2)
        used = sscanf(text, "1.%d.%d%n", &minor, &patch, &used) == 2 ? used : 0;
    if (used == 0 || text[used] || minor < 9 || minor > 19 || patch < 0 || patch > 999)
        return cf_error_set(err, CF_ERR_INVALID,
                            "\"%s\" is no version of Velero between 1.9.0 and 1.19.999", text);
    *out = VL_VERSION(minor, patch);
    return true;
}

/* The part of "east=1.16.2,west=1.18.3" for the cluster, or all of "1.18.3". */
static bool version_of(const char *versions, const char *cluster, int *out, struct cf_error *err)
{
    cf_autofree char *copy = cf_xstrdup(versions);
    char *save = NULL;
    if (!strchr(versions, '='))
        return read_version(versions, out, err);
    if (!read_version(SBX_VELERO_VERSION, out, err))
        return false;
    for (char *row = strtok_r(copy, ",", &save); row; row = strtok_r(NULL, ",", &save)) {
        size_t n = strcspn(row, "=");
        if (row[n] == '=' && strlen(cluster) == n && strncmp(row, cluster, n) == 0)
            return read_version(row + n + 1, out, err);
    }
    return true;
}

/* ---- life ---- */

static void listen_to_all(struct sbx_velero *v, bool listen)
{
    for (size_t i = 0; i < v->common.count; i++) {
        struct vl_cluster *c = &v->common.clusters[i];
        sbx_api_on_change(c->world.api, v->slot, listen ? sbx_rounds_change : NULL, v->rounds);
        sbx_api_on_write(c->world.api, listen ? vl_review : NULL, c);
    }
}

static void begin(struct sbx_velero *v)
{
    for (size_t i = 0; i < v->common.count; i++) {
        struct vl_cluster *c = &v->common.clusters[i];
        json_object_clear(c->server);
        json_object_clear(c->agents);
        json_object_clear(c->synced);
        json_object_clear(c->world.timers);
        vl_install(c, &v->common);
    }
}

static int64_t or_default(int64_t value, int64_t dflt)
{
    return value > 0 ? value : dflt;
}

static bool set_up(struct sbx_velero *v, const struct sbx_velero_options *o, struct cf_error *err)
{
    v->common.options = *o;
    v->common.options.wait_percent = (int)or_default(o->wait_percent, WAIT_PERCENT);
    v->common.options.sync_ms = or_default(o->sync_ms, SYNC_MS);
    v->common.options.upload_per_s = or_default(o->upload_per_s, UPLOAD_PER_S);
    v->common.options.movers = (int)or_default(o->movers, 1);
    v->common.options.download_per_s = or_default(o->download_per_s, DOWNLOAD_PER_S);
    for (size_t i = 0; i < o->count; i++) {
        struct vl_cluster *c = &v->common.clusters[i];
        *c = (struct vl_cluster){ .velero = v, .name = sbx_api_cluster(o->apis[i]), .index = i };
        c->world = (struct sbx_world){ .api = o->apis[i], .index = i, .timers = json_object() };
        c->server = json_object();
        c->agents = json_object();
        c->synced = json_object();
        v->common.count = i + 1;
        int version;
        if (!version_of(o->versions ? o->versions : SBX_VELERO_VERSION, c->name, &version, err))
            return false;
        atomic_init(&c->version, version);
    }
    return true;
}

struct sbx_velero *sbx_velero_start(const struct sbx_velero_options *o, struct cf_error *err)
{
    cf_assert(o->count <= SBX_VELERO_CLUSTERS_MAX);
    struct sbx_velero *v = cf_xcalloc(1, sizeof(*v));
    pthread_mutex_init(&v->lock, NULL);
    v->rounds = sbx_rounds_new(look, &v->common);
    v->slot = o->listener_slot;
    v->download_url = cf_xstrdup(o->download_url);
    v->common.volumes = o->volumes;
    v->common.bucket = vl_bucket_new();
    v->common.switches = vl_switches_new();
    if (set_up(v, o, err)) {
        listen_to_all(v, true);
        begin(v);
        if (sbx_rounds_start(v->rounds, "velero", err))
            return v;
    }
    sbx_velero_stop(v);
    return NULL;
}

void sbx_velero_stop(struct sbx_velero *v)
{
    if (!v)
        return;
    sbx_rounds_stop(v->rounds);
    listen_to_all(v, false);
    for (size_t i = 0; i < v->common.count; i++) {
        sbx_world_end(&v->common.clusters[i].world);
        json_decref(v->common.clusters[i].server);
        json_decref(v->common.clusters[i].agents);
        json_decref(v->common.clusters[i].synced);
    }
    vl_bucket_free(v->common.bucket);
    vl_switches_free(v->common.switches);
    free(v->download_url);
    sbx_rounds_free(v->rounds);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

bool sbx_velero_settle(struct sbx_velero *v, int64_t timeout_ms)
{
    return sbx_rounds_settle(v->rounds, timeout_ms);
}

void sbx_velero_hold(struct sbx_velero *v)
{
    sbx_rounds_hold(v->rounds);
}

void sbx_velero_release(struct sbx_velero *v)
{
    vl_bucket_wipe(v->common.bucket);
    sbx_volumes_wipe(v->common.volumes);
    begin(v);
    sbx_rounds_release(v->rounds, NULL);
}

void sbx_velero_set_download_url(struct sbx_velero *v, const char *url)
{
    CF_LOCKED(&v->lock);
    free(v->download_url);
    v->download_url = cf_xstrdup(url);
}

char *vl_download_url(struct sbx_velero *v)
{
    CF_LOCKED(&v->lock);
    return cf_xstrdup(v->download_url);
}

/* ---- faults ---- */

static struct vl_cluster *cluster_of(struct sbx_velero *v, const char *name)
{
    for (size_t i = 0; i < v->common.count; i++)
        if (strcmp(v->common.clusters[i].name, name) == 0)
            return &v->common.clusters[i];
    return NULL;
}

/* What takes effect at once, whatever is looked at. */
static bool act(struct sbx_velero *v, const json_t *fault, struct cf_error *err)
{
    const char *name = cf_json_str(fault, "", "fault", NULL),
               *only = cf_json_str(fault, "", "cluster", NULL);
    for (size_t i = 0; i < v->common.count; i++) {
        struct vl_cluster *c = &v->common.clusters[i];
        int version;
        if (*only && strcmp(only, c->name) != 0)
            continue;
        if (strcmp(name, vl_fault_name(VL_CLOCK_AHEAD)) == 0)
            sbx_api_skew(c->world.api, cf_json_int(fault, 0, "ms", NULL));
        if (strcmp(name, vl_fault_name(VL_SERVER_AWAY)) == 0)
            atomic_store(&c->was_away, true); /* also if it comes back before anybody looks */
        if (strcmp(name, vl_fault_name(VL_VERSION_IS)) != 0)
            continue;
        if (!read_version(cf_json_str(fault, "", "value", NULL), &version, err))
            return false;
        atomic_store(&c->version, version);
        sbx_api_install(c->world.api, vl_lacking(version));
    }
    return true;
}

bool sbx_velero_fault(struct sbx_velero *v, const json_t *fault, struct cf_error *err)
{
    const char *cluster = cf_json_str(fault, "", "cluster", NULL);
    if (*cluster && !cluster_of(v, cluster))
        return cf_error_set(err, CF_ERR_NOT_FOUND, "no cluster \"%s\" with a Velero", cluster);
    if (!vl_switches_throw(v->common.switches, fault, err))
        return false;
    if (!act(v, fault, err)) {
        vl_switches_heal(v->common.switches, cf_json_str(fault, "", "fault", NULL), cluster);
        return false;
    }
    sbx_rounds_change(v->rounds);
    return true;
}

void sbx_velero_heal(struct sbx_velero *v, const char *fault, const char *cluster)
{
    vl_switches_heal(v->common.switches, fault, cluster);
    for (size_t i = 0; i < v->common.count; i++)
        if (!vl_is_on(v->common.switches, VL_CLOCK_AHEAD, v->common.clusters[i].name, NULL))
            sbx_api_skew(v->common.clusters[i].world.api, 0);
    sbx_rounds_change(v->rounds);
}

json_t *sbx_velero_faults(struct sbx_velero *v)
{
    return vl_switches_tell(v->common.switches);
}

void sbx_velero_away(struct sbx_velero *v, const char *cluster, bool away)
{
    struct vl_cluster *c = cluster_of(v, cluster);
    if (c && atomic_exchange(&c->api_away, away) != away)
        sbx_rounds_change(v->rounds);
}
