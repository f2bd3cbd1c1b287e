/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding and the parts of a URL that we need. Any thread. */
#ifndef CF_BASE_URL_H
#define CF_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends `s` with everything but unreserved characters encoded: one path segment or query
 * value. */
void cf_url_escape(struct cf_buf *b, const char *s);
/* Decodes in place; '+' is a space only in queries. INVALID on a broken escape or an encoded
 * NUL. */
bool cf_url_unescape(char *s, bool is_query, struct cf_error *err) CF_NODISCARD;

/* Whether `text` is an http:// or https:// URL with a host and neither user info nor fragment. */
bool cf_url_check(const char *text, bool https_only, struct cf_error *err) CF_NODISCARD;

#endif
