/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that nothing is frozen while a claim or a writer has come since the data first went ahead, and that a
 * person's resume takes it along. */
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN DATA_PLAN AUTO DATA_VOLUMES("") DISCARD

static json_t *intent_of(struct data *d)
{
    return cf_json_unconst(cf_json_at(step_at(d->w, "volume.sync", 0), "intent", NULL));
}

static void resume(struct data *d)
{
    act(d->w, "resume");
    for (int i = 0; i < 20 && !json_object_get(intent_of(d), "names"); i++)
        data_pass(d);
    json_object_set_new(intent_of(d), "names", json_array()); /* nobody keeps bridges here */
}

/* An autoscaler's doing: the writer's copy is what it was, and the source has one more claim of it. */
static void a_claim_that_comes_later(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN);
    data_until_step(d, "volume.sync", 0, "applied");
    cf_autojson json_t *other = cf_test_json("[{'name':'older','strategy':'veleroFsBackup'}]");
    json_object_set(intent_of(d), "claims", other); /* what there was before */
    data_until(d, "source-changed", 100);
    assert_non_null(strstr(hold_message(d->w), "claim data of dc1 has come since"));
    assert_string_equal(step_state(d->w, "quiesce", 0), "planned");
    assert_int_equal(replicas(d->w->dc1), 1);
    int passes = count_events(d->w, "step.done");
    resume(d);
    data_until(d, "completed", 300);
    assert_true(count_events(d->w, "step.done") > passes);
    const json_t *claims = json_object_get(intent_of(d), "claims");
    assert_int_equal(json_array_size(claims), 1);
    assert_string_equal(cf_json_str(json_array_get(claims, 0), "", "name", NULL), "data");
    data_free(d);
}

static void a_writer_that_comes_later(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN);
    data_until_step(d, "volume.sync", 0, "applied");
    json_object_set_new(intent_of(d), "writers", json_array());
    data_until(d, "source-changed", 100);
    assert_non_null(strstr(hold_message(d->w), "Deployment echo of dc1 has come since"));
    resume(d);
    data_until_step(d, "quiesce", 0, "done");
    assert_int_equal(replicas(d->w->dc1), 0);
    data_until(d, "completed", 300);
    data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_that_comes_later),
        cmocka_unit_test(a_writer_that_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
