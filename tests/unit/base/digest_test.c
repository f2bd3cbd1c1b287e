/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against FIPS 180 examples, hex, base64 against RFC 4648's, and what is no base64. */
#include <stdlib.h>

#include "base/digest.h"
#include "tests/support/test.h"

static void test_sha256(void **state)
{
    (void)state;
    char hex[CF_SHA256_HEX];
    assert_string_equal(cf_sha256_hex("", 0, hex),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(cf_sha256_hex("abc", 3, hex),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_hex(void **state)
{
    (void)state;
    char text[2 * 4 + 1] = "........";
    assert_string_equal(cf_hex("\x00\x09\xAF\xFF", 4, text), "0009afff");
    assert_string_equal(cf_hex("\x5C", 1, text), "5c");
    assert_string_equal(cf_hex(NULL, 0, text), "");
}

static void test_base64_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *text, *url;
    } cases[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "fooba", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xFB\xFF\xBF", "+/+/", "-_-_" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        size_t len = strlen(cases[i].plain), out_len;
        cf_autofree char *text = cf_base64_encode(cases[i].plain, len);
        cf_autofree char *url = cf_base64url_encode(cases[i].plain, len);
        assert_string_equal(text, cases[i].text);
        assert_string_equal(url, cases[i].url);
        cf_autofree unsigned char *back = NULL;
        assert_ok(cf_base64_decode(text, strlen(text), &back, &out_len, &err), &err);
        assert_int_equal(out_len, len);
        assert_string_equal((char *)back, cases[i].plain);
    }
}

static void test_white_space_is_skipped(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree unsigned char *back = NULL;
    size_t len;
    const char *text = " Zm9v\r\n\tYm\nFy Zg=\n= \n";
    assert_ok(cf_base64_decode(text, strlen(text), &back, &len, &err), &err);
    assert_string_equal((char *)back, "foobarf");
}

static void test_what_is_no_base64(void **state)
{
    (void)state;
    static const char *const texts[] = { "Z",     "Zg",    "Zg=",        "Zm9",
                                         "====",  "Z===",  "Zg==Zg==",   "Zg===",
                                         "Zg==Z", "Zm9v=", "Zm9-",       "Zm9_",
                                         "Zm 9!", "Zg=g",  "\xC3\xA4==", "Zm9vZm8=Zm9v" };
    for (size_t i = 0; i < CF_ARRAY_LEN(texts); i++) {
        struct cf_error err = CF_ERROR_INIT;
        unsigned char *out = NULL;
        size_t len = 99;
        if (cf_base64_decode(texts[i], strlen(texts[i]), &out, &len, &err))
            fail_msg("\"%s\" was decoded", texts[i]);
        assert_int_equal(err.kind, CF_ERR_INVALID);
        assert_null(out);
        assert_int_equal(len, 99);
    }
}

static void test_all_bytes_survive(void **state)
{
    (void)state;
    unsigned char all[256 * 3];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (unsigned char)(i * 7);
    for (size_t len = 0; len < sizeof all; len++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autofree char *text = cf_base64_encode(all, len);
        cf_autofree unsigned char *back = NULL;
        size_t back_len;
        assert_ok(cf_base64_decode(text, strlen(text), &back, &back_len, &err), &err);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, all, len);
    }
}

static void test_constant_time_equality(void **state)
{
    (void)state;
    assert_true(cf_equal_constant_time("abc", "abc", 3));
    assert_false(cf_equal_constant_time("abc", "abd", 3));
    assert_true(cf_equal_constant_time("abc", "abd", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_white_space_is_skipped),
        cmocka_unit_test(test_what_is_no_base64),
        cmocka_unit_test(test_all_bytes_survive),
        cmocka_unit_test(test_constant_time_equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
