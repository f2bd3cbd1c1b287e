/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and revisions. The plan's row is the lock under which revisions are made. */
#include "store/plans.h"

#include <stdio.h>
#include <string.h>

#include "store/private.h"

void cf_plan_row_free(struct cf_plan_row *row)
{
    free(row->name);
    free(row->text);
    free(row->media_type);
    json_decref(row->spec);
    json_decref(row->effective);
    free(row->author);
    *row = (struct cf_plan_row){ 0 };
}

void cf_plan_list_free(struct cf_plan_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        cf_plan_row_free(&list->rows[i]);
    free(list->rows);
    *list = (struct cf_plan_list){ 0 };
}

/* The current state of a plan, its row locked. */
struct current {
    bool exists, deleted;
    int revision; /* of the row, also when deleted */
    char digest[65];
};

/* Two statements: what is read after the lock was waited for must be seen by a snapshot of after
 * that. */
static bool lock_plan(struct cf_tx *tx, const char *name, struct current *out, struct cf_error *err)
{
    static const struct cf_stmt lock = { "plan_lock",
                                         "SELECT 1 FROM plan WHERE name = $1 FOR UPDATE", false };
    static const struct cf_stmt current = {
        "plan_current",
        "SELECT p.revision, p.deleted_at IS NOT NULL, v.digest FROM plan p LEFT"
        "   JOIN plan_revision v ON v.plan = p.name AND v.revision = p.revision"
        "   WHERE p.name = $1",
        false
    };
    *out = (struct current){ 0 };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_autores PGresult *locked = cf_tx_query(tx, &lock, &a, err);
    cf_autores PGresult *res = locked ? cf_tx_query(tx, &current, &a, err) : NULL;
    if (!res)
        return false;
    if (PQntuples(res) == 1) {
        struct cf_column c = cf_row(res, 0);
        out->revision = cf_col_int(&c);
        out->deleted = cf_col_bool(&c);
        out->exists = !out->deleted;
        cf_col_copy(&c, out->digest, sizeof out->digest);
    }
    return true;
}

static bool check_expect(const char *name, const struct current *now, int expect,
                         struct cf_error *err)
{
    if (expect == CF_PLAN_ANY || (expect == CF_PLAN_ABSENT && !now->exists) ||
        (expect > 0 && now->exists && expect == now->revision))
        return true;
    if (now->exists)
        cf_error_set(err, CF_ERR_CONFLICT, "plan %s is at revision %d", name, now->revision);
    else
        cf_error_set(err, CF_ERR_CONFLICT, "there is no plan %s", name);
    return cf_error_reason(err, CF_STORE_PRECONDITION);
}

/* Makes sure of the row (revision 0 is "none yet"), so that two first applies meet at its lock. */
static bool ensure_plan(struct cf_tx *tx, const char *name, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "plan_ensure",
                                         "INSERT INTO plan (name, revision, deleted_at)"
                                         "   VALUES ($1, 0, now()) ON CONFLICT (name) DO NOTHING",
                                         true };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    return res != NULL;
}

static bool insert_revision(struct cf_tx *tx, const struct cf_plan_new *plan, int revision,
                            struct cf_error *err)
{
    static const struct cf_stmt stmt = { "plan_revise",
                                         "WITH p AS (UPDATE plan SET revision = $2, created_at ="
                                         "   CASE WHEN deleted_at IS NULL THEN created_at ELSE"
                                         "   now() END, deleted_at = NULL WHERE name = $1)"
                                         " INSERT INTO plan_revision (plan, revision, text,"
                                         "   media_type, spec, effective, digest, author)"
                                         "   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                                         true };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, plan->name);
    cf_arg_int(&a, revision);
    cf_arg_text(&a, plan->text);
    cf_arg_text(&a, plan->media_type);
    cf_arg_json(&a, plan->spec);
    cf_arg_json(&a, plan->effective);
    cf_arg_text(&a, plan->digest);
    cf_arg_text(&a, plan->author);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    char subject[CF_STORE_PLAN_NAME_MAX + 8];
    snprintf(subject, sizeof subject, "plan/%s", plan->name);
    cf_autojson json_t *body = json_pack("{s:s, s:i, s:s}", "plan", plan->name, "revision",
                                         revision, "digest", plan->digest);
    return cf_tx_event(tx, "plan.applied", subject, plan->author, body, err);
}

/* Everything between BEGIN and COMMIT. */
static bool apply_in(struct cf_tx *tx, const struct cf_plan_new *plan, int expect,
                     struct cf_idem *idem, enum cf_plan_applied *out_applied, int *out_revision,
                     struct cf_error *err)
{
    struct current now;
    if (!ensure_plan(tx, plan->name, err) || !lock_plan(tx, plan->name, &now, err))
        return false;
    if (!check_expect(plan->name, &now, expect, err))
        return false;
    *out_revision = now.revision;
    *out_applied = CF_PLAN_UNCHANGED;
    if (!now.exists || strcmp(now.digest, plan->digest) != 0) {
        *out_applied = now.exists ? CF_PLAN_REVISED : CF_PLAN_CREATED;
        *out_revision = now.revision + 1;
        if (!insert_revision(tx, plan, *out_revision, err))
            return false;
    }
    char resource[CF_IDEM_RESOURCE_MAX];
    snprintf(resource, sizeof resource, "%d", *out_revision);
    return cf_tx_idem_made(tx, idem, resource, err);
}

bool cf_plan_apply(struct cf_store *store, const struct cf_plan_new *plan, int expect,
                   struct cf_idem *idem, enum cf_plan_applied *out_applied, int *out_revision,
                   struct cf_error *err)
{
    if (strlen(plan->name) > CF_STORE_PLAN_NAME_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "a plan's name has at most %d characters",
                            CF_STORE_PLAN_NAME_MAX);
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err) || !cf_tx_idem_begin(&tx, idem, err))
        return cf_error_wrap(err, "apply plan %s", plan->name);
    if (idem && idem->replayed) {
        *out_applied = CF_PLAN_UNCHANGED;
        *out_revision = (int)strtol(idem->resource, NULL, 10);
        return true;
    }
    enum cf_plan_applied applied;
    int revision;
    if (!apply_in(&tx, plan, expect, idem, &applied, &revision, err) || !cf_tx_commit(&tx, err))
        return cf_error_wrap(err, "apply plan %s", plan->name);
    *out_applied = applied;
    *out_revision = revision;
    return true;
}

/* $1: with the documents (false in lists). */
#define COLUMNS                                                                                    \
    "p.name, v.revision, p.revision, CASE WHEN $1 THEN v.text END, v.media_type, CASE WHEN $1 "    \
    "THEN v.spec END,"                                                                             \
    " CASE WHEN $1 THEN v.effective END, v.digest, v.author, wall_ms(v.created_at), "              \
    "wall_ms(p.created_at), p.runs,"                                                               \
    " p.deleted_at IS NOT NULL, p.last_run"

static bool read_row(struct cf_column *c, struct cf_plan_row *out, struct cf_error *err)
{
    out->name = cf_col_text(c);
    out->revision = cf_col_int(c);
    out->latest = cf_col_int(c);
    out->text = cf_col_text_or_null(c);
    out->media_type = cf_col_text(c);
    out->spec = cf_col_json(c);
    out->effective = cf_col_json(c);
    cf_col_copy(c, out->digest, sizeof out->digest);
    out->author = cf_col_text(c);
    out->created_ms = cf_col_int64(c);
    out->plan_created_ms = cf_col_int64(c);
    out->runs = cf_col_int(c);
    out->deleted = cf_col_bool(c);
    cf_col_copy(c, out->last_run_id, sizeof out->last_run_id);
    return cf_row_end(c, err);
}

static bool read_page(const PGresult *res, int limit, struct cf_plan_list *out,
                      struct cf_error *err)
{
    CF_CLEANUP(cf_plan_list_free) struct cf_plan_list list = { 0 };
    int n = CF_MIN(PQntuples(res), limit);
    list.more = PQntuples(res) > limit;
    list.rows = cf_xcalloc((size_t)n + 1, sizeof *list.rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        list.n++;
        if (!read_row(&c, &list.rows[i], err))
            return false;
    }
    *out = list;
    list = (struct cf_plan_list){ 0 };
    return true;
}

bool cf_plan_get(struct cf_store *store, const char *name, int revision, struct cf_plan_row *out,
                 struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "plan_get",
        "SELECT " COLUMNS " FROM plan p JOIN plan_revision v ON v.plan = p.name WHERE p.name = $2"
        " AND v.revision = CASE WHEN $3::int = 0 THEN p.revision ELSE $3 END"
        "   AND ($3 > 0 OR p.deleted_at IS NULL)",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_bool(&a, true);
    cf_arg_text(&a, name);
    cf_arg_int(&a, revision);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0) {
        if (revision > 0)
            return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no revision %d of plan %s",
                                revision, name);
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no plan %s", name);
    }
    struct cf_column c = cf_row(res, 0);
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    if (!read_row(&c, &row, err))
        return false;
    *out = row;
    row = (struct cf_plan_row){ 0 };
    return true;
}

bool cf_plan_list_page(struct cf_store *store, const char *after, const char *contains, int limit,
                       struct cf_plan_list *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "plan_list",
        "SELECT " COLUMNS
        " FROM plan p JOIN plan_revision v ON v.plan = p.name AND v.revision = p.revision"
        "   WHERE p.name > $2 AND p.deleted_at IS NULL AND ($3::text IS NULL OR strpos(p.name,"
        "   $3) > 0) ORDER BY p.name LIMIT $4",
        false
    };
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_bool(&a, false);
    cf_arg_text(&a, after ? after : "");
    cf_arg_nonempty(&a, contains);
    cf_arg_int(&a, limit + 1);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    return res && read_page(res, limit, out, err);
}

bool cf_plan_revisions(struct cf_store *store, const char *name, int before, int limit,
                       struct cf_plan_list *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "plan_revisions",
        "SELECT " COLUMNS " FROM plan p JOIN plan_revision v ON v.plan = p.name"
        " WHERE p.name = $2 AND ($3::int = 0 OR v.revision < $3) ORDER BY v.revision DESC LIMIT $4",
        false
    };
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_bool(&a, false);
    cf_arg_text(&a, name);
    cf_arg_int(&a, before);
    cf_arg_int(&a, limit + 1);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    return res && read_page(res, limit, out, err);
}

static bool refuse_while_active(struct cf_tx *tx, const char *name, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "plan_active",
                                         "SELECT plan || '/' || number FROM run WHERE plan = $1"
                                         "   AND finished_at IS NULL ORDER BY number LIMIT 1",
                                         false };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return true;
    cf_error_set(err, CF_ERR_CONFLICT, "run %s is active", PQgetvalue(res, 0, 0));
    return cf_error_reason(err, CF_STORE_IN_USE);
}

bool cf_plan_delete(struct cf_store *store, const char *name, int expect, const char *author,
                    struct cf_error *err)
{
    static const struct cf_stmt stmt = { "plan_delete",
                                         "UPDATE plan SET deleted_at = now() WHERE name = $1",
                                         true };
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    struct current now;
    if (!cf_tx_begin(store, &tx, err) || !lock_plan(&tx, name, &now, err))
        return cf_error_wrap(err, "delete plan %s", name);
    if (!now.exists)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no plan %s", name);
    if (!check_expect(name, &now, expect, err) || !refuse_while_active(&tx, name, err))
        return cf_error_wrap(err, "delete plan %s", name);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_autores PGresult *res = cf_tx_query(&tx, &stmt, &a, err);
    char subject[CF_STORE_PLAN_NAME_MAX + 8];
    snprintf(subject, sizeof subject, "plan/%s", name);
    cf_autojson json_t *body = json_pack("{s:s, s:i}", "plan", name, "revision", now.revision);
    if (!res || !cf_tx_event(&tx, "plan.deleted", subject, author, body, err) ||
        !cf_tx_commit(&tx, err))
        return cf_error_wrap(err, "delete plan %s", name);
    return true;
}
