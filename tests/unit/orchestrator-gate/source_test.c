/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the two sources over real HTTP: what is asked, what is made of the answers, and that every way in which a source can fail is
 * no data and never a verdict. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/thread.h"
#include "base/transport.h"
#include "base/url.h"
#include "orchestrator/gate/limits.h"
#include "orchestrator/gate/source.h"
#include "tests/support/rude_server.h"

/* What the server answers next, and what it was asked last. */
struct script {
    pthread_mutex_t mutex;
    int status;
    const char *body;
    char asked[8192];
    int times;
    int pause_ms;       /* before each answer */
    const char *hangs;  /* a path that is never answered */
    const char *broken; /* a path that is answered by 500 */
};

enum { HANGS_MS = 20000 };

static bool serve(void *arg, const struct rude_server_request *request)
{
    struct script *s = arg;
    int pause_ms;
    {
        CF_LOCKED(&s->mutex);
        pause_ms = s->hangs && strstr(request->path, s->hangs) ? HANGS_MS : s->pause_ms;
    }
    if (pause_ms > 0)
        rude_server_sleep(request, pause_ms);
    CF_LOCKED(&s->mutex);
    if (s->broken && strstr(request->path, s->broken))
        return rude_server_answer(request, 500, "", "");
    snprintf(s->asked, sizeof s->asked, "%s %s %s", request->method, request->path,
             request->body ? request->body : "");
    s->times++;
    return rude_server_answer(request, s->status, "Content-Type: application/json\r\n", s->body);
}

struct rig {
    struct script script;
    struct rude_server *server;
    struct cf_transport *transport;
    struct cf_source *prometheus, *scrape;
};

static struct cf_endpoint *endpoint(struct rig *r, const char *path)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *url =
        cf_xasprintf("http://127.0.0.1:%d%s", rude_server_port(r->server), path);
    struct cf_endpoint_options options = { .base_url = url };
    struct cf_endpoint *e = cf_endpoint_new(&options, &err);
    if (!e)
        fail_msg("%s", err.message);
    return e;
}

static int setup(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    struct rig *r = cf_xcalloc(1, sizeof *r);
    pthread_mutex_init(&r->script.mutex, NULL);
    r->server = rude_server_start(serve, &r->script, NULL, NULL);
    r->transport = cf_transport_new(NULL, &err);
    r->prometheus = cf_source_prometheus_new(r->transport, endpoint(r, ""));
    struct cf_endpoint *gateways[] = { endpoint(r, "/stats/prometheus") };
    r->scrape = cf_source_scrape_new(r->transport, gateways, 1, &err);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    cf_source_free(r->prometheus);
    cf_source_free(r->scrape);
    cf_transport_free(r->transport);
    rude_server_stop(r->server);
    pthread_mutex_destroy(&r->script.mutex);
    free(r);
    return 0;
}

static void answer(struct rig *r, int status, const char *body)
{
    CF_LOCKED(&r->script.mutex);
    r->script.status = status;
    r->script.body = body;
    r->script.times = 0;
}

static void misbehave(struct rig *r, int pause_ms, const char *hangs, const char *broken)
{
    CF_LOCKED(&r->script.mutex);
    r->script.pause_ms = pause_ms;
    r->script.hangs = hangs;
    r->script.broken = broken;
}

static bool read_one(struct rig *r, struct cf_source *s, const struct cf_stream *stream,
                     struct cf_reading **out, struct cf_error *err)
{
    (void)r;
    return cf_source_read(s, stream, 1, cf_mono_now_ms() + 5000, out, err);
}

static const struct cf_stream envoy = {
    .kind = CF_STREAM_SUCCESS,
    .preset = "envoy",
    .backend = { .namespace_ = "d", .service = "e", .host = "e.d", .port = 80 }
};
static const struct cf_stream promql = { .kind = CF_STREAM_PROMQL,
                                         .total_query = "sum(all)",
                                         .bad_query = "sum(bad)" };

#define MATRIX                                                                                                           \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":"                 \
    "\"envoy_cluster_upstream_rq_xx\",\"envoy_cluster_name\":\"outbound|80||e.d\",\"envoy_response_code_class\":\"2\"}," \
    "\"values\":[[1700000000.5,\"10\"],[1700000001.5,\"20\"]]},{\"metric\":{\"__name__\":"                               \
    "\"envoy_cluster_upstream_rq_xx\",\"envoy_cluster_name\":\"outbound|80||e.d\",\"envoy_response_code_class\":\"5\"}," \
    "\"values\":[[1700000001.5,\"3\"]]}]}}"

static void raw_scrapes_keep_their_own_times(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_reading *got = NULL;
    answer(r, 200, MATRIX);
    assert_ok(read_one(r, r->prometheus, &envoy, &got, &err), &err);
    assert_true(got->ok);
    assert_int_equal(got->count, 3);
    double total = 0, bad = 0;
    for (size_t i = 0; i < got->count; i++) {
        total += got->points[i].total;
        bad += got->points[i].bad;
        assert_true(got->points[i].at_ms == 1700000000500 || got->points[i].at_ms == 1700000001500);
    }
    assert_true(total == 33 && bad == 3);
    cf_readings_free(got, 1);
    cf_autofree char *asked = cf_xstrdup(r->script.asked);
    assert_true(cf_url_unescape(asked, true, &err));
    assert_string_equal(
        asked,
        "POST /api/v1/query query={__name__=~\"envoy_cluster_upstream_rq_xx\",envoy_cluster_name=~"
        "\"outbound\\\\|80\\\\|\\\\|e\\\\.d\"}[20s]");
}

static void one_query_serves_many_workloads(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_stream many[200];
    char hosts[200][16];
    for (int i = 0; i < 200; i++) {
        snprintf(hosts[i], sizeof hosts[i], "h%d", i);
        many[i] = envoy;
        many[i].backend.host = hosts[i];
    }
    struct cf_reading *got = NULL;
    answer(r, 200, "{\"data\":{\"resultType\":\"matrix\",\"result\":[]}}");
    assert_ok(cf_source_read(r->prometheus, many, 200, cf_mono_now_ms() + 5000, &got, &err), &err);
    assert_int_equal(r->script.times, 1);
    cf_readings_free(got, 200);
}

static void expressions_give_one_number(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    static const struct {
        int status;
        const char *body;
        bool ok;
        size_t points;
        const char *error;
    } table[] = {
        { 200,
          "{\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1700000000,\"42\"]}]}}",
          true, 1, "" },
        { 200, "{\"data\":{\"resultType\":\"scalar\",\"result\":[1700000000,\"42\"]}}", true, 1,
          "" },
        { 200, "{\"data\":{\"resultType\":\"vector\",\"result\":[]}}", true, 0, "" },
        { 200,
          "{\"data\":{\"resultType\":\"vector\",\"result\":[{\"value\":[1,\"1\"]},{\"value\":[1,\"1\"]}]}}",
          false, 0, "wrap it in sum" },
        { 200, "{\"data\":{\"resultType\":\"string\",\"result\":[1,\"x\"]}}", false, 0,
          "gives a string" },
        { 200, "{\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"abc\"]}}", false, 0,
          "not readable" },
        { 400, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error: x\"}",
          false, 0, "parse error: x" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_reading *got = NULL;
        answer(r, table[i].status, table[i].body);
        assert_ok(read_one(r, r->prometheus, &promql, &got, &err), &err);
        if (got->ok != table[i].ok || got->count != table[i].points ||
            !strstr(got->error.message, table[i].error))
            fail_msg("row %zu: ok %d points %zu %s", i, got->ok, got->count, got->error.message);
        cf_readings_free(got, 1);
    }
}

static void what_is_no_answer_is_an_error(void **state)
{
    struct rig *r = *state;
    static const struct {
        int status;
        const char *body;
        enum cf_err_kind kind;
    } table[] = {
        { 503, "busy", CF_ERR_UNAVAILABLE },
        { 401, "{}", CF_ERR_DENIED },
        { 200, "<html>", CF_ERR_INVALID },
        { 200, "{}", CF_ERR_INVALID },
        { 422, "{\"error\":\"too many samples\"}", CF_ERR_INVALID },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_reading *got = NULL;
        answer(r, table[i].status, table[i].body);
        if (read_one(r, r->prometheus, &envoy, &got, &err))
            fail_msg("row %zu was taken", i);
        assert_int_equal(err.kind, table[i].kind);
    }
}

static void the_range_adapts_to_the_scrapes(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    static const char *const want[] = { "20s", "40s", "80s" };
    for (size_t i = 0; i < CF_ARRAY_LEN(want); i++) {
        struct cf_reading *got = NULL;
        answer(r, 200, "{\"data\":{\"resultType\":\"matrix\",\"result\":[]}}");
        assert_ok(read_one(r, r->prometheus, &envoy, &got, &err), &err);
        assert_non_null(strstr(r->script.asked, want[i]));
        cf_readings_free(got, 1);
    }
    struct cf_reading *got = NULL;
    answer(r, 200, MATRIX); /* a scrape each second: back to the smallest */
    assert_ok(read_one(r, r->prometheus, &envoy, &got, &err), &err);
    cf_readings_free(got, 1);
    assert_ok(read_one(r, r->prometheus, &envoy, &got, &err), &err);
    assert_non_null(strstr(r->script.asked, "20s"));
    cf_readings_free(got, 1);
}

static void text_is_read_directly(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_reading *got = NULL;
    answer(
        r, 200,
        "# TYPE envoy_cluster_upstream_rq_xx counter\n"
        "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name=\"outbound|80||e.d\"} 10\n"
        "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\",envoy_cluster_name=\"outbound|80||e.d\"} 2\n");
    assert_ok(read_one(r, r->scrape, &envoy, &got, &err), &err);
    assert_int_equal(got->count, 2);
    cf_readings_free(got, 1);
    assert_non_null(strstr(r->script.asked, "GET /stats/prometheus"));

    assert_ok(read_one(r, r->scrape, &promql, &got, &err), &err);
    assert_false(got->ok);
    assert_non_null(strstr(got->error.message, "needs a Prometheus"));
    cf_readings_free(got, 1);

    answer(r, 200, "broken{\n");
    assert_ok(read_one(r, r->scrape, &envoy, &got, &err), &err); /* a metric nobody asked for */
    cf_readings_free(got, 1);
    answer(r, 200, "envoy_cluster_upstream_rq_xx{\n");
    assert_fails(read_one(r, r->scrape, &envoy, &got, &err), &err, CF_ERR_INVALID, "line 1");
    answer(r, 500, "");
    assert_fails(read_one(r, r->scrape, &envoy, &got, &err), &err, CF_ERR_UNAVAILABLE,
                 "HTTP status 500");
}

/* ---- several places ---- */

#define ENVOY_TEXT                                                                                 \
    "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name=\"outbound|80||e.d\"} 10\n"

static struct cf_source *gateways(struct rig *r, const char *const *paths, size_t n)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_endpoint *endpoints[CF_GATE_PLACES_MAX];
    for (size_t i = 0; i < n; i++)
        endpoints[i] = endpoint(r, paths[i]);
    struct cf_source *s = cf_source_scrape_new(r->transport, endpoints, n, &err);
    if (!s)
        fail_msg("%s", err.message);
    return s;
}

static void places_are_read_at_once(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_reading *got = NULL;
    static const char *const paths[] = { "/a", "/b", "/c", "/d", "/e", "/f" };
    struct cf_source *s = gateways(r, paths, CF_ARRAY_LEN(paths));
    answer(r, 200, ENVOY_TEXT);
    misbehave(r, 200, NULL, NULL);
    int64_t began = cf_mono_now_ms();
    assert_ok(read_one(r, s, &envoy, &got, &err), &err);
    assert_true(cf_mono_now_ms() - began < 5 * 200);
    assert_int_equal(got->count, CF_ARRAY_LEN(paths)); /* the same series of six places */
    assert_true(got->missing_places == 0 && !got->missing_why[0]);
    bool seen[CF_ARRAY_LEN(paths)] = { 0 };
    for (size_t i = 0; i < got->count; i++)
        seen[got->points[i].place] = true;
    for (size_t i = 0; i < CF_ARRAY_LEN(seen); i++)
        assert_true(seen[i]);
    cf_readings_free(got, 1);
    cf_source_free(s);
}

static void what_answered_counts_and_the_rest_is_named(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_reading *got = NULL;
    static const char *const paths[] = { "/a", "/b", "/c" };
    struct cf_source *s = gateways(r, paths, CF_ARRAY_LEN(paths));
    answer(r, 200, ENVOY_TEXT);
    misbehave(r, 0, NULL, "/b");
    assert_ok(read_one(r, s, &envoy, &got, &err), &err);
    assert_int_equal(got->count, 2);
    assert_int_equal(got->missing_places, 2);
    assert_non_null(strstr(got->missing_why, "1 of 3 places"));
    assert_non_null(strstr(got->missing_why, "/b: HTTP status 500"));
    cf_readings_free(got, 1);

    misbehave(r, 0, NULL, "/"); /* nobody: that is no reading of zero */
    assert_fails(read_one(r, s, &envoy, &got, &err), &err, CF_ERR_UNAVAILABLE,
                 "/a: HTTP status 500");
    misbehave(r, 0, NULL, NULL);
    assert_ok(read_one(r, s, &envoy, &got, &err), &err);
    assert_int_equal(got->missing_places, 0);
    cf_readings_free(got, 1);
    cf_source_free(s);
}

/* It costs one look about a second, and the next ones nothing. */
static void a_place_that_hangs_does_not_hold_up_the_others(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    static const char *const paths[] = { "/a", "/b" };
    struct cf_source *s = gateways(r, paths, CF_ARRAY_LEN(paths));
    answer(r, 200, ENVOY_TEXT);
    misbehave(r, 0, "/b", NULL);
    for (int i = 0; i < 4; i++) {
        struct cf_reading *got = NULL;
        int64_t began = cf_mono_now_ms();
        assert_ok(cf_source_read(s, &envoy, 1, began + 4000, &got, &err), &err);
        int64_t took = cf_mono_now_ms() - began;
        if (took > (i == 0 ? 3000 : 900))
            fail_msg("look %d took %d ms", i, (int)took);
        assert_int_equal(got->count, 1);
        assert_int_equal(got->missing_places, 2);
        assert_non_null(strstr(got->missing_why, "no answer in time"));
        cf_readings_free(got, 1);
    }
    cf_source_free(s);
}

static void both_expressions_of_all_gates_are_one_round(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_reading *got = NULL;
    struct cf_stream streams[] = { promql, promql, promql };
    answer(r, 200, "{\"data\":{\"resultType\":\"scalar\",\"result\":[1700000000,\"42\"]}}");
    misbehave(r, 200, NULL, NULL);
    int64_t began = cf_mono_now_ms();
    assert_ok(cf_source_read(r->prometheus, streams, 3, began + 5000, &got, &err), &err);
    assert_true(cf_mono_now_ms() - began < 5 * 200);
    assert_int_equal(r->script.times, 6);
    for (int i = 0; i < 3; i++)
        assert_true(got[i].ok && got[i].count == 1 && got[i].points[0].bad == 42);
    cf_readings_free(got, 3);
}

static void a_source_has_some_places_and_not_too_many(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_endpoint *endpoints[CF_GATE_PLACES_MAX + 1];
    for (size_t i = 0; i < CF_ARRAY_LEN(endpoints); i++)
        endpoints[i] = endpoint(r, "/");
    assert_fails(cf_source_scrape_new(r->transport, endpoints, CF_ARRAY_LEN(endpoints), &err) !=
                     NULL,
                 &err, CF_ERR_LIMIT, "from 1 to 64 URLs");
    assert_fails(cf_source_scrape_new(r->transport, endpoints, 0, &err) != NULL, &err,
                 CF_ERR_INVALID, "from 1 to 64 URLs");
}

static void a_source_that_is_away_is_an_error_in_time(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_reading *got = NULL;
    struct cf_endpoint_options options = { .base_url = "http://127.0.0.1:1" };
    struct cf_source *away =
        cf_source_prometheus_new(r->transport, cf_endpoint_new(&options, &err));
    assert_fails(read_one(r, away, &envoy, &got, &err), &err, CF_ERR_UNAVAILABLE,
                 "Prometheus at http://127.0.0.1:1");
    cf_source_free(away);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(raw_scrapes_keep_their_own_times, setup, teardown),
        cmocka_unit_test_setup_teardown(one_query_serves_many_workloads, setup, teardown),
        cmocka_unit_test_setup_teardown(expressions_give_one_number, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_answer_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(the_range_adapts_to_the_scrapes, setup, teardown),
        cmocka_unit_test_setup_teardown(text_is_read_directly, setup, teardown),
        cmocka_unit_test_setup_teardown(places_are_read_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_answered_counts_and_the_rest_is_named, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_place_that_hangs_does_not_hold_up_the_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(both_expressions_of_all_gates_are_one_round, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_source_has_some_places_and_not_too_many, setup, teardown),
        cmocka_unit_test_setup_teardown(a_source_that_is_away_is_an_error_in_time, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
