/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that what must not run twice never does: before the commit it runs in the source alone,
 * from the commit on in the target alone, whoever dies in between and whoever would start it again;
 * and that a run says what it stopped in the source and what stays there. */
#include "tests/support/stride.h"
#include "tests/unit/orchestrator-engine/life.h"

#define SINGLETONS                                                                                 \
    "  workloads: {include: [{kind: Deployment}, {kind: CronJob}, {kind: "                         \
    "DaemonSet}]}\n"
#define KEEP "  cleanup: {source: keep}\n"

static const char cron[] =
    "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'nightly','namespace':'web'},"
    "'spec':{'schedule':'0 3 * * *','jobTemplate':{'spec':{'template':{'spec':{'containers':[]}}}}"
    "}}";
static const char sleeping_cron[] =
    "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'off','namespace':'web'},"
    "'spec':{'suspend':true,'schedule':'0 4 * * *','jobTemplate':{'spec':{'template':{'spec':{"
    "'containers':[]}}}}}}";
static const char worker[] =
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'worker','namespace':'web',"
    "'generation':1},'spec':{'replicas':2,'selector':{'matchLabels':{'app':'worker'}},'template':{"
    "'metadata':{'labels':{'app':'worker'}},'spec':{'containers':[{'name':'worker','image':'w:1'}]}"
    "}},'status':{'observedGeneration':1,'replicas':2,'updatedReplicas':2,'readyReplicas':2,"
    "'availableReplicas':2}}";
static const char agent[] =
    "{'apiVersion':'apps/v1','kind':'DaemonSet','metadata':{'name':'agent','namespace':'web',"
    "'generation':1},'spec':{'selector':{'matchLabels':{'app':'agent'}},'template':{'metadata':{"
    "'labels':{'app':'agent'}},'spec':{'containers':[]}}},'status':{'observedGeneration':1,"
    "'desiredNumberScheduled':0}}";

static struct world *with_singletons(const char *plan)
{
    struct world *w = world_new(plan);
    put_text(w->dc1, cron);
    put_text(w->dc1, sleeping_cron);
    put_text(w->dc1, worker);
    put_text(w->dc1, agent);
    return w;
}

static bool cron_runs(struct cf_fake_kube *f, const char *name)
{
    cf_autojson json_t *c = peek(f, "batch/v1", "CronJob", name);
    return c && !cf_json_bool(c, false, "spec", "suspend", NULL);
}

static int workers_wanted(struct cf_fake_kube *f)
{
    cf_autojson json_t *d = peek(f, "apps/v1", "Deployment", "worker");
    return d ? (int)cf_json_int(d, 1, "spec", "replicas", NULL) : 0;
}

static int workers_running(struct cf_fake_kube *f)
{
    cf_autojson json_t *d = peek(f, "apps/v1", "Deployment", "worker");
    return d ? (int)cf_json_int(d, 0, "status", "replicas", NULL) : 0;
}

/* The Deployment controller's work; a DaemonSet's copy is ready where nothing is to be scheduled. */
static void settle_workers(struct cf_fake_kube *f)
{
    cf_autojson json_t *d = peek(f, "apps/v1", "Deployment", "worker");
    cf_autojson json_t *a = peek(f, "apps/v1", "DaemonSet", "agent");
    if (d) {
        json_int_t n = cf_json_int(d, 1, "spec", "replicas", NULL);
        json_object_set_new(d, "status",
                            json_pack("{s:I,s:I,s:I,s:I,s:I}", "observedGeneration",
                                      (json_int_t)cf_json_int(d, 1, "metadata", "generation", NULL),
                                      "replicas", n, "updatedReplicas", n, "readyReplicas", n,
                                      "availableReplicas", n));
        cf_fake_kube_put_json(f, d);
    }
    if (a && !json_object_get(a, "status")) {
        json_object_set_new(a, "status",
                            json_pack("{s:I,s:i}", "observedGeneration",
                                      (json_int_t)cf_json_int(a, 1, "metadata", "generation", NULL),
                                      "desiredNumberScheduled", 0));
        cf_fake_kube_put_json(f, a);
    }
}

static void assert_nothing_runs_twice(struct world *w)
{
    assert_false(cron_runs(w->dc1, "nightly") && cron_runs(w->dc2, "nightly"));
    assert_false(workers_running(w->dc1) > 0 && workers_wanted(w->dc2) > 0);
}

/* Passes to the end, as run_until() does, but with the workers' controllers. */
static void run_to(struct world *w, const char *until)
{
    for (int i = 0; i < 300 && !reached(w, until); i++) {
        world_pass(w);
        assert_nothing_runs_twice(w);
        settle_workers(w->dc1);
        settle_workers(w->dc2);
        assert_nothing_runs_twice(w);
    }
    if (!reached(w, until)) {
        dump_run(w);
        fail_msg("not %s but %s, hold %s: %s", until, state_of(w), hold_of(w), hold_message(w));
    }
}

static void the_source_stops_before_the_target_starts(void **state)
{
    (void)state;
    struct world *w = with_singletons(PLAN_TEXT SINGLETONS);
    run_to(w, "commit");
    assert_true(cron_runs(w->dc1, "nightly"));
    assert_false(cron_runs(w->dc2, "nightly"));
    assert_int_equal(workers_running(w->dc1), 2);
    assert_int_equal(workers_wanted(w->dc2), 0);
    act(w, "commit");
    run_to(w, "completed");
    assert_false(cron_runs(w->dc1, "nightly"));
    assert_true(cron_runs(w->dc2, "nightly"));
    assert_int_equal(workers_wanted(w->dc1), 0);
    assert_int_equal(workers_wanted(w->dc2), 2);
    assert_false(cron_runs(w->dc1, "off") || cron_runs(w->dc2, "off"));
    world_free(w);
}

/* With the source kept, what may run twice goes on there; what may not, does not. */
static void a_kept_source_keeps_only_what_may_run_twice(void **state)
{
    (void)state;
    struct world *w = with_singletons(PLAN_TEXT SINGLETONS AUTO KEEP);
    run_to(w, "completed");
    assert_false(cron_runs(w->dc1, "nightly"));
    assert_int_equal(workers_wanted(w->dc1), 0);
    assert_int_equal(replicas(w->dc1), 3);
    assert_non_null(strstr(message_of(w), "Deployment echo"));
    world_free(w);
}

/* The target's workers wait for as long as the source's still end. */
static void the_target_waits_for_the_sources_pods_to_end(void **state)
{
    (void)state;
    struct world *w = with_singletons(PLAN_TEXT SINGLETONS);
    run_to(w, "commit");
    act(w, "commit");
    for (int i = 0; i < 30; i++)
        world_pass(w);
    assert_int_equal(workers_wanted(w->dc1), 0);
    assert_int_equal(workers_running(w->dc1), 2);
    assert_int_equal(workers_wanted(w->dc2), 0);
    assert_false(cron_runs(w->dc2, "nightly"));
    assert_non_null(strstr(message_of(w), "Deployment worker"));
    run_to(w, "completed");
    assert_int_equal(workers_wanted(w->dc2), 2);
    world_free(w);
}

/* Calls of the commit, before and after each. */
static void whoever_dies_in_the_commit_nothing_runs_twice(void **state)
{
    (void)state;
    int stride = cf_test_stride(7);
    for (int after = 0; after < 2; after++) {
        for (int at = 1 + after; at < 60; at += stride) {
            struct world *w = with_singletons(PLAN_TEXT SINGLETONS);
            run_to(w, "commit");
            act(w, "commit");
            w->die_at = w->calls + at;
            w->die_after = after != 0;
            for (int i = 0; i < 12 && !w->dead; i++) {
                world_pass(w);
                assert_nothing_runs_twice(w);
                settle_workers(w->dc1);
            }
            revive(w);
            run_to(w, "completed");
            assert_false(cron_runs(w->dc1, "nightly"));
            assert_true(cron_runs(w->dc2, "nightly"));
            assert_int_equal(workers_wanted(w->dc2), 2);
            world_free(w);
        }
    }
}

/* The intent names each with its uid and what it had, so that a person can bring it back. */
static void the_commits_intent_says_what_was_there(void **state)
{
    (void)state;
    struct world *w = with_singletons(PLAN_TEXT SINGLETONS AUTO);
    cf_autojson json_t *d = peek(w->dc1, "apps/v1", "Deployment", "worker");
    run_to(w, "completed");
    const json_t *rows = cf_json_at(step_at(w, "commit", 0), "intent", "source", NULL);
    assert_int_equal(json_array_size(rows), 2);
    const json_t *of_worker = json_array_get(rows, 0);
    assert_string_equal(cf_json_str(of_worker, "", "name", NULL), "worker");
    assert_string_equal(cf_json_str(of_worker, "", "uid", NULL),
                        cf_json_str(d, "?", "metadata", "uid", NULL));
    assert_int_equal(cf_json_int(of_worker, -1, "replicas", NULL), 2);
    assert_false(cf_json_bool(json_array_get(rows, 1), true, "suspend", NULL));
    world_free(w);
}

static void a_run_says_what_it_stopped_and_what_stays(void **state)
{
    (void)state;
    struct world *w = with_singletons(PLAN_TEXT SINGLETONS AUTO);
    run_to(w, "completed");
    const char *committed = cf_json_str(step_at(w, "commit", 0), "", "message", NULL);
    assert_non_null(strstr(committed, "stopped in dc1: Deployment worker (2 replicas), CronJob"));
    assert_non_null(strstr(message_of(w), "DaemonSet agent"));
    assert_null(strstr(message_of(w), "Deployment echo"));
    world_free(w);
}

/* An object that took its place under the same name is not the one that was meant. */
static void another_object_of_that_name_is_left_alone(void **state)
{
    (void)state;
    struct world *w = with_singletons(PLAN_TEXT SINGLETONS AUTO);
    w->source_rps = 1;
    for (int i = 0; i < 300 && strcmp(step_state(w, "commit", 0), "intent") != 0; i++) {
        world_pass(w);
        settle_workers(w->dc2);
    }
    assert_string_equal(step_state(w, "commit", 0), "intent");
    cf_fake_kube_remove(w->dc1, "batch/v1", "CronJob", "web", "nightly");
    put_text(w->dc1, cron);
    settle_workers(w->dc1);
    w->source_rps = 0;
    for (int i = 0; i < 100 && !reached(w, "completed"); i++) {
        world_pass(w);
        settle_workers(w->dc1);
        settle_workers(w->dc2);
    }
    assert_string_equal(state_of(w), "completed");
    assert_true(cron_runs(w->dc1, "nightly"));
    world_free(w);
}

/* A 422 that is not about the uid is no proof of anything: it is said and tried again. */
static void another_refusal_is_an_error(void **state)
{
    (void)state;
    static const char *const paths[] = { "/cronjobs/nightly", "/deployments/echo" };
    for (size_t i = 0; i < CF_ARRAY_LEN(paths); i++) {
        struct world *w = with_singletons(PLAN_TEXT SINGLETONS);
        run_to(w, "commit");
        struct cf_fake_fault refused = {
            .method = "PATCH", .path_part = paths[i], .times = 1, .status = 422, .reason = "Invalid"
        };
        cf_fake_kube_fail(w->dc1, &refused);
        act(w, "commit");
        run_to(w, "step-failed");
        act(w, "resume");
        run_to(w, "completed");
        assert_false(cron_runs(w->dc1, "nightly"));
        assert_int_equal(replicas(w->dc1), 0);
        world_free(w);
    }
}

/* ---- KEDA ---- */

#define KEDA   "keda.sh/v1alpha1"
#define PAUSED "autoscaling.keda.sh/paused-replicas"

/* One that scales the Deployment of its name in the source. */
static void add_scaler(struct world *w, const char *name)
{
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'" KEDA "','kind':'ScaledObject','metadata':{'name':'%s','namespace':'web'},"
        "'spec':{'minReplicaCount':1,'scaleTargetRef':{'name':'%s'},'triggers':[]}}",
        name, name);
    cf_fake_kube_kind(w->dc1, KEDA, "ScaledObject", "scaledobjects", true);
    cf_fake_kube_kind(w->dc2, KEDA, "ScaledObject", "scaledobjects", true);
    put_text(w->dc1, text);
}

static bool is_paused(struct cf_fake_kube *f, const char *name)
{
    cf_autojson json_t *s = peek(f, KEDA, "ScaledObject", name);
    return strcmp(cf_json_str(s, "", "metadata", "annotations", PAUSED, NULL), "0") == 0;
}

/* What stands at nothing without a pause is started by it. */
static void keda_turn(struct cf_fake_kube *f, const char *name)
{
    cf_autojson json_t *s = peek(f, KEDA, "ScaledObject", name);
    cf_autojson json_t *d = peek(f, "apps/v1", "Deployment", name);
    if (!s || !d || is_paused(f, name) || cf_json_int(d, 1, "spec", "replicas", NULL) > 0)
        return;
    cf_json_put_take(d, json_integer(1), "spec", "replicas", NULL);
    cf_fake_kube_put_json(f, d);
}

static void keda_starts_nothing_again_in_the_source(void **state)
{
    (void)state;
    struct world *w = with_singletons(PLAN_TEXT SINGLETONS AUTO);
    add_scaler(w, "worker");
    add_scaler(w, "echo");
    for (int i = 0; i < 300 && !reached(w, "completed"); i++) {
        world_pass(w);
        for (int side = 0; side < 2; side++) {
            keda_turn(side ? w->dc2 : w->dc1, "worker");
            keda_turn(side ? w->dc2 : w->dc1, "echo");
            settle_workers(side ? w->dc2 : w->dc1);
        }
        assert_nothing_runs_twice(w);
    }
    if (!reached(w, "completed")) {
        dump_run(w);
        fail_msg("not completed: %s", message_of(w));
    }
    assert_int_equal(workers_wanted(w->dc1), 0);
    assert_int_equal(workers_wanted(w->dc2), 2);
    assert_int_equal(replicas(w->dc1), 0);
    assert_true(is_paused(w->dc1, "worker") && is_paused(w->dc1, "echo"));
    assert_false(is_paused(w->dc2, "worker") || is_paused(w->dc2, "echo"));
    assert_non_null(strstr(message_of(w), "stopped in dc1: ScaledObject worker (paused), "
                                          "Deployment worker (2 replicas)"));
    assert_non_null(strstr(message_of(w), "1 workload of dc1 is at zero replicas; so that KEDA "
                                          "leaves them there: ScaledObject echo (paused)"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_source_stops_before_the_target_starts),
        cmocka_unit_test(a_kept_source_keeps_only_what_may_run_twice),
        cmocka_unit_test(the_target_waits_for_the_sources_pods_to_end),
        cmocka_unit_test(whoever_dies_in_the_commit_nothing_runs_twice),
        cmocka_unit_test(the_commits_intent_says_what_was_there),
        cmocka_unit_test(a_run_says_what_it_stopped_and_what_stays),
        cmocka_unit_test(another_object_of_that_name_is_left_alone),
        cmocka_unit_test(another_refusal_is_an_error),
        cmocka_unit_test(keda_starts_nothing_again_in_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
