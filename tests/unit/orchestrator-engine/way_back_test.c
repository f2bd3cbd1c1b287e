/* SPDX-License-Identifier: Apache-2.0 */
/* A kubectl line is given exactly while the object is armed, and names its cluster; at every other
 * time a sentence says why there is none. */
#include "orchestrator/engine/way_back.h"

#include "tests/support/test.h"

struct moment {
    const char *what;
    bool adopted, armed;
    enum cf_run_state state;
    enum cf_step_state commit;
    const char *missing; /* part of the sentence; NULL: there is a line */
};

static const struct moment moments[] = {
    { "before", false, false, CF_RUN_ACTIVE, CF_STEP_PLANNED, "no router was written to yet" },
    { "rendered", false, true, CF_RUN_ACTIVE, CF_STEP_PLANNED, "no router was written to yet" },
    { "steering", true, true, CF_RUN_ACTIVE, CF_STEP_PLANNED, NULL },
    { "frozen writers", true, false, CF_RUN_ACTIVE, CF_STEP_PLANNED, "switched off" },
    { "commit intended", true, true, CF_RUN_ACTIVE, CF_STEP_INTENT, NULL },
    { "committed", true, false, CF_RUN_ACTIVE, CF_STEP_DONE, "committed" },
    { "released", false, false, CF_RUN_COMPLETED, CF_STEP_DONE, "committed" },
    { "going back", true, true, CF_RUN_ROLLING_BACK, CF_STEP_PLANNED, NULL },
    { "given back", false, true, CF_RUN_ROLLING_BACK, CF_STEP_PLANNED, "given back already" },
    { "rolled back", false, true, CF_RUN_ROLLED_BACK, CF_STEP_PLANNED, "back already" },
    { "canceled", false, false, CF_RUN_CANCELED, CF_STEP_PLANNED, "has ended" },
};

static json_t *baseline_on(const char *cluster)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "type", "virtualService", "ns", "shop", "name", "web",
                     "cluster", cluster);
}

static void a_line_while_it_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(moments); i++) {
        const struct moment *m = &moments[i];
        cf_autojson json_t *baseline = baseline_on("dc1");
        struct cf_step commit = { .kind = "commit", .state = m->commit };
        struct cf_run_router router = { .baseline = baseline, .adopted = m->adopted };
        struct cf_live run = {
            .state = m->state, .steps = &commit, .n_steps = 1, .routers = &router, .n_routers = 1
        };
        snprintf(router.arm, sizeof router.arm, "%s", m->armed ? "a1" : "");
        cf_autojson json_t *lines = cf_way_back_lines(&run);
        const char *missing = cf_way_back_missing(&run);
        if (json_array_size(lines) != (m->missing ? 0 : 1) || !missing != !m->missing)
            fail_msg("%s: %zu lines, missing: %s", m->what, json_array_size(lines), missing);
        if (m->missing && !strstr(missing, m->missing))
            fail_msg("%s: %s", m->what, missing);
    }
}

static void the_line_names_the_cluster_of_each_router(void **state)
{
    (void)state;
    cf_autojson json_t *first = baseline_on("dc1"), *second = baseline_on("dc9");
    struct cf_run_router routers[] = {
        { .baseline = first, .adopted = true, .arm = "a1" },
        { .baseline = second, .adopted = true, .arm = "" },
        { .baseline = second, .adopted = true, .arm = "a2" },
    };
    struct cf_live run = { .routers = routers, .n_routers = CF_ARRAY_LEN(routers) };
    cf_autojson json_t *lines = cf_way_back_lines(&run);
    assert_int_equal(json_array_size(lines), 2);
    const char *one = json_string_value(json_array_get(lines, 0)),
               *two = json_string_value(json_array_get(lines, 1));
    assert_int_equal(strncmp(one, "kubectl --context dc1 -n shop patch ", 36), 0);
    assert_non_null(strstr(one, "$(kubectl --context dc1 -n shop get "));
    assert_int_equal(strncmp(two, "kubectl --context dc9 -n shop patch ", 36), 0);
}

static void a_plan_without_traffic_has_nothing_to_send_back(void **state)
{
    (void)state;
    struct cf_live run = { .n_routers = 0 };
    assert_string_equal(cf_way_back_missing(&run), "the plan moves no traffic");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_while_it_works),
        cmocka_unit_test(the_line_names_the_cluster_of_each_router),
        cmocka_unit_test(a_plan_without_traffic_has_nothing_to_send_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
