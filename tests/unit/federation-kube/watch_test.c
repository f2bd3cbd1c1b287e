/* SPDX-License-Identifier: Apache-2.0 */
/* The watch's logic against a scripted port: which requests it makes and what it tells, stream by
 * stream. Everything runs on the test's thread: the script plays the port. */
#include "tests/support/test.h"

#include <stdio.h>

#include "base/thread.h"
#include "federation/kube/watch.h"

enum { STREAMS_MAX = 64 };

struct cf_kube_stream {
    struct cf_kube_stream_events events;
    char path[1024];
    int64_t delay_ms, stall_ms;
    bool closed;
};

/* The port: discovery by call; streams that the test feeds. */
struct script {
    struct cf_kube *k;
    struct cf_kube_stream streams[STREAMS_MAX];
    int n;
    struct cf_buf told; /* "RELIST OBJECT:a SYNCED …" */
    struct cf_kube_watch *w;
};

static bool call(void *self, const struct cf_kube_request *r, struct cf_kube_response *out,
                 struct cf_error *err)
{
    (void)self, (void)r, (void)err;
    out->status = 200;
    out->body = CF_BUF_INIT(4096);
    cf_buf_puts(&out->body, "{\"kind\":\"APIResourceList\",\"resources\":[{\"name\":\"pods\","
                            "\"kind\":\"Pod\",\"namespaced\":true,"
                            "\"verbs\":[\"list\",\"watch\"]}]}");
    return true;
}

static struct cf_kube_stream *stream_open(void *self, const struct cf_kube_request *r,
                                          int64_t delay_ms, int64_t stall_ms,
                                          const struct cf_kube_stream_events *events,
                                          struct cf_error *err)
{
    (void)err;
    struct script *s = self;
    assert_true(s->n < STREAMS_MAX);
    struct cf_kube_stream *stream = &s->streams[s->n++];
    stream->events = *events;
    stream->delay_ms = delay_ms;
    stream->stall_ms = stall_ms;
    snprintf(stream->path, sizeof stream->path, "%s", r->path);
    return stream;
}

static void stream_close(void *self, struct cf_kube_stream *stream)
{
    (void)self;
    assert_false(stream->closed);
    stream->closed = true;
}

static const struct cf_kube_ops ops = { .call = call,
                                        .stream_open = stream_open,
                                        .stream_close = stream_close };

static void hear(void *arg, const struct cf_watch_event *e)
{
    static const char *const names[] = { "RELIST", "OBJECT", "SYNCED", "PUT",
                                         "GONE",   "ALIVE",  "TROUBLE" };
    struct script *s = arg;
    cf_buf_printf(&s->told, "%s%s", s->told.len ? " " : "", names[e->type]);
    if (e->object) {
        assert_string_equal(cf_json_str(e->object, "", "kind", NULL), "Pod");
        assert_string_equal(cf_json_str(e->object, "", "apiVersion", NULL), "v1");
        cf_buf_printf(&s->told, ":%s", cf_json_str(e->object, "?", "metadata", "name", NULL));
    }
    if (e->type == CF_WATCH_TROUBLE)
        cf_buf_printf(&s->told, ":%s",
                      e->err->reason[0] ? e->err->reason : cf_err_kind_name(e->err->kind));
}

static int set_up(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    struct script *s = cf_xcalloc(1, sizeof *s);
    s->told = CF_BUF_INIT(64 * 1024);
    s->k = cf_kube_new("dc1", &ops, s);
    struct cf_watch_options o = {
        .api_version = "v1", .kind = "Pod", .ns = "web", .label_selector = "a=b", .stall_ms = 5000
    };
    s->w = cf_kube_watch_start(s->k, NULL, &o, hear, s, &err);
    assert_non_null(s->w);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct script *s = *state;
    cf_kube_watch_stop(s->w);
    int open = 0;
    for (int i = 0; i < s->n; i++)
        open += !s->streams[i].closed;
    cf_kube_unref(s->k);
    cf_buf_free(&s->told);
    free(s);
    return open;
}

/* The stream that is open now. */
static struct cf_kube_stream *now(struct script *s)
{
    for (int i = 0; i < s->n - 1; i++)
        assert_true(s->streams[i].closed);
    assert_false(s->streams[s->n - 1].closed);
    return &s->streams[s->n - 1];
}

static bool feed(struct script *s, const char *text)
{
    struct cf_kube_stream *stream = now(s);
    return stream->events.on_chunk(stream->events.arg, text, strlen(text));
}

static void start(struct script *s, int status)
{
    struct cf_kube_stream *stream = now(s);
    assert_true(stream->events.on_start(stream->events.arg, status, 0));
}

static void end(struct script *s, enum cf_err_kind kind, const char *reason)
{
    struct cf_kube_stream *stream = now(s);
    struct cf_error why = CF_ERROR_INIT;
    if (kind) {
        cf_error_set(&why, kind, "as the script says");
        cf_error_reason(&why, reason);
    }
    stream->events.on_end(stream->events.arg, &why);
}

static void list_page(struct script *s, const char *names, const char *rv, const char *token)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(8192);
    cf_buf_printf(&b,
                  "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"%s\",\"continue\":\"%"
                  "s\"},\"items\":[",
                  rv, token);
    for (const char *c = names; *c; c++)
        cf_buf_printf(&b, "%s{\"metadata\":{\"name\":\"%c\",\"resourceVersion\":\"1\"}}",
                      c == names ? "" : ",", *c);
    cf_buf_puts(&b, "]}");
    start(s, 200);
    feed(s, cf_buf_str(&b));
    end(s, CF_ERR_NONE, "");
}

static void event(struct script *s, const char *type, const char *name, const char *rv)
{
    cf_autofree char *text = cf_xasprintf("{\"type\":\"%s\",\"object\":{\"kind\":\"Pod\","
                                          "\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
                                          "\"%s\",\"resourceVersion\":\"%s\"}}}\n",
                                          type, name, rv);
    assert_true(feed(s, text));
}

static void expect_told(struct script *s, const char *text)
{
    assert_string_equal(cf_buf_str(&s->told), text);
    cf_buf_reset(&s->told);
}

static bool asks(struct script *s, const char *part)
{
    return strstr(now(s)->path, part) != NULL;
}

/* Lists two objects at version 50 and is in the watch. */
static void get_going(struct script *s)
{
    list_page(s, "ab", "50", "");
    expect_told(s, "RELIST OBJECT:a OBJECT:b SYNCED");
    start(s, 200);
}

static void test_list_then_watch(void **state)
{
    struct script *s = *state;
    assert_true(asks(s, "/api/v1/namespaces/web/pods?labelSelector=a%3Db&limit=250"));
    assert_false(cf_kube_watch_synced(s->w));
    list_page(s, "ab", "50", "t/1");
    assert_true(asks(s, "continue=t%2F1"));
    expect_told(s, "RELIST OBJECT:a OBJECT:b");
    assert_false(cf_kube_watch_synced(s->w));
    list_page(s, "c", "50", "");
    expect_told(s, "OBJECT:c SYNCED");
    assert_true(cf_kube_watch_synced(s->w));
    assert_true(asks(s, "watch=true&allowWatchBookmarks=true&resourceVersion=50&timeoutSeconds="));
    assert_true(asks(s, "labelSelector=a%3Db"));
    assert_int_equal(now(s)->stall_ms, 5000);
    start(s, 200);
    event(s, "ADDED", "d", "51");
    event(s, "MODIFIED", "a", "52");
    event(s, "DELETED", "b", "53");
    event(s, "BOOKMARK", "", "60");
    event(s, "SOMETHING", "x", "61"); /* later kinds of events are passed over */
    expect_told(s, "PUT:d PUT:a GONE:b ALIVE");
    assert_true(cf_mono_now_ms() - cf_kube_watch_last_seen_ms(s->w) < 5000);
}

static void test_resumes_where_it_was(void **state)
{
    struct script *s = *state;
    get_going(s);
    event(s, "BOOKMARK", "", "60");
    end(s, CF_ERR_NONE, ""); /* the server's time is up */
    expect_told(s, "ALIVE");
    assert_true(asks(s, "resourceVersion=60&"));
    assert_int_equal(now(s)->delay_ms, 0);
    start(s, 200);
    end(s, CF_ERR_TRANSIENT, "Stalled");
    expect_told(s, "TROUBLE:Stalled");
    assert_true(asks(s, "resourceVersion=60&"));
    assert_true(now(s)->delay_ms >= 200);
}

static void test_backs_off(void **state)
{
    struct script *s = *state;
    get_going(s);
    int64_t last_ms = 0;
    for (int i = 0; i < 9; i++) {
        end(s, CF_ERR_UNAVAILABLE, "");
        assert_true(now(s)->delay_ms >= last_ms / 2 &&
                    now(s)->delay_ms <= CF_WATCH_BACKOFF_MS_MAX * 5 / 4);
        last_ms = now(s)->delay_ms;
    }
    assert_true(last_ms >= CF_WATCH_BACKOFF_MS_MAX);
    start(s, 200);
    event(s, "BOOKMARK", "", "61");
    end(s, CF_ERR_UNAVAILABLE, "");
    assert_true(now(s)->delay_ms < 1000);
}

static void test_expired_in_the_stream(void **state)
{
    struct script *s = *state;
    get_going(s);
    assert_false(feed(s, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"status\":"
                         "\"Failure\",\"reason\":\"Expired\",\"code\":410}}\n"));
    end(s, CF_ERR_CANCELLED, "");
    expect_told(s, "TROUBLE:Expired");
    assert_true(asks(s, "limit=250"));
    assert_int_equal(now(s)->delay_ms, 0); /* the first time at once */
    list_page(s, "z", "90", "");
    expect_told(s, "RELIST OBJECT:z SYNCED");
    assert_true(asks(s, "resourceVersion=90&"));
}

static void test_expired_as_an_answer(void **state)
{
    struct script *s = *state;
    get_going(s);
    end(s, CF_ERR_NONE, "");
    start(s, 410);
    feed(s, "{\"kind\":\"Status\",\"reason\":\"Gone\",\"code\":410}");
    end(s, CF_ERR_NONE, "");
    assert_true(asks(s, "limit=250"));
    list_page(s, "ab", "91", "more");
    cf_buf_reset(&s->told);
    start(s, 410); /* the list itself expires: from the first page again */
    end(s, CF_ERR_NONE, "");
    assert_false(asks(s, "continue"));
    expect_told(s, "TROUBLE:Expired");
    assert_true(now(s)->delay_ms > 0);
    list_page(s, "c", "95", "");
    expect_told(s, "RELIST OBJECT:c SYNCED");
}

static void test_refusals(void **state)
{
    struct script *s = *state;
    start(s, 403);
    feed(s, "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"no\",\"code\":403}");
    end(s, CF_ERR_NONE, "");
    expect_told(s, "TROUBLE:Forbidden");
    assert_true(asks(s, "limit=250") && now(s)->delay_ms > 0);
    start(s, 429);
    struct cf_kube_stream *stream = now(s);
    stream->events.on_start(stream->events.arg, 429, 7000);
    end(s, CF_ERR_NONE, "");
    expect_told(s, "TROUBLE:TooManyRequests");
    assert_true(now(s)->delay_ms >= 7000);
    assert_false(cf_kube_watch_synced(s->w));
    assert_int_equal(cf_kube_watch_last_seen_ms(s->w), 0);
}

static void test_nonsense(void **state)
{
    struct script *s = *state;
    start(s, 200);
    feed(s, "<html>");
    end(s, CF_ERR_NONE, "");
    expect_told(s, "TROUBLE:invalid");
    list_page(s, "a", "50", "");
    cf_buf_reset(&s->told);
    start(s, 200);
    assert_false(feed(s, "{\"type\":\"ADDED\",\"object\":{\n"));
    end(s, CF_ERR_CANCELLED, "");
    expect_told(s, "TROUBLE:invalid");
    assert_true(asks(s, "limit=250"));
}

static void test_too_long_a_line(void **state)
{
    struct script *s = *state;
    get_going(s);
    char page[8193];
    memset(page, 'x', sizeof page - 1);
    page[sizeof page - 1] = '\0';
    int n = 0;
    while (feed(s, page))
        assert_true(++n < CF_WATCH_LINE_MAX / 8192 + 2);
    end(s, CF_ERR_CANCELLED, "");
    expect_told(s, "TROUBLE:limit");
    assert_true(asks(s, "limit=250"));
}

/* A server that ends streams at once must not be hurried back to. */
static void test_quick_ends(void **state)
{
    struct script *s = *state;
    get_going(s);
    end(s, CF_ERR_NONE, "");
    assert_true(now(s)->delay_ms > 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_list_then_watch),
        CASE(test_resumes_where_it_was),
        CASE(test_backs_off),
        CASE(test_expired_in_the_stream),
        CASE(test_expired_as_an_answer),
        CASE(test_refusals),
        CASE(test_nonsense),
        CASE(test_too_long_a_line),
        CASE(test_quick_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
