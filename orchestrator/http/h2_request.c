/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of an HTTP/2 connection, frame by frame, until they are whole and go to their handlers.
 */
#include <string.h>
#include <strings.h>

#include "orchestrator/http/chars.h"
#include "orchestrator/http/conn_h2.h"
#include "orchestrator/http/limits.h"
#include "orchestrator/http/target.h"

static void refuse_head(struct http_exchange *x, int status, const char *detail)
{
    if (x->h2.status)
        return;
    x->h2.status = status;
    x->h2.detail = detail;
}

int http_h2_on_begin_headers(nghttp2_session *s, const nghttp2_frame *frame, void *user_data)
{
    struct http_conn *c = user_data;
    struct http_h2 *h = http_h2_of(c);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct http_exchange *x = http_exchange_new(c);
    x->req.version = "2";
    x->h2.id = frame->hd.stream_id;
    x->h2.method = x->h2.path = x->h2.authority = "";
    x->h2.next = h->exchanges;
    x->h2.at = &h->exchanges;
    if (x->h2.next)
        x->h2.next->h2.at = &x->h2.next;
    h->exchanges = x;
    h->open++;
    cf_assert(nghttp2_session_set_stream_user_data(s, x->h2.id, x) == 0);
    http_loop_timer(http_conn_loop(c), &x->timer, c->listener->limits.header_ms);
    http_h2_set_deadline(c);
    return 0;
}

static bool is_name(const uint8_t *name, size_t len, const char *want)
{
    return len == strlen(want) && memcmp(name, want, len) == 0;
}

static void take_pseudo(struct http_exchange *x, const uint8_t *name, size_t name_len,
                        const char *value, size_t len)
{
    const char *copy = cf_arena_strndup(x->req.arena, value, len);
    if (is_name(name, name_len, ":method"))
        x->h2.method = copy;
    else if (is_name(name, name_len, ":path"))
        x->h2.path = copy;
    else if (is_name(name, name_len, ":authority"))
        x->h2.authority = copy;
}

static void take_expect(struct http_exchange *x, const char *value, size_t len)
{
    if (http_equals_nocase(value, len, "100-continue"))
        x->h2.expects_continue = true;
    else
        refuse_head(x, 417, "Expect other than 100-continue");
}

int http_h2_on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
                      size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                      void *user_data)
{
    (void)flags, (void)user_data;
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, frame->hd.stream_id);
    if (!x || frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    x->h2.list_bytes += name_len + value_len + 32;
    if (x->h2.list_bytes > CF_HTTP_HEADER_LIST_MAX || x->req.headers.count >= CF_HTTP_HEADERS_MAX)
        refuse_head(x, 431, "the request's headers are too long or too many");
    if (x->h2.status)
        return 0;
    const char *text = (const char *)value;
    if (name_len && name[0] == ':')
        take_pseudo(x, name, name_len, text, value_len);
    else if (!http_request_add_header(&x->req, (const char *)name, name_len, text, value_len))
        refuse_head(x, 400, "a header that may come once is repeated");
    if (is_name(name, name_len, "expect"))
        take_expect(x, text, value_len);
    return 0;
}

static const char *check_host(struct http_exchange *x)
{
    const char *host = *x->h2.authority ? x->h2.authority : cf_http_request_header(&x->req, "host");
    if (!host)
        return "neither :authority nor Host";
    x->req.host = host;
    return http_host_check(host, strlen(host));
}

static bool check_head(struct http_exchange *x)
{
    const char *path = x->h2.path, *wrong;
    bool is_star = strcmp(path, "*") == 0 && strcmp(x->h2.method, "OPTIONS") == 0;
    if (strcmp(x->h2.method, "CONNECT") == 0)
        refuse_head(x, 501, "CONNECT is not served");
    else if (strlen(x->h2.method) > CF_HTTP_METHOD_MAX)
        refuse_head(x, 501, "the method is not known");
    else if (strlen(path) > CF_HTTP_LINE_MAX)
        refuse_head(x, 414, "the request target is too long");
    else if ((!is_star && (wrong = http_target_check(path, strlen(path)))) ||
             (wrong = check_host(x)) ||
             (wrong = http_request_set_target(&x->req, x->h2.method, strlen(x->h2.method), path,
                                              strlen(path))))
        refuse_head(x, 400, wrong);
    return x->h2.status == 0;
}

static bool is_body_announced_too_long(const struct http_exchange *x)
{
    const char *length = cf_http_request_header(&x->req, "content-length");
    return length && strtoull(length, NULL, 10) > x->body_max;
}

static void say_continue(struct http_h2 *h, const struct http_exchange *x)
{
    uint8_t name[] = ":status", value[] = "100";
    const nghttp2_nv nv = { name, value, sizeof name - 1, sizeof value - 1, NGHTTP2_NV_FLAG_NONE };
    (void)nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, x->h2.id, NULL, &nv, 1, NULL);
}

static void take_head(struct http_conn *c, struct http_exchange *x, bool is_whole)
{
    http_loop_timer(http_conn_loop(c), &x->timer, -1);
    x->complete = is_whole;
    if (x->h2.status || !check_head(x)) {
        http_exchange_fail(x, x->h2.status, x->h2.detail);
        return;
    }
    x->has_request = true;
    x->req.started_ms = http_loop_now(http_conn_loop(c));
    if (!http_exchange_route(x))
        return;
    if (is_whole) {
        http_exchange_dispatch(x);
    } else if (is_body_announced_too_long(x)) {
        http_exchange_fail(x, 413, "the body is longer than this resource takes");
    } else {
        http_loop_timer(http_conn_loop(c), &x->timer, c->listener->limits.body_ms);
        if (x->h2.expects_continue)
            say_continue(http_h2_of(c), x);
    }
}

int http_h2_on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *user_data)
{
    struct http_conn *c = user_data;
    struct http_h2 *h = http_h2_of(c);
    if (!h->has_begun) {
        h->has_begun = true;
        http_h2_set_deadline(c);
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, frame->hd.stream_id);
    if (!x)
        return 0;
    bool is_whole = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        take_head(c, x, is_whole);
    } else if (is_whole) {
        x->complete = true;
        if (x->phase == HTTP_RECEIVING)
            http_exchange_dispatch(x);
    }
    return 0;
}

int http_h2_on_data(nghttp2_session *s, uint8_t flags, int32_t stream_id, const uint8_t *data,
                    size_t len, void *user_data)
{
    (void)flags;
    struct http_conn *c = user_data;
    struct http_h2 *h = http_h2_of(c);
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, stream_id);
    if (x && x->phase == HTTP_SENDING && (x->h2.dropped += len) > CF_HTTP_LINGER_BYTES_MAX)
        c->proto->cut(x);
    if (!x || x->phase != HTTP_RECEIVING)
        return 0;
    if (len > x->req.body.max - x->req.body.len) {
        http_exchange_fail(x, 413, "the body is longer than this resource takes");
        return 0;
    }
    if (h->body_bytes + len >
        CF_HTTP_BODIES_FACTOR * CF_MAX(c->listener->limits.body_max, x->body_max)) {
        http_exchange_fail(x, 503, "this connection sends too many bodies at once");
        return 0;
    }
    h->body_bytes += len;
    cf_buf_append(&x->req.body, data, len);
    return 0;
}
