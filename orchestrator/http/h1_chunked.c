/* SPDX-License-Identifier: Apache-2.0 */
/* One small state per place in the grammar; data is taken in runs, everything else byte by byte. */
#include "orchestrator/http/h1_chunked.h"

#include "orchestrator/http/chars.h"
#include "orchestrator/http/limits.h"

enum state {
    SIZE_FIRST, /* the first digit of a chunk's size */
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START, /* the beginning of a trailer line, or of the last empty line */
    TRAILER,
    TRAILER_LF,
    LAST_LF,
    DONE,
};

static bool bad(struct http_chunked *c, const char *detail)
{
    c->detail = detail;
    return false;
}

static bool expect(struct http_chunked *c, char got, char want, enum state next)
{
    if (got != want)
        return bad(c, "a chunk is not ended by CRLF");
    c->state = next;
    return true;
}

static bool take_size(struct http_chunked *c, char b)
{
    int digit = http_hex_value(b);
    if (digit >= 0) {
        if (c->size >> 40)
            return bad(c, "a chunk's size is beyond any limit");
        c->size = c->size * 16 + (uint64_t)digit;
        c->state = SIZE;
        return true;
    }
    if (c->state == SIZE_FIRST)
        return bad(c, "a chunk does not begin with its size");
    if (b == '\r')
        c->state = SIZE_LF;
    else if (b == ';')
        c->state = EXTENSION;
    else
        return bad(c, "a chunk's size is not hexadecimal");
    return true;
}

static bool take_size_lf(struct http_chunked *c, char b)
{
    c->line = 0;
    return expect(c, b, '\n', c->size ? DATA : TRAILER_START);
}

static bool take_text(struct http_chunked *c, char b, enum state at_cr)
{
    if (b == '\r')
        c->state = at_cr;
    else if (!http_char_is(b, HTTP_FIELD))
        return bad(c, "a chunk extension or trailer has a control character");
    return true;
}

static bool take_trailer_start(struct http_chunked *c, char b)
{
    if (b == '\r') {
        c->state = LAST_LF;
        return true;
    }
    if (!http_char_is(b, HTTP_TOKEN))
        return bad(c, "a trailer line does not begin with a name");
    c->state = TRAILER;
    return true;
}

static bool take_byte(struct http_chunked *c, char b)
{
    switch ((enum state)c->state) {
    case SIZE_FIRST:
    case SIZE:
        return take_size(c, b);
    case EXTENSION:
        return take_text(c, b, SIZE_LF);
    case SIZE_LF:
        return take_size_lf(c, b);
    case DATA_CR:
        return expect(c, b, '\r', DATA_LF);
    case DATA_LF:
        return expect(c, b, '\n', SIZE_FIRST);
    case TRAILER_START:
        return take_trailer_start(c, b);
    case TRAILER:
        return take_text(c, b, TRAILER_LF);
    case TRAILER_LF:
        return expect(c, b, '\n', TRAILER_START);
    case LAST_LF:
        return expect(c, b, '\n', DONE);
    case DATA:
    case DONE:
        break;
    }
    return bad(c, "");
}

static bool count_overhead(struct http_chunked *c)
{
    if (c->state >= TRAILER_START && ++c->trailers > CF_HTTP_TRAILERS_MAX)
        return bad(c, "the trailers are too long");
    if (c->state < DATA && ++c->line > CF_HTTP_CHUNK_LINE_MAX)
        return bad(c, "a chunk's size line is too long");
    if (++c->overhead > CF_HTTP_CHUNK_OVERHEAD_MAX)
        return bad(c, "the chunks are too small for the body's length");
    return true;
}

enum http_chunked_result http_chunked_feed(struct http_chunked *c, const char *buf, size_t len,
                                           size_t *out_used, struct cf_buf *out)
{
    size_t i = 0;
    while (i < len && c->state != DONE && !c->detail) {
        if (c->state != DATA) {
            if (count_overhead(c) && take_byte(c, buf[i]))
                i++;
            continue;
        }
        if (c->size > out->max - out->len)
            break;
        size_t n = c->size < len - i ? (size_t)c->size : len - i;
        cf_buf_append(out, buf + i, n);
        i += n;
        c->size -= n;
        if (c->size == 0)
            c->state = DATA_CR;
    }
    *out_used = i;
    if (c->detail)
        return HTTP_CHUNKED_BAD;
    if (c->state == DATA && c->size > out->max - out->len)
        return HTTP_CHUNKED_LARGE;
    return c->state == DONE ? HTTP_CHUNKED_DONE : HTTP_CHUNKED_MORE;
}
