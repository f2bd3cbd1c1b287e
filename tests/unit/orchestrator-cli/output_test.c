/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and fields, character by character. */
#include "orchestrator/cli/output.h"
#include "tests/support/test.h"

static json_t *parse(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, strlen(text), 0, &err);
    if (!j)
        fail_msg("%s", err.message);
    return j;
}

static const struct cf_column columns[] = {
    { "NAME", "/name", false }, { "WHERE", "/a/b /c", false },
    { "MORE", "/more", true },  { "OK", "/ok", false },
    { .title = NULL },
};

static const char items[] =
    "[{\"name\":\"süd\",\"a\":{\"b\":\"x\"},\"more\":[1,\"two\",null],\"ok\":true},"
    "{\"name\":\"longer name\",\"c\":2.5,\"ok\":false,\"more\":[]},{\"name\":\"\"}]";

static void tables(void **state)
{
    (void)state;
    static const struct {
        bool wide, headers;
        const char *want;
    } rows[] = {
        { false, true,
          "NAME         WHERE  OK\nsüd          x      yes\nlonger name  2.5    no\n-            - "
          "     -\n" },
        { false, false, "süd          x    yes\nlonger name  2.5  no\n-            -    -\n" },
        { true, true,
          "NAME         WHERE  MORE     OK\nsüd          x      1,two,-  yes\nlonger name  2.5    "
          "-        no\n"
          "-            -      -        -\n" },
    };
    cf_autojson json_t *list = parse(items);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_OUTPUT_MAX);
        cf_table(list, columns, rows[i].wide, rows[i].headers, &out);
        assert_string_equal(cf_buf_str(&out), rows[i].want);
    }
}

static void an_empty_table_is_its_headers(void **state)
{
    (void)state;
    cf_autojson json_t *list = json_array();
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_OUTPUT_MAX);
    cf_table(list, columns, false, true, &out);
    assert_string_equal(cf_buf_str(&out), "NAME  WHERE  OK\n");
}

static void fields_leave_out_what_is_not_there(void **state)
{
    (void)state;
    cf_autojson json_t *list = parse(items);
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_OUTPUT_MAX);
    cf_fields(json_array_get(list, 0), columns, &out);
    assert_string_equal(cf_buf_str(&out), "NAME   süd\nWHERE  x\nMORE   1,two,-\nOK     yes\n");
    cf_buf_reset(&out);
    cf_fields(json_array_get(list, 1), columns, &out);
    assert_string_equal(cf_buf_str(&out), "NAME   longer name\nWHERE  2.5\nMORE   -\nOK     no\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(an_empty_table_is_its_headers),
        cmocka_unit_test(fields_leave_out_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
