/* SPDX-License-Identifier: Apache-2.0 */
/* /bridges: over which traffic still flows after its run. */
#include "store/bridges.h"

#include <string.h>

#include "orchestrator/api/hub.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/engine/engine.h"
#include "store/runs.h"

static json_t *render(struct cf_http_request *req, const struct cf_bridge_row *row)
{
    cf_autojson json_t *status = cf_engine_bridge_status(cf_api_of(req)->engine, row->id);
    return cf_render_bridge(row, status);
}

void cf_get_bridges(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_UUID_TEXT];
    const char *run = cf_http_request_query(req, "run");
    CF_CLEANUP(cf_bridge_list_free) struct cf_bridge_list list = { 0 };
    bool found = !run || cf_run_find(cf_api_of(req)->store, run, id, &err);
    if (!found && err.kind == CF_ERR_INVALID) {
        cf_problem(res, "INVALID_PARAMETER", "%s", err.message);
        return;
    }
    if (!found ||
        !cf_bridge_list_all(cf_api_of(req)->store, NULL, 0, run ? id : NULL, &list, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.n; i++)
        json_array_append_new(items, render(req, &list.rows[i]));
    cf_http_response_json_take(res, 200, json_pack("{s:o}", "items", items));
}

static const char *bridge_id(struct cf_http_request *req, struct cf_http_response *res)
{
    const char *id = cf_http_request_param(req, "id");
    if (cf_uuid_valid(id))
        return id;
    cf_problem(res, "NOT_FOUND", "The id of a bridge is a UUID");
    return NULL;
}

void cf_get_bridge(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_bridge_row_free) struct cf_bridge_row row = { 0 };
    const char *id = bridge_id(req, res);
    if (id && cf_bridge_get(cf_api_of(req)->store, id, &row, &err))
        cf_http_response_json_take(res, 200, render(req, &row));
    else if (id)
        cf_problem_error(res, &err);
}

/* 202: its lane takes it away as soon as no router names it. Until then Location shows it; 404 there
 * says that it is gone. */
void cf_delete_bridge(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_bridge_row_free) struct cf_bridge_row row = { 0 };
    const char *id = bridge_id(req, res);
    if (!id)
        return;
    if (!cf_bridge_get(cf_api_of(req)->store, id, &row, &err) ||
        !cf_engine_bridge_remove(cf_api_of(req)->engine, id, cf_principal(req), &err)) {
        cf_problem_error(res, &err);
        return;
    }
    cf_hub_nudge(cf_api_of(req)->hub);
    json_t *asked = render(req, &row);
    json_object_set_new(asked, "state", json_string("retiring"));
    cf_http_response_headerf(res, "Location", "/api/v1/bridges/%s", id);
    cf_http_response_header(res, "Retry-After", "1");
    cf_http_response_json_take(res, 202, asked);
}
