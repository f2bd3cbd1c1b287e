/* SPDX-License-Identifier: Apache-2.0 */
/* /preflights: a plan checked against both clusters now, as a job of the workers. */
#include "store/preflights.h"

#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "orchestrator/api/body.h"
#include "orchestrator/api/page.h"
#include "orchestrator/api/plan_body.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/run_ref.h"
#include "orchestrator/engine/engine.h"
#include "store/plans.h"

enum { LOOK_MS = 250 }; /* a job tells nobody that it is done: it is looked at */

/* ---- answers that may wait for the result ---- */

struct waiting {
    char id[CF_UUID_TEXT];
    int64_t until;
    int status;
};

static void settle(struct cf_http_request *req, struct cf_http_response *res, struct waiting *w,
                   bool last);

static void look_again(struct cf_http_request *req, struct cf_http_response *res,
                       enum cf_http_wake why, void *user)
{
    if (why != CF_HTTP_GONE)
        settle(req, res, user, why == CF_HTTP_DRAIN);
}

static void settle(struct cf_http_request *req, struct cf_http_response *res, struct waiting *w,
                   bool last)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_preflight_row_free) struct cf_preflight_row row = { 0 };
    int64_t left = w->until - cf_mono_now_ms();
    if (!cf_preflight_get(cf_api_of(req)->store, w->id, &row, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    if (!last && left > 0 && row.finished_ms == 0) {
        cf_http_parked_release(cf_http_park(res, CF_MIN(left, (int64_t)LOOK_MS), look_again, w));
        return;
    }
    if (row.finished_ms == 0)
        cf_http_response_header(res, "Retry-After", "1");
    cf_http_response_json_take(res, w->status, cf_render_preflight(&row));
}

static void answer(struct cf_http_request *req, struct cf_http_response *res, const char *id,
                   int status)
{
    int64_t wait_ms = cf_http_request_prefer_wait(req, CF_API_WAIT_MAX_MS);
    struct waiting *w = cf_arena_alloc(cf_http_request_arena(req), sizeof *w);
    *w = (struct waiting){ .until = cf_mono_now_ms() + wait_ms, .status = status };
    (void)snprintf(w->id, sizeof w->id, "%s", id);
    if (wait_ms > 0)
        cf_http_response_header(res, "Preference-Applied", "wait");
    settle(req, res, w, false);
}

/* ---- asking ---- */

static void queue(struct cf_http_request *req, struct cf_http_response *res,
                  const struct cf_preflight_new *job)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_idem idem;
    char id[CF_UUID_TEXT];
    struct cf_idem *key = cf_idem_of(req, &idem) ? &idem : NULL;
    if (!cf_preflight_add(cf_api_of(req)->store, job, key, id, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    if (key)
        cf_idem_mark(res, key);
    cf_http_response_headerf(res, "Location", "/api/v1/preflights/%s", id);
    answer(req, res, id, 202);
}

static void of_stored(struct cf_http_request *req, struct cf_http_response *res, const json_t *body)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    int64_t revision = cf_json_int(body, 0, "revision", NULL);
    const char *plan = cf_json_str(body, "", "plan", NULL);
    if (revision < 0 || revision > INT32_MAX) {
        cf_body_refuse(req, res, "/revision", NULL, "A revision is a number from 1");
        return;
    }
    if (!cf_plan_get(cf_api_of(req)->store, plan, (int)revision, &row, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    struct cf_preflight_new job = { .plan = plan,
                                    .revision = row.revision,
                                    .effective = row.effective,
                                    .author = cf_principal(req) };
    queue(req, res, &job);
}

static void of_document(struct cf_http_request *req, struct cf_http_response *res,
                        const json_t *document)
{
    CF_CLEANUP(cf_plan_body_free) struct cf_plan_body body = { 0 };
    bool is_text = json_is_string(document);
    cf_autofree char *dumped = is_text ? NULL : cf_json_dump(document);
    const char *text = is_text ? json_string_value(document) : dumped;
    if (!cf_plan_body_decode(res, text, strlen(text), is_text ? CF_PLAN_YAML : CF_PLAN_JSON, &body))
        return;
    struct cf_preflight_new job = { .effective = body.plan->effective,
                                    .author = cf_principal(req) };
    queue(req, res, &job);
}

void cf_post_preflight(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_autojson json_t *body = cf_body_read(req, res);
    if (!body)
        return;
    const json_t *document = json_object_get(body, "document");
    bool named = json_object_get(body, "plan") != NULL;
    if (named == (document != NULL))
        cf_body_refuse(req, res, "", NULL, "Name a stored plan, or send a document: one of them");
    else if (named)
        of_stored(req, res, body);
    else
        of_document(req, res, document);
}

/* ---- reading ---- */

void cf_get_preflight(struct cf_http_request *req, struct cf_http_response *res)
{
    const char *id = cf_http_request_param(req, "id");
    if (cf_uuid_valid(id))
        answer(req, res, id, 200);
    else
        cf_problem(res, "NOT_FOUND", "The id of a preflight is a UUID");
}

void cf_get_preflights(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_page page;
    CF_CLEANUP(cf_preflight_list_free) struct cf_preflight_list list = { 0 };
    if (!cf_page_of(req, res, false, &page))
        return;
    if (!cf_preflight_list_page(cf_api_of(req)->store, cf_http_request_query(req, "plan"),
                                *page.after ? page.after : NULL, page.limit, &list, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.n; i++)
        json_array_append_new(items, cf_render_preflight(&list.rows[i]));
    cf_page_send(req, res, items, list.more, list.n ? list.rows[list.n - 1].id : "");
}
