/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the control endpoint: what each route takes, what it refuses and with which status, and
 * that edits and faults arrive. */
#include "tests/support/test.h"

#include <stdio.h>

#include "base/thread.h"
#include "deploy/sandbox/control/control.h"
#include "deploy/sandbox/dataplane/wire.h"

enum { WAIT_MS = 10000 };

struct world {
    struct sbx_api *api;
    struct sbx_dataplane *dataplane;
    struct sbx_loads *loads;
    struct sbx_control *control;
    struct sbx_wire *wire;
    struct sbx_control_api_fault fault; /* the last one that was asked for */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int status; /* of the last answer; 0: none yet */
    char body[4096];
};

static bool take_fault(void *user, const char *cluster, const struct sbx_control_api_fault *fault,
                       struct cf_error *err)
{
    struct world *w = user;
    (void)cluster;
    if (fault->slow_ms < 0)
        return cf_error_set(err, CF_ERR_INVALID, "slow_ms must not be negative");
    CF_LOCKED(&w->lock);
    w->fault = *fault;
    return true;
}

static int set_up(void **state)
{
    struct world *w = cf_xcalloc(1, sizeof(*w));
    struct cf_error err = CF_ERROR_INIT;
    pthread_mutex_init(&w->lock, NULL);
    cf_cond_init(&w->cond);
    w->api = sbx_api_new("east");
    struct sbx_api *apis[] = { w->api };
    w->dataplane = sbx_dataplane_start(
        &(struct sbx_dataplane_options){
            .apis = apis, .clusters = 1, .delay_ms = 0, .listener_slot = 1 },
        &err);
    w->loads = sbx_loads_new(&err);
    struct sbx_control_options options = { .apis = apis,
                                           .clusters = 1,
                                           .dataplane = w->dataplane,
                                           .loads = w->loads,
                                           .api_fault = take_fault,
                                           .user = w };
    w->control = sbx_control_start(&options, &err);
    w->wire = sbx_wire_start("test", &err);
    *state = w;
    return w->control && w->wire ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    sbx_wire_stop(w->wire);
    sbx_control_stop(w->control);
    sbx_loads_free(w->loads);
    sbx_dataplane_stop(w->dataplane);
    sbx_api_free(w->api);
    pthread_cond_destroy(&w->cond);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return 0;
}

static void on_done(void *user, const struct sbx_wire_answer *a)
{
    struct world *w = user;
    CF_LOCKED(&w->lock);
    w->status = a->error ? -1 : a->status;
    snprintf(w->body, sizeof(w->body), "%.*s", (int)a->body_len, a->body ? a->body : "");
    pthread_cond_broadcast(&w->cond);
}

static int ask(struct world *w, const char *method, const char *path, const char *type,
               const char *body)
{
    cf_autofree char *text = cf_xasprintf(
        "%s %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", method,
        path, type, strlen(body), body);
    int port = (int)strtol(strrchr(sbx_control_url(w->control), ':') + 1, NULL, 10);
    struct sbx_wire_request r = { .address = "127.0.0.1",
                                  .port = port,
                                  .bytes = text,
                                  .len = strlen(text),
                                  .timeout_ms = WAIT_MS };
    w->status = 0;
    sbx_wire_send(w->wire, &r, on_done, w);
    CF_LOCKED(&w->lock);
    while (w->status == 0)
        pthread_cond_wait(&w->cond, &w->lock);
    return w->status;
}

#define CONFIG_MAP                                                                                 \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\ndata: {x: '1'}\n"
#define AT "/api/v1/namespaces/default/configmaps/a"

/* Requests in order, with what is answered. */
struct exchange {
    const char *method, *path, *body;
    int status;
    const char *says; /* part of the body */
};

/* The switches for faults, and where they show. */
static const struct exchange faults[] = {
    { "GET", "/state", "", 200, "\"propagation_ms\":0" },
    { "GET", "/split", "", 200, "{\"east\":{}}" },
    { "GET", "/nothing", "", 404, "" },
    { "GET", "/faults/karmada", "", 404, "no such control plane" },
    { "PUT", "/faults/karmada", "{\"webhookDown\":true}", 404, "no such control plane" },
    { "PUT", "/faults/app",
      "{\"cluster\":\"east\",\"namespace\":\"web\",\"app\":\"echo\",\"error\":0.5}", 200, "ok" },
    { "GET", "/state", "", 200, "\"error\":0.5" },
    { "PUT", "/faults/app",
      "{\"cluster\":\"east\",\"namespace\":\"web\",\"app\":\"echo\",\"clear\":true}", 200, "ok" },
    { "GET", "/state", "", 200, "\"faults\":[]" },
    { "PUT", "/faults/app", "{\"cluster\":\"east\",\"error\":1.5}", 400, "0 to 1" },
    { "PUT", "/faults/app", "{\"cluster\":\"east\",\"eror\":1}", 400, "eror" },
    { "PUT", "/faults/app", "{\"cluster\":\"north\"}", 404, "north" },
    { "PUT", "/faults/app", "[]", 400, "object" },
    { "PUT", "/faults/app", "{", 400, "error" },
    { "PUT", "/faults/api", "{\"cluster\":\"east\",\"slow_ms\":7,\"away\":true}", 200, "ok" },
    { "PUT", "/faults/api", "{\"cluster\":\"east\",\"slow_ms\":-1}", 400, "negative" },
    { "PUT", "/faults/api", "{\"slow_ms\":1}", 404, "cluster" },
    { "PUT", "/faults/metrics", "{\"state\":\"stale\"}", 200, "ok" },
    { "PUT", "/faults/metrics", "{\"state\":\"odd\"}", 400, "fine, stale or away" },
    { "PUT", "/faults/dataplane", "{\"frozen\":true}", 200, "ok" },
    { "PUT", "/faults/dataplane", "{\"frozen\":true,\"cluster\":\"north\"}", 404, "north" },
};

/* The life of a load. */
static const struct exchange loads[] = {
    { "POST", "/load", "{\"rps\":0}", 400, "rate" },
    { "POST", "/load", "{\"rps\":1,\"cluster\":\"north\"}", 404, "north" },
    { "POST", "/load", "{\"rps\":100,\"host\":\"a\"}", 201, "{\"id\":1}" },
    { "GET", "/load/1", "", 200, "\"running\":true" },
    { "POST", "/load/1/stop", "{}", 200, "\"running\":false" },
    { "DELETE", "/load/1", "", 200, "\"sent\":" },
    { "GET", "/load/1", "", 404, "no such load" },
    { "GET", "/load/x", "", 404, "no such load" },
    { "GET", "/load", "", 200, "[]" },
};

/* Somebody else's writes. */
static const struct exchange objects[] = {
    { "POST", "/apply",
      "{\"cluster\":\"east\",\"objects\":[{\"apiVersion\":\"v9\",\"kind\":\"Odd\"}]}", 400, "Odd" },
    { "GET", "/object?cluster=east&path=" AT, "", 404, "NotFound" },
    { "POST", "/apply",
      "{\"cluster\":\"east\",\"objects\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
      "\"metadata\":{\"name\":\"a\"},\"data\":{\"x\":\"1\"}}]}",
      200, "ok" },
    { "POST", "/edit",
      "{\"cluster\":\"east\",\"path\":\"" AT
      "\",\"manager\":\"ann\",\"patch\":[{\"op\":\"replace\",\"path\":\"/data/x\","
      "\"value\":\"2\"}]}",
      200, "\"manager\":\"ann\"" },
    { "POST", "/edit",
      "{\"cluster\":\"east\",\"path\":\"" AT
      "\",\"patch\":[{\"op\":\"test\",\"path\":\"/data/x\",\"value\":\"1\"}]}",
      422, "Invalid" },
    { "POST", "/edit", "{\"cluster\":\"east\",\"path\":\"" AT "\",\"type\":\"odd\",\"patch\":{}}",
      400, "json, merge or apply" },
    { "GET", "/object?cluster=east&path=" AT, "", 200, "\"x\":\"2\"" },
    { "GET", "/object?cluster=north&path=" AT, "", 404, "north" },
    { "POST", "/roll", "{\"cluster\":\"east\",\"namespace\":\"default\",\"deployment\":\"none\"}",
      404, "NotFound" },
};

static void play(struct world *w, const struct exchange *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int status = ask(w, table[i].method, table[i].path, "application/json", table[i].body);
        if (status != table[i].status || !strstr(w->body, table[i].says))
            fail_msg("%s %s %s: %d %s", table[i].method, table[i].path, table[i].body, status,
                     w->body);
    }
}

static void faults_are_set_and_healed(void **state)
{
    struct world *w = *state;
    play(w, faults, CF_ARRAY_LEN(faults));
    {
        CF_LOCKED(&w->lock);
        assert_int_equal(w->fault.slow_ms, 7);
        assert_true(w->fault.away);
    }
    assert_int_equal(ask(w, "DELETE", "/faults", "application/json", ""), 200);
    CF_LOCKED(&w->lock);
    assert_int_equal(w->fault.slow_ms, 0);
    assert_false(w->fault.away);
}

static void loads_come_and_go(void **state)
{
    play(*state, loads, CF_ARRAY_LEN(loads));
}

static void objects_are_written_by_others(void **state)
{
    play(*state, objects, CF_ARRAY_LEN(objects));
}

static void yaml_is_applied_and_other_types_are_not(void **state)
{
    struct world *w = *state;
    assert_int_equal(ask(w, "POST", "/apply?cluster=east", "application/yaml", CONFIG_MAP), 200);
    assert_int_equal(ask(w, "GET", "/object?cluster=east&path=" AT, "application/json", ""), 200);
    assert_non_null(strstr(w->body, "\"x\":\"1\""));
    assert_int_equal(ask(w, "POST", "/apply?cluster=east", "application/yaml", "a: [\n"), 400);
    assert_int_equal(ask(w, "POST", "/apply", "application/yaml", CONFIG_MAP), 404);
    assert_int_equal(
        ask(w, "PUT", "/faults/app", "text/plain", "{\"cluster\":\"east\",\"error\":1}"), 415);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(faults_are_set_and_healed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loads_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(objects_are_written_by_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(yaml_is_applied_and_other_types_are_not, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
