/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that volumes keep files, that copies share them until one is changed, and that wrong paths
 * and too much are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "deploy/sandbox/volumes/volumes.h"

static int up(void **state)
{
    *state = sbx_volumes_new();
    return 0;
}

static int down(void **state)
{
    sbx_volumes_free(*state);
    return 0;
}

static void put(struct sbx_volumes *v, const char *key, const char *path, const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    if (!sbx_volume_write(v, key, path, text, strlen(text), &err))
        fail_msg("%s", err.message);
}

static void expect(struct sbx_volumes *v, const char *key, const char *path, const char *text)
{
    size_t len = 0;
    cf_autofree char *bytes = sbx_volume_read(v, key, path, &len);
    assert_non_null(bytes);
    assert_string_equal(bytes, text);
    assert_int_equal(len, strlen(text));
}

static void digests_are_of_what_is_there(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    char hex[CF_SHA256_HEX];
    put(*state, "k", "b/two", "22");
    assert_true(sbx_volume_describe(*state, "k", "a", 200000000, "x", &err));
    cf_autojson json_t *list = sbx_volume_list(*state, "k");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(cf_json_str(json_array_get(list, 0), "", "path", NULL), "a");
    static const char described[] = "described file\nsize=200000000\nseed=x\n";
    assert_string_equal(cf_json_str(json_array_get(list, 0), "", "sha256", NULL),
                        cf_sha256_hex(described, strlen(described), hex));
    assert_string_equal(cf_json_str(json_array_get(list, 1), "", "sha256", NULL),
                        cf_sha256_hex("22", 2, hex));
    assert_int_equal(sbx_volume_bytes(*state, "k"), 200000002);
}

static void a_copy_stays_as_it_was(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    put(*state, "k", "log", "one\n");
    sbx_volume_copy(*state, "k", "copy");
    assert_true(sbx_volume_append(*state, "k", "log", "two\n", 4, &err));
    assert_true(sbx_volume_append(*state, "k", "log", "three\n", 6, &err));
    expect(*state, "k", "log", "one\ntwo\nthree\n");
    expect(*state, "copy", "log", "one\n");
    assert_true(sbx_volume_remove(*state, "k", "log"));
    expect(*state, "copy", "log", "one\n");
    assert_false(sbx_volume_has(*state, "k", "log"));
}

static void only_what_changed_counts(void **state)
{
    put(*state, "k", "big", "0123456789");
    put(*state, "k", "small", "x");
    assert_int_equal(sbx_volume_changed(*state, "k", NULL), 11);
    sbx_volume_copy(*state, "k", "base");
    assert_int_equal(sbx_volume_changed(*state, "k", "base"), 0);
    put(*state, "k", "small", "yy");
    assert_int_equal(sbx_volume_changed(*state, "k", "base"), 2);
}

static void an_overlay_leaves_what_it_lacks(void **state)
{
    put(*state, "from", "a", "new");
    put(*state, "to", "a", "old");
    put(*state, "to", "stale", "still");
    sbx_volume_overlay(*state, "from", "to");
    expect(*state, "to", "a", "new");
    expect(*state, "to", "stale", "still");
}

static void corruption_is_silent(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    put(*state, "k", "a", "alpha");
    assert_true(sbx_volume_describe(*state, "k", "big", 1000, "s", &err));
    sbx_volume_copy(*state, "k", "copy");
    sbx_volume_corrupt(*state, "copy");
    assert_int_equal(sbx_volume_bytes(*state, "copy"), sbx_volume_bytes(*state, "k"));
    assert_int_equal(sbx_volume_changed(*state, "copy", "k"), 1005);
    expect(*state, "k", "a", "alpha");
}

static bool lives(void *user, const char *key)
{
    return strcmp(key, user) == 0;
}

static void what_is_gone_is_swept(void **state)
{
    char kept[] = "east/a";
    put(*state, "east/a", "f", "1");
    put(*state, "east/b", "f", "2");
    put(*state, "west/b", "f", "3");
    sbx_volumes_sweep(*state, "east/", lives, kept);
    assert_true(sbx_volume_has(*state, "east/a", "f"));
    assert_false(sbx_volume_has(*state, "east/b", "f"));
    assert_true(sbx_volume_has(*state, "west/b", "f"));
}

static void wrong_paths_and_too_much_are_refused(void **state)
{
    static const char *const wrong[] = { "", "/a", "a/", "a//b", "../a", "a/../b", "." };
    for (size_t i = 0; i < CF_ARRAY_LEN(wrong); i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_false(sbx_volume_write(*state, "k", wrong[i], "x", 1, &err));
        assert_int_equal(err.kind, CF_ERR_INVALID);
    }
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *much = cf_xcalloc(1, SBX_FILE_MAX + 1);
    assert_false(sbx_volume_write(*state, "k", "a", much, SBX_FILE_MAX + 1, &err));
    assert_int_equal(err.kind, CF_ERR_LIMIT);
    cf_error_clear(&err);
    for (int i = 0; i < SBX_FILES_MAX; i++) {
        cf_autofree char *path = cf_xasprintf("f%d", i);
        assert_true(sbx_volume_write(*state, "full", path, "", 0, &err));
    }
    assert_false(sbx_volume_write(*state, "full", "one-more", "", 0, &err));
    assert_int_equal(err.kind, CF_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(digests_are_of_what_is_there, up, down),
        cmocka_unit_test_setup_teardown(a_copy_stays_as_it_was, up, down),
        cmocka_unit_test_setup_teardown(only_what_changed_counts, up, down),
        cmocka_unit_test_setup_teardown(an_overlay_leaves_what_it_lacks, up, down),
        cmocka_unit_test_setup_teardown(corruption_is_silent, up, down),
        cmocka_unit_test_setup_teardown(what_is_gone_is_swept, up, down),
        cmocka_unit_test_setup_teardown(wrong_paths_and_too_much_are_refused, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
