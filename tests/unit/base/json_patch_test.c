/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Patch against the cases of RFC 6902 appendix A, its refusals and our limits; merge patches
 * against RFC 7396 appendix A, and that the difference of two documents leads from one to the
 * other. */
#include "base/json_patch.h"
#include "tests/support/test.h"

static json_t *parse(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, strlen(text), 0, &err);
    if (!j)
        fail_msg("%s: %s", text, err.message);
    return j;
}

static const struct {
    const char *doc, *patch;
    const char *result; /* NULL: fails */
    enum cf_err_kind kind;
    const char *field;
} patches[] = {
    /* A.1 to A.7 */
    { "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
      "{\"baz\":\"qux\",\"foo\":\"bar\"}", 0, NULL },
    { "{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
      "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", 0, NULL },
    { "{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
      "{\"foo\":\"bar\"}", 0, NULL },
    { "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
      "{\"foo\":[\"bar\",\"baz\"]}", 0, NULL },
    { "{\"baz\":\"qux\",\"foo\":\"bar\"}",
      "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
      "{\"baz\":\"boo\",\"foo\":\"bar\"}", 0, NULL },
    { "{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
      "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
      "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}", 0, NULL },
    { "{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
      "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
      "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}", 0, NULL },
    /* A.8 to A.16 */
    { "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
      "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},"
      "{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
      "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}", 0, NULL },
    { "{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]", NULL,
      CF_ERR_CONFLICT, "0/value" },
    { "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
      "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}", 0, NULL },
    { "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
      "{\"foo\":\"bar\",\"baz\":\"qux\"}", 0, NULL },
    { "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]", NULL,
      CF_ERR_CONFLICT, "0/path" },
    { "{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
      "{\"/\":9,\"~1\":10}", 0, NULL },
    { "{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", NULL,
      CF_ERR_CONFLICT, "0/value" },
    { "{\"foo\":[\"bar\"]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
      "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}", 0, NULL },
    /* the root, arrays' ends, replacing in arrays, copies, numbers by value */
    { "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":[2]}]", "[2]", 0, NULL },
    { "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":3}]", "3", 0, NULL },
    { "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"\"}]", "{\"b\":1}", 0,
      NULL },
    { "[1]", "[{\"op\":\"add\",\"path\":\"/1\",\"value\":2}]", "[1,2]", 0, NULL },
    { "[1,2,3]", "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":9}]", "[1,9,3]", 0, NULL },
    { "[1,2,3]", "[{\"op\":\"replace\",\"path\":\"/2\",\"value\":9}]", "[1,2,9]", 0, NULL },
    { "{\"a\":[1],\"b\":0}",
      "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"},"
      "{\"op\":\"add\",\"path\":\"/b/0\",\"value\":0}]",
      "{\"a\":[1],\"b\":[0,1]}", 0, NULL },
    { "{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"\",\"path\":\"/self\"}]",
      "{\"a\":1,\"self\":{\"a\":1}}", 0, NULL },
    { "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}", 0, NULL },
    { "{\"w\":5}", "[{\"op\":\"test\",\"path\":\"/w\",\"value\":5.0}]", "{\"w\":5}", 0, NULL },
    { "{\"w\":null}", "[{\"op\":\"test\",\"path\":\"/w\",\"value\":null}]", "{\"w\":null}", 0,
      NULL },
    { "{\"\":{\"a\":1}}", "[{\"op\":\"remove\",\"path\":\"//a\"}]", "{\"\":{}}", 0, NULL },
    /* nothing there */
    { "[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":2}]", NULL, CF_ERR_CONFLICT, "0/path" },
    { "[1]", "[{\"op\":\"add\",\"path\":\"/01\",\"value\":2}]", NULL, CF_ERR_CONFLICT, "0/path" },
    { "[1]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", NULL, CF_ERR_CONFLICT, "0/path" },
    { "{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", NULL, CF_ERR_CONFLICT, "0/path" },
    { "{}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", NULL, CF_ERR_CONFLICT, "0/path" },
    { "{}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"}]", NULL, CF_ERR_CONFLICT,
      "0/from" },
    { "{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", NULL, CF_ERR_CONFLICT, "0/path" },
    { "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", NULL, CF_ERR_CONFLICT,
      "0/path" },
    /* malformed */
    { "{}", "{}", NULL, CF_ERR_INVALID, "" },
    { "{}", "[1]", NULL, CF_ERR_INVALID, "0" },
    { "{}", "[{\"path\":\"/a\"}]", NULL, CF_ERR_INVALID, "0/op" },
    { "{}", "[{\"op\":\"spam\",\"path\":\"/a\"}]", NULL, CF_ERR_INVALID, "0/op" },
    { "{}", "[{\"op\":\"add\",\"value\":1}]", NULL, CF_ERR_INVALID, "0/path" },
    { "{}", "[{\"op\":\"add\",\"path\":7,\"value\":1}]", NULL, CF_ERR_INVALID, "0/path" },
    { "{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", NULL, CF_ERR_INVALID, "0/path" },
    { "{}", "[{\"op\":\"add\",\"path\":\"/~2\",\"value\":1}]", NULL, CF_ERR_INVALID, "0/path" },
    { "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL, CF_ERR_INVALID, "0/value" },
    { "{\"a\":1}", "[{\"op\":\"copy\",\"path\":\"/b\"}]", NULL, CF_ERR_INVALID, "0/from" },
    { "{\"a\":{}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", NULL, CF_ERR_INVALID,
      "0/path" },
    { "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"}]", NULL, CF_ERR_INVALID, "0/path" },
    { "{\"a\":1}",
      "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1},{\"op\":\"remove\",\"path\":\"/b\"}]", NULL,
      CF_ERR_CONFLICT, "1/path" },
};

static void test_patches(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(patches); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *doc = parse(patches[i].doc);
        cf_autojson json_t *before = cf_json_copy(doc);
        cf_autojson json_t *patch = parse(patches[i].patch);
        cf_autojson json_t *patch_before = cf_json_copy(patch);
        cf_autojson json_t *result = cf_json_patch_apply(doc, patch, &err);
        assert_true(json_equal(doc, before));
        assert_true(json_equal(patch, patch_before));
        if (!patches[i].result) {
            if (result || err.kind != patches[i].kind || strcmp(err.field, patches[i].field) != 0)
                fail_msg("%s: kind %s, field \"%s\"", patches[i].patch, cf_err_kind_name(err.kind),
                         err.field);
            continue;
        }
        cf_autojson json_t *want = parse(patches[i].result);
        if (!result || !json_equal(result, want))
            fail_msg("%s: %s", patches[i].patch, err.message);
    }
}

static void test_a_failed_test_says_what_is_there(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *doc = parse("{\"a\":{\"b\":7}}");
    cf_autojson json_t *patch = parse("[{\"op\":\"test\",\"path\":\"/a/b\",\"value\":8}]");
    assert_null(cf_json_patch_apply(doc, patch, &err));
    assert_string_equal(err.reason, "TestFailed");
    assert_string_equal(err.message, "operation 0: test failed: \"/a/b\" is 7");
}

static void test_the_limit_of_operations(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *doc = parse("{}");
    cf_autojson json_t *op = parse("{\"op\":\"test\",\"path\":\"\",\"value\":{}}");
    cf_autojson json_t *patch = json_array();
    for (int i = 0; i < CF_JSON_PATCH_OPS_MAX; i++)
        json_array_append(patch, op);
    cf_autojson json_t *result = cf_json_patch_apply(doc, patch, &err);
    assert_non_null(result);
    json_array_append(patch, op);
    assert_fails(cf_json_patch_apply(doc, patch, &err), &err, CF_ERR_LIMIT, "longer than 10000");
}

/* Copying a document into itself doubles it each time: 2^40 nodes without the limit. */
static void test_the_limit_of_copying(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *doc = parse("{\"a\":[1,2,3]}");
    cf_autojson json_t *patch = json_array();
    cf_autojson json_t *op = parse("{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/-\"}");
    for (int i = 0; i < 40; i++)
        json_array_append(patch, op);
    assert_fails(cf_json_patch_apply(doc, patch, &err), &err, CF_ERR_LIMIT, "copies more than");
}

static void test_the_limit_of_depth(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *doc = parse("{\"a\":{}}");
    cf_autojson json_t *patch = json_array();
    cf_autojson json_t *op = parse("{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a\"}");
    for (int i = 0; i < CF_JSON_DEPTH_MAX - 2; i++)
        json_array_append(patch, op);
    cf_autojson json_t *result = cf_json_patch_apply(doc, patch, &err);
    assert_non_null(result);
    json_array_append(patch, op);
    assert_fails(cf_json_patch_apply(doc, patch, &err), &err, CF_ERR_LIMIT,
                 "nested deeper than 64");
}

/* RFC 7396 appendix A */
static void test_merge_patches(void **state)
{
    (void)state;
    static const struct {
        const char *doc, *patch, *result;
    } cases[] = {
        { "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
        { "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
        { "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
        { "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
        { "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
        { "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
        { "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}" },
        { "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
        { "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
        { "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
        { "{\"a\":\"foo\"}", "null", "null" },
        { "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
        { "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
        { "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
        { "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *doc = parse(cases[i].doc);
        cf_autojson json_t *patch = parse(cases[i].patch);
        cf_autojson json_t *want = parse(cases[i].result);
        cf_autojson json_t *result = cf_json_merge_apply(doc, patch);
        assert_true(json_equal(result, want));
    }
}

static void test_the_difference_leads_there(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *patch;
    } cases[] = {
        { "{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":3}", "{\"b\":null,\"c\":3}" },
        { "{\"a\":{\"x\":1,\"y\":[1]}}", "{\"a\":{\"x\":1,\"y\":[2]}}", "{\"a\":{\"y\":[2]}}" },
        { "{\"a\":1}", "{\"a\":1.0}", "{}" },
        { "{\"a\":{\"x\":1}}", "{\"a\":7}", "{\"a\":7}" },
        { "{\"a\":7}", "{\"a\":{\"x\":{}}}", "{\"a\":{\"x\":{}}}" },
        { "{}", "{}", "{}" },
        { "[1]", "[1]", "{}" },
        { "[1]", "[2]", "[2]" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *from = parse(cases[i].from);
        cf_autojson json_t *to = parse(cases[i].to);
        cf_autojson json_t *want = parse(cases[i].patch);
        cf_autojson json_t *patch = cf_json_merge_diff(from, to);
        assert_true(json_equal(patch, want));
        if (json_is_object(from)) {
            cf_autojson json_t *result = cf_json_merge_apply(from, patch);
            assert_true(cf_json_equal(result, to));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patches),
        cmocka_unit_test(test_a_failed_test_says_what_is_there),
        cmocka_unit_test(test_the_limit_of_operations),
        cmocka_unit_test(test_the_limit_of_copying),
        cmocka_unit_test(test_the_limit_of_depth),
        cmocka_unit_test(test_merge_patches),
        cmocka_unit_test(test_the_difference_leads_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
