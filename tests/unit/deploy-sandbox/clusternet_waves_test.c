/* SPDX-License-Identifier: Apache-2.0 */
/* Proves waves of workloads with Clusternet: a wave has no Subscription, and nothing of it stands in
 * the target, until all copies of the waves before it are healthy there; and that this holds for a
 * process that dies while it waits. */
#include "tests/unit/deploy-sandbox/clusternet_driver.h"

#include "tests/unit/deploy-sandbox/waves_case.h"

static struct cf_copying carry_on(struct driver *d)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct cf_copying out = { 0 };
        struct cf_error err = CF_ERROR_INIT;
        if (!do_once(d, APPLY, &out, &err))
            fail_msg("apply: %s", err.message);
        if (out.done || out.unhealthy)
            return out;
        hub_settle(d->w);
    }
    fail_msg("it neither waits nor ends");
    return (struct cf_copying){ 0 };
}

static bool subscribes(struct hub_world *w, const char *name)
{
    cf_autojson json_t *subs = sbx_api_all(w->hub, CN_G_APPS, "subscriptions", "shop");
    size_t i, f;
    json_t *sub, *feed;
    json_array_foreach(subs, i, sub)
    {
        json_array_foreach(cf_json_at(sub, "spec", "feeds", NULL), f, feed)
        {
            if (strcmp(cf_json_str(feed, "", "kind", NULL), "Deployment") == 0 &&
                strcmp(cf_json_str(feed, "", "name", NULL), name) == 0)
                return true;
        }
    }
    return false;
}

static void assert_waits(struct driver *d)
{
    struct cf_copying out = carry_on(d);
    assert_true(out.waits && out.unhealthy && !out.done);
    assert_non_null(strstr(out.why, "wave 2 of 2 waits for Deployment worker: 0 of 1 pods ready"));
    hub_settle(d->w);
    assert_waves_stand(d->w->west, true, false);
    assert_true(subscribes(d->w, "worker"));
    assert_false(subscribes(d->w, "echo"));
}

static void each_wave_waits(void **state)
{
    struct driver d;
    driver_open(&d, *state);
    json_decref(d.workloads);
    d.p.workloads = d.workloads = read_json(WAVES_WORKLOADS);
    read_source(&d);
    assert_waits(&d);
    assert_waits(&d);
    mend_node(d.w->west);
    hub_settle(d.w);
    assert_true(carry_out(&d, APPLY));
    assert_waves_stand(d.w->west, true, true);
    assert_true(carry_out(&d, UNDO));
    assert_nothing_left(d.w);
    driver_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_wave_waits, setup, hub_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
