/* SPDX-License-Identifier: Apache-2.0 */
/* The exposition text: escapes, numbers, histograms, limits, dropping series, and counting from
 * several threads. */
#include <math.h>
#include <stdio.h>

#include "base/metrics.h"
#include "base/thread.h"
#include "tests/support/test.h"

static const struct cf_metric_desc table[] = {
    { .name = "x_total",
      .type = CF_METRIC_COUNTER,
      .labels = { "a", "b" },
      .help = "Back\\slash\nand line." },
    { .name = "x_gauge", .type = CF_METRIC_GAUGE, .help = "Plain." },
    { .name = "x_seconds",
      .type = CF_METRIC_HISTOGRAM,
      .labels = { "a" },
      .buckets = { 0.1, 1, 2.5 },
      .help = "Times." },
    { .name = NULL },
};

static void render(struct cf_metrics *m, struct cf_buf *out)
{
    cf_buf_reset(out);
    cf_metrics_render(m, out);
    assert_false(out->overflow);
}

static void test_text(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(100000);
    struct cf_metrics *m = cf_metrics_new(table);
    cf_metric_add(m, "x_total", CF_LABELS("q\"\\\n", "\xFF\xC3\xA4"), 1);
    cf_metric_add(m, "x_total", CF_LABELS("", "2"), 0.5);
    cf_metric_add(m, "x_total", CF_LABELS("", "2"), 2);
    cf_metric_observe(m, "x_seconds", CF_LABELS("s"), 0.1);
    cf_metric_observe(m, "x_seconds", CF_LABELS("s"), 0.2);
    cf_metric_observe(m, "x_seconds", CF_LABELS("s"), 99);
    render(m, &out);
    assert_string_equal(
        out.data, "# HELP x_total Back\\\\slash\\nand line.\n"
                  "# TYPE x_total counter\n"
                  "x_total{a=\"q\\\"\\\\\\n\",b=\"\xEF\xBF\xBD\xC3\xA4\"} 1\n"
                  "x_total{a=\"\",b=\"2\"} 2.5\n"
                  "# HELP x_gauge Plain.\n"
                  "# TYPE x_gauge gauge\n"
                  "x_gauge 0\n"
                  "# HELP x_seconds Times.\n"
                  "# TYPE x_seconds histogram\n"
                  "x_seconds_bucket{a=\"s\",le=\"0.1\"} 1\n"
                  "x_seconds_bucket{a=\"s\",le=\"1\"} 2\n"
                  "x_seconds_bucket{a=\"s\",le=\"2.5\"} 2\n"
                  "x_seconds_bucket{a=\"s\",le=\"+Inf\"} 3\n"
                  "x_seconds_sum{a=\"s\"} 99.3\n"
                  "x_seconds_count{a=\"s\"} 3\n"
                  "# HELP crossfade_metrics_dropped_total Samples lost because a metric had too "
                  "many series.\n"
                  "# TYPE crossfade_metrics_dropped_total counter\n"
                  "crossfade_metrics_dropped_total 0\n");
    cf_metrics_free(m);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0.1, "\nx_gauge 0.1\n" },        { 1795255200.123, "\nx_gauge 1795255200.123\n" },
        { 1e21, "\nx_gauge 1e+21\n" },     { 9007199254740991, "\nx_gauge 9007199254740991\n" },
        { NAN, "\nx_gauge NaN\n" },        { INFINITY, "\nx_gauge +Inf\n" },
        { -INFINITY, "\nx_gauge -Inf\n" }, { -5, "\nx_gauge -5\n" },
    };
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(100000);
    struct cf_metrics *m = cf_metrics_new(table);
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_metric_set(m, "x_gauge", NULL, cases[i].value);
        render(m, &out);
        assert_non_null(strstr(out.data, cases[i].text));
    }
    cf_metric_set(m, "x_gauge", CF_LABELS(), 3);
    cf_metric_add(m, "x_gauge", NULL, -1);
    render(m, &out);
    assert_non_null(strstr(out.data, "\nx_gauge 2\n"));
    cf_metrics_free(m);
}

static void test_drop_by_label(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(100000);
    struct cf_metrics *m = cf_metrics_new(table);
    cf_metric_add(m, "x_total", CF_LABELS("run1", "x"), 1);
    cf_metric_add(m, "x_total", CF_LABELS("run1", "y"), 2);
    cf_metric_add(m, "x_total", CF_LABELS("run12", "x"), 3);
    cf_metric_add(m, "x_total", CF_LABELS("x", "run1"), 4);
    cf_metric_add(m, "x_total", CF_LABELS("z", ",a=\"run1\""), 5);
    cf_metric_observe(m, "x_seconds", CF_LABELS("run1"), 1);
    cf_metrics_drop(m, "a", "run1");
    render(m, &out);
    assert_null(strstr(out.data, "{a=\"run1\""));
    assert_non_null(strstr(out.data, "x_total{a=\"run12\",b=\"x\"} 3\n"));
    assert_non_null(strstr(out.data, "x_total{a=\"x\",b=\"run1\"} 4\n"));
    assert_non_null(strstr(out.data, "x_total{a=\"z\",b=\",a=\\\"run1\\\"\"} 5\n"));
    cf_metrics_drop(m, "b", "run1");
    render(m, &out);
    assert_null(strstr(out.data, "b=\"run1\""));
    cf_metrics_free(m);
}

static void test_the_limit_of_series(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(2000000);
    struct cf_metrics *m = cf_metrics_new(table);
    for (int i = 0; i < CF_METRIC_SERIES_MAX + 3; i++) {
        char value[20];
        snprintf(value, sizeof value, "%d", i);
        cf_metric_add(m, "x_total", CF_LABELS(value, ""), 1);
    }
    cf_metric_add(m, "x_total", CF_LABELS("0", ""), 1); /* those there still count */
    render(m, &out);
    assert_non_null(strstr(out.data, "x_total{a=\"9999\",b=\"\"} 1\n"));
    assert_non_null(strstr(out.data, "x_total{a=\"0\",b=\"\"} 2\n"));
    assert_null(strstr(out.data, "a=\"10000\""));
    assert_non_null(strstr(out.data, "crossfade_metrics_dropped_total 3\n"));
    cf_metrics_free(m);
}

static void test_no_registry_no_effect(void **state)
{
    (void)state;
    cf_metric_add(NULL, "x_total", NULL, 1);
    cf_metric_set(NULL, "x_total", NULL, 1);
    cf_metric_observe(NULL, "x_total", NULL, 1);
    cf_metrics_drop(NULL, "a", "b");
    cf_metrics_free(NULL);
}

static void *count(void *arg)
{
    for (int i = 0; i < 5000; i++)
        cf_metric_add(arg, "x_total", CF_LABELS("t", i % 2 ? "odd" : "even"), 1);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(100000);
    struct cf_metrics *m = cf_metrics_new(table);
    pthread_t threads[4];
    for (size_t i = 0; i < CF_ARRAY_LEN(threads); i++)
        assert_ok(cf_thread_start(&threads[i], "count", count, m, &err), &err);
    for (size_t i = 0; i < CF_ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    render(m, &out);
    assert_non_null(strstr(out.data, "b=\"odd\"} 10000\n"));
    assert_non_null(strstr(out.data, "b=\"even\"} 10000\n"));
    cf_metrics_free(m);
}

static void test_markdown(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(10000);
    cf_metrics_markdown(table, &out);
    assert_non_null(strstr(out.data, "| `x_seconds` | histogram | `a` | Times. |\n"));
    assert_non_null(strstr(out.data, "| `x_total` | counter | `a`, `b` | "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_drop_by_label),
        cmocka_unit_test(test_the_limit_of_series),
        cmocka_unit_test(test_no_registry_no_effect),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_markdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
