/* SPDX-License-Identifier: Apache-2.0 */
/* The event stream format of the WHATWG HTML standard, section "Server-sent events": lines end with
 * LF, CRLF or CR; a blank line ends an event; an event beyond the limit is dropped. */
#include "orchestrator/cli/sse.h"

#include <stdio.h>
#include <string.h>

void cf_sse_free(struct cf_sse *s)
{
    cf_buf_free(&s->line);
    cf_buf_free(&s->data);
}

void cf_sse_reset(struct cf_sse *s)
{
    s->line.overflow = s->data.overflow = s->too_long = false;
    cf_buf_reset(&s->line);
    cf_buf_reset(&s->data);
    s->event[0] = s->next_id[0] = '\0';
    s->after_cr = false;
}

static void take_field(struct cf_sse *s, const char *name, size_t n, const char *value)
{
    if (n == 4 && memcmp(name, "data", 4) == 0) {
        cf_buf_puts(&s->data, value);
        cf_buf_putc(&s->data, '\n');
    } else if (n == 5 && memcmp(name, "event", 5) == 0) {
        snprintf(s->event, sizeof s->event, "%s", value);
    } else if (n == 2 && memcmp(name, "id", 2) == 0 && strlen(value) < sizeof s->next_id) {
        snprintf(s->next_id, sizeof s->next_id, "%s", value);
    }
}

static void end_event(struct cf_sse *s, cf_sse_event *on_event, void *arg)
{
    if (*s->next_id)
        memcpy(s->id, s->next_id, sizeof s->id);
    if (s->data.len > 0 && !s->data.overflow && !s->too_long)
        on_event(arg, s->id, *s->event ? s->event : "message", cf_buf_str(&s->data),
                 s->data.len - 1);
    s->data.overflow = s->too_long = false;
    cf_buf_reset(&s->data);
    s->event[0] = s->next_id[0] = '\0';
}

static void end_line(struct cf_sse *s, cf_sse_event *on_event, void *arg)
{
    const char *line = cf_buf_str(&s->line);
    size_t n = strcspn(line, ":");
    const char *value = line[n] == ':' ? line + n + 1 : line + n;
    if (s->line.len == 0)
        end_event(s, on_event, arg);
    else if (s->line.overflow)
        s->too_long = true;
    else if (n > 0)
        take_field(s, line, n, *value == ' ' ? value + 1 : value);
    s->line.overflow = false;
    cf_buf_reset(&s->line);
}

void cf_sse_feed(struct cf_sse *s, const void *bytes, size_t len, cf_sse_event *on_event, void *arg)
{
    const char *p = bytes;
    for (size_t i = 0; i < len; i++) {
        bool ends = p[i] == '\n' || p[i] == '\r';
        bool is_second = p[i] == '\n' && s->after_cr;
        s->after_cr = p[i] == '\r';
        if (ends && !is_second)
            end_line(s, on_event, arg);
        else if (!ends && p[i])
            cf_buf_putc(&s->line, p[i]);
    }
}
