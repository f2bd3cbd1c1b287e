/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an access token: cf_<8 hex id>_<43 base64url>_<6 hex check>.
 *
 * The id is public (lists, events); the middle is 256 random bits, so that a plain SHA-256 may be
 * stored; the check lets secret scanners and typing errors be told from tokens without a database.
 * Any thread. */
#ifndef CF_API_TOKEN_H
#define CF_API_TOKEN_H

#include "base/error.h"
#include "base/secret.h"
#include "store/access.h"

enum { CF_TOKEN_TEXT_LEN = 3 + 8 + 1 + 43 + 1 + 6 };

/* Draws a token; fills id and hash of `row` and returns the text, which is shown once. Caller
 * frees. */
struct cf_secret *cf_token_draw(struct cf_token_new *row) CF_NODISCARD;

/* Whether the text has the form and the check of a token; then its hash. */
bool cf_token_parse(const char *text, unsigned char sha256[CF_SHA256_BYTES]) CF_NODISCARD;

#endif
