/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what a run does from beginning to end, against API servers in memory: the order of things,
 * what stops it, what people can ask, and how it goes back. */
#include "tests/unit/orchestrator-engine/life.h"

/* ---- forward ---- */

static void a_healthy_run_completes(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until(w, "completed", 200);
    assert_int_equal(weight_now(w), 100);
    assert_int_equal(replicas(w->dc1), 0);
    assert_int_equal(replicas(w->dc2), 3);
    assert_int_equal(floor_of(w->dc1), 1);
    assert_int_equal(w->fired, 0);
    assert_int_equal(count_events(w, "run.weight.changed"), 3);
    cf_autojson json_t *copy = peek(w->dc2, "apps/v1", "Deployment", "echo");
    assert_null(cf_json_at(copy, "metadata", "labels", "crossfade.dev/run", NULL));
    cf_autojson json_t *vs = router_now(w);
    cf_autofree char *text = cf_json_dump(json_object_get(vs, "metadata"));
    assert_null(strstr(text, "crossfade.dev"));
    assert_non_null(
        strstr(cf_json_str(step_at(w, "cleanup", 0), "", "message", NULL), "echo-crossfade"));
    world_free(w);
}

static void commit_waits_for_a_person(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT);
    run_until(w, "commit", 200);
    assert_int_equal(weight_now(w), 100);
    assert_int_equal(replicas(w->dc1), 3);
    assert_int_equal(floor_of(w->dc1), 3);
    int64_t id = act(w, "commit");
    run_until(w, "completed", 100);
    assert_string_equal(answer_to(w, id), "done: committing");
    assert_int_equal(replicas(w->dc1), 0);
    world_free(w);
}

static void a_weight_rises_only_when_its_time_is_over_and_its_gates_pass(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.shift", 0, "done");
    int64_t begun = w->now;
    w->verdict = CF_VERDICT_UNDECIDED;
    run_until(w, "undecided", 50);
    assert_true(w->now - begun >= 10000);
    assert_int_equal(weight_now(w), 5);
    assert_non_null(strstr(hold_message(w), "42 requests are missing"));
    w->verdict = CF_VERDICT_NO_DATA;
    run_until(w, "no-data", 5);
    assert_int_equal(weight_now(w), 5);
    w->verdict = CF_VERDICT_PASS;
    run_until(w, "completed", 200);
    world_free(w);
}

static void a_probe_that_fails_stops_it(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->probe_fails = true;
    run_until(w, "probe-failed", 100);
    assert_int_equal(weight_now(w), 0);
    w->probe_fails = false;
    run_until(w, "completed", 200);
    world_free(w);
}

/* ---- people ---- */

static void a_pause_keeps_the_weight(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    act(w, "pause");
    run_until(w, "paused", 3);
    for (int i = 0; i < 20; i++)
        world_pass(w);
    assert_int_equal(weight_now(w), 5);
    act(w, "resume");
    run_until(w, "completed", 200);
    world_free(w);
}

static void a_freeze_stops_forward_moves_but_not_a_rollback(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    w->frozen = true;
    run_until(w, "frozen", 5);
    for (int i = 0; i < 20; i++)
        world_pass(w);
    assert_int_equal(weight_now(w), 5);
    act(w, "rollback");
    run_until(w, "rolled-back", 50);
    assert_router_as_before(w);
    world_free(w);
}

static void advance_cuts_the_waiting_short(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    w->verdict = CF_VERDICT_UNDECIDED;
    act(w, "advance");
    run_until_step(w, "traffic.shift", 1, "done");
    assert_int_equal(weight_now(w), 50);
    run_until(w, "undecided", 50);
    assert_int_equal(weight_now(w), 50);
    world_free(w);
}

static void commit_too_early_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT);
    run_until_step(w, "traffic.soak", 0, "applied");
    int64_t id = act(w, "commit");
    world_pass(w);
    assert_non_null(strstr(answer_to(w, id), "refused: too early"));
    world_free(w);
}

static void rollback_after_commit_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->source_known = true;
    w->source_rps = 3;
    run_until_step(w, "commit", 0, "done");
    int64_t id = act(w, "rollback");
    world_pass(w);
    assert_non_null(strstr(answer_to(w, id), "refused: the run is committed"));
    assert_int_equal(replicas(w->dc1), 3);
    run_until(w, "source-busy", 200);
    assert_int_equal(replicas(w->dc1), 3);
    w->source_rps = 0;
    run_until(w, "completed", 50);
    world_free(w);
}

static void rollback_before_anything_was_written_cancels(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT);
    act(w, "rollback");
    run_until(w, "canceled", 3);
    assert_int_equal(replicas(w->dc2), -1);
    assert_router_as_before(w);
    world_free(w);
}

/* ---- back ---- */

static void an_alarm_sends_the_traffic_back_before_anything_is_undone(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    struct cf_lane_view view;
    run_until_step(w, "traffic.soak", 1, "applied");
    assert_int_equal(weight_now(w), 50);
    lane_fire(w, RUN_ID, "gate", "success: broken", 0, &view);
    assert_int_equal(view.state, CF_LANE_HOME);
    assert_int_equal(weight_now(w), 0);
    world_pass(w);
    assert_string_equal(state_of(w), "rolling-back");
    assert_int_equal(replicas(w->dc2), 3);
    run_until(w, "rolled-back", 50);
    assert_router_as_before(w);
    assert_int_equal(replicas(w->dc2), -1);
    assert_null(peek(w->dc1, "v1", "Service", "echo-crossfade"));
    assert_int_equal(floor_of(w->dc1), 1);
    assert_int_equal(replicas(w->dc1), 3);
    assert_string_equal(cf_json_str(w->row, "", "memo", "rollback", "cause", NULL), "gate");
    world_free(w);
}

static void a_rollback_goes_on_while_the_target_is_away(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 1, "applied");
    struct cf_fake_fault away = { .times = 20, .kind = CF_ERR_UNAVAILABLE };
    cf_fake_kube_fail(w->dc2, &away);
    act(w, "rollback");
    world_pass(w);
    assert_int_equal(weight_now(w), 0);
    run_until(w, "cluster-unreachable", 10);
    assert_string_equal(state_of(w), "rolling-back");
    run_until(w, "rolled-back", 100);
    assert_int_equal(replicas(w->dc2), -1);
    world_free(w);
}

static void the_deadline_sends_it_back_and_a_pause_stops_its_clock(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT "    deadline: 5m\n");
    run_until_step(w, "traffic.soak", 0, "applied");
    act(w, "pause");
    run_until(w, "paused", 3);
    w->now += 3600 * 1000;
    world_pass(w);
    assert_string_equal(state_of(w), "active");
    act(w, "resume");
    run_until(w, "commit", 100);
    w->now += 400 * 1000;
    run_until(w, "rolled-back", 50);
    assert_string_equal(cf_json_str(w->row, "", "memo", "rollback", "cause", NULL), "deadline");
    assert_router_as_before(w);
    world_free(w);
}

static void nothing_raises_after_a_rollback(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    w->lane_stuck = true;
    act(w, "rollback");
    for (int i = 0; i < 10; i++)
        world_pass(w);
    assert_string_equal(state_of(w), "rolling-back");
    assert_int_equal(weight_now(w), 5);
    int64_t resume = act(w, "resume"), advance = act(w, "advance");
    world_pass(w);
    assert_non_null(strstr(answer_to(w, resume), "done"));
    assert_non_null(strstr(answer_to(w, advance), "refused"));
    w->lane_stuck = false;
    run_until(w, "rolled-back", 50);
    assert_int_equal(count_events(w, "run.weight.changed"), 1);
    world_free(w);
}

static void going_back_to_nothing_holds(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    cf_autojson json_t *d = peek(w->dc1, "apps/v1", "Deployment", "echo");
    json_object_set_new(json_object_get(d, "spec"), "replicas", json_integer(0));
    cf_fake_kube_put_json(w->dc1, d);
    controllers(w);
    run_until(w, "no-way-back", 20);
    assert_true(w->lane_blocked);
    assert_int_equal(weight_now(w), 5);
    world_free(w);
}

/* ---- the world changes ---- */

static void a_foreign_edit_holds_and_names_who(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    edit_weights(w, 30, 70);
    run_until(w, "drift", 20);
    assert_non_null(strstr(hold_message(w), "kubectl-edit"));
    assert_int_equal(weight_now(w), 70);
    act(w, "resume");
    run_until(w, "completed", 200);
    world_free(w);
}

static void a_foreign_edit_is_written_over_where_the_plan_says_so(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT "    onDrift: restore\n" AUTO);
    run_until_step(w, "traffic.soak", 1, "applied");
    edit_weights(w, 10, 90);
    run_until(w, "completed", 200);
    cf_autofree char *events = json_dumps(w->events, 0);
    assert_non_null(strstr(events, "kubectl-edit"));
    assert_non_null(strstr(events, "writing ours again"));
    world_free(w);
}

static void a_foreign_edit_rolls_back_where_the_plan_says_so(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT "    onDrift: rollback\n" AUTO);
    run_until_step(w, "traffic.soak", 1, "applied");
    edit_weights(w, 10, 90);
    run_until(w, "rolled-back", 100);
    assert_router_as_before(w);
    world_free(w);
}

static void a_deploy_in_the_source_holds_and_resume_copies_it(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    deploy(w, "echo:2");
    run_until(w, "source-changed", 50);
    assert_non_null(strstr(hold_message(w), "echo:2"));
    assert_int_equal(weight_now(w), 5);
    act(w, "resume");
    run_until(w, "completed", 200);
    cf_autojson json_t *copy = peek(w->dc2, "apps/v1", "Deployment", "echo");
    assert_string_equal(
        cf_json_str(cf_json_pointer(copy, "/spec/template/spec/containers/0"), "", "image", NULL),
        "echo:2");
    world_free(w);
}

static void a_larger_epoch_fences_the_old_owner(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    struct cf_fence old = w->fence;
    revive(w);
    world_pass(w);
    assert_int_equal(count_events(w, "router.touched"), 1);
    struct cf_pass_result result;
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_reconcile(&w->ports, &old, RUN_ID, &result, &err), &err);
    assert_int_equal(result.end, CF_PASS_FENCED);
    run_until(w, "completed", 200);
    world_free(w);
}

#define OTHER_RUN "0192f000-0000-7000-8000-0000000000ff"

/* As if that run steered our router. */
static void mark_run(struct world *w, const char *run)
{
    cf_autojson json_t *vs = router_now(w);
    cf_json_put_take(vs, json_string(run), "metadata", "annotations", "crossfade.dev/run", NULL);
    cf_fake_kube_put_json(w->dc1, vs);
}

static void a_way_back_says_which_run_has_its_router(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "reach", 0, "done");
    mark_run(w, OTHER_RUN);
    act(w, "rollback");
    run_until(w, "conflict", 20);
    assert_non_null(strstr(hold_message(w), OTHER_RUN));
    mark_run(w, RUN_ID);
    run_until(w, "rolled-back", 20);
    assert_router_as_before(w);
    world_free(w);
}

static void a_run_that_has_done_its_work_leaves_a_router_to_another(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "commit", 0, "done");
    mark_run(w, OTHER_RUN);
    run_until(w, "completed", 20);
    assert_int_equal(count_events(w, "router.left"), 1);
    world_free(w);
}

static void an_alarm_fires_while_a_person_has_paused(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    struct cf_lane_view view;
    run_until_step(w, "traffic.soak", 1, "applied");
    act(w, "pause");
    run_until(w, "paused", 3);
    lane_fire(w, RUN_ID, "gate", "success: broken", 0, &view);
    run_until(w, "rolled-back", 50);
    assert_router_as_before(w);
    world_free(w);
}

static void another_runs_marks_hold_and_name_it(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    mark_run(w, OTHER_RUN);
    run_until(w, "conflict", 30);
    assert_non_null(strstr(hold_message(w), OTHER_RUN));
    world_free(w);
}

static void a_foreign_edit_after_commit_never_raises(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->source_known = true;
    w->source_rps = 1;
    run_until_step(w, "commit", 0, "done");
    edit_weights(w, 20, 80);
    act(w, "resume");
    w->source_rps = 0;
    run_until(w, "completed", 100);
    assert_int_equal(weight_now(w), 80);
    world_free(w);
}

/* A database that was restored knows less than the cluster shows: nothing is done until a person has
 * sent the traffic back with the line that the hold prints; from there the run goes home. */
static void a_restored_database_holds_until_the_traffic_is_sent_back(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 1, "applied");
    w->restored = true;
    revive(w);
    run_until(w, "incarnation", 30);
    assert_non_null(strstr(hold_message(w), INCARNATION));
    assert_non_null(strstr(hold_message(w), RESTORED));
    assert_non_null(strstr(cf_hold_rows[CF_HOLD_INCARNATION].call, "kubectl"));
    act(w, "resume");
    for (int i = 0; i < 5; i++)
        world_pass(w);
    assert_string_equal(hold_of(w), "incarnation");
    assert_int_equal(weight_now(w), 50);
    restore_by_hand(w);
    assert_int_equal(weight_now(w), 0);
    for (int i = 0; i < 10; i++)
        world_pass(w);
    assert_string_equal(state_of(w), "rolling-back");
    assert_string_equal(hold_of(w), "incarnation");
    assert_non_null(strstr(hold_message(w), "annotations away"));
    remove_marks(w);
    run_until(w, "rolled-back", 100);
    assert_router_as_before(w);
    assert_int_equal(replicas(w->dc2), -1);
    world_free(w);
}

/* Whoever takes everything of ours off a router and sends its traffic home leaves a run that can still
 * give back the rest. */
static void a_router_stripped_of_our_marks_is_given_back(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 0, "applied");
    edit_weights(w, 100, 0);
    remove_marks(w);
    act(w, "rollback");
    run_until(w, "rolled-back", 100);
    assert_router_as_before(w);
    assert_int_equal(replicas(w->dc2), -1);
    world_free(w);
}

/* ---- what a run says of itself ---- */

static void what_was_measured_belongs_to_its_weight(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->observed = 4;
    run_until_step(w, "traffic.soak", 0, "applied");
    world_pass(w);
    assert_int_equal(observed_of(w), 4);
    w->observed = 0; /* nothing measured yet at the next weight */
    run_until_step(w, "traffic.shift", 1, "done");
    assert_int_equal(observed_of(w), -1);
    w->observed = 51;
    run_until(w, "completed", 200);
    assert_int_equal(observed_of(w), -1);
    world_free(w);
}

static void nothing_is_measured_any_more_after_a_rollback(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->observed = 49;
    run_until_step(w, "traffic.soak", 1, "applied");
    world_pass(w);
    assert_int_equal(observed_of(w), 49);
    act_because(w, "rollback", "errors in EU");
    world_pass(w);
    assert_int_equal(observed_of(w), -1);
    assert_string_equal(message_of(w), "rolling back by ann: errors in EU");
    run_until(w, "rolled-back", 50);
    assert_int_equal(observed_of(w), -1);
    assert_string_equal(message_of(w), "rolled back by ann: errors in EU");
    world_free(w);
}

static void a_run_says_how_it_ended(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until(w, "completed", 200);
    assert_ptr_equal(
        strstr(message_of(w), "completed: the traffic goes to dc2; 1 workload of dc1 "),
        message_of(w));
    assert_non_null(strstr(message_of(w), "echo-crossfade"));
    world_free(w);

    struct cf_lane_view view;
    w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 1, "applied");
    lane_fire(w, RUN_ID, "gate", "success: broken", 0, &view);
    run_until(w, "rolled-back", 50);
    assert_string_equal(message_of(w), "rolled back because of gate: success: broken");
    world_free(w);

    w = world_new(PLAN_TEXT);
    act_because(w, "rollback", "wrong plan");
    run_until(w, "canceled", 3);
    assert_string_equal(message_of(w), "canceled before anything was written by ann: wrong plan");
    assert_null(cf_json_at(w->row, "memo", "rollback", NULL));
    world_free(w);
}

/* Whatever people write ends between two characters, not within one: half a character is no text
 * for a database. */
static void a_long_reason_ends_at_a_whole_character(void **state)
{
    (void)state;
    char reason[3001];
    struct world *w = world_new(PLAN_TEXT AUTO);
    for (size_t i = 0; i < sizeof reason - 1; i += 3)
        memcpy(reason + i, "\xE2\x82\xAC", 3);
    reason[sizeof reason - 1] = '\0';
    run_until_step(w, "traffic.soak", 0, "applied");
    act_because(w, "pause", reason);
    run_until(w, "paused", 3);
    assert_true(strlen(hold_message(w)) > 800);
    act_because(w, "rollback", reason);
    run_until(w, "rolled-back", 50);
    assert_true(strlen(message_of(w)) > 800);
    world_free(w);
}

static void every_hold_says_what_to_do(void **state)
{
    (void)state;
    for (int i = CF_HOLD_NONE + 1; i < CF_HOLD_REASONS; i++) {
        assert_true(cf_hold_rows[i].name[0] && cf_hold_rows[i].call[0]);
        enum cf_hold_reason back;
        assert_true(cf_hold_parse(cf_hold_rows[i].name, &back));
        assert_int_equal(back, i);
        if (cf_hold_rows[i].way == CF_HOLD_BY_PERSON)
            assert_non_null(cf_hold_rows[i].command);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_run_completes),
        cmocka_unit_test(commit_waits_for_a_person),
        cmocka_unit_test(a_weight_rises_only_when_its_time_is_over_and_its_gates_pass),
        cmocka_unit_test(a_probe_that_fails_stops_it),
        cmocka_unit_test(a_pause_keeps_the_weight),
        cmocka_unit_test(a_freeze_stops_forward_moves_but_not_a_rollback),
        cmocka_unit_test(advance_cuts_the_waiting_short),
        cmocka_unit_test(commit_too_early_is_refused),
        cmocka_unit_test(rollback_after_commit_is_refused),
        cmocka_unit_test(rollback_before_anything_was_written_cancels),
        cmocka_unit_test(an_alarm_sends_the_traffic_back_before_anything_is_undone),
        cmocka_unit_test(a_rollback_goes_on_while_the_target_is_away),
        cmocka_unit_test(the_deadline_sends_it_back_and_a_pause_stops_its_clock),
        cmocka_unit_test(nothing_raises_after_a_rollback),
        cmocka_unit_test(going_back_to_nothing_holds),
        cmocka_unit_test(a_foreign_edit_holds_and_names_who),
        cmocka_unit_test(a_foreign_edit_is_written_over_where_the_plan_says_so),
        cmocka_unit_test(a_foreign_edit_rolls_back_where_the_plan_says_so),
        cmocka_unit_test(a_deploy_in_the_source_holds_and_resume_copies_it),
        cmocka_unit_test(a_larger_epoch_fences_the_old_owner),
        cmocka_unit_test(a_way_back_says_which_run_has_its_router),
        cmocka_unit_test(a_run_that_has_done_its_work_leaves_a_router_to_another),
        cmocka_unit_test(an_alarm_fires_while_a_person_has_paused),
        cmocka_unit_test(another_runs_marks_hold_and_name_it),
        cmocka_unit_test(a_foreign_edit_after_commit_never_raises),
        cmocka_unit_test(a_restored_database_holds_until_the_traffic_is_sent_back),
        cmocka_unit_test(a_router_stripped_of_our_marks_is_given_back),
        cmocka_unit_test(what_was_measured_belongs_to_its_weight),
        cmocka_unit_test(nothing_is_measured_any_more_after_a_rollback),
        cmocka_unit_test(a_run_says_how_it_ended),
        cmocka_unit_test(a_long_reason_ends_at_a_whole_character),
        cmocka_unit_test(every_hold_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
