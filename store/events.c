/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of events, and the event that stands alone. Those of runs are written by
 * run_record.c, those of other effects by effect.c. */
#include "store/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "store/private.h"

#define EVENT_ID_MAX (INT64_C(1) << 53)

/* Ids below this belong to transactions that have all ended. */
#define HORIZON "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint + m.event_base) * 4096"
/* Ids from here on have not been given to anybody. */
#define FUTURE "(pg_snapshot_xmax(pg_current_snapshot())::text::bigint + m.event_base) * 4096"

#define COLUMNS                                                                                    \
    "e.id, e.run_id, coalesce(r.plan || '/' || r.number, ''), e.subject, e.seq, e.epoch, e.step, " \
    "e.kind,"                                                                                      \
    " e.actor, wall_ms(e.at), e.body"
/* $2 run, $3 kind's prefix, $4 subject, $6 plan. A run's events are few and have an index of their own,
 * which only a condition without OR can use, and its seq orders them as ids do: hence two
 * forms. In that of a run the id is an expression, which the primary key cannot serve: the planner
 * would take a range of all events to be small. */
#define OF_ALL                                                                                     \
    " AND ($2::uuid IS NULL) AND ($3::text IS NULL OR starts_with(e.kind, $3))"                    \
    " AND ($4::text IS NULL OR e.subject = $4)"                                                    \
    " AND ($6::text IS NULL OR r.plan = $6 OR e.subject = 'plan/' || $6)"
#define OF_RUN                                                                                     \
    " AND e.run_id = $2 AND ($3::text IS NULL OR starts_with(e.kind, $3))"                         \
    " AND ($4::text IS NULL OR e.subject = $4) AND ($6::text IS NULL OR r.plan = $6)"

void cf_event_list_free(struct cf_event_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct cf_event_row *e = &list->rows[i];
        free(e->run_name);
        free(e->subject);
        free(e->kind);
        free(e->actor);
        json_decref(e->body);
    }
    free(list->rows);
    *list = (struct cf_event_list){ 0 };
}

static bool read_row(struct cf_column *c, struct cf_event_row *out, struct cf_error *err)
{
    out->id = cf_col_int64(c);
    cf_col_copy(c, out->run_id, sizeof out->run_id);
    out->run_name = cf_col_text(c);
    out->subject = cf_col_text(c);
    out->seq = cf_col_int64(c);
    out->epoch = cf_col_int64(c);
    out->step = cf_col_int(c);
    out->kind = cf_col_text(c);
    out->actor = cf_col_text(c);
    out->at_ms = cf_col_int64(c);
    out->body = cf_col_json(c);
    return cf_row_end(c, err);
}

/* Events begin at column `first`. */
static bool read_rows(const PGresult *res, int first, int limit, struct cf_event_list *list,
                      struct cf_error *err)
{
    int n = PQntuples(res);
    list->more = n > limit;
    n = CF_MIN(n, limit);
    list->rows = cf_xcalloc((size_t)n + 1, sizeof *list->rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        c.col = first;
        list->n++;
        if (!read_row(&c, &list->rows[i], err))
            return false;
    }
    return true;
}

static bool is_of_run(const struct cf_event_filter *filter)
{
    return filter && filter->run_id && *filter->run_id;
}

static void filter_args(struct cf_args *a, const struct cf_event_filter *filter, int limit)
{
    static const struct cf_event_filter all;
    if (!filter)
        filter = &all;
    cf_arg_nonempty(a, filter->run_id);
    cf_arg_nonempty(a, filter->kind_prefix);
    cf_arg_nonempty(a, filter->subject);
    cf_arg_int(a, limit);
    cf_arg_nonempty(a, filter->plan);
}

/* One row at least: the position, and beside it the events. One snapshot for both: what is pruned
 * meanwhile is either still seen or asks for a resync. */
#define AFTER(id, matches, order)                                                                  \
    "SELECT p.horizon, p.future, p.floor, x.* FROM (SELECT " HORIZON " - 1 AS horizon, " FUTURE    \
    " AS future, m.event_floor AS floor FROM meta m) p LEFT JOIN LATERAL (SELECT " COLUMNS         \
    " FROM event e LEFT JOIN run r ON r.id = e.run_id WHERE " id " > $1::bigint"                   \
    " AND " id " <= p.horizon" matches " ORDER BY " order " LIMIT $5) x ON true ORDER BY x.id"

enum { POSITION_COLUMNS = 3 };

/* Fills list->next and list->resync from the first columns of the first row. */
static void read_position(const PGresult *res, int64_t after, struct cf_event_list *list)
{
    struct cf_column c = cf_row(res, 0);
    int64_t horizon = cf_col_int64(&c);
    int64_t future = cf_col_int64(&c);
    int64_t floor = cf_col_int64(&c);
    list->resync = after > 0 && (after < floor || after >= future);
    list->next = list->resync ? horizon : CF_MAX(after, horizon);
}

bool cf_events_after(struct cf_store *store, int64_t after, const struct cf_event_filter *filter,
                     int limit, struct cf_event_list *out, struct cf_error *err)
{
    static const struct cf_stmt of_all = { "events_after", AFTER("e.id", OF_ALL, "e.id"), false };
    static const struct cf_stmt of_run = { "events_after_run", AFTER("(e.id + 0)", OF_RUN, "e.seq"),
                                           false };
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_int(&a, after);
    filter_args(&a, filter, limit + 1);
    cf_autores PGresult *res = cf_query(store, is_of_run(filter) ? &of_run : &of_all, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_event_list_free) struct cf_event_list list = { 0 };
    read_position(res, after, &list);
    bool none = PQgetisnull(res, 0, POSITION_COLUMNS);
    if (!none && !list.resync) {
        if (!read_rows(res, POSITION_COLUMNS, limit, &list, err))
            return false;
        if (list.more)
            list.next = list.rows[list.n - 1].id;
    }
    *out = list;
    list = (struct cf_event_list){ 0 };
    return true;
}

#define LAST(id, matches, order)                                                                   \
    "SELECT * FROM (SELECT " COLUMNS " FROM event e LEFT JOIN run r ON r.id = e.run_id"            \
    " WHERE " id " > $1::bigint" matches " ORDER BY " order " DESC LIMIT $5) x ORDER BY id"

bool cf_events_last(struct cf_store *store, const struct cf_event_filter *filter, int limit,
                    struct cf_event_list *out, struct cf_error *err)
{
    static const struct cf_stmt of_all = { "events_last", LAST("e.id", OF_ALL, "e.id"), false };
    static const struct cf_stmt of_run = { "events_last_run", LAST("(e.id + 0)", OF_RUN, "e.seq"),
                                           false };
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_int(&a, 0);
    filter_args(&a, filter, limit);
    cf_autores PGresult *res = cf_query(store, is_of_run(filter) ? &of_run : &of_all, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_event_list_free) struct cf_event_list list = { 0 };
    if (!read_rows(res, 0, limit, &list, err))
        return false;
    list.next = list.n ? list.rows[list.n - 1].id : 0;
    *out = list;
    list = (struct cf_event_list){ 0 };
    return true;
}

bool cf_events_horizon(struct cf_store *store, int64_t *out_id, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "events_horizon", "SELECT " HORIZON " - 1 FROM meta m",
                                         false };
    cf_autores PGresult *res = cf_query(store, &stmt, NULL, err);
    if (!res)
        return false;
    struct cf_column c = cf_row(res, 0);
    *out_id = cf_col_int64(&c);
    return true;
}

bool cf_event_append(struct cf_store *store, const char *kind, const char *subject,
                     const char *actor, const json_t *body, struct cf_error *err)
{
    static const struct cf_stmt append = { "event_append",
                                           "INSERT INTO event (id, subject, kind, actor, body)"
                                           "   SELECT (pg_current_xact_id()::text::bigint +"
                                           "   m.event_base) * 4096, $1, $2, coalesce($3, ''),"
                                           "   coalesce($4::json, '{}') FROM meta m",
                                           true };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, subject);
    cf_arg_text(&a, kind);
    cf_arg_text(&a, actor);
    cf_arg_json(&a, body);
    if (a.value[3] && strlen(a.value[3]) > CF_EVENT_BODY_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "event %s has more than %d bytes", kind,
                            CF_EVENT_BODY_MAX);
    cf_autores PGresult *res = cf_query(store, &append, &a, err);
    return res != NULL;
}

char *cf_event_id_text(int64_t id, char *buf)
{
    snprintf(buf, CF_EVENT_ID_TEXT, "%" PRId64, id);
    return buf;
}

bool cf_event_id_parse(const char *text, int64_t *out_id, struct cf_error *err)
{
    if (!cf_int_parse(text, 0, EVENT_ID_MAX, out_id, err))
        return cf_error_wrap(err, "event id");
    return true;
}
