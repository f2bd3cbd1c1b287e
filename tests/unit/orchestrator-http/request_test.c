/* SPDX-License-Identifier: Apache-2.0 */
/* Proves how a request is filled and read, and what an answer holds: targets, queries, repeated
 * headers, Prefer, replaced bodies. */
#include "tests/support/test.h"

#include <stdio.h>

#include "orchestrator/http/limits.h"
#include "orchestrator/http/message.h"

static struct cf_http_request req;

static int setup(void **state)
{
    (void)state;
    req = (struct cf_http_request){ .arena = cf_arena_new(0) };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cf_arena_free(req.arena);
    return 0;
}

static const char *set(const char *target)
{
    req.query = (struct http_pairs){ .count = 0 };
    return http_request_set_target(&req, "GET", 3, target, strlen(target));
}

static bool add(const char *name, const char *value)
{
    return http_request_add_header(&req, name, strlen(name), value, strlen(value));
}

static void test_targets(void **state)
{
    (void)state;
    assert_null(set("/a%20b?x=1&y=a+b%2B&&z&=v&x=2"));
    assert_string_equal(cf_http_request_path(&req), "/a%20b");
    assert_string_equal(cf_http_request_target(&req), "/a%20b?x=1&y=a+b%2B&&z&=v&x=2");
    assert_string_equal(cf_http_request_query(&req, "x"), "1");
    assert_string_equal(cf_http_request_query(&req, "y"), "a b+");
    assert_string_equal(cf_http_request_query(&req, "z"), "");
    assert_null(cf_http_request_query(&req, "X"));
    const char *name, *value;
    assert_true(cf_http_request_query_at(&req, 4, &name, &value));
    assert_string_equal(name, "x");
    assert_string_equal(value, "2");
    assert_false(cf_http_request_query_at(&req, 5, &name, &value));
    assert_null(set("/?"));
    assert_false(cf_http_request_query_at(&req, 0, &name, &value));
    assert_non_null(set("/?a=%4"));
    assert_non_null(set("/?%zz=1"));
    assert_non_null(set("/?a=%00"));
}

static void test_too_many_parameters(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(10000);
    cf_buf_puts(&b, "/?");
    for (int i = 0; i < CF_HTTP_QUERY_MAX; i++)
        cf_buf_puts(&b, "a&");
    assert_null(set(b.data));
    cf_buf_puts(&b, "a");
    assert_non_null(set(b.data));
}

static void test_headers(void **state)
{
    (void)state;
    assert_true(add("Accept", "a/b"));
    assert_true(add("accept", "c/d"));
    assert_true(add("ACCEPT", "e/f"));
    assert_true(add("Cookie", "a=1"));
    assert_true(add("cookie", "b=2"));
    assert_string_equal(cf_http_request_header(&req, "aCCept"), "a/b, c/d, e/f");
    assert_string_equal(cf_http_request_header(&req, "cookie"), "a=1; b=2");
    assert_null(cf_http_request_header(&req, "accep"));
    assert_true(add("Authorization", "x"));
    assert_false(add("authorization", "x"));
    assert_true(add("Content-Type", "x"));
    assert_false(add("content-type", "y"));
    const char *name, *value;
    assert_true(cf_http_request_header_at(&req, 0, &name, &value));
    assert_string_equal(name, "Accept");
    assert_false(cf_http_request_header_at(&req, 4, &name, &value));
}

/* Many lines of one name cost memory in proportion to their bytes. */
static void test_joined_headers_are_cheap(void **state)
{
    (void)state;
    static char value[320];
    memset(value, 'v', sizeof value - 1);
    size_t before = cf_arena_used(req.arena);
    for (int i = 0; i < CF_HTTP_HEADERS_MAX; i++)
        assert_true(add("x", value));
    size_t bytes = CF_HTTP_HEADERS_MAX * sizeof value;
    assert_true(cf_arena_used(req.arena) - before < 8 * bytes);
    assert_int_equal(strlen(cf_http_request_header(&req, "x")),
                     CF_HTTP_HEADERS_MAX * (319 + 2) - 2);
}

static void test_prefer_wait(void **state)
{
    (void)state;
    static const struct {
        const char *prefer;
        int64_t want;
    } rows[] = {
        { "wait=5", 5000 },
        { "respond-async, wait=20", 20000 },
        { "WAIT=1", 1000 },
        { "wait=0", 0 },
        { "wait=9999", 60000 },
        { "wait=999999", 60000 },
        { "wait=99999999999999", 0 },
        { "wait", 0 },
        { "wait=", 0 },
        { "wait=-1", 0 },
        { "wait=1.5", 0 },
        { "await=5", 0 },
        { "", 0 },
    };
    assert_int_equal(cf_http_request_prefer_wait(&req, 60000), 0);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        req.headers.count = 0;
        add("Prefer", rows[i].prefer);
        if (cf_http_request_prefer_wait(&req, 60000) != rows[i].want)
            fail_msg("Prefer: %s", rows[i].prefer);
    }
}

static void test_answers(void **state)
{
    (void)state;
    struct cf_http_response res = { .arena = req.arena, .status = 200 };
    cf_http_response_text(&res, 201, "%s", "one");
    assert_int_equal(cf_http_response_get_status(&res), 201);
    cf_http_response_body_static(&res, "a/b", "static", 6);
    assert_null(res.owned);
    assert_string_equal(cf_http_response_get_header(&res, "content-type"), "a/b");
    cf_http_response_json_take(&res, 422, json_pack("{s:i}", "a", 1));
    assert_string_equal(cf_http_response_get_header(&res, "Content-Type"), "a/b");
    assert_memory_equal(res.body, "{\"a\":1}", 7);
    cf_http_response_header(&res, "Location", "/a\r\nSet-Cookie: x");
    assert_string_equal(cf_http_response_get_header(&res, "location"), "/a  Set-Cookie: x");
    cf_http_response_header(&res, "LOCATION", "/b");
    cf_http_response_header_add(&res, "Link", "1");
    cf_http_response_header_add(&res, "Link", "2");
    assert_int_equal(res.headers.count, 4);
    cf_http_response_headerf(&res, "ETag", "\"%d\"", 7);
    assert_string_equal(cf_http_response_get_header(&res, "etag"), "\"7\"");
    http_response_reset(&res);
    assert_int_equal(res.status, 200);
    assert_int_equal(res.headers.count + res.body_len, 0);
    assert_string_equal(cf_http_status_text(404), "Not Found");
    assert_string_equal(cf_http_status_text(299), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_targets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_parameters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_joined_headers_are_cheap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prefer_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
