/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that a run survives the death of its process at any call of any port, before the call's
 * effect or after it: a restarted replica with a new epoch brings it to the same end, without doing
 * anything twice that may be done once. */
#include "tests/support/stride.h"
#include "tests/unit/orchestrator-engine/life.h"

enum { PASSES = 300 };

enum { STRIDE = 61 };

/* From the world as it is to `until`, dying at the n-th call from now; then alive again. Returns
 * whether it died at all. */
static bool run_with_death(struct world *w, const char *until, int die_at, bool after)
{
    w->die_at = w->calls + die_at;
    w->die_after = after;
    for (int i = 0; i < PASSES && !w->dead && !reached(w, until); i++)
        world_pass(w);
    bool died = w->dead;
    revive(w);
    run_until(w, until, PASSES);
    return died;
}

static void assert_completed(struct world *w, int die_at)
{
    if (weight_now(w) != 100 || replicas(w->dc1) != 0 || replicas(w->dc2) != 3 ||
        floor_of(w->dc1) != 1 || w->fired != 0) {
        dump_run(w);
        fail_msg("died at call %d: weight %d, source %d, target %d, floor %d, fired %d", die_at,
                 weight_now(w), replicas(w->dc1), replicas(w->dc2), floor_of(w->dc1), w->fired);
    }
    cf_autojson json_t *vs = router_now(w);
    cf_autofree char *text = cf_json_dump(json_object_get(vs, "metadata"));
    if (strstr(text, "crossfade.dev"))
        fail_msg("died at call %d: marks are left: %s", die_at, text);
    cf_autojson json_t *copy = peek(w->dc2, "apps/v1", "Deployment", "echo");
    assert_null(cf_json_at(copy, "metadata", "labels", "crossfade.dev/run", NULL));
}

/* Weights in the order of the events never fall, and no weight is skipped. */
static void assert_ramp(const struct world *w, int die_at)
{
    int last = 0;
    size_t i;
    json_t *event;
    json_array_foreach(w->events, i, event)
    {
        if (strcmp(cf_json_str(event, "", "kind", NULL), "run.weight.changed") != 0)
            continue;
        int now = (int)cf_json_int(event, 0, "body", "applied", NULL);
        if (now < last)
            fail_msg("died at call %d: weight fell from %d to %d", die_at, last, now);
        last = now;
    }
}

static void forward(bool after)
{
    for (int n = 1;; n += cf_test_stride(STRIDE)) {
        struct world *w = world_new(PLAN_TEXT AUTO);
        bool died = run_with_death(w, "completed", n, after);
        assert_completed(w, n);
        assert_ramp(w, n);
        world_free(w);
        if (!died) {
            assert_true(n > 100); /* the loop really went through a run's calls */
            return;
        }
    }
}

static void dying_before_any_call(void **state)
{
    (void)state;
    forward(false);
}

static void dying_after_any_call(void **state)
{
    (void)state;
    forward(true);
}

static void backward(bool after)
{
    for (int n = 1;; n += cf_test_stride(STRIDE)) {
        struct world *w = world_new(PLAN_TEXT AUTO);
        run_until_step(w, "traffic.soak", 1, "applied");
        act(w, "rollback");
        bool died = run_with_death(w, "rolled-back", n, after);
        assert_router_as_before(w);
        if (replicas(w->dc1) != 3 || replicas(w->dc2) != -1 || floor_of(w->dc1) != 1) {
            dump_run(w);
            fail_msg("died at call %d: source %d, target %d, floor %d", n, replicas(w->dc1),
                     replicas(w->dc2), floor_of(w->dc1));
        }
        world_free(w);
        if (!died) {
            assert_true(n > 20);
            return;
        }
    }
}

static void dying_while_going_back(void **state)
{
    (void)state;
    backward(false);
    backward(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dying_before_any_call),
        cmocka_unit_test(dying_after_any_call),
        cmocka_unit_test(dying_while_going_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
