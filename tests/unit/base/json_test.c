/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is let in (limits, duplicates, encoding), what is written (compact, canonical by RFC
 * 8785), paths. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "tests/support/test.h"

static json_t *parse(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, strlen(text), 0, &err);
    if (!j)
        fail_msg("%s: %s", text, err.message);
    return j;
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len; /* 0: strlen */
        enum cf_err_kind kind;
        const char *message;
    } cases[] = {
        { "", 0, CF_ERR_INVALID, "line 1, column" },
        { "{\"a\":1,\n \"a\":2}", 0, CF_ERR_INVALID, "line 2, column" },
        { "{\"a\":1} x", 0, CF_ERR_INVALID, "line 1, column 9" },
        { "[1,]", 0, CF_ERR_INVALID, "not valid JSON" },
        { "{\"a\":01}", 0, CF_ERR_INVALID, "not valid JSON" },
        { "\"\\u0000\"", 0, CF_ERR_INVALID, "not valid JSON" },
        { "\"a\0b\"", 5, CF_ERR_INVALID, "not valid JSON" },
        { "\"\xC0\xAF\"", 0, CF_ERR_INVALID, "not valid JSON" },
        { "\"\xED\xA0\x80\"", 0, CF_ERR_INVALID, "not valid JSON" },
        { "\"\\ud800\"", 0, CF_ERR_INVALID, "not valid JSON" },
        { "9223372036854775808", 0, CF_ERR_INVALID, "too big integer" },
        { "1e999", 0, CF_ERR_INVALID, "real number overflow" },
        { "NaN", 0, CF_ERR_INVALID, "not valid JSON" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);
        /* a copy of exactly this length, so that reading beyond it is seen */
        cf_autofree char *text = cf_xmalloc(len);
        memcpy(text, cases[i].text, len);
        assert_fails(cf_json_parse(text, len, 0, &err), &err, cases[i].kind, cases[i].message);
    }
}

static void test_any_value_at_the_top(void **state)
{
    (void)state;
    static const char *const texts[] = { "null", "true", "12", "\"x\"", "[]", " {} \n" };
    for (size_t i = 0; i < CF_ARRAY_LEN(texts); i++) {
        cf_autojson json_t *j = parse(texts[i]);
        assert_non_null(j);
    }
}

static void test_the_limit_of_size(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *j = cf_json_parse("[1,2]", 5, 5, &err);
    assert_non_null(j);
    assert_fails(cf_json_parse("[1,2] ", 6, 5, &err), &err, CF_ERR_LIMIT, "limit of 5");
}

static void test_the_limit_of_depth(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char text[4 * CF_JSON_DEPTH_MAX] = "";
    memset(text, '[', CF_JSON_DEPTH_MAX);
    memset(text + CF_JSON_DEPTH_MAX, ']', CF_JSON_DEPTH_MAX);
    cf_autojson json_t *deepest = parse(text);
    assert_non_null(deepest);
    memset(text, '[', CF_JSON_DEPTH_MAX + 1);
    assert_fails(cf_json_parse(text, strlen(text), 0, &err), &err, CF_ERR_LIMIT,
                 "line 1, column 65: JSON is nested deeper than 64");
    /* brackets in strings do not count */
    memset(text, '[', sizeof text - 1);
    text[0] = text[sizeof text - 2] = '"';
    memcpy(text + 10, "\\\"", 2);
    cf_autojson json_t *string = parse(text);
    assert_true(json_is_string(string));
}

/* RFC 8785 appendix B: IEEE 754 bits and their text. */
static void test_canonical_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t bits;
        const char *text;
    } cases[] = {
        { 0x0000000000000000, "0" },
        { 0x8000000000000000, "0" },
        { 0x0000000000000001, "5e-324" },
        { 0x8000000000000001, "-5e-324" },
        { 0x7fefffffffffffff, "1.7976931348623157e+308" },
        { 0xffefffffffffffff, "-1.7976931348623157e+308" },
        { 0x4340000000000000, "9007199254740992" },
        { 0xc340000000000000, "-9007199254740992" },
        { 0x4430000000000000, "295147905179352830000" },
        { 0x44b52d02c7e14af5, "9.999999999999997e+22" },
        { 0x44b52d02c7e14af6, "1e+23" },
        { 0x44b52d02c7e14af7, "1.0000000000000001e+23" },
        { 0x444b1ae4d6e2ef4e, "999999999999999700000" },
        { 0x444b1ae4d6e2ef4f, "999999999999999900000" },
        { 0x444b1ae4d6e2ef50, "1e+21" },
        { 0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7" },
        { 0x3eb0c6f7a0b5ed8d, "0.000001" },
        { 0x41b3de4355555553, "333333333.3333332" },
        { 0x41b3de4355555554, "333333333.33333325" },
        { 0x41b3de4355555555, "333333333.3333333" },
        { 0x41b3de4355555556, "333333333.3333334" },
        { 0x41b3de4355555557, "333333333.33333343" },
        { 0xbecbf647612f3696, "-0.0000033333333333333333" },
        { 0x43143ff3c1cb0959, "1424953923781206.2" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        double value;
        memcpy(&value, &cases[i].bits, sizeof value);
        cf_autojson json_t *j = json_real(value);
        cf_autofree char *text = cf_json_canonical(j);
        assert_string_equal(text, cases[i].text);
    }
}

/* The two examples of RFC 8785, 3.2.2 and 3.2.3. */
static void test_canonical_documents(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        { "{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],"
          "\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
          "\"literals\": [null, true, false]}",
          "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
          "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}" },
        { "{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\", \"\\ufb33\": \"Hebrew\","
          "\"1\": \"One\", \"\\ud83d\\ude00\": \"Emoji\", \"\\u0080\": \"Control\","
          "\"\\u00f6\": \"Latin\"}",
          "{\"\\r\":\"Carriage "
          "Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\",\"\xC3\xB6\":\"Latin\","
          "\"\xE2\x82\xAC\":\"Euro "
          "Sign\",\"\xF0\x9F\x98\x80\":\"Emoji\",\"\xEF\xAC\xB3\":\"Hebrew\"}" },
        { "{\"b\":{\"d\":1,\"c\":[ ]},\"a\":{ }}", "{\"a\":{},\"b\":{\"c\":[],\"d\":1}}" },
        { "{\"ab\":1,\"b\":2,\"aa\":3,\"a\":4,\"a\\ufb33\":5,\"a\\ud83d\\ude00\":6}",
          "{\"a\":4,\"aa\":3,\"ab\":1,\"a\xF0\x9F\x98\x80\":6,\"a\xEF\xAC\xB3\":5,\"b\":2}" },
        { "[1.0, 1, -0.0, 9007199254740993, \"\\b\\f\\t\\u007f\"]",
          "[1,1,0,9007199254740993,\"\\b\\f\\t\x7f\"]" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *j = parse(cases[i].text);
        cf_autofree char *text = cf_json_canonical(j);
        assert_string_equal(text, cases[i].canonical);
    }
}

static void test_dump_keeps_order_types_and_short_numbers(void **state)
{
    (void)state;
    cf_autojson json_t *j =
        parse("{\"z\":0.1,\"a\":[1.0,-0.0,1e22,5,1.5e-9],\"s\":\"\\u001f\\\\/\"}");
    cf_autofree char *text = cf_json_dump(j);
    assert_string_equal(text, "{\"z\":0.1,\"a\":[1.0,-0.0,1e+22,5,1.5e-9],\"s\":\"\\u001f\\\\/\"}");
    cf_autojson json_t *again = parse(text);
    assert_true(json_equal(j, again));
}

static void test_numbers_survive_a_round_trip(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u; /* xorshift: the same numbers in every run */
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (value != value || value - value != 0)
            continue;
        cf_autojson json_t *j = json_real(value);
        cf_autofree char *text = cf_json_dump(j);
        cf_autofree char *canonical = cf_json_canonical(j);
        assert_true(strtod(text, NULL) == value);
        assert_true(strtod(canonical, NULL) == value);
    }
}

static void test_pretty(void **state)
{
    (void)state;
    cf_autojson json_t *j = parse("{\"a\":[1,{}],\"b\":{\"c\":null},\"d\":[]}");
    cf_autofree char *text = cf_json_dump_pretty(j);
    assert_string_equal(text,
                        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": null\n  },\n"
                        "  \"d\": []\n}");
}

static void test_paths_of_keys(void **state)
{
    (void)state;
    cf_autojson json_t *j = parse("{\"m\":{\"name\":\"x\",\"n\":7,\"on\":true},\"l\":[1]}");
    assert_string_equal(cf_json_str(j, "d", "m", "name", NULL), "x");
    assert_string_equal(cf_json_str(j, "d", "m", "n", NULL), "d");
    assert_string_equal(cf_json_str(j, "d", "l", "name", NULL), "d");
    assert_int_equal(cf_json_int(j, -1, "m", "n", NULL), 7);
    assert_int_equal(cf_json_int(j, -1, "m", "name", NULL), -1);
    assert_true(cf_json_bool(j, false, "m", "on", NULL));
    assert_true(cf_json_bool(j, true, "m", "off", NULL));
    assert_ptr_equal(cf_json_at(j, NULL), j);
    assert_null(cf_json_at(j, "m", "name", "deeper", NULL));
    assert_null(cf_json_at(NULL, "m", NULL));
}

static void test_put_and_del(void **state)
{
    (void)state;
    cf_autojson json_t *j = parse("{\"a\":{\"b\":1},\"s\":\"text\"}");
    cf_json_put_take(j, json_integer(2), "a", "c", "d", NULL);
    cf_json_put_take(j, json_true(), "s", "t", NULL); /* what is no object gives way */
    cf_json_put_take(j, json_null(), "top", NULL);
    assert_true(cf_json_del(j, "a", "b", NULL));
    assert_false(cf_json_del(j, "a", "b", NULL));
    assert_false(cf_json_del(j, "x", "y", "z", NULL));
    cf_autofree char *text = cf_json_dump(j);
    assert_string_equal(text, "{\"a\":{\"c\":{\"d\":2}},\"s\":{\"t\":true},\"top\":null}");
}

/* RFC 6901, section 5, and what is no pointer. */
static void test_pointers(void **state)
{
    (void)state;
    cf_autojson json_t *j = parse("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
                                  "\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}");
    static const struct {
        const char *pointer, *value; /* NULL: nothing there */
    } cases[] = {
        { "/foo", "[\"bar\",\"baz\"]" },
        { "/foo/0", "\"bar\"" },
        { "/", "0" },
        { "/a~1b", "1" },
        { "/c%d", "2" },
        { "/e^f", "3" },
        { "/g|h", "4" },
        { "/i\\j", "5" },
        { "/k\"l", "6" },
        { "/ ", "7" },
        { "/m~0n", "8" },
        { "/foo/2", NULL },
        { "/foo/-", NULL },
        { "/foo/01", NULL },
        { "/foo/", NULL },
        { "/foo/+1", NULL },
        { "/foo/99999999999999999999", NULL },
        { "/foo/0/x", NULL },
        { "foo", NULL },
        { "/m~2n", NULL },
        { "/m~", NULL },
        { "/none", NULL },
    };
    assert_ptr_equal(cf_json_pointer(j, ""), j);
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        json_t *there = cf_json_pointer(j, cases[i].pointer);
        if (!cases[i].value) {
            assert_null(there);
            continue;
        }
        assert_non_null(there);
        cf_autofree char *text = cf_json_dump(there);
        assert_string_equal(text, cases[i].value);
    }
}

static void test_pointers_are_built_escaped_and_cut(void **state)
{
    (void)state;
    char pointer[CF_JSON_POINTER_MAX] = "";
    assert_int_equal(cf_json_pointer_push(pointer, "a/b~c"), 0);
    assert_int_equal(cf_json_pointer_push_index(pointer, 12), 8);
    assert_string_equal(pointer, "/a~1b~0c/12");
    pointer[8] = '\0';
    assert_string_equal(pointer, "/a~1b~0c");
    for (int i = 0; i < 1000; i++)
        cf_json_pointer_push(pointer, "~long");
    assert_true(strlen(pointer) < CF_JSON_POINTER_MAX);
    assert_true(strlen(pointer) > CF_JSON_POINTER_MAX - 4);
}

static void test_equal_by_value(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        { "1", "1.0", true },
        { "[1,{\"a\":2.0}]", "[1.0,{\"a\":2}]", true },
        { "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true },
        { "9007199254740993", "9007199254740992.0", false },
        { "9223372036854775807", "9223372036854775808.0", false },
        { "1", "1.5", false },
        { "1", "\"1\"", false },
        { "1", "true", false },
        { "[1]", "[1,2]", false },
        { "{\"a\":1}", "{\"b\":1}", false },
        { "{\"a\":1}", "{\"a\":1,\"b\":1}", false },
        { "null", "false", false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *a = parse(cases[i].a);
        cf_autojson json_t *b = parse(cases[i].b);
        assert_int_equal(cf_json_equal(a, b), cases[i].equal);
        assert_int_equal(cf_json_equal(b, a), cases[i].equal);
    }
    assert_true(cf_json_equal(NULL, NULL));
    assert_false(cf_json_equal(NULL, json_null()));
}

static void test_copies_are_deep(void **state)
{
    (void)state;
    cf_autojson json_t *j = parse("{\"a\":{\"b\":1}}");
    cf_autojson json_t *copy = cf_json_copy(j);
    cf_json_put_take(copy, json_integer(2), "a", "b", NULL);
    assert_int_equal(cf_json_int(j, 0, "a", "b", NULL), 1);
}

static void test_the_first_of_that_name(void **state)
{
    (void)state;
    cf_autojson json_t *list =
        parse("[7,{\"name\":7},{\"name\":\"a\",\"n\":1},{\"name\":\"a\",\"n\":2}]");
    assert_int_equal(cf_json_int(cf_json_named(list, "name", "a"), 0, "n", NULL), 1);
    assert_null(cf_json_named(list, "name", "b"));
    assert_null(cf_json_named(list, "kind", "a"));
    assert_null(cf_json_named(NULL, "name", "a"));
}

static void test_an_index_by_a_path(void **state)
{
    (void)state;
    cf_autojson json_t *list =
        parse("[{\"m\":{\"name\":\"a\"},\"n\":1},{\"m\":{\"name\":\"b\"},\"n\":2},"
              "{\"m\":{\"name\":\"a\"},\"n\":3},{\"m\":{\"name\":7},\"n\":4},\"no object\"]");
    cf_autojson json_t *index = cf_json_index(list, "m", "name", NULL);
    cf_autojson json_t *nothing = cf_json_index(NULL, "name", NULL);
    assert_int_equal(json_object_size(index), 3);
    assert_int_equal(cf_json_int(index, 0, "a", "n", NULL), 3);
    assert_ptr_equal(json_object_get(index, "b"), json_array_get(list, 1));
    assert_string_equal(json_string_value(json_object_get(index, "")), "no object");
    assert_true(json_is_object(nothing));
    assert_int_equal(json_object_size(nothing), 0);
}

static void members_are_those_of_who_has_them(void **state)
{
    (void)state;
    cf_autojson json_t *list =
        json_pack("[{s:{s:i}}, s, {s:i}, {s:i}]", "ref", "n", 1, "no object", "other", 2, "ref", 3);
    cf_autojson json_t *members = cf_json_members(list, "ref");
    cf_autojson json_t *nothing = cf_json_members(NULL, "ref");
    assert_int_equal(json_array_size(members), 2);
    assert_ptr_equal(json_array_get(members, 0), cf_json_at(json_array_get(list, 0), "ref", NULL));
    assert_int_equal(json_integer_value(json_array_get(members, 1)), 3);
    assert_true(json_is_array(nothing));
    assert_int_equal(json_array_size(nothing), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_any_value_at_the_top),
        cmocka_unit_test(test_the_limit_of_size),
        cmocka_unit_test(test_the_limit_of_depth),
        cmocka_unit_test(test_canonical_numbers),
        cmocka_unit_test(test_canonical_documents),
        cmocka_unit_test(test_dump_keeps_order_types_and_short_numbers),
        cmocka_unit_test(test_numbers_survive_a_round_trip),
        cmocka_unit_test(test_pretty),
        cmocka_unit_test(test_paths_of_keys),
        cmocka_unit_test(test_put_and_del),
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_pointers_are_built_escaped_and_cut),
        cmocka_unit_test(test_equal_by_value),
        cmocka_unit_test(test_copies_are_deep),
        cmocka_unit_test(test_the_first_of_that_name),
        cmocka_unit_test(test_an_index_by_a_path),
        cmocka_unit_test(members_are_those_of_who_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
