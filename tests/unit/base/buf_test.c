/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer never passes its maximum, remembers that it would have, and is always NUL-terminated.
 */
#include "base/buf.h"
#include "tests/support/test.h"

static void test_empty_is_a_string(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(10);
    assert_string_equal(cf_buf_str(&b), "");
    cf_buf_append(&b, "", 0);
    assert_string_equal(cf_buf_str(&b), "");
    cf_autofree char *taken = cf_buf_take(&b);
    assert_string_equal(taken, "");
}

static void test_appends_in_all_ways(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(1000);
    cf_buf_puts(&b, "ab");
    cf_buf_putc(&b, 'c');
    cf_buf_append(&b, "d\0e", 3);
    cf_buf_printf(&b, "%d%s", 12, "f");
    assert_int_equal(b.len, 9);
    assert_memory_equal(b.data, "abcd\0e12f", 10);
    cf_buf_consume(&b, 5);
    assert_string_equal(cf_buf_str(&b), "e12f");
    cf_buf_consume(&b, 4);
    assert_string_equal(cf_buf_str(&b), "");
}

static void test_exactly_the_maximum_fits(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(5);
    cf_buf_puts(&b, "12345");
    assert_false(b.overflow);
    cf_buf_putc(&b, '6');
    assert_true(b.overflow);
    assert_string_equal(cf_buf_str(&b), "12345");
}

static void test_overflow_drops_the_rest_and_stays(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(5);
    cf_buf_printf(&b, "%s", "1234567");
    assert_true(b.overflow);
    assert_string_equal(cf_buf_str(&b), "12345");
    cf_buf_consume(&b, 3);
    cf_buf_puts(&b, "x"); /* room again, but the text has a hole */
    cf_buf_printf(&b, "x");
    assert_string_equal(cf_buf_str(&b), "45");
    cf_buf_reset(&b);
    cf_buf_puts(&b, "new");
    assert_false(b.overflow);
    assert_string_equal(cf_buf_str(&b), "new");
}

static void test_a_maximum_of_zero(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(0);
    cf_buf_printf(&b, "%s", "");
    assert_false(b.overflow);
    cf_buf_putc(&b, 'x');
    assert_true(b.overflow);
    assert_int_equal(b.len, 0);
}

static void test_no_maximum_to_speak_of(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(SIZE_MAX);
    for (int i = 0; i < 10000; i++)
        cf_buf_puts(&b, "0123456789");
    assert_int_equal(b.len, 100000);
    assert_true(b.cap >= 100001 && b.cap < 300000);
}

static void test_take_hands_over_and_is_usable_again(void **state)
{
    (void)state;
    struct cf_buf b = CF_BUF_INIT(100);
    cf_buf_puts(&b, "first");
    cf_autofree char *first = cf_buf_take(&b);
    cf_buf_puts(&b, "second");
    cf_autofree char *second = cf_buf_take(&b);
    assert_string_equal(first, "first");
    assert_string_equal(second, "second");
    assert_null(b.data);
    assert_int_equal(b.max, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_is_a_string),
        cmocka_unit_test(test_appends_in_all_ways),
        cmocka_unit_test(test_exactly_the_maximum_fits),
        cmocka_unit_test(test_overflow_drops_the_rest_and_stays),
        cmocka_unit_test(test_a_maximum_of_zero),
        cmocka_unit_test(test_no_maximum_to_speak_of),
        cmocka_unit_test(test_take_hands_over_and_is_usable_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
