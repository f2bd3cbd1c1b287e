/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the keys of the marks, how they are read, who excludes whom, and the list of problems. */
#include "tests/unit/lb/fixtures.h"

static void keys(void **state)
{
    (void)state;
    char key[CF_MARK_KEY_MAX], slot[CF_SLOT_MAX];
    assert_string_equal(cf_mark_key(CF_MARK_RUN, "", key), "crossfade.dev/run");
    assert_string_equal(cf_mark_key(CF_MARK_INCARNATION, "checkout", key),
                        "crossfade.dev/incarnation.checkout");
    assert_string_equal(cf_mark_slot("checkout-v1.2_x", slot), "checkout-v1.2_x");
    assert_string_equal(cf_mark_slot("", slot), "");
    assert_int_equal(strlen(cf_mark_slot("with space", slot)), 10);
    assert_int_equal(strncmp(slot, "x-", 2), 0);
    assert_int_equal(strncmp(cf_mark_slot("ends-with-dash-", slot), "x-", 2), 0);
    char longest[300];
    memset(longest, 'r', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(strlen(cf_mark_slot(longest, slot)), 10);
    for (int m = 0; m < CF_MARKS; m++) {
        longest[CF_SLOT_MAX - 1] = '\0';
        cf_mark_key((enum cf_mark)m, cf_mark_slot(longest, slot), key);
        assert_true(strlen(strchr(key, '/') + 1) <= 63);
    }
}

static void reading(void **state)
{
    (void)state;
    struct cf_marks m;
    cf_autojson json_t *o = js(
        "{'metadata':{'annotations':{'crossfade.dev/run':'r','crossfade.dev/epoch':'12',"
        "'crossfade.dev/arm':'','crossfade.dev/seq':'s','crossfade.dev/want':'25',"
        "'crossfade.dev/emergency':'gate','crossfade.dev/run.b':'q','crossfade.dev/epoch.b':'-3',"
        "'crossfade.dev/want.b':'101','crossfade.dev/seq.b':7}}}");
    cf_marks_read(o, "", &m);
    assert_true(m.present);
    assert_int_equal(m.epoch, 12);
    assert_int_equal(m.want, 25);
    assert_string_equal(m.emergency, "gate");
    cf_marks_read(o, "b", &m);
    assert_true(m.present);
    assert_int_equal(m.epoch, 0);
    assert_int_equal(m.want, -1);
    assert_string_equal(m.seq, "");
    cf_marks_read(o, "c", &m);
    assert_false(m.present);
    cf_marks_read(NULL, "", &m);
    assert_false(m.present);
}

static void who_else_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *marks, *slot, *run, *holder;
    } cases[] = {
        { "{}", "", "me", NULL },
        { "{'crossfade.dev/run':'me'}", "", "me", NULL },
        { "{'crossfade.dev/run':'you'}", "", "me", "you" },
        { "{'crossfade.dev/run':'you'}", "a", "me", "you" },
        { "{'crossfade.dev/run.a':'you'}", "a", "me", "you" },
        { "{'crossfade.dev/run.b':'you'}", "a", "me", NULL },
        { "{'crossfade.dev/run.b':'you'}", "", "me", "you" },
        { "{'crossfade.dev/run':''}", "", "me", NULL },
        { "{'crossfade.dev/runner':'you'}", "", "me", NULL },
        { "{'crossfade.dev/run':'you'}", "", "", "you" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        char holder[64] = "";
        cf_autojson json_t *marks = js(cases[i].marks);
        cf_autojson json_t *o = json_pack("{s{sO}}", "metadata", "annotations", marks);
        bool held = cf_marks_other_run(o, cases[i].slot, cases[i].run, holder, sizeof holder);
        if (held != (cases[i].holder != NULL))
            fail_msg("case %zu", i);
        if (held)
            assert_string_equal(holder, cases[i].holder);
    }
}

static void nonces_differ(void **state)
{
    (void)state;
    char a[CF_NONCE_TEXT], b[CF_NONCE_TEXT];
    assert_int_equal(strlen(cf_nonce(a)), CF_NONCE_TEXT - 1);
    assert_string_not_equal(a, cf_nonce(b));
}

static void problems_are_bounded(void **state)
{
    (void)state;
    struct cf_problems list = { 0 };
    assert_false(cf_problems_block(&list));
    for (int i = 0; i < CF_PROBLEMS_MAX + 3; i++)
        cf_problems_add(&list, CF_PROBLEM_WARNING, "w", "warning %d", i);
    assert_int_equal(list.count, CF_PROBLEMS_MAX);
    assert_int_equal(list.left_out, 3);
    cf_problems_add(&list, CF_PROBLEM_BLOCKER, "b", "blocker");
    assert_true(cf_problems_block(&list));
    assert_true(cf_problems_has(&list, "b"));
    assert_false(cf_problems_has(&list, "c"));
    assert_string_equal(cf_problems_first_blocker(&list)->text, "blocker");
    for (int i = 0; i < 2 * CF_PROBLEMS_MAX; i++)
        cf_problems_add(&list, CF_PROBLEM_BLOCKER, "b", "blocker");
    assert_int_equal(list.count, CF_PROBLEMS_MAX);
    assert_false(cf_problems_has(&list, "w"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(reading),
        cmocka_unit_test(who_else_is_there),
        cmocka_unit_test(nonces_differ),
        cmocka_unit_test(problems_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
