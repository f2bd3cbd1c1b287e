/* SPDX-License-Identifier: Apache-2.0 */
/* The page docs/api.md, made from the tables of routes, shapes and problems. */
#include <string.h>

#include "orchestrator/api/metrics_table.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/schemas.h"

static const char intro[] =
    "# REST API\n"
    "\n"
    "<!-- Made from the program's own tables by tests/unit/orchestrator-api/routes_test.c: do not "
    "edit. -->\n"
    "\n"
    "Everything that Crossfade does is done through this API; the command line uses nothing else.\n"
    "The same in machine form: `GET /openapi.json`; plan documents: `GET /schemas/plan.json`.\n"
    "\n"
    "- **Who asks**: `Authorization: Bearer TOKEN`. Roles: viewer reads, operator acts, admin "
    "registers clusters, makes tokens, freezes. 401 without a valid token, 403 names the role that "
    "is missing. Only `/livez` and `/readyz` ask for none.\n"
    "- **Bodies** are JSON or YAML (`Content-Type`), decoded strictly.\n"
    "- **Errors** are `application/problem+json` with `code`, `detail`, `hint`, `traceId`, and "
    "`errors[]` of `pointer`, `line`, `column`, `detail`, `hint`.\n"
    "- **Changing what others may change too**: send `If-Match` with the `ETag` that you read, or "
    "`If-None-Match: *` to create; 428 without, 412 when it has changed meanwhile.\n"
    "- **Sending again**: a POST with the same `Idempotency-Key` has one effect and the first "
    "answer's resource (`Idempotency-Replayed: true`); keys live a day. A token's text is not kept: "
    "its repetition is refused with `SECRET_SHOWN`, naming the token.\n"
    "- **Lists** come in pages: `limit` (1 to 500), `cursor`; `nextCursor` and a `Link` header "
    "lead "
    "on. An unknown query parameter is refused.\n"
    "- **202** means asked, not done: `Location` is what to read until it is (an action, a "
    "preflight, a bridge, which answers 404 once it is gone), `Retry-After` when.\n"
    "- **Waiting**: `Prefer: wait=N` (at most 60) answers when there is news or the time is over.\n"
    "- **Events** have ids in commit order. `Accept: text/event-stream` or `application/x-ndjson` "
    "follows them; `Last-Event-ID` or `?after=` resumes without a gap; `resync` says that events "
    "were missed because they are no longer kept. A client that does not keep up is cut off and "
    "resumes.\n";

static void route_table(struct cf_buf *b)
{
    const char *tag = "";
    cf_buf_puts(b, "\n## Routes\n");
    for (const struct cf_route *r = cf_routes; r->method; r++) {
        if (strcmp(tag, r->tag) != 0)
            cf_buf_printf(b,
                          "\n### %s\n\n| request | role | what it does | body | answer |\n"
                          "|---|---|---|---|---|\n",
                          r->tag);
        tag = r->tag;
        cf_buf_printf(b, "| `%s %s` | %s | %s", r->method, r->path,
                      r->role == CF_ROLE_NONE ? "none" : cf_role_name(r->role), r->summary);
        for (size_t i = 0; i < CF_ROUTE_PARAMS_MAX && r->params[i].name; i++)
            cf_buf_printf(b, "%s`?%s=` %s", i ? ", " : ". ", r->params[i].name, r->params[i].help);
        cf_buf_printf(b, " | %s | %s %s |\n", r->request ? r->request : "", r->status,
                      r->response ? r->response : "");
    }
}

static void schema_table(struct cf_buf *b, const struct cf_schema *table)
{
    static const char *const types[] = {
        [CF_FIELD_STRING] = "string",
        [CF_FIELD_NOTE] = "string",
        [CF_FIELD_INT] = "integer",
        [CF_FIELD_NUMBER] = "number",
        [CF_FIELD_BOOL] = "boolean",
        [CF_FIELD_TIME] = "time",
        [CF_FIELD_OBJECT] = "object",
        [CF_FIELD_LIST] = "list",
        [CF_FIELD_STRINGS] = "list of strings",
        [CF_FIELD_TEXT_OR_OBJECT] = "text or object",
    };
    for (const struct cf_schema *s = table; s->name; s++) {
        cf_buf_printf(b, "\n### %s\n\n%s.\n\n| field | type | meaning |\n|---|---|---|\n", s->name,
                      s->help);
        for (const struct cf_field *f = s->fields; f->name; f++) {
            cf_buf_printf(b, "| `%s`%s | %s%s%s%s | %s", f->name,
                          f->flags & CF_FIELD_REQUIRED ? "" : " (optional)", types[f->type],
                          f->ref ? " of " : "", f->ref ? f->ref : "",
                          f->flags & CF_FIELD_NULL ? " or null" : "", f->help);
            cf_autofree char *words = cf_xstrdup(f->words ? f->words : "");
            for (char *rest = words, *word; *words && (word = strsep(&rest, "|")) != NULL;)
                cf_buf_printf(b, "%s`%s`", word == words ? ": " : ", ", word);
            cf_buf_puts(b, " |\n");
        }
    }
}

static void problem_table(struct cf_buf *b)
{
    cf_buf_puts(b, "\n## Problems\n\n| code | status | title | hint |\n|---|---|---|---|\n");
    for (const struct cf_problem_row *p = cf_problem_rows; p->code; p++)
        cf_buf_printf(b, "| `%s` | %d | %s | %s |\n", p->code, p->status, p->title,
                      p->hint ? p->hint : "");
}

char *cf_api_markdown(void)
{
    struct cf_buf b = CF_BUF_INIT(1024 * 1024);
    cf_buf_puts(&b, intro);
    route_table(&b);
    cf_buf_puts(&b, "\n## Bodies\n\n`Plan` is the plan document: docs/plan-reference.md.\n");
    schema_table(&b, cf_request_schemas);
    cf_buf_puts(&b, "\n## Answers\n");
    schema_table(&b, cf_response_schemas);
    problem_table(&b);
    cf_buf_puts(&b, "\n## Metrics\n\n`GET /metrics`, Prometheus text.\n\n");
    cf_metrics_markdown(cf_metrics_table, &b);
    cf_assert(!b.overflow);
    return cf_buf_take(&b);
}
