/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 answers: where the head ends, how long the body is, whether the connection may be kept.
 * Pure. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deploy/sandbox/dataplane/wire.h"

enum { HEX_MAX = 7, /* digits of a chunk's size: below SBX_WIRE_ANSWER_MAX */ VALUE_MAX = 64 };

bool sbx_wire_header(const char *head, size_t head_len, const char *name, char *buf, size_t size)
{
    const char *end = head + head_len;
    size_t n = strlen(name);
    for (const char *line = memchr(head, '\n', head_len); line && ++line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            return false;
        if ((size_t)(stop - line) > n && line[n] == ':' && strncasecmp(line, name, n) == 0) {
            const char *v = line + n + 1;
            while (v < stop && (*v == ' ' || *v == '\t'))
                v++;
            const char *tail = stop;
            while (tail > v && (tail[-1] == '\r' || tail[-1] == ' '))
                tail--;
            size_t len = CF_MIN((size_t)(tail - v), size - 1);
            memcpy(buf, v, len);
            buf[len] = 0;
            return true;
        }
        line = stop;
    }
    return false;
}

/* Puts the chunks together at the front of `data`. */
static enum sbx_wire_state chunks(char *data, size_t len, size_t *out_len)
{
    size_t at = 0;
    size_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        at = 0;
        total = 0;
        for (;;) {
            const char *eol = memchr(data + at, '\n', len - at);
            if (!eol)
                return SBX_WIRE_MORE;
            char *rest;
            unsigned long size = strtoul(data + at, &rest, 16);
            if (rest == data + at || rest - (data + at) > HEX_MAX)
                return SBX_WIRE_BROKEN;
            at = (size_t)(eol - data) + 1;
            if (len - at < size + 2)
                return SBX_WIRE_MORE;
            if (size == 0)
                break;
            if (pass == 1)
                memmove(data + total, data + at, size);
            total += size;
            at += size + 2;
        }
    }
    *out_len = total;
    return SBX_WIRE_COMPLETE;
}

/* The head's end: behind its empty line, 0 when it is not there yet. */
static size_t head_end(const char *data, size_t len)
{
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    return end ? (size_t)(end - data) + 4 : 0;
}

/* Three digits, else 0. */
static int status_of(const char *text)
{
    int status = 0;
    for (int i = 0; i < 3; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        status = status * 10 + text[i] - '0';
    }
    return status;
}

static enum sbx_wire_state body(char *data, size_t len, bool is_head, bool ended,
                                struct sbx_wire_parsed *p)
{
    char value[VALUE_MAX];
    const char *head = data;
    p->keep = strncmp(data, "HTTP/1.1", 8) == 0;
    if (sbx_wire_header(head, p->head_len, "Connection", value, sizeof(value)) &&
        strcasecmp(value, "close") == 0)
        p->keep = false;
    p->body = data + p->head_len;
    p->body_len = 0;
    size_t have = len - p->head_len;
    if (is_head || p->status == 204 || p->status == 304)
        return SBX_WIRE_COMPLETE;
    if (sbx_wire_header(head, p->head_len, "Transfer-Encoding", value, sizeof(value)))
        return chunks(data + p->head_len, have, &p->body_len);
    if (sbx_wire_header(head, p->head_len, "Content-Length", value, sizeof(value))) {
        char *rest;
        unsigned long long want = strtoull(value, &rest, 10);
        if (rest == value || *rest || want > SBX_WIRE_ANSWER_MAX)
            return SBX_WIRE_BROKEN;
        p->body_len = (size_t)want;
        return have >= want ? SBX_WIRE_COMPLETE : SBX_WIRE_MORE;
    }
    p->keep = false;
    p->body_len = have;
    return ended ? SBX_WIRE_COMPLETE : SBX_WIRE_MORE;
}

enum sbx_wire_state sbx_wire_parse(char *data, size_t len, bool is_head, bool ended,
                                   struct sbx_wire_parsed *out)
{
    size_t at = 0;
    for (;;) { /* answers 1xx come in front of the real one */
        size_t head = head_end(data + at, len - at);
        if (head == 0)
            return ended ? SBX_WIRE_BROKEN : SBX_WIRE_MORE;
        if (head < 16 || strncmp(data + at, "HTTP/1.", 7) != 0)
            return SBX_WIRE_BROKEN;
        int status = status_of(data + at + 9);
        if (status < 100 || status > 999)
            return SBX_WIRE_BROKEN;
        if (status >= 200) {
            *out =
                (struct sbx_wire_parsed){ .status = status, .head = data + at, .head_len = head };
            break;
        }
        at += head;
    }
    enum sbx_wire_state state = body(data + at, len - at, is_head, ended, out);
    return state == SBX_WIRE_MORE && ended ? SBX_WIRE_BROKEN : state;
}
