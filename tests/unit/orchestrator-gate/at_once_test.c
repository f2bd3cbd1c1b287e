/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that every call of a round is made exactly once, that none is left out at any size, and that they run side by side. */
#include "tests/support/test.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/thread.h"
#include "orchestrator/gate/at_once.h"
#include "orchestrator/gate/limits.h"

enum { CALLS_MAX = 3 * CF_GATE_AT_ONCE_MAX + 1 };

static atomic_int made[CALLS_MAX];

static void note(void *arg, size_t i)
{
    (void)arg;
    atomic_fetch_add(&made[i], 1);
}

static void each_is_called_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, 2, CF_GATE_AT_ONCE_MAX, CF_GATE_AT_ONCE_MAX + 1, CALLS_MAX
    };
    for (size_t s = 0; s < CF_ARRAY_LEN(sizes); s++) {
        for (size_t i = 0; i < CALLS_MAX; i++)
            atomic_store(&made[i], 0);
        cf_at_once(sizes[s], note, NULL);
        for (size_t i = 0; i < CALLS_MAX; i++)
            assert_int_equal(atomic_load(&made[i]), i < sizes[s]);
    }
}

static void doze(void *arg, size_t i)
{
    (void)i;
    usleep(*(useconds_t *)arg);
}

static void they_run_side_by_side(void **state)
{
    (void)state;
    useconds_t us = 100 * 1000;
    int64_t began = cf_mono_now_ms();
    cf_at_once(8, doze, &us);
    assert_true(cf_mono_now_ms() - began < 7 * 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_called_once),
        cmocka_unit_test(they_run_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
