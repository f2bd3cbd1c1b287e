/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that a freeze needs the target only to go on: while its API server does not answer, the source's
 * writers start again and have their traffic, whoever ends the freeze; what is left waits for the target. */
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN DATA_PLAN AUTO DATA_VOLUMES("") DISCARD

static const struct {
    const char *step, *step_is;
    int passes; /* after that */
    bool by_person;
} rows[] = {
    { "quiesce", "applied", 0, true },
    { "quiesce", "done", 0, true },
    { "volume.final_sync", "applied", 0, true },
    { "volume.final_sync", "applied", 1, true },
    { "volume.final_sync", "applied", 2, true },
    { "volume.final_sync", "applied", 3, true },
    { "volume.final_sync", "applied", 0, false }, /* maxPause ends it */
    { "volume.final_sync", "applied", 2, false },
    { "volume.final_sync", "applied", 3, false },
};

static void it_does_not_keep_the_source_frozen(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct data *d = data_new(PLAN);
        data_until_step(d, rows[i].step, 0, rows[i].step_is);
        for (int k = 0; k < rows[i].passes; k++)
            data_pass(d);
        assert_string_equal(step_state(d->w, "writers.switch", 0), "planned");
        d->target_away = true;
        if (rows[i].by_person)
            roll_back(d, NULL);
        for (int k = 0; k < 400 && event_at(d, "run.traffic.home", NULL) < 0; k++)
            data_pass(d);
        if (event_at(d, "run.traffic.home", NULL) < 0 || replicas(d->w->dc1) != 1) {
            dump_run(d->w);
            fail_msg("%s %s: the source has %d replicas; %s: %s", rows[i].step, rows[i].step_is,
                     replicas(d->w->dc1), hold_of(d->w), hold_message(d->w));
        }
        data_until(d, "cluster-unreachable", 20);
        d->target_away = false;
        data_until(d, "rolled-back", 300);
        assert_home(d, rows[i].step);
        data_free(d);
    }
}

/* What it might have written cannot be asked for, and it may be at work: the source stays as it is. */
static void once_it_may_write_it_has_to_answer(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN);
    data_until_step(d, "writers.switch", 0, "done");
    d->target_away = true;
    roll_back(d, "discard");
    data_until(d, "cluster-unreachable", 100);
    for (int i = 0; i < 50; i++)
        data_pass(d);
    assert_int_equal(replicas(d->w->dc1), 0);
    assert_int_equal(event_at(d, "run.traffic.home", NULL), -1);
    d->target_away = false;
    data_until(d, "rolled-back", 300);
    assert_home(d, "it answers again");
    data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_does_not_keep_the_source_frozen),
        cmocka_unit_test(once_it_may_write_it_has_to_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
