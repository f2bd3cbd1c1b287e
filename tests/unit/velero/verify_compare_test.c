/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what is read out of two reading pods' logs: each sort of difference by name, nothing behind a
 * cut, bounded lists with everything counted, names of any bytes, and that what is not whole is refused. */
#include "tests/unit/velero/room.h"

#include <stdio.h>
#include <string.h>

#include "velero/verify.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define ROW(path, type, size, sum, about) "f\t./" path "\t" type "\t" size "\t" sum "\t" about "\n"
#define FILE_ROW(path, size, sum)         ROW(path, "f", size, sum, "644 0 0")

static struct cf_buf text(const char *s)
{
    struct cf_buf b = CF_BUF_INIT(16 * 1024 * 1024);
    cf_buf_puts(&b, s);
    return b;
}

static const struct {
    const char *name, *from, *to;
    int total, attributes;
    bool at_least;
    const char *what, *path; /* of the first that is listed; NULL: none */
} cases[] = {
    { "equal", FILE_ROW("a", "1", A64), FILE_ROW("a", "1", A64), 0, 0, false, NULL, NULL },
    { "empty", "", "", 0, 0, false, NULL, NULL },
    { "missing", FILE_ROW("a", "1", A64) FILE_ROW("b", "1", A64), FILE_ROW("b", "1", A64), 1, 0,
      false, "missing", "a" },
    { "the last is missing", FILE_ROW("a", "1", A64) FILE_ROW("b", "1", A64),
      FILE_ROW("a", "1", A64), 1, 0, false, "missing", "b" },
    { "extra", "", FILE_ROW("a", "1", A64), 1, 0, false, "extra", "a" },
    { "size", FILE_ROW("a", "1", A64), FILE_ROW("a", "2", B64), 1, 0, false, "size", "a" },
    { "content", FILE_ROW("a", "1", A64), FILE_ROW("a", "1", B64), 1, 0, false, "content", "a" },
    { "type", ROW("a", "d", "-", "-", "755 0 0"), FILE_ROW("a", "1", A64), 1, 0, false, "type",
      "a" },
    { "link", ROW("a", "l", "-", "here", "777 0 0"), ROW("a", "l", "-", "there", "777 0 0"), 1, 0,
      false, "link", "a" },
    { "mode", ROW("a", "f", "1", A64, "644 0 0"), ROW("a", "f", "1", A64, "600 0 0"), 0, 1, false,
      "attributes", "a" },
    { "owner and content", ROW("a", "f", "1", A64, "644 0 0"), ROW("a", "f", "1", B64, "644 9 9"),
      1, 0, false, "content", "a" },
    { "unreadable at both ends", FILE_ROW("a", "1", "unreadable"), FILE_ROW("a", "1", "unreadable"),
      1, 0, false, "unreadable", "a" },
    { "a name is the other's beginning", FILE_ROW("a", "1", A64) FILE_ROW("a b", "1", A64),
      FILE_ROW("a b", "1", A64), 1, 0, false, "missing", "a" },
    { "nothing is said behind a cut", FILE_ROW("a", "1", A64) "cut\n",
      FILE_ROW("a", "1", B64) FILE_ROW("b", "1", A64), 1, 0, true, "content", "a" },
    { "before the cut all is", FILE_ROW("b", "1", A64) "cut\n",
      FILE_ROW("a", "1", A64) FILE_ROW("b", "1", A64), 1, 0, true, "extra", "a" },
    { "lines of progress in between", "p 1 1\nb\t00\tx\n" FILE_ROW("a", "1", A64),
      FILE_ROW("a", "1", A64) "u\t./a\n", 0, 0, false, NULL, NULL },
    { "a row that is none", "f\t./a\tf\n" FILE_ROW("b", "1", A64), FILE_ROW("b", "1", A64), 0, 0,
      false, NULL, NULL },
    { "bytes that are no text", FILE_ROW("p\xC3\xA9\351", "1", A64), "", 1, 0, false, "missing",
      "p\xC3\xA9\\351" },
};

static void each_difference_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autofree char *x = cf_xasprintf("begin\n%send\n", cases[i].from);
        cf_autofree char *y = cf_xasprintf("begin\n%send\n", cases[i].to);
        struct cf_buf a = text(x), b = text(y);
        cf_autojson json_t *diff = cf_verify_diff(&a, &b, &err);
        assert_ok(diff != NULL, &err);
        const json_t *one = json_array_get(json_object_get(diff, "listed"), 0);
        bool good =
            cf_json_int(diff, -1, "total", NULL) == cases[i].total &&
            cf_json_int(diff, -1, "attributes", NULL) == cases[i].attributes &&
            cf_json_bool(diff, false, "atLeast", NULL) == cases[i].at_least &&
            strcmp(cf_json_str(one, "", "what", NULL), cases[i].what ? cases[i].what : "") == 0 &&
            strcmp(cf_json_str(one, "", "path", NULL), cases[i].path ? cases[i].path : "") == 0;
        if (!good) {
            cf_autofree char *said = cf_json_dump(diff);
            fail_msg("%s: %s", cases[i].name, said);
        }
        cf_buf_free(&a);
        cf_buf_free(&b);
    }
}

static void lists_are_bounded_and_counts_are_not(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct cf_error err = CF_ERROR_INIT;
    struct cf_buf a = text("begin\n"), b = text("begin\nend\n");
    cf_autofree char *name = cf_xcalloc(1, 3001);
    memset(name, 'n', 3000);
    for (int i = 0; i < MANY; i++)
        cf_buf_printf(&a, "f\t./%06d%s\tf\t1\t" A64 "\t644 0 0\n", i, i ? "" : name);
    cf_buf_puts(&a, "end\n");
    cf_autojson json_t *diff = cf_verify_diff(&a, &b, &err);
    assert_ok(diff != NULL, &err);
    assert_int_equal(cf_json_int(diff, -1, "total", NULL), MANY);
    assert_int_equal(json_array_size(json_object_get(diff, "listed")), CF_VERIFY_LISTED);
    const char *path =
        cf_json_str(json_array_get(json_object_get(diff, "listed"), 0), "", "path", NULL);
    assert_true(strlen(path) < CF_VERIFY_PATH_MAX + 8);
    assert_int_equal(strncmp(path, "…n", 4), 0);
    cf_buf_free(&a);
    cf_buf_free(&b);
}

static void a_log_without_beginning_or_end_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "end\n", FILE_ROW("a", "1", A64) "end\n",
                                       "begin\n" FILE_ROW("a", "1", A64), "begin\nen" };
    for (size_t i = 0; i < CF_ARRAY_LEN(bad); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_buf a = text("begin\nend\n"), b = text(bad[i]);
        assert_null(cf_verify_diff(&a, &b, &err));
        cf_test_check_error(&err, CF_ERR_INVALID, "the data's destination is not whole", __FILE__,
                            __LINE__);
        cf_error_clear(&err);
        assert_null(cf_verify_diff(&b, &a, &err));
        cf_test_check_error(&err, CF_ERR_INVALID, "the data's origin is not whole", __FILE__,
                            __LINE__);
        cf_buf_free(&a);
        cf_buf_free(&b);
    }
}

static void buckets_that_differ_are_few_and_named(void **state)
{
    (void)state;
    char buf[4 * CF_VERIFY_BUCKETS_AGAIN];
    bool more = true;
    struct cf_buf a = text("b\t00\t" A64 "\nb\t3f\t" A64 "\nb\tff\t" A64 "\n");
    struct cf_buf b = text("b\t00\t" A64 "\nb\t3f\t" B64 "\nb\ta0\t" A64 "\nb\tff\t" A64 "\n");
    assert_string_equal(cf_verify_buckets(&a, &b, buf, sizeof buf, &more), "3f a0");
    assert_false(more);
    assert_string_equal(cf_verify_buckets(&a, &a, buf, sizeof buf, &more), "");
    cf_buf_reset(&b);
    for (int i = 0; i < CF_VERIFY_BUCKETS; i++)
        cf_buf_printf(&b, "b\t%02x\t" B64 "\n", i);
    assert_string_equal(cf_verify_buckets(&a, &b, buf, sizeof buf, &more),
                        "00 01 02 03 04 05 06 07");
    assert_true(more);
    cf_buf_free(&a);
    cf_buf_free(&b);
}

static void last_words_are_checked(void **state)
{
    (void)state;
#define GOOD "\"files\":1,\"directories\":0,\"links\":0,\"others\":0,\"bytes\":5,\"unreadable\":0,"
    static const struct {
        const char *message;
        bool good;
    } words[] = {
        { "{" GOOD "\"content\":\"" A64 "\",\"all\":\"" B64 "\",\"seconds\":3}", true },
        { "{\"error\":\"find failed\"}", true },
        { "", false },
        { "killed", false },
        { "{}", false },
        { "{" GOOD "\"content\":\"\",\"all\":\"\",\"seconds\":3}", false },
        { "{" GOOD "\"content\":\"" A64 "\",\"all\":\"" B64 "\"}", false },
        { "{" GOOD "\"content\":\"" A64 "\",\"all\":\"" B64 "\",\"seconds\":-3}", false },
        { "{" GOOD "\"content\":\"" A64 "\",\"all\":\"" B64 "\",\"sec", false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(words); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *summary = cf_verify_summary(words[i].message, &err);
        if ((summary != NULL) != words[i].good)
            fail_msg("%s: %s", words[i].message, err.message);
    }
}

static void progress_is_the_newest_line(void **state)
{
    (void)state;
    static const char log[] = "begin\np 1 10\np 2 20\np x\np -1 -1\np 3";
    int64_t files = 0, bytes = 0;
    assert_true(cf_verify_progress(log, strlen(log), &files, &bytes));
    assert_int_equal(files, 2);
    assert_int_equal(bytes, 20);
    assert_false(cf_verify_progress("begin\n", 6, &files, &bytes));
    assert_false(cf_verify_progress("", 0, &files, &bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_difference_has_its_name),
        cmocka_unit_test(lists_are_bounded_and_counts_are_not),
        cmocka_unit_test(a_log_without_beginning_or_end_is_refused),
        cmocka_unit_test(buckets_that_differ_are_few_and_named),
        cmocka_unit_test(last_words_are_checked),
        cmocka_unit_test(progress_is_the_newest_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
