/* SPDX-License-Identifier: Apache-2.0 */
/* Proves HTTP/2 in clear text with prior knowledge, spoken by nghttp2's client side: many streams
 * at once, limits, floods, and answers to requests that are not whole. */
#include "tests/unit/orchestrator-http/site.h"

#include <limits.h>

#include "orchestrator/http/nghttp2_compat.h"

enum { STREAMS_MAX = 2000 };

/* What a stream got. */
struct got {
    int status;
    size_t bytes;
    char text[300];
    uint32_t error;
    bool closed;
};

struct client {
    struct cf_peer peer;
    nghttp2_session *session;
    struct got streams[STREAMS_MAX * 2 + 2];
    int closed;
    bool goaway;
    bool ended;
    size_t upload; /* bytes of 'x' that a request with a body sends; SIZE_MAX: never ends */
};

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t nlen,
                     const uint8_t *value, size_t vlen, uint8_t flags, void *user)
{
    (void)s, (void)flags, (void)vlen;
    struct client *c = user;
    if (nlen == 7 && memcmp(name, ":status", 7) == 0)
        c->streams[f->hd.stream_id].status = atoi((const char *)value);
    return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
                   void *user)
{
    (void)s, (void)flags;
    struct got *g = &((struct client *)user)->streams[id];
    size_t room = g->bytes < sizeof g->text - 1 ? sizeof g->text - 1 - g->bytes : 0;
    memcpy(g->text + (room ? g->bytes : 0), data, CF_MIN(room, len));
    g->bytes += len;
    return 0;
}

static int on_close(nghttp2_session *s, int32_t id, uint32_t error, void *user)
{
    (void)s;
    struct client *c = user;
    c->streams[id].error = error;
    c->streams[id].closed = true;
    c->closed++;
    return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
    (void)s;
    ((struct client *)user)->goaway |= f->hd.type == NGHTTP2_GOAWAY;
    return 0;
}

static struct client *client_new(int port)
{
    struct client *c = cf_xcalloc(1, sizeof *c);
    c->peer = cf_peer_connect(port);
    nghttp2_session_callbacks *cb;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_option *o;
    nghttp2_option_new(&o);
    nghttp2_option_set_peer_max_concurrent_streams(o, STREAMS_MAX);
    assert_int_equal(nghttp2_session_client_new2(&c->session, cb, c, o), 0);
    nghttp2_option_del(o);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, NULL, 0);
    nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, 10 * 1024 * 1024);
    return c;
}

static void client_free(struct client *c)
{
    nghttp2_session_del(c->session);
    cf_peer_close(&c->peer);
    free(c);
}

static void client_flush(struct client *c)
{
    const uint8_t *data;
    nghttp2_ssize n;
    while ((n = nghttp2_session_mem_send2(c->session, &data)) > 0)
        cf_peer_send(&c->peer, data, (size_t)n);
}

/* Talks until so many streams are closed, or the connection is over. */
static void client_run(struct client *c, int closed)
{
    client_flush(c);
    while (!c->ended && c->closed < closed) {
        cf_buf_reset(&c->peer.in);
        if (!cf_peer_more(&c->peer, CF_PEER_WAIT_MS))
            c->ended = true;
        else if (nghttp2_session_mem_recv2(c->session, (const uint8_t *)c->peer.in.data,
                                           c->peer.in.len) < 0)
            fail_msg("the server breaks the protocol");
        client_flush(c);
    }
}

static nghttp2_ssize read_upload(nghttp2_session *s, int32_t id, uint8_t *buf, size_t cap,
                                 uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)s, (void)id, (void)user;
    struct client *c = source->ptr;
    if (c->upload == SIZE_MAX)
        return NGHTTP2_ERR_DEFERRED;
    size_t n = CF_MIN(cap, c->upload);
    memset(buf, 'x', n);
    c->upload -= n;
    if (c->upload == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (nghttp2_ssize)n;
}

static nghttp2_nv nv(const char *name, const char *value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                         strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static int32_t ask(struct client *c, const char *method, const char *path, const char *extra,
                   const char *value)
{
    nghttp2_nv fields[] = { nv(":method", method), nv(":scheme", "http"), nv(":path", path),
                            nv(":authority", "a"),
                            nv(extra ? extra : "x-none", value ? value : "") };
#if NGHTTP2_VERSION_NUM < 0x013c00
    nghttp2_data_provider body = { .source.ptr = c, .read_callback = read_upload };
    return nghttp2_submit_request(c->session, NULL, fields, 5, c->upload ? &body : NULL, NULL);
#else
    nghttp2_data_provider2 body = { .source.ptr = c, .read_callback = read_upload };
    return nghttp2_submit_request2(c->session, NULL, fields, 5, c->upload ? &body : NULL, NULL);
#endif
}

static struct site s;

static int start(void **state)
{
    (void)state;
    site_reset();
    s = site_start(NULL,
                   &(struct cf_http_limits){
                       .streams = 250, .body_max = 100000, .header_ms = 300, .body_ms = 300 },
                   NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cf_http_server_stop(s.server, 2000);
    return 0;
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *extra, *value;
        size_t upload;
        int status;
        const char *text; /* that the body contains; NULL: no body */
    } rows[] = {
        { "GET", "/hello", NULL, NULL, 0, 200, "hello" },
        { "GET", "/inline", NULL, NULL, 0, 200, "hello" },
        { "HEAD", "/hello", NULL, NULL, 0, 200, NULL },
        { "GET", "/no-content", NULL, NULL, 0, 204, NULL },
        { "GET", "/tell/a%20b?q=c+d", "x", "1", 0, 200,
          "GET /tell/a%20b name=a b q=c d x=1 body=" },
        { "POST", "/tell/n", NULL, NULL, 3, 200, "name=n q=- x=- body=xxx" },
        { "POST", "/tiny", NULL, NULL, 10, 200, "xxxxxxxxxx" },
        { "POST", "/tiny", NULL, NULL, 11, 413, "BODY_TOO_LARGE" },
        { "POST", "/echo", NULL, NULL, 100001, 413, "BODY_TOO_LARGE" },
        { "POST", "/tiny", "content-length", "20", 20, 413, "BODY_TOO_LARGE" },
        { "POST", "/nowhere", NULL, NULL, 20, 404, "NOT_FOUND" },
        { "PUT", "/hello", NULL, NULL, 0, 405, "METHOD_NOT_ALLOWED" },
        { "OPTIONS", "/hello", NULL, NULL, 0, 204, NULL },
        { "OPTIONS", "*", NULL, NULL, 0, 404, "NOT_FOUND" },
        { "GET", "/tell/%zz", NULL, NULL, 0, 400, "BAD_REQUEST" },
        { "GET", "/a/../b", NULL, NULL, 0, 400, "BAD_REQUEST" },
        { "POST", "/echo", "expect", "100-continue", 5, 200, "xxxxx" },
        { "POST", "/echo", "expect", "miracles", 5, 417, "EXPECTATION_FAILED" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "/", NULL, NULL, 0, 501, "NOT_IMPLEMENTED" },
        { "POST", "/media", "content-type", "text/html", 1, 415, "UNSUPPORTED_MEDIA_TYPE" },
        { "POST", "/media", "accept", "text/html", 0, 406, "NOT_ACCEPTABLE" },
        { "GET", "/hello", "x", "nobody", 0, 401, "who are you?" },
    };
    struct client *c = client_new(s.port);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        c->upload = rows[i].upload;
        int32_t id = ask(c, rows[i].method, rows[i].path, rows[i].extra, rows[i].value);
        client_run(c, (int)i + 1);
        const struct got *g = &c->streams[id];
        if (g->status != rows[i].status ||
            (rows[i].text ? !strstr(g->text, rows[i].text) : g->bytes > 0) || g->error)
            fail_msg("%s %s: %d, error %u, \"%s\"", rows[i].method, rows[i].path, g->status,
                     g->error, g->text);
    }
    client_free(c);
    site_wait(&site_done, CF_ARRAY_LEN(rows));
}

static void test_200_streams(void **state)
{
    (void)state;
    struct client *c = client_new(s.port);
    for (int i = 0; i < 200; i++)
        ask(c, "GET", i % 2 ? "/delay/50" : "/park?ms=50", NULL, NULL);
    int64_t begin = cf_mono_now_ms();
    client_run(c, 200);
    assert_in_range(cf_mono_now_ms() - begin, 45, 8000);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(c->streams[2 * i + 1].status, 200);
        assert_string_equal(c->streams[2 * i + 1].text, i % 2 ? "delayed" : "timeout");
    }
    client_free(c);
}

/* Large answers side by side: flow control shares the connection, nothing is lost. */
static void test_large_answers(void **state)
{
    (void)state;
    struct client *c = client_new(s.port);
    for (int i = 0; i < 10; i++)
        ask(c, "GET", "/big/1000000", NULL, NULL);
    client_run(c, 10);
    for (int i = 0; i < 10; i++)
        assert_int_equal(c->streams[2 * i + 1].bytes, 1000000);
    client_free(c);
}

/* More at once than was allowed: the surplus is refused, the rest is served. */
static void test_too_many_streams(void **state)
{
    (void)state;
    struct client *c = client_new(s.port);
    for (int i = 0; i < 400; i++)
        ask(c, "GET", "/delay/100", NULL, NULL);
    client_run(c, 400);
    int served = 0, refused = 0;
    for (int i = 0; i < 400; i++) {
        served += c->streams[2 * i + 1].status == 200;
        refused += c->streams[2 * i + 1].error == NGHTTP2_REFUSED_STREAM;
    }
    assert_true(served >= 250 || c->ended);
    assert_true(refused + served == 400 || c->ended);
    client_free(c);
}

/* Opened and reset at once, over and over: the connection is told to go, what it asked for is
 * bounded, and others are served. */
static void test_reset_flood(void **state)
{
    (void)state;
    struct client *c = client_new(s.port);
    client_run(c, 0);
    for (int i = 0; i < STREAMS_MAX - 1 && !c->ended; i++) {
        int32_t id = ask(c, "GET", "/sleep/1", NULL, NULL);
        client_flush(c);
        nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
        client_run(c, i + 1);
    }
    client_run(c, INT_MAX);
    assert_true(c->ended && c->goaway);
    site_wait(&site_done, CF_HTTP_H2_RESET_BURST / 2);
    usleep(200000);
    assert_true(atomic_load(&site_done) < STREAMS_MAX / 2);
    client_free(c);
    struct client *other = client_new(s.port);
    ask(other, "GET", "/hello", NULL, NULL);
    client_run(other, 1);
    assert_int_equal(other->streams[1].status, 200);
    client_free(other);
}

static void test_header_list(void **state)
{
    (void)state;
    struct client *c = client_new(s.port);
    char *value = cf_xcalloc(1, CF_HTTP_HEADER_LIST_MAX + 1);
    memset(value, 'v', CF_HTTP_HEADER_LIST_MAX);
    ask(c, "GET", "/hello", "x", value);
    client_run(c, 1);
    assert_int_equal(c->streams[1].status, 431);
    value[CF_HTTP_HEADER_LIST_MAX - 500] = 0;
    ask(c, "GET", "/hello", "x", value);
    client_run(c, 2);
    assert_int_equal(c->streams[3].status, 200);
    memset(value, 'p', 9000);
    value[0] = '/';
    value[9000] = 0;
    ask(c, "GET", value, NULL, NULL);
    client_run(c, 3);
    assert_int_equal(c->streams[5].status, 414);
    free(value);
    client_free(c);
}

/* A body that never ends is answered 408; one that is not wanted is answered and then stopped. */
static void test_unfinished_bodies(void **state)
{
    (void)state;
    struct client *c = client_new(s.port);
    c->upload = SIZE_MAX;
    ask(c, "POST", "/echo", NULL, NULL);
    ask(c, "POST", "/nowhere", NULL, NULL);
    client_run(c, 2);
    assert_int_equal(c->streams[1].status, 408);
    assert_int_equal(c->streams[3].status, 404);
    assert_int_equal(c->streams[1].error, NGHTTP2_NO_ERROR);
    assert_int_equal(c->streams[3].error, NGHTTP2_NO_ERROR);
    client_free(c);
}

/* Bytes that are no HTTP/2 behind the preface end the connection, whatever they are. */
static void test_rubbish(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int i = 0; i < 200; i++) {
        struct cf_peer p = cf_peer_connect(s.port);
        cf_peer_puts(&p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        char junk[200];
        for (size_t k = 0; k < sizeof junk; k++) {
            seed = seed * 1103515245u + 12345u;
            junk[k] = (char)(seed >> 16);
        }
        if (i % 2)
            memcpy(junk, "\0\0\0\4\0\0\0\0\0", 9); /* after a good SETTINGS */
        cf_peer_send(&p, junk, sizeof junk);
        cf_peer_shut(&p);
        cf_peer_read_all(&p);
        cf_peer_close(&p);
    }
    struct client *c = client_new(s.port);
    ask(c, "GET", "/hello", NULL, NULL);
    client_run(c, 1);
    assert_int_equal(c->streams[1].status, 200);
    client_free(c);
}

static void test_preface_byte_by_byte(void **state)
{
    (void)state;
    struct client *c = client_new(s.port);
    ask(c, "GET", "/hello", NULL, NULL);
    const uint8_t *data;
    nghttp2_ssize n;
    while ((n = nghttp2_session_mem_send2(c->session, &data)) > 0)
        for (nghttp2_ssize i = 0; i < n; i++)
            cf_peer_send(&c->peer, data + i, 1);
    client_run(c, 1);
    assert_int_equal(c->streams[1].status, 200);
    client_free(c);
}

/* Without streams for too long: GOAWAY, then the end. */
static void test_idle(void **state)
{
    (void)state;
    struct site idle =
        site_start(NULL, &(struct cf_http_limits){ .idle_ms = 150, .header_ms = 150 }, NULL);
    struct client *c = client_new(idle.port);
    ask(c, "GET", "/delay/400", NULL, NULL); /* longer than idle_ms: that is not idle */
    client_run(c, 1);
    assert_int_equal(c->streams[1].status, 200);
    client_run(c, 2);
    assert_true(c->ended && c->goaway);
    client_free(c);
    struct cf_peer p = cf_peer_connect(idle.port); /* a preface and then nothing */
    cf_peer_puts(&p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    cf_peer_read_all(&p);
    cf_peer_close(&p);
    cf_http_server_stop(idle.server, 1000);
}

/* A stream whose window stays shut is cut; the connection goes on. */
static void test_stalled_stream(void **state)
{
    (void)state;
    struct site stall = site_start(NULL, &(struct cf_http_limits){ .write_stall_ms = 200 }, NULL);
    struct client *c = client_new(stall.port);
    nghttp2_settings_entry shut = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0 };
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &shut, 1);
    ask(c, "GET", "/big/100000", NULL, NULL);
    client_run(c, 1);
    assert_int_equal(c->streams[1].bytes, 0);
    assert_int_equal(c->streams[1].error, NGHTTP2_INTERNAL_ERROR);
    ask(c, "GET", "/no-content", NULL, NULL);
    client_run(c, 2);
    assert_int_equal(c->streams[3].status, 204);
    client_free(c);
    cf_http_server_stop(stall.server, 1000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers),
        TEST(test_200_streams),
        TEST(test_large_answers),
        TEST(test_too_many_streams),
        TEST(test_reset_flood),
        TEST(test_header_list),
        TEST(test_unfinished_bodies),
        TEST(test_rubbish),
        TEST(test_preface_byte_by_byte),
        TEST(test_idle),
        TEST(test_stalled_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
