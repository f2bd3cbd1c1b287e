/* SPDX-License-Identifier: Apache-2.0 */
/* The clock as a port, so that a simulator can own time.
 *
 * Wall time is for people and records; every wait and deadline is in monotonic milliseconds. Any
 * thread. */
#ifndef CF_BASE_CLOCK_H
#define CF_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct cf_clock {
    int64_t (*wall_ms)(void *self); /* since 1970-01-01 UTC */
    int64_t (*mono_ms)(void *self); /* CLOCK_BOOTTIME: goes on while the machine sleeps */
    void (*sleep_ms)(void *self, int64_t ms);
    void *self;
};

extern const struct cf_clock cf_clock_real;

int64_t cf_wall_ms(const struct cf_clock *c);
int64_t cf_mono_ms(const struct cf_clock *c);
void cf_sleep_ms(const struct cf_clock *c, int64_t ms);

enum { CF_TIME_TEXT_MAX = 32 };
/* "2026-11-21T10:00:00.123Z" into buf of CF_TIME_TEXT_MAX bytes; returns buf. */
char *cf_time_rfc3339(int64_t wall_ms, char *buf);
/* Parses RFC 3339 with any offset and up to nanoseconds; false if it is not one. */
_Bool cf_time_parse(const char *text, int64_t *out_wall_ms);

#endif
