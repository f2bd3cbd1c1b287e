/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the driver of Karmada may die at any call, before or after the call had its effect: it
 * goes on from what it had recorded, or goes back, and leaves exactly what it should. */
#include "tests/support/stride.h"
#include "tests/unit/deploy-sandbox/karmada_driver.h"

/* --- cut off --- */

/* Cuts a copy off at its nth call, goes on, cuts the undo off as well, and goes on. */
static int cut_off_at(struct plane_world *w, const char *copy, int nth, bool after)
{
    struct driver d;
    cf_autojson json_t *before = source_of(w);
    driver_open(&d, w, "karmada", "run-1", copy);
    read_source(&d);
    d.knife = (struct knife){ .left = nth, .after = after };
    bool whole = carry_out(&d, APPLY);
    assert_source_is(w, before);
    d.knife = (struct knife){ .left = -1 };
    assert_true(carry_out(&d, APPLY));
    int calls = whole ? 0 : 1;
    assert_copied(&d);
    d.knife = (struct knife){ .left = nth, .after = after };
    (void)carry_out(&d, UNDO);
    d.knife = (struct knife){ .left = -1 };
    assert_true(carry_out(&d, UNDO));
    world_settles(&d);
    assert_source_is(w, before);
    assert_nothing_left(w);
    driver_close(&d);
    return calls;
}

static void cut_off_anywhere(struct plane_world *w, const char *copy, int step)
{
    int cut = 0;
    for (int nth = 5; cut_off_at(w, copy, nth, (nth / step) % 2 == 1); nth += step)
        cut++;
    assert_true(cut >= 3);
}

static void cut_off_anywhere_it_goes_on(void **state)
{
    cut_off_anywhere(*state, TARGET_ONLY, cf_test_stride(101));
}

static void cut_off_anywhere_it_goes_on_adopting(void **state)
{
    cut_off_anywhere(*state, ADOPT, cf_test_stride(263));
}

/* Goes back from wherever a copy was cut off, without going on first. */
static void it_goes_back_from_anywhere(void **state)
{
    struct plane_world *w = *state;
    cf_autojson json_t *before = source_of(w);
    bool whole = false;
    for (int nth = 3; !whole; nth += cf_test_stride(211)) {
        struct driver d;
        driver_open(&d, w, "karmada", "run-1", ADOPT);
        read_source(&d);
        d.knife.left = nth;
        whole = carry_out(&d, APPLY);
        d.knife.left = -1;
        assert_true(carry_out(&d, UNDO));
        world_settles(&d);
        assert_source_is(w, before);
        assert_nothing_left(w);
        driver_close(&d);
    }
}

/* Whoever dies after a call, and before it has recorded it, has left all that the call wrote. */
static void each_call_is_forgotten_once(struct plane_world *w, const char *copy, bool back)
{
    struct driver d;
    cf_autojson json_t *before = source_of(w);
    driver_open(&d, w, "karmada", "run-1", copy);
    read_source(&d);
    d.forgets = true;
    assert_true(carry_out(&d, APPLY));
    assert_source_is(w, before);
    assert_copied(&d);
    if (back) {
        assert_true(carry_out(&d, UNDO));
        world_settles(&d);
        assert_nothing_left(w);
    } else {
        assert_true(carry_out(&d, DETACH) && carry_out(&d, ACTIVATE) && carry_out(&d, RELEASE));
        assert_released(&d);
    }
    assert_source_is(w, before);
    driver_close(&d);
}

static void no_call_needs_its_record(void **state)
{
    each_call_is_forgotten_once(*state, TARGET_ONLY, false);
}

static void no_call_back_needs_its_record(void **state)
{
    each_call_is_forgotten_once(*state, TARGET_ONLY, true);
}

static void no_call_needs_its_record_adopting(void **state)
{
    each_call_is_forgotten_once(*state, ADOPT, false);
}

static void no_call_back_needs_its_record_adopting(void **state)
{
    each_call_is_forgotten_once(*state, ADOPT, true);
}

int main(void)
{
#define PROOF(fn) cmocka_unit_test_setup_teardown(fn, setup, plane_down)
    const struct CMUnitTest tests[] = {
        PROOF(cut_off_anywhere_it_goes_on_adopting),
        PROOF(cut_off_anywhere_it_goes_on),
        PROOF(it_goes_back_from_anywhere),
        PROOF(no_call_needs_its_record),
        PROOF(no_call_back_needs_its_record),
        PROOF(no_call_needs_its_record_adopting),
        PROOF(no_call_back_needs_its_record_adopting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
