/* SPDX-License-Identifier: Apache-2.0 */
/* A bridge by name on two real clusters: their endpointslice controllers and kube-proxies take our
 * slices beside their own, so that the cluster IP of a Service without pods answers from the other
 * cluster; a pod of its own is counted as another; and what is removed leads nowhere.
 *
 * CROSSFADE_TEST_EAST and CROSSFADE_TEST_WEST name kubeconfigs with all rights, and this runs where
 * pods and Services of both can be reached: in the lab's hub (`tests/lab/lab up clusters`). Without
 * them this says so and exits with 77. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/transport.h"
#include "base/uuid.h"
#include "lb/bridge.h"
#include "tests/unit/lb/fixtures.h"

enum { WAIT_MS = 90000, LOOK_MS = 200, ASK_MS = 2000, IN_A_ROW = 30 };

static struct cf_kube_net *net;
static struct cf_kube *east, *west;
static char ns[48];

#define SERVICE                                                                                    \
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'db'},'spec':{'selector':{'app':"      \
    "'db'},'ports':[{'name':'http','port':80,'targetPort':'http'}]}}"
#define WORKLOAD                                                                                   \
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'db'},'spec':{'replicas':1,"   \
    "'selector':{'matchLabels':{'app':'db'}},'template':{'metadata':{'labels':{'app':'db'}},"      \
    "'spec':{'containers':[{'name':'echo','image':'lab/echo:v1','ports':[{'name':'http',"          \
    "'containerPort':8080}],'readinessProbe':{'httpGet':{'path':'/readyz','port':'http'},"         \
    "'periodSeconds':1}}]}}}}"

static bool create(struct cf_kube *k, const char *text, struct cf_error *err)
{
    cf_autojson json_t *object = js(text);
    cf_json_put_take(object, json_string(ns), "metadata", "namespace", NULL);
    return cf_kube_create(k, NULL, object, NULL, NULL, err);
}

static struct cf_kube *open_cluster(const char *variable, const char *name, struct cf_error *err)
{
    struct cf_kube_credentials *c = cf_kubeconfig_load(getenv(variable), NULL, err);
    struct cf_kube *k =
        c ? cf_kube_open(net, c, &(struct cf_kube_options){ .name = name, .rate_per_s = 500 }, err)
          : NULL;
    cf_kube_credentials_unref(c);
    cf_autojson json_t *o = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
                                      "Namespace", "metadata", "name", ns);
    if (k && cf_kube_create(k, NULL, o, NULL, NULL, err))
        return k;
    cf_kube_unref(k);
    return NULL;
}

/* The writer runs in east; west has its Service alone. */
static int set_up(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char nonce[9];
    snprintf(ns, sizeof ns, "by-name-%s", cf_random_hex(nonce, 8));
    net = cf_kube_net_new(&err);
    if (net && (east = open_cluster("CROSSFADE_TEST_EAST", "east", &err)) &&
        (west = open_cluster("CROSSFADE_TEST_WEST", "west", &err)) && create(east, SERVICE, &err) &&
        create(east, WORKLOAD, &err) && create(west, SERVICE, &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return 1;
}

static int tear_down(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, ns);
    bool gone = true;
    struct cf_kube *both[] = { east, west };
    for (size_t i = 0; i < CF_ARRAY_LEN(both); i++) {
        gone &= !both[i] || cf_kube_delete(both[i], NULL, &ref, NULL, &err);
        cf_kube_unref(both[i]);
    }
    cf_kube_net_free(net);
    return gone ? 0 : 1;
}

static struct cf_bridge the_bridge(void)
{
    struct cf_bridge b = { .service = "db",
                           .run = RUN,
                           .target_cluster = "east",
                           .target_service = "db",
                           .by_name = true };
    snprintf(b.ns, sizeof b.ns, "%s", ns);
    snprintf(b.target_ns, sizeof b.target_ns, "%s", ns);
    return b;
}

/* One look of the lane; returns how many endpoints are carried. */
static int look(const struct cf_bridge *b, char cluster_ip[64])
{
    struct cf_error err = CF_ERROR_INIT;
    int ready = -1, writes;
    cf_autojson json_t *service = NULL;
    cf_autojson json_t *theirs = NULL;
    assert_ok(cf_bridge_ensure(west, NULL, b, &service, &err), &err);
    assert_ok(cf_bridge_target_slices(east, NULL, ns, "db", &theirs, &err), &err);
    cf_autojson json_t *want = cf_bridge_slices(b, service, theirs, &ready, &err);
    if (!want)
        fail_msg("%s", err.message);
    assert_ok(cf_bridge_sync(west, NULL, b, want, 0, &writes, &err), &err);
    snprintf(cluster_ip, 64, "%s", cf_json_str(service, "", "spec", "clusterIP", NULL));
    return ready;
}

/* Whose pod answers at west's cluster IP: 'e', 'w', or '-' for nobody. */
static char who_answers(const char *cluster_ip)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    cf_autofree char *url = cf_xasprintf("http://%s", cluster_ip);
    struct cf_endpoint_options options = { .base_url = url };
    struct cf_endpoint *endpoint = cf_endpoint_new(&options, &err);
    struct cf_http_call_request request = { .path = "/",
                                            .deadline_ms = cf_mono_now_ms() + ASK_MS,
                                            .response_max = 64 * 1024,
                                            .fresh_connection = true };
    bool ok = endpoint && cf_http_call(cf_kube_net_calls(net), endpoint, &request, &reply, &err);
    char cluster[32] = "-";
    if (ok && !cf_http_reply_header(&reply, "Lab-Cluster", cluster, sizeof cluster))
        fail_msg("an answer without Lab-Cluster: %d", reply.status);
    cf_endpoint_unref(endpoint);
    return ok ? cluster[0] : '-';
}

static void wait_answer(const char *cluster_ip, char who)
{
    int64_t until = cf_mono_now_ms() + WAIT_MS;
    char seen;
    while ((seen = who_answers(cluster_ip)) != who) {
        if (cf_mono_now_ms() > until)
            fail_msg("'%c' answers, not '%c'", seen, who);
        cf_sleep_ms(&cf_clock_real, LOOK_MS);
    }
}

/* Until that one alone answers, many times in a row: both would show. */
static void wait_only(const char *cluster_ip, char who)
{
    int64_t until = cf_mono_now_ms() + WAIT_MS;
    for (int in_a_row = 0; in_a_row < IN_A_ROW;) {
        in_a_row = who_answers(cluster_ip) == who ? in_a_row + 1 : 0;
        if (in_a_row == 0 && cf_mono_now_ms() > until)
            fail_msg("not '%c' alone answers", who);
    }
}

static void wait_others(const struct cf_bridge *b, int others)
{
    int64_t until = cf_mono_now_ms() + WAIT_MS;
    int seen = -1;
    while (seen != others) {
        struct cf_error err = CF_ERROR_INIT;
        assert_ok(cf_bridge_others(west, NULL, b, &seen, &err), &err);
        if (cf_mono_now_ms() > until)
            fail_msg("%d others, not %d", seen, others);
        cf_sleep_ms(&cf_clock_real, LOOK_MS);
    }
}

static int carried(const struct cf_bridge *b)
{
    struct cf_error err = CF_ERROR_INIT;
    int ready = -1;
    assert_ok(cf_bridge_read(west, NULL, b, &ready, &err), &err);
    return ready;
}

static void the_name_leads_to_the_other_cluster_and_back(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    const struct cf_bridge b = the_bridge();
    char ip[64];
    int64_t until = cf_mono_now_ms() + WAIT_MS;
    if (look(&b, ip) == 0)
        assert_int_equal(who_answers(ip), '-');
    while (look(&b, ip) != 1 && cf_mono_now_ms() < until)
        cf_sleep_ms(&cf_clock_real, LOOK_MS);
    wait_only(ip, 'e');
    wait_others(&b, 0);
    /* Its controller writes its own slice anew; ours stays. */
    assert_ok(create(west, WORKLOAD, &err), &err);
    wait_others(&b, 1);
    assert_int_equal(carried(&b), 1);
    wait_answer(ip, 'w');
    wait_answer(ip, 'e');
    for (int twice = 0; twice < 2; twice++)
        assert_ok(cf_bridge_remove(west, NULL, &b, &err), &err);
    wait_only(ip, 'w');
    struct cf_object_ref own = cf_ref("apps/v1", "Deployment", ns, "db");
    assert_ok(cf_kube_delete(west, NULL, &own, NULL, &err), &err);
    wait_others(&b, 0);
    wait_answer(ip, '-');
    assert_int_equal(look(&b, ip), 1);
    wait_answer(ip, 'e');
}

int main(void)
{
    const char *paths[] = { getenv("CROSSFADE_TEST_EAST"), getenv("CROSSFADE_TEST_WEST") };
    for (size_t i = 0; i < CF_ARRAY_LEN(paths); i++) {
        if (!paths[i] || !paths[i][0]) {
            printf("skipped: CROSSFADE_TEST_EAST or CROSSFADE_TEST_WEST is not set (tests/lab/lab "
                   "up clusters)\n");
            return 77;
        }
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_leads_to_the_other_cluster_and_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
