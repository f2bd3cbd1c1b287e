/* SPDX-License-Identifier: Apache-2.0 */
/* Preflights asked for over the API: jobs for the engine's workers, with their results.
 *
 * A job belongs to no shard: any worker claims it under a lease; a job whose worker died is claimed
 * again. */
#ifndef CF_STORE_PREFLIGHTS_H
#define CF_STORE_PREFLIGHTS_H

#include "store/idempotency.h"
#include "store/store.h"

#define CF_PREFLIGHT_QUEUED  "queued"
#define CF_PREFLIGHT_RUNNING "running"
#define CF_PREFLIGHT_DONE    "done"
#define CF_PREFLIGHT_FAILED  "failed"

struct cf_preflight_row {
    char id[CF_UUID_TEXT];
    char *plan; /* "" for a document that is not stored */
    int revision;
    json_t *effective; /* NULL in lists */
    char *state;       /* CF_PREFLIGHT_… */
    json_t *result;    /* NULL until done */
    char *message;     /* of a failure */
    char *author;
    int attempt;
    int64_t created_ms, started_ms, finished_ms;
};
void cf_preflight_row_free(struct cf_preflight_row *row);
struct cf_preflight_list {
    struct cf_preflight_row *rows;
    size_t n;
    bool more;
};
void cf_preflight_list_free(struct cf_preflight_list *list);

struct cf_preflight_new {
    const char *plan; /* NULL: not stored */
    int revision;
    const json_t *effective;
    const char *author;
};
/* Notifies the replicas (listen.h). */
bool cf_preflight_add(struct cf_store *store, const struct cf_preflight_new *job,
                      struct cf_idem *idem, char out_id[CF_UUID_TEXT],
                      struct cf_error *err) CF_NODISCARD;
/* The oldest job that waits or whose lease ran out. *out_found is false if there is none (out
 * untouched). */
bool cf_preflight_claim(struct cf_store *store, const char *owner, int64_t lease_ms,
                        bool *out_found, struct cf_preflight_row *out,
                        struct cf_error *err) CF_NODISCARD;
/* result NULL: failed, with message. A job that has meanwhile been given to somebody else (attempt
 * differs) is FENCED. */
bool cf_preflight_finish(struct cf_store *store, const char *id, int attempt, const json_t *result,
                         const char *message, struct cf_error *err) CF_NODISCARD;
bool cf_preflight_get(struct cf_store *store, const char *id, struct cf_preflight_row *out,
                      struct cf_error *err) CF_NODISCARD;
/* Newest first; `after` is the last id of the page before, or NULL; plan NULL: of all. */
bool cf_preflight_list_page(struct cf_store *store, const char *plan, const char *after, int limit,
                            struct cf_preflight_list *out, struct cf_error *err) CF_NODISCARD;

#endif
