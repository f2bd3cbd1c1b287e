/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that a run that moves data survives the death of its process at any call, from the freeze to the switch of the
 * writers and on the way back: it ends as if nobody had died, and never do writers run on both sides; nor does Flux, which
 * keeps the source's, ever come in between, and it gets back exactly what it had. */
#include "tests/support/stride.h"
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN DATA_PLAN AUTO DATA_VOLUMES("") DISCARD

enum { PASSES = 400, STRIDE = 97 };

static bool has_pod(struct cf_fake_kube *f)
{
    cf_autojson json_t *pod = cf_fake_kube_peek(f, "v1", "Pod", "web", "echo-1");
    return pod != NULL;
}

static void pass_and_look(struct data *d, int die_at)
{
    data_pass(d);
    if (has_pod(d->w->dc1) && has_pod(d->w->dc2)) {
        dump_run(d->w);
        fail_msg("died at call %d: writers on both sides", die_at);
    }
}

/* Returns whether it died at all. */
static bool with_death(struct data *d, const char *until, int die_at, bool after)
{
    struct world *w = d->w;
    w->die_at = w->calls + die_at;
    w->die_after = after;
    for (int i = 0; i < PASSES && !w->dead && !reached(w, until); i++)
        pass_and_look(d, die_at);
    bool died = w->dead;
    revive(w);
    for (int i = 0; i < PASSES && !reached(w, until); i++)
        pass_and_look(d, die_at);
    if (!reached(w, until)) {
        dump_run(w);
        fail_msg("died at call %d%s: %s, hold %s: %s", die_at, after ? " after it" : "",
                 state_of(w), hold_of(w), hold_message(w));
    }
    return died;
}

static void forward(bool after)
{
    bool died = true;
    for (int n = 1; died; n += cf_test_stride(STRIDE)) {
        struct data *d = data_new(PLAN);
        data_keep(d);
        data_until_step(d, "volume.sync", 0, "done");
        died = with_death(d, "completed", n, after);
        if (replicas(d->w->dc1) != 0 || replicas(d->w->dc2) != 1 || weight_now(d->w) != 100)
            fail_msg("died at call %d: source %d, target %d, weight %d", n, replicas(d->w->dc1),
                     replicas(d->w->dc2), weight_now(d->w));
        assert_true(is_suspended(d));
        assert_int_equal(d->put_back, 0);
        data_free(d);
        assert_true(died || n > 100);
    }
}

static void dying_on_the_way_there(void **state)
{
    (void)state;
    forward(false);
    forward(true);
}

static const struct {
    const char *step, *is;
} froms[] = { { "quiesce", "done" },
              { "volume.final_sync", "applied" },
              { "traffic.soak", "applied" } };

static void backward(size_t from, bool after)
{
    bool died = true;
    for (int n = 1; died; n += cf_test_stride(STRIDE)) {
        struct data *d = data_new(PLAN);
        data_keep(d);
        cf_autojson json_t *owner = kustomization(d);
        data_until_step(d, froms[from].step, 0, froms[from].is);
        act(d->w, "rollback");
        json_object_set_new(json_array_get(d->w->actions, 0), "expect",
                            json_pack("{s:s}", "targetData", "discard"));
        died = with_death(d, "rolled-back", n, after);
        cf_autojson json_t *claim =
            cf_fake_kube_peek(d->w->dc2, "v1", "PersistentVolumeClaim", "web", "data");
        if (replicas(d->w->dc1) != 1 || replicas(d->w->dc2) != -1 || claim) {
            dump_run(d->w);
            fail_msg("%s, died at call %d: source %d, target %d%s", froms[from].step, n,
                     replicas(d->w->dc1), replicas(d->w->dc2), claim ? ", claim left" : "");
        }
        cf_autojson json_t *is = kustomization(d);
        assert_true(cf_json_equal(json_object_get(is, "spec"), json_object_get(owner, "spec")));
        assert_int_equal(d->put_back, 0);
        assert_router_as_before(d->w);
        data_free(d);
        assert_true(died || n > 20);
    }
}

static void dying_on_the_way_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(froms); i++) {
        backward(i, false);
        backward(i, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dying_on_the_way_there),
        cmocka_unit_test(dying_on_the_way_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
