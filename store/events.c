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
#define MATCHES                                                                                    \
    "($2::uuid IS NULL OR e.run_id = $2) AND ($3::text IS NULL OR starts_with(e.kind, $3))"        \
    " AND ($4::text IS NULL OR e.subject = $4)"

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

static bool read_rows(const PGresult *res, int limit, struct cf_event_list *list,
                      struct cf_error *err)
{
    int n = PQntuples(res);
    list->more = n > limit;
    n = CF_MIN(n, limit);
    list->rows = cf_xcalloc((size_t)n + 1, sizeof *list->rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        list->n++;
        if (!read_row(&c, &list->rows[i], err))
            return false;
    }
    return true;
}

static void filter_args(struct cf_args *a, const struct cf_event_filter *filter)
{
    static const struct cf_event_filter all;
    if (!filter)
        filter = &all;
    cf_arg_nonempty(a, filter->run_id);
    cf_arg_nonempty(a, filter->kind_prefix);
    cf_arg_nonempty(a, filter->subject);
}

/* Where the reader stands: the horizon, and whether its id has fallen out of what is kept or was
 * never given. */
struct position {
    int64_t horizon; /* the last id that may be read */
    bool resync;
};

static void read_position(const PGresult *res, int64_t after, struct position *out)
{
    struct cf_column c = cf_row(res, 0);
    out->horizon = cf_col_int64(&c) - 1;
    int64_t future = cf_col_int64(&c);
    int64_t floor = cf_col_int64(&c);
    out->resync = after > 0 && (after < floor || after >= future);
}

/* The position is read first and bounds what is read after it, so two statements are as good as
 * one. */
bool cf_events_after(struct cf_store *store, int64_t after, const struct cf_event_filter *filter,
                     int limit, struct cf_event_list *out, struct cf_error *err)
{
    static const struct cf_stmt position_stmt = {
        "events_position", "SELECT " HORIZON ", " FUTURE ", m.event_floor FROM meta m", false
    };
    static const struct cf_stmt rows_stmt = {
        "events_after",
        "SELECT " COLUMNS " FROM event e LEFT JOIN run r ON r.id = e.run_id"
        " WHERE e.id > $1::bigint AND e.id <= $5::bigint AND " MATCHES " ORDER BY e.id LIMIT $6",
        false
    };
    cf_autores PGresult *position_res = cf_query(store, &position_stmt, NULL, err);
    if (!position_res)
        return false;
    struct position at;
    read_position(position_res, after, &at);
    CF_CLEANUP(cf_event_list_free) struct cf_event_list list = { 0 };
    list.next = CF_MAX(after, at.horizon);
    if (at.resync) {
        list.next = at.horizon;
        list.resync = true;
    } else if (after < at.horizon) {
        limit = cf_page_limit(limit);
        CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
        cf_arg_int(&a, after);
        filter_args(&a, filter);
        cf_arg_int(&a, at.horizon);
        cf_arg_int(&a, limit + 1);
        cf_autores PGresult *res = cf_query(store, &rows_stmt, &a, err);
        if (!res || !read_rows(res, limit, &list, err))
            return false;
        if (list.more)
            list.next = list.rows[list.n - 1].id;
    }
    *out = list;
    list = (struct cf_event_list){ 0 };
    return true;
}

bool cf_events_last(struct cf_store *store, const struct cf_event_filter *filter, int limit,
                    struct cf_event_list *out, struct cf_error *err)
{
    static const struct cf_stmt last = { "events_last",
                                         "SELECT * FROM (SELECT " COLUMNS
                                         " FROM event e LEFT JOIN run r ON r.id = e.run_id"
                                         " WHERE e.id > $1::bigint AND " MATCHES
                                         " ORDER BY e.id DESC LIMIT $5) x ORDER BY id",
                                         false };
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_int(&a, 0);
    filter_args(&a, filter);
    cf_arg_int(&a, limit);
    cf_autores PGresult *res = cf_query(store, &last, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_event_list_free) struct cf_event_list list = { 0 };
    if (!read_rows(res, limit, &list, err))
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
