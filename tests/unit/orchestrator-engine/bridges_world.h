/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the bridges' lane: a real PostgreSQL whose shards are all ours, and two clusters in
 * memory. */
#ifndef TESTS_UNIT_ORCHESTRATOR_ENGINE_BRIDGES_WORLD_H
#define TESTS_UNIT_ORCHESTRATOR_ENGINE_BRIDGES_WORLD_H

#include "orchestrator/engine/bridges.h"
#include "orchestrator/engine/ports.h"
#include "store/bridges.h"
#include "store/migrate.h"
#include "store/shards.h"
#include "store/store.h"
#include "tests/support/fake_kube.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

#include "base/clock.h"
#include "base/thread.h"

#define OWNER "01900000-0000-7000-8000-00000000000a"
#define RUN   "0192f000-0000-7000-8000-00000000c001"

enum { WAIT_MS = 20000, LOOK_MS = 50 };

static struct {
    struct cf_store *store;
    char *conninfo;
    struct cf_shard_row shards[CF_SHARDS];
    struct cf_fake_kube *dc1, *dc2;
} T;

static bool fence_of(void *self, int shard, struct cf_fence *out)
{
    (void)self;
    *out = (struct cf_fence){ .shard = shard };
    memcpy(out->owner, OWNER, sizeof OWNER);
    for (int i = 0; i < CF_SHARDS; i++)
        if (T.shards[i].shard == shard)
            out->epoch = T.shards[i].epoch;
    return true;
}

static int all_shards(void *self, int *out)
{
    (void)self;
    for (int i = 0; i < CF_SHARDS; i++)
        out[i] = T.shards[i].shard;
    return CF_SHARDS;
}

static bool give_kube(void *self, const char *name, struct cf_kube **out, struct cf_error *err)
{
    (void)self;
    (void)err;
    *out = cf_fake_kube_client(strcmp(name, "dc1") == 0 ? T.dc1 : T.dc2, name);
    return true;
}

static void nothing_woken(void *arg, const char *run_id)
{
    (void)arg;
    (void)run_id;
}

static int open_world(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report;
    int n = 0;
    (void)state;
    T.conninfo = cf_test_pg_database();
    T.store = cf_store_open(&(struct cf_store_config){ .conninfo = T.conninfo }, &err);
    assert_non_null(T.store);
    assert_ok(cf_store_migrate(T.store, &report, &err), &err);
    assert_ok(cf_shards_claim(T.store, OWNER, 3600000, CF_SHARDS, true, T.shards, &n, &err), &err);
    T.dc1 = cf_fake_kube_new();
    T.dc2 = cf_fake_kube_new();
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    cf_store_close(T.store);
    free(T.conninfo);
    cf_fake_kube_free(T.dc1);
    cf_fake_kube_free(T.dc2);
    return 0;
}

#endif
