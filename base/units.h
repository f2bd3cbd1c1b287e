/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities with units as people write them: durations, percentages, byte sizes.
 *
 * Bare numbers are refused for durations and percentages: "5" says nothing. Any thread. */
#ifndef CF_BASE_UNITS_H
#define CF_BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { CF_UNIT_TEXT_MAX = 48 };

/* "250ms", "5s", "1h30m", "14d": units d h m s ms, largest first, each at most once. At most ten
 * years. */
bool cf_duration_parse(const char *text, int64_t *out_ms, struct cf_error *err) CF_NODISCARD;
/* Shortest exact form ("1h30m", "0s") into buf of CF_UNIT_TEXT_MAX bytes; returns buf. */
char *cf_duration_format(int64_t ms, char *buf);
/* "about 3 minutes" precision for people: "3m", "2h5m", "14s". */
char *cf_duration_brief(int64_t ms, char *buf);

/* "99.5%" → 0.995. 0% to 100%, at most six decimals. */
bool cf_percent_parse(const char *text, double *out_ratio, struct cf_error *err) CF_NODISCARD;
char *cf_percent_format(double ratio, char *buf); /* 0.995 → "99.5%" */

/* "512", "64Ki", "10Mi", "1Gi" → bytes. */
bool cf_bytes_parse(const char *text, int64_t *out_bytes, struct cf_error *err) CF_NODISCARD;

/* A decimal integer without sign tricks or white space, in [min, max]. */
bool cf_int_parse(const char *text, int64_t min, int64_t max, int64_t *out,
                  struct cf_error *err) CF_NODISCARD;

#endif
