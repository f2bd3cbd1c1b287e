/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the reader of exposition text: what it takes, what it skips, and that a malformed line is an error with its number. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "orchestrator/gate/limits.h"
#include "orchestrator/gate/promtext.h"

static bool want_all(void *user, const char *metric)
{
    (void)user;
    return strncmp(metric, "skip_", 5) != 0;
}

static void print(void *user, const struct cf_promtext_sample *s)
{
    struct cf_buf *out = user;
    cf_buf_printf(out, "%s", s->name);
    for (size_t i = 0; i < s->label_count; i++)
        cf_buf_printf(out, "|%s=%s", s->labels[i].name, s->labels[i].value);
    cf_buf_printf(out, " %g;", s->value);
}

static void takes_what_the_format_allows(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } table[] = {
        { "", "" },
        { "# HELP a text\n# TYPE a counter\n\n", "" },
        { "a 1\n", "a 1;" },
        { "a 1", "a 1;" },
        { "a{} 1\n", "a 1;" },
        { "a{x=\"1\"} 2\n", "a|x=1 2;" },
        { "a{x=\"1\",y=\"2\",} 2 1700000000\n", "a|x=1|y=2 2;" },
        { "a {x=\"1\"} 2\n", "a|x=1 2;" },
        { "  a\t3\r\n", "a 3;" },
        { "a{x=\"q\\\"b\\\\n\\n}\"} 1e3\n", "a|x=q\"b\\n\n} 1000;" },
        { "a NaN\na +Inf\n", "a nan;a inf;" },
        { "skip_this{broken\nb 1\n", "b 1;" },
        { "ns:rule 4 # {trace_id=\"1\"} 1\n", "ns:rule 4;" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_error err = CF_ERROR_INIT;
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(1000);
        cf_autofree char *text = cf_xstrdup(table[i].text);
        assert_ok(cf_promtext_parse(text, strlen(text), want_all, print, &out, &err), &err);
        assert_string_equal(cf_buf_str(&out), table[i].want);
    }
}

static void refuses_malformed_lines_by_number(void **state)
{
    (void)state;
    static const char *const table[] = {
        "a 1\n{x=\"1\"} 2\n", "a 1\n1a 2\n",           "a 1\na{x=1} 2\n",     "a 1\na{x=\"1\" 2\n",
        "a 1\na{x=\"1} 2\n",  "a 1\na{=\"1\"} 2\n",    "a 1\na{x=\"\\q\"} 2", "a 1\na\n",
        "a 1\na one\n",       "a 1\na{x=\"1\"}{} 2\n", "a 1\na 1x\n",         "a 1\na+1\n",
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_error err = CF_ERROR_INIT;
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(1000);
        cf_autofree char *text = cf_xstrdup(table[i]);
        assert_fails(cf_promtext_parse(text, strlen(text), want_all, print, &out, &err), &err,
                     CF_ERR_INVALID, "line 2");
    }
}

static void has_limits(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(1000);
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(1000000);
    cf_buf_puts(&text, "a{x=\"");
    for (int i = 0; i < CF_GATE_LINE_MAX; i++)
        cf_buf_putc(&text, 'x');
    cf_buf_puts(&text, "\"} 1\n");
    assert_fails(cf_promtext_parse(text.data, text.len, want_all, print, &out, &err), &err,
                 CF_ERR_LIMIT, "line 1: longer than 65536 bytes");
    cf_buf_reset(&text);
    cf_buf_puts(&text, "a{");
    for (int i = 0; i <= CF_PROMTEXT_LABELS_MAX; i++)
        cf_buf_printf(&text, "l%d=\"1\",", i);
    cf_buf_puts(&text, "} 1\n");
    assert_fails(cf_promtext_parse(text.data, text.len, want_all, print, &out, &err), &err,
                 CF_ERR_INVALID, "line 1");
    char nul[] = "a 1\nb\0c 1\n";
    assert_fails(cf_promtext_parse(nul, sizeof nul - 1, want_all, print, &out, &err), &err,
                 CF_ERR_INVALID, "NUL");
}

static void label_order_does_not_matter(void **state)
{
    (void)state;
    struct cf_promtext_sample a = { .name = "m",
                                    .labels = { { "x", "1" }, { "y", "2" } },
                                    .label_count = 2 };
    struct cf_promtext_sample b = { .name = "m",
                                    .labels = { { "y", "2" }, { "x", "1" } },
                                    .label_count = 2 };
    struct cf_promtext_sample c = { .name = "m",
                                    .labels = { { "y", "1" }, { "x", "2" } },
                                    .label_count = 2 };
    struct cf_promtext_sample d = { .name = "m",
                                    .labels = { { "x", "1" }, { "le", "5" }, { "y", "2" } },
                                    .label_count = 3 };
    assert_true(cf_promtext_series(&a, NULL) == cf_promtext_series(&b, NULL));
    assert_false(cf_promtext_series(&a, NULL) == cf_promtext_series(&c, NULL));
    assert_true(cf_promtext_series(&a, "le") == cf_promtext_series(&d, "le"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_format_allows),
        cmocka_unit_test(refuses_malformed_lines_by_number),
        cmocka_unit_test(has_limits),
        cmocka_unit_test(label_order_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
