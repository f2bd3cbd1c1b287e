/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that an answer that is no JSON comes as it is, that more of it than was asked for is LIMIT, and
 * that a refusal is the server's error. */
#include "tests/support/test.h"

#include "tests/support/fake_kube.h"

#define LOG "/api/v1/namespaces/web/pods/a/log?tailLines=1"

static void a_log_comes_as_it_is(void **state)
{
    (void)state;
    struct cf_fake_kube *f = cf_fake_kube_new();
    struct cf_kube *k = cf_fake_kube_client(f, "dc1");
    struct cf_error err = CF_ERROR_INIT;
    struct cf_buf all = CF_BUF_INIT(100), little = CF_BUF_INIT(4), none = CF_BUF_INIT(100);
    cf_fake_kube_text(f, "/pods/a/log", "{not json\n\351\n");
    assert_ok(cf_kube_text(k, NULL, LOG, &all, &err), &err);
    assert_ok(cf_kube_text(k, NULL, LOG, &all, &err), &err);
    assert_string_equal(cf_buf_str(&all), "{not json\n\351\n{not json\n\351\n");
    assert_fails(cf_kube_text(k, NULL, LOG, &little, &err), &err, CF_ERR_LIMIT,
                 "more than 4 bytes");
    cf_error_clear(&err);
    assert_fails(cf_kube_text(k, NULL, "/api/v1/namespaces/web/pods/b/log", &none, &err), &err,
                 CF_ERR_NOT_FOUND, "not found");
    assert_int_equal(none.len, 0);
    cf_buf_free(&all);
    cf_buf_free(&little);
    cf_kube_unref(k);
    cf_fake_kube_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_log_comes_as_it_is) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
