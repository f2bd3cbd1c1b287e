/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the choice of a media type by Accept, the reading of Content-Type, and which addresses are
 * loopback. */
#include "tests/support/test.h"

#include "orchestrator/http/http.h"

static const char *const offers[] = { "application/json", "text/event-stream",
                                      "application/x-ndjson", NULL };

static void test_negotiate(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        int want; /* index of the offer; -1: none */
    } rows[] = {
        { NULL, 0 },
        { "", 0 },
        { "*/*", 0 },
        { "application/*", 0 },
        { "text/*", 1 },
        { "text/event-stream", 1 },
        { "TEXT/Event-Stream", 1 },
        { "text/event-stream;q=0.5, application/json;q=0.4", 1 },
        { "text/event-stream; q=0.5, application/json; q=0.6", 0 },
        { "application/x-ndjson, */*;q=0.1", 2 },
        { "application/json;q=0, */*", 1 },
        { "text/html, application/xhtml+xml, */*;q=0.8", 0 },
        { "application/x-ndjson;charset=utf-8", 2 },
        { "text/event-stream;q=0.001", 1 },
        { "text/event-stream;q=0.000", -1 },
        { "text/html", -1 },
        { "application/jso", -1 },
        { "application/jsonx", -1 },
        { "*/*;q=0", -1 },
        { "application/json;q=x", -1 },
        { ", ,", -1 },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        const char *got = cf_http_negotiate(rows[i].accept, offers);
        const char *want = rows[i].want < 0 ? NULL : offers[rows[i].want];
        if (got != want)
            fail_msg("Accept \"%s\": got %s", rows[i].accept ? rows[i].accept : "(none)",
                     got ? got : "nothing");
    }
}

static void test_media_type(void **state)
{
    (void)state;
    assert_true(cf_http_media_type_is("application/json", "application/json"));
    assert_true(cf_http_media_type_is("Application/JSON; charset=utf-8", "application/json"));
    assert_true(cf_http_media_type_is("application/json ;x", "application/json"));
    assert_false(cf_http_media_type_is("application/jsonp", "application/json"));
    assert_false(cf_http_media_type_is("", "application/json"));
    assert_false(cf_http_media_type_is(NULL, "application/json"));
}

static void test_loopback(void **state)
{
    (void)state;
    static const char *const yes[] = { "127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1" };
    static const char *const no[] = { "0.0.0.0",        "::",    "10.0.0.1",   "128.0.0.1",
                                      "localhost",      "",      "127.0.0.1 ", "::2",
                                      "::ffff:1.2.3.4", "[::1]", "127.1" };
    for (size_t i = 0; i < CF_ARRAY_LEN(yes); i++)
        if (!cf_http_addr_is_loopback(yes[i]))
            fail_msg("%s is loopback", yes[i]);
    for (size_t i = 0; i < CF_ARRAY_LEN(no); i++)
        if (cf_http_addr_is_loopback(no[i]))
            fail_msg("%s is not loopback", no[i]);
    assert_false(cf_http_addr_is_loopback(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negotiate),
        cmocka_unit_test(test_media_type),
        cmocka_unit_test(test_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
