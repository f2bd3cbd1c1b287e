/* SPDX-License-Identifier: Apache-2.0 */
/* One row per header that frames a message; each row's function sees each line of that name. */
#include "orchestrator/http/h1_framing.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "orchestrator/http/chars.h"
#include "orchestrator/http/target.h"

enum { LENGTH_DIGITS_MAX = 15 }; /* beyond any limit of ours, within uint64_t */

struct seen {
    bool host, length, encoding, close;
};

static bool bad(struct http_h1_head *h, int status, const char *detail)
{
    h->status = status;
    h->detail = detail;
    return false;
}

static bool take_host(struct http_h1_head *h, struct seen *seen, const char *v, struct http_span at)
{
    if (seen->host)
        return bad(h, 400, "more than one Host");
    const char *wrong = http_host_check(v, at.len);
    if (wrong)
        return bad(h, 400, wrong);
    seen->host = true;
    h->host = at;
    return true;
}

static bool take_length(struct http_h1_head *h, struct seen *seen, const char *v,
                        struct http_span at)
{
    if (seen->length)
        return bad(h, 400, "more than one Content-Length");
    if (at.len == 0 || !http_chars_all(v, at.len, HTTP_DIGIT))
        return bad(h, 400, "Content-Length is not one number");
    if (at.len > LENGTH_DIGITS_MAX)
        return bad(h, 413, "Content-Length is beyond any limit");
    seen->length = true;
    for (size_t i = 0; i < at.len; i++)
        h->content_length = h->content_length * 10 + (uint64_t)(v[i] - '0');
    return true;
}

static bool take_encoding(struct http_h1_head *h, struct seen *seen, const char *v,
                          struct http_span at)
{
    if (seen->encoding)
        return bad(h, 400, "more than one Transfer-Encoding");
    if (h->minor == 0)
        return bad(h, 400, "Transfer-Encoding in HTTP/1.0");
    seen->encoding = true;
    if (!http_equals_nocase(v, at.len, "chunked"))
        return memchr(v, ',', at.len) ? bad(h, 400, "Transfer-Encoding is a list")
                                      : bad(h, 501, "Transfer-Encoding other than chunked");
    h->chunked = true;
    return true;
}

static bool take_connection(struct http_h1_head *h, struct seen *seen, const char *v,
                            struct http_span at)
{
    (void)h;
    const char *end = v + at.len, *item;
    size_t len;
    while (http_list_next(&v, end, &item, &len))
        seen->close |= http_equals_nocase(item, len, "close");
    return true;
}

static bool take_expect(struct http_h1_head *h, struct seen *seen, const char *v,
                        struct http_span at)
{
    (void)seen;
    if (!http_equals_nocase(v, at.len, "100-continue"))
        return bad(h, 417, "Expect other than 100-continue");
    h->expects_continue = h->minor > 0;
    return true;
}

static const struct {
    const char *name;
    bool (*take)(struct http_h1_head *h, struct seen *seen, const char *v, struct http_span at);
} rows[] = {
    { "host", take_host },
    { "content-length", take_length },
    { "transfer-encoding", take_encoding },
    { "connection", take_connection },
    { "expect", take_expect },
};

static bool take_headers(struct http_h1_head *h, const char *buf, struct seen *seen)
{
    for (size_t i = 0; i < h->header_count; i++) {
        struct http_span name = h->headers[i].name, value = h->headers[i].value;
        for (size_t r = 0; r < CF_ARRAY_LEN(rows); r++)
            if (http_equals_nocase(buf + name.at, name.len, rows[r].name) &&
                !rows[r].take(h, seen, buf + value.at, value))
                return false;
    }
    return true;
}

/* The target becomes origin form: an absolute one must name our host, "*" is for OPTIONS. */
static bool normalize_target(struct http_h1_head *h, const char *buf)
{
    const char *t = buf + h->target.at;
    bool is_options = h->method.len == 7 && memcmp(buf + h->method.at, "OPTIONS", 7) == 0;
    if (h->target.len == 1 && *t == '*')
        return is_options || bad(h, 400, "the target \"*\" is for OPTIONS only");
    if (h->method.len == 7 && memcmp(buf + h->method.at, "CONNECT", 7) == 0)
        return bad(h, 501, "CONNECT is not served");
    const char *host, *path;
    size_t host_len, path_len;
    if (http_target_absolute(t, h->target.len, &host, &host_len, &path, &path_len)) {
        if (host_len != h->host.len || strncasecmp(host, buf + h->host.at, host_len) != 0)
            return bad(h, 400, "the target names another host than Host");
        h->target = (struct http_span){ (uint32_t)(path - buf), (uint32_t)path_len };
    }
    const char *wrong = http_target_check(buf + h->target.at, h->target.len);
    return !wrong || bad(h, 400, wrong);
}

bool http_h1_framing(struct http_h1_head *h, const char *buf)
{
    struct seen seen = { false };
    if (!take_headers(h, buf, &seen))
        return false;
    if (seen.encoding && seen.length)
        return bad(h, 400, "both Transfer-Encoding and Content-Length");
    if (!seen.host && h->minor > 0)
        return bad(h, 400, "Host is missing");
    h->keep_alive = h->minor > 0 && !seen.close;
    return normalize_target(h, buf);
}
