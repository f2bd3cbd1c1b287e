/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events, cut at every place and with every end of line; and frames of the terminal. */
#include "orchestrator/cli/sse.h"
#include "orchestrator/cli/terminal.h"
#include "tests/support/test.h"

static void collect(void *arg, const char *id, const char *event, const char *data, size_t len)
{
    cf_buf_printf(arg, "[%s|%s|%.*s]", id, event, (int)len, data);
}

static const struct {
    const char *text, *want;
} streams[] = {
    { "id: 5\nevent: run.x\ndata: {\"a\":1}\n\n", "[5|run.x|{\"a\":1}]" },
    { "data: a\n\ndata:b\n\n", "[|message|a][|message|b]" },
    { ": ping\n\nid: 7\ndata: x\n\n", "[7|message|x]" },
    { "data: one\ndata: two\n\n", "[|message|one\ntwo]" },
    { "retry: 3000\nid: 1\ndata: a\n\nevent: e\n\ndata: b\n\n", "[1|message|a][1|message|b]" },
    { "data: cut", "" },
    { "data\n\n", "[|message|]" },
};

static void every_cut_gives_the_same(void **state)
{
    (void)state;
    static const char *const ends[] = { "\n", "\r\n", "\r" };
    for (size_t i = 0; i < CF_ARRAY_LEN(streams); i++)
        for (size_t e = 0; e < CF_ARRAY_LEN(ends); e++) {
            CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(4096);
            for (const char *p = streams[i].text; *p; p++) {
                if (*p == '\n')
                    cf_buf_puts(&text, ends[e]);
                else
                    cf_buf_putc(&text, *p);
            }
            for (size_t cut = 0; cut <= text.len; cut++) {
                CF_CLEANUP(cf_sse_free) struct cf_sse sse = CF_SSE_INIT;
                CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(4096);
                cf_sse_feed(&sse, text.data, cut, collect, &got);
                cf_sse_feed(&sse, text.data + cut, text.len - cut, collect, &got);
                assert_string_equal(cf_buf_str(&got), streams[i].want);
            }
        }
}

static void an_event_beyond_the_limit_is_dropped(void **state)
{
    (void)state;
    CF_CLEANUP(cf_sse_free) struct cf_sse sse = CF_SSE_INIT;
    CF_CLEANUP(cf_buf_free)
    struct cf_buf got = CF_BUF_INIT(4096), big = CF_BUF_INIT(2 * CF_SSE_EVENT_MAX);
    cf_buf_puts(&big, "data: ");
    while (big.len < CF_SSE_EVENT_MAX + 100)
        cf_buf_puts(&big, "xxxxxxxxxxxxxxxx");
    cf_buf_puts(&big, "\n\nid: 2\ndata: next\n\n");
    cf_sse_feed(&sse, big.data, big.len, collect, &got);
    assert_string_equal(cf_buf_str(&got), "[2|message|next]");
}

static void a_new_connection_keeps_the_id(void **state)
{
    (void)state;
    CF_CLEANUP(cf_sse_free) struct cf_sse sse = CF_SSE_INIT;
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(4096);
    static const char first[] = "id: 9\ndata: a\n\nid: 10\ndata: half", second[] = "data: b\n\n";
    cf_sse_feed(&sse, first, sizeof first - 1, collect, &got);
    cf_sse_reset(&sse);
    cf_sse_feed(&sse, second, sizeof second - 1, collect, &got);
    assert_string_equal(cf_buf_str(&got), "[9|message|a][9|message|b]");
    assert_string_equal(sse.id, "9");
}

static void frames(void **state)
{
    (void)state;
    enum { COLUMNS = 4 };
    static const struct {
        int old_lines, rows;
        const char *text, *want;
        int lines;
    } cases[] = {
        { 0, 24, "a\nb\n", "\ra\033[K\nb\033[K\n\033[J", 2 },
        { 2, 24, "c\n", "\033[2A\rc\033[K\n\033[J", 1 },
        { 0, 3, "1\n2\n3\n4\n", "\r3\033[K\n4\033[K\n\033[J", 2 },
        { 0, 24, "12345\n\033[1m1234\033[0m\n", "\r12345\033[K\n\033[1m1234\033[0m\033[K\n\033[J",
          3 },
        { 0, 4, "1\n2\n12345\n", "\r2\033[K\n12345\033[K\n\033[J", 3 },
        { 0, 2, "1\n12345\n", "\r12345\033[K\n\033[J", 2 },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(4096);
        int lines;
        cf_terminal_frame(cases[i].old_lines, cases[i].text, cases[i].rows, COLUMNS, &out, &lines);
        assert_string_equal(cf_buf_str(&out), cases[i].want);
        assert_int_equal(lines, cases[i].lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same),
        cmocka_unit_test(an_event_beyond_the_limit_is_dropped),
        cmocka_unit_test(a_new_connection_keeps_the_id),
        cmocka_unit_test(frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
