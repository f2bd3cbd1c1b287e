/* SPDX-License-Identifier: Apache-2.0 */
/* Reading runs: one, whole, in pages, and the heads that the owner's queue lives on. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "store/private.h"
#include "store/run_rows.h"

bool cf_run_find(struct cf_store *store, const char *ref, char out_id[CF_UUID_TEXT],
                 struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "run_find",
        "SELECT id FROM run WHERE id = $1 OR (plan = $2 AND ($3::int = 0 OR number = $3))"
        "   ORDER BY number DESC LIMIT 1",
        false
    };
    cf_autofree char *plan = NULL;
    const char *slash = strrchr(ref, '/'), *at = strrchr(ref, '@');
    int64_t number = 0;
    bool is_id = cf_uuid_valid(ref);
    if (!is_id && slash && cf_int_parse(slash + 1, 1, INT_MAX, &number, err))
        plan = cf_xstrndup(ref, (size_t)(slash - ref));
    else if (!is_id && !slash && at && strcmp(at + 1, "latest") == 0)
        plan = cf_xstrndup(ref, (size_t)(at - ref));
    cf_error_clear(err);
    if (!is_id && (!plan || !*plan))
        return cf_error_set(err, CF_ERR_INVALID,
                            "\"%.100s\" is no run: PLAN/3, PLAN@latest or an id", ref);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, is_id ? ref : NULL);
    cf_arg_text(&a, plan);
    cf_arg_int(&a, number);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no run %s", ref);
    struct cf_column c = cf_row(res, 0);
    cf_col_copy(&c, out_id, CF_UUID_TEXT);
    return true;
}

bool cf_run_get(struct cf_store *store, const char *id, struct cf_run_row *out,
                struct cf_error *err)
{
    static const struct cf_stmt stmt = { "run_get",
                                         "SELECT " CF_RUN_COLUMNS " FROM run r WHERE r.id = $1",
                                         false };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no run %s", id);
    struct cf_column c = cf_row(res, 0);
    CF_CLEANUP(cf_run_row_free) struct cf_run_row row = { 0 };
    if (!cf_run_row_read(&c, &row, err))
        return false;
    *out = row;
    row = (struct cf_run_row){ 0 };
    return true;
}

/* ---- whole ---- */

static bool load_row(struct cf_tx *tx, const struct cf_args *a, const char *id, struct cf_run *run,
                     struct cf_error *err)
{
    static const struct cf_stmt stmt = { "run_load",
                                         "SELECT v.effective, " CF_RUN_COLUMNS
                                         " FROM run r JOIN plan_revision v ON v.plan = r.plan"
                                         "   AND v.revision = r.revision WHERE r.id = $1",
                                         false };
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no run %s", id);
    struct cf_column c = cf_row(res, 0);
    run->effective = cf_col_json(&c);
    return cf_run_row_read(&c, &run->row, err);
}

static bool load_steps(struct cf_tx *tx, const struct cf_args *a, struct cf_run *run,
                       struct cf_error *err)
{
    static const struct cf_stmt stmt = { "run_steps",
                                         "SELECT " CF_STEP_COLUMNS
                                         " FROM run_step s WHERE s.run_id = $1 ORDER BY s.no",
                                         false };
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, a, err);
    if (!res)
        return false;
    int n = PQntuples(res);
    run->steps = cf_xcalloc((size_t)n + 1, sizeof *run->steps);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        run->n_steps++;
        if (!cf_step_row_read(&c, &run->steps[i], err))
            return false;
    }
    return true;
}

static bool load_routers(struct cf_tx *tx, const struct cf_args *a, struct cf_run *run,
                         struct cf_error *err)
{
    static const struct cf_stmt stmt = { "run_routers",
                                         "SELECT " CF_ROUTER_COLUMNS
                                         " FROM run_router t WHERE t.run_id = $1 ORDER BY t.idx",
                                         false };
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, a, err);
    if (!res)
        return false;
    int n = PQntuples(res);
    run->routers = cf_xcalloc((size_t)n + 1, sizeof *run->routers);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        run->n_routers++;
        if (!cf_router_row_read(&c, &run->routers[i], err))
            return false;
    }
    return true;
}

static bool load_actions(struct cf_tx *tx, const struct cf_args *a, struct cf_run *run,
                         struct cf_error *err)
{
    static const struct cf_stmt stmt = { "run_actions",
                                         "SELECT " CF_ACTION_COLUMNS
                                         " FROM action a JOIN run r ON r.id = a.run_id"
                                         "   WHERE a.run_id = $1 AND a.state = 'open'"
                                         "   ORDER BY a.id",
                                         false };
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, a, err);
    if (!res)
        return false;
    int n = PQntuples(res);
    run->actions = cf_xcalloc((size_t)n + 1, sizeof *run->actions);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        run->n_actions++;
        if (!cf_action_row_read(&c, &run->actions[i], err))
            return false;
    }
    return true;
}

bool cf_run_load(struct cf_store *store, const char *id, struct cf_run *out, struct cf_error *err)
{
    CF_CLEANUP(cf_run_free) struct cf_run run = { 0 };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    /* One snapshot for all: a step must not be newer than the row whose rev guards it. */
    if (!cf_tx_begin_snapshot(store, &tx, err) || !load_row(&tx, &a, id, &run, err) ||
        !load_steps(&tx, &a, &run, err) || !load_routers(&tx, &a, &run, err) ||
        !load_actions(&tx, &a, &run, err))
        return cf_error_wrap(err, "load run %s", id);
    *out = run;
    run = (struct cf_run){ 0 };
    return true;
}

/* Most entries have their kind, namespace and past in common with the one before: shared, they are
 * in memory once. */
static void share(json_t *entry, const json_t *last, const char *const *members)
{
    for (; *members; members++) {
        json_t *before = json_object_get(last, *members);
        if (before && json_is_string(before) &&
            json_equal(before, json_object_get(entry, *members)))
            json_object_set(entry, *members, before);
    }
}

static void share_texts(json_t *entry, const json_t *last)
{
    static const char *const of_entry[] = { "how", NULL };
    static const char *const of_ref[] = { "group", "version", "kind", "namespace", NULL };
    share(entry, last, of_entry);
    share(json_object_get(entry, "ref"), json_object_get(last, "ref"), of_ref);
}

bool cf_run_copies(struct cf_store *store, const char *id, json_t **out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "run_copies", "SELECT c.entry FROM run_copy c WHERE c.run_id = $1 ORDER BY c.no", false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return cf_error_wrap(err, "copies of run %s", id);
    json_t *entries = json_array();
    for (int i = 0; i < PQntuples(res); i++) {
        struct cf_column c = cf_row(res, i);
        json_t *entry = cf_col_json(&c);
        share_texts(entry, i > 0 ? json_array_get(entries, (size_t)i - 1) : NULL);
        json_array_append_new(entries, entry);
    }
    *out = entries;
    return true;
}

/* ---- pages and heads ---- */

static void states_arg(struct cf_args *a, const char *const *states)
{
    size_t n = 0;
    while (states && states[n])
        n++;
    if (n)
        cf_arg_texts(a, states, n);
    else
        cf_arg_text(a, NULL);
}

static void label_arg(struct cf_args *a, const struct cf_run_filter *filter)
{
    cf_autojson json_t *label =
        filter->label_key
            ? json_pack("{s:s}", filter->label_key, filter->label_value ? filter->label_value : "")
            : NULL;
    cf_arg_json(a, label);
}

bool cf_run_list_page(struct cf_store *store, const struct cf_run_filter *filter, int limit,
                      struct cf_run_list *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "run_list",
        "SELECT " CF_RUN_COLUMNS
        " FROM run r WHERE ($1::uuid IS NULL OR r.id < $1) AND ($2::text IS NULL OR r.plan = $2)"
        "   AND ($3::text IS NULL OR r.source = $3 OR r.target = $3)"
        "   AND ($4::text IS NULL OR r.source = $4) AND ($5::text IS NULL OR r.target = $5)"
        "   AND ($6::text[] IS NULL OR r.state = ANY ($6))"
        "   AND ($7::jsonb IS NULL OR r.labels @> $7) AND (NOT $8::boolean OR r.finished_at IS"
        "   NULL) ORDER BY r.id DESC LIMIT $9",
        false
    };
    static const struct cf_run_filter all;
    if (!filter)
        filter = &all;
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_nonempty(&a, filter->after);
    cf_arg_nonempty(&a, filter->plan);
    cf_arg_nonempty(&a, filter->cluster);
    cf_arg_nonempty(&a, filter->source);
    cf_arg_nonempty(&a, filter->target);
    states_arg(&a, filter->states);
    label_arg(&a, filter);
    cf_arg_bool(&a, filter->active);
    cf_arg_int(&a, limit + 1);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_run_list_free) struct cf_run_list list = { .more = PQntuples(res) > limit };
    int n = CF_MIN(PQntuples(res), limit);
    list.rows = cf_xcalloc((size_t)n + 1, sizeof *list.rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        list.n++;
        if (!cf_run_row_read(&c, &list.rows[i], err))
            return false;
    }
    *out = list;
    list = (struct cf_run_list){ 0 };
    return true;
}

bool cf_run_heads(struct cf_store *store, const int *shards, size_t n_shards,
                  struct cf_run_head **out_heads, size_t *out_n, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "run_heads",
        "SELECT r.id, r.shard, r.rev, (extract(epoch"
        "   FROM r.wake_at - clock_timestamp()) * 1000)::bigint, (SELECT count(*) FROM action a"
        "   WHERE a.run_id = r.id AND a.state = 'open') FROM run r WHERE r.finished_at IS NULL"
        "   AND r.shard = ANY ($1::smallint[]) ORDER BY r.id",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_ints(&a, shards, n_shards);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    int n = PQntuples(res);
    struct cf_run_head *heads = cf_xcalloc((size_t)n + 1, sizeof *heads);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        cf_col_copy(&c, heads[i].id, sizeof heads[i].id);
        heads[i].shard = cf_col_int(&c);
        heads[i].rev = cf_col_int64(&c);
        bool never = cf_col_is_null(&c);
        heads[i].wake_in_ms = cf_col_int64(&c);
        if (never)
            heads[i].wake_in_ms = CF_WAKE_NONE;
        heads[i].open_actions = cf_col_int(&c);
    }
    *out_heads = heads;
    *out_n = (size_t)n;
    return true;
}
