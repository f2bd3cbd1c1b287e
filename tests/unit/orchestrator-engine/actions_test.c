/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the table of actions × situations: who may ask what when, and what is compiled from a
 * plan. */
#include "orchestrator/engine/actions.h"
#include "orchestrator/engine/compile.h"
#include "tests/unit/orchestrator-engine/life.h"

static void every_action_in_every_situation(void **state)
{
    (void)state;
    static const struct {
        const char *action;
        bool forward, committed, back;
    } rows[] = {
        { "pause", true, true, false },   { "resume", true, true, true },
        { "advance", true, true, false }, { "rollback", true, false, true },
        { "commit", true, true, false },  { "explode", false, false, false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        assert_int_equal(!cf_actions_refusal(rows[i].action, false, false), rows[i].forward);
        assert_int_equal(!cf_actions_refusal(rows[i].action, true, false), rows[i].committed);
        assert_int_equal(!cf_actions_refusal(rows[i].action, false, true), rows[i].back);
    }
    cf_autojson json_t *table = cf_actions_table();
    assert_int_equal(json_array_size(table), CF_ARRAY_LEN(rows) - 1);
}

static void an_expectation_that_no_longer_holds_refuses(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT);
    run_until_step(w, "traffic.soak", 0, "applied");
    int64_t id = act(w, "rollback");
    json_object_set_new(json_array_get(w->actions, 0), "expect",
                        json_pack("{s:s}", "phase", "Copying"));
    world_pass(w);
    assert_string_equal(answer_to(w, id),
                        "refused: expected phase Copying, but the run is in Soaking");
    assert_string_equal(state_of(w), "active");
    world_free(w);
}

/* "kind kind …" of a plan. */
static void assert_steps(const char *plan_text, const char *want)
{
    struct world *w = world_new(plan_text);
    cf_autojson json_t *steps = cf_compile(w->plan);
    CF_CLEANUP(cf_buf_free) struct cf_buf have = CF_BUF_INIT(4096);
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step)
        cf_buf_printf(&have, "%s%s", i ? " " : "", cf_json_str(step, "", "kind", NULL));
    assert_string_equal(cf_buf_str(&have), want);
    world_free(w);
}

static void a_plan_becomes_steps(void **state)
{
    (void)state;
    assert_steps(
        PLAN_TEXT,
        "preflight propagate workload.ready reach traffic.shift traffic.soak traffic.shift "
        "traffic.soak traffic.shift traffic.soak commit source.scale_down cleanup");
    assert_steps(
        PLAN_TEXT "  cleanup: {source: keep}\n",
        "preflight propagate workload.ready reach traffic.shift traffic.soak traffic.shift "
        "traffic.soak traffic.shift traffic.soak commit cleanup");
    struct world *w = world_new(PLAN_TEXT AUTO);
    cf_autojson json_t *steps = cf_compile(w->plan);
    cf_autofree char *shift = cf_test_dump(json_array_get(steps, 6));
    assert_string_equal(
        shift,
        "{'kind':'traffic.shift','name':'50 % to dc2','params':{'index':1,'from':5,'weight':50}}");
    cf_autofree char *soak = cf_test_dump(json_array_get(steps, 7));
    assert_string_equal(soak, "{'kind':'traffic.soak','name':'prove 50 % for "
                              "10s','params':{'index':1,'weight':50,'holdMs':10000}}");
    cf_autofree char *commit = cf_test_dump(json_array_get(steps, 10));
    assert_string_equal(commit, "{'kind':'commit','name':'commit','params':{'auto':true}}");
    world_free(w);
}

#define MOVES                                                                                      \
    "  volumes:\n"                                                                                 \
    "    default: {strategy: veleroFsBackup}\n"                                                    \
    "  cleanup: {source: keep}\n"
#define TRAFFIC(steps)                                                                             \
    "apiVersion: crossfade.dev/v1alpha1\n"                                                         \
    "kind: MigrationPlan\n"                                                                        \
    "metadata: {name: web}\n"                                                                      \
    "spec:\n"                                                                                      \
    "  source: {cluster: dc1, namespace: web}\n"                                                   \
    "  target: {cluster: dc2}\n"                                                                   \
    "  traffic:\n"                                                                                 \
    "    router: {type: virtualService, name: web}\n"                                              \
    "    steps: " steps "\n"                                                                       \
    "    hold: 10s\n"

/* The writers move just before the weight that the plan names, and nowhere else. */
static void the_writers_switch_has_its_place(void **state)
{
    (void)state;
    assert_steps(
        TRAFFIC("[100]") MOVES,
        "preflight propagate volume.sync workload.ready reach volume.sync quiesce "
        "volume.final_sync writers.switch reach traffic.shift traffic.soak commit cleanup");
    assert_steps(
        TRAFFIC("[5, 50, 100]") "    writers: {mode: single, switch: weight=50}\n" MOVES,
        "preflight propagate volume.sync workload.ready reach traffic.shift traffic.soak "
        "volume.sync quiesce volume.final_sync writers.switch reach traffic.shift traffic.soak "
        "traffic.shift traffic.soak commit cleanup");
    assert_steps(TRAFFIC("[5, 100]") "    writers: {mode: single, switch: beforeTraffic}\n" MOVES,
                 "preflight propagate volume.sync workload.ready reach volume.sync quiesce "
                 "volume.final_sync writers.switch reach traffic.shift traffic.soak traffic.shift "
                 "traffic.soak commit cleanup");
}

static void assert_params(const char *plan_text, int step, const char *want)
{
    struct world *w = world_new(plan_text);
    cf_autojson json_t *steps = cf_compile(w->plan);
    cf_autofree char *have = cf_test_dump(json_array_get(steps, step));
    assert_string_equal(have, want);
    world_free(w);
}

/* What the routers reach may be the writers themselves: before any traffic they cannot be reached yet. */
static void the_routers_are_adopted_before_the_writers_can_be_reached(void **state)
{
    (void)state;
    assert_params(TRAFFIC("[100]") MOVES, 4,
                  "{'kind':'reach','name':'routers reach dc2','params':{'adoptOnly':true}}");
    assert_params(TRAFFIC("[100]") MOVES, 9,
                  "{'kind':'reach','name':'routers reach the writers in dc2','params':{'again':"
                  "true}}");
    assert_params(TRAFFIC("[100]") MOVES, 5,
                  "{'kind':'volume.sync','name':'a pass just before the freeze','params':{"
                  "'refresh':true}}");
    assert_params(TRAFFIC("[5, 100]") "    writers: {mode: single, switch: weight=100}\n" MOVES, 4,
                  "{'kind':'reach','name':'routers reach dc2','params':{}}");
}

static void every_kind_is_in_the_table(void **state)
{
    (void)state;
    struct world *w = world_new(TRAFFIC("[100]") MOVES);
    cf_autojson json_t *steps = cf_compile(w->plan);
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step)
        assert_non_null(cf_step_kind_find(cf_json_str(step, "", "kind", NULL)));
    assert_null(cf_step_kind_find("vm.migrate"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_in_every_situation),
        cmocka_unit_test(an_expectation_that_no_longer_holds_refuses),
        cmocka_unit_test(a_plan_becomes_steps),
        cmocka_unit_test(the_writers_switch_has_its_place),
        cmocka_unit_test(the_routers_are_adopted_before_the_writers_can_be_reached),
        cmocka_unit_test(every_kind_is_in_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
