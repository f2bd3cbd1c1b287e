/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts have which form. */
#include "orchestrator/plan/format.h"
#include "orchestrator/plan/selector.h"
#include "tests/support/test.h"

#define LONG63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    enum cf_format format;
    const char *text;
    bool ok;
} cases[] = {
    { CF_FORMAT_ANY, "any text\nof lines", true },
    { CF_FORMAT_ANY, "", false },
    { CF_FORMAT_NAME, "a", true },
    { CF_FORMAT_NAME, "web-1", true },
    { CF_FORMAT_NAME, LONG63, true },
    { CF_FORMAT_NAME, LONG63 "a", false },
    { CF_FORMAT_NAME, "-web", false },
    { CF_FORMAT_NAME, "web-", false },
    { CF_FORMAT_NAME, "web.shop", false },
    { CF_FORMAT_NAME, "web\n", false },
    { CF_FORMAT_OBJECT_NAME, "web.shop", true },
    { CF_FORMAT_OBJECT_NAME, "web..shop", false },
    { CF_FORMAT_OBJECT_NAME, "Web", false },
    { CF_FORMAT_NAME_PATTERN, "tls-*", true },
    { CF_FORMAT_NAME_PATTERN, "*", true },
    { CF_FORMAT_NAME_PATTERN, "tls?", false },
    { CF_FORMAT_KIND, "Deployment", true },
    { CF_FORMAT_KIND, "deployments", false },
    { CF_FORMAT_API_VERSION, "v1", true },
    { CF_FORMAT_API_VERSION, "networking.istio.io/v1beta1", true },
    { CF_FORMAT_API_VERSION, "apps", false },
    { CF_FORMAT_LABEL_KEY, "app.kubernetes.io/name", true },
    { CF_FORMAT_LABEL_KEY, "Team_1", true },
    { CF_FORMAT_LABEL_KEY, "/name", false },
    { CF_FORMAT_LABEL_KEY, "a/b/c", false },
    { CF_FORMAT_LABEL_VALUE, "", true },
    { CF_FORMAT_LABEL_VALUE, "CHG-4711", true },
    { CF_FORMAT_LABEL_VALUE, "two words", false },
    { CF_FORMAT_HOST, "web", true },
    { CF_FORMAT_HOST, "*.example.org", true },
    { CF_FORMAT_HOST, "web.example.org:80", false },
    { CF_FORMAT_PATH, "/", true },
    { CF_FORMAT_PATH, "/a/b", true },
    { CF_FORMAT_PATH, "/a?b", false },
    { CF_FORMAT_PORT_NAME, "http-metrics", true },
    { CF_FORMAT_PORT_NAME, "a-name-too-long-1", false },
    { CF_FORMAT_ADDRESS, "10.0.0.1", true },
    { CF_FORMAT_ADDRESS, "fd00::1", true },
    { CF_FORMAT_ADDRESS, "10.0.0", false },
    { CF_FORMAT_ADDRESS, "web", false },
    { CF_FORMAT_IMAGE_PREFIX, "registry.dc1:5000/shop", true },
    { CF_FORMAT_IMAGE_PREFIX, "registry.dc1/", false },
    { CF_FORMAT_IMAGE_PREFIX, "https://registry.dc1", false },
    { CF_FORMAT_QUERY, "sum(rate(a{b=\"(\"}[1m]))", true },
    { CF_FORMAT_QUERY, "a{b=`\\`}", true },
    { CF_FORMAT_QUERY, "sum(a", false },
    { CF_FORMAT_QUERY, "sum(a]", false },
    { CF_FORMAT_QUERY, "a{b=\"c}", false },
    { CF_FORMAT_QUERY, "a)", false },
    { CF_FORMAT_ROUTE_NAME, "primary", true },
    { CF_FORMAT_ROUTE_NAME, "a b", false },
    { CF_FORMAT_SELECTOR, "app=web", true },
    { CF_FORMAT_SELECTOR, "app == web , tier != cache", true },
    { CF_FORMAT_SELECTOR, "app in (web, api),!legacy,team", true },
    { CF_FORMAT_SELECTOR, "tier notin (cache)", true },
    { CF_FORMAT_SELECTOR, "app=", true },
    { CF_FORMAT_SELECTOR, "app in (a,)", true },
    { CF_FORMAT_SELECTOR, "", false },
    { CF_FORMAT_SELECTOR, ",", false },
    { CF_FORMAT_SELECTOR, "app=web,", false },
    { CF_FORMAT_SELECTOR, "app in web", false },
    { CF_FORMAT_SELECTOR, "app in (web", false },
    { CF_FORMAT_SELECTOR, "app like web", false },
    { CF_FORMAT_SELECTOR, "app=we b", false },
    { CF_FORMAT_SELECTOR, "=web", false },
    { CF_FORMAT_SELECTOR, "! app=web", false },
};

static void each_text_has_its_form_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++)
        if (cf_format_ok(cases[i].format, cases[i].text) != cases[i].ok)
            fail_msg("\"%s\" as format %d must %sbe accepted", cases[i].text, (int)cases[i].format,
                     cases[i].ok ? "" : "not ");
}

/* The examples in hints are right, and nothing is longer than its limit. */
static void each_format_accepts_its_own_example(void **state)
{
    (void)state;
    for (int f = 0; f < CF_FORMATS; f++) {
        const struct cf_format_row *row = cf_format_row((enum cf_format)f);
        assert_true(cf_format_ok((enum cf_format)f, row->example));
        cf_autofree char *beyond = cf_xcalloc(1, row->max + 2);
        memset(beyond, '1', row->max + 1);
        assert_false(cf_format_ok((enum cf_format)f, beyond));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_has_its_form_or_not),
        cmocka_unit_test(each_format_accepts_its_own_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
