/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the edge tables: every pair of states is either in the table and taken, or refused and
 * left alone; every state can be reached; the pictures show every edge. */
#include "orchestrator/engine/fsm.h"
#include "orchestrator/engine/run.h"
#include "tests/support/test.h"

static bool in_table(const struct cf_edge *edges, int from, int to)
{
    for (; edges->event; edges++)
        if (edges->from == from && edges->to == to)
            return true;
    return false;
}

static void every_pair_of_run_states(void **state)
{
    (void)state;
    for (int from = 0; from < CF_RUN_STATES; from++) {
        for (int to = 0; to < CF_RUN_STATES; to++) {
            struct cf_error err = CF_ERROR_INIT;
            const struct cf_edge *edge = NULL;
            enum cf_run_state s = (enum cf_run_state)from;
            bool ok = cf_run_state_set(&s, (enum cf_run_state)to, &edge, &err);
            assert_int_equal(ok, in_table(cf_run_edges, from, to));
            assert_int_equal(s, ok ? to : from);
            assert_true(ok ? edge->event[0] != '\0' : err.kind == CF_ERR_BUG);
        }
    }
}

static void every_pair_of_step_states(void **state)
{
    (void)state;
    for (int from = 0; from < CF_STEP_STATES; from++) {
        for (int to = 0; to < CF_STEP_STATES; to++) {
            struct cf_error err = CF_ERROR_INIT;
            const struct cf_edge *edge = NULL;
            enum cf_step_state s = (enum cf_step_state)from;
            bool ok = cf_step_state_set(&s, (enum cf_step_state)to, &edge, &err);
            assert_int_equal(ok, in_table(cf_step_edges, from, to));
            assert_int_equal(s, ok ? to : from);
        }
    }
}

/* After a rollback nothing goes forward again. */
static void nothing_leads_from_rolling_back_to_active(void **state)
{
    (void)state;
    for (const struct cf_edge *e = cf_run_edges; e->event; e++) {
        assert_int_not_equal(e->to, CF_RUN_ACTIVE);
        if (e->from == CF_RUN_ROLLING_BACK)
            assert_true(cf_run_state_is_terminal((enum cf_run_state)e->to));
        assert_false(cf_run_state_is_terminal((enum cf_run_state)e->from));
    }
}

static bool reaches(const struct cf_edge *edges, int from, int to, unsigned seen)
{
    if (from == to)
        return true;
    for (const struct cf_edge *e = edges; e->event; e++)
        if (e->from == from && !(seen & (1u << e->to)) &&
            reaches(edges, e->to, to, seen | (1u << e->to)))
            return true;
    return false;
}

static void every_state_can_be_reached(void **state)
{
    (void)state;
    for (int s = 0; s < CF_RUN_STATES; s++)
        assert_true(reaches(cf_run_edges, CF_RUN_ACTIVE, s, 1u));
    for (int s = 0; s < CF_STEP_STATES; s++)
        assert_true(reaches(cf_step_edges, CF_STEP_PLANNED, s, 1u));
}

static void names_are_read_back(void **state)
{
    (void)state;
    enum cf_run_state r;
    enum cf_step_state s;
    for (int i = 0; i < CF_RUN_STATES; i++) {
        assert_true(cf_run_state_parse(cf_run_state_name((enum cf_run_state)i), &r));
        assert_int_equal(r, i);
    }
    for (int i = 0; i < CF_STEP_STATES; i++) {
        assert_true(cf_step_state_parse(cf_step_state_name((enum cf_step_state)i), &s));
        assert_int_equal(s, i);
    }
    assert_false(cf_run_state_parse("running", &r));
    assert_false(cf_step_state_parse(NULL, &s));
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

static void pictures_show_every_edge(void **state)
{
    (void)state;
    size_t run_edges = 0, step_edges = 0;
    for (const struct cf_edge *e = cf_run_edges; e->event; e++)
        run_edges++;
    for (const struct cf_edge *e = cf_step_edges; e->event; e++)
        step_edges++;
    CF_CLEANUP(cf_buf_free) struct cf_buf run = CF_BUF_INIT(65536);
    CF_CLEANUP(cf_buf_free) struct cf_buf step = CF_BUF_INIT(65536);
    CF_CLEANUP(cf_buf_free) struct cf_buf rows = CF_BUF_INIT(65536);
    assert_true(cf_fsm_mermaid("run", &run));
    assert_true(cf_fsm_mermaid("step", &step));
    assert_true(cf_fsm_markdown("step", &rows));
    assert_false(cf_fsm_mermaid("plan", &rows));
    assert_int_equal(strncmp(cf_buf_str(&run), "stateDiagram-v2\n", 16), 0);
    assert_non_null(strstr(cf_buf_str(&run), "active --> rolling_back: "));
    assert_int_equal(count(cf_buf_str(&run), " --> "), run_edges + 1 + 4);
    assert_int_equal(count(cf_buf_str(&step), " --> "), step_edges + 1 + 1);
    assert_int_equal(count(cf_buf_str(&rows), "\n"), step_edges + 2);
}

/* What a step said of its effect is no longer so once the effect is taken back. */
static void an_undone_step_does_not_boast(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *events = json_array();
    struct cf_step step = { .kind = "propagate", .state = CF_STEP_DONE, .begun = true };
    cf_step_say(&step, "8 objects are in west");
    assert_true(cf_step_to(&step, CF_STEP_UNDOING, events, 1, &err));
    assert_string_equal(step.message, "");
    assert_true(cf_step_to(&step, CF_STEP_UNDONE, events, 2, &err));
    assert_string_equal(step.message, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_run_states),
        cmocka_unit_test(every_pair_of_step_states),
        cmocka_unit_test(nothing_leads_from_rolling_back_to_active),
        cmocka_unit_test(every_state_can_be_reached),
        cmocka_unit_test(names_are_read_back),
        cmocka_unit_test(pictures_show_every_edge),
        cmocka_unit_test(an_undone_step_does_not_boast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
