/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: the same request sent twice has one effect.
 *
 * The row (principal, route, key → digest of the request, resource made) is written in the effect's
 * own transaction, by the functions that take a `struct cf_idem *` (NULL: the client sent no key).
 * A second request with the same digest changes nothing and gets the resource of the first:
 * `replayed` is true and the function's outputs describe that resource as it is now. Another
 * digest: INVALID with reason CF_STORE_IDEMPOTENCY. A second request while the first is under way
 * waits for it. Rows live a day. */
#ifndef CF_STORE_IDEMPOTENCY_H
#define CF_STORE_IDEMPOTENCY_H

#include <stdbool.h>

#include "base/error.h"

struct cf_store;

enum { CF_IDEM_KEY_MAX = 255, CF_IDEM_RESOURCE_MAX = 256 };

struct cf_idem {
    const char *principal;               /* who asks: token id */
    const char *route;                   /* "POST /api/v1/plans/{name}/runs" */
    const char *key;                     /* at most CF_IDEM_KEY_MAX characters, else INVALID */
    const char *request_sha256;          /* hex; over method, path and body */
    bool replayed;                       /* out */
    char resource[CF_IDEM_RESOURCE_MAX]; /* out: run id, "plan@revision", action id … */
};

/* Looks whether the key was used before, without taking it: `replayed` and `resource` are set then.
 * For checks that must not stand between a repeated request and its first answer.
 * INVALID/IDEMPOTENCY_MISMATCH as above. */
bool cf_idem_find(struct cf_store *store, struct cf_idem *idem, struct cf_error *err) CF_NODISCARD;

#endif
