/* SPDX-License-Identifier: Apache-2.0 */
/* Events over HTTP: each reader gets every event once and in order while several threads write,
 * also when it is cut off and resumes by Last-Event-ID; filters; NDJSON; pages; what is no longer
 * kept; a stream's head and its first words. */
#include <stdatomic.h>

#include "store/events.h"
#include "tests/support/http_peer.h"
#include "tests/unit/orchestrator-api/fixture.h"

enum { WRITERS = 3, EACH = 60 };

struct writer {
    struct fixture *f;
    const char *kind;
    int no;
    pthread_t thread;
};

static void write_one(struct fixture *f, const char *kind, int writer, int i)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *body = json_pack("{s:i,s:i}", "writer", writer, "i", i);
    if (!cf_event_append(f->store, kind, "test/x", "test", body, &err))
        abort();
}

static void *write_many(void *arg)
{
    struct writer *w = arg;
    for (int i = 0; i < EACH; i++) {
        write_one(w->f, w->kind, w->no, i);
        if (i % 7 == 0)
            usleep(3000);
    }
    return NULL;
}

static struct cf_peer open_stream(struct fixture *f, const char *accept, const char *query,
                                  const char *last_id)
{
    struct cf_peer p = cf_peer_connect(cf_service_port(f->service));
    cf_autofree char *last =
        last_id ? cf_xasprintf("Last-Event-ID: %s\r\n", last_id) : cf_xstrdup("");
    cf_autofree char *head =
        cf_xasprintf("GET /api/v1/events%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                     "Accept: %s\r\n%s\r\n",
                     query, f->token[VIEWER], accept, last);
    cf_peer_puts(&p, head);
    return p;
}

/* What has been read of a stream: how many events of each writer, and the last id. */
struct seen {
    int next[WRITERS], total;
    long long last_id;
};

/* Takes whole "data:" lines off the peer's input until `want` events were seen in all. */
static void read_events(struct cf_peer *p, struct seen *s, int want)
{
    while (s->total < want) {
        const char *data = strstr(cf_buf_str(&p->in), "data: {");
        const char *end = data ? strstr(data, "\n\n") : NULL;
        if (!end) {
            assert_true(cf_peer_more(p, CF_PEER_WAIT_MS));
            continue;
        }
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *j = cf_json_parse(data + 6, (size_t)(end - data - 6), 0, &err);
        assert_non_null(j);
        long long id = atoll(cf_json_str(j, "0", "id", NULL));
        int writer = (int)cf_json_int(j, 0, "data", "writer", NULL);
        assert_true(id > s->last_id);
        assert_int_equal(cf_json_int(j, -1, "data", "i", NULL), s->next[writer]++);
        s->last_id = id;
        s->total++;
        cf_buf_consume(&p->in, (size_t)(end + 2 - cf_buf_str(&p->in)));
    }
}

static void start_writers(struct fixture *f, struct writer *w, const char *kind)
{
    struct cf_error err = CF_ERROR_INIT;
    for (int i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){ .f = f, .kind = kind, .no = i };
        assert_ok(cf_thread_start(&w[i].thread, "writer", write_many, &w[i], &err), &err);
    }
}

static void join_writers(struct writer *w)
{
    for (int i = 0; i < WRITERS; i++)
        pthread_join(w[i].thread, NULL);
}

/* Chunk heads stand between the events but never inside one: events are single writes. */
static void everybody_gets_everything_in_order(void **state)
{
    struct fixture *f = *state;
    struct writer writers[WRITERS];
    struct seen seen[3] = { 0 };
    struct cf_peer peers[3];
    for (int i = 0; i < 3; i++) {
        peers[i] = open_stream(f, "text/event-stream", "?kind=order.", NULL);
        cf_peer_expect(&peers[i], "retry: ");
    }
    start_writers(f, writers, "order.test");
    for (int i = 0; i < 3; i++)
        read_events(&peers[i], &seen[i], WRITERS * EACH);
    join_writers(writers);
    for (int i = 0; i < 3; i++)
        cf_peer_close(&peers[i]);
}

static void who_is_cut_off_resumes_without_a_gap(void **state)
{
    struct fixture *f = *state;
    struct writer writers[WRITERS];
    struct seen seen = { 0 };
    char id[32];
    struct cf_peer p = open_stream(f, "text/event-stream", "?kind=resume.", NULL);
    cf_peer_expect(&p, "retry: ");
    start_writers(f, writers, "resume.test");
    for (int part = 1; part <= 10; part++) {
        read_events(&p, &seen, WRITERS * EACH * part / 10);
        cf_peer_close(&p);
        (void)snprintf(id, sizeof id, "%lld", seen.last_id);
        p = open_stream(f, "text/event-stream",
                        part % 2 ? "?kind=resume." : "?after=1&kind=resume.", id);
        cf_peer_expect(&p, "retry: ");
    }
    join_writers(writers);
    write_one(f, "resume.test", 0, EACH);
    read_events(&p, &seen, WRITERS * EACH + 1);
    assert_int_equal(seen.total, WRITERS * EACH + 1);
    cf_peer_close(&p);
}

static void ndjson_has_the_same_events(void **state)
{
    struct fixture *f = *state;
    struct cf_peer p = open_stream(f, "application/x-ndjson", "?kind=lines.", NULL);
    cf_peer_expect(&p, "application/x-ndjson");
    usleep(50000); /* from now on: the horizon was taken before the head was sent */
    write_one(f, "lines.test", 1, 7);
    cf_peer_expect(&p, "\"data\":{\"writer\":1,\"i\":7}}\n");
    cf_peer_close(&p);
}

static void pages_of_events(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        write_one(f, "page.test", 0, i);
    const char *json[] = { "Accept: application/json", NULL };
    AUTO_ANSWER last = ask(f, VIEWER, "GET", "/api/v1/events?kind=page.&limit=2", NULL, NULL, json);
    expect(last, 200, NULL);
    assert_int_equal(json_array_size(cf_json_at(last.json, "items", NULL)), 2);
    assert_int_equal(json_integer_value(cf_json_pointer(last.json, "/items/1/data/i")), 4);
    AUTO_ANSWER first =
        ask(f, VIEWER, "GET", "/api/v1/events?kind=page.&limit=3&after=0", NULL, NULL, json);
    expect(first, 200, NULL);
    assert_int_equal(json_integer_value(cf_json_pointer(first.json, "/items/2/data/i")), 2);
    cf_autofree char *rest = cf_xasprintf("/api/v1/events?kind=page.&after=%s",
                                          cf_json_str(first.json, "", "next", NULL));
    AUTO_ANSWER second = ask(f, VIEWER, "GET", rest, NULL, NULL, json);
    expect(second, 200, NULL);
    assert_int_equal(json_array_size(cf_json_at(second.json, "items", NULL)), 2);
    AUTO_ANSWER future =
        ask(f, VIEWER, "GET", "/api/v1/events?after=9007199254740000", NULL, NULL, json);
    expect(future, 410, "EVENTS_EXPIRED");
    AUTO_ANSWER wrong = ask(f, VIEWER, "GET", "/api/v1/events?after=x", NULL, NULL, json);
    expect(wrong, 400, "INVALID_PARAMETER");
    AUTO_ANSWER run = ask(f, VIEWER, "GET", "/api/v1/events?run=web/1", NULL, NULL, json);
    expect(run, 404, "NOT_FOUND");
}

static void what_is_not_kept_is_said(void **state)
{
    struct fixture *f = *state;
    struct cf_peer p = open_stream(f, "text/event-stream", "?kind=later.", "9007199254740000");
    cf_peer_expect(&p, "event: resync\n");
    write_one(f, "later.test", 0, 1);
    cf_peer_expect(&p, "event: later.test\n");
    cf_peer_close(&p);
}

/* ---- a reader that stops reading for a while ---- */

enum { LARGE_EVENTS = 400, LARGE_BYTES = 20000 }; /* eight times what a stream may queue */

struct slow {
    pthread_mutex_t mutex;
    struct cf_buf line;
    int next; /* events seen, in order */
    bool slept, broken;
    atomic_bool asleep;
};

static bool take_slowly(void *arg, const void *data, size_t len)
{
    struct slow *s = arg;
    const char *end;
    CF_LOCKED(&s->mutex);
    if (!s->slept) {
        atomic_store(&s->asleep, true);
        usleep(1500000);
        s->slept = true;
    }
    cf_buf_append(&s->line, data, len);
    while ((end = strchr(cf_buf_str(&s->line), '\n')) != NULL) {
        cf_autofree char *want = cf_xasprintf("\"i\":%d}", s->next);
        size_t n = (size_t)(end - cf_buf_str(&s->line));
        if (n > 0 && !strstr(cf_buf_str(&s->line), want))
            s->broken = true;
        s->next += n > 0;
        cf_buf_consume(&s->line, n + 1);
    }
    return true;
}

static void slow_over(void *arg, const struct cf_error *why)
{
    (void)arg;
    (void)why;
}

static void write_large(struct fixture *f, int i)
{
    struct cf_error err = CF_ERROR_INIT;
    char pad[LARGE_BYTES + 1];
    memset(pad, 'x', LARGE_BYTES);
    pad[LARGE_BYTES] = 0;
    cf_autojson json_t *body = json_pack("{s:s,s:i}", "pad", pad, "i", i);
    assert_ok(cf_event_append(f->store, "large.test", "test/x", "test", body, &err), &err);
}

static void a_slow_reader_misses_nothing(void **state)
{
    struct fixture *f = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct slow s = { .line = CF_BUF_INIT(64 * 1024 * 1024) };
    const char *headers[] = { "Accept: application/x-ndjson", NULL };
    int64_t now;
    assert_ok(cf_events_horizon(f->store, &now, &err), &err);
    cf_autofree char *path = cf_xasprintf("/api/v1/events?kind=large.&after=%lld", (long long)now);
    struct cf_http_call_request r = { .path = path, .headers = headers };
    struct cf_http_download_options options = { 0 };
    struct cf_http_download_events events = { .on_chunk = take_slowly,
                                              .on_end = slow_over,
                                              .arg = &s };
    pthread_mutex_init(&s.mutex, NULL);
    struct cf_transport *own = cf_transport_new(NULL, &err);
    assert_non_null(own);
    struct cf_http_download *d =
        cf_http_download_open(own, f->as[VIEWER], &r, &options, &events, &err);
    assert_non_null(d);
    for (int i = 0; i < LARGE_EVENTS; i++)
        write_large(f, i);
    for (int i = 0; i < 400 && !atomic_load(&s.asleep); i++)
        usleep(50000);
    assert_true(atomic_load(&s.asleep));
    for (int i = 0, seen = 0; i < 400 && seen < LARGE_EVENTS; i++) {
        usleep(50000);
        CF_LOCKED(&s.mutex);
        seen = s.next;
    }
    cf_http_download_close(d);
    cf_transport_free(own);
    assert_int_equal(s.next, LARGE_EVENTS);
    assert_false(s.broken);
    cf_buf_free(&s.line);
    pthread_mutex_destroy(&s.mutex);
}

static int start(void **state)
{
    *state = fixture_start();
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_gets_everything_in_order),
        cmocka_unit_test(who_is_cut_off_resumes_without_a_gap),
        cmocka_unit_test(ndjson_has_the_same_events),
        cmocka_unit_test(pages_of_events),
        cmocka_unit_test(what_is_not_kept_is_said),
        cmocka_unit_test(a_slow_reader_misses_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
