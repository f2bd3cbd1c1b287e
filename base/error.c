/* SPDX-License-Identifier: Apache-2.0 */
/* Error values: setting, wrapping with context, cutting to size. See error.h. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char ELLIPSIS[] = " ... ";

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Copies `text` into the message; what is too long loses its middle, never half a UTF-8
 * character. */
static void put_message(struct cf_error *err, const char *text)
{
    size_t len = strlen(text);
    if (len < CF_ERROR_MESSAGE_MAX) {
        memcpy(err->message, text, len + 1);
        return;
    }
    size_t keep = CF_ERROR_MESSAGE_MAX - 1 - (sizeof ELLIPSIS - 1);
    size_t head = keep / 2;
    size_t tail = len - (keep - head);
    while (head > 0 && is_continuation(text[head]))
        head--;
    while (tail < len && is_continuation(text[tail]))
        tail++;
    snprintf(err->message, sizeof err->message, "%.*s%s%s", (int)head, text, ELLIPSIS, text + tail);
}

bool cf_error_setv(struct cf_error *err, enum cf_err_kind kind, const char *fmt, va_list ap)
{
    cf_assert(err);
    cf_assert(err->kind == CF_ERR_NONE);
    cf_assert(kind > CF_ERR_NONE && kind < CF_ERR_KINDS);
    cf_autofree char *text = cf_xvasprintf(fmt, ap);
    cf_error_clear(err);
    err->kind = kind;
    put_message(err, text);
    return false;
}

bool cf_error_set(struct cf_error *err, enum cf_err_kind kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_error_setv(err, kind, fmt, ap);
    va_end(ap);
    return false;
}

bool cf_error_wrap(struct cf_error *err, const char *fmt, ...)
{
    cf_assert(err && err->kind != CF_ERR_NONE);
    va_list ap;
    va_start(ap, fmt);
    cf_autofree char *context = cf_xvasprintf(fmt, ap);
    va_end(ap);
    cf_autofree char *text = cf_xasprintf("%s: %s", context, err->message);
    put_message(err, text);
    return false;
}

/* Cuts at a character boundary. */
static void put_cut(char *dst, size_t size, const char *src)
{
    size_t len = strnlen(src, size);
    if (len >= size) {
        len = size - 1;
        while (len > 0 && is_continuation(src[len]))
            len--;
    }
    memmove(dst, src, len);
    dst[len] = '\0';
}

bool cf_error_reason(struct cf_error *err, const char *reason)
{
    cf_assert(err && err->kind != CF_ERR_NONE);
    put_cut(err->reason, sizeof err->reason, reason ? reason : "");
    return false;
}

bool cf_error_field(struct cf_error *err, const char *field)
{
    cf_assert(err && err->kind != CF_ERR_NONE);
    put_cut(err->field, sizeof err->field, field ? field : "");
    return false;
}

void cf_error_clear(struct cf_error *err)
{
    cf_assert(err);
    *err = CF_ERROR_INIT;
}

bool cf_error_move(struct cf_error *to, struct cf_error *from)
{
    cf_assert(to && from && to != from);
    cf_assert(to->kind == CF_ERR_NONE && from->kind != CF_ERR_NONE);
    *to = *from;
    cf_error_clear(from);
    return false;
}

void cf_error_keep_first(struct cf_error *to, struct cf_error *from)
{
    if (to->kind == CF_ERR_NONE && from->kind != CF_ERR_NONE)
        (void)cf_error_move(to, from);
    cf_error_clear(from);
}

/* Rows not named here are TRANSIENT: most of what a kernel refuses, it refuses for the moment. */
static const struct {
    int errnum;
    enum cf_err_kind kind;
} errno_kinds[] = {
    { EACCES, CF_ERR_DENIED },
    { EPERM, CF_ERR_DENIED },
    { EROFS, CF_ERR_DENIED },
    { ENOENT, CF_ERR_NOT_FOUND },
    { ENOTDIR, CF_ERR_NOT_FOUND },
    { ESRCH, CF_ERR_NOT_FOUND },
    { EEXIST, CF_ERR_CONFLICT },
    { ENOTEMPTY, CF_ERR_CONFLICT },
    { EADDRINUSE, CF_ERR_CONFLICT },
    { EADDRNOTAVAIL, CF_ERR_INVALID },
    { EINVAL, CF_ERR_INVALID },
    { EISDIR, CF_ERR_INVALID },
    { ELOOP, CF_ERR_INVALID },
    { ENAMETOOLONG, CF_ERR_INVALID },
    { ENOEXEC, CF_ERR_INVALID },
    { ECANCELED, CF_ERR_CANCELLED },
    { ECONNREFUSED, CF_ERR_UNAVAILABLE },
    { ECONNRESET, CF_ERR_UNAVAILABLE },
    { ECONNABORTED, CF_ERR_UNAVAILABLE },
    { EHOSTUNREACH, CF_ERR_UNAVAILABLE },
    { ENETUNREACH, CF_ERR_UNAVAILABLE },
    { EPIPE, CF_ERR_UNAVAILABLE },
    { ETIMEDOUT, CF_ERR_UNAVAILABLE },
    { EFBIG, CF_ERR_LIMIT },
    { E2BIG, CF_ERR_LIMIT },
    { EBADF, CF_ERR_BUG },
    { EFAULT, CF_ERR_BUG },
};

bool cf_error_errno(struct cf_error *err, int errnum, const char *what)
{
    enum cf_err_kind kind = CF_ERR_TRANSIENT;
    for (size_t i = 0; i < CF_ARRAY_LEN(errno_kinds); i++)
        if (errno_kinds[i].errnum == errnum)
            kind = errno_kinds[i].kind;
    char text[128];
    return cf_error_set(err, kind, "%s: %s", what, strerror_r(errnum, text, sizeof text));
}

bool cf_error_is_retryable(const struct cf_error *err)
{
    return err->kind == CF_ERR_TRANSIENT || err->kind == CF_ERR_UNAVAILABLE ||
           err->kind == CF_ERR_UNKNOWN;
}

const char *cf_err_kind_name(enum cf_err_kind kind)
{
    static const char *const names[CF_ERR_KINDS] = {
        [CF_ERR_NONE] = "none",           [CF_ERR_CONFLICT] = "conflict",
        [CF_ERR_TRANSIENT] = "transient", [CF_ERR_DENIED] = "denied",
        [CF_ERR_INVALID] = "invalid",     [CF_ERR_NOT_FOUND] = "not-found",
        [CF_ERR_CANCELLED] = "cancelled", [CF_ERR_UNAVAILABLE] = "unavailable",
        [CF_ERR_UNKNOWN] = "unknown",     [CF_ERR_FENCED] = "fenced",
        [CF_ERR_LIMIT] = "limit",         [CF_ERR_BUG] = "bug",
    };
    cf_assert(kind >= CF_ERR_NONE && kind < CF_ERR_KINDS);
    return names[kind];
}
