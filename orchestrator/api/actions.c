/* SPDX-License-Identifier: Apache-2.0 */
/* /runs/{run}/actions and /actions: what people and programs ask of a run. */
#include "store/actions.h"

#include <string.h>

#include "base/thread.h"
#include "base/units.h"
#include "orchestrator/api/body.h"
#include "orchestrator/api/hub.h"
#include "orchestrator/api/page.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/run_ref.h"
#include "orchestrator/engine/actions.h"
#include "orchestrator/engine/engine.h"
#include "store/runs.h"

/* ---- answers that may wait until the action is settled ---- */

struct waiting {
    int64_t id;
    int64_t until; /* cf_mono_now_ms() */
    int status;    /* of the answer */
};

static void send_action(struct cf_http_response *res, const struct waiting *w,
                        const struct cf_action_row *row)
{
    bool open = strcmp(row->state, CF_ACTION_OPEN) == 0;
    if (w->status == 202)
        cf_http_response_headerf(res, "Location", "/api/v1/actions/%lld", (long long)w->id);
    if (open)
        cf_http_response_header(res, "Retry-After", "1");
    cf_http_response_json_take(res, w->status, cf_render_action(row));
}

static void settle(struct cf_http_request *req, struct cf_http_response *res, struct waiting *w,
                   bool last);

static void look_again(struct cf_http_request *req, struct cf_http_response *res,
                       enum cf_http_wake why, void *user)
{
    if (why != CF_HTTP_GONE)
        settle(req, res, user, why != CF_HTTP_WOKEN);
}

/* The run's last event is read before the action, so that the answer to it is an event after it. */
static bool read_both(struct cf_http_request *req, const struct waiting *w,
                      struct cf_action_row *action, struct cf_run_row *run, struct cf_error *err)
{
    struct cf_store *store = cf_api_of(req)->store;
    if (!cf_action_get(store, w->id, action, err) || !cf_run_get(store, action->run_id, run, err))
        return false;
    cf_action_row_free(action);
    return cf_action_get(store, w->id, action, err);
}

static void settle(struct cf_http_request *req, struct cf_http_response *res, struct waiting *w,
                   bool last)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_action_row_free) struct cf_action_row action = { 0 };
    CF_CLEANUP(cf_run_row_free) struct cf_run_row run = { 0 };
    int64_t left = w->until - cf_mono_now_ms();
    if (!read_both(req, w, &action, &run, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    if (!last && left > 0 && strcmp(action.state, CF_ACTION_OPEN) == 0 &&
        cf_hub_park(cf_api_of(req)->hub, res, action.run_id, run.last_event, left, look_again, w))
        return;
    send_action(res, w, &action);
}

static void answer(struct cf_http_request *req, struct cf_http_response *res, int64_t id,
                   int status)
{
    int64_t wait_ms = cf_http_request_prefer_wait(req, CF_API_WAIT_MAX_MS);
    struct waiting *w = cf_arena_alloc(cf_http_request_arena(req), sizeof *w);
    *w = (struct waiting){ .id = id, .until = cf_mono_now_ms() + wait_ms, .status = status };
    if (wait_ms > 0)
        cf_http_response_header(res, "Preference-Applied", "wait");
    settle(req, res, w, wait_ms == 0);
}

/* ---- asking ---- */

/* What can be refused at once, by the run's row; its owner has the last word. False: answered. */
static bool fits_now(struct cf_http_request *req, struct cf_http_response *res,
                     const struct cf_run_row *run, const json_t *body)
{
    const char *phase = cf_json_str(body, "", "expect", "phase", NULL);
    int64_t seq = cf_json_int(body, -1, "expect", "seq", NULL);
    const char *refusal =
        cf_actions_refusal(cf_json_str(body, "", "action", NULL), run->committed_ms != 0,
                           strcmp(run->state, "rolling-back") == 0);
    (void)req;
    if (run->finished_ms != 0)
        cf_problem(res, "RUN_ENDED", "%s/%d has ended: %s", run->plan, run->number, run->state);
    else if (refusal)
        cf_problem(res, "CONFLICT", "%s/%d: %s", run->plan, run->number, refusal);
    else if (*phase && strcmp(phase, run->phase) != 0)
        cf_problem(res, "EXPECTATION_FAILED", "%s/%d is in phase %s, not %.32s", run->plan,
                   run->number, run->phase, phase);
    else if (seq >= 0 && seq != run->seq)
        cf_problem(res, "EXPECTATION_FAILED", "%s/%d has gone on: its last event is %lld",
                   run->plan, run->number, (long long)run->seq);
    else
        return true;
    return false;
}

/* A repeated request gets its first answer, whatever has become of the run meanwhile. */
static bool may_ask(struct cf_http_request *req, struct cf_http_response *res, const char *run_id,
                    const json_t *body, struct cf_idem *key)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_run_row_free) struct cf_run_row run = { 0 };
    if (key && !cf_idem_find(cf_api_of(req)->store, key, &err)) {
        cf_problem_error(res, &err);
        return false;
    }
    if (key && key->replayed)
        return true;
    if (!cf_run_get(cf_api_of(req)->store, run_id, &run, &err)) {
        cf_problem_error(res, &err);
        return false;
    }
    return fits_now(req, res, &run, body);
}

void cf_post_action(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_idem idem;
    char run_id[CF_UUID_TEXT];
    int64_t id = 0;
    cf_autojson json_t *body = cf_body_read(req, res);
    struct cf_idem *key = cf_idem_of(req, &idem) ? &idem : NULL;
    if (!body || !cf_run_of_path(req, res, run_id) || !may_ask(req, res, run_id, body, key))
        return;
    struct cf_action_new action = { .run_id = run_id,
                                    .action = cf_json_str(body, "", "action", NULL),
                                    .reason = cf_json_str(body, "", "reason", NULL),
                                    .principal = cf_principal(req),
                                    .expect = json_object_get(body, "expect") };
    if (!cf_action_add(cf_api_of(req)->store, &action, key, &id, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    cf_engine_wake(cf_api_of(req)->engine, run_id);
    cf_hub_nudge(cf_api_of(req)->hub);
    if (key)
        cf_idem_mark(res, key);
    answer(req, res, id, 202);
}

/* ---- reading ---- */

void cf_get_action(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t id;
    if (cf_int_parse(cf_http_request_param(req, "id"), 1, INT64_MAX, &id, &err))
        answer(req, res, id, 200);
    else
        cf_problem(res, "NOT_FOUND", "The id of an action is a number");
}

void cf_get_actions(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_page page;
    char run_id[CF_UUID_TEXT], last[24] = "";
    CF_CLEANUP(cf_action_list_free) struct cf_action_list list = { 0 };
    if (!cf_page_of(req, res, true, &page) || !cf_run_of_path(req, res, run_id))
        return;
    if (!cf_action_list_page(cf_api_of(req)->store, run_id, page.after_int, page.limit, &list,
                             &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.n; i++)
        json_array_append_new(items, cf_render_action(&list.rows[i]));
    if (list.n)
        (void)snprintf(last, sizeof last, "%lld", (long long)list.rows[list.n - 1].id);
    cf_page_send(req, res, items, list.more, last);
}
