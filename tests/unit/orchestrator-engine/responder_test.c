/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the rollback lane with its real threads and its real journal: an alarm sends the traffic
 * back, a slow or failing API server is tried again, a refused document is told, and a killed
 * process goes on from its journal. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/thread.h"
#include "orchestrator/engine/local_journal.h"
#include "orchestrator/engine/responder.h"
#include "tests/unit/orchestrator-engine/life.h"

struct rig {
    struct world *w;
    char path[64];
    struct cf_lane *lane;
    struct cf_live *run;
    int woken;
    pthread_mutex_t mutex;
};

static void woken(void *arg, const char *run_id)
{
    struct rig *r = arg;
    assert_string_equal(run_id, RUN_ID);
    CF_LOCKED(&r->mutex);
    r->woken++;
}

static void start_lane(struct rig *r)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_lane_config config = { .journal_path = r->path,
                                     .clusters = { clusters_kube, r->w },
                                     .clock = &cf_clock_real,
                                     .woken = woken,
                                     .woken_arg = r };
    r->lane = cf_lane_start(&config, &err);
    if (!r->lane)
        fail_msg("%s", err.message);
}

/* A run at 50 %, with its way back prepared in the real lane. */
static void setup(struct rig *r)
{
    struct cf_error err = CF_ERROR_INIT;
    memset(r, 0, sizeof *r);
    pthread_mutex_init(&r->mutex, NULL);
    snprintf(r->path, sizeof r->path, "/tmp/crossfade-lane-XXXXXX");
    int fd = mkstemp(r->path);
    assert_true(fd >= 0);
    close(fd);
    r->w = world_new(PLAN_TEXT);
    run_until_step(r->w, "traffic.soak", 1, "applied");
    assert_int_equal(weight_now(r->w), 50);
    cf_fake_kube_hook(r->w->dc1, NULL, NULL);
    assert_ok(journal_load(r->w, RUN_ID, &r->run, &err), &err);
    start_lane(r);
    struct cf_lane_ops ops = cf_lane_port(r->lane);
    assert_ok(ops.prepare(ops.self, r->run, &err), &err);
}

static void teardown(struct rig *r)
{
    cf_lane_stop(r->lane);
    cf_live_free(r->run);
    world_free(r->w);
    unlink(r->path);
    pthread_mutex_destroy(&r->mutex);
}

static enum cf_lane_state wait_for(struct rig *r, enum cf_lane_state want,
                                   struct cf_lane_view *view)
{
    struct cf_lane_ops ops = cf_lane_port(r->lane);
    for (int i = 0; i < 500; i++) {
        ops.view(ops.self, RUN_ID, view);
        if (view->state == want)
            break;
        usleep(10000);
    }
    return view->state;
}

static void an_alarm_sends_it_back_at_once(void **state)
{
    (void)state;
    struct rig r;
    struct cf_lane_view view;
    setup(&r);
    int64_t begun = cf_mono_now_ms();
    assert_true(cf_lane_alarm(r.lane, RUN_ID, "broken", 1000, 2000));
    assert_int_equal(wait_for(&r, CF_LANE_HOME, &view), CF_LANE_HOME);
    assert_true(cf_mono_now_ms() - begun < 2000);
    assert_int_equal(weight_now(r.w), 0);
    assert_string_equal(view.cause, "gate");
    assert_int_equal(view.bad_ms, 1000);
    assert_true(view.sent_ms > 0 && view.done_ms >= view.sent_ms);
    assert_false(cf_lane_alarm(r.lane, RUN_ID, "again", 1, 2));
    assert_false(cf_lane_alarm(r.lane, "0192f000-0000-7000-8000-00000000ffff", "unknown", 1, 2));
    assert_true(r.woken > 0);
    teardown(&r);
}

static void a_failing_api_server_is_tried_until_it_answers(void **state)
{
    (void)state;
    struct rig r;
    struct cf_lane_view view;
    setup(&r);
    struct cf_fake_fault away = { .method = "PATCH", .times = 4, .kind = CF_ERR_UNAVAILABLE };
    cf_fake_kube_fail(r.w->dc1, &away);
    assert_true(cf_lane_alarm(r.lane, RUN_ID, "broken", 1, 2));
    assert_int_equal(wait_for(&r, CF_LANE_HOME, &view), CF_LANE_HOME);
    assert_true(view.routers[0].tries >= 3);
    assert_int_equal(weight_now(r.w), 0);
    teardown(&r);
}

static void a_blocked_lane_does_not_fire(void **state)
{
    (void)state;
    struct rig r;
    struct cf_lane_view view;
    setup(&r);
    struct cf_lane_ops ops = cf_lane_port(r.lane);
    ops.block(ops.self, RUN_ID, "the source is dead");
    assert_false(cf_lane_alarm(r.lane, RUN_ID, "broken", 1, 2));
    assert_int_equal(weight_now(r.w), 50);
    ops.block(ops.self, RUN_ID, NULL);
    ops.fire(ops.self, RUN_ID, "operator", "because", 5000, &view);
    assert_int_equal(view.state, CF_LANE_HOME);
    assert_int_equal(weight_now(r.w), 0);
    teardown(&r);
}

static void a_disarmed_router_refuses(void **state)
{
    (void)state;
    struct rig r;
    struct cf_lane_view view;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading reading;
    struct cf_router_grip grip;
    setup(&r);
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = cf_fake_kube_client(r.w->dc1, "dc1");
    struct cf_pass p = { .run = r.run, .fence = r.w->fence };
    cf_pass_grip(&p, &r.run->routers[0], &grip);
    assert_ok(
        cf_router_set_arm(kube, NULL, r.run->routers[0].baseline, &grip, "", "d1", &reading, &err),
        &err);
    assert_true(cf_lane_alarm(r.lane, RUN_ID, "broken", 1, 2));
    assert_int_equal(wait_for(&r, CF_LANE_REFUSED, &view), CF_LANE_REFUSED);
    assert_int_equal(weight_now(r.w), 50);
    teardown(&r);
}

static void a_killed_process_goes_on_from_its_journal(void **state)
{
    (void)state;
    struct rig r;
    struct cf_lane_view view;
    setup(&r);
    struct cf_fake_fault away = { .method = "PATCH", .times = 1000000, .kind = CF_ERR_UNAVAILABLE };
    cf_fake_kube_fail(r.w->dc1, &away);
    assert_true(cf_lane_alarm(r.lane, RUN_ID, "broken", 1, 2));
    assert_int_equal(wait_for(&r, CF_LANE_FIRED, &view), CF_LANE_FIRED);
    usleep(100000);
    cf_lane_stop(r.lane);
    assert_int_equal(weight_now(r.w), 50);
    json_t *route = router_now(r.w);
    cf_fake_kube_free(r.w->dc1);
    r.w->dc1 = cf_fake_kube_new();
    cf_fake_kube_put_json(r.w->dc1, route);
    json_decref(route);
    start_lane(&r);
    assert_int_equal(wait_for(&r, CF_LANE_HOME, &view), CF_LANE_HOME);
    assert_string_equal(view.cause, "gate");
    assert_int_equal(weight_now(r.w), 0);
    struct cf_lane_ops ops = cf_lane_port(r.lane);
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(ops.forget(ops.self, RUN_ID, &err), &err);
    ops.view(ops.self, RUN_ID, &view);
    assert_int_equal(view.state, CF_LANE_QUIET);
    teardown(&r);
}

/* ---- the journal ---- */

static void a_torn_line_is_dropped_and_whole_ones_stay(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char path[] = "/tmp/crossfade-journal-XXXXXX";
    int fd = mkstemp(path);
    const char text[] = "{\"op\":\"forget\",\"run\":\"a\"}\n{\"op\":\"fired\",\"ru";
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    cf_autojson json_t *lines = NULL;
    struct cf_local_journal *j = cf_local_journal_open(path, &lines, &err);
    assert_non_null(j);
    assert_int_equal(json_array_size(lines), 1);
    cf_autojson json_t *line = json_pack("{s:s}", "op", "x");
    assert_ok(cf_local_journal_append(j, line, &err), &err);
    cf_local_journal_close(j);
    cf_autojson json_t *again = NULL;
    j = cf_local_journal_open(path, &again, &err);
    assert_int_equal(json_array_size(again), 2);
    cf_autojson json_t *one = json_pack("[{s:s}]", "op", "y");
    assert_ok(cf_local_journal_rewrite(j, one, &err), &err);
    assert_ok(cf_local_journal_append(j, line, &err), &err);
    cf_local_journal_close(j);
    cf_autojson json_t *last = NULL;
    j = cf_local_journal_open(path, &last, &err);
    cf_autofree char *dumped = cf_test_dump(last);
    assert_string_equal(dumped, "[{'op':'y'},{'op':'x'}]");
    cf_local_journal_close(j);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alarm_sends_it_back_at_once),
        cmocka_unit_test(a_failing_api_server_is_tried_until_it_answers),
        cmocka_unit_test(a_blocked_lane_does_not_fire),
        cmocka_unit_test(a_disarmed_router_refuses),
        cmocka_unit_test(a_killed_process_goes_on_from_its_journal),
        cmocka_unit_test(a_torn_line_is_dropped_and_whole_ones_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
