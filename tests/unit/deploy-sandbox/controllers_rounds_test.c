/* SPDX-License-Identifier: Apache-2.0 */
/* Proves when a part of the world is looked at: after a change, when its timer is due, never while it is held; and when it is
 * settled. */
#include "tests/support/test.h"

#include <stdatomic.h>

#include "base/thread.h"
#include "deploy/sandbox/controllers/rounds.h"

enum { SOON_MS = 5, LONG_MS = 60 * 1000, SHORT_MS = 60 };

struct part {
    atomic_int looks, forgotten;
    atomic_int timers; /* so many looks ask for another, and are waited for */
};

static void look(void *user, int64_t *out_wake, bool *out_waiting)
{
    struct part *p = user;
    atomic_fetch_add(&p->looks, 1);
    if (atomic_load(&p->timers) > 0) {
        atomic_fetch_sub(&p->timers, 1);
        *out_wake = cf_mono_now_ms() + SOON_MS;
        *out_waiting = true;
    }
}

static void forget(void *user)
{
    atomic_fetch_add(&((struct part *)user)->forgotten, 1);
}

static struct sbx_rounds *start(struct part *p)
{
    struct cf_error err = CF_ERROR_INIT;
    struct sbx_rounds *r = sbx_rounds_new(look, p);
    assert_true(sbx_rounds_start(r, "test", &err));
    return r;
}

static void end(struct sbx_rounds *r)
{
    sbx_rounds_stop(r);
    sbx_rounds_free(r);
}

static void a_change_is_looked_at(void **state)
{
    (void)state;
    struct part p = { 0 };
    struct sbx_rounds *r = start(&p);
    assert_true(sbx_rounds_settle(r, LONG_MS));
    assert_int_equal(p.looks, 1);
    sbx_rounds_change(r);
    assert_true(sbx_rounds_settle(r, LONG_MS));
    assert_int_equal(p.looks, 2);
    end(r);
}

static void timers_are_settled_with_the_rest(void **state)
{
    (void)state;
    struct part p = { .timers = 3 };
    struct sbx_rounds *r = start(&p);
    assert_true(sbx_rounds_settle(r, LONG_MS));
    assert_int_equal(p.looks, 4);
    end(r);
}

static void held_it_stands_still(void **state)
{
    (void)state;
    struct part p = { 0 };
    struct sbx_rounds *r = start(&p);
    assert_true(sbx_rounds_settle(r, LONG_MS));
    sbx_rounds_hold(r);
    sbx_rounds_hold(r);
    sbx_rounds_change(r);
    assert_false(sbx_rounds_settle(r, SHORT_MS));
    assert_int_equal(p.looks, 1);
    sbx_rounds_release(r, forget);
    assert_int_equal(p.forgotten, 0); /* somebody else still holds it */
    sbx_rounds_release(r, forget);
    assert_int_equal(p.forgotten, 1);
    assert_true(sbx_rounds_settle(r, LONG_MS));
    assert_int_equal(p.looks, 2);
    end(r);
}

static void a_thread_that_never_ran_is_freed(void **state)
{
    (void)state;
    struct part p = { 0 };
    struct sbx_rounds *r = sbx_rounds_new(look, &p);
    sbx_rounds_change(r);
    end(r);
    assert_int_equal(p.looks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_looked_at),
        cmocka_unit_test(timers_are_settled_with_the_rest),
        cmocka_unit_test(held_it_stands_still),
        cmocka_unit_test(a_thread_that_never_ran_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
