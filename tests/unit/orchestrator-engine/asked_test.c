/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that people may ask at any moment, be it between a write and its record: what the pass did is then there and not
 * recorded, under an epoch that is still ours. Who asks to go back gets exactly what was, or is told that nothing goes back
 * any more; who pauses, or asks for what is under way, changes nothing of how the run ends. */
#include "lb/annotations.h"
#include "tests/support/stride.h"
#include "tests/unit/orchestrator-engine/data.h"

#define DATA DATA_PLAN AUTO DATA_VOLUMES("") DISCARD

enum { PASSES = 400, STRIDE = 89 };

/* As it was before: nothing had been written, or all of it was taken back. */
static bool is_back(const struct world *w)
{
    return reached(w, "rolled-back") || reached(w, "canceled");
}

static bool has_ended(const struct world *w)
{
    return is_back(w) || reached(w, "completed") || reached(w, "failed");
}

static const char *word; /* that is asked */
static int asked_at;     /* the call */

/* As the API has it: of a run that has ended nothing is asked. */
static void ask(struct world *w)
{
    w->beside = NULL;
    if (has_ended(w))
        return;
    act(w, word);
    json_object_set_new(json_array_get(w->actions, json_array_size(w->actions) - 1), "expect",
                        json_pack("{s:s}", "targetData", "discard"));
}

static void at_that_call(struct world *w)
{
    if (w->calls == asked_at)
        ask(w);
}

static void once_a_router_is_disarmed(struct world *w)
{
    struct cf_marks marks;
    cf_autojson json_t *vs = router_now(w);
    cf_marks_read(vs, "", &marks);
    if (marks.present && !*marks.arm)
        ask(w);
}

static bool was_asked(const struct world *w)
{
    return json_array_size(w->actions) + json_object_size(w->answers) > 0;
}

static void fail_asked(const struct world *w, const char *what)
{
    dump_run(w);
    fail_msg("%s asked at call %d, %s: %s, hold %s: %s", word, asked_at, what, state_of(w),
             hold_of(w), hold_message(w));
}

/* Who was told "done" finds the run back. */
static void assert_ended_as_told(const struct world *w)
{
    const char *answer = json_string_value(json_object_iter_value(json_object_iter(w->answers)));
    bool told_back = answer && strncmp(answer, "done", 4) == 0;
    if (reached(w, "failed") || is_back(w) != told_back || (was_asked(w) && !answer))
        fail_asked(w, answer ? answer : "no answer");
}

static void assert_as_before(struct world *w)
{
    assert_router_as_before(w);
    assert_int_equal(replicas(w->dc1), 3);
    assert_int_equal(replicas(w->dc2), -1);
    assert_int_equal(floor_of(w->dc1), 1);
}

/* Whoever has paused lets it go on. */
static void run_to_its_end(struct world *w)
{
    for (int i = 0; i < PASSES && !has_ended(w); i++) {
        world_pass(w);
        if (strcmp(hold_of(w), "paused") == 0 && json_array_size(w->actions) == 0)
            act(w, "resume");
    }
    if (!has_ended(w))
        fail_asked(w, "stuck");
}

/* `run` once for each call that is visited; it returns whether anybody asked. At least `at_least` calls: the row of them
 * really went through a run. */
static void at_each_call(const char *what, int at_least, bool (*run)(void))
{
    bool asked = true;
    word = what;
    for (asked_at = 1; asked; asked_at += cf_test_stride(STRIDE)) {
        asked = run();
        assert_true(asked || asked_at > at_least);
    }
}

static bool goes_back(void)
{
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->beside = at_that_call;
    run_to_its_end(w);
    assert_ended_as_told(w);
    if (is_back(w))
        assert_as_before(w);
    bool asked = was_asked(w);
    world_free(w);
    return asked;
}

static void back_at_any_call_of_a_run(void **state)
{
    (void)state;
    at_each_call("rollback", 100, goes_back);
}

static bool goes_on_after_a_pause(void)
{
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->beside = at_that_call;
    run_to_its_end(w);
    bool asked = was_asked(w);
    if (!reached(w, "completed") || weight_now(w) != 100 || replicas(w->dc1) != 0 || w->fired != 0)
        fail_asked(w, "did not complete");
    world_free(w);
    return asked;
}

static void a_pause_at_any_call_of_a_run(void **state)
{
    (void)state;
    at_each_call("pause", 100, goes_on_after_a_pause);
}

static bool goes_back_though_asked_again(void)
{
    struct world *w = world_new(PLAN_TEXT AUTO);
    run_until_step(w, "traffic.soak", 1, "applied");
    act(w, "rollback");
    w->calls = 0; /* counted from here */
    w->beside = at_that_call;
    run_to_its_end(w);
    assert_as_before(w);
    bool asked = json_object_size(w->answers) > 1;
    world_free(w);
    return asked;
}

static void once_more_on_the_way_back(void **state)
{
    (void)state;
    at_each_call("rollback", 20, goes_back_though_asked_again);
}

/* Returns whether anybody asked. */
static bool data_moves(void (*beside)(struct world *w))
{
    struct data *d = data_new(DATA);
    data_keep(d);
    cf_autojson json_t *owner = kustomization(d);
    d->w->beside = beside;
    for (int i = 0; i < PASSES && !has_ended(d->w); i++)
        data_pass(d);
    if (!has_ended(d->w))
        fail_asked(d->w, "stuck");
    assert_ended_as_told(d->w);
    if (is_back(d->w)) {
        assert_home(d, "asked");
        cf_autojson json_t *is = kustomization(d);
        assert_true(cf_json_equal(json_object_get(is, "spec"), json_object_get(owner, "spec")));
    }
    assert_int_equal(d->put_back, 0);
    bool asked = was_asked(d->w);
    data_free(d);
    return asked;
}

static bool data_moves_or_goes_back(void)
{
    return data_moves(at_that_call);
}

static void back_at_any_call_of_a_run_that_moves_data(void **state)
{
    (void)state;
    at_each_call("rollback", 100, data_moves_or_goes_back);
}

/* The freeze takes the arms away first: whoever goes back before that is recorded must look at what the routers carry. */
static void back_in_the_moment_in_which_the_freeze_disarms(void **state)
{
    (void)state;
    word = "rollback";
    asked_at = 0;
    assert_true(data_moves(once_a_router_is_disarmed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(back_at_any_call_of_a_run),
        cmocka_unit_test(a_pause_at_any_call_of_a_run),
        cmocka_unit_test(once_more_on_the_way_back),
        cmocka_unit_test(back_at_any_call_of_a_run_that_moves_data),
        cmocka_unit_test(back_in_the_moment_in_which_the_freeze_disarms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
