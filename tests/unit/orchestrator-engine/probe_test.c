/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what the probe makes of what it meets: an answer of any status, a refusal, silence, another
 * protocol, nobody ready; that it asks the port that the route means; and that it says what it
 * asked. */
#include "orchestrator/engine/probe.h"
#include "base/transport.h"
#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"
#include "tests/support/rude_server.h"
#include "tests/support/test.h"

struct rig {
    struct cf_fake_kube *dc1;
    struct cf_transport *calls;
    struct rude_server *server;
    const char *manner; /* set before the server has a connection */
};

static bool serve(void *arg, const struct rude_server_request *request)
{
    const struct rig *r = arg;
    if (strcmp(r->manner, "silence") == 0)
        rude_server_sleep(request, 20000);
    if (strcmp(r->manner, "drop") == 0)
        return false;
    return rude_server_answer(request, 503, "", "");
}

static void put(struct cf_fake_kube *f, char *text_take)
{
    cf_autofree char *text = text_take;
    cf_autojson json_t *o = cf_test_json(text);
    cf_fake_kube_put_json(f, o);
}

/* A Service of two ports, of which only `web` leads to the server. */
static void put_service(struct rig *r, int port, bool ready)
{
    put(r->dc1, cf_xstrdup("{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo-dc2',"
                           "'namespace':'web'},'spec':{'ports':[{'name':'admin','port':81},"
                           "{'name':'web','port':80}]}}"));
    put(r->dc1,
        cf_xasprintf("{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{"
                     "'name':'echo-dc2-1','namespace':'web','labels':{"
                     "'kubernetes.io/service-name':'echo-dc2'}},'addressType':'IPv4','endpoints':[{"
                     "'addresses':['127.0.0.1'],'conditions':{'ready':%s}}],'ports':[{'name':"
                     "'admin','port':1},{'name':'web','port':%d}]}",
                     ready ? "true" : "false", port));
}

static bool ask(struct rig *r, const char *port, char said[512])
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = cf_fake_kube_client(r->dc1, "dc1");
    struct cf_probe_way way = {
        .kube = kube, .calls = r->calls, .ns = "web", .service = "echo-dc2", .port = port
    };
    bool ok = false;
    assert_ok(cf_probe_service(&way, &ok, said, 512, &err), &err);
    return ok;
}

static void every_manner_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *manner, *port;
        bool ok;
        const char *said;
    } table[] = {
        { "answer", "80", true, "answered GET / with HTTP 503, asked from this service" },
        { "answer", "web", true, "answered GET / with HTTP 503, asked from this service" },
        { "answer", "81", false, "127.0.0.1:1 refuses connections" },
        { "answer", "", false, "127.0.0.1:1 refuses connections" },
        { "drop", "80", true, "accepts connections from this service (no HTTP answer)" },
        { "silence", "80", true, "could not be reached from here to probe it: the first weight" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_error err = CF_ERROR_INIT;
        char said[512] = "";
        struct rig r = { .dc1 = cf_fake_kube_new(), .manner = table[i].manner };
        r.calls = cf_transport_new(NULL, &err);
        r.server = rude_server_start(serve, &r, NULL, NULL);
        put_service(&r, rude_server_port(r.server), true);
        bool ok = ask(&r, table[i].port, said);
        if (ok != table[i].ok || !strstr(said, table[i].said))
            fail_msg("%s at port %s: %s: %s", table[i].manner, table[i].port, ok ? "ok" : "no",
                     said);
        cf_transport_free(r.calls);
        rude_server_stop(r.server);
        cf_fake_kube_free(r.dc1);
    }
}

static void where_nobody_is_ready_nobody_is_asked(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char said[512] = "";
    struct rig r = { .dc1 = cf_fake_kube_new(), .calls = cf_transport_new(NULL, &err) };
    assert_false(ask(&r, "80", said));
    assert_non_null(strstr(said, "Service web/echo-dc2 is not there"));
    put_service(&r, 1, false);
    assert_false(ask(&r, "80", said));
    assert_non_null(strstr(said, "has no ready address"));
    put(r.dc1, cf_xstrdup("{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo-dc2',"
                          "'namespace':'web'},'spec':{'type':'ExternalName','externalName':"
                          "'echo.dc2.example.org'}}"));
    assert_true(ask(&r, "80", said));
    assert_non_null(strstr(said, "not probed: Service web/echo-dc2 is another name for echo.dc2"));
    cf_transport_free(r.calls);
    cf_fake_kube_free(r.dc1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_manner_has_its_meaning),
        cmocka_unit_test(where_nobody_is_ready_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
