/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the driver of Karmada may die at any call while it takes over what somebody's policy
 * places, while it gives it back, and while it hands it on: nobody else gets it, and its owner finds
 * all as it was. */
#include "tests/support/stride.h"
#include "tests/unit/deploy-sandbox/karmada_placed.h"

/* Cut off on the way there and on the way back: all that is its owner's is what it was. */
static int cut_off_placed_at(struct plane_world *w, const json_t *before, const json_t *theirs,
                             int nth, bool after)
{
    struct driver d;
    driver_open(&d, w, "karmada", "run-1", ADOPT);
    read_source(&d);
    d.knife = (struct knife){ .left = nth, .after = after };
    bool whole = carry_out(&d, APPLY);
    assert_source_is(w, before);
    d.knife = (struct knife){ .left = -1 };
    if (after) /* else it goes back from where it was cut off */
        assert_true(carry_out(&d, APPLY));
    d.knife = (struct knife){ .left = nth, .after = after };
    (void)carry_out(&d, UNDO);
    assert_source_is(w, before);
    d.knife = (struct knife){ .left = -1 };
    assert_true(carry_out(&d, UNDO));
    world_settles(&d);
    assert_source_is(w, before);
    assert_given_back(w, theirs, 1);
    driver_close(&d);
    return whole ? 0 : 1;
}

static void cut_off_anywhere_it_is_given_back(void **state)
{
    struct plane_world *w = *state;
    int cut = 0;
    place_by_somebody(w, WORKLOADS_ONLY, false);
    cf_autojson json_t *before = source_of(w), *theirs = theirs_of(w);
    int step = cf_test_stride(263);
    for (int nth = 7; cut_off_placed_at(w, before, theirs, nth, (nth / step) % 2 == 1); nth += step)
        cut++;
    assert_true(cut >= 3);
}

/* Nobody else's policy gets what was moved while it is handed on, wherever that is cut off. */
static bool cut_off_handing_on_at(int nth, bool after)
{
    void *state = NULL;
    struct driver d;
    assert_int_equal(setup(&state), 0);
    struct plane_world *w = state;
    place_by_somebody(w, WORKLOADS_ONLY, false);
    cf_autojson json_t *before = source_of(w);
    driver_open(&d, w, "karmada", "run-1", ADOPT);
    read_source(&d);
    assert_true(carry_out(&d, APPLY));
    assert_true(carry_out(&d, DETACH));
    assert_true(carry_out(&d, ACTIVATE));
    world_settles(&d);
    cf_autofree char *uid = cf_xstrdup(deployment(w->west, "/metadata/uid"));
    d.knife = (struct knife){ .left = nth, .after = after };
    bool whole = carry_out(&d, RELEASE);
    d.knife = (struct knife){ .left = -1 };
    world_settles(&d);
    assert_source_is(w, before);
    assert_string_equal(deployment(w->east, MANAGED), "");
    assert_true(carry_out(&d, RELEASE));
    assert_released(&d);
    assert_source_is(w, before);
    assert_string_equal(deployment(w->east, MANAGED), "");
    assert_string_equal(deployment(w->west, "/metadata/uid"), uid);
    driver_close(&d);
    (void)plane_down(&state);
    return !whole;
}

static void cut_off_anywhere_it_is_handed_on(void **state)
{
    (void)state;
    int cut = 0, step = cf_test_stride(41);
    for (int nth = 30; cut_off_handing_on_at(nth, (nth / step) % 2 == 1); nth += step)
        cut++;
    assert_true(cut >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cut_off_anywhere_it_is_given_back, setup, plane_down),
        cmocka_unit_test(cut_off_anywhere_it_is_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
