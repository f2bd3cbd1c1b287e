/* SPDX-License-Identifier: Apache-2.0 */
/* What the modules of store/ share about the store itself. */
#ifndef CF_STORE_PRIVATE_H
#define CF_STORE_PRIVATE_H

#include <string.h>

#include "store/pool.h"
#include "store/statement.h"

struct cf_store {
    struct cf_store_config config; /* completed with defaults */
    char *conninfo;
    struct cf_pool pool;
    struct cf_pool lease;  /* one connection: the shards thread's */
    pthread_mutex_t mutex; /* guards the two below */
    char incarnation[CF_UUID_TEXT];
    int64_t incarnation_connects; /* how many connects there had been when it was read */
};

/* A reference for a tree being built, of a value that stays as it is: only the count of references
 * is touched. */
static inline json_t *cf_json_share(const json_t *j)
{
    json_t *shared;
    memcpy(&shared, &j, sizeof shared);
    return json_incref(shared);
}

/* `limit` as a caller gave it → rows of a page, 1 … CF_STORE_LIMIT_MAX. */
int cf_page_limit(int limit);

/* The event of an effect in its own transaction: subject "plan/x"; actor NULL: the service. */
bool cf_tx_event(struct cf_tx *tx, const char *kind, const char *subject, const char *actor,
                 const json_t *body, struct cf_error *err) CF_NODISCARD;

/* NOTIFY at commit (listen.h). */
bool cf_tx_notify(struct cf_tx *tx, const char *what, const char *id,
                  struct cf_error *err) CF_NODISCARD;

/* First statement of an effect with an Idempotency-Key. With idem NULL does nothing. If the key was
 * used for the same request, idem->replayed is set and idem->resource says what was made: the
 * caller ends the transaction and answers that. */
struct cf_idem;
bool cf_tx_idem_begin(struct cf_tx *tx, struct cf_idem *idem, struct cf_error *err) CF_NODISCARD;
/* Last statement before the commit: remembers what was made. */
bool cf_tx_idem_made(struct cf_tx *tx, struct cf_idem *idem, const char *resource,
                     struct cf_error *err) CF_NODISCARD;

#endif
