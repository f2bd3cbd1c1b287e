/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: what scalars mean, what is refused and where, positions of nodes, JSON read as YAML, and
 * that what is written reads back as the same tree. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/yaml.h"
#include "tests/support/test.h"

static json_t *parse(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_yaml_parse(text, strlen(text), 0, NULL, &err);
    if (!j)
        fail_msg("%s: %s", text, err.message);
    return j;
}

static void test_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        { "null", "null" },
        { "~", "null" },
        { "Null", "null" },
        { "---\n", "null" },
        { "nUll", "\"nUll\"" },
        { "[true, True, TRUE, tRue]", "[true,true,true,\"tRue\"]" },
        { "[false, False, FALSE]", "[false,false,false]" },
        { "[yes, no, on, off, y, n]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\"]" },
        { "[0, -0, 12, -7, +3]", "[0,0,12,-7,3]" },
        { "[0x1F, 0o17, 0b1, 0x, 0o8]", "[31,15,\"0b1\",\"0x\",\"0o8\"]" },
        { "[9223372036854775807, -9223372036854775808]",
          "[9223372036854775807,-9223372036854775808]" },
        { "[1.5, -.5, 5., 1e3, 1E-2, 1.e1, 0.0]", "[1.5,-0.5,5.0,1000.0,0.01,10.0,0.0]" },
        { "[1_000, 1:30, 2001-01-01, 1.2.3, 1e, e5, '.', '-', 5%, 30s]",
          "[\"1_000\",\"1:30\",\"2001-01-01\",\"1.2.3\",\"1e\",\"e5\",\".\",\"-\",\"5%\","
          "\"30s\"]" },
        { "['1', \"true\", '~', '', '<<']", "[\"1\",\"true\",\"~\",\"\",\"<<\"]" },
        { "{}", "{}" },
        { "a:\nb: ", "{\"a\":null,\"b\":null}" },
        { "a: |\n  x\n   y\n\nb: >-\n  p\n  q\n", "{\"a\":\"x\\n y\\n\",\"b\":\"p q\"}" },
        { "- - 1\n  - 2\n- {a: [b], \"c\": 'd'}", "[[1,2],{\"a\":[\"b\"],\"c\":\"d\"}]" },
        { "# comment\na: b # more\n", "{\"a\":\"b\"}" },
        { "\xEF\xBB\xBF"
          "a: b",
          "{\"a\":\"b\"}" },
        { "a: \xC3\xA4\r\nb: \"\\u00e4\\x41\\U0001F600\"", "{\"a\":\"\xC3\xA4\",\"b\":\"\xC3\xA4"
                                                           "A\xF0\x9F\x98\x80\"}" },
        { "\"1\": x\n'true': y\n\"\": z", "{\"1\":\"x\",\"true\":\"y\",\"\":\"z\"}" },
        { "yes: 1", "{\"yes\":1}" },
        { "%YAML 1.1\n---\na: 1\n...\n", "{\"a\":1}" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *j = parse(cases[i].yaml);
        cf_autofree char *text = cf_json_dump(j);
        assert_string_equal(text, cases[i].json);
    }
}

static void test_refusals_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *message, *field;
    } cases[] = {
        { "", "line 1, column 1: the text is empty", "" },
        { "# nothing\n", "the text is empty", "" },
        { "a: 1\nb: 2\na: 3\n", "line 3, column 1: the key \"a\" is there twice", "/a" },
        { "x:\n  - y: {k: 1, k: 2}\n", "line 2, column 15: the key \"k\" is there twice",
          "/x/0/y/k" },
        { "a: 1\n\"a\": 2", "line 2, column 1: the key \"a\" is there twice", "/a" },
        { "a: &anchor 1", "line 1, column 4: anchors (&anchor) are not allowed", "/a" },
        { "- &x {}", "line 1, column 3: anchors (&x)", "/0" },
        { "- &x []", "line 1, column 3: anchors (&x)", "/0" },
        { "&k a: 1", "line 1, column 1: anchors (&k)", "" },
        { "a: *other", "line 1, column 4: aliases (*other) are not allowed", "/a" },
        { "*k : 1", "line 1, column 1: aliases (*k)", "" },
        { "a: !!int 1", "line 1, column 4: tags (tag:yaml.org,2002:int) are not allowed", "/a" },
        { "a: !mine {}", "line 1, column 4: tags (!mine)", "/a" },
        { "a: ! x", "line 1, column 4: tags (!)", "/a" },
        { "1: x", "line 1, column 1: a key must be a string: write \"1\" in quotes", "" },
        { "m:\n  true: x", "line 2, column 3: a key must be a string: write \"true\"", "/m" },
        { "~: x", "a key must be a string", "" },
        { "?\n: x", "a key must be a string", "" },
        { "? [a]\n: b", "line 1, column 3: a key must be a string", "" },
        { "a:\n  <<: {b: 1}", "line 2, column 3: merge keys (<<) are not allowed", "/a" },
        { "a: .inf", "line 1, column 4: \".inf\": infinities and NaN", "/a" },
        { "a: -.INF", "infinities and NaN", "/a" },
        { "a: .nan", "infinities and NaN", "/a" },
        { "a: 1e999", "the number is too large", "/a" },
        { "a: 0644", "line 1, column 4: \"0644\": a number with leading zeros", "/a" },
        { "a: -007", "leading zeros", "/a" },
        { "a: 9223372036854775808", "does not fit in 64 bits", "/a" },
        { "a: -9223372036854775809", "does not fit in 64 bits", "/a" },
        { "a: 0xffffffffffffffffff", "does not fit in 64 bits", "/a" },
        { "a: \"x\\0y\"", "line 1, column 4: NUL characters", "/a" },
        { "\"k\\0\": 1", "line 1, column 1: NUL characters", "" },
        { "---\na\n---\nb\n", "line 3, column 1: only one document", "" },
        { "a: [1, 2", "not valid YAML", "" },
        { "a: b: c", "line 1, column 5: not valid YAML", "" },
        { "a:\n\t- b", "line 2, column 1: tabs cannot indent: use spaces", "" },
        { "a: \"\\ud800\"", "not valid YAML", "" },
        { "\xC3\xA4: \xC0\xAF", "line 1, column 4: invalid", "" },
        { "a: \x01", "line 1, column 4: control characters are not allowed", "" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_marks *marks = NULL;
        json_t *j = cf_yaml_parse(cases[i].yaml, strlen(cases[i].yaml), 0, &marks, &err);
        assert_null(j);
        assert_null(marks);
        assert_int_equal(err.kind, CF_ERR_INVALID);
        if (!strstr(err.message, cases[i].message))
            fail_msg("\"%s\": %s", cases[i].yaml, err.message);
        if (*cases[i].field && strcmp(err.field, cases[i].field) != 0)
            fail_msg("\"%s\": field %s", cases[i].yaml, err.field);
    }
}

static void test_a_raw_nul(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    assert_fails(cf_yaml_parse("a: b\0c", 6, 0, NULL, &err), &err, CF_ERR_INVALID,
                 "line 1, column 5");
}

static void test_the_limits(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    assert_fails(cf_yaml_parse("a: b\n", 5, 4, NULL, &err), &err, CF_ERR_LIMIT, "limit of 4");
    cf_autofree char *large = cf_xmalloc(CF_YAML_TEXT_MAX + 1);
    memset(large, '#', CF_YAML_TEXT_MAX + 1);
    assert_fails(cf_yaml_parse(large, CF_YAML_TEXT_MAX + 1, 0, NULL, &err), &err, CF_ERR_LIMIT,
                 "larger than the limit");

    char deep[2 * CF_JSON_DEPTH_MAX + 3];
    memset(deep, ']', sizeof deep);
    memset(deep, '[', CF_JSON_DEPTH_MAX);
    cf_autojson json_t *deepest = cf_yaml_parse(deep, (size_t)2 * CF_JSON_DEPTH_MAX, 0, NULL, &err);
    assert_non_null(deepest);
    memset(deep, '[', CF_JSON_DEPTH_MAX + 1);
    assert_fails(cf_yaml_parse(deep, (size_t)2 * CF_JSON_DEPTH_MAX + 1, 0, NULL, &err), &err,
                 CF_ERR_LIMIT, "line 1, column 65: nested deeper than 64");

    CF_CLEANUP(cf_buf_free) struct cf_buf many = CF_BUF_INIT(CF_YAML_TEXT_MAX);
    for (int i = 0; i < CF_YAML_NODES_MAX - 1; i++)
        cf_buf_puts(&many, i == 0 ? "[1" : ",1");
    cf_buf_puts(&many, "]");
    cf_autojson json_t *all = cf_yaml_parse(many.data, many.len, 0, NULL, &err);
    assert_int_equal(json_array_size(all), CF_YAML_NODES_MAX - 1);
    many.data[many.len - 1] = ',';
    cf_buf_puts(&many, "1]");
    assert_fails(cf_yaml_parse(many.data, many.len, 0, NULL, &err), &err, CF_ERR_LIMIT,
                 "more than 200000 nodes");
}

static void test_streams_of_documents(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    const char *text = "---\n# nothing\n---\na: 1\n---\n---\n- b\n...\n---\n";
    cf_autojson json_t *all = cf_yaml_parse_all(text, strlen(text), 0, &err);
    cf_autofree char *json = cf_json_dump(all);
    assert_string_equal(json, "[{\"a\":1},[\"b\"]]");
    cf_autojson json_t *none = cf_yaml_parse_all("", 0, 0, &err);
    assert_int_equal(json_array_size(none), 0);

    CF_CLEANUP(cf_buf_free) struct cf_buf many = CF_BUF_INIT(CF_YAML_TEXT_MAX);
    for (int i = 0; i < CF_YAML_DOCUMENTS_MAX; i++)
        cf_buf_puts(&many, "---\na\n");
    cf_autojson json_t *most = cf_yaml_parse_all(many.data, many.len, 0, &err);
    assert_int_equal(json_array_size(most), CF_YAML_DOCUMENTS_MAX);
    cf_buf_puts(&many, "---\na\n");
    assert_fails(cf_yaml_parse_all(many.data, many.len, 0, &err), &err, CF_ERR_LIMIT,
                 "line 401, column 1: more than 200 documents");
    assert_fails(cf_yaml_parse_all("a: [", 4, 0, &err), &err, CF_ERR_INVALID, "not valid YAML");
}

static void test_marks(void **state)
{
    (void)state;
    const char *text = "# a plan\n"
                       "name: web\n"
                       "traffic:\n"
                       "  routers:\n"
                       "    - type: VirtualService\n"
                       "      route: {name: main, \"a/b\": 1, m~n: 2}\n"
                       "    -   - deep\n"
                       "        - deeper\n"
                       "gates: []\n";
    static const struct {
        const char *pointer;
        int line, column;
    } cases[] = {
        { "", 2, 1 },
        { "/name", 2, 1 },
        { "/traffic", 3, 1 },
        { "/traffic/routers", 4, 3 },
        { "/traffic/routers/0", 5, 7 },
        { "/traffic/routers/0/type", 5, 7 },
        { "/traffic/routers/0/route", 6, 7 },
        { "/traffic/routers/0/route/name", 6, 15 },
        { "/traffic/routers/0/route/a~1b", 6, 27 },
        { "/traffic/routers/0/route/m~0n", 6, 37 },
        { "/traffic/routers/1", 7, 9 },
        { "/traffic/routers/1/1", 8, 11 },
        { "/gates", 9, 1 },
        /* the nearest ancestor that is there */
        { "/traffic/routers/0/rout", 5, 7 },
        { "/traffic/routers/7/type", 4, 3 },
        { "/gates/0", 9, 1 },
        { "/none/at/all", 2, 1 },
        { "/traffic/~9", 3, 1 },
        { "not a pointer", 2, 1 },
    };
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_marks_free_p) struct cf_marks *marks = NULL;
    cf_autojson json_t *j = cf_yaml_parse(text, strlen(text), 0, &marks, &err);
    assert_non_null(j);
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        int line = 0, column = 0;
        assert_true(cf_marks_find(marks, cases[i].pointer, &line, &column));
        if (line != cases[i].line || column != cases[i].column)
            fail_msg("%s is at %d:%d", cases[i].pointer, line, column);
    }
    int line, column;
    assert_false(cf_marks_find(NULL, "/name", &line, &column));
}

/* A JSON text is the same tree read as JSON and as YAML. */
static void test_json_is_yaml(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"a\":[1,-2.5e3,true,false,null,\"x\"],\"b\":{\"c\":{}},\"d\":[]}",
        "{\n\t\"tabs\": 1,\n\t\"more\":\t[\n\t\t2\n\t]\n}\n",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\"",
        "\"\\ud83d\\ude00 and \\uD83D\\uDE01\"",
        "[\"\\\\ud83d\\\\ude00\", \"\\ud83d\\ude00\"]",
        "{\"\\ud83d\\ude00\":1}",
        "{\"yes\":\"no\",\"null\":\"~\",\"1\":\"0644\",\"<<\":\"&*!\"}",
        "[0.1,1E5,1e-7,123456789012345678]",
        "[]",
        "{\"url\":\"http://x:80/#a\",\"glob\":\"*.example.com\",\"sep\":\": - # , [ ] { }\"}",
        "[[[[[[{\"k\":[{}]}]]]]]]",
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(texts); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *as_json = cf_json_parse(texts[i], strlen(texts[i]), 0, &err);
        cf_autojson json_t *as_yaml = cf_yaml_parse(texts[i], strlen(texts[i]), 0, NULL, &err);
        if (!as_json || !as_yaml)
            fail_msg("%s: %s", texts[i], err.message);
        assert_true(json_equal(as_json, as_yaml));
    }
    struct cf_error err = CF_ERROR_INIT;
    const char *lone = "[\"\\ud83d\"]";
    assert_fails(cf_yaml_parse(lone, strlen(lone), 0, NULL, &err), &err, CF_ERR_INVALID, "line 1");
}

static void test_dump_text(void **state)
{
    (void)state;
    cf_autojson json_t *j =
        parse("{name: web, n: 5, r: 0.1, t: true, z: null, e: {}, l: [], "
              "list: [a, {b: c, d: [x]}], s: '5', y: 'yes', d: 14d, p: 5%, "
              "v: '1.20', time: '1:30', oct: '0644', ip: 10.0.0.1, text: \"a\\nb\\n\"}");
    cf_autofree char *text = cf_yaml_dump(j);
    assert_string_equal(text, "name: web\n"
                              "\"n\": 5\n"
                              "r: 0.1\n"
                              "t: true\n"
                              "z: null\n"
                              "e: {}\n"
                              "l: []\n"
                              "list:\n"
                              "- a\n"
                              "- b: c\n"
                              "  d:\n"
                              "  - x\n"
                              "s: \"5\"\n"
                              "\"y\": \"yes\"\n"
                              "d: 14d\n"
                              "p: 5%\n"
                              "v: \"1.20\"\n"
                              "time: \"1:30\"\n"
                              "oct: \"0644\"\n"
                              "ip: \"10.0.0.1\"\n"
                              "text: |\n"
                              "  a\n"
                              "  b\n");
}

/* Strings that a writer must quote, escape or fold with care. */
static const char *const awkward[] = {
    "",
    " ",
    "  lead",
    "trail ",
    "a: b",
    "a #b",
    "#c",
    "- x",
    "-",
    "? q",
    "[x",
    "{y",
    "*a",
    "&a",
    "!t",
    "%d",
    "@at",
    "`b",
    "'",
    "\"",
    "'q'",
    "\"q\"",
    "|",
    ">",
    "null",
    "~",
    "true",
    "YES",
    "off",
    "1",
    "1.0",
    "0x1f",
    "0o7",
    "1e3",
    ".5",
    "+1",
    "-1",
    ".inf",
    "-.Inf",
    ".NaN",
    "<<",
    "=",
    "a\nb",
    "a\n",
    "a\n\n",
    "\na",
    "\n",
    "\n\n",
    " a\nb",
    "a\n b",
    "a \nb",
    "a\n ",
    "a\tb",
    "\ta",
    "a\n\tb",
    "a\rb",
    "a\r\nb",
    "\xC2\x85",
    "\xE2\x80\xA8",
    "a\xEF\xBB\xBFz",
    "\xF0\x9F\x98\x80",
    "\x7F",
    "\x1B[0m",
    "---",
    "...",
    "--- a",
    "a\n---\nb",
    "a\n...\nb",
    "2001-01-01T00:00:00Z",
    "12:30:45",
    "0644",
    "1_000",
    "line one is quite long and would be folded by a writer that keeps to eighty columns or "
    "so, we hope",
};

static void test_dump_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(awkward); i++) {
        /* alone, as a value, as a key, nested in a list */
        cf_autojson json_t *tree = json_pack("[s, {s:s}, {s:[s, {s:s}]}]", awkward[i], "k",
                                             awkward[i], awkward[i], awkward[i], "z", awkward[i]);
        assert_non_null(tree);
        cf_autofree char *text = cf_yaml_dump(tree);
        cf_autojson json_t *back = parse(text);
        if (!json_equal(tree, back))
            fail_msg("\"%s\" became\n%s", awkward[i], text);
        cf_autojson json_t *root = json_string(awkward[i]);
        cf_autofree char *root_text = cf_yaml_dump(root);
        cf_autojson json_t *root_back = parse(root_text);
        if (!json_equal(root, root_back))
            fail_msg("\"%s\" alone became\n%s", awkward[i], root_text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning),
        cmocka_unit_test(test_refusals_say_where),
        cmocka_unit_test(test_a_raw_nul),
        cmocka_unit_test(test_the_limits),
        cmocka_unit_test(test_streams_of_documents),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_json_is_yaml),
        cmocka_unit_test(test_dump_text),
        cmocka_unit_test(test_dump_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
