/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: built in one buffer, written in one piece. Values of unknown origin are made UTF-8,
 * and in the text format nothing reaches the terminal that could steer it. See log.h. */
#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

enum {
    LINE_MAX_BYTES = 64 * 1024, /* collectors cut at this size or below */
    VALUE_MAX_BYTES = 4096,     /* one value must not push out the others */
    CONTEXT_VALUE_MAX = 64,
};

static atomic_int min_level = CF_LOG_INFO;
static atomic_bool as_text; /* else JSON */

static const char *const level_names[] = { "debug", "info", "warn", "error" };

static const char *const context_keys[] = { "run", "step", "cluster", "attempt", "request" };
enum { CONTEXT_KEYS = sizeof context_keys / sizeof context_keys[0] };
static _Thread_local char context[CONTEXT_KEYS][CONTEXT_VALUE_MAX];

void cf_log_setup(enum cf_log_level level, enum cf_log_format format)
{
    atomic_store(&min_level, (int)level);
    atomic_store(&as_text,
                 format == CF_LOG_TEXT || (format == CF_LOG_AUTO && isatty(STDERR_FILENO)));
}

bool cf_log_enabled(enum cf_log_level level)
{
    return (int)level >= atomic_load_explicit(&min_level, memory_order_relaxed);
}

bool cf_log_level_parse(const char *name, enum cf_log_level *out_level)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *out_level = (enum cf_log_level)i;
            return true;
        }
    }
    return false;
}

void cf_log_context(const char *key, const char *value)
{
    for (size_t i = 0; i < CONTEXT_KEYS; i++) {
        if (strcmp(key, context_keys[i]) == 0) {
            size_t len = value ? strnlen(value, CONTEXT_VALUE_MAX - 1) : 0;
            if (len > 0)
                memcpy(context[i], value, len);
            context[i][len] = '\0';
            return;
        }
    }
    cf_assert_failed("the context key is known", __FILE__, __LINE__);
}

/* The value as UTF-8, cut; in a buffer that the caller frees. */
static struct cf_buf clean(const char *value)
{
    struct cf_buf b = CF_BUF_INIT((size_t)VALUE_MAX_BYTES * 3);
    size_t len = strnlen(value, VALUE_MAX_BYTES + 1);
    bool cut = len > VALUE_MAX_BYTES;
    if (cut)
        len = VALUE_MAX_BYTES;
    while (cut && len > 0 && ((unsigned char)value[len] & 0xC0) == 0x80)
        len--;
    cf_utf8_append(&b, value, len);
    if (cut)
        cf_buf_puts(&b, "...");
    return b;
}

/* Without control characters: those of ASCII, DEL, and U+0080 to U+009F (C2 80 to C2 9F). */
static void defuse(char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];
        if (c < 0x20 || c == 0x7F)
            *s = ' ';
        else if (c == 0xC2 && next >= 0x80 && next <= 0x9F)
            s[0] = s[1] = ' ';
    }
}

/* `"key":"value"` after a comma, or ` key=value`. */
static void add_string(struct cf_buf *line, bool text, const char *key, const char *value)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf v = clean(value);
    if (!text) {
        cf_buf_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", key);
        cf_json_append_string(line, cf_buf_str(&v), v.len);
        return;
    }
    cf_buf_printf(line, " %s=", key);
    if (v.len > 0)
        defuse(v.data);
    if (v.len == 0 || strpbrk(v.data, " \"="))
        cf_json_append_string(line, cf_buf_str(&v), v.len);
    else
        cf_buf_append(line, v.data, v.len);
}

static void add_number(struct cf_buf *line, bool text, const char *key, int64_t value)
{
    if (text)
        cf_buf_printf(line, " %s=%lld", key, (long long)value);
    else
        cf_buf_printf(line, ",\"%s\":%lld", key, (long long)value);
}

static void add_head(struct cf_buf *line, bool text, enum cf_log_level level, const char *event,
                     const char *message)
{
    char time[CF_TIME_TEXT_MAX];
    cf_time_rfc3339(cf_wall_ms(&cf_clock_real), time);
    if (!text) {
        cf_buf_putc(line, '{');
        add_string(line, text, "time", time);
        add_string(line, text, "level", level_names[level]);
        add_string(line, text, "event", event);
        add_string(line, text, "msg", message);
        return;
    }
    CF_CLEANUP(cf_buf_free) struct cf_buf m = clean(message);
    if (m.len > 0)
        defuse(m.data);
    cf_buf_printf(line, "%s %-5s %s: %s", time, level_names[level], event, cf_buf_str(&m));
}

static void add_error(struct cf_buf *line, bool text, const struct cf_error *err)
{
    add_string(line, text, "err.kind", cf_err_kind_name(err->kind));
    if (*err->reason)
        add_string(line, text, "err.reason", err->reason);
    if (err->upstream != 0)
        add_number(line, text, "err.upstream", err->upstream);
    add_string(line, text, "err.message", err->message);
}

/* One write; what does not fit in a pipe at once is written after it. A stderr that is gone loses
 * the line. */
static void write_line(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

void cf_log_write(enum cf_log_level level, const char *event, const char *message,
                  const struct cf_error *err, const struct cf_log_field *fields)
{
    if (!cf_log_enabled(level))
        return;
    bool text = atomic_load(&as_text);
    CF_CLEANUP(cf_buf_free) struct cf_buf line = CF_BUF_INIT(LINE_MAX_BYTES);
    add_head(&line, text, level, event, message);
    for (size_t i = 0; i < CONTEXT_KEYS; i++)
        if (*context[i])
            add_string(&line, text, context_keys[i], context[i]);
    if (err && err->kind != CF_ERR_NONE)
        add_error(&line, text, err);
    for (; fields->key; fields++) {
        if (fields->str)
            add_string(&line, text, fields->key, fields->str);
        else
            add_number(&line, text, fields->key, fields->num);
    }
    if (line.overflow) { /* keep what names the event, drop the rest: a cut line would be no JSON */
        cf_buf_reset(&line);
        add_head(&line, text, level, event, message);
        add_string(&line, text, "dropped", "the line was too long");
    }
    cf_buf_puts(&line, text ? "\n" : "}\n");
    write_line(cf_buf_str(&line), line.len);
}
