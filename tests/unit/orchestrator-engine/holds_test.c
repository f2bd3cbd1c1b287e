/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of holds can be typed as they stand: every name is filled in. */
#include "orchestrator/engine/holds.h"

#include "tests/support/test.h"

static void commands_carry_names(void **state)
{
    (void)state;
    static const char *const blanks[] = { "RUN", "SOURCE", "TARGET", "CLUSTER" };
    const struct cf_hold_names names = { .run = "web/3", .source = "dc1", .target = "dc2" };
    for (int r = 0; r < CF_HOLD_REASONS; r++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(1024);
        cf_hold_command((enum cf_hold_reason)r, &names, &out);
        for (size_t i = 0; i < CF_ARRAY_LEN(blanks); i++)
            if (strstr(cf_buf_str(&out), blanks[i]))
                fail_msg("%s: %s", cf_hold_rows[r].name, cf_buf_str(&out));
    }
    CF_CLEANUP(cf_buf_free) struct cf_buf one = CF_BUF_INIT(1024), both = CF_BUF_INIT(1024);
    cf_hold_command(CF_HOLD_NO_DATA, &names, &one);
    assert_string_equal(cf_buf_str(&one), "crossfade cluster check dc1");
    cf_hold_command(CF_HOLD_CLUSTER_UNREACHABLE, &names, &both);
    assert_string_equal(cf_buf_str(&both),
                        "crossfade cluster check dc1; crossfade cluster check dc2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_carry_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
