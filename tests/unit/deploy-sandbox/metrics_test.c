/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the gateway's metrics are text with the names and labels of Envoy and ingress-nginx.
 */
#include "tests/support/test.h"

#include "deploy/sandbox/dataplane/metrics.h"

static const struct sbx_backend envoy = { .router = SBX_VIRTUAL_SERVICE,
                                          .metric = "outbound|80||echo.web.svc.cluster.local" };
static const struct sbx_backend nginx = {
    .router = SBX_INGRESS, .ns = "web", .ingress = "echo", .service = "echo", .canary = ""
};
static const struct sbx_backend canary = { .router = SBX_INGRESS,
                                           .ns = "web",
                                           .ingress = "echo",
                                           .service = "echo",
                                           .canary = "web-echo-crossfade-80" };

static void has(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    if (!at || (at != text && at[-1] != '\n'))
        fail_msg("no line starts with %s in\n%s", line, text);
}

static void counts_as_the_gateways_do(void **state)
{
    (void)state;
    struct sbx_metrics *m = sbx_metrics_new();
    sbx_metrics_count(m, &envoy, 200, 3000);
    sbx_metrics_count(m, &envoy, 204, 30000);
    sbx_metrics_count(m, &envoy, 499,
                      30000); /* Envoy does not count an answer that nobody waited for */
    sbx_metrics_count(m, &nginx, 200, 3000);
    sbx_metrics_count(m, &canary, 500, 30000);
    cf_autofree char *text = sbx_metrics_text(m);
    has(text, "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name="
              "\"outbound|80||echo.web.svc.cluster.local\"} 2\n");
    assert_null(strstr(
        text, "envoy_response_code_class=\"5\"")); /* a series begins with its first request */
    assert_null(strstr(text, "envoy_response_code_class=\"4\""));
    has(text, "envoy_cluster_upstream_rq_time_bucket{"
              "envoy_cluster_name=\"outbound|80||echo.web.svc.cluster.local\",le=\"1\"} 0\n");
    has(text, "envoy_cluster_upstream_rq_time_bucket{"
              "envoy_cluster_name=\"outbound|80||echo.web.svc.cluster.local\",le=\"5\"} 1\n");
    has(text, "envoy_cluster_upstream_rq_time_bucket{"
              "envoy_cluster_name=\"outbound|80||echo.web.svc.cluster.local\",le=\"50\"} 2\n");
    has(text, "envoy_cluster_upstream_rq_time_bucket{"
              "envoy_cluster_name=\"outbound|80||echo.web.svc.cluster.local\",le=\"+Inf\"} 2\n");
    has(text, "envoy_cluster_upstream_rq_time_sum{"
              "envoy_cluster_name=\"outbound|80||echo.web.svc.cluster.local\"} 33.000000\n");
    has(text, "nginx_ingress_controller_requests{canary=\"\",ingress=\"echo\",namespace=\"web\","
              "service=\"echo\",status=\"200\"} 1\n");
    has(text, "nginx_ingress_controller_requests{canary=\"web-echo-crossfade-80\",ingress=\"echo\","
              "namespace=\"web\",service=\"echo\",status=\"500\"} 1\n");
    has(text, "nginx_ingress_controller_request_duration_seconds_bucket{canary=\"\",ingress="
              "\"echo\",namespace=\"web\",service=\"echo\",status=\"200\","
              "le=\"0.005\"} 1\n");
    sbx_metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(counts_as_the_gateways_do) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
