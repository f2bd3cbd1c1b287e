/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that standstill is noticed, although a look that only sees bytes move records nothing and each
 * pass of the engine begins with what was recorded: whatever the phase, a person is told, and a mover that
 * fell back is canceled. */
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN DATA_PLAN AUTO DATA_VOLUMES(", maxPause: 1d") DISCARD

enum { MINUTE = 60 * 1000 };

static const struct place {
    const char *step, *step_is;
    bool restore;
    const char *kind;
} places[] = {
    { "volume.sync", "planned", false, "Backup" },
    { "quiesce", "done", false, "Backup" },
    { "quiesce", "done", true, "Restore" },
};

static struct data *with_fault(const struct place *at, enum fault fault)
{
    struct data *d = data_new(PLAN);
    data_until_step(d, at->step, 0, at->step_is);
    *(at->restore ? &d->velero.restore_fault : &d->velero.backup_fault) = fault;
    d->velero.fault_times = 1;
    return d;
}

static struct side *side_of(struct data *d, const struct place *at)
{
    return at->restore ? &d->velero.west : &d->velero.east;
}

/* The one that is in this phase; NULL: none is. */
static json_t *in_phase(struct data *d, const struct place *at, const char *phase)
{
    cf_autojson json_t *items = all(&d->velero, side_of(d, at), CF_VELERO_V1, at->kind, "velero");
    size_t i;
    json_t *one;
    json_array_foreach(items, i, one)
    {
        if (strcmp(phase_of(one), phase) == 0)
            return json_incref(one);
    }
    return NULL;
}

static json_t *until_phase(struct data *d, const struct place *at, const char *phase)
{
    json_t *one = in_phase(d, at, phase);
    for (int i = 0; i < 200 && !one; i++) {
        data_pass(d);
        one = in_phase(d, at, phase);
    }
    if (!one) {
        dump_run(d->w);
        fail_msg("%s %s: no %s is %s", at->step, at->step_is, at->kind, phase);
    }
    return one;
}

static void pass_for(struct data *d, int64_t ms, int64_t each)
{
    for (int64_t end = d->w->now + ms; d->w->now < end;) {
        data_pass(d);
        d->w->now += each;
    }
}

/* It was seen in another phase first; what has its limit is the one in which it stands still. */
static void what_stands_still_is_a_hold_that_names_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
        struct data *d = with_fault(&places[i], HANGS);
        cf_autojson json_t *stands = until_phase(d, &places[i], "InProgress");
        pass_for(d, 14 * MINUTE, 5000);
        assert_string_equal(hold_of(d->w), "");
        pass_for(d, 2 * MINUTE, 5000);
        cf_autofree char *want =
            cf_xasprintf("%s %s on %s has been InProgress for 15 minutes: is its Velero server",
                         places[i].kind, name_of(stands), side_of(d, &places[i])->name);
        if (strcmp(hold_of(d->w), "data") != 0 || !strstr(hold_message(d->w), want)) {
            dump_run(d->w);
            fail_msg("%s: hold %s: %s", want, hold_of(d->w), hold_message(d->w));
        }
        d->velero.fault_times = 0;
        data_until(d, "completed", 300);
        data_free(d);
    }
}

static void report_progress(struct data *d, const struct place *at, int bytes)
{
    cf_autojson json_t *moves = in_phase(d, at, "InProgress");
    assert_non_null(moves);
    cf_json_put_take(moves, json_integer(bytes), "status", "progress", "itemsRestored", NULL);
    put(side_of(d, at), moves);
}

/* Not even for as long as twice the limit, and whatever the looks see of it. */
static void what_moves_is_never_called_stuck(void **state)
{
    (void)state;
    static const int64_t every[] = { 10 * 1000, 14 * MINUTE };
    for (size_t i = 0; i < CF_ARRAY_LEN(every); i++) {
        const struct place *at = &places[2];
        struct data *d = with_fault(at, HANGS);
        json_decref(until_phase(d, at, "InProgress"));
        int bytes = 0;
        for (int64_t end = d->w->now + 30 * MINUTE; d->w->now < end;) {
            report_progress(d, at, ++bytes);
            pass_for(d, every[i], CF_MIN(every[i] / 3, (int64_t)5000));
            assert_string_equal(hold_of(d->w), "");
        }
        data_free(d);
    }
}

/* An agent that says Prepared once more, too late, is waited for no longer than it takes to be sure. */
static void a_mover_that_fell_back_is_canceled_and_the_run_completes(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
        struct data *d = with_fault(&places[i], FALLS_BACK);
        json_decref(until_phase(d, &places[i], "InProgress"));
        pass_for(d, MINUTE, 0);
        assert_int_equal(d->velero.fault_times, 1); /* six of its reports are given to it */
        pass_for(d, MINUTE, 0);
        if (d->velero.fault_times != 0) {
            dump_run(d->w);
            fail_msg("%s after %s: nobody canceled it", places[i].kind, places[i].step);
        }
        data_until(d, "completed", 300);
        assert_string_equal(hold_of(d->w), "");
        data_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_still_is_a_hold_that_names_it),
        cmocka_unit_test(what_moves_is_never_called_stuck),
        cmocka_unit_test(a_mover_that_fell_back_is_canceled_and_the_run_completes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
