/* SPDX-License-Identifier: Apache-2.0 */
/* Suggestions are what was meant, or none. */
#include "base/suggest.h"
#include "tests/support/test.h"

static void test_suggestions(void **state)
{
    (void)state;
    static const char *const words[] = { "workloads", "traffic", "gates", "source", "target",
                                         "noData",    "name",    "port",  NULL };
    static const struct {
        const char *word, *meant;
    } cases[] = {
        { "wrokloads", "workloads" }, /* one swap */
        { "Workload", "workloads" },  /* case is ignored */
        { "trafic", "traffic" },
        { "gate", "gates" },
        { "sourc", "source" },
        { "tagret", "target" },
        { "nodata", "noData" },
        { "nmae", "name" },
        { "prot", "port" },
        { "xyz", NULL },
        { "completelyElse", NULL },
        { "", NULL },
        { "so", NULL },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          NULL },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        const char *got = cf_suggest(cases[i].word, words);
        if (!cases[i].meant)
            assert_null(got);
        else if (!got)
            fail_msg("nothing for \"%s\"", cases[i].word);
        else
            assert_string_equal(got, cases[i].meant);
    }
    static const char *const none[] = { NULL };
    assert_null(cf_suggest("name", none));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_suggestions) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
