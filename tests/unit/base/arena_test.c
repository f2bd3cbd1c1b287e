/* SPDX-License-Identifier: Apache-2.0 */
/* The arena gives zeroed, aligned, separate pieces of any size, and counts what it gave. */
#include "base/arena.h"
#include "tests/support/test.h"

static void test_pieces_are_zeroed_aligned_and_separate(void **state)
{
    (void)state;
    CF_CLEANUP(cf_arena_free_p) struct cf_arena *a = cf_arena_new(0);
    unsigned char *pieces[200];
    for (size_t i = 0; i < CF_ARRAY_LEN(pieces); i++) {
        size_t size = i * 37 % 4096 + 1;
        pieces[i] = cf_arena_alloc(a, size);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)i, size);
    }
    for (size_t i = 0; i < CF_ARRAY_LEN(pieces); i++)
        assert_int_equal(pieces[i][i * 37 % 4096], (unsigned char)i);
}

static void test_pieces_larger_than_a_block(void **state)
{
    (void)state;
    CF_CLEANUP(cf_arena_free_p) struct cf_arena *a = cf_arena_new(0);
    char *large = cf_arena_alloc(a, 1024 * 1024);
    large[1024 * 1024 - 1] = 'x';
    assert_int_equal(cf_arena_used(a), 1024 * 1024);
}

static void test_the_whole_limit_can_be_used(void **state)
{
    (void)state;
    CF_CLEANUP(cf_arena_free_p) struct cf_arena *a = cf_arena_new(1000);
    assert_non_null(cf_arena_alloc(a, 999));
    assert_non_null(cf_arena_alloc(a, 1));
    assert_int_equal(cf_arena_used(a), 1000);
}

static void test_strings(void **state)
{
    (void)state;
    CF_CLEANUP(cf_arena_free_p) struct cf_arena *a = cf_arena_new(0);
    assert_null(cf_arena_strdup(a, NULL));
    assert_null(cf_arena_strndup(a, NULL, 3));
    assert_string_equal(cf_arena_strdup(a, "abc"), "abc");
    assert_string_equal(cf_arena_strndup(a, "abcdef", 2), "ab");
    assert_string_equal(cf_arena_printf(a, "%s/%d", "ns", 5), "ns/5");
    cf_arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_zeroed_aligned_and_separate),
        cmocka_unit_test(test_pieces_larger_than_a_block),
        cmocka_unit_test(test_the_whole_limit_can_be_used),
        cmocka_unit_test(test_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
