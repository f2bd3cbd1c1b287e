/* SPDX-License-Identifier: Apache-2.0 */
/* What is accepted with a warning, and that the examples have none. */
#include "orchestrator/plan/plan.h"
#include "tests/support/test.h"

#define HEAD                                                                                       \
    "apiVersion: crossfade.dev/v1alpha1\nkind: MigrationPlan\nmetadata: {name: web}\nspec:\n"
#define ENDS  "  source: {cluster: dc1, namespace: web}\n  target: {cluster: dc2}\n"
#define ROUTE "  traffic:\n    router: {type: virtualService, name: web}\n"
#define STEPS "    steps: [5, 100]\n"
#define GATE  "  gates: [{name: a, type: successRate, min: 99.5%}]\n"

static const struct {
    const char *text, *pointer, *detail; /* pointer NULL: no warning */
} cases[] = {
    { HEAD ENDS ROUTE STEPS GATE, NULL, NULL },
    { HEAD ENDS ROUTE STEPS, "/spec", "nothing but you will notice" },
    { HEAD ENDS ROUTE STEPS "  commit: auto\n", "/spec", "commits by itself" },
    { HEAD ENDS ROUTE STEPS GATE "  rollback: {on: [deadline]}\n", "/spec/rollback/on",
      "only holds the run" },
    { HEAD ENDS ROUTE STEPS GATE "  rollback: {on: []}\n", "/spec/rollback/on",
      "only holds the run" },
    { HEAD ENDS ROUTE "    steps: [75, 100]\n" GATE, "/spec/traffic/steps/0", "already sends 75%" },
    { HEAD ENDS ROUTE STEPS "    deadline: 10m\n" GATE, "/spec/traffic/deadline",
      "the holds alone take 10m" },
    { HEAD ENDS ROUTE STEPS "    hold: 2s\n" GATE, "/spec/traffic/steps/0",
      "shorter than 3 looks of 1s" },
    { HEAD ENDS ROUTE STEPS "  gates: [{name: a, type: latency, min: 99%, max: 400ms}]\n",
      "/spec/gates/0/max", "400ms is not an edge" },
    { HEAD ENDS ROUTE STEPS
      "  gates: [{name: a, type: promql, min: 99%, total: 'sum(rate(a[1m]))', failed: b}]\n",
      "/spec/gates/0/total", "differences of counters" },
    { HEAD "  source: {cluster: dc1, namespace: kube-system}\n  target: {cluster: dc2, namespace: "
           "sys}\n" ROUTE STEPS GATE,
      "/spec/source/namespace", "belongs to the cluster itself" },
    { HEAD ENDS ROUTE "    steps: [100]\n" GATE "  volumes: {default: {strategy: veleroFsBackup}, "
                      "finalSync: {rehearse: false}}\n",
      "/spec/volumes/finalSync/rehearse", "how long a restore takes" },
    { HEAD ENDS ROUTE STEPS "    writers: {switch: beforeTraffic}\n" GATE
                            "  volumes: {default: {strategy: veleroFsBackup}}\n",
      "/spec/traffic/writers/switch", "before the target has served a single request" },
};

static void each_doubtful_plan_is_accepted_with_its_warning(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
        struct cf_plan *plan CF_CLEANUP(cf_plan_free_p) = NULL;
        assert_true(cf_plan_decode(cases[i].text, strlen(cases[i].text), CF_PLAN_YAML, &plan, NULL,
                                   &issues));
        assert_false(issues.has_errors);
        assert_int_equal(issues.n, cases[i].pointer ? 1 : 0);
        cf_autojson json_t *errors = cf_plan_issues_json(&issues, false);
        assert_int_equal(json_array_size(errors), 0);
        if (!cases[i].pointer)
            continue;
        cf_autojson json_t *warnings = cf_plan_issues_json(&issues, true);
        const json_t *w = json_array_get(warnings, 0);
        assert_string_equal(cf_json_str(w, "", "pointer", NULL), cases[i].pointer);
        assert_string_equal(cf_json_str(w, "", "code", NULL), "DOUBTFUL");
        assert_true(cf_json_int(w, 0, "line", NULL) > 0);
        if (!strstr(cf_json_str(w, "", "detail", NULL), cases[i].detail))
            fail_msg("case %zu: %s", i, cf_json_str(w, "", "detail", NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        each_doubtful_plan_is_accepted_with_its_warning) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
