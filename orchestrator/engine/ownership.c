/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of shards (ownership.h). */
#include "orchestrator/engine/ownership.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "store/shards.h"

struct owned {
    int64_t epoch;
    int64_t
        sent_ms; /* monotonic: when the last successful claim or renewal was sent; 0: not ours */
};

struct cf_ownership {
    struct cf_ownership_config config;
    char id[CF_UUID_TEXT];
    int lock_fd;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    struct owned shards[CF_SHARDS];
    bool stopping;
    pthread_t thread;
    bool runs;
};

/* ---- who we are ---- */

static bool read_id(int fd, char id[CF_UUID_TEXT])
{
    char text[CF_UUID_TEXT] = "";
    ssize_t n = pread(fd, text, CF_UUID_TEXT - 1, 0);
    if (n != CF_UUID_TEXT - 1 || !cf_uuid_valid(text))
        return false;
    memcpy(id, text, CF_UUID_TEXT);
    return true;
}

static bool write_id(int fd, const char *id)
{
    return ftruncate(fd, 0) == 0 && pwrite(fd, id, CF_UUID_TEXT - 1, 0) == CF_UUID_TEXT - 1 &&
           fsync(fd) == 0;
}

static bool open_identity(struct cf_ownership *o, struct cf_error *err)
{
    cf_autofree char *path = cf_xasprintf("%s/replica", o->config.state_dir);
    if (mkdir(o->config.state_dir, 0700) != 0 && errno != EEXIST)
        return cf_error_errno(err, errno, o->config.state_dir);
    o->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (o->lock_fd < 0)
        return cf_error_errno(err, errno, path);
    if (flock(o->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return cf_error_set(err, CF_ERR_CONFLICT, "%s is in use by another process",
                            o->config.state_dir);
    if (read_id(o->lock_fd, o->id))
        return true;
    cf_uuid_v7(o->id);
    return write_id(o->lock_fd, o->id) || cf_error_errno(err, errno, path);
}

/* ---- what is ours ---- */

static bool is_believed(const struct cf_ownership *o, const struct owned *s)
{
    return s->sent_ms != 0 && cf_mono_now_ms() - s->sent_ms < o->config.lease_ms * 2 / 3;
}

bool cf_ownership_fence(void *self, int shard, struct cf_fence *out)
{
    struct cf_ownership *o = self;
    CF_LOCKED(&o->mutex);
    if (shard < 0 || shard >= CF_SHARDS || !is_believed(o, &o->shards[shard]))
        return false;
    out->shard = shard;
    out->epoch = o->shards[shard].epoch;
    memcpy(out->owner, o->id, sizeof out->owner);
    return true;
}

int cf_ownership_shards(void *self, int *out)
{
    struct cf_ownership *o = self;
    int n = 0;
    CF_LOCKED(&o->mutex);
    for (int i = 0; i < CF_SHARDS; i++)
        if (is_believed(o, &o->shards[i]))
            out[n++] = i;
    return n;
}

void cf_ownership_lost(struct cf_ownership *o, int shard)
{
    CF_LOCKED(&o->mutex);
    o->shards[shard].sent_ms = 0;
}

const char *cf_ownership_id(const struct cf_ownership *o)
{
    return o->id;
}

static int held_rows(struct cf_ownership *o, struct cf_shard_row *rows)
{
    int n = 0;
    CF_LOCKED(&o->mutex);
    for (int i = 0; i < CF_SHARDS; i++) {
        if (o->shards[i].sent_ms == 0)
            continue;
        rows[n] = (struct cf_shard_row){ .shard = i, .epoch = o->shards[i].epoch };
        memcpy(rows[n++].owner, o->id, CF_UUID_TEXT);
    }
    return n;
}

/* ---- one round ---- */

static bool renew(struct cf_ownership *o, bool *out_changed, struct cf_error *err)
{
    struct cf_shard_row rows[CF_SHARDS];
    bool kept[CF_SHARDS];
    int n = held_rows(o, rows);
    int64_t sent = cf_mono_now_ms();
    if (n == 0)
        return true;
    if (!cf_shards_renew(o->config.store, o->id, o->config.lease_ms, rows, n, kept, err))
        return cf_error_wrap(err, "renew shards");
    CF_LOCKED(&o->mutex);
    for (int i = 0; i < n; i++) {
        struct owned *s = &o->shards[rows[i].shard];
        if (s->epoch != rows[i].epoch)
            continue;
        *out_changed = *out_changed || !kept[i];
        s->sent_ms = kept[i] ? sent : 0;
    }
    return true;
}

static bool claim(struct cf_ownership *o, bool and_mine, bool *out_changed, struct cf_error *err)
{
    struct cf_shard_row rows[CF_SHARDS];
    struct cf_shard_row held[CF_SHARDS];
    int alive = 1, n = 0;
    if (!cf_replica_beat(o->config.store, o->id, o->config.address ? o->config.address : "",
                         o->config.version ? o->config.version : "", o->config.lease_ms, &alive,
                         err))
        return cf_error_wrap(err, "say that this replica lives");
    int share = (CF_SHARDS + alive - 1) / CF_MAX(alive, 1);
    int want = share - held_rows(o, held);
    int64_t sent = cf_mono_now_ms();
    if (want <= 0 && !and_mine)
        return true;
    if (!cf_shards_claim(o->config.store, o->id, o->config.lease_ms, CF_MAX(want, 0), and_mine,
                         rows, &n, err))
        return cf_error_wrap(err, "claim shards");
    CF_LOCKED(&o->mutex);
    for (int i = 0; i < n; i++)
        o->shards[rows[i].shard] = (struct owned){ .epoch = rows[i].epoch, .sent_ms = sent };
    *out_changed = *out_changed || n > 0;
    return true;
}

static bool wait_round(struct cf_ownership *o)
{
    int64_t until = cf_mono_now_ms() + CF_MIN(CF_LEASE_ROUND_MS, o->config.lease_ms / 3);
    CF_LOCKED(&o->mutex);
    while (!o->stopping && cf_cond_wait_until(&o->changed, &o->mutex, until))
        continue;
    return !o->stopping;
}

static void *shards_thread(void *arg)
{
    struct cf_ownership *o = arg;
    bool and_mine = true, was_down = false;
    int64_t renewed = 0;
    do {
        struct cf_error err = CF_ERROR_INIT;
        bool changed = false;
        bool ok = true;
        if (cf_mono_now_ms() - renewed >= o->config.lease_ms / 3) {
            ok = renew(o, &changed, &err);
            if (ok)
                renewed = cf_mono_now_ms();
        }
        ok = ok && claim(o, and_mine, &changed, &err);
        if (ok)
            and_mine = false;
        if (!ok && !was_down)
            cf_log_err(CF_LOG_WARN, "shards.round", "shards could not be renewed or claimed", &err);
        was_down = !ok;
        if (changed)
            o->config.changed(o->config.changed_arg);
    } while (wait_round(o));
    return NULL;
}

/* ---- life ---- */

struct cf_ownership *cf_ownership_start(const struct cf_ownership_config *config,
                                        struct cf_error *err)
{
    struct cf_ownership *o = cf_xcalloc(1, sizeof *o);
    o->config = *config;
    o->lock_fd = -1;
    if (o->config.lease_ms <= 0)
        o->config.lease_ms = CF_LEASE_MS;
    pthread_mutex_init(&o->mutex, NULL);
    cf_cond_init(&o->changed);
    if (!open_identity(o, err) || !cf_thread_start(&o->thread, "shards", shards_thread, o, err)) {
        cf_ownership_stop(o);
        return NULL;
    }
    o->runs = true;
    return o;
}

void cf_ownership_stop(struct cf_ownership *o)
{
    if (!o)
        return;
    struct cf_shard_row rows[CF_SHARDS];
    struct cf_error ignored = CF_ERROR_INIT; /* the lease runs out by itself */
    {
        CF_LOCKED(&o->mutex);
        o->stopping = true;
        pthread_cond_broadcast(&o->changed);
    }
    if (o->runs)
        pthread_join(o->thread, NULL);
    int n = held_rows(o, rows);
    if (n > 0 && !cf_shards_release(o->config.store, o->id, rows, n, &ignored))
        cf_error_clear(&ignored);
    if (o->lock_fd >= 0)
        close(o->lock_fd);
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->mutex);
    free(o);
}
