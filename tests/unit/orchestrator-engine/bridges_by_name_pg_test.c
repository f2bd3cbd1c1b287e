/* SPDX-License-Identifier: Apache-2.0 */
/* The bridges' lane over a real PostgreSQL, by name: it follows the other cluster's Service into the
 * Service of that name here, whatever the routers' weight is; says when pods of both clusters answer;
 * goes alone, for good, also when another replica feeds it; and a restarted lane knows it again. */
#include <libpq-fe.h>

#include "tests/unit/orchestrator-engine/bridges_world.h"

#define SERVICE(name)                                                                              \
    "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name                   \
    "\",\"namespace\":"                                                                            \
    "\"web\"},\"spec\":{\"selector\":{\"app\":\"" name                                             \
    "\"},\"ports\":[{\"name\":\"sql\",\"port\":5432}]}}"
#define SLICE(endpoints)                                                                                  \
    "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"db-1\"," \
    "\"namespace\":\"web\",\"labels\":{\"kubernetes.io/service-name\":\"db\"}},\"addressType\":"          \
    "\"IPv4\",\"endpoints\":[" endpoints "],\"ports\":[{\"name\":\"sql\",\"port\":5432}]}"
#define POD(ip) "{\"addresses\":[\"" ip "\"],\"conditions\":{\"ready\":true}}"

static const struct cf_bridge_place here = {
    .cluster = "dc2", .ns = "web", .service = "db", .by_name = true
};
static const struct cf_bridge_place beside = { .cluster = "dc2", .ns = "web", .service = "db" };

/* Both clusters have `db`; its pod runs in dc1. */
static int begin(void **state)
{
    (void)state;
    cf_fake_kube_put(T.dc1, SERVICE("db"));
    cf_fake_kube_put(T.dc1, SLICE(POD("10.1.0.1")));
    cf_fake_kube_put(T.dc2, SERVICE("db"));
    return 0;
}

static struct cf_bridges *start(void)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_bridges_config config = { .store = T.store,
                                        .clusters = { .kube = give_kube },
                                        .fence = fence_of,
                                        .shards = all_shards,
                                        .woken = nothing_woken };
    struct cf_bridges *b = cf_bridges_start(&config, &err);
    assert_non_null(b);
    return b;
}

static struct cf_fence of_run(void)
{
    struct cf_fence fence;
    assert_true(fence_of(NULL, cf_shard_of(RUN), &fence));
    return fence;
}

static void ensure(const struct cf_bridges_ops *port, bool by_name)
{
    static const struct cf_plan_traffic endpoints = { .reach = CF_PLAN_REACH_ENDPOINTS };
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fence fence = of_run();
    struct cf_bridge_want want = { .fence = &fence,
                                   .run_id = RUN,
                                   .cluster = "dc2",
                                   .ns = "web",
                                   .service = "db",
                                   .target_cluster = "dc1",
                                   .target_ns = "web",
                                   .target_service = "db",
                                   .traffic = by_name ? NULL : &endpoints,
                                   .by_name = by_name };
    assert_ok(port->ensure(port->self, &want, &err), &err);
}

static struct cf_bridge_view view_of(const struct cf_bridges_ops *port,
                                     const struct cf_bridge_place *place)
{
    struct cf_bridge_view view = { 0 };
    port->view(port->self, place, &view);
    return view;
}

/* Waits until the bridge by name is in step with so many endpoints, and so many of others beside. */
static void wait_in_step(const struct cf_bridges_ops *port, int ready, int others)
{
    int64_t until = cf_mono_now_ms() + WAIT_MS;
    struct cf_bridge_view v = { 0 };
    while (cf_mono_now_ms() < until) {
        v = view_of(port, &here);
        if (v.known && v.synced && v.ready == ready && v.others == others)
            return;
        cf_sleep_ms(&cf_clock_real, LOOK_MS);
    }
    fail_msg("known %d, synced %d, %d ready, %d others: %s", v.known, v.synced, v.ready, v.others,
             v.why);
}

/* The world moves, and the lane looks at once rather than at its next turn. */
static void put(const struct cf_bridges_ops *port, struct cf_fake_kube *fake, const char *slice)
{
    cf_fake_kube_put(fake, slice);
    ensure(port, true);
}

/* Slices that carry an address of dc1, by the Service that they belong to. */
static int slices_for(const char *service)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = cf_fake_kube_client(T.dc2, "dc2");
    cf_autojson json_t *items = NULL;
    cf_autofree char *selector =
        cf_xasprintf("kubernetes.io/service-name=%s,crossfade.dev/bridge=true", service);
    struct cf_kube_list list = { .api_version = "discovery.k8s.io/v1",
                                 .kind = "EndpointSlice",
                                 .ns = "web",
                                 .label_selector = selector };
    assert_ok(cf_kube_list(kube, NULL, &list, &items, NULL, &err), &err);
    return (int)json_array_size(items);
}

static bool has_row(const struct cf_bridge_place *place)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_bridge_row_free) struct cf_bridge_row row = { 0 };
    char id[CF_UUID_TEXT];
    cf_bridge_id(place->cluster, place->ns, place->service, place->by_name, id);
    return cf_bridge_get(T.store, id, &row, &err);
}

static void set_weight(const struct cf_bridges_ops *port, int weight)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fence fence = of_run();
    assert_ok(port->weight(port->self, &fence, RUN, weight, &err), &err);
}

static void remove_it(const struct cf_bridges_ops *port, const struct cf_bridge_place *place)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fence fence = of_run();
    assert_ok(port->remove_one(port->self, &fence, RUN, place, &err), &err);
}

static void it_follows_the_other_service_whatever_the_weight(void **state)
{
    (void)state;
    struct cf_bridges *b = start();
    struct cf_bridges_ops port = cf_bridges_port(b);
    ensure(&port, true);
    wait_in_step(&port, 1, 0);
    assert_int_equal(slices_for("db"), 1);
    assert_int_equal(slices_for("db-crossfade"), 0);
    set_weight(&port, 50);
    cf_fake_kube_put(T.dc1, SLICE(POD("10.1.0.1") "," POD("10.1.0.2")));
    wait_in_step(&port, 2, 0);
    put(&port, T.dc1, SLICE(""));
    wait_in_step(&port, 0, 0);
    assert_int_equal(slices_for("db"), 0);
    put(&port, T.dc1, SLICE(POD("10.1.0.1")));
    wait_in_step(&port, 1, 0);
    remove_it(&port, &here);
    cf_bridges_stop(b);
}

static void pods_of_both_clusters_are_told_of(void **state)
{
    (void)state;
    struct cf_bridges *b = start();
    struct cf_bridges_ops port = cf_bridges_port(b);
    ensure(&port, true);
    wait_in_step(&port, 1, 0);
    assert_string_equal(view_of(&port, &here).why, "");
    put(&port, T.dc2, SLICE(POD("10.2.0.1")));
    wait_in_step(&port, 1, 1);
    assert_non_null(strstr(view_of(&port, &here).why, "callers reach both clusters"));
    put(&port, T.dc2, SLICE(""));
    wait_in_step(&port, 1, 0);
    remove_it(&port, &here);
    cf_bridges_stop(b);
}

/* A Service that the routers reach directly has one of either sort. */
static void it_goes_alone(void **state)
{
    (void)state;
    struct cf_bridges *b = start();
    struct cf_bridges_ops port = cf_bridges_port(b);
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fence fence = of_run();
    ensure(&port, false);
    ensure(&port, true);
    wait_in_step(&port, 1, 0);
    for (int twice = 0; twice < 2; twice++) {
        remove_it(&port, &here);
        assert_false(has_row(&here));
        assert_false(view_of(&port, &here).known);
        assert_int_equal(slices_for("db"), 0);
    }
    assert_true(has_row(&beside));
    assert_true(view_of(&port, &beside).known);
    ensure(&port, true);
    wait_in_step(&port, 1, 0);
    assert_ok(port.remove(port.self, &fence, RUN, &err), &err);
    assert_false(has_row(&here) || has_row(&beside));
    assert_int_equal(slices_for("db") + slices_for("db-crossfade"), 0);
    cf_bridges_stop(b);
}

/* What it was is in its row. */
static void a_restarted_lane_knows_it_again(void **state)
{
    (void)state;
    struct cf_bridges *b = start();
    struct cf_bridges_ops port = cf_bridges_port(b);
    ensure(&port, true);
    wait_in_step(&port, 1, 0);
    cf_bridges_stop(b);
    cf_fake_kube_put(T.dc1, SLICE(POD("10.1.0.1") "," POD("10.1.0.3")));
    b = start();
    port = cf_bridges_port(b);
    wait_in_step(&port, 2, 0);
    assert_int_equal(slices_for("db"), 1);
    assert_int_equal(slices_for("db-crossfade"), 0);
    remove_it(&port, &here);
    cf_bridges_stop(b);
}

/* ---- two replicas: the run's, and the one that the bridge's shard belongs to ---- */

static bool fence_of_one(void *self, int shard, struct cf_fence *out)
{
    return shard == *(const int *)self && fence_of(NULL, shard, out);
}

static int one_shard(void *self, int *out)
{
    out[0] = *(const int *)self;
    return 1;
}

static struct cf_bridges *start_owner_of(int *shard)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_bridges_config config = { .store = T.store,
                                        .clusters = { .kube = give_kube },
                                        .fence = fence_of_one,
                                        .shards = one_shard,
                                        .self = shard,
                                        .woken = nothing_woken };
    struct cf_bridges *b = cf_bridges_start(&config, &err);
    assert_non_null(b);
    return b;
}

static void sql(const char *text)
{
    PGconn *pg = PQconnectdb(T.conninfo);
    PGresult *res = PQexec(pg, text);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        fail_msg("%s", PQresultErrorMessage(res));
    PQclear(res);
    PQfinish(pg);
}

static void wait_known(const struct cf_bridges_ops *port, bool known)
{
    int64_t until = cf_mono_now_ms() + WAIT_MS;
    while (view_of(port, &here).known != known) {
        if (cf_mono_now_ms() > until)
            fail_msg("the bridge is %sknown", known ? "not " : "");
        cf_sleep_ms(&cf_clock_real, LOOK_MS);
    }
}

static void another_replica_takes_it_away(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_UUID_TEXT];
    cf_bridge_id("dc2", "web", "db", true, id);
    int of_the_run = cf_shard_of(RUN), of_the_bridge = cf_shard_of(id);
    assert_int_not_equal(of_the_run, of_the_bridge);
    cf_autofree char *run = cf_xasprintf(
        "INSERT INTO run (id, plan, number, revision, digest, shard, source, target, started_by,"
        " start_reason, labels, state, phase, memo, warnings) VALUES ('" RUN "', 'p', 1, 1, '', %d,"
        " '{}', '{}', '', '', '{}', 'active', '', '{}', '[]')",
        of_the_run);
    sql(run);
    struct cf_bridges *runs = start_owner_of(&of_the_run), *its = start_owner_of(&of_the_bridge);
    struct cf_bridges_ops port = cf_bridges_port(runs), other = cf_bridges_port(its);
    ensure(&port, true);
    cf_bridges_poke(its);
    wait_in_step(&other, 1, 0);
    /* The run's replica knows it for as long as the run lasts, whoever else feeds it. */
    for (int i = 0; i < 3; i++) {
        cf_bridges_poke(runs);
        cf_sleep_ms(&cf_clock_real, LOOK_MS);
    }
    wait_in_step(&port, 1, 0);
    struct cf_fence fence = of_run();
    assert_false(port.remove_one(port.self, &fence, RUN, &here, &err));
    assert_string_equal(err.reason, "bridge-elsewhere");
    assert_fails(false, &err, CF_ERR_TRANSIENT, "asked to remove it");
    cf_bridges_poke(runs); /* reads that it goes, and leaves it alone */
    cf_bridges_poke(its);
    wait_known(&other, false);
    wait_known(&port, false);
    remove_it(&port, &here);
    assert_false(has_row(&here));
    assert_int_equal(slices_for("db"), 0);
    cf_bridges_stop(runs);
    cf_bridges_stop(its);
    sql("DELETE FROM run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_follows_the_other_service_whatever_the_weight, begin),
        cmocka_unit_test_setup(pods_of_both_clusters_are_told_of, begin),
        cmocka_unit_test_setup(it_goes_alone, begin),
        cmocka_unit_test_setup(a_restarted_lane_knows_it_again, begin),
        cmocka_unit_test_setup(another_replica_takes_it_away, begin),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
