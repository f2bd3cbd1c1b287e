/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what the forecast of a freeze says for what was measured: the median and the longest of the last passes, the first
 * one only while there is no other, and room for what cannot be measured before. */
#include "orchestrator/engine/moves.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

#define PASS(b)       "{'backupMs':" #b "}"
#define FULL(b, h, r) "{'backupMs':" #b ",'handOverMs':" #h ",'rehearsalMs':" #r "}"
#define GRACE_30      "[{'terminationGracePeriodSeconds':30}]"

static const struct {
    const char *what, *reports, *specs;
    bool known;
    int64_t stop, backup, over, restore, p50, p90;
} rows[] = {
    { "nothing was measured", "[]", "[]", false, 0, 0, 0, 0, 5000, 20000 },
    { "nothing but pods", "[]", GRACE_30, false, 2000, 0, 0, 0, 7000, 50000 },
    { "one pass, rehearsed", "[" FULL(10000, 1000, 20000) "]", GRACE_30, true, 2000, 10000, 1000,
      20000, 38000, 30000 + 31000 + 9300 + 20000 },
    { "not rehearsed", "[" PASS(10000) "]", "[]", false, 0, 10000, 0, 0, 15000,
      10000 + 3000 + 20000 },
    { "the first pass carries everything, and no longer counts",
      "[" FULL(90000, 1000, 20000) "," PASS(4000) "]", "[]", true, 0, 4000, 1000, 20000, 30000,
      25000 + 7500 + 20000 },
    { "the middle and the longest of the last three",
      "[" PASS(90000) "," PASS(70000) "," PASS(2000) "," PASS(9000) "," FULL(4000, 500, 8000) "]",
      "[]", true, 0, 4000, 500, 8000, 17500, 17500 + 5250 + 20000 },
    { "the newest rehearsal", "[" FULL(1000, 100, 50000) "," FULL(1000, 100, 9000) "]", "[]", true,
      0, 1000, 100, 9000, 15100, 10100 + 3030 + 20000 },
    { "what is null was not measured",
      "[" FULL(1000, 100, 9000) ",{'backupMs':2000,'handOverMs':null,'rehearsalMs':null}]", "[]",
      true, 0, 2000, 100, 9000, 16100, 11100 + 3330 + 20000 },
    { "the slowest pod, but no longer than what counts", "[]",
      "[{'terminationGracePeriodSeconds':5},{'terminationGracePeriodSeconds':3600},{}]", false,
      2000, 0, 0, 0, 7000, 50000 },
    { "a pod that ends at once", "[]", "[{'terminationGracePeriodSeconds':1}]", false, 1000, 0, 0,
      0, 6000, 21000 },
    { "a pod may say the most absurd number", "[]",
      "[{'terminationGracePeriodSeconds':9223372036854775807}]", false, 2000, 0, 0, 0, 7000,
      50000 },
    { "or less than nothing", "[]", "[{'terminationGracePeriodSeconds':-9223372036854775807}]",
      false, 0, 0, 0, 0, 5000, 20000 },
};

static void what_was_measured_becomes_a_forecast(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_forecast f;
        cf_autojson json_t *reports = cf_test_json(rows[i].reports);
        cf_autojson json_t *specs = cf_test_json(rows[i].specs);
        cf_forecast_of(reports, specs, &f);
        if (f.known != rows[i].known || f.stop_ms != rows[i].stop ||
            f.backup_ms != rows[i].backup || f.hand_over_ms != rows[i].over ||
            f.restore_ms != rows[i].restore || f.p50_ms != rows[i].p50 || f.p90_ms != rows[i].p90) {
            cf_autojson json_t *is = cf_forecast_json(&f);
            cf_autofree char *text = cf_test_dump(is);
            fail_msg("%s: %s", rows[i].what, text);
        }
        assert_true(f.p90_ms >= f.p50_ms);
    }
}

static void it_says_its_parts(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf known = CF_BUF_INIT(1024);
    CF_CLEANUP(cf_buf_free) struct cf_buf guess = CF_BUF_INIT(1024);
    cf_autojson json_t *reports = cf_test_json("[" FULL(9000, 1000, 21000) "]");
    cf_autojson json_t *specs = cf_test_json(GRACE_30);
    struct cf_forecast f;
    cf_forecast_of(reports, specs, &f);
    cf_forecast_say(&f, &known);
    assert_string_equal(cf_buf_str(&known),
                        "38s, at worst 2m (stop 2s, pass 9s, hand over 1s, restore 21s, start 5s)");
    cf_forecast_of(NULL, NULL, &f);
    cf_forecast_say(&f, &guess);
    assert_non_null(strstr(cf_buf_str(&guess), "; the restore was not rehearsed)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_measured_becomes_a_forecast),
        cmocka_unit_test(it_says_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
