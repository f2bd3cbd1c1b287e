/* SPDX-License-Identifier: Apache-2.0 */
/* /runs: starting and reading runs. */
#include "store/runs.h"

#include <string.h>

#include "base/clock.h"
#include "base/suggest.h"
#include "base/thread.h"
#include "base/units.h"
#include "orchestrator/api/body.h"
#include "orchestrator/api/hub.h"
#include "orchestrator/api/page.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/run_ref.h"
#include "orchestrator/engine/fsm.h"
#include "orchestrator/engine/engine.h"
#include "store/series.h"

bool cf_run_of_path(struct cf_http_request *req, struct cf_http_response *res,
                    char out_id[CF_UUID_TEXT])
{
    struct cf_error err = CF_ERROR_INIT;
    if (cf_run_find(cf_api_of(req)->store, cf_http_request_param(req, "run"), out_id, &err))
        return true;
    if (err.kind == CF_ERR_INVALID)
        cf_problem(res, "INVALID_PARAMETER", "%s", err.message);
    else
        cf_problem_error(res, &err);
    return false;
}

/* The engine's view is an extra: without it the rows still tell. */
static json_t *view_of(struct cf_http_request *req, const char *id)
{
    struct cf_error ignored = CF_ERROR_INIT;
    return cf_engine_run_view(cf_api_of(req)->engine, id, &ignored);
}

void cf_run_send(struct cf_http_request *req, struct cf_http_response *res, const char *id,
                 int status)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_run_free) struct cf_run run = { 0 };
    if (!cf_run_load(cf_api_of(req)->store, id, &run, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    cf_autojson json_t *view = view_of(req, id);
    cf_http_response_json_take(res, status, cf_render_run(&run, view));
}

/* ---- starting ---- */

static void start(struct cf_http_request *req, struct cf_http_response *res, const char *plan,
                  const json_t *body)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_idem idem;
    char id[CF_UUID_TEXT];
    int64_t revision = cf_json_int(body, 0, "revision", NULL);
    struct cf_idem *key = cf_idem_of(req, &idem) ? &idem : NULL;
    if (revision < 0 || revision > INT32_MAX) {
        cf_body_refuse(req, res, "/revision", NULL, "A revision is a number from 1");
        return;
    }
    struct cf_run_start run = { .plan = plan,
                                .revision = (int)revision,
                                .principal = cf_principal(req),
                                .reason = cf_json_str(body, "", "reason", NULL),
                                .diff = cf_json_str(body, NULL, "diff", NULL),
                                .idem = key };
    if (!cf_engine_run_start(cf_api_of(req)->engine, &run, id, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    if (key)
        cf_idem_mark(res, key);
    cf_hub_nudge(cf_api_of(req)->hub);
    cf_http_response_headerf(res, "Location", "/api/v1/runs/%s", id);
    cf_run_send(req, res, id, 201);
}

void cf_post_run(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_autojson json_t *body = cf_body_read(req, res);
    if (!body)
        return;
    const char *plan = cf_json_str(body, "", "plan", NULL);
    if (*plan)
        start(req, res, plan, body);
    else
        cf_body_refuse(req, res, "/plan", "name of a stored plan", "plan is missing");
}

void cf_post_plan_run(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_autojson json_t *body = cf_body_read(req, res);
    const char *name = cf_http_request_param(req, "name");
    if (!body)
        return;
    const char *plan = cf_json_str(body, name, "plan", NULL);
    if (strcmp(plan, name) == 0)
        start(req, res, name, body);
    else
        cf_body_refuse(req, res, "/plan", NULL, "The path names the plan \"%.64s\"", name);
}

/* ---- lists ---- */

enum { STATES_MAX = CF_RUN_STATES };

/* "active,completed"; a word that is no state would find nothing, for ever. */
static bool states_of(struct cf_http_request *req, struct cf_http_response *res,
                      struct cf_run_filter *f, const char *states[STATES_MAX + 1])
{
    char *text = cf_arena_strdup(cf_http_request_arena(req), cf_http_request_query(req, "state"));
    enum cf_run_state parsed;
    size_t n = 0;
    for (char *word; (word = strsep(&text, ",")) != NULL;) {
        if (n == STATES_MAX || !cf_run_state_parse(word, &parsed)) {
            const char *names[CF_RUN_STATES + 1] = { NULL };
            for (int s = 0; s < CF_RUN_STATES; s++)
                names[s] = cf_run_state_name((enum cf_run_state)s);
            const char *near = cf_suggest(word, names);
            cf_autofree char *hint = near ? cf_xasprintf("did you mean \"%s\"?", near) : NULL;
            cf_problem_full(res, "INVALID_PARAMETER", hint, NULL,
                            "\"%.64s\" is no state of a run, or there are too many", word);
            return false;
        }
        states[n++] = word;
    }
    states[n] = NULL;
    f->states = n ? states : NULL;
    return true;
}

static bool active_of(struct cf_http_request *req, struct cf_http_response *res, bool *out)
{
    const char *active = cf_http_request_query(req, "active");
    *out = active && strcmp(active, "false") != 0;
    if (!*out || !*active || strcmp(active, "true") == 0)
        return true;
    cf_problem(res, "INVALID_PARAMETER", "active is true or false");
    return false;
}

/* What a list is filtered by; the texts are the request's. False: answered. */
static bool filter_of(struct cf_http_request *req, struct cf_http_response *res,
                      struct cf_run_filter *f, const char *states[STATES_MAX + 1])
{
    struct cf_arena *arena = cf_http_request_arena(req);
    char *label = cf_arena_strdup(arena, cf_http_request_query(req, "label"));
    f->plan = cf_http_request_query(req, "plan");
    f->source = cf_http_request_query(req, "source");
    f->target = cf_http_request_query(req, "target");
    f->cluster = cf_http_request_query(req, "cluster");
    if (!states_of(req, res, f, states) || !active_of(req, res, &f->active))
        return false;
    f->label_key = label ? strsep(&label, "=") : NULL;
    f->label_value = label;
    if (!f->label_key || f->label_value)
        return true;
    cf_problem(res, "INVALID_PARAMETER", "label is KEY=VALUE");
    return false;
}

void cf_get_runs(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_page page;
    struct cf_run_filter filter = { 0 };
    const char *states[STATES_MAX + 1];
    CF_CLEANUP(cf_run_list_free) struct cf_run_list list = { 0 };
    if (!cf_page_of(req, res, false, &page) || !filter_of(req, res, &filter, states))
        return;
    filter.after = *page.after ? page.after : NULL;
    if (!cf_run_list_page(cf_api_of(req)->store, &filter, page.limit, &list, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.n; i++)
        json_array_append_new(items, cf_render_run_row(&list.rows[i]));
    cf_page_send(req, res, items, list.more, list.n ? list.rows[list.n - 1].id : "");
}

/* ---- one run ---- */

/* A GET that waits for news of a run. Kept in the request's arena. */
struct waiting {
    char id[CF_UUID_TEXT];
    int64_t after; /* seq */
    int64_t until; /* cf_mono_now_ms() */
};

static void send_or_wait(struct cf_http_request *req, struct cf_http_response *res,
                         struct waiting *w, bool last);

static void look_again(struct cf_http_request *req, struct cf_http_response *res,
                       enum cf_http_wake why, void *user)
{
    if (why != CF_HTTP_GONE)
        send_or_wait(req, res, user, why != CF_HTTP_WOKEN);
}

static void send_or_wait(struct cf_http_request *req, struct cf_http_response *res,
                         struct waiting *w, bool last)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_run_row_free) struct cf_run_row row = { 0 };
    int64_t left = w->until - cf_mono_now_ms();
    if (!last && left > 0) {
        if (!cf_run_get(cf_api_of(req)->store, w->id, &row, &err)) {
            cf_problem_error(res, &err);
            return;
        }
        if (row.seq <= w->after && row.finished_ms == 0 &&
            cf_hub_park(cf_api_of(req)->hub, res, w->id, row.last_event, left, look_again, w))
            return;
    }
    cf_run_send(req, res, w->id, 200);
}

void cf_get_run(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t wait_ms = cf_http_request_prefer_wait(req, CF_API_WAIT_MAX_MS);
    const char *after = cf_http_request_query(req, "after");
    struct waiting *w = cf_arena_alloc(cf_http_request_arena(req), sizeof *w);
    w->until = cf_mono_now_ms() + wait_ms;
    if (!cf_run_of_path(req, res, w->id))
        return;
    if (after && !cf_int_parse(after, 0, INT64_MAX, &w->after, &err)) {
        cf_problem(res, "INVALID_PARAMETER", "after is the seq of a run, a number");
        return;
    }
    if (wait_ms > 0)
        cf_http_response_header(res, "Preference-Applied", "wait");
    send_or_wait(req, res, w, !after || wait_ms == 0);
}

void cf_get_run_steps(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_UUID_TEXT];
    CF_CLEANUP(cf_run_free) struct cf_run run = { 0 };
    if (!cf_run_of_path(req, res, id))
        return;
    if (!cf_run_load(cf_api_of(req)->store, id, &run, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < run.n_steps; i++)
        json_array_append_new(items, cf_render_step(&run.steps[i], true));
    cf_http_response_json_take(res, 200, json_pack("{s:o}", "items", items));
}

void cf_get_run_series(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_UUID_TEXT];
    int64_t after_ms = 0;
    json_t *series = NULL;
    const char *after = cf_http_request_query(req, "after");
    if (after && !cf_time_parse(after, &after_ms)) {
        cf_problem(res, "INVALID_PARAMETER", "after is a time such as 2026-11-21T10:00:00Z");
        return;
    }
    if (!cf_run_of_path(req, res, id))
        return;
    if (cf_series_read(cf_api_of(req)->store, id, after_ms, &series, &err))
        cf_http_response_json_take(res, 200, json_pack("{s:o}", "streams", series));
    else
        cf_problem_error(res, &err);
}

void cf_get_run_report(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_UUID_TEXT];
    if (!cf_run_of_path(req, res, id))
        return;
    json_t *report = cf_engine_run_report(cf_api_of(req)->engine, id, &err);
    if (report)
        cf_http_response_json_take(res, 200, report);
    else
        cf_problem_error(res, &err);
}
