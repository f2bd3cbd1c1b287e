/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (OpenSSL), hex and base64, in the forms we store and show. Any thread. */
#ifndef CF_BASE_DIGEST_H
#define CF_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { CF_SHA256_BYTES = 32, CF_SHA256_HEX = 65 };

void cf_sha256(const void *data, size_t len, unsigned char out[CF_SHA256_BYTES]);
/* 64 lower-case hex characters and NUL; returns buf. */
char *cf_sha256_hex(const void *data, size_t len, char buf[CF_SHA256_HEX]);

/* Two lower-case characters a byte and NUL into buf of 2 * len + 1 bytes; returns buf. */
char *cf_hex(const void *data, size_t len, char *buf);

/* Standard alphabet with padding; caller frees. */
char *cf_base64_encode(const void *data, size_t len) CF_NODISCARD;
/* The URL-safe alphabet without padding (RFC 4648 section 5), for tokens; caller frees. */
char *cf_base64url_encode(const void *data, size_t len) CF_NODISCARD;
/* Standard alphabet; white space is skipped, padding is needed. *out is NUL-terminated beyond
 * *out_len; caller frees. INVALID otherwise. */
bool cf_base64_decode(const char *text, size_t len, unsigned char **out, size_t *out_len,
                      struct cf_error *err) CF_NODISCARD;

/* Equal without telling by time where they differ. */
bool cf_equal_constant_time(const void *a, const void *b, size_t len);

#endif
