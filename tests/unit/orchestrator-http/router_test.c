/* SPDX-License-Identifier: Apache-2.0 */
/* Proves which row of a route table serves a method and a path, what its parameters are, and which
 * tables are refused. */
#include "tests/support/test.h"

#include <stdio.h>

#include "orchestrator/http/router.h"

static void handler(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)req, (void)res;
}

#define ROW(m, p)                                                                                  \
    {                                                                                              \
        .method = m, .path = p, .handler = handler, .row = p                                       \
    }

static const struct cf_http_route table[] = {
    ROW("GET", "/"),
    ROW("GET", "/files/{rest...}"),
    ROW("GET", "/api/v1/plans/{name}"),
    ROW("PUT", "/api/v1/plans/{name}"),
    ROW("GET", "/api/v1/plans"),
    ROW("POST", "/api/v1/plans"),
    ROW("POST", "/api/v1/plans/lint"),
    ROW("GET", "/api/v1/plans/{name}/revisions/{rev}"),
    ROW("GET", "/api/v1/{kind}/{name}/events"),
    ROW("GET", "/files/readme"),
    ROW("*", "/any/{x}"),
    ROW("DELETE", "/any/{x}"),
    ROW("HEAD", "/own-head"),
    ROW("GET", "/own-head"),
    ROW("OPTIONS", "/own-options"),
    ROW("GET", "/trailing/"),
    { .method = NULL },
};

static const struct {
    const char *method, *path;
    const char
        *want; /* "METHOD template|name=value|…", "405 allow", "OPTIONS allow", "404", "400" */
} lookups[] = {
    { "GET", "/", "GET /" },
    { "HEAD", "/", "GET /" },
    { "GET", "/api/v1/plans", "GET /api/v1/plans" },
    { "GET", "/api/v1/plans/", "404" },
    { "GET", "/api/v1/plans?x=y", "GET /api/v1/plans" },
    { "GET", "/api/v1/plans/web", "GET /api/v1/plans/{name}|name=web" },
    { "GET", "/api/v1/plans/web%20one%2Ftwo", "GET /api/v1/plans/{name}|name=web one/two" },
    { "PUT", "/api/v1/plans/web", "PUT /api/v1/plans/{name}|name=web" },
    { "POST", "/api/v1/plans/lint", "POST /api/v1/plans/lint" },
    { "GET", "/api/v1/plans/lint", "GET /api/v1/plans/{name}|name=lint" },
    { "GET", "/api/v1/plans/a/revisions/3",
      "GET /api/v1/plans/{name}/revisions/{rev}|name=a|rev=3" },
    { "GET", "/api/v1/plans/a/events", "GET /api/v1/{kind}/{name}/events|kind=plans|name=a" },
    { "GET", "/api/v1/plans//revisions/3", "404" },
    { "GET", "/api/v1/plans/a/revisions/", "404" },
    { "GET", "/api/v1/plans/a/revisions/3/4", "404" },
    { "GET", "/api/v2/plans", "404" },
    { "GET", "/api", "404" },
    { "GET", "/files/readme", "GET /files/readme" },
    { "GET", "/files/readme/x", "GET /files/{rest...}|rest=readme/x" },
    { "GET", "/files/a/b/c", "GET /files/{rest...}|rest=a/b/c" },
    { "GET", "/files/", "404" },
    { "GET", "/files", "404" },
    { "GET", "/trailing/", "GET /trailing/" },
    { "GET", "/trailing", "404" },
    { "PATCH", "/any/1", "* /any/{x}|x=1" },
    { "DELETE", "/any/1", "DELETE /any/{x}|x=1" },
    { "OPTIONS", "/any/1", "* /any/{x}|x=1" },
    { "HEAD", "/own-head", "HEAD /own-head" },
    { "OPTIONS", "/own-options", "OPTIONS /own-options" },
    { "DELETE", "/api/v1/plans", "405 GET, HEAD, POST, OPTIONS" },
    { "POST", "/api/v1/plans/a", "405 PUT, GET, HEAD, OPTIONS" },
    { "DELETE", "/api/v1/plans/lint", "405 POST, PUT, GET, HEAD, OPTIONS" },
    { "POST", "/", "405 GET, HEAD, OPTIONS" },
    { "get", "/", "405 GET, HEAD, OPTIONS" },
    { "OPTIONS", "/api/v1/plans", "OPTIONS GET, HEAD, POST, OPTIONS" },
    { "OPTIONS", "/nowhere", "404" },
};

static void sorted_allow(char *text)
{
    /* The order of methods says nothing: compare sets of words by their sorted characters. */
    for (char *a = text; *a; a++)
        for (char *b = a + 1; *b; b++)
            if (*b < *a) {
                char c = *a;
                *a = *b;
                *b = c;
            }
}

static void check_lookup(const struct http_router *r, const char *method, const char *path,
                         const char *want)
{
    struct cf_http_request req = { .arena = cf_arena_new(0) };
    CF_CLEANUP(cf_buf_free) struct cf_buf allow = CF_BUF_INIT(512), got = CF_BUF_INIT(1000);
    assert_null(http_request_set_target(&req, method, strlen(method), path, strlen(path)));
    switch (http_router_find(r, &req, &allow)) {
    case HTTP_ROUTED:
        cf_buf_printf(&got, "%s %s", req.route->method, req.route->path);
        for (size_t i = 0; i < req.params.count; i++)
            cf_buf_printf(&got, "|%s=%s", req.params.items[i].name, req.params.items[i].value);
        assert_ptr_equal(cf_http_request_row(&req), req.route->path);
        break;
    case HTTP_ROUTE_METHOD:
        cf_buf_printf(&got, "405 %s", cf_buf_str(&allow));
        break;
    case HTTP_ROUTE_OPTIONS:
        cf_buf_printf(&got, "OPTIONS %s", cf_buf_str(&allow));
        break;
    case HTTP_ROUTE_NONE:
        cf_buf_puts(&got, "404");
        break;
    case HTTP_ROUTE_BAD:
        cf_buf_puts(&got, "400");
        break;
    }
    char *a = cf_xstrdup(cf_buf_str(&got)), *b = cf_xstrdup(want);
    if (strchr(want, ',')) {
        sorted_allow(a);
        sorted_allow(b);
    }
    if (strcmp(a, b) != 0)
        fail_msg("%s %s: got \"%s\", want \"%s\"", method, path, cf_buf_str(&got), want);
    free(a);
    free(b);
    cf_arena_free(req.arena);
}

static void test_lookups(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct http_router *r = http_router_new(table, &err);
    assert_non_null(r);
    for (size_t i = 0; i < CF_ARRAY_LEN(lookups); i++)
        check_lookup(r, lookups[i].method, lookups[i].path, lookups[i].want);
    http_router_free(r);
}

static void test_empty(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct http_router *r = http_router_new(NULL, &err);
    check_lookup(r, "GET", "/", "404");
    http_router_free(r);
}

static const struct {
    struct cf_http_route rows[3];
    const char *text;
} refused[] = {
    { { ROW("GET", "plans") }, "needs a path" },
    { { { .method = "GET", .path = "/x" } }, "handler" },
    { { ROW("GET", "/{a") }, "bad segment" },
    { { ROW("GET", "/a}") }, "bad segment" },
    { { ROW("GET", "/x{a}") }, "bad segment" },
    { { ROW("GET", "/{}") }, "bad segment" },
    { { ROW("GET", "/{a b}") }, "bad segment" },
    { { ROW("GET", "/{a...}/b") }, "bad segment" },
    { { ROW("GET", "/ä") }, "bad segment" },
    { { ROW("GET", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}") }, "more than" },
    { { ROW("GET", "/a"), ROW("GET", "/a") }, "are the same" },
    { { ROW("GET", "/a/{x}"), ROW("GET", "/a/{y}") }, "are the same" },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(refused); i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_fails(http_router_new(refused[i].rows, &err), &err, CF_ERR_INVALID, refused[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
