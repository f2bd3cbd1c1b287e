/* SPDX-License-Identifier: Apache-2.0 */
/* Proves which series become which stream's points: the namings of five gateways, the traps in them (double counting, absent failure
 * series, canaries under their main service's name), latency buckets joined, and the memory of "auto". */
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "orchestrator/gate/collector.h"
#include "orchestrator/gate/promtext.h"

static const struct cf_stream_backend target = {
    .namespace_ = "demo", .service = "echo-x", .host = "echo-x.demo.svc.cluster.local", .port = 80
};
static const struct cf_stream_backend canary = { .namespace_ = "demo",
                                                 .service = "echo-x",
                                                 .port = 80,
                                                 .ingress = "echo",
                                                 .main_service = "echo",
                                                 .canary = true };
static const struct cf_stream_backend main_backend = {
    .namespace_ = "demo", .service = "echo", .port = 80, .ingress = "echo", .main_service = "echo"
};

static const struct cf_stream_backend named_port = { .namespace_ = "demo",
                                                     .service = "echo-x",
                                                     .port_name = "http",
                                                     .ingress = "echo",
                                                     .main_service = "echo",
                                                     .canary = true };
static const struct cf_stream_backend no_port = { .namespace_ = "demo",
                                                  .service = "echo-x",
                                                  .host = "echo-x.demo.svc.cluster.local" };

static bool want(void *user, const char *metric)
{
    return cf_collector_wants_metric(user, metric);
}

static void take(void *user, const struct cf_promtext_sample *s)
{
    cf_collector_take(user, s->name, cf_promtext_label, s, cf_promtext_series(s, "le"), 0, 1000,
                      s->value);
}

static struct cf_reading *collect(const struct cf_stream *streams, size_t n,
                                  struct cf_naming_memory *memory, const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_collector *c = cf_collector_new(streams, n, memory);
    cf_autofree char *copy = cf_xstrdup(text);
    assert_ok(cf_promtext_parse(copy, strlen(copy), want, take, c, &err), &err);
    struct cf_reading *r = cf_collector_finish(c);
    cf_collector_free(c);
    return r;
}

static const struct {
    const char *preset;
    const struct cf_stream_backend *backend;
    const char *text;
    double total, bad;
    int points;
} namings[] = {
    { "envoy", &target,
      "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\"} 90\n"
      "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\",envoy_cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\"} 10\n"
      "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\",envoy_cluster_name=\"outbound|80||echo.demo.svc.cluster.local\"} 7\n"
      "envoy_cluster_upstream_rq{envoy_response_code=\"200\",envoy_cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\"} 90\n",
      100, 10, 2 },
    { "envoy-istio", &target,
      "envoy_cluster_upstream_rq{response_code_class=\"2xx\",cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\"} 90\n"
      "envoy_cluster_upstream_rq{response_code=\"200\",cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\"} 90\n"
      "envoy_cluster_upstream_rq{response_code_class=\"5xx\",cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\"} 3\n"
      "envoy_cluster_upstream_rq{response_code=\"503\",cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\"} 3\n",
      93, 3, 2 },
    { "istio", &target,
      "istio_requests_total{reporter=\"source\",destination_service=\"echo-x.demo.svc.cluster.local\",response_code=\"200\"} 40\n"
      "istio_requests_total{reporter=\"source\",destination_service=\"echo-x.demo.svc.cluster.local\",response_code=\"404\"} 2\n"
      "istio_requests_total{reporter=\"source\",destination_service=\"echo-x.demo.svc.cluster.local\",response_code=\"500\"} 1\n"
      "istio_requests_total{reporter=\"destination\",destination_service=\"echo-x.demo.svc.cluster.local\",response_code=\"500\"} 1\n",
      43, 1, 3 },
    { "nginx", &canary,
      "nginx_ingress_controller_requests{canary=\"demo-echo-x-80\",ingress=\"echo\",namespace=\"demo\",service=\"echo\",status=\"200\"} 30\n"
      "nginx_ingress_controller_requests{canary=\"demo-echo-x-80\",ingress=\"echo\",namespace=\"demo\",service=\"echo\",status=\"502\"} 5\n"
      "nginx_ingress_controller_requests{canary=\"\",ingress=\"echo\",namespace=\"demo\",service=\"echo\",status=\"502\"} 99\n",
      35, 5, 2 },
    { "nginx", &main_backend,
      "nginx_ingress_controller_requests{canary=\"demo-echo-x-80\",ingress=\"echo\",namespace=\"demo\",service=\"echo\",status=\"200\"} 30\n"
      "nginx_ingress_controller_requests{canary=\"\",ingress=\"echo\",namespace=\"demo\",service=\"echo\",status=\"200\"} 99\n"
      "nginx_ingress_controller_requests{ingress=\"echo\",namespace=\"demo\",service=\"echo\",status=\"500\"} 1\n"
      "nginx_ingress_controller_requests{ingress=\"echo\",namespace=\"other\",service=\"echo\",status=\"500\"} 1\n",
      100, 1, 2 },
    { "traefik", &target,
      "traefik_service_requests_total{code=\"200\",service=\"demo-echo-x-80@kubernetescrd\"} 8\n"
      "traefik_service_requests_total{code=\"500\",service=\"demo-echo-x-80@kubernetes\"} 1\n"
      "traefik_service_requests_total{code=\"500\",service=\"demo-echo-80@kubernetes\"} 1\n",
      9, 1, 2 },
    { "nginx", &named_port,
      "nginx_ingress_controller_requests{canary=\"demo-echo-x-http\",ingress=\"echo\",namespace=\"demo\",service=\"echo\",status=\"200\"} 12\n"
      "nginx_ingress_controller_requests{canary=\"demo-echo-x-0\",ingress=\"echo\",namespace=\"demo\",service=\"echo\",status=\"200\"} 5\n",
      12, 0, 1 },
    { "traefik", &named_port,
      "traefik_service_requests_total{code=\"200\",service=\"demo-echo-x-http@kubernetes\"} 8\n", 8,
      0, 1 },
    { "auto", &no_port,
      "istio_requests_total{reporter=\"source\",destination_service=\"echo-x.demo.svc.cluster.local\",response_code=\"200\"} 4\n"
      "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name=\"outbound|0||echo-x.demo.svc.cluster.local\"} 9\n",
      4, 0, 1 },
    { "auto", &target, "unrelated 1\n", 0, 0, 0 },
};

static void namings_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(namings); i++) {
        struct cf_naming_memory *memory = cf_naming_memory_new();
        struct cf_stream s = { .kind = CF_STREAM_SUCCESS,
                               .preset = namings[i].preset,
                               .backend = *namings[i].backend };
        struct cf_reading *r = collect(&s, 1, memory, namings[i].text);
        double total = 0, bad = 0;
        for (size_t p = 0; p < r->count; p++) {
            total += r->points[p].total;
            bad += r->points[p].bad;
        }
        if (!r->ok || total != namings[i].total || bad != namings[i].bad ||
            (int)r->count != namings[i].points)
            fail_msg("row %zu (%s): ok %d total %g bad %g points %zu %s", i, namings[i].preset,
                     r->ok, total, bad, r->count, r->error.message);
        cf_readings_free(r, 1);
        cf_naming_memory_free(memory);
    }
}

static void auto_keeps_to_the_naming_it_found(void **state)
{
    (void)state;
    struct cf_naming_memory *memory = cf_naming_memory_new();
    struct cf_stream s = { .kind = CF_STREAM_SUCCESS, .preset = "auto", .backend = target };
    const char *envoy =
        "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\"} 90\n";
    const char *both =
        "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\"} 91\n"
        "istio_requests_total{reporter=\"source\",destination_service=\"echo-x.demo.svc.cluster.local\",response_code=\"200\"} 5000\n";
    struct cf_reading *r = collect(&s, 1, memory, envoy);
    assert_int_equal(r->count, 1);
    cf_readings_free(r, 1);
    r = collect(&s, 1, memory, both);
    assert_int_equal(r->count, 1);
    assert_true(r->points[0].total == 91);
    cf_readings_free(r, 1);
    cf_naming_memory_free(memory);

    memory = cf_naming_memory_new();
    r = collect(&s, 1, memory, both); /* both at once: the first of the table, never both */
    assert_int_equal(r->count, 1);
    assert_true(r->points[0].total == 5000);
    cf_readings_free(r, 1);
    cf_naming_memory_free(memory);
}

#define BUCKET(le, v)                                                                                                  \
    "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"outbound|80||echo-x.demo.svc.cluster.local\",le=\"" le \
    "\"} " v "\n"

static void latency_is_counted_at_a_bucket_edge(void **state)
{
    (void)state;
    struct cf_naming_memory *memory = cf_naming_memory_new();
    struct cf_stream streams[] = {
        { .kind = CF_STREAM_LATENCY, .preset = "envoy", .backend = target, .slower_than_ms = 250 },
        { .kind = CF_STREAM_LATENCY, .preset = "envoy", .backend = target, .slower_than_ms = 300 },
    };
    struct cf_reading *r =
        collect(streams, 2, memory,
                BUCKET("100", "50") BUCKET("250", "80") BUCKET("500", "99") BUCKET("+Inf", "100"));
    assert_true(r[0].ok);
    assert_int_equal(r[0].count, 1);
    assert_true(r[0].points[0].total == 100 && r[0].points[0].bad == 20);
    assert_false(r[1].ok);
    assert_non_null(strstr(r[1].error.message, "300ms is not an edge"));
    assert_non_null(strstr(r[1].error.message, "100ms, 250ms, 500ms"));
    cf_readings_free(r, 2);
    cf_naming_memory_free(memory);
}

static void seconds_are_converted(void **state)
{
    (void)state;
    struct cf_naming_memory *memory = cf_naming_memory_new();
    struct cf_stream s = {
        .kind = CF_STREAM_LATENCY, .preset = "nginx", .backend = canary, .slower_than_ms = 500
    };
    struct cf_reading *r = collect(
        &s, 1, memory,
        "nginx_ingress_controller_request_duration_seconds_bucket{canary=\"demo-echo-x-80\",le=\"0.5\"} 9\n"
        "nginx_ingress_controller_request_duration_seconds_bucket{canary=\"demo-echo-x-80\",le=\"+Inf\"} 10\n");
    assert_int_equal(r->count, 1);
    assert_true(r->points[0].bad == 1);
    cf_readings_free(r, 1);
    cf_naming_memory_free(memory);
}

static void subsets_need_a_naming_that_has_them(void **state)
{
    (void)state;
    struct cf_naming_memory *memory = cf_naming_memory_new();
    struct cf_stream s = { .kind = CF_STREAM_SUCCESS, .preset = "istio", .backend = target };
    s.backend.subset = "v2";
    struct cf_reading *r = collect(&s, 1, memory, "a 1\n");
    assert_false(r->ok);
    assert_non_null(strstr(r->error.message, "subsets"));
    cf_readings_free(r, 1);
    cf_naming_memory_free(memory);
}

/* Not outbound|0||…, which is nobody's. */
static void an_unknown_port_is_an_error_where_the_naming_has_it(void **state)
{
    (void)state;
    struct cf_naming_memory *memory = cf_naming_memory_new();
    struct cf_stream s = { .kind = CF_STREAM_SUCCESS, .preset = "envoy", .backend = no_port };
    struct cf_reading *r = collect(&s, 1, memory, "a 1\n");
    assert_false(r->ok);
    assert_non_null(strstr(r->error.message, "port of the destination echo-x.demo"));
    cf_readings_free(r, 1);
    cf_naming_memory_free(memory);
}

static void batches_name_every_backend_once_escaped(void **state)
{
    (void)state;
    struct cf_naming_memory *memory = cf_naming_memory_new();
    struct cf_stream streams[] = {
        { .kind = CF_STREAM_SUCCESS, .preset = "envoy", .backend = target },
        { .kind = CF_STREAM_SUCCESS,
          .preset = "envoy",
          .backend = { .host = "b.c", .subset = "v1", .port = 81 } },
        { .kind = CF_STREAM_LATENCY, .preset = "envoy", .backend = { .host = "other", .port = 1 } },
    };
    struct cf_collector *c = cf_collector_new(streams, 3, memory);
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(1000);
    cf_collector_key_regex(c, cf_preset_find("envoy"), CF_STREAM_SUCCESS, false, &out);
    assert_string_equal(
        cf_buf_str(&out),
        "outbound\\|80\\|\\|echo-x\\.demo\\.svc\\.cluster\\.local|outbound\\|81\\|v1\\|b\\.c");
    cf_collector_free(c);
    cf_naming_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(namings_are_read),
        cmocka_unit_test(auto_keeps_to_the_naming_it_found),
        cmocka_unit_test(latency_is_counted_at_a_bucket_edge),
        cmocka_unit_test(seconds_are_converted),
        cmocka_unit_test(subsets_need_a_naming_that_has_them),
        cmocka_unit_test(an_unknown_port_is_an_error_where_the_naming_has_it),
        cmocka_unit_test(batches_name_every_backend_once_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
