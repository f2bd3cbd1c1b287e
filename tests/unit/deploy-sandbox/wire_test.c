/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the small client: what it takes for a whole answer, and how an exchange ends when nobody
 * listens, nobody answers, somebody cancels or everything stops. */
#include "tests/support/test.h"

#include <stdio.h>

#include "base/thread.h"
#include "deploy/sandbox/dataplane/wire.h"
#include "orchestrator/http/http.h"

#define HEAD "HTTP/1.1 200 OK\r\n"

static void reads_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_head, ended;
        enum sbx_wire_state want;
        const char *body;
        bool keep;
    } table[] = {
        { "HTTP/1.1 2", false, false, SBX_WIRE_MORE, NULL, false },
        { "HTTP/1.1 2", false, true, SBX_WIRE_BROKEN, NULL, false },
        { "SSH-2.0-OpenSSH_9\r\n\r\n", false, false, SBX_WIRE_BROKEN, NULL, false },
        { HEAD "Content-Length: 5\r\n\r\nhel", false, false, SBX_WIRE_MORE, NULL, false },
        { HEAD "Content-Length: 5\r\n\r\nhel", false, true, SBX_WIRE_BROKEN, NULL, false },
        { HEAD "content-length: 5\r\n\r\nhello", false, false, SBX_WIRE_COMPLETE, "hello", true },
        { HEAD "Content-Length: 5\r\nConnection: close\r\n\r\nhello", false, false,
          SBX_WIRE_COMPLETE, "hello", false },
        { HEAD "Content-Length: 5\r\n\r\n", true, false, SBX_WIRE_COMPLETE, "", true },
        { HEAD "Content-Length: 99999999999\r\n\r\n", false, false, SBX_WIRE_BROKEN, NULL, false },
        { HEAD "Content-Length: five\r\n\r\n", false, false, SBX_WIRE_BROKEN, NULL, false },
        { "HTTP/1.1 204 No Content\r\n\r\n", false, false, SBX_WIRE_COMPLETE, "", true },
        { "HTTP/1.1 100 Continue\r\n\r\n" HEAD "Content-Length: 2\r\n\r\nok", false, false,
          SBX_WIRE_COMPLETE, "ok", true },
        { HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", false,
          false, SBX_WIRE_COMPLETE, "hello", true },
        { HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nl", false, false, SBX_WIRE_MORE,
          NULL, false },
        { HEAD "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", false, false, SBX_WIRE_BROKEN,
          NULL, false },
        { HEAD "\r\nuntil the end", false, false, SBX_WIRE_MORE, NULL, false },
        { HEAD "\r\nuntil the end", false, true, SBX_WIRE_COMPLETE, "until the end", false },
        { "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false, false, SBX_WIRE_COMPLETE, "ok",
          false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        cf_autofree char *data = cf_xstrdup(table[i].text);
        struct sbx_wire_parsed p;
        enum sbx_wire_state got =
            sbx_wire_parse(data, strlen(data), table[i].is_head, table[i].ended, &p);
        if (got != table[i].want)
            fail_msg("row %zu: state %d", i, got);
        if (got != SBX_WIRE_COMPLETE)
            continue;
        if (p.keep != table[i].keep || p.body_len != strlen(table[i].body) ||
            memcmp(p.body, table[i].body, p.body_len) != 0)
            fail_msg("row %zu: keep %d, body %.*s", i, p.keep, (int)p.body_len, p.body);
    }
}

/* ---- exchanges with a server */

struct seen {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int ended, refused, stale, well;
    char error[128], body[64];
};

static void on_done(void *user, const struct sbx_wire_answer *a)
{
    struct seen *s = user;
    CF_LOCKED(&s->lock);
    s->ended++;
    s->refused += a->refused;
    s->stale += a->stale;
    s->well += !a->error;
    snprintf(s->error, sizeof(s->error), "%s", a->error ? a->error : "");
    snprintf(s->body, sizeof(s->body), "%.*s", (int)a->body_len, a->body ? a->body : "");
    pthread_cond_broadcast(&s->cond);
}

static void wait_for(struct seen *s, int n)
{
    int64_t until = cf_mono_now_ms() + 10000;
    CF_LOCKED(&s->lock);
    while (s->ended < n)
        if (!cf_cond_wait_until(&s->cond, &s->lock, until))
            fail_msg("only %d of %d exchanges ended", s->ended, n);
}

static void never(struct cf_http_request *req, struct cf_http_response *res, enum cf_http_wake why,
                  void *user)
{
    (void)req;
    (void)user;
    if (why != CF_HTTP_GONE)
        cf_http_response_cut(res);
}

static void serve(struct cf_http_request *req, struct cf_http_response *res)
{
    if (strcmp(cf_http_request_path(req), "/hang") == 0)
        cf_http_parked_release(cf_http_park(res, -1, never, NULL));
    else
        cf_http_response_text(res, 200, "hello");
}

struct bench {
    struct cf_http_server *server;
    struct cf_http_listener *listener;
    struct sbx_wire *wire;
    struct seen seen;
};

static int set_up(void **state)
{
    struct bench *b = cf_xcalloc(1, sizeof(*b));
    struct cf_error err = CF_ERROR_INIT;
    pthread_mutex_init(&b->seen.lock, NULL);
    cf_cond_init(&b->seen.cond);
    b->server = cf_http_server_start(NULL, &err);
    b->listener =
        cf_http_listen(b->server,
                       &(struct cf_http_listen_options){
                           .site = { .fallback = serve, .fallback_lane = CF_HTTP_INLINE } },
                       &err);
    b->wire = sbx_wire_start("wire", &err);
    *state = b;
    return b->listener && b->wire ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    sbx_wire_stop(b->wire);
    cf_http_server_stop(b->server, 0);
    pthread_cond_destroy(&b->seen.cond);
    pthread_mutex_destroy(&b->seen.lock);
    free(b);
    return 0;
}

static uint64_t ask(struct bench *b, const char *path, int port, int64_t timeout_ms)
{
    cf_autofree char *text = cf_xasprintf("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    struct sbx_wire_request r = { .address = "127.0.0.1",
                                  .port = port,
                                  .bytes = text,
                                  .len = strlen(text),
                                  .timeout_ms = timeout_ms };
    return sbx_wire_send(b->wire, &r, on_done, &b->seen);
}

static void asks_again_and_again(void **state)
{
    struct bench *b = *state;
    for (int i = 1; i <= 20; i++) {
        ask(b, "/", cf_http_listener_port(b->listener), 5000);
        wait_for(&b->seen, i);
    }
    for (int i = 0; i < 200; i++)
        ask(b, "/", cf_http_listener_port(b->listener), 5000);
    wait_for(&b->seen, 220);
    assert_int_equal(b->seen.well, 220);
    assert_string_equal(b->seen.body, "hello");
}

static void says_how_it_failed(void **state)
{
    struct bench *b = *state;
    int port = cf_http_listener_port(b->listener);
    ask(b, "/hang", port, 50);
    wait_for(&b->seen, 1);
    assert_string_equal(b->seen.error, "read: timeout");
    sbx_wire_cancel(b->wire, ask(b, "/hang", port, 5000));
    wait_for(&b->seen, 2);
    assert_string_equal(b->seen.error, "canceled");
    sbx_wire_cancel(b->wire, 12345); /* nobody */
    ask(b, "/hang", port, 5000);
    ask(b, "/hang", port, 5000);
    sbx_wire_cancel(b->wire, SBX_WIRE_ALL);
    wait_for(&b->seen, 4);
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_http_listener_set_away(b->listener, true, &err), &err);
    ask(b, "/", port, 5000);
    wait_for(&b->seen, 5);
    assert_int_equal(b->seen.refused, 1);
    assert_string_equal(b->seen.error, "connect: Connection refused");
    assert_int_equal(b->seen.well, 0);
}

static void stopping_ends_what_is_open(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < 5; i++)
        ask(b, "/hang", cf_http_listener_port(b->listener), 60000);
    sbx_wire_stop(b->wire);
    b->wire = NULL;
    assert_int_equal(b->seen.ended, 5);
    assert_string_equal(b->seen.error, "stopped");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_answers),
        cmocka_unit_test_setup_teardown(asks_again_and_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_how_it_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopping_ends_what_is_open, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
