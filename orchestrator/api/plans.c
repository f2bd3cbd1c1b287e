/* SPDX-License-Identifier: Apache-2.0 */
/* /plans: applying and reading plan documents. */
#include "store/plans.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "base/yaml.h"
#include "orchestrator/api/page.h"
#include "orchestrator/api/plan_body.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/api/hub.h"

/* ---- applying ---- */

static bool is_dry_run(struct cf_http_request *req, struct cf_http_response *res, bool *out)
{
    const char *text = cf_http_request_query(req, "dryRun");
    *out = text && (strcmp(text, "true") == 0 || strcmp(text, "") == 0);
    if (!text || *out || strcmp(text, "false") == 0)
        return true;
    cf_problem(res, "INVALID_PARAMETER", "dryRun is true or false");
    return false;
}

/* 200 or 201 with the plan as it is now. */
static void answer_applied(struct cf_http_request *req, struct cf_http_response *res,
                           const char *name, int revision, bool created, json_t *warnings)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    if (!cf_plan_get(cf_api_of(req)->store, name, revision, &row, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *j = cf_render_plan(&row);
    json_object_set(j, "warnings", warnings);
    cf_etag_set(res, row.latest);
    if (created)
        cf_http_response_headerf(res, "Location", "/api/v1/plans/%s", name);
    cf_http_response_json_take(res, created ? 201 : 200, j);
}

/* What applying would do, without doing it: who applies for real later gets the same answers. */
static void answer_dry_run(struct cf_http_request *req, struct cf_http_response *res,
                           const struct cf_plan_body *body, int64_t expect)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row now = { 0 };
    bool exists = cf_plan_get(cf_api_of(req)->store, body->plan->name, 0, &now, &err);
    if (!exists && err.kind != CF_ERR_NOT_FOUND) {
        cf_problem_error(res, &err);
        return;
    }
    int revision = exists ? now.revision : 0;
    if (expect != CF_PLAN_ANY && expect != revision) {
        cf_problem(res, "PRECONDITION_FAILED", "The plan %s is at revision %d now",
                   body->plan->name, revision);
        return;
    }
    bool same = exists && strcmp(now.digest, body->plan->digest) == 0;
    json_t *j = json_pack("{s:s,s:b,s:s,s:i,s:s,s:O,s:o,s:O}", "name", body->plan->name, "dryRun",
                          true, "would",
                          same     ? "nothing"
                          : exists ? "revise"
                                   : "create",
                          "revision", same ? revision : revision + 1, "digest", body->plan->digest,
                          "effective", body->plan->effective, "steps",
                          cf_engine_plan_steps(body->plan), "warnings", body->warnings);
    json_object_set_new(j, "diff",
                        exists ? cf_plan_diff(now.effective, body->plan->effective) : json_array());
    cf_http_response_json_take(res, 200, j);
}

static void apply(struct cf_http_request *req, struct cf_http_response *res,
                  const struct cf_plan_body *body, int64_t expect)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_idem idem;
    enum cf_plan_applied applied = CF_PLAN_UNCHANGED;
    int revision = 0;
    struct cf_plan_new plan = { .name = body->plan->name,
                                .text = body->text,
                                .media_type = body->media_type,
                                .spec = body->document,
                                .effective = body->plan->effective,
                                .digest = body->plan->digest,
                                .author = cf_principal(req) };
    struct cf_idem *key = cf_idem_of(req, &idem) ? &idem : NULL;
    if (!cf_plan_apply(cf_api_of(req)->store, &plan, (int)expect, key, &applied, &revision, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    if (key)
        cf_idem_mark(res, key);
    cf_hub_nudge(cf_api_of(req)->hub);
    /* A request that is repeated gets its first status: whoever asked for a new plan made one. */
    bool created = key && key->replayed ? expect == CF_PLAN_ABSENT : applied == CF_PLAN_CREATED;
    answer_applied(req, res, plan.name, revision, created, body->warnings);
}

static void take_plan(struct cf_http_request *req, struct cf_http_response *res, const char *name,
                      int64_t expect)
{
    CF_CLEANUP(cf_plan_body_free) struct cf_plan_body body = { 0 };
    bool dry_run;
    if (!is_dry_run(req, res, &dry_run) || !cf_plan_body_read(req, res, &body))
        return;
    if (name && strcmp(name, body.plan->name) != 0)
        cf_problem(res, "UNPROCESSABLE",
                   "The path names the plan \"%.64s\", its metadata says \"%s\"", name,
                   body.plan->name);
    else if (dry_run)
        answer_dry_run(req, res, &body, expect);
    else
        apply(req, res, &body, expect);
}

void cf_post_plan(struct cf_http_request *req, struct cf_http_response *res)
{
    take_plan(req, res, NULL, CF_PLAN_ABSENT);
    /* A name that is taken is no failed precondition to who sent none. */
    if (cf_http_response_get_status(res) == 412)
        cf_problem_full(res, "EXISTS", "Send PUT with If-Match to make its next revision", NULL,
                        "A plan of this name exists");
}

void cf_put_plan(struct cf_http_request *req, struct cf_http_response *res)
{
    int64_t expect;
    if (cf_etag_expect(req, res, &expect))
        take_plan(req, res, cf_http_request_param(req, "name"), expect);
}

void cf_delete_plan(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t expect;
    if (!cf_etag_expect(req, res, &expect))
        return;
    if (!cf_plan_delete(cf_api_of(req)->store, cf_http_request_param(req, "name"), (int)expect,
                        cf_principal(req), &err)) {
        cf_problem_error(res, &err);
        return;
    }
    cf_hub_nudge(cf_api_of(req)->hub);
    cf_http_response_status(res, 204);
}

/* ---- reading ---- */

void cf_get_plans(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_page page;
    CF_CLEANUP(cf_plan_list_free) struct cf_plan_list list = { 0 };
    if (!cf_page_of(req, res, false, &page))
        return;
    if (!cf_plan_list_page(cf_api_of(req)->store, page.after, cf_http_request_query(req, "q"),
                           page.limit, &list, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.n; i++)
        json_array_append_new(items, cf_render_plan_row(&list.rows[i]));
    cf_page_send(req, res, items, list.more, list.n ? list.rows[list.n - 1].name : "");
}

/* The plan of the path at a revision given as text (NULL: the current one). False: answered. */
static bool load(struct cf_http_request *req, struct cf_http_response *res, const char *revision,
                 struct cf_plan_row *out)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t n = 0;
    if (revision && !cf_int_parse(revision, 1, INT32_MAX, &n, &err)) {
        cf_problem(res, "INVALID_PARAMETER", "A revision is a number from 1");
        return false;
    }
    if (cf_plan_get(cf_api_of(req)->store, cf_http_request_param(req, "name"), (int)n, out, &err))
        return true;
    cf_problem_error(res, &err);
    return false;
}

/* The text as it was submitted, or as JSON if that was asked for and it is not. */
static void send_document(struct cf_http_request *req, struct cf_http_response *res,
                          const struct cf_plan_row *row)
{
    const char *accept = cf_http_request_header(req, "Accept");
    const char *offers[3] = { row->media_type, "application/json", NULL };
    const char *type = cf_http_negotiate(accept, offers);
    if (!type || strcmp(type, row->media_type) == 0)
        cf_http_response_body(res, row->media_type, row->text, strlen(row->text));
    else
        cf_http_response_json(res, 200, row->spec);
}

static void send_plan(struct cf_http_request *req, struct cf_http_response *res,
                      const struct cf_plan_row *row)
{
    const char *form = cf_http_request_query(req, "form");
    const char *accepted = cf_http_request_accepted(req);
    bool document = form && strcmp(form, "document") == 0;
    if (form && !document && strcmp(form, "view") != 0) {
        cf_problem(res, "INVALID_PARAMETER", "form is document or view");
        return;
    }
    if (cf_etag_not_modified(req, res, row->latest))
        return;
    if (document) {
        send_document(req, res, row);
        return;
    }
    cf_autojson json_t *j = cf_render_plan(row);
    if (!accepted || strcmp(accepted, "application/json") == 0) {
        cf_http_response_json(res, 200, j);
        return;
    }
    char *text = cf_yaml_dump(j);
    cf_http_response_body_take(res, accepted, text, strlen(text));
}

void cf_get_plan(struct cf_http_request *req, struct cf_http_response *res)
{
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    if (load(req, res, NULL, &row))
        send_plan(req, res, &row);
}

void cf_get_plan_revision(struct cf_http_request *req, struct cf_http_response *res)
{
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    if (load(req, res, cf_http_request_param(req, "revision"), &row))
        cf_http_response_json_take(res, 200, cf_render_plan(&row));
}

void cf_get_plan_effective(struct cf_http_request *req, struct cf_http_response *res)
{
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    if (!load(req, res, cf_http_request_query(req, "revision"), &row))
        return;
    cf_etag_set(res, row.revision);
    cf_http_response_json(res, 200, row.effective);
}

void cf_get_plan_revisions(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_page page;
    char last[16] = "";
    CF_CLEANUP(cf_plan_list_free) struct cf_plan_list list = { 0 };
    if (!cf_page_of(req, res, true, &page))
        return;
    if (!cf_plan_revisions(cf_api_of(req)->store, cf_http_request_param(req, "name"),
                           (int)page.after_int, page.limit, &list, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.n; i++)
        json_array_append_new(items, cf_render_plan_row(&list.rows[i]));
    if (list.n)
        (void)snprintf(last, sizeof last, "%d", list.rows[list.n - 1].revision);
    cf_page_send(req, res, items, list.more, last);
}

/* ---- comparing ---- */

static void diff_live(struct cf_http_request *req, struct cf_http_response *res,
                      const struct cf_plan_row *row)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_plan *plan = cf_plan_from_effective(row->effective, &err);
    json_t *preview = plan ? cf_engine_plan_preview(cf_api_of(req)->engine, plan, &err) : NULL;
    cf_plan_free(plan);
    if (!preview) {
        cf_problem_cluster(res, &err);
        return;
    }
    json_object_set_new(preview, "name", json_string(row->name));
    json_object_set_new(preview, "revision", json_integer(row->revision));
    json_object_set_new(preview, "against", json_string("live"));
    cf_http_response_json_take(res, 200, preview);
}

void cf_get_plan_diff(struct cf_http_request *req, struct cf_http_response *res)
{
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row other = { 0 };
    const char *against = cf_http_request_query(req, "against");
    if (!load(req, res, cf_http_request_query(req, "revision"), &row))
        return;
    if (!against || strcmp(against, "live") == 0) {
        diff_live(req, res, &row);
        return;
    }
    if (!load(req, res, against, &other))
        return;
    cf_http_response_json_take(res, 200,
                               json_pack("{s:s,s:i,s:i,s:o}", "name", row.name, "revision",
                                         row.revision, "against", other.revision, "changes",
                                         cf_plan_diff(other.effective, row.effective)));
}
