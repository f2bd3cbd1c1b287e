/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what a run does whose plan names the target's destination itself: nothing is written before
 * that destination is there, and no weight rises while nobody stands behind it. */
#include "tests/unit/orchestrator-engine/life.h"

#define EXISTING                                                                                   \
    "apiVersion: crossfade.dev/v1alpha1\n"                                                         \
    "kind: MigrationPlan\n"                                                                        \
    "metadata: {name: web}\n"                                                                      \
    "spec:\n"                                                                                      \
    "  source: {cluster: dc1, namespace: web}\n"                                                   \
    "  target: {cluster: dc2}\n"                                                                   \
    "  traffic:\n"                                                                                 \
    "    router: {type: virtualService, name: web, destinations: {target: {host: echo-dc2}}}\n"    \
    "    steps: [5, 50, 100]\n"                                                                    \
    "    hold: 10s\n"                                                                              \
    "  commit: auto\n"

static void put_destination(struct world *w)
{
    put_text(w->dc1, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo-dc2',"
                     "'namespace':'web'},'spec':{'ports':[{'name':'http','port':80}]}}");
}

static void put_endpoints(struct world *w)
{
    put_text(w->dc1,
             "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':"
             "'echo-dc2-1','namespace':'web','labels':{'kubernetes.io/service-name':'echo-dc2'}},"
             "'addressType':'IPv4','ports':[{'name':'http','port':8080}],'endpoints':[{"
             "'addresses':['10.2.0.1'],'conditions':{'ready':true}}]}");
}

static void remove_endpoints(struct world *w)
{
    cf_fake_kube_remove(w->dc1, "discovery.k8s.io/v1", "EndpointSlice", "web", "echo-dc2-1");
}

/* Of the plan's destination, in the object. */
static int target_weight(struct world *w)
{
    cf_autojson json_t *vs = router_now(w);
    const json_t *http = json_array_get(cf_json_at(vs, "spec", "http", NULL), 0);
    size_t i;
    json_t *route;
    json_array_foreach(json_object_get(http, "route"), i, route)
    {
        if (strncmp(cf_json_str(route, "", "destination", "host", NULL), "echo-dc2", 8) == 0)
            return (int)cf_json_int(route, 0, "weight", NULL);
    }
    return 0;
}

static void a_destination_that_does_not_exist_stops_it_before_anything_is_written(void **state)
{
    (void)state;
    struct world *w = world_new(EXISTING);
    run_until(w, "preflight", 50);
    assert_non_null(strstr(hold_message(w), "echo-dc2"));
    assert_int_equal(target_weight(w), 0);
    assert_router_as_before(w);
    put_destination(w);
    put_endpoints(w);
    run_until(w, "completed", 300);
    assert_int_equal(target_weight(w), 100);
    world_free(w);
}

static void no_weight_rises_while_nobody_stands_behind_it(void **state)
{
    (void)state;
    struct world *w = world_new(EXISTING);
    put_destination(w);
    put_endpoints(w);
    run_until_step(w, "traffic.shift", 0, "done");
    assert_int_equal(target_weight(w), 5);
    remove_endpoints(w);
    run_until(w, "not-ready", 100);
    assert_int_equal(target_weight(w), 5);
    assert_non_null(strstr(hold_message(w), "Service web/echo-dc2"));
    put_endpoints(w);
    run_until(w, "completed", 300);
    world_free(w);
}

static void a_destination_that_goes_after_preflight_stops_the_first_weight(void **state)
{
    (void)state;
    struct world *w = world_new(EXISTING);
    put_destination(w);
    put_endpoints(w);
    run_until_step(w, "preflight", 0, "done");
    remove_endpoints(w);
    run_until(w, "not-ready", 100);
    assert_int_equal(target_weight(w), 0);
    put_endpoints(w);
    run_until(w, "completed", 300);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_destination_that_does_not_exist_stops_it_before_anything_is_written),
        cmocka_unit_test(no_weight_rises_while_nobody_stands_behind_it),
        cmocka_unit_test(a_destination_that_goes_after_preflight_stops_the_first_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
