/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: a name, and immutable revisions 1, 2, 3 … under it.
 *
 * Applying a document whose digest equals the current revision's changes nothing. Deleting hides
 * the plan; its revisions stay for the runs that used them, and a plan applied later under the name
 * goes on counting. Events: plan.applied, plan.deleted. */
#ifndef CF_STORE_PLANS_H
#define CF_STORE_PLANS_H

#include "store/idempotency.h"
#include "store/store.h"

enum { CF_STORE_PLAN_NAME_MAX = 63 };

struct cf_plan_new {
    const char *name;
    const char *text;        /* as submitted */
    const char *media_type;  /* "application/yaml" or "application/json" */
    const json_t *spec;      /* the document decoded */
    const json_t *effective; /* with all defaults */
    const char *digest;      /* 64 hex characters, over the canonical effective form */
    const char *author;
};

/* What must hold for an apply or delete to happen, else CONFLICT with reason CF_STORE_PRECONDITION.
 */
enum { CF_PLAN_ANY = -1, CF_PLAN_ABSENT = 0 }; /* or the current revision, from 1 */

struct cf_plan_row {
    char *name;
    int revision; /* of this row */
    int latest;   /* the plan's current revision */
    char *text;   /* NULL in lists */
    char *media_type;
    json_t *spec;      /* NULL in lists */
    json_t *effective; /* NULL in lists */
    char digest[65];
    char *author;
    int64_t created_ms; /* of this revision */
    int64_t plan_created_ms;
    int runs; /* how many runs were ever started */
    bool deleted;
    char last_run_id[CF_UUID_TEXT]; /* "" if none */
};
void cf_plan_row_free(struct cf_plan_row *row); /* for CF_CLEANUP; zeroed before first use */

struct cf_plan_list {
    struct cf_plan_row *rows;
    size_t n;
    bool more;
};
void cf_plan_list_free(struct cf_plan_list *list);

enum cf_plan_applied { CF_PLAN_CREATED, CF_PLAN_REVISED, CF_PLAN_UNCHANGED };

/* `expect`: CF_PLAN_ANY, CF_PLAN_ABSENT or a revision. *out_revision is the current one afterwards.
 * idem may be NULL. */
bool cf_plan_apply(struct cf_store *store, const struct cf_plan_new *plan, int expect,
                   struct cf_idem *idem, enum cf_plan_applied *out_applied, int *out_revision,
                   struct cf_error *err) CF_NODISCARD;

/* revision 0: the current one (NOT_FOUND if deleted). Another: also of a deleted plan. */
bool cf_plan_get(struct cf_store *store, const char *name, int revision, struct cf_plan_row *out,
                 struct cf_error *err) CF_NODISCARD;

/* By name, ascending, greater than `after` ("" for the first page). `contains` filters names, NULL
 * for all. */
bool cf_plan_list_page(struct cf_store *store, const char *after, const char *contains, int limit,
                       struct cf_plan_list *out, struct cf_error *err) CF_NODISCARD;
/* Revisions of one plan, newest first, below `before` (0: from the newest). */
bool cf_plan_revisions(struct cf_store *store, const char *name, int before, int limit,
                       struct cf_plan_list *out, struct cf_error *err) CF_NODISCARD;

/* CONFLICT/IN_USE names the run while one is active. `expect` as above (ABSENT is never met). */
bool cf_plan_delete(struct cf_store *store, const char *name, int expect, const char *author,
                    struct cf_error *err) CF_NODISCARD;

#endif
