/* SPDX-License-Identifier: Apache-2.0 */
/* Proves waves of workloads with Karmada: the policies of a wave stay held back, and nothing of it
 * stands in the target, until all copies of the waves before it are healthy there. */
#include "tests/unit/deploy-sandbox/karmada_driver.h"

#include "tests/unit/deploy-sandbox/waves_case.h"

/* Calls until it waits for a wave, or is done. */
static struct cf_copying carry_on(struct driver *d)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct cf_copying out = { 0 };
        struct cf_error err = CF_ERROR_INIT;
        if (!do_once(d, APPLY, &out, &err))
            fail_msg("apply: %s", err.message);
        if (out.done || out.unhealthy)
            return out;
        world_settles(d);
    }
    fail_msg("it neither waits nor ends");
    return (struct cf_copying){ 0 };
}

/* How many policies hold everything back. */
static int held_back(struct plane_world *w)
{
    cf_autojson json_t *all = sbx_api_all(w->hub, KM_G_POLICY, "propagationpolicies", "shop");
    int n = 0;
    size_t i;
    json_t *policy;
    json_array_foreach(all, i, policy)
    {
        n += cf_json_bool(policy, false, "spec", "suspension", "dispatching", NULL) ||
             cf_json_at(policy, "spec", "suspension", "dispatchingOnClusters", NULL) != NULL;
    }
    return n;
}

static void each_wave_waits(struct plane_world *w, const char *copy)
{
    struct driver d;
    driver_open(&d, w, "karmada", "run-1", copy);
    json_decref(d.workloads);
    d.p.workloads = d.workloads = read_json(WAVES_WORKLOADS);
    read_source(&d);
    struct cf_copying out = carry_on(&d);
    assert_true(out.waits && out.unhealthy && !out.done);
    if (!strstr(out.why, "wave 2 of 2 waits for Deployment worker: 0 of 1 pods ready"))
        fail_msg("it waits for something else: %s", out.why);
    world_settles(&d);
    assert_waves_stand(w->west, true, false);
    assert_true(held_back(w) > 0);
    mend_node(w->west);
    world_settles(&d);
    assert_true(carry_out(&d, APPLY));
    assert_waves_stand(w->west, true, true);
    assert_int_equal(held_back(w), 0);
    assert_true(carry_out(&d, UNDO));
    world_settles(&d);
    assert_waves_stand(w->west, false, false);
    driver_close(&d);
}

static void into_the_target_alone(void **state)
{
    each_wave_waits(*state, TARGET_ONLY);
}

static void by_adopting_the_source(void **state)
{
    each_wave_waits(*state, ADOPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(into_the_target_alone, setup, plane_down),
        cmocka_unit_test_setup_teardown(by_adopting_the_source, setup, plane_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
