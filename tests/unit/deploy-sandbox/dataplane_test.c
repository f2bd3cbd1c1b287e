/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the data plane as a whole, with real sockets: pods answer who they are, a change of the
 * objects takes effect after the delay, faults do what they say, pods that go away fail no request,
 * and a Service without pods answers through slices that name another cluster's. */
#include "tests/support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/thread.h"
#include "deploy/sandbox/control/control.h"
#include "deploy/sandbox/dataplane/dataplane.h"
#include "deploy/sandbox/load/load.h"

enum { DELAY_MS = 50, WAIT_MS = 15000 };

struct world {
    struct sbx_api *api, *west;
    struct sbx_dataplane *dataplane;
    struct sbx_loads *loads;
};

static void create(struct sbx_api *api, const char *path, json_t *object)
{
    cf_autojson json_t *answer = NULL;
    int status = sbx_api_do(api, "test", "POST", NULL, object, &answer, "%s", path);
    if (status != 201)
        fail_msg("POST %s: %d %s", path, status, cf_json_str(answer, "", "message", NULL));
    json_decref(object);
}

/* A Running pod of `app` at 127.20.77.<n>, and the only endpoint of the Service of that name. */
static void add_app(struct sbx_api *api, const char *app, int n)
{
    char address[32];
    snprintf(address, sizeof(address), "127.20.77.%d", n);
    create(api, "/api/v1/namespaces/default/services",
           json_pack("{s:s,s:s,s:{s:s},s:{s:[{s:s,s:i,s:i}]}}", "apiVersion", "v1", "kind",
                     "Service", "metadata", "name", app, "spec", "ports", "name", "http", "port",
                     80, "targetPort", 8080));
    create(api, "/api/v1/namespaces/default/pods",
           json_pack("{s:s,s:s,s:{s:s,s:{s:s,s:s}},s:{s:[{s:s,s:s,s:[{s:i}]}]}}", "apiVersion",
                     "v1", "kind", "Pod", "metadata", "name", app, "labels", "app", app, "version",
                     "v7", "spec", "containers", "name", "c", "image", "i", "ports",
                     "containerPort", 8080));
    cf_autojson json_t *status =
        json_pack("{s:{s:s,s:s}}", "status", "phase", "Running", "podIP", address);
    assert_int_equal(sbx_api_do(api, "test", "PATCH", "application/merge-patch+json", status, NULL,
                                "/api/v1/namespaces/default/pods/%s/status", app),
                     200);
    create(api, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
           json_pack("{s:s,s:s,s:{s:s,s:{s:s}},s:s,s:[{s:s,s:i}],s:[{s:[s],s:{s:b}}]}",
                     "apiVersion", "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata",
                     "name", app, "labels", "kubernetes.io/service-name", app, "addressType",
                     "IPv4", "ports", "name", "http", "port", 8080, "endpoints", "addresses",
                     address, "conditions", "ready", 1));
}

static json_t *slice_of(const char *service, const char *name, const char *manager,
                        const char *address)
{
    json_t *slice = json_pack("{s:s,s:s,s:{s:s,s:{s:s,s:s}},s:s,s:[{s:s,s:i}],s:[]}", "apiVersion",
                              "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata", "name",
                              name, "labels", "kubernetes.io/service-name", service,
                              "endpointslice.kubernetes.io/managed-by", manager, "addressType",
                              "IPv4", "ports", "name", "http", "port", 8080, "endpoints");
    if (address)
        json_array_append_new(
            json_object_get(slice, "endpoints"),
            json_pack("{s:[s],s:{s:b}}", "addresses", address, "conditions", "ready", 1));
    return slice;
}

static json_t *destination(const char *app, int weight)
{
    return json_pack("{s:{s:s,s:{s:i}},s:i}", "destination", "host", app, "port", "number", 80,
                     "weight", weight);
}

static int set_up(void **state)
{
    struct world *w = cf_xcalloc(1, sizeof(*w));
    struct cf_error err = CF_ERROR_INIT;
    w->api = sbx_api_new("east");
    create(w->api, "/api/v1/namespaces/default/serviceaccounts",
           json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", "ServiceAccount", "metadata",
                     "name", "default"));
    add_app(w->api, "blue", 1);
    add_app(w->api, "green", 2);
    create(w->api, "/apis/networking.istio.io/v1/namespaces/default/virtualservices",
           json_pack("{s:s,s:s,s:{s:s},s:{s:[s],s:[{s:[o,o]}]}}", "apiVersion",
                     "networking.istio.io/v1", "kind", "VirtualService", "metadata", "name", "vs",
                     "spec", "hosts", "a.example.com", "http", "route", destination("blue", 100),
                     destination("green", 0)));
    w->west = sbx_api_new("west");
    w->dataplane = sbx_dataplane_start(
        &(struct sbx_dataplane_options){ .apis = (struct sbx_api *[]){ w->api, w->west },
                                         .clusters = 2,
                                         .delay_ms = DELAY_MS,
                                         .listener_slot = 1 },
        &err);
    w->loads = sbx_loads_new(&err);
    *state = w;
    return w->dataplane && w->loads ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    sbx_loads_free(w->loads);
    sbx_dataplane_stop(w->dataplane);
    sbx_api_free(w->api);
    sbx_api_free(w->west);
    free(w);
    return 0;
}

/* So many requests at 500 a second; the summary. */
static json_t *shoot_at(struct world *w, const char *cluster, const char *host, int n,
                        int64_t timeout_ms)
{
    struct cf_error err = CF_ERROR_INIT;
    int id;
    assert_ok(sbx_load_start(w->loads,
                             &(struct sbx_load_options){
                                 .url = sbx_dataplane_gateway_url(w->dataplane, cluster),
                                 .host = host,
                                 .rps = 500,
                                 .duration_ms = n * 2,
                                 .timeout_ms = timeout_ms },
                             &id, &err),
              &err);
    assert_true(sbx_load_wait(w->loads, id, WAIT_MS));
    json_t *summary = sbx_load_summary(w->loads, id);
    assert_true(sbx_load_drop(w->loads, id));
    return summary;
}

static json_t *shoot(struct world *w, int n, int64_t timeout_ms)
{
    return shoot_at(w, "east", "a.example.com", n, timeout_ms);
}

static int number(const json_t *summary, const char *name)
{
    return (int)cf_json_int(summary, 0, name, NULL);
}

static void until_routed(struct world *w, const char *backend, int weight)
{
    int64_t begin = cf_mono_now_ms();
    for (;;) {
        cf_autojson json_t *split = sbx_dataplane_split(w->dataplane, "east");
        if (cf_json_int(split, -1, "a.example.com", "backends", backend, NULL) == weight)
            return;
        if (cf_mono_now_ms() > begin + WAIT_MS)
            fail_msg("%s never gets %d", backend, weight);
        usleep(2000);
    }
}

static void set_weight(struct world *w, int i, int weight)
{
    cf_autojson json_t *patch =
        json_pack("[{s:s,s:o,s:i}]", "op", "replace", "path",
                  json_sprintf("/spec/http/0/route/%d/weight", i), "value", weight);
    assert_int_equal(
        sbx_api_do(w->api, "test", "PATCH", "application/json-patch+json", patch, NULL,
                   "/apis/networking.istio.io/v1/namespaces/default/virtualservices/vs"),
        200);
}

static void splits_by_what_the_objects_say_a_delay_later(void **state)
{
    struct world *w = *state;
    until_routed(w, "blue.default.svc.cluster.local", 100);
    cf_autojson json_t *before = shoot(w, 50, 0);
    assert_int_equal(number(before, "failed"), 0);
    assert_int_equal(cf_json_int(before, 0, "by_cluster", "east", NULL), number(before, "sent"));
    int64_t begin = cf_mono_now_ms();
    set_weight(w, 1, 300);
    until_routed(w, "green.default.svc.cluster.local", 300);
    assert_true(cf_mono_now_ms() - begin >= DELAY_MS);
    cf_autojson json_t *after = shoot(w, 400, 0);
    assert_int_equal(number(after, "failed"), 0);
    cf_autofree char *metrics = sbx_dataplane_metrics(w->dataplane, "east");
    const char *green =
        strstr(metrics, "envoy_cluster_name=\"outbound|80||green.default.svc.cluster.local\"} ");
    assert_non_null(green);
    int share = atoi(strchr(green, ' '));
    assert_in_range(share, 240, 360); /* 300 expected, 8.7 is one sigma */
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(sbx_dataplane_freeze(w->dataplane, "east", true, &err), &err);
    set_weight(w, 1, 0);
    usleep(3 * DELAY_MS * 1000);
    cf_autojson json_t *frozen = sbx_dataplane_split(w->dataplane, "east");
    assert_int_equal(cf_json_int(frozen, -1, "a.example.com", "backends",
                                 "green.default.svc.cluster.local", NULL),
                     300);
    assert_ok(sbx_dataplane_freeze(w->dataplane, NULL, false, &err), &err);
    until_routed(w, "green.default.svc.cluster.local", 0);
}

static void faults_do_what_they_say(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    until_routed(w, "blue.default.svc.cluster.local", 100);
    assert_ok(sbx_dataplane_fault(w->dataplane, "east", "default", "blue",
                                  &(struct sbx_app_fault){ .error = 1, .status = 502 }, &err),
              &err);
    cf_autojson json_t *errors = shoot(w, 20, 0);
    assert_int_equal(cf_json_int(errors, 0, "errors", "status 502", NULL), number(errors, "sent"));
    assert_ok(sbx_dataplane_fault(w->dataplane, "east", "default", "blue",
                                  &(struct sbx_app_fault){ .hang = 1 }, &err),
              &err);
    cf_autojson json_t *hangs = shoot(w, 20, 100);
    assert_int_equal(cf_json_int(hangs, 0, "errors", "read: timeout", NULL), number(hangs, "sent"));
    assert_ok(sbx_dataplane_fault(w->dataplane, "east", "", "",
                                  &(struct sbx_app_fault){ .latency_ms = 30 }, &err),
              &err);
    assert_ok(sbx_dataplane_fault(w->dataplane, "east", "default", "blue", NULL, &err), &err);
    cf_autojson json_t *slow = shoot(w, 20, 0);
    assert_int_equal(number(slow, "failed"), 0);
    assert_true(number(slow, "p50_us") >= 30000);
    sbx_dataplane_heal(w->dataplane);
    cf_autojson json_t *healed = shoot(w, 20, 0);
    assert_int_equal(number(healed, "failed"), 0);
    assert_fails(sbx_dataplane_fault(w->dataplane, "north", "", "", NULL, &err), &err,
                 CF_ERR_NOT_FOUND, "north");
    assert_fails(sbx_dataplane_fault(w->dataplane, "east", "", "",
                                     &(struct sbx_app_fault){ .error = 2 }, &err),
                 &err, CF_ERR_INVALID, "0 to 1");
}

static void metrics_stand_still_or_go_away(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    until_routed(w, "blue.default.svc.cluster.local", 100);
    assert_ok(sbx_dataplane_metrics_fault(w->dataplane, NULL, SBX_METRICS_STALE, &err), &err);
    cf_autofree char *before = sbx_dataplane_metrics(w->dataplane, "east");
    json_decref(shoot(w, 20, 0));
    cf_autofree char *after = sbx_dataplane_metrics(w->dataplane, "east");
    assert_string_equal(before, after);
    assert_ok(sbx_dataplane_metrics_fault(w->dataplane, "east", SBX_METRICS_AWAY, &err), &err);
    sbx_dataplane_heal(w->dataplane);
    cf_autofree char *now = sbx_dataplane_metrics(w->dataplane, "east");
    assert_string_not_equal(before, now);
}

static void a_pod_that_leaves_fails_no_request(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    int id;
    until_routed(w, "blue.default.svc.cluster.local", 100);
    assert_ok(sbx_load_start(w->loads,
                             &(struct sbx_load_options){
                                 .url = sbx_dataplane_gateway_url(w->dataplane, "east"),
                                 .host = "a.example.com",
                                 .rps = 300 },
                             &id, &err),
              &err);
    usleep(200000);
    set_weight(w, 1, 100);
    set_weight(w, 0, 0);
    assert_int_equal(sbx_api_do(w->api, "test", "DELETE", NULL, NULL, NULL,
                                "/api/v1/namespaces/default/pods/blue?gracePeriodSeconds=0"),
                     200);
    until_routed(w, "blue.default.svc.cluster.local", 0);
    usleep(200000);
    assert_true(sbx_load_stop(w->loads, id));
    cf_autojson json_t *summary = sbx_load_summary(w->loads, id);
    assert_int_equal(number(summary, "failed"), 0);
    assert_false(sbx_load_stop(w->loads, id + 1));
}

/* Requests for `db` in west until pods of east answer all of them, or none. */
static void until_east_answers(struct world *w, bool all)
{
    int64_t begin = cf_mono_now_ms();
    for (;;) {
        cf_autojson json_t *seen = shoot_at(w, "west", "db.example.com", 20, 0);
        int east = (int)cf_json_int(seen, 0, "by_cluster", "east", NULL);
        if (east == (all ? number(seen, "sent") : 0))
            return;
        if (cf_mono_now_ms() > begin + WAIT_MS)
            fail_msg("%d of %d requests answered by east", east, number(seen, "sent"));
    }
}

/* West has `db` with a selector that selects nothing, and its controller's empty slice. */
static void a_service_without_pods_answers_through_slices_of_another_manager(void **state)
{
    struct world *w = *state;
    static const char slices[] = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    create(w->west, "/api/v1/namespaces/default/services",
           json_pack("{s:s,s:s,s:{s:s},s:{s:{s:s},s:[{s:s,s:i,s:i}]}}", "apiVersion", "v1", "kind",
                     "Service", "metadata", "name", "db", "spec", "selector", "app", "db", "ports",
                     "name", "http", "port", 80, "targetPort", 8080));
    create(w->west, slices, slice_of("db", "db-own", "endpointslice-controller.k8s.io", NULL));
    create(w->west, "/apis/networking.istio.io/v1/namespaces/default/virtualservices",
           json_pack("{s:s,s:s,s:{s:s},s:{s:[s],s:[{s:[o]}]}}", "apiVersion",
                     "networking.istio.io/v1", "kind", "VirtualService", "metadata", "name", "vs",
                     "spec", "hosts", "db.example.com", "http", "route", destination("db", 100)));
    until_east_answers(w, false);
    create(w->west, slices,
           slice_of("db", "db-crossfade-by-name-1", "crossfade.dev", "127.20.77.1"));
    until_east_answers(w, true);
    assert_int_equal(sbx_api_do(w->west, "test", "DELETE", NULL, NULL, NULL,
                                "%s/db-crossfade-by-name-1", slices),
                     200);
    until_east_answers(w, false);
}

static void the_control_port_starts_and_ends(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct sbx_control_options options = { .apis = (struct sbx_api *[]){ w->api },
                                           .clusters = 1,
                                           .dataplane = w->dataplane,
                                           .loads = w->loads };
    struct sbx_control *c = sbx_control_start(&options, &err);
    assert_non_null(c);
    char *url = cf_xasprintf("%s/state", sbx_control_url(c));
    int id;
    assert_ok(
        sbx_load_start(w->loads,
                       &(struct sbx_load_options){ .url = url, .rps = 100, .duration_ms = 100 },
                       &id, &err),
        &err);
    assert_true(sbx_load_wait(w->loads, id, WAIT_MS));
    cf_autojson json_t *summary = sbx_load_summary(w->loads, id);
    assert_int_equal(number(summary, "sent"), 10);
    assert_int_equal(number(summary, "failed"), 0);
    free(url);
    sbx_control_stop(c);
}

static void wrong_loads_are_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *url;
        double rps;
        const char *message;
    } table[] = {
        { "https://127.0.0.1/", 1, "http://" },
        { "http://localhost/", 1, "numeric" },
        { "http://127.0.0.1:0/", 1, "port" },
        { "http://127.0.0.1:99999/", 1, "port" },
        { "http://127.0.0.1:80x", 1, "slash" },
        { "http://127.0.0.1/a b", 1, "white space" },
        { "http://127.0.0.1/", 0, "rate" },
        { "http://127.0.0.1/", 1e9, "rate" },
        { NULL, 1, "missing" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_error err = CF_ERROR_INIT;
        int id;
        assert_fails(
            sbx_load_start(w->loads,
                           &(struct sbx_load_options){ .url = table[i].url, .rps = table[i].rps },
                           &id, &err),
            &err, CF_ERR_INVALID, table[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(splits_by_what_the_objects_say_a_delay_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(faults_do_what_they_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metrics_stand_still_or_go_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pod_that_leaves_fails_no_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_service_without_pods_answers_through_slices_of_another_manager, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_control_port_starts_and_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_loads_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
