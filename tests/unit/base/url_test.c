/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding both ways, and which URLs are let through. */
#include "base/url.h"
#include "tests/support/test.h"

static void test_escape(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(200);
    cf_url_escape(&b, "aZ09-._~ /?#[]@!$&'()*+,;=%\xC3\xA4\n");
    assert_string_equal(cf_buf_str(&b),
                        "aZ09-._~%20%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25"
                        "%C3%A4%0A");
    cf_autofree char *text = cf_xstrdup(b.data);
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_url_unescape(text, false, &err), &err);
    assert_string_equal(text, "aZ09-._~ /?#[]@!$&'()*+,;=%\xC3\xA4\n");
}

static void test_unescape(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path, *query; /* NULL: refused */
    } cases[] = {
        { "", "", "" },
        { "a+b%2Bc%2bd", "a+b+c+d", "a b+c+d" },
        { "%2525", "%25", "%25" },
        { "%", NULL, NULL },
        { "a%2", NULL, NULL },
        { "%zz", NULL, NULL },
        { "%2z", NULL, NULL },
        { "ok%00", NULL, NULL },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        for (int is_query = 0; is_query < 2; is_query++) {
            struct cf_error err = CF_ERROR_INIT;
            const char *want = is_query ? cases[i].query : cases[i].path;
            cf_autofree char *text = cf_xstrdup(cases[i].text);
            assert_int_equal(cf_url_unescape(text, is_query, &err), want != NULL);
            /* what is refused stays as it was */
            assert_string_equal(text, want ? want : cases[i].text);
            assert_int_equal(err.kind, want ? CF_ERR_NONE : CF_ERR_INVALID);
        }
    }
}

static void test_check(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool http, https; /* accepted when both are allowed, when https only */
    } cases[] = {
        { "https://dc1.example:6443", true, true },
        { "https://10.0.0.1/", true, true },
        { "https://[::1]:6443/path?q=1", true, true },
        { "HTTPS://Example.com?q", true, true },
        { "http://localhost:9090/prom", true, false },
        { "http://a_b", true, false },
        { "", false, false },
        { "https://", false, false },
        { "https:///path", false, false },
        { "https://:443", false, false },
        { "ftp://host", false, false },
        { "file:///etc/passwd", false, false },
        { "//host", false, false },
        { "https://user@host", false, false },
        { "https://user:pw@host/", false, false },
        { "https://host/#frag", false, false },
        { "https://host:0", false, false },
        { "https://host:65536", false, false },
        { "https://host:", false, false },
        { "https://host:12a", false, false },
        { "https://[]", false, false },
        { "https://[::1", false, false },
        { "https://[::1]x", false, false },
        { "https://[g::1]", false, false },
        { "https://ho st/", false, false },
        { "https://host/a\nb", false, false },
        { "https://h\xC3\xA4/", false, false },
        { "https://host\\evil", false, false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        for (int only = 0; only < 2; only++) {
            struct cf_error err = CF_ERROR_INIT;
            bool want = only ? cases[i].https : cases[i].http;
            if (cf_url_check(cases[i].url, only, &err) != want)
                fail_msg("\"%s\": %s", cases[i].url, err.message);
            assert_int_equal(err.kind, want ? CF_ERR_NONE : CF_ERR_INVALID);
        }
    }
    struct cf_error err = CF_ERROR_INIT;
    assert_false(cf_url_check("https://user:hunter2@host/", false, &err));
    assert_null(strstr(err.message, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
