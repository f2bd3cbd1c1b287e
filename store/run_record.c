/* SPDX-License-Identifier: Apache-2.0 */
/* The record: one fenced statement that changes a run and says why. */
#include <math.h>
#include <string.h>

#include "store/private.h"
#include "store/runs.h"

/* $1 shard, $2 owner, $3 epoch, $4 run, $5 expected rev; $6 the run's update, $7 steps, $8 routers,
 * $9 answers, $10 events (JSON); $11 number of events; $12 copies (JSON). `f` is the fence, `m` the run's row if fence
 * and rev hold; everything else hangs on `m`. A part that names a row which is not there refuses
 * the whole statement. */
static const struct cf_stmt record_stmt = {
    "run_record",
    "WITH f AS MATERIALIZED ("
    "   SELECT 1 FROM shard WHERE id = $1 AND owner = $2 AND epoch = $3 FOR SHARE),"
    " u AS MATERIALIZED (SELECT * FROM json_to_record($6) AS x("
    "   state text, phase text, message text, step int, desired smallint, applied smallint,"
    "   observed double precision, hold json, no_hold boolean, wake_ms bigint, no_wake boolean,"
    "   progress json, no_progress boolean, memo json, warnings json, committed boolean,"
    "   finished boolean, release boolean)),"
    " m AS (UPDATE run r SET rev = r.rev + 1, seq = r.seq + $11::int,"
    "     last_event = (pg_current_xact_id()::text::bigint + t.event_base) * 4096 + $11::int - 1,"
    "     state = coalesce(u.state, r.state), phase = coalesce(u.phase, r.phase),"
    "     message = coalesce(u.message, r.message), step = coalesce(u.step, r.step),"
    "     weight_desired = coalesce(u.desired, r.weight_desired),"
    "     weight_applied = coalesce(u.applied, r.weight_applied),"
    "     weight_observed = coalesce(u.observed, r.weight_observed),"
    "     hold = CASE WHEN u.no_hold THEN NULL ELSE coalesce(u.hold, r.hold) END,"
    "     wake_at = CASE WHEN u.no_wake THEN NULL WHEN u.wake_ms IS NULL THEN r.wake_at"
    "       ELSE clock_timestamp() + u.wake_ms * interval '1 ms' END,"
    "     progress = CASE WHEN u.no_progress THEN NULL ELSE coalesce(u.progress, r.progress) END,"
    "     memo = coalesce(u.memo, r.memo), warnings = coalesce(u.warnings, r.warnings),"
    "     committed_at = CASE WHEN u.committed THEN coalesce(r.committed_at, clock_timestamp())"
    "       ELSE r.committed_at END,"
    "     finished_at = CASE WHEN u.finished THEN clock_timestamp() END,"
    "     updated_at = clock_timestamp()"
    "   FROM u, meta t"
    "   WHERE r.id = $4 AND r.rev = $5 AND r.finished_at IS NULL AND EXISTS (SELECT 1 FROM f)"
    "   RETURNING r.id, r.rev, r.seq, r.last_event,"
    "     'run/' || r.plan || '/' || r.number AS subject),"
    " s AS (UPDATE run_step w SET state = coalesce(x.state, w.state),"
    "     message = coalesce(x.message, w.message), attempt = coalesce(x.attempt, w.attempt),"
    "     intent = CASE WHEN x.no_intent THEN NULL ELSE coalesce(x.intent, w.intent) END,"
    "     observation = CASE WHEN x.no_observation THEN NULL"
    "       ELSE coalesce(x.observation, w.observation) END,"
    "     progress = CASE WHEN x.no_progress THEN NULL ELSE coalesce(x.progress, w.progress) END,"
    "     started_at = CASE WHEN x.started THEN clock_timestamp() ELSE w.started_at END,"
    "     finished_at = CASE WHEN x.finished THEN clock_timestamp() WHEN x.started THEN NULL"
    "       ELSE w.finished_at END,"
    "     updated_at = clock_timestamp()"
    "   FROM m, json_to_recordset($7) AS x(no int, state text, message text, attempt int,"
    "     intent json, no_intent boolean, observation json, no_observation boolean,"
    "     progress json, no_progress boolean, started boolean, finished boolean)"
    "   WHERE w.run_id = m.id AND w.no = x.no RETURNING 1),"
    " t AS (UPDATE run_router w SET arm = coalesce(x.arm, w.arm), seq = coalesce(x.seq, w.seq),"
    "     epoch = coalesce(x.epoch, w.epoch), weight = coalesce(x.weight, w.weight),"
    "     want = coalesce(x.want, w.want), in_sync = coalesce(x.in_sync, w.in_sync),"
    "     baseline = CASE WHEN x.no_baseline THEN NULL ELSE coalesce(x.baseline, w.baseline) END,"
    "     restore = CASE WHEN x.no_restore THEN NULL ELSE coalesce(x.restore, w.restore) END,"
    "     memo = CASE WHEN x.no_memo THEN NULL ELSE coalesce(x.memo, w.memo) END,"
    "     written_at = CASE WHEN x.written THEN clock_timestamp() ELSE w.written_at END,"
    "     updated_at = clock_timestamp()"
    "   FROM m, json_to_recordset($8) AS x(idx int, arm text, seq text, epoch bigint,"
    "     weight int, want int, in_sync boolean, baseline json, no_baseline boolean,"
    "     restore json, no_restore boolean, memo json, no_memo boolean, written boolean)"
    "   WHERE w.run_id = m.id AND w.idx = x.idx RETURNING 1),"
    " a AS (UPDATE action w SET state = coalesce(x.state, 'refused'),"
    "     message = CASE WHEN x.id IS NULL THEN 'the run has ended'"
    "       ELSE coalesce(x.message, '') END,"
    "     answered_at = clock_timestamp()"
    "   FROM m, action v LEFT JOIN json_to_recordset($9) AS x(id bigint, state text,"
    "     message text) ON x.id = v.id"
    "   WHERE v.run_id = m.id AND v.state = 'open' AND w.id = v.id"
    "     AND (x.id IS NOT NULL OR (SELECT finished FROM u)) RETURNING x.id),"
    " l AS (INSERT INTO run_copy AS w (run_id, key, entry)"
    "   SELECT m.id, x.key, x.entry FROM m, ROWS FROM (json_to_recordset($12)"
    "     AS (key text, entry json)) WITH ORDINALITY AS x(key, entry, i)"
    "   WHERE x.entry IS NOT NULL ORDER BY x.i"
    "   ON CONFLICT (run_id, key) DO UPDATE SET entry = excluded.entry),"
    " d AS (DELETE FROM run_copy w USING m, json_to_recordset($12) AS x(key text, entry json)"
    "   WHERE w.run_id = m.id AND w.key = x.key AND x.entry IS NULL),"
    " c AS (DELETE FROM claim w USING m, u"
    "   WHERE w.run_id = m.id AND (u.release OR u.finished)),"
    " e AS (INSERT INTO event (id, run_id, seq, subject, kind, actor, epoch, step, body)"
    "   SELECT m.last_event - $11::int + 1 + x.i, m.id, m.seq - $11::int + 1 + x.i, m.subject,"
    "     x.kind, x.actor, $3, x.step, x.body"
    "   FROM m, json_to_recordset($10) AS x(i int, kind text, actor text, step int, body json)"
    "   ORDER BY x.i)"
    " SELECT (SELECT count(*) FROM f), m.rev, m.seq, m.last_event,"
    "   CASE WHEN m.id IS NULL THEN 0"
    "     WHEN (SELECT count(*) FROM s) <> json_array_length($7)"
    "       THEN refuse('CF001', 'a step of the record is not there')"
    "     WHEN (SELECT count(*) FROM t) <> json_array_length($8)"
    "       THEN refuse('CF002', 'a router of the record is not there')"
    "     WHEN (SELECT count(id) FROM a) <> json_array_length($9)"
    "       THEN refuse('CF003', 'an answered action is not open')"
    "   END"
    " FROM (VALUES (1)) AS one(x) LEFT JOIN m ON true",
    true
};

static void put_text(json_t *o, const char *key, const char *text)
{
    if (text)
        json_object_set_new(o, key, json_string(text));
}

static void put_int(json_t *o, const char *key, int value)
{
    if (value != CF_KEEP)
        json_object_set_new(o, key, json_integer(value));
}

static void put_true(json_t *o, const char *key, bool value)
{
    if (value)
        json_object_set_new(o, key, json_true());
}

static void put_json(json_t *o, const char *key, const json_t *value)
{
    if (value)
        json_object_set_new(o, key, cf_json_share(value));
}

/* json_null() clears: the statement has a flag for that, because a JSON null cannot be told from a
 * missing member there. */
static void put_json_or_clear(json_t *o, const char *key, const char *clear_key,
                              const json_t *value)
{
    if (json_is_null(value))
        put_true(o, clear_key, true);
    else
        put_json(o, key, value);
}

static json_t *run_json(const struct cf_run_update *u)
{
    json_t *o = json_object();
    put_text(o, "state", u->state);
    put_text(o, "phase", u->phase);
    put_text(o, "message", u->message);
    put_int(o, "step", u->step);
    put_int(o, "desired", u->weight_desired);
    put_int(o, "applied", u->weight_applied);
    if (!isnan(u->weight_observed))
        json_object_set_new(o, "observed",
                            json_real(u->weight_observed < 0 ? -1.0 : u->weight_observed));
    put_json(o, "hold", u->hold);
    put_true(o, "no_hold", u->clear_hold);
    if (u->wake_in_ms == CF_WAKE_NONE)
        put_true(o, "no_wake", true);
    else if (u->wake_in_ms != CF_WAKE_KEEP)
        json_object_set_new(o, "wake_ms", json_integer(u->wake_in_ms));
    put_json(o, "progress", u->progress);
    put_true(o, "no_progress", u->clear_progress);
    put_json(o, "memo", u->memo);
    put_json(o, "warnings", u->warnings);
    put_true(o, "committed", u->committed);
    put_true(o, "finished", u->finished);
    put_true(o, "release", u->release_claims);
    return o;
}

static json_t *steps_json(const struct cf_run_change *change)
{
    json_t *out = json_array();
    for (size_t i = 0; i < change->n_steps; i++) {
        const struct cf_step_update *s = &change->steps[i];
        json_t *o = json_pack("{s:i}", "no", s->no);
        put_text(o, "state", s->state);
        put_text(o, "message", s->message);
        put_int(o, "attempt", s->attempt);
        put_json_or_clear(o, "intent", "no_intent", s->intent);
        put_json_or_clear(o, "observation", "no_observation", s->observation);
        put_json_or_clear(o, "progress", "no_progress", s->progress);
        put_true(o, "started", s->started);
        put_true(o, "finished", s->finished);
        json_array_append_new(out, o);
    }
    return out;
}

static json_t *routers_json(const struct cf_run_change *change)
{
    json_t *out = json_array();
    for (size_t i = 0; i < change->n_routers; i++) {
        const struct cf_router_update *t = &change->routers[i];
        json_t *o = json_pack("{s:i}", "idx", t->idx);
        put_text(o, "arm", t->arm);
        put_text(o, "seq", t->seq);
        if (t->epoch > 0)
            json_object_set_new(o, "epoch", json_integer(t->epoch));
        put_int(o, "weight", t->weight);
        put_int(o, "want", t->want);
        if (t->in_sync != CF_KEEP)
            json_object_set_new(o, "in_sync", json_boolean(t->in_sync));
        put_json_or_clear(o, "baseline", "no_baseline", t->baseline);
        put_json_or_clear(o, "restore", "no_restore", t->restore);
        put_json_or_clear(o, "memo", "no_memo", t->memo);
        put_true(o, "written", t->written);
        json_array_append_new(out, o);
    }
    return out;
}

static json_t *answers_json(const struct cf_run_change *change)
{
    json_t *out = json_array();
    for (size_t i = 0; i < change->n_answers; i++) {
        json_t *o = json_pack("{s:I, s:s}", "id", (json_int_t)change->answers[i].id, "state",
                              change->answers[i].state);
        put_text(o, "message", change->answers[i].message);
        json_array_append_new(out, o);
    }
    return out;
}

static json_t *events_json(const struct cf_run_change *change)
{
    json_t *out = json_array();
    for (size_t i = 0; i < change->n_events; i++) {
        const struct cf_event_new *e = &change->events[i];
        json_array_append_new(out,
                              json_pack("{s:i, s:s, s:s, s:i, s:o}", "i", (int)i, "kind", e->kind,
                                        "actor", e->actor ? e->actor : "", "step", e->step, "body",
                                        e->body ? cf_json_share(e->body) : json_object()));
    }
    return out;
}

static bool check_size(const char *what, const char *text, size_t max, struct cf_error *err)
{
    if (text && strlen(text) > max)
        return cf_error_set(err, CF_ERR_LIMIT, "record: %s has more than %zu bytes", what, max);
    return true;
}

/* All parameters from $6 on, checked against their limits. */
static bool change_args(struct cf_args *a, const struct cf_run_change *change, struct cf_error *err)
{
    cf_autojson json_t *run = run_json(&change->run);
    cf_autojson json_t *steps = steps_json(change);
    cf_autojson json_t *routers = routers_json(change);
    cf_autojson json_t *answers = answers_json(change);
    cf_autojson json_t *events = events_json(change);
    int first = a->n;
    cf_arg_json(a, run);
    cf_arg_json(a, steps);
    cf_arg_json(a, routers);
    cf_arg_json(a, answers);
    cf_arg_json(a, events);
    cf_arg_int(a, (int64_t)change->n_events);
    cf_autojson json_t *copies = change->copies ? cf_json_share(change->copies) : json_array();
    cf_arg_json(a, copies);
    return check_size("the run's part", a->value[first], CF_MEMO_BYTES_MAX, err) &&
           check_size("the steps' part", a->value[first + 1], CF_RECORD_BYTES_MAX, err) &&
           check_size("the routers' part", a->value[first + 2], CF_RECORD_BYTES_MAX, err) &&
           check_size("the events' part", a->value[first + 4], (size_t)CF_EVENT_BODY_MAX, err) &&
           check_size("the copies' part", a->value[first + 6], CF_RECORD_BYTES_MAX, err);
}

bool cf_run_record(struct cf_store *store, const struct cf_fence *fence, const char *run_id,
                   int64_t expected_rev, const struct cf_run_change *change,
                   struct cf_run_recorded *out, struct cf_error *err)
{
    cf_assert(change->n_events >= 1 && change->n_events <= CF_EVENTS_PER_RECORD);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_int(&a, fence->shard);
    cf_arg_text(&a, fence->owner);
    cf_arg_int(&a, fence->epoch);
    cf_arg_text(&a, run_id);
    cf_arg_int(&a, expected_rev);
    if (!change_args(&a, change, err))
        return false;
    cf_autores PGresult *res = cf_query(store, &record_stmt, &a, err);
    if (!res)
        return cf_error_wrap(err, "record run %s", run_id);
    struct cf_column c = cf_row(res, 0);
    bool fence_held = cf_col_int(&c) == 1;
    bool written = !cf_col_is_null(&c);
    *out = (struct cf_run_recorded){ .outcome = CF_RECORD_FENCED };
    if (fence_held)
        out->outcome = written ? CF_RECORDED : CF_RECORD_STALE;
    out->rev = cf_col_int64(&c);
    out->seq = cf_col_int64(&c);
    out->last_event = cf_col_int64(&c);
    return true;
}
