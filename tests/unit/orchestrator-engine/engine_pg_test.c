/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the whole engine with its real threads over a real PostgreSQL: shards, workers, gates,
 * rollback lane and bridges, against API servers and a metrics source in memory. A healthy run ends
 * by itself, a broken target is sent back by the gate, a stopped engine goes on. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "orchestrator/engine/engine.h"
#include "store/clusters.h"
#include "store/migrate.h"
#include "store/plans.h"
#include "store/preflights.h"
#include "store/runs.h"
#include "tests/support/postgres.h"
#include "tests/unit/orchestrator-engine/life.h"

#define GATED                                                                                      \
    "apiVersion: crossfade.dev/v1alpha1\n"                                                         \
    "kind: MigrationPlan\n"                                                                        \
    "metadata: {name: web}\n"                                                                      \
    "spec:\n"                                                                                      \
    "  source: {cluster: dc1, namespace: web}\n"                                                   \
    "  target: {cluster: dc2}\n"                                                                   \
    "  traffic:\n"                                                                                 \
    "    router: {type: virtualService, name: web}\n"                                              \
    "    steps: [10, 100]\n"                                                                       \
    "    hold: 1s\n"                                                                               \
    "  gates:\n"                                                                                   \
    "    - successRate: \">= 99.5%\"\n"                                                            \
    "  commit: auto\n"

static struct {
    struct cf_store *store;
    struct cf_keyring *keyring;
    struct cf_kube_net *net;
    struct world *w;
    struct cf_preflight_world world;
    struct cf_engine *engine;
    char state_dir[64];
    pthread_t controllers, doorman;
    int door;
    atomic_bool stop, broken, source_used;
    atomic_int reads;
} T;

/* ---- metrics: each read, 200 more requests of each side that is used ---- */

static int64_t total_of[2], bad_of[2];

static bool source_read(void *self, const struct cf_stream *streams, size_t count,
                        int64_t deadline_mono_ms, struct cf_reading **out, struct cf_error *err)
{
    (void)self;
    (void)deadline_mono_ms;
    (void)err;
    atomic_fetch_add(&T.reads, 1);
    total_of[1] += 200;
    bad_of[1] += atomic_load(&T.broken) ? 200 : 0;
    total_of[0] += atomic_load(&T.source_used) ? 200 : 0;
    struct cf_reading *readings = cf_xcalloc(count, sizeof *readings);
    for (size_t i = 0; i < count; i++) {
        int side = strstr(streams[i].backend.host, "-crossfade") ? 1 : 0;
        readings[i].ok = true;
        readings[i].count = 1;
        readings[i].points = cf_xcalloc(1, sizeof *readings[i].points);
        readings[i].points[0] = (struct cf_point){ .series = 1,
                                                   .at_ms = cf_wall_ms(&cf_clock_real),
                                                   .total = (double)total_of[side],
                                                   .bad = (double)bad_of[side] };
    }
    *out = readings;
    return true;
}

static void source_destroy(void *self)
{
    (void)self;
}

static bool give_source(void *self, const char *cluster, struct cf_source **out,
                        const char **out_preset, struct cf_error *err)
{
    static const struct cf_source_ops ops = { .type = "test",
                                              .read = source_read,
                                              .destroy = source_destroy };
    (void)self;
    (void)cluster;
    (void)err;
    *out = cf_xcalloc(1, sizeof **out);
    (*out)->ops = &ops;
    *out_preset = "istio";
    return true;
}

/* ---- the world's own threads ---- */

/* The target's pods answer at an address of this process' own, whatever else listens here. */
static void door_address(char text[32])
{
    snprintf(text, 32, "127.%d.%d.%d", 64 + getpid() / 65536 % 128, getpid() / 256 % 256,
             getpid() % 254 + 1);
}

static int door_open(void)
{
    char text[32];
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(8080) };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    door_address(text);
    assert_int_equal(inet_pton(AF_INET, text, &at.sin_addr), 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void *door_thread(void *arg)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    struct pollfd p = { .fd = *(int *)arg, .events = POLLIN };
    while (!atomic_load(&T.stop)) {
        char request[4096];
        if (poll(&p, 1, 50) != 1)
            continue;
        int fd = accept4(p.fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (recv(fd, request, sizeof request, 0) > 0)
            (void)!send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

static void *controllers_thread(void *arg)
{
    (void)arg;
    char door[32];
    door_address(door);
    while (!atomic_load(&T.stop)) {
        settle_deployment(T.w->dc1);
        settle_deployment(T.w->dc2);
        settle_endpoints(T.w->dc1, "10.1.0.1");
        settle_endpoints(T.w->dc2, door);
        usleep(50000);
    }
    return NULL;
}

/* ---- beginning and end ---- */

static void add_cluster(const char *name, const char *uid)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_secret_free_p) struct cf_secret *secret = cf_secret_new("x", 1);
    struct cf_cluster_new row = {
        .name = name, .uid = uid, .server = "memory", .credentials = secret, .author = "ann"
    };
    assert_ok(cf_cluster_add(T.store, &row, &err), &err);
}

static void open_store(void)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report;
    char path[] = "/tmp/crossfade-key-XXXXXX";
    int fd = mkstemp(path);
    const char key[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    assert_true(write(fd, key, strlen(key)) == (ssize_t)strlen(key));
    close(fd);
    T.keyring = cf_keyring_load(path, &err);
    unlink(path);
    cf_autofree char *conninfo = cf_test_pg_database();
    struct cf_store_config config = { .conninfo = conninfo, .keyring = T.keyring };
    T.store = cf_store_open(&config, &err);
    if (!T.store)
        fail_msg("%s", err.message);
    assert_ok(cf_store_migrate(T.store, &report, &err), &err);
}

static void start_engine(void)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_engine_config config = { .store = T.store,
                                       .net = T.net,
                                       .state_dir = T.state_dir,
                                       .address = "",
                                       .version = "test",
                                       .workers = 4,
                                       .look_ms = 200,
                                       .world = &T.world };
    char why[CF_ENGINE_WHY_MAX] = "";
    T.engine = cf_engine_start(&config, &err);
    if (!T.engine)
        fail_msg("%s", err.message);
    /* As soon as its shards are its own: long before the runs would be looked at by the clock. */
    for (int i = 0; i < 200 && !cf_engine_ready(T.engine, why); i++)
        usleep(10000);
    if (!cf_engine_ready(T.engine, why))
        fail_msg("not ready: %s", why);
}

static int begin(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    (void)state;
    cf_log_setup(CF_LOG_ERROR, CF_LOG_TEXT);
    memset(&T, 0, sizeof T);
    open_store();
    add_cluster("dc1", "uid-1");
    add_cluster("dc2", "uid-2");
    T.net = cf_kube_net_new(&err);
    T.w = world_new(GATED);
    cf_fake_kube_hook(T.w->dc1, NULL, NULL);
    cf_fake_kube_hook(T.w->dc2, NULL, NULL);
    T.world = (struct cf_preflight_world){ clusters_kube, clusters_record, give_source, T.w };
    atomic_store(&T.source_used, true);
    snprintf(T.state_dir, sizeof T.state_dir, "/tmp/crossfade-engine-XXXXXX");
    assert_non_null(mkdtemp(T.state_dir));
    T.door = door_open();
    assert_ok(cf_thread_start(&T.doorman, "door", door_thread, &T.door, &err), &err);
    assert_ok(cf_thread_start(&T.controllers, "controllers", controllers_thread, NULL, &err), &err);
    start_engine();
    return 0;
}

static int end(void **state)
{
    (void)state;
    cf_engine_stop(T.engine);
    atomic_store(&T.stop, true);
    pthread_join(T.controllers, NULL);
    pthread_join(T.doorman, NULL);
    close(T.door);
    world_free(T.w);
    cf_kube_net_free(T.net);
    cf_store_close(T.store);
    cf_keyring_free(T.keyring);
    cf_autofree char *rm = cf_xasprintf("rm -rf %s", T.state_dir);
    return system(rm);
}

static void start_run(char id[CF_UUID_TEXT])
{
    struct cf_error err = CF_ERROR_INIT;
    enum cf_plan_applied applied;
    int revision;
    struct cf_plan_new plan = { .name = "web",
                                .text = GATED,
                                .media_type = "application/yaml",
                                .spec = T.w->plan->effective,
                                .effective = T.w->plan->effective,
                                .digest = T.w->plan->digest,
                                .author = "ann" };
    assert_ok(cf_plan_apply(T.store, &plan, CF_PLAN_ANY, NULL, &applied, &revision, &err), &err);
    struct cf_run_start start = { .plan = "web", .principal = "ann", .reason = "test" };
    assert_ok(cf_engine_run_start(T.engine, &start, id, &err), &err);
    char other[CF_UUID_TEXT];
    assert_fails(cf_engine_run_start(T.engine, &start, other, &err), &err, CF_ERR_CONFLICT,
                 "web/1");
}

/* Waits until the run's state or phase is `want`. */
static void wait_for(const char *id, const char *want)
{
    struct cf_error err = CF_ERROR_INIT;
    char seen[256] = "";
    for (int i = 0; i < 600; i++) {
        CF_CLEANUP(cf_run_row_free) struct cf_run_row row = { 0 };
        assert_ok(cf_run_get(T.store, id, &row, &err), &err);
        if (strcmp(row.state, want) == 0 ||
            (strcmp(row.phase, want) == 0 && row.weight_applied == 10))
            return;
        snprintf(seen, sizeof seen, "%s %s: %.180s", row.state, row.phase, row.message);
        if (row.weight_applied == 100)
            atomic_store(&T.source_used, false);
        usleep(100000);
    }
    fail_msg("not %s but %s", want, seen);
}

/* ---- the stories ---- */

static void a_healthy_run_ends_by_itself(void **state)
{
    (void)state;
    char id[CF_UUID_TEXT];
    struct cf_error err = CF_ERROR_INIT;
    start_run(id);
    wait_for(id, "Soaking");
    usleep(500000);
    cf_autojson json_t *view = cf_engine_run_view(T.engine, id, &err);
    assert_non_null(view);
    assert_int_equal(json_array_size(json_object_get(view, "gates")), 1);
    wait_for(id, "completed");
    assert_int_equal(weight_now(T.w), 100);
    assert_int_equal(replicas(T.w->dc1), 0);
    cf_autojson json_t *report = cf_engine_run_report(T.engine, id, &err);
    assert_string_equal(cf_json_str(report, "", "state", NULL), "completed");
    char why[CF_ENGINE_WHY_MAX];
    assert_true(cf_engine_ready(T.engine, why));
}

static void a_broken_target_is_sent_back_by_the_gate(void **state)
{
    (void)state;
    char id[CF_UUID_TEXT];
    struct cf_error err = CF_ERROR_INIT;
    start_run(id);
    wait_for(id, "Soaking");
    atomic_store(&T.broken, true);
    wait_for(id, "rolled-back");
    assert_router_as_before(T.w);
    assert_int_equal(replicas(T.w->dc1), 3);
    assert_int_equal(replicas(T.w->dc2), -1);
    cf_autojson json_t *report = cf_engine_run_report(T.engine, id, &err);
    assert_string_equal(cf_json_str(report, "", "rollback", "cause", NULL), "gate");
    assert_true(cf_json_int(report, -1, "rollback", "patchMs", NULL) >= 0);
    assert_true(cf_json_int(report, 99999, "rollback", "patchMs", NULL) < 1000);
    print_message("%s\n", cf_json_str(report, "", "text", NULL));
}

static void a_stopped_engine_goes_on(void **state)
{
    (void)state;
    char id[CF_UUID_TEXT];
    start_run(id);
    wait_for(id, "Soaking");
    cf_engine_stop(T.engine);
    start_engine();
    wait_for(id, "completed");
    assert_int_equal(weight_now(T.w), 100);
}

/* ---- what the API asks ---- */

static void a_preview_shows_every_write_and_makes_none(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    size_t before = cf_fake_kube_count(T.w->dc1);
    cf_autojson json_t *preview = cf_engine_plan_preview(T.engine, T.w->plan, &err);
    if (!preview)
        fail_msg("%s", err.message);
    assert_int_equal(json_array_size(json_object_get(preview, "steps")), 11);
    cf_autofree char *text = cf_json_dump(json_object_get(preview, "writes"));
    assert_non_null(strstr(text, "\"echo-crossfade\""));
    assert_non_null(strstr(text, "\"patch\""));
    assert_non_null(strstr(text, "Deployment"));
    assert_int_equal(cf_fake_kube_count(T.w->dc1), before);
    assert_router_as_before(T.w);
}

static void a_preflight_is_a_job(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    enum cf_plan_applied applied;
    int revision;
    char id[CF_UUID_TEXT];
    struct cf_plan_new plan = { .name = "web",
                                .text = GATED,
                                .media_type = "application/yaml",
                                .spec = T.w->plan->effective,
                                .effective = T.w->plan->effective,
                                .digest = T.w->plan->digest,
                                .author = "ann" };
    assert_ok(cf_plan_apply(T.store, &plan, CF_PLAN_ANY, NULL, &applied, &revision, &err), &err);
    assert_ok(cf_engine_preflight_start(T.engine, "web", 0, "ann", id, &err), &err);
    for (int i = 0; i < 100; i++) {
        CF_CLEANUP(cf_preflight_row_free) struct cf_preflight_row row = { 0 };
        assert_ok(cf_preflight_get(T.store, id, &row, &err), &err);
        if (strcmp(row.state, CF_PREFLIGHT_DONE) == 0) {
            assert_int_equal(cf_json_int(row.result, -1, "blockers", NULL), 0);
            return;
        }
        usleep(100000);
    }
    fail_msg("the preflight did not end");
}

static void a_cluster_is_checked(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *report = cf_engine_cluster_check(T.engine, "dc1", "web", &err);
    if (!report)
        fail_msg("%s", err.message);
    assert_true(cf_json_bool(report, false, "reachable", NULL));
    assert_int_equal(json_array_size(json_object_get(report, "problems")), 0);
    assert_true(json_array_size(json_object_get(report, "rights")) > 50);
    assert_null(cf_engine_cluster_check(T.engine, "dc9", "web", &err));
    assert_int_equal(err.kind, CF_ERR_NOT_FOUND);
}

static void a_freeze_holds_every_run(void **state)
{
    (void)state;
    char id[CF_UUID_TEXT];
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_engine_freeze(T.engine, "audit", "ann", &err), &err);
    start_run(id);
    sleep(1);
    CF_CLEANUP(cf_run_row_free) struct cf_run_row row = { 0 };
    assert_ok(cf_run_get(T.store, id, &row, &err), &err);
    assert_string_equal(cf_json_str(row.hold, "", "reason", NULL), "frozen");
    assert_ok(cf_engine_freeze(T.engine, NULL, "ann", &err), &err);
    wait_for(id, "Soaking");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_healthy_run_ends_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(a_broken_target_is_sent_back_by_the_gate, begin, end),
        cmocka_unit_test_setup_teardown(a_stopped_engine_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(a_preview_shows_every_write_and_makes_none, begin, end),
        cmocka_unit_test_setup_teardown(a_preflight_is_a_job, begin, end),
        cmocka_unit_test_setup_teardown(a_cluster_is_checked, begin, end),
        cmocka_unit_test_setup_teardown(a_freeze_holds_every_run, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
