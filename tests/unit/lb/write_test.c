/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the fenced write protocol on an API server in memory, for each router type: who may write
 * when, what a late or lost write does, and what a reader is told about it. */
#include "tests/unit/lb/world.h"

/* ---- each for all types ---- */

static void up_and_back(struct world *w)
{
    struct cf_router_reading r;
    forward(w, 5, "f1");
    forward(w, 50, "f2");
    cf_autojson json_t *document = prepare(w, "gate");
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_OURS);
    assert_int_equal(r.weight, 0);
    assert_true(r.emergency);
    assert_string_equal(r.emergency_why, "gate");
    assert_string_equal(r.seq, cf_json_str(document, "", "seq", NULL));
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_OURS);
}

static void a_late_forward_fails_after_a_rollback(struct world *w)
{
    struct cf_router_reading r;
    struct cf_router_grip late = w->grip;
    cf_autojson json_t *document = prepare(w, "operator");
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_OURS);
    assert_int_equal(try_forward(w, &late, -1, 25, "f1", &r), CF_ROUTER_OVERTAKEN);
    assert_true(r.emergency);
    assert_int_equal(weight_now(w), 0);
}

/* The same without the read before: the patch itself must fail, whatever the sender believes. */
static void a_forward_in_flight_fails_after_a_rollback(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    struct cf_object_ref ref = cf_ref(w->api_version, w->kind, "shop", w->name);
    cf_autojson json_t *before = peek(w);
    cf_autojson json_t *in_flight =
        cf_router_render_forward(w->baseline, before, &w->grip, 25, "f1", &err);
    cf_autojson json_t *document = prepare(w, "operator");
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_OURS);
    assert_fails(cf_kube_json_patch(w->kube, NULL, &ref, in_flight, NULL, NULL, &err), &err,
                 CF_ERR_INVALID, NULL);
    assert_int_equal(weight_now(w), 0);
}

static void a_newer_owner_fences_the_older(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    struct cf_router_grip old = w->grip, newer = w->grip;
    cf_autojson json_t *old_document = prepare(w, "gate");
    cf_autojson json_t *before = peek(w);
    cf_autojson json_t *in_flight =
        cf_router_render_forward(w->baseline, before, &old, 25, "f1", &err);
    newer.epoch = 8;
    touch(w, &newer, CF_ROUTER_OURS);
    assert_string_not_equal(newer.arm, old.arm);
    assert_string_not_equal(newer.seq, old.seq);

    struct cf_object_ref ref = cf_ref(w->api_version, w->kind, "shop", w->name);
    assert_fails(cf_kube_json_patch(w->kube, NULL, &ref, in_flight, NULL, NULL, &err), &err,
                 CF_ERR_INVALID, NULL);
    assert_int_equal(try_forward(w, &old, -1, 25, "f2", &r), CF_ROUTER_FENCED);
    assert_int_equal(try_rollback(w, old_document, &r), CF_ROUTER_FENCED);
    touch(w, &old, CF_ROUTER_FENCED);
    assert_int_equal(try_forward(w, &newer, 0, 25, "f3", &r), CF_ROUTER_OURS);
    assert_int_equal(r.epoch, 8);
}

static void an_old_rollback_fails_after_disarming(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    forward(w, 100, "f1");
    cf_autojson json_t *document = prepare(w, "gate");
    assert_ok(cf_router_set_arm(w->kube, NULL, w->baseline, &w->grip, "", "d1", &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_FENCED);
    assert_int_equal(weight_now(w), 100);
    json_t *none = NULL;
    assert_fails(
        cf_router_prepare_rollback(w->kube, NULL, w->baseline, &w->grip, "gate", &none, &err), &err,
        CF_ERR_INVALID, "not armed");

    struct cf_router_grip newer = w->grip;
    newer.epoch = 9;
    touch(w, &newer, CF_ROUTER_OURS);
    assert_string_equal(newer.arm, "");
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_FENCED);

    assert_ok(cf_router_set_arm(w->kube, NULL, w->baseline, &newer, "fresh", "d2", &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    w->grip = newer;
    cf_autojson json_t *again = prepare(w, "gate");
    assert_int_equal(try_rollback(w, again, &r), CF_ROUTER_OURS);
    assert_int_equal(weight_now(w), 0);
}

static void another_store_is_foreign(struct world *w)
{
    struct cf_router_reading r;
    struct cf_router_grip other = w->grip;
    snprintf(other.incarnation, sizeof other.incarnation, "another-store");
    other.epoch = 99;
    touch(w, &other, CF_ROUTER_FOREIGN);
    assert_int_equal(try_forward(w, &other, -1, 25, "f1", &r), CF_ROUTER_FOREIGN);
}

static void another_run_is_fenced(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    struct cf_router_grip other = w->grip;
    snprintf(other.run, sizeof other.run, OTHER_RUN);
    touch(w, &other, CF_ROUTER_FENCED);
    assert_int_equal(try_forward(w, &other, -1, 25, "f1", &r), CF_ROUTER_FENCED);
    assert_ok(cf_router_adopt(w->kube, NULL, w->baseline, &other, &r, &err), &err);
    assert_state(&r, CF_ROUTER_FENCED);
    assert_string_equal(r.run, RUN);
    assert_ok(cf_router_restore(w->kube, NULL, w->baseline, &other, &r, &err), &err);
    assert_state(&r, CF_ROUTER_FENCED);
}

static void adopting_twice_is_once(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    cf_fake_kube_log_reset(w->fake);
    assert_ok(cf_router_adopt(w->kube, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(cf_fake_kube_writes(w->fake), 0);
    struct cf_router_grip other_nonce = w->grip;
    snprintf(other_nonce.seq, sizeof other_nonce.seq, "s9");
    assert_ok(cf_router_adopt(w->kube, NULL, w->baseline, &other_nonce, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OVERTAKEN);
    assert_int_equal(cf_fake_kube_writes(w->fake), 0);
}

static void a_lost_answer_is_read_back(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    struct cf_fake_fault lost = {
        .method = "PATCH", .times = 1, .kind = CF_ERR_UNKNOWN, .after = true
    };
    cf_fake_kube_log_reset(w->fake);
    cf_fake_kube_fail(w->fake, &lost);
    assert_int_equal(try_forward(w, &w->grip, 0, 25, "f1", &r), CF_ROUTER_OURS);
    assert_int_equal(cf_fake_kube_writes(w->fake), 1);
    assert_int_equal(r.weight, 25);

    struct cf_fake_fault never = { .method = "PATCH", .times = 1, .kind = CF_ERR_UNKNOWN };
    cf_fake_kube_fail(w->fake, &never);
    assert_int_equal(try_forward(w, &w->grip, 25, 50, "f2", &r), CF_ROUTER_OURS);
    assert_int_equal(weight_now(w), 50);

    struct cf_fake_fault error = {
        .method = "PATCH", .times = 1, .status = 500, .reason = "InternalError", .after = true
    };
    cf_fake_kube_fail(w->fake, &error);
    assert_int_equal(try_forward(w, &w->grip, 50, 75, "f3", &r), CF_ROUTER_OURS);
    assert_int_equal(weight_now(w), 75);

    struct cf_fake_fault busy = {
        .method = "PATCH", .times = 1, .status = 503, .reason = "ServiceUnavailable"
    };
    cf_fake_kube_fail(w->fake, &busy);
    assert_fails(cf_router_forward(w->kube, NULL, w->baseline, &w->grip, 75, 100, "f4", &r, &err),
                 &err, CF_ERR_TRANSIENT, "write ");
    assert_string_equal(w->grip.seq, "f3");

    struct cf_fake_fault touch_lost = {
        .method = "PATCH", .times = 1, .kind = CF_ERR_UNKNOWN, .after = true
    };
    cf_fake_kube_fail(w->fake, &touch_lost);
    cf_fake_kube_log_reset(w->fake);
    w->grip.epoch = 8;
    touch(w, &w->grip, CF_ROUTER_OURS);
    assert_int_equal(cf_fake_kube_writes(w->fake), 1);
    forward(w, 80, "f5");
}

static void an_unreadable_outcome_is_unknown(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    struct cf_fake_fault lost = {
        .method = "PATCH", .times = 1, .kind = CF_ERR_UNKNOWN, .after = true
    };
    cf_autojson json_t *document = prepare(w, "gate");
    cf_fake_kube_fail(w->fake, &lost);
    assert_fails(cf_router_rollback(w->kube, NULL, document, &r, &err), &err, CF_ERR_UNKNOWN,
                 "send traffic back");
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_OURS);
}

static void foreign_marks_and_labels_do_not_disturb(struct world *w)
{
    struct cf_router_reading r;
    edit(w, "[{'op':'add','path':'/metadata/annotations/team','value':'x'}]");
    assert_int_equal(try_forward(w, &w->grip, 0, 25, "f1", &r), CF_ROUTER_OURS);
}

static void marks_that_vanish_are_drift(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    forward(w, 25, "f1");
    cf_autojson json_t *document = prepare(w, "gate");
    char key[CF_MARK_KEY_MAX], text[256];
    cf_mark_key(CF_MARK_RUN, cf_json_str(w->baseline, "", "slot", NULL), key);
    snprintf(text, sizeof text,
             "[{'op':'remove','path':'/metadata/annotations/crossfade.dev~1%s'}]",
             strchr(key, '/') + 1);
    edit(w, text);
    assert_int_equal(try_forward(w, &w->grip, -1, 50, "f2", &r), CF_ROUTER_DRIFTED);
    assert_non_null(strstr(r.what, "annotations are gone"));
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_DRIFTED);
    assert_int_equal(r.weight, 25);
    /* The owner, whose fence the database has checked, takes it again and may then go back. */
    snprintf(w->grip.arm, sizeof w->grip.arm, "a9");
    snprintf(w->grip.seq, sizeof w->grip.seq, "s9");
    assert_ok(cf_router_adopt(w->kube, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(r.weight, 25);
    cf_autojson json_t *again = prepare(w, "gate");
    assert_int_equal(try_rollback(w, again, &r), CF_ROUTER_OURS);
    assert_int_equal(weight_now(w), 0);
}

static void an_object_that_vanishes_is_drift(struct world *w)
{
    struct cf_router_reading r;
    cf_autojson json_t *document = prepare(w, "gate");
    cf_fake_kube_remove(w->fake, w->api_version, w->kind, "shop", w->name);
    assert_int_equal(try_forward(w, &w->grip, -1, 50, "f1", &r), CF_ROUTER_DRIFTED);
    assert_non_null(strstr(r.what, "is gone"));
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_DRIFTED);
    touch(w, &w->grip, CF_ROUTER_DRIFTED);
}

static void restore_and_release_end_it(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    forward(w, 25, "f1");
    cf_autojson json_t *document = prepare(w, "gate");
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_OURS);
    assert_ok(cf_router_restore(w->kube, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OVERTAKEN);
    snprintf(w->grip.seq, sizeof w->grip.seq, "%s", cf_json_str(document, "", "seq", NULL));
    assert_ok(cf_router_restore(w->kube, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_ok(cf_router_restore(w->kube, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(try_rollback(w, document, &r), CF_ROUTER_DRIFTED);
}

typedef void (*story)(struct world *w);

static void run_for_all_types(story s)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++) {
        struct world w;
        setup(&w, &types[i]);
        s(&w);
        teardown(&w);
    }
}

static void a_touch_meets_other_writers(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    struct intruder in = { .w = w, .left = 2 };
    cf_fake_kube_hook(w->fake, intrude, &in);
    w->grip.epoch = 8;
    touch(w, &w->grip, CF_ROUTER_OURS);
    assert_int_equal(in.left, 0);
    in.left = 100;
    struct cf_router_grip before = w->grip;
    assert_fails(cf_router_touch(w->kube, NULL, w->baseline, &w->grip, &r, &err), &err,
                 CF_ERR_CONFLICT, "touch ");
    assert_string_equal(before.seq, w->grip.seq);
    cf_fake_kube_hook(w->fake, NULL, NULL);
}

/* Two owners race: of the patches rendered from one state, one wins and the other is told. */
static void two_writers_one_seq(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref(w->api_version, w->kind, "shop", w->name);
    cf_autojson json_t *object = peek(w);
    cf_autojson json_t *a = cf_router_render_forward(w->baseline, object, &w->grip, 25, "fa", &err);
    cf_autojson json_t *b = cf_router_render_forward(w->baseline, object, &w->grip, 50, "fb", &err);
    assert_ok(cf_kube_json_patch(w->kube, NULL, &ref, a, NULL, NULL, &err), &err);
    assert_fails(cf_kube_json_patch(w->kube, NULL, &ref, b, NULL, NULL, &err), &err, CF_ERR_INVALID,
                 NULL);
    struct cf_router_reading r;
    assert_int_equal(try_forward(w, &w->grip, -1, 50, "fb", &r), CF_ROUTER_OVERTAKEN);
    assert_int_equal(r.weight, 25);
    assert_int_equal(r.want, 25);
}

#define FOR_ALL(name)                                                                              \
    static void name##_test(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        run_for_all_types(name);                                                                   \
    }
FOR_ALL(up_and_back)
FOR_ALL(a_late_forward_fails_after_a_rollback)
FOR_ALL(a_forward_in_flight_fails_after_a_rollback)
FOR_ALL(a_newer_owner_fences_the_older)
FOR_ALL(an_old_rollback_fails_after_disarming)
FOR_ALL(another_store_is_foreign)
FOR_ALL(another_run_is_fenced)
FOR_ALL(adopting_twice_is_once)
FOR_ALL(a_lost_answer_is_read_back)
FOR_ALL(an_unreadable_outcome_is_unknown)
FOR_ALL(foreign_marks_and_labels_do_not_disturb)
FOR_ALL(marks_that_vanish_are_drift)
FOR_ALL(an_object_that_vanishes_is_drift)
FOR_ALL(restore_and_release_end_it)
FOR_ALL(a_touch_meets_other_writers)
FOR_ALL(two_writers_one_seq)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_and_back_test),
        cmocka_unit_test(a_late_forward_fails_after_a_rollback_test),
        cmocka_unit_test(a_forward_in_flight_fails_after_a_rollback_test),
        cmocka_unit_test(a_newer_owner_fences_the_older_test),
        cmocka_unit_test(an_old_rollback_fails_after_disarming_test),
        cmocka_unit_test(another_store_is_foreign_test),
        cmocka_unit_test(another_run_is_fenced_test),
        cmocka_unit_test(adopting_twice_is_once_test),
        cmocka_unit_test(a_lost_answer_is_read_back_test),
        cmocka_unit_test(an_unreadable_outcome_is_unknown_test),
        cmocka_unit_test(foreign_marks_and_labels_do_not_disturb_test),
        cmocka_unit_test(marks_that_vanish_are_drift_test),
        cmocka_unit_test(an_object_that_vanishes_is_drift_test),
        cmocka_unit_test(restore_and_release_end_it_test),
        cmocka_unit_test(a_touch_meets_other_writers_test),
        cmocka_unit_test(two_writers_one_seq_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
