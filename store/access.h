/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens: who may call the API. Only the SHA-256 of a token is kept; its text and its form
 * are the API's.
 *
 * Events: token.created, token.revoked. Revoked and expired tokens are never found again. */
#ifndef CF_STORE_ACCESS_H
#define CF_STORE_ACCESS_H

#include "base/digest.h"
#include "store/idempotency.h"
#include "store/store.h"

enum { CF_TOKEN_ID_TEXT = 9 }; /* 8 hex characters */

struct cf_token_new {
    char id[CF_TOKEN_ID_TEXT];
    unsigned char sha256[CF_SHA256_BYTES]; /* of the whole token text */
    const char *name, *role, *created_by;
    int64_t expires_in_ms; /* 0: never */
};
struct cf_token_row {
    char id[CF_TOKEN_ID_TEXT];
    char *name, *role, *created_by;
    int64_t created_ms, expires_ms, last_used_ms, revoked_ms;
};
void cf_token_row_free(struct cf_token_row *row);
struct cf_token_list {
    struct cf_token_row *rows;
    size_t n;
    bool more;
};
void cf_token_list_free(struct cf_token_list *list);

/* CONFLICT/EXISTS if the id is taken (draw another). When idem was replayed nothing is added, and
 * idem->resource is the id of the first request's token; its text is nowhere. */
bool cf_token_add(struct cf_store *store, const struct cf_token_new *token, struct cf_idem *idem,
                  struct cf_error *err) CF_NODISCARD;
/* The same, but only while no token was ever made, however many try at once: else CONFLICT/EXISTS.
 */
bool cf_token_bootstrap(struct cf_store *store, const struct cf_token_new *token,
                        struct cf_error *err) CF_NODISCARD;
/* The valid token with this hash: DENIED if there is none, if it was revoked or has expired (all
 * alike). Notes its use, at most once a minute. */
bool cf_token_authenticate(struct cf_store *store, const unsigned char sha256[CF_SHA256_BYTES],
                           struct cf_token_row *out, struct cf_error *err) CF_NODISCARD;
/* Revoked and expired ones too. NOT_FOUND. */
bool cf_token_get(struct cf_store *store, const char *id, struct cf_token_row *out,
                  struct cf_error *err) CF_NODISCARD;
/* By id, ascending, after `after` ("": first page); revoked ones too. */
bool cf_token_list_page(struct cf_store *store, const char *after, int limit,
                        struct cf_token_list *out, struct cf_error *err) CF_NODISCARD;
/* Idempotent for a token that exists. */
bool cf_token_revoke(struct cf_store *store, const char *id, const char *author,
                     struct cf_error *err) CF_NODISCARD;

#endif
