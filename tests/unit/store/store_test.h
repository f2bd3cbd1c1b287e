/* SPDX-License-Identifier: Apache-2.0 */
/* What the store's tests share: a migrated database, a replica that owns all shards, a plan, a run,
 * raw SQL. */
#ifndef TESTS_UNIT_STORE_STORE_TEST_H
#define TESTS_UNIT_STORE_STORE_TEST_H

#include "tests/support/test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/migrate.h"
#include "store/plans.h"
#include "store/runs.h"
#include "store/shards.h"
#include "tests/support/postgres.h"

#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define OWNER    "01900000-0000-7000-8000-00000000000a"
#define OTHER    "01900000-0000-7000-8000-00000000000b"

static struct {
    char *conninfo;
    struct cf_keyring *keyring;
    struct cf_store *store;
    struct cf_shard_row shards[CF_SHARDS];
} T;

/* One statement or script on a connection of its own; the first value of the answer, malloc'd. */
__attribute__((unused)) static char *sql(const char *text)
{
    PGconn *pg = PQconnectdb(T.conninfo);
    PGresult *set = PQexec(pg, "SET search_path = crossfade");
    PQclear(set);
    PGresult *res = PQexec(pg, text);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", text, PQerrorMessage(pg));
    char *value = PQntuples(res) ? strdup(PQgetvalue(res, 0, 0)) : strdup("");
    PQclear(res);
    PQfinish(pg);
    return value;
}

__attribute__((unused)) static void assert_sql(const char *text, const char *want)
{
    char *have = sql(text);
    if (strcmp(have, want) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", text, have, want);
    free(have);
}

/* A keyring from lines of key files, first is current. */
__attribute__((unused)) static struct cf_keyring *keyring_of(const char *lines)
{
    struct cf_error err = CF_ERROR_INIT;
    char path[] = "/tmp/crossfade-keys-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, lines, strlen(lines)) == (ssize_t)strlen(lines));
    close(fd);
    struct cf_keyring *keyring = cf_keyring_load(path, &err);
    unlink(path);
    if (!keyring)
        fail_msg("%s", err.message);
    return keyring;
}

#define KEY_1 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define KEY_2 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"

__attribute__((unused)) static struct cf_store *open_store(const char *conninfo,
                                                           const struct cf_keyring *keyring)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_store_config config = { .conninfo = conninfo, .keyring = keyring };
    struct cf_store *store = cf_store_open(&config, &err);
    if (!store)
        fail_msg("%s", err.message);
    return store;
}

__attribute__((unused)) static int group_setup(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report;
    int n = 0;
    T.conninfo = cf_test_pg_database();
    T.keyring = keyring_of(KEY_1);
    T.store = open_store(T.conninfo, T.keyring);
    assert_ok(cf_store_migrate(T.store, &report, &err), &err);
    assert_ok(cf_shards_claim(T.store, OWNER, 600000, CF_SHARDS, false, T.shards, &n, &err), &err);
    assert_int_equal(n, CF_SHARDS);
    return 0;
}

__attribute__((unused)) static int group_teardown(void **state)
{
    (void)state;
    cf_store_close(T.store);
    cf_keyring_free(T.keyring);
    free(T.conninfo);
    return 0;
}

__attribute__((unused)) static struct cf_fence fence_of_shard(int shard)
{
    for (int i = 0; i < CF_SHARDS; i++) {
        if (T.shards[i].shard == shard) {
            struct cf_fence f = { .shard = shard, .epoch = T.shards[i].epoch };
            memcpy(f.owner, OWNER, sizeof f.owner);
            return f;
        }
    }
    fail_msg("shard %d is not there", shard);
    return (struct cf_fence){ 0 };
}

__attribute__((unused)) static struct cf_fence fence_of(const char *run_id)
{
    return fence_of_shard(cf_shard_of(run_id));
}

/* Applies a plan of this name with this digest; the revision. */
__attribute__((unused)) static int apply_plan(const char *name, const char *digest)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *doc = json_pack("{s:s}", "name", name);
    struct cf_plan_new plan = { .name = name,
                                .text = "kind: Plan # as written\n",
                                .media_type = "application/yaml",
                                .spec = doc,
                                .effective = doc,
                                .digest = digest,
                                .author = "alice" };
    enum cf_plan_applied applied;
    int revision = 0;
    assert_ok(cf_plan_apply(T.store, &plan, CF_PLAN_ANY, NULL, &applied, &revision, &err), &err);
    json_decref(doc);
    return revision;
}

/* A run of the plan's first revision with three steps, two routers and the given claims. */
__attribute__((unused)) static bool try_run(const char *plan, const struct cf_claim *claims,
                                            size_t n_claims, struct cf_idem *idem,
                                            char id[CF_UUID_TEXT], int *number,
                                            struct cf_error *err)
{
    json_t *params = json_pack("{s:i}", "weight", 25);
    json_t *labels = json_pack("{s:s}", "team", "web");
    struct cf_step_new steps[] = { { "propagate", "copy", params },
                                   { "traffic.shift", "25 %", params },
                                   { "commit", "commit", NULL } };
    struct cf_router_new routers[] = { { "mesh", "virtual_service", "dc1", "web", "echo", "main",
                                         params },
                                       { "edge", "ingress", "dc1", "web", "echo", NULL, NULL } };
    struct cf_run_new run = { .plan = plan,
                              .revision = 1,
                              .source = "dc1",
                              .target = "dc2",
                              .state = "active",
                              .phase = "Preflight",
                              .started_by = "alice",
                              .reason = "test",
                              .labels = labels,
                              .steps = steps,
                              .n_steps = 3,
                              .routers = routers,
                              .n_routers = 2,
                              .claims = claims,
                              .n_claims = n_claims };
    bool ok = cf_run_create(T.store, &run, idem, id, number, err);
    json_decref(params);
    json_decref(labels);
    return ok;
}

__attribute__((unused)) static void make_run(const char *plan, char id[CF_UUID_TEXT])
{
    struct cf_error err = CF_ERROR_INIT;
    int number;
    apply_plan(plan, DIGEST_A);
    assert_ok(try_run(plan, NULL, 0, NULL, id, &number, &err), &err);
}

/* A record with one event of this kind and nothing else. */
__attribute__((unused)) static bool record_event(struct cf_store *store,
                                                 const struct cf_fence *fence, const char *run_id,
                                                 int64_t rev, const char *kind,
                                                 struct cf_run_recorded *out, struct cf_error *err)
{
    struct cf_event_new event = { .kind = kind, .step = -1 };
    struct cf_run_change change = { .run = CF_RUN_UPDATE_INIT, .events = &event, .n_events = 1 };
    return cf_run_record(store, fence, run_id, rev, &change, out, err);
}

#endif
