/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that where KEDA runs in the target, it starts no writer before its data is there, nor after the
 * target's writers have stopped again; that from the switch on it has what it had in the source; and that
 * whoever else is first in the target is met before the freeze. */
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN   DATA_PLAN AUTO DATA_VOLUMES("") DISCARD
#define KEDA   "keda.sh/v1alpha1"
#define PAUSED "autoscaling.keda.sh/paused-replicas"

/* `annotations`: what the source's ScaledObject has. */
static struct data *data_with_keda(const char *annotations)
{
    struct data *d = data_new(PLAN);
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'" KEDA "','kind':'ScaledObject','metadata':{'name':'echo','namespace':"
        "'web'%s},'spec':{'minReplicaCount':1,'scaleTargetRef':{'name':'echo'},'triggers':[]}}",
        annotations);
    cf_fake_kube_kind(d->w->dc1, KEDA, "ScaledObject", "scaledobjects", true);
    cf_fake_kube_kind(d->w->dc2, KEDA, "ScaledObject", "scaledobjects", true);
    put_text(d->w->dc1, text);
    return d;
}

/* "-": there is no such object; "": it is not paused. New memory. */
static char *paused_in(struct cf_fake_kube *f)
{
    cf_autojson json_t *s = cf_fake_kube_peek(f, KEDA, "ScaledObject", "web", "echo");
    return cf_xstrdup(s ? cf_json_str(s, "", "metadata", "annotations", PAUSED, NULL) : "-");
}

/* KEDA's turn: what is paused has the replicas that it is paused at, the rest at least one. */
static void keda_turn(struct cf_fake_kube *f, struct cf_kube *kube)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *paused = paused_in(f);
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    int now = replicas(f), want = *paused ? atoi(paused) : CF_MAX(now, 1);
    if (strcmp(paused, "-") == 0 || now < 0 || now == want)
        return;
    cf_autojson json_t *patch = json_pack("{s:{s:i}}", "spec", "replicas", want);
    assert_ok(cf_kube_merge_patch(kube, NULL, &ref, patch, NULL, NULL, &err), &err);
}

static void pass(struct data *d)
{
    data_pass(d);
    keda_turn(d->w->dc1, d->velero.east.kube);
    keda_turn(d->w->dc2, d->velero.west.kube);
}

static void pass_until(struct data *d, const char *kind, const char *state)
{
    for (int i = 0; i < 200 && strcmp(step_state(d->w, kind, 0), state) != 0; i++)
        pass(d);
    if (strcmp(step_state(d->w, kind, 0), state) != 0) {
        dump_run(d->w);
        fail_msg("step %s is %s; hold %s: %s", kind, step_state(d->w, kind, 0), hold_of(d->w),
                 hold_message(d->w));
    }
}

static void pass_to(struct data *d, const char *end)
{
    for (int i = 0; i < 300 && !reached(d->w, end); i++)
        pass(d);
    if (!reached(d->w, end)) {
        dump_run(d->w);
        fail_msg("not %s; hold %s: %s", end, hold_of(d->w), hold_message(d->w));
    }
}

static void it_waits_for_the_data_and_then_goes_on_as_before(void **state)
{
    static const struct {
        const char *annotations, *paused; /* in the source, and in the target in the end */
    } table[] = {
        { "", "" },
        { ",'annotations':{'team':'a'}", "" },
        { ",'annotations':{'" PAUSED "':'1'}", "1" },
    };
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct data *d = data_with_keda(table[i].annotations);
        for (int k = 0; k < 200 && strcmp(step_state(d->w, "writers.switch", 0), "planned") == 0;
             k++) {
            cf_autofree char *paused = paused_in(d->w->dc2);
            assert_true(strcmp(paused, "-") == 0 || strcmp(paused, "0") == 0);
            assert_true(replicas(d->w->dc2) <= 0);
            pass(d);
        }
        pass_until(d, "writers.switch", "done");
        assert_int_equal(replicas(d->w->dc2), 1);
        pass_to(d, "completed");
        cf_autofree char *now = paused_in(d->w->dc2), *before = paused_in(d->w->dc1);
        assert_string_equal(now, table[i].paused);
        assert_string_equal(before, "0"); /* the source stays stopped */
        assert_int_equal(replicas(d->w->dc1), 0);
        data_free(d);
    }
}

/* It is paused again before the target's writer stops: no start of its falls between. */
static void going_back_it_lets_the_writer_stop(void **state)
{
    (void)state;
    struct data *d = data_with_keda("");
    pass_until(d, "writers.switch", "done");
    roll_back(d, "discard");
    for (int i = 0; i < 300 && !reached(d->w, "rolled-back"); i++) {
        cf_autofree char *paused = paused_in(d->w->dc2);
        if (replicas(d->w->dc2) == 0)
            assert_string_equal(paused, "0");
        assert_false(replicas(d->w->dc1) > 0 && replicas(d->w->dc2) > 0);
        pass(d);
    }
    cf_autofree char *home = paused_in(d->w->dc1), *left = paused_in(d->w->dc2);
    assert_true(reached(d->w, "rolled-back"));
    assert_string_equal(home, "");
    assert_string_equal(left, "-");
    assert_home(d, "paused again");
    data_free(d);
}

/* ---- whoever else was there first ---- */

static void put_in_target(struct data *d, bool pod)
{
    if (pod)
        add_pod(&d->velero.west, "web", "early", "data", "n1", "Pending");
    else
        add_claim(&d->velero.west, "web", "data");
}

/* What the restore would meet holds the run before anything stands still, and not in the freeze. */
static void what_the_restore_would_meet_is_met_before_the_freeze(void **state)
{
    static const struct {
        bool pod;
        const char *kind, *name, *says;
    } table[] = {
        { true, "Pod", "early", "pod early of dc2 mounts a claim" },
        { false, "PersistentVolumeClaim", "data", "claim data exists in dc2" },
    };
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct data *d = data_new(PLAN);
        put_in_target(d, table[i].pod);
        data_until(d, "data", 100);
        assert_non_null(strstr(hold_message(d->w), table[i].says));
        for (int k = 0; k < 5; k++)
            data_pass(d);
        assert_int_equal(replicas(d->w->dc1), 1);
        cf_fake_kube_remove(d->w->dc2, "v1", table[i].kind, "web", table[i].name);
        data_until(d, "completed", 300);
        data_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_waits_for_the_data_and_then_goes_on_as_before),
        cmocka_unit_test(going_back_it_lets_the_writer_stop),
        cmocka_unit_test(what_the_restore_would_meet_is_met_before_the_freeze),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
