/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what is read out of the writers' pods for the forecast of a freeze: how long they may take to end, how long one
 * took to start, and how many start one after the other. */
#include "orchestrator/engine/steps/pod_rows.h"

#include "tests/support/quick_json.h"
#include "tests/support/test.h"

#define BODY(kind, name, spec, grace)                                                              \
    "{'body':{'apiVersion':'apps/v1','kind':'" kind "','metadata':{'name':'" name                  \
    "'},'spec':{" spec "'template':{'spec':{" grace "}}}}}"
#define INVENTORY                                                                                  \
    "{'objects':[" BODY("StatefulSet", "db", "", "'terminationGracePeriodSeconds':7") "," BODY(    \
        "StatefulSet", "log", "'podManagementPolicy':'Parallel',",                                 \
        "") "," BODY("Deployment", "web", "", "") "]}"
#define CLAIMS                                                                                     \
    "[{'name':'data-db-0','by':'StatefulSet/db'},{'name':'data-db-1','by':'StatefulSet/db'},"      \
    "{'name':'data-log-0','by':'StatefulSet/log'},{'name':'files','by':'Deployment/web'},"         \
    "{'name':'nobodys'},{'name':'gone','by':'Deployment/gone'}]"

static char *pod(const char *claim, const char *started, const char *is_ready, const char *since,
                 int restarts)
{
    return cf_xasprintf(
        "{'spec':{'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'%s'}}]},'status':{"
        "'startTime':'%s','containerStatuses':[{'restartCount':0},{'restartCount':%d}],"
        "'conditions':[{'type':'Ready','status':'%s','lastTransitionTime':'%s'}]}}",
        claim, started, restarts, is_ready, since);
}

#define T(s) "2026-11-22T01:00:" s "Z"

static const struct {
    const char *what, *claim, *started, *ready, *since;
    int restarts;
    const char *web; /* the row */
} one_pod[] = {
    { "as it started", "files", T("01"), "True", T("10"), 0, "'startMs':9000}" },
    { "it is not ready", "files", T("01"), "False", T("10"), 0, "'waves':1}" },
    { "it has crashed", "files", T("01"), "True", T("10"), 1, "'waves':1}" },
    { "no clock goes backwards", "files", T("11"), "True", T("10"), 0, "'waves':1}" },
    { "no time", "files", "soon", "True", T("10"), 0, "'waves':1}" },
    { "somebody else's", "another", T("01"), "True", T("10"), 0, "'waves':1}" },
    { "at once", "files", T("01"), "True", T("01"), 0, "'startMs':0}" },
};

static char *rows_of(const char *pods_text)
{
    cf_autojson json_t *inventory = cf_test_json(INVENTORY);
    cf_autojson json_t *claims = cf_test_json(CLAIMS);
    cf_autojson json_t *pods = cf_test_json(pods_text);
    cf_autojson json_t *rows = cf_pod_rows_of(inventory, claims, pods);
    return cf_test_dump(rows);
}

static void a_pod_tells_how_long_it_took(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(one_pod); i++) {
        cf_autofree char *a = pod(one_pod[i].claim, one_pod[i].started, one_pod[i].ready,
                                  one_pod[i].since, one_pod[i].restarts);
        cf_autofree char *list = cf_xasprintf("[%s]", a);
        cf_autofree char *rows = rows_of(list);
        cf_autofree char *want = cf_xasprintf("%s]", one_pod[i].web);
        if (!strstr(rows, want))
            fail_msg("%s: %s", one_pod[i].what, rows);
    }
}

static void a_set_starts_its_pods_one_after_the_other(void **state)
{
    (void)state;
    cf_autofree char *a = pod("data-db-0", T("00"), "True", T("08"), 0);
    cf_autofree char *b = pod("data-db-1", T("08"), "True", T("13"), 0);
    cf_autofree char *c = pod("data-log-0", T("00"), "True", T("04"), 0);
    cf_autofree char *d = pod("data-log-0", T("00"), "True", T("03"), 0);
    cf_autofree char *list = cf_xasprintf("[%s,%s,%s,%s]", a, b, c, d);
    cf_autofree char *rows = rows_of(list);
    assert_string_equal(
        rows, "[{'workload':'StatefulSet/db','terminationGracePeriodSeconds':7,'waves':2,'startMs':"
              "5000},{'workload':'StatefulSet/log','terminationGracePeriodSeconds':30,'waves':1,"
              "'startMs':3000},{'workload':'Deployment/web','terminationGracePeriodSeconds':30,"
              "'waves':1}]");
}

static void a_workload_without_pods_has_its_row(void **state)
{
    (void)state;
    cf_autofree char *rows = rows_of("[]");
    assert_string_equal(
        rows, "[{'workload':'StatefulSet/db','terminationGracePeriodSeconds':7,'waves':1},"
              "{'workload':'StatefulSet/log','terminationGracePeriodSeconds':30,'waves':1},"
              "{'workload':'Deployment/web','terminationGracePeriodSeconds':30,'waves':1}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_tells_how_long_it_took),
        cmocka_unit_test(a_set_starts_its_pods_one_after_the_other),
        cmocka_unit_test(a_workload_without_pods_has_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
