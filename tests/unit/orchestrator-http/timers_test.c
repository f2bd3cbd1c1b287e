/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that timers fire in order, once, not before they are due, and can be moved and disarmed at
 * any place of the heap. */
#include "tests/support/test.h"

#include "base/mem.h"
#include "orchestrator/http/timers.h"

enum { COUNT = 200 };

static struct http_timer timers[COUNT];
static int64_t fired_at[COUNT];
static int64_t now;
static int64_t last_due;

static void fire(struct http_timer *t)
{
    assert_true(t->due_ms <= now && t->due_ms >= last_due);
    last_due = t->due_ms;
    fired_at[t - timers] = now;
}

static void test_order(void **state)
{
    (void)state;
    struct http_timers h = { .heap = NULL };
    unsigned seed = 7;
    for (int round = 0; round < 3; round++) {
        last_due = 0;
        for (int i = 0; i < COUNT; i++) {
            seed = seed * 1103515245u + 12345u;
            timers[i].fire = fire;
            fired_at[i] = -1;
            http_timers_set(&h, &timers[i], 1 + (seed >> 8) % 1000);
        }
        for (int i = 0; i < COUNT; i += 3)
            http_timers_set(&h, &timers[i], 1 + (timers[i].due_ms * 7) % 1000);
        for (int i = 0; i < COUNT; i += 5)
            http_timers_clear(&h, &timers[i]);
        for (now = 0; now <= 1000; now += 10) {
            http_timers_run(&h, now);
            assert_true(http_timers_next(&h) == -1 || http_timers_next(&h) > now);
        }
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(timers[i].slot, 0);
            if (i % 5 == 0)
                assert_int_equal(fired_at[i], -1);
            else
                assert_in_range(fired_at[i], timers[i].due_ms, timers[i].due_ms + 9);
        }
    }
    http_timers_free(&h);
}

static struct http_timers chain;
static int chained;

static void fire_again(struct http_timer *t)
{
    if (++chained < 5)
        http_timers_set(&chain, t, t->due_ms + 1);
}

static void test_set_while_firing(void **state)
{
    (void)state;
    struct http_timer t = { .fire = fire_again };
    http_timers_set(&chain, &t, 1);
    http_timers_run(&chain, 3);
    assert_int_equal(chained, 3);
    http_timers_run(&chain, 10);
    assert_int_equal(chained, 5);
    http_timers_free(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_order),
                                        cmocka_unit_test(test_set_while_firing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
