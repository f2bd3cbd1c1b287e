/* SPDX-License-Identifier: Apache-2.0 */
/* Actions: what people and programs ask of a run. The API inserts a row; the run's owner carries it
 * out and answers it in a record (runs.h).
 *
 * Inserting moves the run's `rev`, so that a record decided without having seen the action is
 * STALE. Ids grow. */
#ifndef CF_STORE_ACTIONS_H
#define CF_STORE_ACTIONS_H

#include "store/idempotency.h"
#include "store/store.h"

#define CF_ACTION_OPEN    "open"
#define CF_ACTION_DONE    "done"
#define CF_ACTION_REFUSED "refused"

struct cf_action_new {
    const char *run_id;
    const char *action; /* "pause", "resume", "advance", "rollback", "commit" … : the engine's table
                           knows */
    const char *reason;
    const char *principal;
    const json_t *expect; /* may be NULL */
    const json_t *args;   /* may be NULL */
};

struct cf_action_row {
    int64_t id;
    char run_id[CF_UUID_TEXT];
    char *run_name; /* "PLAN/3" */
    char *action, *reason, *principal;
    char *state;           /* CF_ACTION_… */
    char *message;         /* the owner's answer, "" while open */
    json_t *expect, *args; /* NULL if none */
    int64_t created_ms, answered_ms;
};
void cf_action_row_free(struct cf_action_row *row);
struct cf_action_list {
    struct cf_action_row *rows;
    size_t n;
    bool more;
};
void cf_action_list_free(struct cf_action_list *list);

/* CONFLICT/RUN_ENDED if the run is in a terminal state, NOT_FOUND if it is not there. Notifies the
 * owner (listen.h). */
bool cf_action_add(struct cf_store *store, const struct cf_action_new *action, struct cf_idem *idem,
                   int64_t *out_id, struct cf_error *err) CF_NODISCARD;
bool cf_action_get(struct cf_store *store, int64_t id, struct cf_action_row *out,
                   struct cf_error *err) CF_NODISCARD;
/* Newest first, below `before` (0: from the newest); run_id NULL: of all runs. */
bool cf_action_list_page(struct cf_store *store, const char *run_id, int64_t before, int limit,
                         struct cf_action_list *out, struct cf_error *err) CF_NODISCARD;

#endif
