/* SPDX-License-Identifier: Apache-2.0 */
/* Proves how a gateway reads VirtualServices, HTTPRoutes and Ingresses: which backend a request
 * goes to, with which weight, and what it answers when there is none. */
#include "tests/support/test.h"

#include <math.h>

#include "deploy/sandbox/dataplane/rng.h"
#include "deploy/sandbox/dataplane/route.h"
#include "tests/support/file.h"

/* `empty` has no ready endpoint; `echo-crossfade` is a bridge, with two slices. */
#define OBJECTS "tests/data/gateway_objects.json"

struct world {
    struct sbx_table *table;
};

static int set_up(void **state)
{
    struct world *w = cf_xcalloc(1, sizeof(*w));
    cf_autojson json_t *all = cf_test_read_json(OBJECTS); /* the table keeps nothing of them */
    w->table = sbx_table_build(&(struct sbx_objects){
        .virtual_services = json_object_get(all, "virtual_services"),
        .destination_rules = json_object_get(all, "destination_rules"),
        .http_routes = json_object_get(all, "http_routes"),
        .ingresses = json_object_get(all, "ingresses"),
        .services = json_object_get(all, "services"),
        .slices = json_object_get(all, "slices"),
        .pods = json_object_get(all, "pods"),
    });
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    sbx_table_unref(w->table);
    free(w);
    return 0;
}

/* One header "name: value". */
static const char *header(const void *user, const char *name)
{
    const char *line = user;
    size_t n = strlen(name);
    return line && strncmp(line, name, n) == 0 && line[n] == ':' ? line + n + 2 : NULL;
}

static struct sbx_choice choose(struct world *w, const char *host, const char *method,
                                const char *path, const char *line, double dice)
{
    return sbx_table_choose(
        w->table,
        &(struct sbx_ask){
            .host = host, .method = method, .path = path, .header = header, .user = line },
        dice);
}

static void requests_go_where_the_objects_say(void **state)
{
    static const struct {
        const char *host, *method, *path, *header;
        double dice;
        int status;
        const char *backend; /* the first label of its name; NULL: none */
    } table[] = {
        { "vs.example.com", "GET", "/", NULL, 0, 0, "echo." },
        { "vs.example.com:8080", "GET", "/x", NULL, 0.69, 0, "echo." },
        { "VS.example.com", "GET", "/x", NULL, 0.71, 0, "echo-crossfade." },
        { "a.wild.example.com", "GET", "/", NULL, 0, 0, "echo." },
        { "wild.example.com", "GET", "/", NULL, 0, 404, NULL },
        { "vs.example.com", "GET", "/", "x-user: ann", 0, 0, "echo-crossfade." },
        { "vs.example.com", "GET", "/", "x-user: bob", 0, 0, "echo." },
        { "vs.example.com", "POST", "/newest", NULL, 0, 0, "echo-crossfade." },
        { "vs.example.com", "GET", "/newest", NULL, 0, 0, "echo." },
        { "vs.example.com", "GET", "/v12/x", NULL, 0.99, 0, "echo.web.svc.cluster.local/v2" },
        { "vs.example.com", "GET", "/empty", NULL, 0, 503, "empty." },
        { "vs.example.com", "GET", "/nobody", NULL, 0, 503, "nobody." },
        { "hr.example.com", "GET", "/", NULL, 0.89, 0, "echo." },
        { "hr.example.com", "GET", "/", NULL, 0.91, 0, "echo-crossfade." },
        { "hr.example.com", "GET", "/a", NULL, 0, 0, "echo-crossfade." },
        { "hr.example.com", "GET", "/a/c", NULL, 0, 0, "echo-crossfade." },
        { "hr.example.com", "GET", "/ab", NULL, 0, 0, "echo." },
        { "hr.example.com", "GET", "/a/b", NULL, 0, 500, "nobody." },
        { "hr.example.com", "GET", "/", "x-user: ann", 0, 0, "echo-crossfade." },
        { "hr.example.com", "GET", "/zero", NULL, 0, 500, NULL },
        { "in.example.com", "GET", "/", NULL, 0.74, 0, "echo." },
        { "in.example.com", "GET", "/", NULL, 0.76, 0, "echo-crossfade." },
        { "in.example.com", "GET", "/", "x-canary: always", 0, 0, "echo-crossfade." },
        { "in.example.com", "GET", "/", "x-canary: never", 0.99, 0, "echo." },
        { "in.example.com", "GET", "/", "x-canary: perhaps", 0.99, 0, "echo-crossfade." },
        { "in.example.com", "GET", "/empty", NULL, 0.99, 503,
          "empty." }, /* the canary cannot save its main one */
        { "in.example.com", "GET", "/empty", "x-canary: always", 0, 503, "empty." },
        { "in.example.com", "GET", "/by-name", NULL, 0.99, 0,
          "echo." }, /* a canary without endpoints gets nothing */
        { "lonely.example.com", "GET", "/", NULL, 0, 404, NULL },
        { "nobody.example.com", "GET", "/", NULL, 0, 404, NULL },
        { "", "GET", "/", NULL, 0, 404, NULL },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct sbx_choice c = choose(*state, table[i].host, table[i].method, table[i].path,
                                     table[i].header, table[i].dice);
        const char *got = c.backend ? c.backend->name : "";
        if (c.status != table[i].status ||
            strncmp(got, table[i].backend ? table[i].backend : "",
                    table[i].backend ? strlen(table[i].backend) : 1) != 0)
            fail_msg("row %zu (%s %s): status %d, backend %s", i, table[i].host, table[i].path,
                     c.status, got);
    }
}

static void weights_are_exact(void **state)
{
    struct sbx_rng rng;
    sbx_rng_seed(&rng, 1);
    enum { N = 200000 };
    int hits = 0;
    for (int i = 0; i < N; i++)
        hits += strncmp(choose(*state, "vs.example.com", "GET", "/", NULL, sbx_rng_uniform(&rng))
                            .backend->name,
                        "echo-crossfade.", 15) == 0;
    double sigma = sqrt(N * 0.3 * 0.7);
    assert_true(fabs(hits - N * 0.3) < 5 * sigma);
}

static void endpoints_are_the_ready_ones_in_turn(void **state)
{
    struct sbx_backend *bridge =
        choose(*state, "vs.example.com", "GET", "/", "x-user: ann", 0).backend;
    assert_int_equal(bridge->n, 2);
    assert_string_equal(bridge->metric, "outbound|80||echo-crossfade.web.svc.cluster.local");
    struct sbx_endpoint a = sbx_backend_next(bridge);
    struct sbx_endpoint b = sbx_backend_next(bridge);
    assert_int_equal(a.port, 8080);
    assert_string_not_equal(a.address, b.address);
    assert_string_equal(sbx_backend_next(bridge).address, a.address);
    struct sbx_backend *subset = choose(*state, "vs.example.com", "GET", "/v1/x", NULL, 0).backend;
    assert_int_equal(subset->n, 1);
    assert_string_equal(subset->endpoints[0].address, "127.1.0.2");
    assert_string_equal(subset->metric, "outbound|80|v2|echo.web.svc.cluster.local");
    struct sbx_backend *canary = choose(*state, "in.example.com", "GET", "/", NULL, 0.99).backend;
    assert_string_equal(canary->canary, "web-echo-crossfade-80");
    assert_string_equal(canary->service, "echo");
    assert_string_equal(canary->ingress, "in");
}

static void the_split_says_the_weights(void **state)
{
    struct world *w = *state;
    cf_autojson json_t *split = sbx_table_split(w->table);
    static const struct {
        const char *host, *backend;
        int weight;
    } table[] = {
        { "vs.example.com", "echo.web.svc.cluster.local", 70 },
        { "vs.example.com", "echo-crossfade.web.svc.cluster.local", 30 },
        { "hr.example.com", "echo-crossfade.web.svc.cluster.local", 1 },
        { "in.example.com", "echo.web.svc.cluster.local", 75 },
        { "in.example.com", "echo-crossfade.web.svc.cluster.local", 25 },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++)
        assert_int_equal(cf_json_int(split, -1, table[i].host, "backends", table[i].backend, NULL),
                         table[i].weight);
    assert_string_equal(cf_json_str(split, "", "in.example.com", "object", NULL), "Ingress web/in");
}

static void nothing_is_routed_without_objects(void **state)
{
    (void)state;
    struct sbx_table *t = sbx_table_build(&(struct sbx_objects){ 0 });
    assert_int_equal(
        sbx_table_choose(t, &(struct sbx_ask){ .host = "a", .method = "GET", .path = "/" }, 0)
            .status,
        404);
    sbx_table_unref(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_go_where_the_objects_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(weights_are_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(endpoints_are_the_ready_ones_in_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_split_says_the_weights, set_up, tear_down),
        cmocka_unit_test(nothing_is_routed_without_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
