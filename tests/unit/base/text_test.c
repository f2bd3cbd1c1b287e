/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 is told from what only looks like it; positions count characters; files are read up to a
 * limit. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "tests/support/test.h"

static const struct {
    const char *text;
    size_t len;
    bool valid;
    const char *mended; /* NULL: the same */
} cases[] = {
    { "", 0, true, NULL },
    { "plain", 5, true, NULL },
    { "a\0b", 3, true, NULL },
    { "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 9, true, NULL },
    { "\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF", 9, true, NULL },
    { "\xF4\x8F\xBF\xBF", 4, true, NULL },
    { "\x80", 1, false, "\xEF\xBF\xBD" },
    { "\xC0\xAF", 2, false, "\xEF\xBF\xBD\xEF\xBF\xBD" },   /* overlong '/' */
    { "\xE0\x80\xAF", 3, false, NULL },                     /* overlong */
    { "\xF0\x80\x80\xAF", 4, false, NULL },                 /* overlong */
    { "\xED\xA0\x80", 3, false, NULL },                     /* a surrogate */
    { "\xF4\x90\x80\x80", 4, false, NULL },                 /* beyond U+10FFFF */
    { "\xF8\x88\x80\x80\x80", 5, false, NULL },             /* five bytes */
    { "a\xE2\x82", 3, false, "a\xEF\xBF\xBD\xEF\xBF\xBD" }, /* cut short */
    { "\xE2\x82(", 3, false, "\xEF\xBF\xBD\xEF\xBF\xBD(" },
    { "\xC3(", 2, false, "\xEF\xBF\xBD(" }, /* no continuation */
    { "\xFFok\xC3\xA4", 5, false, "\xEF\xBF\xBDok\xC3\xA4" },
};

static void test_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autofree char *exact = cf_xmalloc(cases[i].len); /* reading beyond is seen */
        memcpy(exact, cases[i].text, cases[i].len);
        assert_int_equal(cf_utf8_valid(exact, cases[i].len), cases[i].valid);
        CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(100);
        cf_utf8_append(&b, exact, cases[i].len);
        assert_true(cf_utf8_valid(cf_buf_str(&b), b.len));
        if (cases[i].valid)
            assert_memory_equal(cf_buf_str(&b), cases[i].text, cases[i].len);
        if (cases[i].mended)
            assert_string_equal(cf_buf_str(&b), cases[i].mended);
    }
}

static void test_a_cut_is_mended(void **state)
{
    (void)state;
    static const struct {
        const char *cut, *mended;
    } cuts[] = {
        { "", "" },
        { "whole \xE2\x82\xAC", "whole \xE2\x82\xAC" },
        { "cut \xE2\x82", "cut " },
        { "cut \xE2", "cut " },
        { "\x82\xAC tail", " tail" },
        { "mid\xFF"
          "dle",
          "middle" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cuts); i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", cuts[i].cut);
        cf_utf8_mend(text);
        assert_string_equal(text, cuts[i].mended);
    }
}

static void test_positions_count_characters(void **state)
{
    (void)state;
    const char *text = "a\n\xC3\xA4"
                       "b\n";
    static const struct {
        size_t offset;
        int line, column;
    } places[] = { { 0, 1, 1 }, { 1, 1, 2 }, { 2, 2, 1 }, { 4, 2, 2 }, { 5, 2, 3 }, { 6, 3, 1 } };
    for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
        int line, column;
        cf_text_position(text, places[i].offset, &line, &column);
        assert_int_equal(line, places[i].line);
        assert_int_equal(column, places[i].column);
    }
}

static void test_files(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char path[] = "/tmp/cf-text-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "1234567890", 10), 10);
    close(fd);
    size_t len = 0;
    cf_autofree char *whole = cf_file_read(path, 10, &len, &err);
    assert_string_equal(whole, "1234567890");
    assert_int_equal(len, 10);
    assert_fails(cf_file_read(path, 9, NULL, &err), &err, CF_ERR_LIMIT,
                 "larger than the limit of 9");
    unlink(path);
    assert_fails(cf_file_read(path, 9, NULL, &err), &err, CF_ERR_NOT_FOUND, path);
    assert_fails(cf_file_read("/tmp", 9, NULL, &err), &err, CF_ERR_INVALID, "/tmp");
}

static void test_an_endless_file_hits_the_limit(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    assert_fails(cf_file_read("/dev/zero", 100000, NULL, &err), &err, CF_ERR_LIMIT, "/dev/zero");
    cf_autofree char *empty = cf_file_read("/dev/null", 0, NULL, &err);
    assert_string_equal(empty, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_a_cut_is_mended),
        cmocka_unit_test(test_positions_count_characters),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_an_endless_file_hits_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
