/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the driver of Clusternet can be cut off at any call, as a process that dies with what
 * it had recorded, and goes on, or goes back from there; the source stays what it was. */
#include "tests/support/stride.h"
#include "tests/unit/deploy-sandbox/clusternet_driver.h"

static bool cut_off_at(struct hub_world *w, int nth, bool after)
{
    struct driver d;
    cf_autojson json_t *before = source_of(w);
    driver_open(&d, w);
    d.knife = (struct knife){ .left = nth, .after = after };
    bool whole = carry_out(&d, APPLY);
    assert_source_is(w, before);
    d.knife = (struct knife){ .left = -1 };
    assert_true(carry_out(&d, APPLY));
    assert_copied(&d);
    d.knife = (struct knife){ .left = nth, .after = after };
    (void)carry_out(&d, UNDO);
    d.knife = (struct knife){ .left = -1 };
    assert_true(carry_out(&d, UNDO));
    assert_source_is(w, before);
    assert_nothing_left(w);
    driver_close(&d);
    return !whole;
}

enum { STRIDE = 17 };

static void cut_off_anywhere_it_goes_on(void **state)
{
    int cut = 0, stride = cf_test_stride(STRIDE);
    while (cut_off_at(*state, cut * stride, cut % 2 == 1))
        cut++;
    assert_true(cut > 5);
}

static void it_goes_back_from_anywhere(void **state)
{
    struct hub_world *w = *state;
    cf_autojson json_t *before = source_of(w);
    bool whole = false;
    for (int nth = 3; !whole; nth += cf_test_stride(STRIDE)) {
        struct driver d;
        driver_open(&d, w);
        d.knife.left = nth;
        whole = carry_out(&d, APPLY);
        d.knife.left = -1;
        assert_true(carry_out(&d, UNDO));
        assert_source_is(w, before);
        assert_nothing_left(w);
        driver_close(&d);
    }
}

/* Whoever dies after a call, and before it has recorded it, has left all that the call wrote. */
static void each_call_is_forgotten_once(struct hub_world *w, bool back)
{
    struct driver d;
    cf_autojson json_t *before = source_of(w);
    driver_open(&d, w);
    d.forgets = true;
    assert_true(carry_out(&d, APPLY));
    assert_copied(&d);
    if (back) {
        assert_true(carry_out(&d, UNDO));
        assert_nothing_left(w);
    } else {
        assert_true(carry_out(&d, ACTIVATE) && carry_out(&d, RELEASE));
        hub_settle(w);
        assert_string_equal(west(&d, "apps", "deployments", "worker", "/spec/replicas"), "1");
        assert_string_equal(west(&d, "apps", "deployments", "echo", OURS), "");
    }
    assert_source_is(w, before);
    driver_close(&d);
}

static void no_call_needs_its_record(void **state)
{
    each_call_is_forgotten_once(*state, false);
}

static void no_call_back_needs_its_record(void **state)
{
    each_call_is_forgotten_once(*state, true);
}

int main(void)
{
#define PROOF(fn) cmocka_unit_test_setup_teardown(fn, setup, hub_down)
    const struct CMUnitTest tests[] = {
        PROOF(cut_off_anywhere_it_goes_on),
        PROOF(it_goes_back_from_anywhere),
        PROOF(no_call_needs_its_record),
        PROOF(no_call_back_needs_its_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
