/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what a run does with data that has one writer: when it freezes, what it does when the freeze goes wrong, and how it
 * goes back from where the writers are. */
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN DATA_PLAN AUTO DATA_VOLUMES("")

static int64_t final_pass(struct data *d)
{
    return cf_json_int(step_at(d->w, "volume.final_sync", 0), -1, "observation", "pass", NULL);
}

/* The Backup from which the target's claim was restored. */
static char *restored_from(struct data *d)
{
    cf_autojson json_t *claim =
        cf_fake_kube_peek(d->w->dc2, "v1", "PersistentVolumeClaim", "web", "data");
    cf_autojson json_t *restore = cf_fake_kube_peek(d->w->dc2, CF_VELERO_V1, "Restore", "velero",
                                                    label_of(claim, CF_VELERO_RESTORE_NAME));
    return cf_xstrdup(cf_json_str(restore, "", "spec", "backupName", NULL));
}

static void scale_source(struct data *d, int n)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    cf_autojson json_t *patch = json_pack("{s:{s:i}}", "spec", "replicas", n);
    assert_ok(cf_kube_merge_patch(d->velero.east.kube, NULL, &ref, patch, NULL, NULL, &err), &err);
}

static void node_is(struct data *d, const char *ready)
{
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n1'},'status':{'conditions':[{"
        "'type':'Ready','status':'%s'}]}}",
        ready);
    put_text(d->w->dc1, text);
}

/* ---- forward ---- */

static void the_writers_move_once_the_data_is_there(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "writers.switch", 0, "done");
    assert_int_equal(replicas(d->w->dc1), 0);
    assert_int_equal(replicas(d->w->dc2), 1);
    assert_int_equal(d->w->gate_resets > 0, 1);
    const json_t *freeze =
        cf_json_at(step_at(d->w, "volume.sync", 0), "observation", "freeze", NULL);
    assert_true(cf_json_int(freeze, 0, "ms", NULL) > 0);
    data_until(d, "completed", 300);
    assert_int_equal(weight_now(d->w), 100);
    assert_int_equal(event_at(d, "run.traffic.home", NULL), -1);
    data_free(d);
}

static void no_freeze_while_a_writers_node_is_silent(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    node_is(d, "Unknown");
    data_until(d, "data", 100);
    assert_non_null(strstr(hold_message(d->w), "node n1 of dc1 is not Ready"));
    for (int i = 0; i < 5; i++)
        data_pass(d);
    assert_int_equal(replicas(d->w->dc1), 1);
    assert_string_equal(step_state(d->w, "quiesce", 0), "planned");
    node_is(d, "True");
    data_until(d, "completed", 300);
    data_free(d);
}

static void no_freeze_that_would_be_too_long_unless_a_person_says_so(void **state)
{
    (void)state;
    struct data *d =
        data_new(DATA_PLAN AUTO DATA_VOLUMES(", maxPause: 5s, onExceeded: continue") DISCARD);
    data_until(d, "pause-too-long", 100);
    assert_non_null(strstr(hold_message(d->w), "longer than maxPause 5s; nothing is frozen"));
    for (int i = 0; i < 5; i++)
        data_pass(d);
    assert_int_equal(replicas(d->w->dc1), 1);
    /* What else stands in the way does not use the wish up. */
    node_is(d, "False");
    int64_t id = act(d->w, "advance");
    data_until(d, "data", 20);
    assert_non_null(strstr(answer_to(d->w, id), "done: goes on without waiting"));
    assert_int_equal(replicas(d->w->dc1), 1);
    node_is(d, "True");
    data_until(d, "completed", 300);
    assert_true(count_events(d->w, "freeze.exceeded") <= 1);
    data_free(d);
}

/* ---- void passes ---- */

/* A pod without a workload writes while the pass reads, and is gone when it is looked for again. */
static void a_pod_in_the_freeze_makes_the_pass_void(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "volume.final_sync", 0, "applied");
    int64_t first = cf_json_int(step_at(d->w, "volume.final_sync", 0), 0, "intent", "pass", NULL);
    add_pod(&d->velero.east, "web", "intruder", "data", "n1", "Running");
    data_until(d, "data", 50);
    assert_non_null(strstr(hold_message(d->w), "pod intruder of dc1 mounts a claim in the freeze"));
    cf_fake_kube_remove(d->w->dc1, "v1", "Pod", "web", "intruder");
    data_until_step(d, "volume.final_sync", 0, "done");
    assert_int_equal(final_pass(d), first + 1);
    char name[CF_VELERO_NAME_MAX];
    cf_autofree char *from = restored_from(d);
    assert_string_equal(from, cf_velero_backup_name(&d->velero.v, (int)first + 1, 1, name));
    data_until(d, "completed", 300);
    data_free(d);
}

static void a_start_in_the_freeze_makes_the_pass_void(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "volume.final_sync", 0, "applied");
    int64_t first = cf_json_int(step_at(d->w, "volume.final_sync", 0), 0, "intent", "pass", NULL);
    scale_source(d, 2);
    scale_source(d, 0);
    data_until_step(d, "volume.final_sync", 0, "done");
    assert_int_equal(final_pass(d), first + 1);
    data_until(d, "completed", 300);
    data_free(d);
}

#define REPLICATED                                                                                    \
    DATA_PLAN AUTO DATA_VOLUMES(                                                                      \
        "") "    claims: [{name: replica, strategy: external, until: {kind: ConfigMap, name: state, " \
            "pointer: /data/lag, equals: \"0\"}}]\n" DISCARD

static void say_replicated(struct data *d, const char *lag)
{
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'state','namespace':'web'},"
        "'data':{%s}}",
        lag);
    put_text(d->w->dc2, text);
}

/* Somebody starts the source's writers once its last pass was read, up to the very switch: what they
 * wrote comes with another pass, and the claims of the void one do not stand in its way. */
static const struct {
    int part; /* of the last pass, that has been reached: 3 is its restore, 5 its end */
    bool pod; /* that is there no more when the pass is made again */
} late[] = { { 1, false }, { 3, false }, { 5, false }, { 5, true } };

static void a_start_after_the_pass_makes_it_void_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(late); i++) {
        struct data *d = data_new(REPLICATED);
        data_until_step(d, "volume.final_sync", 0, "applied");
        int64_t first =
            cf_json_int(step_at(d->w, "volume.final_sync", 0), 0, "intent", "pass", NULL);
        for (int k = 0; k < 100 && cf_json_int(step_at(d->w, "volume.final_sync", 0), 0,
                                               "observation", "part", NULL) < late[i].part;
             k++)
            data_pass(d);
        if (late[i].pod)
            add_pod(&d->velero.east, "web", "intruder", "data", "n1", "Running");
        else
            scale_source(d, 2);
        say_replicated(d, "'lag':'0'");
        for (int k = 0; k < 100 && count_events(d->w, "pass.void") == 0; k++)
            data_pass(d);
        assert_int_equal(replicas(d->w->dc2), 0);
        if (late[i].pod)
            cf_fake_kube_remove(d->w->dc1, "v1", "Pod", "web", "intruder");
        data_until_step(d, "writers.switch", 0, "done");
        assert_int_equal(final_pass(d), first + 1);
        char name[CF_VELERO_NAME_MAX];
        cf_autofree char *from = restored_from(d);
        assert_string_equal(from, cf_velero_backup_name(&d->velero.v, (int)first + 1, 1, name));
        assert_int_equal(count_events(d->w, "pass.void"), 1);
        data_until(d, "completed", 300);
        data_free(d);
    }
}

/* Who starts them again and again is a person's to find. */
static void passes_are_not_made_again_for_ever(void **state)
{
    (void)state;
    struct data *d = data_new(DATA_PLAN AUTO DATA_VOLUMES(", maxPause: 1d") DISCARD);
    data_until_step(d, "volume.final_sync", 0, "applied");
    for (int i = 0; i < 300 && strcmp(hold_of(d->w), "step-failed") != 0; i++) {
        data_pass(d);
        scale_source(d, 2);
        scale_source(d, 0);
    }
    assert_non_null(strstr(hold_message(d->w), "4 passes of the freeze counted for nothing; the "
                                               "last: a stopped workload of dc1 was changed"));
    assert_int_equal(replicas(d->w->dc2), 0);
    for (int i = 0; i < 5; i++)
        data_pass(d);
    assert_string_equal(step_state(d->w, "volume.final_sync", 0), "failed");
    act(d->w, "resume");
    data_until(d, "completed", 300);
    data_free(d);
}

/* ---- a freeze that goes wrong ---- */

static void a_last_pass_that_fails_does_not_leave_the_source_frozen(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "quiesce", 0, "done");
    d->velero.backup_fault = FAILS_A_VOLUME;
    d->velero.fault_times = 99;
    data_until(d, "rolled-back", 300); /* maxPause ends it */
    assert_home(d, "the pass failed");
    data_free(d);
}

static void a_pause_does_not_stop_the_clock_of_the_freeze(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "quiesce", 0, "done");
    act(d->w, "pause");
    data_until(d, "rolled-back", 300);
    assert_home(d, "paused");
    data_free(d);
}

static void a_freeze_beyond_its_bound_may_go_on_and_says_so(void **state)
{
    (void)state;
    struct data *d = data_new(DATA_PLAN AUTO DATA_VOLUMES(", onExceeded: continue") DISCARD);
    data_until_step(d, "volume.final_sync", 0, "applied");
    d->w->now += 3600 * 1000;
    data_until(d, "completed", 300);
    assert_int_equal(count_events(d->w, "freeze.exceeded"), 1);
    data_free(d);
}

static void what_is_replicated_elsewhere_is_waited_for(void **state)
{
    (void)state;
    struct data *d = data_new(REPLICATED);
    data_until_step(d, "volume.final_sync", 0, "applied");
    for (int i = 0; i < 30; i++)
        data_pass(d);
    const json_t *step = step_at(d->w, "volume.final_sync", 0);
    assert_string_equal(
        cf_json_str(step, "", "message", NULL),
        "claim replica: ConfigMap state of dc2 has nothing at /data/lag, not yet 0");
    say_replicated(d, "'x':'1'");
    for (int i = 0; i < 3; i++)
        data_pass(d);
    assert_string_equal(step_state(d->w, "volume.final_sync", 0), "applied");
    say_replicated(d, "'lag':'0'");
    data_until(d, "completed", 300);
    data_free(d);
}

/* ---- passes in between ---- */

static void a_pass_that_failed_is_followed_by_another_one(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    d->velero.backup_fault = FAILS_A_VOLUME;
    d->velero.fault_times = CF_VELERO_ATTEMPTS;
    data_until(d, "step-failed", 200);
    assert_int_equal(d->velero.fault_times, 0);
    act(d->w, "resume");
    data_until(d, "completed", 300);
    data_free(d);
}

/* The cause is mended within maxPause: the freeze need not be given up. */
static void what_failed_three_times_goes_on_when_a_person_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *step, *step_is;
        bool restore;
    } places[] = {
        { "volume.sync", "applied", true }, /* the rehearsal */
        { "quiesce", "done", false },
        { "quiesce", "done", true },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
        struct data *d = data_new(PLAN DISCARD);
        data_until_step(d, places[i].step, 0, places[i].step_is);
        *(places[i].restore ? &d->velero.restore_fault : &d->velero.backup_fault) = FAILS_A_VOLUME;
        d->velero.fault_times = CF_VELERO_ATTEMPTS;
        data_until(d, "step-failed", 200);
        assert_int_equal(d->velero.fault_times, 0);
        act(d->w, "resume");
        data_until(d, "completed", 300);
        data_free(d);
    }
}

/* ---- back ---- */

static const struct {
    const char *step, *step_is, *word;
} backs[] = {
    { "quiesce", "intent", NULL },
    { "quiesce", "applied", NULL },
    { "quiesce", "done", NULL },
    { "volume.final_sync", "applied", NULL },
    { "volume.final_sync", "done", "discard" },
    { "writers.switch", "applied", "discard" },
    { "writers.switch", "done", "discard" },
    { "traffic.shift", "done", "discard" },
    { "traffic.soak", "applied", "discard" },
};

static void the_source_runs_before_the_traffic_comes_home(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(backs); i++) {
        struct data *d = data_new(PLAN DISCARD);
        for (int k = 0;
             k < 300 && strcmp(step_state(d->w, backs[i].step, 0), backs[i].step_is) != 0 &&
             strcmp(step_state(d->w, backs[i].step, 0), "done") != 0;
             k++)
            data_pass(d);
        roll_back(d, backs[i].word);
        data_until(d, "rolled-back", 200);
        assert_home(d, backs[i].step);
        int thawed = event_at(d, "step.undone", "quiesce");
        int home = event_at(d, "run.traffic.home", NULL);
        if (thawed < 0 || home < thawed) {
            dump_run(d->w);
            fail_msg("%s %s: thawed at %d, home at %d", backs[i].step, backs[i].step_is, thawed,
                     home);
        }
        data_free(d);
    }
}

static void a_hold_of_the_way_back_does_not_say_that_the_traffic_is_home(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "traffic.soak", 0, "applied");
    roll_back(d, "discard");
    for (int i = 0; i < 100 && strcmp(state_of(d->w), "rolled-back") != 0; i++) {
        data_pass(d);
        bool says = strstr(hold_message(d->w), "traffic is home") ||
                    event_at(d, "run.traffic.home", NULL) >= 0;
        if (says && weight_now(d->w) == 100)
            fail_msg("it is not: %s", hold_message(d->w));
    }
    assert_home(d, "rolled back");
    data_free(d);
}

/* Somebody turns the traffic by hand: the way back mends it. */
static void a_drift_does_not_keep_it_from_going_back(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "traffic.soak", 0, "applied");
    edit_weights(d->w, 40, 60);
    data_until(d, "drift", 50);
    roll_back(d, "discard");
    data_until(d, "rolled-back", 100);
    assert_home(d, "drifted");
    data_free(d);
}

static void the_words_are_asked_for_once_the_target_may_have_written(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "traffic.soak", 0, "applied");
    int64_t plain = roll_back(d, NULL);
    data_pass(d);
    assert_non_null(strstr(answer_to(d->w, plain), "refused: the target's writers have started"));
    assert_string_equal(state_of(d->w), "active");
    int64_t agreed = roll_back(d, "discard");
    data_until(d, "rolled-back", 100);
    assert_string_equal(answer_to(d->w, agreed), "done: rolling back");
    data_free(d);
}

static void a_breach_after_the_switch(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "traffic.soak", 0, "applied");
    d->w->verdict = CF_VERDICT_BREACH;
    data_until(d, "data-loss", 20);
    assert_non_null(strstr(hold_message(d->w), "going back would lose what was written in dc2"));
    for (int i = 0; i < 20; i++)
        data_pass(d);
    assert_string_equal(state_of(d->w), "active");
    assert_int_equal(weight_now(d->w), 100);
    int resets = d->w->gate_resets;
    act(d->w, "resume"); /* a person wants to stay */
    data_pass(d);
    assert_int_equal(d->w->gate_resets, resets + 1);
    roll_back(d, "discard");
    data_until(d, "rolled-back", 100);
    data_free(d);
    /* Where the plan brings the data back, it goes back by itself. */
    d = data_new(PLAN REVERSE);
    data_until_step(d, "traffic.soak", 0, "applied");
    d->w->verdict = CF_VERDICT_BREACH;
    data_until(d, "rolling-back", 20);
    assert_string_equal(cf_json_str(d->w->row, "", "memo", "rollback", "cause", NULL), "gate");
    /* Nobody moves the passes back here: the target serves on, and a person gives its data up. */
    for (int i = 0; i < 20; i++)
        data_pass(d);
    assert_string_equal(state_of(d->w), "rolling-back");
    assert_int_equal(replicas(d->w->dc1), 0);
    assert_int_equal(replicas(d->w->dc2), 1);
    int64_t id = roll_back(d, "discard");
    data_until(d, "rolled-back", 300);
    assert_string_equal(answer_to(d->w, id), "done: goes back without what the target has written");
    assert_home(d, "given up");
    data_free(d);
}

/* A person who says so at once need not say it twice. */
static void given_up_at_once_where_the_plan_would_bring_it_back(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN REVERSE);
    data_until_step(d, "traffic.soak", 0, "applied");
    roll_back(d, "discard");
    data_until(d, "rolled-back", 100);
    assert_home(d, "given up at once");
    assert_int_equal(count(&d->velero, &d->velero.west, CF_VELERO_V1, "Backup", "velero"), 0);
    data_free(d);
}

/* Somebody's hand may win the race for a router; whoever takes the run over asks what it would cost. */
static void a_new_owner_that_finds_it_sent_back_asks_too(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "traffic.soak", 0, "applied");
    cf_autojson json_t *vs = router_now(d->w);
    cf_json_put_take(vs, json_string("by hand"), "metadata", "annotations",
                     "crossfade.dev/emergency", NULL);
    cf_fake_kube_put_json(d->w->dc1, vs);
    revive(d->w); /* another epoch: it touches the routers first */
    data_until(d, "data-loss", 20);
    for (int i = 0; i < 10; i++)
        data_pass(d);
    assert_string_equal(state_of(d->w), "active");
    assert_int_equal(replicas(d->w->dc2), 1);
    roll_back(d, "discard");
    data_until(d, "rolled-back", 100);
    data_free(d);
}

static void the_deadline_after_the_switch(void **state)
{
    (void)state;
    struct data *d = data_new(DATA_PLAN "    deadline: 1h\n" DATA_VOLUMES("") DISCARD);
    data_until_step(d, "traffic.soak", 0, "applied");
    d->w->now += 2 * 3600 * 1000;
    data_until(d, "deadline", 20);
    for (int i = 0; i < 10; i++)
        data_pass(d);
    assert_string_equal(state_of(d->w), "active");
    data_free(d);
    d = data_new(DATA_PLAN "    deadline: 1h\n" DATA_VOLUMES("") DISCARD);
    data_until_step(d, "quiesce", 0, "done");
    d->w->now += 2 * 3600 * 1000;
    data_until(d, "rolled-back", 100);
    assert_home(d, "deadline");
    data_free(d);
}

/* ---- where the writers are ---- */

static const struct {
    const char *quiesce, *is_switch;
    bool again; /* they were begun before */
    enum cf_writers_at at;
} places[] = {
    { "planned", "planned", false, CF_WRITERS_AT_SOURCE },
    { "planned", "planned", true, CF_WRITERS_AT_TARGET },
    { "intent", "planned", false, CF_WRITERS_NOWHERE },
    { "applied", "planned", false, CF_WRITERS_NOWHERE },
    { "done", "planned", false, CF_WRITERS_NOWHERE },
    { "done", "planned", true, CF_WRITERS_AT_TARGET },
    { "done", "intent", true, CF_WRITERS_AT_TARGET },
    { "done", "applied", true, CF_WRITERS_AT_TARGET },
    { "done", "failed", true, CF_WRITERS_AT_TARGET },
    { "done", "done", true, CF_WRITERS_AT_TARGET },
    { "done", "undoing", true, CF_WRITERS_AT_TARGET },
    { "done", "undone", true, CF_WRITERS_NOWHERE },
    { "failed", "planned", false, CF_WRITERS_NOWHERE },
    { "undoing", "undone", true, CF_WRITERS_NOWHERE },
    { "undone", "undone", true, CF_WRITERS_AT_SOURCE },
};

static void the_writers_are_where_what_is_durable_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
        struct cf_step steps[] = { { .kind = "quiesce" }, { .kind = "writers.switch" } };
        struct cf_live run = { .steps = steps, .n_steps = 2 };
        assert_true(cf_step_state_parse(places[i].quiesce, &steps[0].state));
        assert_true(cf_step_state_parse(places[i].is_switch, &steps[1].state));
        steps[1].attempt = places[i].again;
        steps[1].intent = places[i].again ? json_object() : NULL;
        if (cf_moves_writers(&run) != places[i].at)
            fail_msg("quiesce %s, writers.switch %s%s: %d", places[i].quiesce, places[i].is_switch,
                     places[i].again ? " again" : "", cf_moves_writers(&run));
        json_decref(steps[1].intent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writers_move_once_the_data_is_there),
        cmocka_unit_test(no_freeze_while_a_writers_node_is_silent),
        cmocka_unit_test(no_freeze_that_would_be_too_long_unless_a_person_says_so),
        cmocka_unit_test(a_pod_in_the_freeze_makes_the_pass_void),
        cmocka_unit_test(a_start_in_the_freeze_makes_the_pass_void),
        cmocka_unit_test(a_start_after_the_pass_makes_it_void_too),
        cmocka_unit_test(passes_are_not_made_again_for_ever),
        cmocka_unit_test(a_last_pass_that_fails_does_not_leave_the_source_frozen),
        cmocka_unit_test(a_pause_does_not_stop_the_clock_of_the_freeze),
        cmocka_unit_test(a_freeze_beyond_its_bound_may_go_on_and_says_so),
        cmocka_unit_test(a_pass_that_failed_is_followed_by_another_one),
        cmocka_unit_test(what_failed_three_times_goes_on_when_a_person_says_so),
        cmocka_unit_test(the_source_runs_before_the_traffic_comes_home),
        cmocka_unit_test(a_hold_of_the_way_back_does_not_say_that_the_traffic_is_home),
        cmocka_unit_test(a_drift_does_not_keep_it_from_going_back),
        cmocka_unit_test(the_words_are_asked_for_once_the_target_may_have_written),
        cmocka_unit_test(a_breach_after_the_switch),
        cmocka_unit_test(given_up_at_once_where_the_plan_would_bring_it_back),
        cmocka_unit_test(a_new_owner_that_finds_it_sent_back_asks_too),
        cmocka_unit_test(the_deadline_after_the_switch),
        cmocka_unit_test(the_writers_are_where_what_is_durable_says),
        cmocka_unit_test(what_is_replicated_elsewhere_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
