/* SPDX-License-Identifier: Apache-2.0 */
/* Creating a run: number, claims, steps, routers and first events in one transaction. */
#include <stdio.h>
#include <string.h>

#include "store/private.h"
#include "store/runs.h"
#include "store/shards.h"

static bool check_sizes(const struct cf_run_new *run, struct cf_error *err)
{
    if (run->n_steps > CF_RUN_STEPS_MAX || run->n_routers > CF_RUN_ROUTERS_MAX ||
        run->n_claims > CF_RUN_CLAIMS_MAX)
        return cf_error_set(err, CF_ERR_LIMIT,
                            "a run has at most %d steps, %d routers and %d claims",
                            CF_RUN_STEPS_MAX, CF_RUN_ROUTERS_MAX, CF_RUN_CLAIMS_MAX);
    if (run->n_events >= CF_EVENTS_PER_RECORD)
        return cf_error_set(err, CF_ERR_LIMIT, "a run is created with at most %d events",
                            CF_EVENTS_PER_RECORD - 1);
    return true;
}

static int by_kind_and_key(const void *a, const void *b)
{
    const struct cf_claim *x = *(const struct cf_claim *const *)a;
    const struct cf_claim *y = *(const struct cf_claim *const *)b;
    int kind = strcmp(x->kind, y->kind);
    return kind ? kind : strcmp(x->key, y->key);
}

/* Sorted, so that two creations wait for each other instead of deadlocking. */
static json_t *claims_json(const struct cf_claim *claims, size_t n)
{
    cf_autofree const struct cf_claim **sorted = cf_xcalloc(n + 1, sizeof(void *));
    for (size_t i = 0; i < n; i++)
        sorted[i] = &claims[i];
    qsort((void *)sorted, n, sizeof(void *), by_kind_and_key);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_pack("{s:s, s:s, s:s}", "kind", sorted[i]->kind, "key",
                                             sorted[i]->key, "text", sorted[i]->text));
    return out;
}

static json_t *object_or_empty(const json_t *j)
{
    return j ? cf_json_share(j) : json_object();
}

static json_t *steps_json(const struct cf_run_new *run)
{
    json_t *out = json_array();
    for (size_t i = 0; i < run->n_steps; i++)
        json_array_append_new(out, json_pack("{s:i, s:s, s:s, s:o}", "no", (int)i, "kind",
                                             run->steps[i].kind, "name", run->steps[i].name,
                                             "params", object_or_empty(run->steps[i].params)));
    return out;
}

static json_t *routers_json(const struct cf_run_new *run)
{
    json_t *out = json_array();
    for (size_t i = 0; i < run->n_routers; i++) {
        const struct cf_router_new *t = &run->routers[i];
        json_array_append_new(out, json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "idx",
                                             (int)i, "name", t->name, "type", t->type, "cluster",
                                             t->cluster, "ns", t->ns, "object", t->object, "route",
                                             t->route ? t->route : "", "target",
                                             object_or_empty(t->target)));
    }
    return out;
}

static json_t *events_json(const struct cf_run_new *run, int number)
{
    json_t *out = json_array();
    json_t *first = json_pack("{s:s, s:i, s:i, s:s, s:s, s:s}", "plan", run->plan, "number", number,
                              "revision", run->revision, "source", run->source, "target",
                              run->target, "reason", run->reason ? run->reason : "");
    json_array_append_new(out, json_pack("{s:i, s:s, s:i, s:s, s:o}", "i", 0, "kind", "run.created",
                                         "step", -1, "actor", run->started_by, "body", first));
    for (size_t i = 0; i < run->n_events; i++) {
        const struct cf_event_new *e = &run->events[i];
        json_array_append_new(out,
                              json_pack("{s:i, s:s, s:i, s:s, s:o}", "i", (int)i + 1, "kind",
                                        e->kind, "step", e->step, "actor", e->actor ? e->actor : "",
                                        "body", object_or_empty(e->body)));
    }
    return out;
}

/* The plan's row is the lock under which numbers are given. */
static bool take_number(struct cf_tx *tx, const struct cf_run_new *run, const char *id,
                        int *out_number, char digest[65], struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "run_number",
        "UPDATE plan p SET runs = p.runs + 1, last_run = $3 FROM plan_revision v"
        "   WHERE p.name = $1 AND p.deleted_at IS NULL AND v.plan = p.name AND v.revision = $2"
        "   RETURNING p.runs, v.digest",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, run->plan);
    cf_arg_int(&a, run->revision);
    cf_arg_text(&a, id);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no revision %d of plan %s",
                            run->revision, run->plan);
    struct cf_column c = cf_row(res, 0);
    *out_number = cf_col_int(&c);
    cf_col_copy(&c, digest, 65);
    return true;
}

static bool insert_run(struct cf_tx *tx, const struct cf_run_new *run, const char *id, int number,
                       const char *digest, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "run_insert",
                                         "INSERT INTO run (id, plan, number, revision, digest,"
                                         "   shard, source, target, started_by, start_reason,"
                                         "   labels, state, phase, memo, warnings)"
                                         "   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
                                         "   $11, $12, $13, $14, $15)",
                                         true };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_arg_text(&a, run->plan);
    cf_arg_int(&a, number);
    cf_arg_int(&a, run->revision);
    cf_arg_text(&a, digest);
    cf_arg_int(&a, cf_shard_of(id));
    cf_arg_text(&a, run->source);
    cf_arg_text(&a, run->target);
    cf_arg_text(&a, run->started_by);
    cf_arg_text(&a, run->reason ? run->reason : "");
    cf_arg_json_or(&a, run->labels, "{}");
    cf_arg_text(&a, run->state);
    cf_arg_text(&a, run->phase);
    cf_arg_json_or(&a, run->memo, "{}");
    cf_arg_json_or(&a, run->warnings, "[]");
    if (strlen(a.value[10]) > CF_LABEL_BYTES_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "a run's labels have at most %d bytes",
                            CF_LABEL_BYTES_MAX);
    if (strlen(a.value[13]) > CF_MEMO_BYTES_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "a run's memo has at most %d bytes",
                            CF_MEMO_BYTES_MAX);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    return res != NULL;
}

static bool insert_parts(struct cf_tx *tx, const struct cf_run_new *run, const char *id, int number,
                         struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "run_parts",
        "WITH s AS (INSERT INTO run_step (run_id, no, kind, name, params)"
        "   SELECT $1, x.no, x.kind, x.name, x.params FROM json_to_recordset($2) AS x(no int,"
        "   kind text, name text, params json)),"
        " t AS (INSERT INTO run_router (run_id, idx, name, type, cluster, ns, object, route,"
        "   target) SELECT $1, x.idx, x.name, x.type, x.cluster, x.ns, x.object, x.route,"
        "   x.target FROM json_to_recordset($3) AS x(idx int, name text, type text,"
        "   cluster text, ns text, object text, route text, target json)),"
        " e AS (INSERT INTO event (id, run_id, seq, subject, kind, actor, step, body)"
        "   SELECT (pg_current_xact_id()::text::bigint + m.event_base) * 4096 + $6::int + x.i,"
        "   $1, x.i + 1, $5, x.kind, x.actor, x.step, x.body"
        "   FROM meta m, json_to_recordset($4) AS x(i int, kind text, actor text, step int,"
        "   body json) RETURNING id, seq)"
        " UPDATE run SET seq = (SELECT max(seq) FROM e), last_event = (SELECT max(id) FROM e)"
        "   WHERE id = $1",
        true
    };
    cf_autojson json_t *steps = steps_json(run);
    cf_autojson json_t *routers = routers_json(run);
    cf_autojson json_t *events = events_json(run, number);
    cf_autofree char *subject = cf_xasprintf("run/%s/%d", run->plan, number);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_arg_json(&a, steps);
    cf_arg_json(&a, routers);
    cf_arg_json(&a, events);
    cf_arg_text(&a, subject);
    cf_arg_int(&a, tx->events);
    tx->events += (int)run->n_events + 1;
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    return res != NULL;
}

/* Names the first claim that somebody else holds. */
static bool refuse_claimed(struct cf_tx *tx, const struct cf_args *args, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "claim_holder",
        "SELECT x.text, r.plan || '/' || r.number, c.text"
        "   FROM json_to_recordset($2) AS x(kind text, key text, text text)"
        "   JOIN claim c ON c.kind = x.kind AND c.key = x.key JOIN run r ON r.id = c.run_id"
        "   WHERE c.run_id <> $1 LIMIT 1",
        false
    };
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, args, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_TRANSIENT, "a claim was given back just now");
    struct cf_column c = cf_row(res, 0);
    const char *text = cf_col_borrow(&c);
    const char *holder = cf_col_borrow(&c);
    cf_error_set(err, CF_ERR_CONFLICT, "%s is held by run %s", text, holder);
    cf_error_field(err, text);
    return cf_error_reason(err, CF_STORE_CLAIMED);
}

static bool take_claims(struct cf_tx *tx, const struct cf_run_new *run, const char *id,
                        struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "claim_take",
        "INSERT INTO claim (kind, key, text, run_id) SELECT x.kind, x.key, x.text, $1"
        "   FROM json_to_recordset($2) AS x(kind text, key text, text text)"
        "   ON CONFLICT DO NOTHING",
        true
    };
    cf_autojson json_t *claims = claims_json(run->claims, run->n_claims);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_arg_json(&a, claims);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    if (strtoul(PQcmdTuples(res), NULL, 10) == run->n_claims)
        return true;
    return refuse_claimed(tx, &a, err);
}

static bool replayed_run(struct cf_store *store, const char *id, int *out_number,
                         struct cf_error *err)
{
    CF_CLEANUP(cf_run_row_free) struct cf_run_row row = { 0 };
    if (!cf_run_get(store, id, &row, err))
        return false;
    *out_number = row.number;
    return true;
}

bool cf_run_create(struct cf_store *store, const struct cf_run_new *run, struct cf_idem *idem,
                   char out_id[CF_UUID_TEXT], int *out_number, struct cf_error *err)
{
    char id[CF_UUID_TEXT], digest[65];
    int number = 0;
    if (!check_sizes(run, err))
        return false;
    cf_uuid_v7(id);
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err) || !cf_tx_idem_begin(&tx, idem, err))
        return cf_error_wrap(err, "start a run of %s", run->plan);
    if (idem && idem->replayed) {
        cf_tx_end(&tx);
        if (!replayed_run(store, idem->resource, out_number, err))
            return false;
        memcpy(out_id, idem->resource, CF_UUID_TEXT);
        return true;
    }
    if (!take_number(&tx, run, id, &number, digest, err) ||
        !insert_run(&tx, run, id, number, digest, err) || !take_claims(&tx, run, id, err) ||
        !insert_parts(&tx, run, id, number, err) || !cf_tx_idem_made(&tx, idem, id, err) ||
        !cf_tx_notify(&tx, "run", id, err) || !cf_tx_commit(&tx, err))
        return cf_error_wrap(err, "start a run of %s", run->plan);
    memcpy(out_id, id, CF_UUID_TEXT);
    *out_number = number;
    return true;
}
