/* SPDX-License-Identifier: Apache-2.0 */
/* What an API server's refusal becomes: kind, reason, field, message, wait. And that strange bodies
 * do no harm. */
#include "tests/support/test.h"

#include "federation/kube/status.h"

#define INVALID_BODY                                                                               \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"Deployment.apps \\\"x\\\" is "      \
    "invalid\",\"reason\":\"Invalid\","                                                            \
    "\"details\":{\"causes\":[{\"reason\":\"FieldValueInvalid\",\"message\":\"must be 0 or "       \
    "more\",\"field\":\"spec.replicas\"},"                                                         \
    "{\"message\":\"is required\",\"field\":\"spec.selector\"}]},\"code\":422}"

static const struct {
    int status;
    bool is_write;
    const char *body;
    int64_t header_ms;
    enum cf_err_kind kind;
    const char *reason, *field, *text;
    int64_t retry_ms;
} answers[] = {
    { 422, true, INVALID_BODY, 0, CF_ERR_INVALID, "Invalid", "spec.replicas",
      "is invalid; spec.replicas: must be 0 or more; spec.selector: is required", 0 },
    { 404, false,
      "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"pods \\\"a\\\" not "
      "found\",\"code\":404}",
      0, CF_ERR_NOT_FOUND, "NotFound", "", "pods \"a\" not found", 0 },
    { 404, false, "404 page not found\n", 0, CF_ERR_NOT_FOUND, "NotFound", "",
      "answered 404: 404 page not found", 0 },
    { 409, true,
      "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"exists\",\"code\":409}", 0,
      CF_ERR_CONFLICT, "AlreadyExists", "", "exists", 0 },
    { 409, true,
      "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"modified\",\"code\":409}", 0,
      CF_ERR_CONFLICT, "Conflict", "", "modified", 0 },
    { 410, false, "{\"kind\":\"Status\",\"reason\":\"Gone\",\"message\":\"too old\",\"code\":410}",
      0, CF_ERR_NOT_FOUND, "Expired", "", "too old", 0 },
    { 401, false, "{\"kind\":\"Status\",\"reason\":\"Unauthorized\",\"code\":401}", 0,
      CF_ERR_DENIED, "Unauthorized", "", "answered 401", 0 },
    { 403, true, "", 0, CF_ERR_DENIED, "Forbidden", "", "answered 403", 0 },
    { 429, true,
      "{\"kind\":\"Status\",\"reason\":\"TooManyRequests\",\"details\":{\"retryAfterSeconds\":"
      "3},\"code\":429}",
      0, CF_ERR_TRANSIENT, "TooManyRequests", "", "", 3000 },
    { 429, true, "slow down", 1000, CF_ERR_TRANSIENT, "TooManyRequests", "", "slow down", 1000 },
    { 500, true, "{\"kind\":\"Status\",\"reason\":\"InternalError\",\"code\":500}", 0,
      CF_ERR_TRANSIENT, "InternalError", "", "", 0 },
    { 500, true,
      "{\"kind\":\"Status\",\"message\":\"failed to create typed patch object (n/x; v1, Kind=ConfigMap): .nope: field "
      "not declared in schema\",\"code\":500}",
      0, CF_ERR_INVALID, "", "", "field not declared in schema", 0 },
    { 500, true, "{\"kind\":\"Status\",\"reason\":\"ServerTimeout\",\"code\":500}", 0,
      CF_ERR_UNKNOWN, "ServerTimeout", "", "", 0 },
    { 504, true, "{\"kind\":\"Status\",\"reason\":\"Timeout\",\"code\":504}", 0, CF_ERR_UNKNOWN,
      "Timeout", "", "", 0 },
    { 504, false, "{\"kind\":\"Status\",\"reason\":\"Timeout\",\"code\":504}", 0, CF_ERR_TRANSIENT,
      "Timeout", "", "", 0 },
    { 502, true, "<html>bad gateway</html>", 0, CF_ERR_UNKNOWN, "BadGateway", "", "<html>", 0 },
    { 502, false, "<html>bad gateway</html>", 0, CF_ERR_TRANSIENT, "BadGateway", "", "<html>", 0 },
    { 503, true, "", 5000, CF_ERR_TRANSIENT, "ServiceUnavailable", "", "", 5000 },
    { 400, true, "{\"kind\":\"Status\",\"reason\":\"BadRequest\",\"message\":\"no\",\"code\":400}",
      0, CF_ERR_INVALID, "BadRequest", "", "no", 0 },
    { 415, true, "", 0, CF_ERR_INVALID, "", "", "415", 0 },
    { 302, false, "", 0, CF_ERR_INVALID, "", "", "302", 0 },
    { 599, false, "", 0, CF_ERR_TRANSIENT, "", "", "599", 0 },
    { 500, false,
      "{\"kind\":\"Status\",\"message\":7,\"details\":{\"causes\":\"x\"},\"reason\":[]}", 0,
      CF_ERR_TRANSIENT, "", "", "500", 0 },
    { 500, false, "{{{{", 0, CF_ERR_TRANSIENT, "", "", "{{{{", 0 },
    { 403, false, "\x01\x02\xff", 0, CF_ERR_DENIED, "Forbidden", "", "403", 0 },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(answers); i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_false(cf_kube_status_error(answers[i].status, answers[i].body,
                                          strlen(answers[i].body), answers[i].header_ms,
                                          answers[i].is_write, &err));
        if (err.kind != answers[i].kind || !strstr(err.message, answers[i].text))
            fail_msg("case %zu: %s: %s", i, cf_err_kind_name(err.kind), err.message);
        assert_int_equal(err.upstream, answers[i].status);
        assert_string_equal(err.reason, answers[i].reason);
        assert_string_equal(err.field, answers[i].field);
        assert_int_equal(err.retry_after_ms, answers[i].retry_ms);
    }
}

static void test_many_causes_are_counted(void **state)
{
    (void)state;
    cf_autojson json_t *status =
        json_pack("{s:s, s:s, s:i}", "kind", "Status", "message", "bad", "code", 422);
    json_t *causes = json_array();
    for (int i = 0; i < 20; i++) {
        cf_autofree char *text = cf_xasprintf("cause %d.", i);
        json_array_append_new(causes, json_pack("{s:s, s:s}", "field", "a", "message", text));
    }
    cf_json_put_take(status, causes, "details", "causes", NULL);
    struct cf_error err = CF_ERROR_INIT;
    assert_false(cf_kube_status_error_json(0, status, 0, true, &err));
    assert_int_equal(err.kind, CF_ERR_INVALID);
    assert_non_null(strstr(err.message, "cause 7."));
    assert_null(strstr(err.message, "cause 8."));
    assert_non_null(strstr(err.message, "and 12 more"));
}

/* A patch of a Secret that is refused quotes the whole Secret. */
static void test_objects_are_not_repeated(void **state)
{
    (void)state;
    cf_autojson json_t *status =
        json_pack("{s:s, s:s, s:s, s:i}", "kind", "Status", "reason", "Invalid", "message",
                  "\"\" is invalid: patch: Invalid value: "
                  "\"{\\\"kind\\\":\\\"Secret\\\",\\\"data\\\":{\\\"a\\\":\\\"dG9w\\\"}}\": "
                  "strict decoding error: unknown field \"spec\"",
                  "code", 422);
    struct cf_error err = CF_ERROR_INIT;
    assert_false(cf_kube_status_error_json(422, status, 0, true, &err));
    assert_string_equal(
        err.message, "\"\" is invalid: patch: Invalid value: (the object): strict decoding error: "
                     "unknown field \"spec\"");
    json_object_set_new(status, "message", json_string("cut short: \"{\\\"kind\\\":\\"));
    cf_error_clear(&err);
    assert_false(cf_kube_status_error_json(422, status, 0, true, &err));
    assert_string_equal(err.message, "cut short: (the object)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_many_causes_are_counted),
        cmocka_unit_test(test_objects_are_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
