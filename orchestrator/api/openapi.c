/* SPDX-License-Identifier: Apache-2.0 */
/* The route table as OpenAPI 3.1. */
#include <string.h>

#include "orchestrator/api/problem.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/schemas.h"
#include "orchestrator/plan/plan.h"

static json_t *ref_to(const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", name));
}

/* ---- parameters ---- */

static json_t *param(const char *in, const char *name, const char *help, const char *type)
{
    return json_pack("{s:s,s:s,s:b,s:s,s:{s:s}}", "name", name, "in", in, "required",
                     strcmp(in, "path") == 0, "description", help, "schema", "type", type);
}

static void path_params(const struct cf_route *r, json_t *params)
{
    for (const char *at = strchr(r->path, '{'); at; at = strchr(at + 1, '{')) {
        cf_autofree char *name = cf_xstrndup(at + 1, strcspn(at + 1, "}"));
        json_array_append_new(params, param("path", name, "from the path", "string"));
    }
}

static void query_params(const struct cf_route *r, json_t *params)
{
    for (size_t i = 0; i < CF_ROUTE_PARAMS_MAX && r->params[i].name; i++)
        json_array_append_new(params,
                              param("query", r->params[i].name, r->params[i].help, "string"));
    if (r->flags & CF_ROUTE_PAGED) {
        json_array_append_new(params,
                              param("query", "limit", "rows of a page, 1 to 500; 50", "integer"));
        json_array_append_new(params,
                              param("query", "cursor", "nextCursor of the page before", "string"));
    }
    if (r->flags & CF_ROUTE_DRY_RUN)
        json_array_append_new(
            params, param("query", "dryRun", "say what would happen, change nothing", "boolean"));
}

static void header_params(const struct cf_route *r, json_t *params)
{
    static const struct {
        unsigned flag;
        const char *name, *help;
    } rows[] = {
        { CF_ROUTE_IDEMPOTENT, "Idempotency-Key",
          "the same request sent again has no second effect" },
        { CF_ROUTE_PRECONDITION, "If-Match",
          "the ETag that was read, or *; this or If-None-Match" },
        { CF_ROUTE_PRECONDITION, "If-None-Match", "*: only if it is not there yet" },
        { CF_ROUTE_WAIT, "Prefer",
          "wait=N: answer when something has changed, or after N seconds" },
        { CF_ROUTE_STREAM, "Last-Event-ID", "go on after this event" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        if (r->flags & rows[i].flag)
            json_array_append_new(params, param("header", rows[i].name, rows[i].help, "string"));
}

/* ---- bodies ---- */

static json_t *request_body(const struct cf_route *r)
{
    return json_pack("{s:b,s:{s:{s:o},s:{s:o}}}", "required", true, "content", "application/json",
                     "schema", ref_to(r->request), "application/yaml", "schema",
                     ref_to(r->request));
}

static json_t *success(const struct cf_route *r)
{
    json_t *content = json_object();
    json_t *j = json_pack("{s:s}", "description", r->summary);
    for (size_t i = 0; r->response && r->produces && r->produces[i]; i++)
        json_object_set_new(content, r->produces[i],
                            json_pack("{s:o}", "schema", ref_to(r->response)));
    if (r->response && !r->produces)
        json_object_set_new(content, "application/json",
                            json_pack("{s:o}", "schema", ref_to(r->response)));
    if (json_object_size(content) > 0)
        json_object_set(j, "content", content);
    json_decref(content);
    return j;
}

static json_t *problem_answer(void)
{
    return json_pack("{s:s,s:{s:{s:o}}}", "description", "Anything else", "content",
                     "application/problem+json", "schema", ref_to("Problem"));
}

/* ---- operations ---- */

static json_t *operation(const struct cf_route *r)
{
    json_t *params = json_array();
    path_params(r, params);
    query_params(r, params);
    header_params(r, params);
    json_t *op = json_pack("{s:[s],s:s,s:o,s:{s:o,s:o}}", "tags", r->tag, "summary", r->summary,
                           "parameters", params, "responses", r->status, success(r), "default",
                           problem_answer());
    if (r->request)
        json_object_set_new(op, "requestBody", request_body(r));
    if (r->role == CF_ROLE_NONE)
        json_object_set_new(op, "security", json_array());
    else
        json_object_set_new(op, "x-role", json_string(cf_role_name(r->role)));
    return op;
}

static json_t *paths(void)
{
    json_t *all = json_object();
    for (const struct cf_route *r = cf_routes; r->method; r++) {
        char method[16];
        size_t n = 0;
        json_t *item = json_object_get(all, r->path);
        if (!item) {
            item = json_object();
            json_object_set_new(all, r->path, item);
        }
        for (; r->method[n] && n + 1 < sizeof method; n++)
            method[n] = (char)(r->method[n] | 0x20);
        method[n] = 0;
        json_object_set_new(item, method, operation(r));
    }
    return all;
}

static json_t *schemas(void)
{
    json_t *all = json_object();
    for (const struct cf_schema *s = cf_request_schemas; s->name; s++)
        json_object_set_new(all, s->name, cf_schema_json(s));
    for (const struct cf_schema *s = cf_response_schemas; s->name; s++)
        json_object_set_new(all, s->name, cf_schema_json(s));
    json_object_set_new(all, "Plan", cf_plan_json_schema());
    return all;
}

json_t *cf_openapi(const char *version)
{
    json_t *components = json_pack("{s:o,s:{s:{s:s,s:s}}}", "schemas", schemas(), "securitySchemes",
                                   "bearer", "type", "http", "scheme", "bearer");
    return json_pack("{s:s,s:{s:s,s:s},s:[{s:[]}],s:o,s:o}", "openapi", "3.1.0", "info", "title",
                     "Crossfade", "version", *version ? version : "0", "security", "bearer",
                     "paths", paths(), "components", components);
}
