/* SPDX-License-Identifier: Apache-2.0 */
/* Proves label selectors in text and object form, plain maps, and name patterns. */
#include "tests/support/test.h"

#include "federation/objects/selector.h"
#include "tests/support/quick_json.h"

static void text_selectors(void **state)
{
    (void)state;
    cf_autojson json_t *labels = cf_test_json("{'app':'web','tier':'front','empty':''}");
    static const struct {
        const char *text;
        bool want;
    } table[] = {
        /* clang-format off */
        { "app=web", true },         { "app==web", true },          { "app=db", false },          { "app!=db", true },
        { "app!=web", false },       { "none!=x", true },           { "app", true },              { "none", false },
        { "!none", true },           { "!app", false },             { "app=web,tier=front", true }, { "app=web,tier=back", false },
        { "app in (db, web)", true }, { "app in (db)", false },     { "app notin (db)", true },   { "none notin (db)", true },
        { "app notin (web)", false }, { "empty=", true },           { " app = web , tier ", true }, { "app in web", false },
        { "=web", false },           { "app=web,", false },         { "app in (web", false },     { "", false },
        { "app within (web)", false },
        /* clang-format on */
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++)
        if (cf_selector_text_matches(table[i].text, labels) != table[i].want)
            fail_msg("\"%s\" is not %s", table[i].text, table[i].want ? "true" : "false");
}

static void object_selectors(void **state)
{
    (void)state;
    cf_autojson json_t *labels = cf_test_json("{'app':'web'}");
    static const struct {
        const char *selector;
        bool want;
    } table[] = {
        { "{}", true },
        { "{'matchLabels':{'app':'web'}}", true },
        { "{'matchLabels':{'app':'db'}}", false },
        { "{'matchExpressions':[{'key':'app','operator':'In','values':['web','db']}]}", true },
        { "{'matchExpressions':[{'key':'app','operator':'NotIn','values':['web']}]}", false },
        { "{'matchExpressions':[{'key':'x','operator':'NotIn','values':['web']}]}", true },
        { "{'matchExpressions':[{'key':'app','operator':'Exists'}]}", true },
        { "{'matchExpressions':[{'key':'x','operator':'DoesNotExist'}]}", true },
        { "{'matchExpressions':[{'key':'app','operator':'Bogus'}]}", false },
        { "{'matchLabels':{'app':'web'},'matchExpressions':[{'key':'x','operator':'Exists'}]}",
          false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        cf_autojson json_t *s = cf_test_json(table[i].selector);
        if (cf_selector_object_matches(s, labels) != table[i].want)
            fail_msg("%s is not %s", table[i].selector, table[i].want ? "true" : "false");
    }
    assert_false(cf_selector_object_matches(NULL, labels));
    cf_autojson json_t *empty = json_object();
    assert_false(cf_selector_map_matches(empty, labels));
    assert_false(cf_selector_map_matches(NULL, labels));
    assert_true(cf_selector_map_matches(labels, labels));
}

static void name_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool want;
    } table[] = {
        { "web", "web", true },       { "web", "web1", false },
        { "web*", "web-1", true },    { "*", "", true },
        { "*b", "aab", true },        { "a*b*c", "axxbyyc", true },
        { "a*b*c", "axxbyy", false }, { "**", "x", true },
        { "", "x", false },           { "*ab", "aaab", true },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++)
        if (cf_name_matches(table[i].pattern, table[i].name) != table[i].want)
            fail_msg("%s on %s", table[i].pattern, table[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_selectors),
        cmocka_unit_test(object_selectors),
        cmocka_unit_test(name_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
