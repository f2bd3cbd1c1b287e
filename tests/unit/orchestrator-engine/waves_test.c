/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what a run does whose plan has waves of workloads: it waits for a wave as long as the plan
 * says and names what is not ready, then holds; it goes on by itself; what cannot become ready
 * stops it; and what could never be waited for is told before anything is written. */
#include "tests/unit/orchestrator-engine/life.h"

#define WAVES(start)                                                                               \
    PLAN_TEXT                                                                                      \
    "  copy: {timeout: 1m}\n"                                                                      \
    "  workloads: {include: [{kind: Deployment, name: echo, after: [Deployment/db]}, "             \
    "{kind: Deployment, name: db, start: " start "}]}\n"

static struct world *world_with_db(const char *plan)
{
    struct world *w = world_new(plan);
    put_text(w->dc1,
             "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'db','namespace':"
             "'web','generation':1},'spec':{'replicas':1,'selector':{'matchLabels':{'app':'db'}},"
             "'template':{'metadata':{'labels':{'app':'db'}},'spec':{'containers':[]}}},'status':{"
             "'observedGeneration':1,'replicas':1,'updatedReplicas':1,'readyReplicas':1,"
             "'availableReplicas':1}}");
    return w;
}

static void set_db(struct world *w, const char *status)
{
    cf_autojson json_t *db = peek(w->dc2, "apps/v1", "Deployment", "db");
    assert_non_null(db);
    json_t *value = cf_test_json(status);
    json_object_set_new(value, "observedGeneration",
                        json_integer(cf_json_int(db, 1, "metadata", "generation", NULL)));
    json_object_set_new(db, "status", value);
    cf_fake_kube_put_json(w->dc2, db);
}

static const char *said(const struct world *w)
{
    return cf_json_str(step_at(w, "propagate", 0), "", "message", NULL);
}

static void a_wave_that_does_not_begin_holds_when_its_time_is_over(void **state)
{
    (void)state;
    struct world *w = world_with_db(WAVES("now"));
    run_until_step(w, "propagate", 0, "intent");
    int64_t begun = w->now;
    for (int i = 0; i < 10; i++)
        world_pass(w);
    assert_string_equal(hold_of(w), "");
    assert_string_equal(said(w), "wave 2 of 2 waits for Deployment db: the controller has not seen "
                                 "it yet");
    assert_int_equal(replicas(w->dc2), -1);
    run_until(w, "not-ready", 100);
    assert_in_range(w->now - begun, 45000, 75000);
    assert_non_null(strstr(hold_message(w), "wave 2 of 2 waits for Deployment db: "));
    assert_int_equal(replicas(w->dc2), -1);
    set_db(w, "{'replicas':1,'updatedReplicas':1,'readyReplicas':1,'availableReplicas':1}");
    run_until(w, "commit", 200);
    assert_int_equal(replicas(w->dc2), 3);
    world_free(w);
}

static void what_cannot_become_ready_stops_it(void **state)
{
    (void)state;
    struct world *w = world_with_db(WAVES("now"));
    run_until_step(w, "propagate", 0, "intent");
    for (int i = 0; i < 5; i++)
        world_pass(w);
    set_db(w, "{'conditions':[{'type':'Progressing','status':'False','reason':'Deadline'}]}");
    run_until(w, "step-failed", 50);
    assert_non_null(strstr(hold_message(w), "wave 2 of 2 waits for Deployment db: Deadline"));
    assert_int_equal(replicas(w->dc2), -1);
    act(w, "rollback");
    run_until(w, "rolled-back", 100);
    cf_autojson json_t *db = peek(w->dc2, "apps/v1", "Deployment", "db");
    assert_null(db);
    world_free(w);
}

static void what_starts_at_the_switch_is_refused_by_preflight(void **state)
{
    (void)state;
    struct world *w = world_with_db(WAVES("auto"));
    run_until(w, "preflight", 50);
    assert_non_null(
        strstr(hold_message(w), "nothing can wait for Deployment/db before the switch"));
    cf_autojson json_t *db = peek(w->dc2, "apps/v1", "Deployment", "db");
    assert_null(db);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wave_that_does_not_begin_holds_when_its_time_is_over),
        cmocka_unit_test(what_cannot_become_ready_stops_it),
        cmocka_unit_test(what_starts_at_the_switch_is_refused_by_preflight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
