/* SPDX-License-Identifier: Apache-2.0 */
/* Proves: selectors that a real API server refuses are refused, and the others select what they
 * say. */
#include "deploy/sandbox/api/select.h"

#include <string.h>

#include "tests/support/test.h"

static const struct {
    const char *plural, *labels, *fields;
    int result; /* -1: refused, 0: no match, 1: match */
} rows[] = {
    { "pods", "", "", 1 },
    { "pods", "app=web", "", 1 },
    { "pods", "app==web", "", 1 },
    { "pods", "app!=web", "", 0 },
    { "pods", "other!=web", "", 1 },
    { "pods", "app in (web,api),tier", "", 1 },
    { "pods", "app notin (web)", "", 0 },
    { "pods", "!other", "", 1 },
    { "pods", "!app", "", 0 },
    { "pods", "app", "", 1 },
    { "pods", "a b c", "", -1 },
    { "pods", "app in web", "", -1 },
    { "pods", "app in (web", "", -1 },
    { "pods", "=x", "", -1 },
    { "pods", "app=web,,", "", -1 },
    { "pods", "app=-web", "", -1 },
    { "pods", "", "metadata.name=p", 1 },
    { "pods", "", "metadata.name!=p", 0 },
    { "pods", "", "status.phase=Running,metadata.namespace=n", 1 },
    { "pods", "", "spec.unknown=1", -1 },
    { "configmaps", "", "status.phase=Running", -1 },
    { "pods", "", "nonsense", -1 },
};

static void test_rows(void **state)
{
    (void)state;
    cf_autojson json_t *pod =
        json_pack("{s:{s:s,s:s,s:{s:s,s:s}},s:{s:s}}", "metadata", "name", "p", "namespace", "n",
                  "labels", "app", "web", "tier", "front", "status", "phase", "Running");
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct sbx_select s;
        int got = -1;
        if (sbx_select_parse(&s, sbx_kind_of_group("", rows[i].plural), rows[i].labels,
                             rows[i].fields, &err)) {
            got = sbx_select_matches(&s, pod);
            sbx_select_free(&s);
        } else {
            assert_int_equal(err.kind, CF_ERR_INVALID);
        }
        if (got != rows[i].result)
            fail_msg("row %zu (%s %s): %d", i, rows[i].labels, rows[i].fields, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
