/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what an ingress-nginx loses when a path gets another main backend: one request of an old
 * worker, unless some Ingress goes on naming the old backend. */
#include "tests/support/test.h"

#include "deploy/sandbox/dataplane/route.h"
#include "tests/support/quick_json.h"

/* clang-format off */
#define SERVICE(name)                                                                              \
    "{'metadata':{'namespace':'web','name':'" name "'},'spec':{'ports':[{'port':80}]}}"
#define SLICE(service, address)                                                                    \
    "{'metadata':{'namespace':'web','name':'" service "-x',"                                       \
    "'labels':{'kubernetes.io/service-name':'" service "'}},"                                      \
    "'ports':[{'port':8080}],'endpoints':[{'addresses':['" address "']}]}"
#define INGRESS(name, host, service)                                                               \
    "{'metadata':{'namespace':'web','name':'" name "'},'spec':{'rules':[{'host':'" host "',"       \
    "'http':{'paths':[{'path':'/','pathType':'Prefix',"                                            \
    "'backend':{'service':{'name':'" service "','port':{'number':80}}}}]}}]}}"
#define CANARY(name, host, service)                                                                \
    "{'metadata':{'namespace':'web','name':'" name "','annotations':{"                             \
    "'nginx.ingress.kubernetes.io/canary':'true'}},'spec':{'rules':[{'host':'" host "',"           \
    "'http':{'paths':[{'path':'/0','pathType':'Exact',"                                            \
    "'backend':{'service':{'name':'" service "','port':{'number':80}}}}]}}]}}"
/* clang-format on */

static struct sbx_table *with_ingresses(const char *text)
{
    cf_autojson json_t *services = cf_test_json("[" SERVICE("echo") "," SERVICE("bridge") "]");
    cf_autojson json_t *slices =
        cf_test_json("[" SLICE("echo", "127.1.0.1") "," SLICE("bridge", "127.2.0.1") "]");
    cf_autojson json_t *ingresses = cf_test_json(text);
    return sbx_table_build(
        &(struct sbx_objects){ .ingresses = ingresses, .services = services, .slices = slices });
}

/* What the next two requests get when a gateway goes from one to the other. */
static void lost(const char *before, const char *after, int first, int second)
{
    struct sbx_table *old = with_ingresses(before), *next = with_ingresses(after);
    const struct sbx_ask ask = { .host = "h", .method = "GET", .path = "/" };
    sbx_table_succeed(next, old);
    assert_int_equal(sbx_table_choose(next, &ask, 0).status, first);
    assert_int_equal(sbx_table_choose(next, &ask, 0).status, second);
    sbx_table_unref(old);
    sbx_table_unref(next);
}

static void an_old_workers_request_is_lost(void **state)
{
    (void)state;
    lost("[" INGRESS("in", "h", "echo") "]", "[" INGRESS("in", "h", "bridge") "]", 503, 0);
}

static void not_when_the_old_backend_is_still_named(void **state)
{
    (void)state;
    lost("[" INGRESS("in", "h", "echo") "]",
         "[" INGRESS("in", "h", "bridge") "," INGRESS("another", "other", "echo") "]", 0, 0);
    lost("[" INGRESS("in", "h", "echo") "]",
         "[" INGRESS("in", "h", "bridge") "," CANARY("keeper", "nobody", "echo") "]", 0, 0);
    /* On a host that is known, a canary without its path is left out. */
    lost("[" INGRESS("in", "h", "echo") "]",
         "[" INGRESS("in", "h", "bridge") "," CANARY("keeper", "h", "echo") "]", 503, 0);
}

static void not_when_nothing_changes(void **state)
{
    (void)state;
    lost("[" INGRESS("in", "h", "echo") "]", "[" INGRESS("in", "h", "echo") "]", 0, 0);
    lost("[]", "[" INGRESS("in", "h", "echo") "]", 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_workers_request_is_lost),
        cmocka_unit_test(not_when_the_old_backend_is_still_named),
        cmocka_unit_test(not_when_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
