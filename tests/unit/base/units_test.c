/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, percentages, sizes and integers: what is read, what is refused, what is printed. */
#include "base/units.h"
#include "tests/support/test.h"

static void test_durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
        const char *formatted; /* NULL: the same */
    } cases[] = {
        { "250ms", 250, NULL },
        { "5s", 5000, NULL },
        { "0s", 0, NULL },
        { "0ms", 0, "0s" },
        { "1h30m", 5400000, NULL },
        { "90m", 5400000, "1h30m" },
        { "14d", 1209600000, NULL },
        { "1d2h3m4s5ms", 93784005, NULL },
        { "1500ms", 1500, "1s500ms" },
        { "3650d", 315360000000, NULL },
        { "007s", 7000, "7s" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        int64_t ms = -1;
        char buf[CF_UNIT_TEXT_MAX];
        assert_ok(cf_duration_parse(cases[i].text, &ms, &err), &err);
        assert_int_equal(ms, cases[i].ms);
        assert_string_equal(cf_duration_format(ms, buf),
                            cases[i].formatted ? cases[i].formatted : cases[i].text);
    }
}

static void test_durations_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "5",
        "5 s",
        "s",
        "-5s",
        "+5s",
        "1.5h",
        "5S",
        "30m1h",
        "1s1s",
        "1ms1s",
        "5sec",
        "1h30",
        " 5s",
        "5s ",
        "1w",
        "3651d",
        "3650d1ms",
        "99999999999999999999s",
        "0x5s",
        "dhms",
        "1msm",
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(refused); i++) {
        struct cf_error err = CF_ERROR_INIT;
        int64_t ms = 7;
        if (cf_duration_parse(refused[i], &ms, &err))
            fail_msg("\"%s\" was read", refused[i]);
        assert_int_equal(err.kind, CF_ERR_INVALID);
        assert_int_equal(ms, 7);
    }
    struct cf_error err = CF_ERROR_INIT;
    int64_t ms;
    assert_fails(cf_duration_parse("3651d", &ms, &err), &err, CF_ERR_INVALID,
                 "longer than ten years");
    assert_fails(cf_duration_parse("99999999999999999999s", &ms, &err), &err, CF_ERR_INVALID,
                 "longer than ten years");
    assert_fails(cf_duration_parse("5", &ms, &err), &err, CF_ERR_INVALID, "such as 250ms, 5s");
}

static void test_durations_for_people(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        { 0, "0s" },        { 999, "999ms" },   { 1499, "1s" },       { 14300, "14s" },
        { 59499, "59s" },   { 59500, "1m" },    { 190000, "3m" },     { 7500000, "2h5m" },
        { 3599999, "1h" },  { 86399999, "1d" }, { 90000000, "1d1h" }, { 1209600001, "14d" },
        { -14300, "-14s" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        char buf[CF_UNIT_TEXT_MAX];
        assert_string_equal(cf_duration_brief(cases[i].ms, buf), cases[i].text);
    }
    char buf[CF_UNIT_TEXT_MAX];
    cf_duration_brief(INT64_MAX, buf);
    cf_duration_brief(INT64_MIN, buf);
    cf_duration_format(INT64_MIN, buf);
    assert_string_equal(buf, "-106751991167d7h12m55s808ms");
}

static void test_percentages(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double ratio;
        const char *formatted;
    } cases[] = {
        { "0%", 0, "0%" },
        { "100%", 1, "100%" },
        { "100.000000%", 1, "100%" },
        { "99.5%", 0.995, "99.5%" },
        { "5%", 0.05, "5%" },
        { "0.000001%", 0.00000001, "0.000001%" },
        { "99.95%", 0.9995, "99.95%" },
        { "33.333333%", 0.33333333, "33.333333%" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        double ratio = -1;
        char buf[CF_UNIT_TEXT_MAX];
        assert_ok(cf_percent_parse(cases[i].text, &ratio, &err), &err);
        assert_true(ratio == cases[i].ratio);
        assert_string_equal(cf_percent_format(ratio, buf), cases[i].formatted);
    }
    static const char *const refused[] = {
        "",    "5",   "%",          "5 %", "-1%", "+1%",  "101%",   "100.1%",        "1e1%",
        ".5%", "5.%", "1.2345678%", "5%%", "5%x", "nan%", "1.2.3%", "1000000000000%"
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(refused); i++) {
        struct cf_error err = CF_ERROR_INIT;
        double ratio = 7;
        if (cf_percent_parse(refused[i], &ratio, &err))
            fail_msg("\"%s\" was read", refused[i]);
        assert_int_equal(err.kind, CF_ERR_INVALID);
        assert_true(ratio == 7);
    }
    char buf[CF_UNIT_TEXT_MAX];
    assert_string_equal(cf_percent_format(1.5, buf), "100%");
    assert_string_equal(cf_percent_format(-1, buf), "0%");
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {
        { "0", 0 },
        { "512", 512 },
        { "64Ki", 65536 },
        { "10Mi", 10485760 },
        { "1Gi", 1073741824 },
        { "2Ti", 2199023255552 },
        { "9223372036854775807", INT64_MAX },
        { "8388607Ti", 8388607LL << 40 },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        int64_t bytes = -1;
        assert_ok(cf_bytes_parse(cases[i].text, &bytes, &err), &err);
        assert_int_equal(bytes, cases[i].bytes);
    }
    static const char *const refused[] = { "",     "Ki",    "1K",        "1kB",
                                           "-1",   "1.5Gi", "1 Ki",      "1ki",
                                           "1Kib", "0x10",  "8388608Ti", "9223372036854775808" };
    for (size_t i = 0; i < CF_ARRAY_LEN(refused); i++) {
        struct cf_error err = CF_ERROR_INIT;
        int64_t bytes = 7;
        if (cf_bytes_parse(refused[i], &bytes, &err))
            fail_msg("\"%s\" was read", refused[i]);
        assert_int_equal(err.kind, CF_ERR_INVALID);
        assert_int_equal(bytes, 7);
    }
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min, max, value;
        const char *message; /* NULL: accepted */
    } cases[] = {
        { "0", 0, 10, 0, NULL },
        { "10", 0, 10, 10, NULL },
        { "-3", -5, 5, -3, NULL },
        { "9223372036854775807", 0, INT64_MAX, INT64_MAX, NULL },
        { "11", 0, 10, 0, "11 is not between 0 and 10" },
        { "-1", 0, 10, 0, "not between" },
        { "9223372036854775808", 0, INT64_MAX, 0, "not between" },
        { "99999999999999999999999", 0, 10, 0, "not between" },
        { "", 0, 10, 0, "not a whole number" },
        { "-", -5, 5, 0, "not a whole number" },
        { "+1", 0, 10, 0, "not a whole number" },
        { " 1", 0, 10, 0, "not a whole number" },
        { "1 ", 0, 10, 0, "not a whole number" },
        { "01", 0, 10, 0, "not a whole number" },
        { "-0", -5, 5, 0, "not a whole number" },
        { "1.0", 0, 10, 0, "not a whole number" },
        { "1e1", 0, 10, 0, "not a whole number" },
        { "0x1", 0, 10, 0, "not a whole number" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        int64_t value = 77;
        bool ok = cf_int_parse(cases[i].text, cases[i].min, cases[i].max, &value, &err);
        if (ok != !cases[i].message)
            fail_msg("\"%s\": %s", cases[i].text, err.message);
        assert_int_equal(value, ok ? cases[i].value : 77);
        if (!ok)
            assert_non_null(strstr(err.message, cases[i].message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations_are_read),
        cmocka_unit_test(test_durations_are_refused),
        cmocka_unit_test(test_durations_for_people),
        cmocka_unit_test(test_percentages),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
