/* SPDX-License-Identifier: Apache-2.0 */
/* Proves which texts are addresses, of which type, and which of them no EndpointSlice may carry. */
#include "base/address.h"
#include "tests/support/test.h"

static const struct {
    const char *text, *type, *refused;
} cases[] = {
    { "10.20.0.5", "IPv4", NULL },
    { "1.1.1.1", "IPv4", NULL },
    { "fd00::5", "IPv6", NULL },
    { "2001:db8::1", "IPv6", NULL },
    { "0.0.0.0", "IPv4", "an unspecified" },
    { "127.0.0.1", "IPv4", "a loopback" },
    { "127.9.9.9", "IPv4", "a loopback" },
    { "169.254.169.254", "IPv4", "a link-local" },
    { "224.0.0.1", "IPv4", "a multicast" },
    { "239.255.255.255", "IPv4", "a multicast" },
    { "::", "IPv6", "an unspecified" },
    { "::1", "IPv6", "a loopback" },
    { "fe80::1", "IPv6", "a link-local" },
    { "ff02::1", "IPv6", "a multicast" },
    { "::ffff:10.0.0.1", "IPv6", "an IPv4-mapped" },
    { "gateway.dc2", NULL, NULL },
    { "10.0.0", NULL, NULL },
    { "10.0.0.256", NULL, NULL },
    { "", NULL, NULL },
};

static void is(const char *have, const char *want, const char *of)
{
    if ((have == NULL) != (want == NULL) || (have && strcmp(have, want) != 0))
        fail_msg("%s: %s, not %s", of, have ? have : "none", want ? want : "none");
}

static void each_text_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        is(cf_address_type(cases[i].text), cases[i].type, cases[i].text);
        is(cf_address_refused(cases[i].text), cases[i].refused, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_text_is_judged) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
