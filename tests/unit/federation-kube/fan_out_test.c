/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the fan-out: every number once, no more at a time than allowed, nothing begun after a
 * failure, no gap in what was begun, and one after the other behind a port that plays a server. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "federation/kube/fan_out.h"
#include "tests/support/fake_kube.h"
#include "tests/support/test.h"

enum { NUMBERS = 500 };

struct seen {
    atomic_int done[NUMBERS];
    atomic_int under_way, most;
    size_t order[NUMBERS]; /* only where one goes after the other */
    size_t n;
    size_t fails_at; /* NUMBERS: nowhere */
};

static bool look(void *arg, size_t i)
{
    struct seen *s = arg;
    int now = atomic_fetch_add(&s->under_way, 1) + 1;
    int most = atomic_load(&s->most);
    while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now))
        continue;
    struct timespec moment = { .tv_nsec = 50000 };
    nanosleep(&moment, NULL);
    atomic_fetch_add(&s->done[i], 1);
    atomic_fetch_sub(&s->under_way, 1);
    return i != s->fails_at;
}

static bool look_in_order(void *arg, size_t i)
{
    struct seen *s = arg;
    s->order[s->n++] = i;
    return i != s->fails_at;
}

struct rig {
    struct cf_fake_kube *api;
    struct cf_kube *k;
};

static int setup(void **state)
{
    struct rig *r = cf_xcalloc(1, sizeof *r);
    r->api = cf_fake_kube_new();
    r->k = cf_fake_kube_client(r->api, "dc1");
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    cf_kube_unref(r->k);
    cf_fake_kube_free(r->api);
    free(r);
    return 0;
}

static void behind_a_port_it_is_a_loop(void **state)
{
    struct rig *r = *state;
    struct seen s = { .fails_at = 7 };
    assert_int_equal(cf_kube_fan_out(r->k, NUMBERS, look_in_order, &s), 8);
    for (size_t i = 0; i < s.n; i++)
        assert_int_equal(s.order[i], i);
    assert_int_equal(cf_kube_fan_out(r->k, 0, look_in_order, &s), 0);
}

static void every_number_once_and_not_too_many_at_a_time(void **state)
{
    struct rig *r = *state;
    static struct seen s = { .fails_at = NUMBERS };
    cf_kube_set_parallel(r->k, 8);
    assert_int_equal(cf_kube_fan_out(r->k, NUMBERS, look, &s), NUMBERS);
    for (size_t i = 0; i < NUMBERS; i++)
        assert_int_equal(atomic_load(&s.done[i]), 1);
    assert_in_range(atomic_load(&s.most), 2, 8);
}

static void a_failure_ends_it_without_a_gap(void **state)
{
    struct rig *r = *state;
    static struct seen s = { .fails_at = 40 };
    cf_kube_set_parallel(r->k, 8);
    size_t begun = cf_kube_fan_out(r->k, NUMBERS, look, &s);
    assert_in_range(begun, 41, 41 + 2 * 8);
    for (size_t i = 0; i < NUMBERS; i++)
        assert_int_equal(atomic_load(&s.done[i]), i < begun);
}

static bool refuses_b(void *arg, const json_t *element, struct cf_error *err)
{
    json_array_append(arg, cf_json_unconst(element));
    return strcmp(json_string_value(element), "b") != 0 ||
           cf_error_set(err, CF_ERR_DENIED, "not b");
}

static void each_element_until_one_fails(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *seen = json_array();
    cf_autojson json_t *elements = json_pack("[s,s,s]", "a", "b", "c");
    assert_false(cf_kube_each(r->k, elements, refuses_b, seen, &err));
    assert_string_equal(err.message, "not b");
    assert_int_equal(json_array_size(seen), 2);
    cf_error_clear(&err);
    json_array_remove(elements, 1);
    assert_true(cf_kube_each(r->k, elements, refuses_b, seen, &err));
    assert_int_equal(json_array_size(seen), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(behind_a_port_it_is_a_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(every_number_once_and_not_too_many_at_a_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failure_ends_it_without_a_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(each_element_until_one_fails, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
