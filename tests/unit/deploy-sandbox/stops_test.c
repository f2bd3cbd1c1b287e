/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that a request which is told to stop has no effect until it is let go, and that only the
 * chosen requests of the chosen programs stop. */
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "deploy/sandbox/api/server.h"
#include "deploy/sandbox/dataplane/wire.h"
#include "tests/support/test.h"

enum { WAIT_MS = 10000, MOMENT_MS = 100 };

#define NAMESPACES "/api/v1/namespaces"

struct world {
    struct cf_http_server *http;
    struct sbx_api *api;
    struct sbx_api_server *server;
    struct sbx_wire *wire;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int status; /* of the last answer; 0: none yet */
};

static int set_up(void **state)
{
    struct world *w = cf_xcalloc(1, sizeof *w);
    struct cf_error err = CF_ERROR_INIT;
    pthread_mutex_init(&w->lock, NULL);
    cf_cond_init(&w->cond);
    w->http = cf_http_server_start(NULL, &err);
    w->api = sbx_api_new("east");
    sbx_api_token(w->api, "t", "crossfade", SBX_RIGHTS_FULL);
    w->server = sbx_api_server_new(w->http, w->api, 0, NULL, &err);
    w->wire = sbx_wire_start("test", &err);
    *state = w;
    return w->http && w->server && w->wire ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    sbx_stop_lift(sbx_api_server_stop(w->server));
    sbx_wire_stop(w->wire);
    cf_http_server_stop(w->http, 0);
    sbx_api_server_free(w->server);
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
    pthread_cond_broadcast(&w->cond);
}

static void send_request(struct world *w, const char *agent, const char *method, const char *path,
                         const char *body)
{
    cf_autofree char *text =
        cf_xasprintf("%s %s HTTP/1.1\r\nHost: a\r\nUser-Agent: %s\r\nAuthorization: Bearer t\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     method, path, agent, strlen(body), body);
    int port = (int)strtol(strrchr(sbx_api_server_url(w->server), ':') + 1, NULL, 10);
    struct sbx_wire_request r = { .address = "127.0.0.1",
                                  .port = port,
                                  .bytes = text,
                                  .len = strlen(text),
                                  .timeout_ms = WAIT_MS };
    pthread_mutex_lock(&w->lock);
    w->status = 0;
    pthread_mutex_unlock(&w->lock);
    sbx_wire_send(w->wire, &r, on_done, w);
}

static bool is_answered(struct world *w)
{
    CF_LOCKED(&w->lock);
    return w->status != 0;
}

static int wait_answer(struct world *w)
{
    CF_LOCKED(&w->lock);
    while (w->status == 0)
        pthread_cond_wait(&w->cond, &w->lock);
    return w->status;
}

static int ask(struct world *w, const char *agent, const char *method, const char *path,
               const char *body)
{
    send_request(w, agent, method, path, body);
    return wait_answer(w);
}

static void a_stopped_request_has_no_effect_until_it_goes_on(void **state)
{
    struct world *w = *state;
    struct sbx_stop *stop = sbx_api_server_stop(w->server);
    char request[SBX_STOP_REQUEST_MAX];
    sbx_stop_set(stop, "POST", NAMESPACES);
    send_request(w, "crossfade", "POST", NAMESPACES,
                 "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"web\"}}");
    for (request[0] = '\0'; !request[0];) {
        cf_sleep_ms(&cf_clock_real, 1);
        sbx_stop_request(stop, request);
    }
    assert_string_equal(request, "POST " NAMESPACES);
    cf_sleep_ms(&cf_clock_real, MOMENT_MS);
    assert_false(is_answered(w));
    sbx_stop_lift(stop);
    assert_int_equal(wait_answer(w), 201);
    sbx_stop_request(stop, request);
    assert_string_equal(request, "");
}

static void others_go_through(void **state)
{
    struct world *w = *state;
    struct sbx_stop *stop = sbx_api_server_stop(w->server);
    sbx_stop_set(stop, "POST", NAMESPACES);
    assert_int_equal(ask(w, "kubectl", "POST", NAMESPACES, "{}"), 422); /* another program */
    assert_int_equal(ask(w, "crossfade", "GET", NAMESPACES, ""), 200);  /* another method */
    sbx_stop_set(stop, NULL, "/api/v1/pods");
    assert_int_equal(ask(w, "crossfade", "GET", NAMESPACES, ""), 200); /* another place */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stopped_request_has_no_effect_until_it_goes_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(others_go_through, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
