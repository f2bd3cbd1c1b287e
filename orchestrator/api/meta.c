/* SPDX-License-Identifier: Apache-2.0 */
/* What is about the service itself: health, metrics, version, documentation, the caller. */
#include <stdlib.h>
#include <string.h>

#include "orchestrator/api/hub.h"
#include "orchestrator/api/metrics_table.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/engine/engine.h"
#include "store/store.h"

void cf_get_me(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct cf_caller *c = cf_caller_of(req);
    json_t *may = json_array();
    for (enum cf_role r = CF_ROLE_VIEWER; r <= c->role; r++)
        json_array_append_new(may, json_string(cf_role_name(r)));
    cf_http_response_json_take(res, 200,
                               json_pack("{s:s,s:s,s:s,s:o,s:o}", "tokenId", c->token_id, "name",
                                         c->name, "role", cf_role_name(c->role), "roles", may,
                                         "expiresAt", cf_render_time(c->expires_ms)));
}

void cf_get_version(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_http_response_json_take(res, 200,
                               json_pack("{s:s,s:s,s:s}", "version", cf_api_of(req)->version, "api",
                                         "v1", "planApiVersion", CF_PLAN_API_VERSION));
}

/* On the sockets' thread: that it runs is the answer. */
void cf_get_livez(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)req;
    cf_http_response_text(res, 200, "ok\n");
}

void cf_get_readyz(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_api *api = cf_api_of(req);
    struct cf_error err = CF_ERROR_INIT;
    char why[CF_ENGINE_WHY_MAX] = "";
    bool store = cf_store_ready(api->store, &err);
    bool engine = cf_engine_ready(api->engine, why);
    bool verbose = cf_http_request_query(req, "verbose") != NULL;
    if (!store || !engine) {
        cf_http_response_header(res, "Retry-After", "1");
        /* Who asks has shown no token: no names of hosts. */
        cf_problem(res, "UNAVAILABLE", "not ready: %s%s%s",
                   store ? "" : "the database does not answer, or its schema is not this program's",
                   !store && !engine ? "; " : "", engine ? "" : why);
    } else if (verbose) {
        cf_http_response_text(res, 200, "[+] database and schema\n[+] engine\nok\n");
    } else {
        cf_http_response_text(res, 200, "ok\n");
    }
}

void cf_get_metrics(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_api *api = cf_api_of(req);
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(16 * 1024 * 1024);
    if (!api->metrics) {
        cf_http_response_text(res, 200, "\n");
        return;
    }
    cf_metrics_sample(api->metrics, &api->seen, api->store, api->engine, api->version);
    cf_metrics_runs_look(&api->runs, api->metrics, api->store);
    cf_metrics_render(api->metrics, &out);
    cf_http_response_body(res, "text/plain; version=0.0.4; charset=utf-8", cf_buf_str(&out),
                          out.len);
}

void cf_get_openapi(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_http_response_json_take(res, 200, cf_openapi(cf_api_of(req)->version));
}

void cf_get_plan_schema(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)req;
    cf_http_response_header(res, "Content-Type", "application/schema+json");
    cf_http_response_json_take(res, 200, cf_plan_json_schema());
}

void cf_get_problems(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)req;
    cf_http_response_json_take(res, 200, json_pack("{s:o}", "items", cf_problem_list()));
}

void cf_get_problem(struct cf_http_request *req, struct cf_http_response *res)
{
    size_t i;
    json_t *row;
    cf_autojson json_t *list = cf_problem_list();
    cf_autofree char *type = cf_xasprintf("/problems/%s", cf_http_request_param(req, "slug"));
    json_array_foreach(list, i, row)
    {
        if (strcmp(cf_json_str(row, "", "type", NULL), type) == 0) {
            cf_http_response_json(res, 200, row);
            return;
        }
    }
    cf_problem(res, "NOT_FOUND", "There is no such problem; /problems lists them");
}
