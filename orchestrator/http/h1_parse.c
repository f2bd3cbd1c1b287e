/* SPDX-License-Identifier: Apache-2.0 */
/* Line by line: the request line, the header lines, then the framing (h1_framing.c) when the empty
 * line came. */
#include "orchestrator/http/h1_parse.h"

#include <string.h>

#include "orchestrator/http/chars.h"
#include "orchestrator/http/h1_framing.h"
#include "orchestrator/http/target.h"

static bool bad(struct http_h1_head *h, int status, const char *detail)
{
    h->status = status;
    h->detail = detail;
    return false;
}

static struct http_span span(const char *buf, const char *from, const char *to)
{
    return (struct http_span){ (uint32_t)(from - buf), (uint32_t)(to - from) };
}

static bool parse_version(struct http_h1_head *h, const char *s, size_t len)
{
    if (len != 8 || memcmp(s, "HTTP/", 5) != 0 || !http_char_is(s[5], HTTP_DIGIT) || s[6] != '.' ||
        !http_char_is(s[7], HTTP_DIGIT))
        return bad(h, 400, "the request line does not end with an HTTP version");
    if (s[5] != '1' || s[7] > '1')
        return bad(h, 505, "this is neither HTTP/1.1 nor HTTP/1.0");
    h->minor = s[7] - '0';
    return true;
}

/* "METHOD SP target SP HTTP/1.1", without the line's end. */
static bool parse_request_line(struct http_h1_head *h, const char *buf, const char *s,
                               const char *end)
{
    const char *sp = memchr(s, ' ', (size_t)(end - s));
    if (!sp || sp == s || !http_chars_all(s, (size_t)(sp - s), HTTP_TOKEN))
        return bad(h, 400, "the request line does not begin with a method");
    if (sp - s > CF_HTTP_METHOD_MAX)
        return bad(h, 501, "the method is not known");
    const char *target = sp + 1;
    const char *sp2 = memchr(target, ' ', (size_t)(end - target));
    if (!sp2 || sp2 == target)
        return bad(h, 400, "the request line is not: method, space, target, space, version");
    if (!parse_version(h, sp2 + 1, (size_t)(end - sp2 - 1)))
        return false;
    h->method = span(buf, s, sp);
    h->target = span(buf, target, sp2);
    h->has_request_line = true;
    return true;
}

static bool parse_header_line(struct http_h1_head *h, const char *buf, const char *s,
                              const char *end)
{
    if (*s == ' ' || *s == '\t')
        return bad(h, 400, "a header line is folded, or has white space in front");
    const char *colon = memchr(s, ':', (size_t)(end - s));
    if (!colon || colon == s || !http_chars_all(s, (size_t)(colon - s), HTTP_TOKEN))
        return bad(h, 400, "a header line does not begin with a name and a colon");
    const char *value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    const char *last = end;
    while (last > value && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    if (!http_chars_all(value, (size_t)(last - value), HTTP_FIELD))
        return bad(h, 400, "a header value has a control character");
    if (h->header_count == CF_HTTP_HEADERS_MAX)
        return bad(h, 431, "too many header lines");
    h->headers[h->header_count++] =
        (struct http_h1_header){ span(buf, s, colon), span(buf, value, last) };
    return true;
}

/* A line from h->line to `lf`, its line feed. False: refused, or the head is complete (consumed is
 * set). */
static bool parse_line(struct http_h1_head *h, const char *buf, const char *lf)
{
    const char *s = buf + h->line;
    if (lf == s || lf[-1] != '\r')
        return bad(h, 400, "a line ends with a bare line feed");
    const char *end = lf - 1;
    if (memchr(s, '\r', (size_t)(end - s)))
        return bad(h, 400, "a line has a bare carriage return");
    if (!h->has_request_line && s == end && !h->skipped_empty)
        return h->skipped_empty = true;
    if (!h->has_request_line)
        return parse_request_line(h, buf, s, end);
    if (s < end)
        return parse_header_line(h, buf, s, end);
    if (http_h1_framing(h, buf))
        h->consumed = (size_t)(lf + 1 - buf);
    return false;
}

static bool check_limits(struct http_h1_head *h, const char *buf, size_t line_end)
{
    size_t line = line_end - h->line;
    if (!h->has_request_line && line > 0 && !http_char_is(buf[h->line], HTTP_TOKEN) &&
        buf[h->line] != '\r')
        return bad(h, 400, "this does not look like HTTP");
    if (!h->has_request_line && line > CF_HTTP_LINE_MAX)
        return bad(h, 414, "the request line is too long");
    if (line > CF_HTTP_LINE_MAX)
        return bad(h, 431, "a header line is too long");
    if (line_end > CF_HTTP_HEAD_MAX)
        return bad(h, 431, "the request's head is too long");
    return true;
}

enum http_h1_result http_h1_parse(struct http_h1_head *h, const char *buf, size_t len)
{
    while (!h->status && !h->consumed) {
        const char *lf = memchr(buf + h->scan, '\n', len - h->scan);
        size_t line_end = lf ? (size_t)(lf - buf) + 1 : len;
        if (!check_limits(h, buf, line_end))
            break;
        if (!lf) {
            h->scan = len;
            return HTTP_H1_MORE;
        }
        if (!parse_line(h, buf, lf))
            break;
        h->line = h->scan = line_end;
    }
    return h->status ? HTTP_H1_BAD : HTTP_H1_DONE;
}
