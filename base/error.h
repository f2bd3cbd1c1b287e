/* SPDX-License-Identifier: Apache-2.0 */
/* Errors are values.
 *
 * A fallible function returns bool (or a pointer, NULL on failure), takes `struct cf_error *err`
 * last, and leaves its outputs untouched on failure. The kind is what callers switch on: retry,
 * hold, or which status the REST API answers. The message is for people and grows outwards:
 * cf_error_wrap() puts context in front, as in "scale web/echo on dc1: connect: connection
 * refused". Holds no memory of its own: nothing to free, copy freely. Setting an error that is
 * already set is a bug (assert); clear it first. `err` is never NULL. Only the owner of a loop logs
 * an error, once. */
#ifndef CF_BASE_ERROR_H
#define CF_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum cf_err_kind {
    CF_ERR_NONE = 0,
    CF_ERR_CONFLICT,  /* somebody else was there first: look again, then decide */
    CF_ERR_TRANSIENT, /* the same call may succeed later: retry with back-off */
    CF_ERR_DENIED,    /* credentials or rights are missing */
    CF_ERR_INVALID,   /* the input is wrong and will stay wrong */
    CF_ERR_NOT_FOUND,
    CF_ERR_CANCELLED,   /* asked to stop, or our deadline passed before an answer was needed */
    CF_ERR_UNAVAILABLE, /* the other side cannot be reached or does not answer */
    CF_ERR_UNKNOWN,     /* a write was sent, no answer came: it may have happened. Read back */
    CF_ERR_FENCED,      /* somebody with a newer epoch owns this: drop everything about it */
    CF_ERR_LIMIT,       /* one of our own limits was hit */
    CF_ERR_BUG,         /* we broke a rule of ours */
    CF_ERR_KINDS
};

enum {
    CF_ERROR_MESSAGE_MAX = 1024, /* longer chains are cut in the middle, keeping both ends */
    CF_ERROR_REASON_MAX = 64,
    CF_ERROR_FIELD_MAX = 192,
};

struct cf_error {
    enum cf_err_kind kind;
    int upstream;           /* HTTP status of the other side, or 0 */
    int64_t retry_after_ms; /* what the other side asked for, or 0 */
    /* Machine word: Kubernetes Status.reason, SQLSTATE, problem code; or "". */
    char reason[CF_ERROR_REASON_MAX];
    char field[CF_ERROR_FIELD_MAX]; /* JSON pointer or field path the error is about, or "" */
    char message[CF_ERROR_MESSAGE_MAX];
};

#define CF_ERROR_INIT ((struct cf_error){ .kind = CF_ERR_NONE })

/* Sets an error; always returns false so that `return cf_error_set(err, …)` reads well. */
bool cf_error_set(struct cf_error *err, enum cf_err_kind kind, const char *fmt, ...)
    CF_PRINTF(3, 4);
bool cf_error_setv(struct cf_error *err, enum cf_err_kind kind, const char *fmt, va_list ap)
    CF_PRINTF(3, 0);

/* Puts "context: " in front of the message of a set error; returns false. */
bool cf_error_wrap(struct cf_error *err, const char *fmt, ...) CF_PRINTF(2, 3);

/* Machine details of a set error; both return false. Longer texts are cut. */
bool cf_error_reason(struct cf_error *err, const char *reason);
bool cf_error_field(struct cf_error *err, const char *field);

void cf_error_clear(struct cf_error *err);

/* Moves a set error out of `from` (which becomes clear) into `to` (which must be clear); returns
 * false. */
bool cf_error_move(struct cf_error *to, struct cf_error *from);

/* Of several errors the first: moves a set `from` into `to`, or drops it where `to` is set already; `from`
 * becomes clear. */
void cf_error_keep_first(struct cf_error *to, struct cf_error *from);

/* Sets kind TRANSIENT/DENIED/… from errno: "what: strerror". */
bool cf_error_errno(struct cf_error *err, int errnum, const char *what);

/* Whether trying the same again later can help: TRANSIENT, UNAVAILABLE, UNKNOWN. */
bool cf_error_is_retryable(const struct cf_error *err);

/* "conflict", "transient", … for logs, events and metrics. */
const char *cf_err_kind_name(enum cf_err_kind kind);

#endif
