/* SPDX-License-Identifier: Apache-2.0 */
/* /tokens: who may call. */
#include <ctype.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/api/body.h"
#include "orchestrator/api/hub.h"
#include "orchestrator/api/page.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/token.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

enum { NAME_MAX_CHARS = 100, DRAWS_MAX = 3 };

static bool is_fine_name(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++)
        if (n >= NAME_MAX_CHARS || iscntrl((unsigned char)name[n]))
            return false;
    return name[strspn(name, " ")] != '\0';
}

/* "90d" → ms; false: answered. */
static bool lifetime_of(struct cf_http_request *req, struct cf_http_response *res,
                        const json_t *body, int64_t *out)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *text = cf_json_str(body, "90d", "expiresIn", NULL);
    if (cf_duration_parse(text, out, &err) && *out > 0 && *out <= 365 * DAY_MS)
        return true;
    cf_body_refuse(req, res, "/expiresIn", "such as 90d", "%s",
                   err.kind ? err.message : "A token lives for more than 0s and at most 365d");
    return false;
}

/* An id of eight digits may be taken: another is drawn. */
static struct cf_secret *make(struct cf_store *store, struct cf_token_new *row, struct cf_idem *key,
                              struct cf_error *err)
{
    for (int i = 0; i < DRAWS_MAX; i++) {
        struct cf_secret *text = cf_token_draw(row);
        cf_error_clear(err);
        if (cf_token_add(store, row, key, err))
            return text;
        cf_secret_free(text);
        if (err->kind != CF_ERR_CONFLICT)
            break;
    }
    return NULL;
}

/* The first answer carried the secret, which is kept nowhere: it cannot be given again, and
 * another token would be a second effect. */
static void tell_replayed(struct cf_http_response *res, const struct cf_idem *key)
{
    cf_idem_mark(res, key);
    cf_http_response_headerf(res, "Location", "/api/v1/tokens/%s", key->resource);
    cf_problem(res, "SECRET_SHOWN",
               "This request was answered before: it made the token %s, whose text was in that "
               "answer alone",
               key->resource);
}

void cf_post_token(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_token_new row = { .created_by = cf_principal(req) };
    struct cf_idem idem;
    struct cf_idem *key = cf_idem_of(req, &idem) ? &idem : NULL;
    cf_autojson json_t *body = cf_body_read(req, res);
    if (!body || !lifetime_of(req, res, body, &row.expires_in_ms))
        return;
    row.name = cf_json_str(body, "", "name", NULL);
    row.role = cf_json_str(body, "", "role", NULL);
    if (!is_fine_name(row.name)) {
        cf_body_refuse(req, res, "/name", NULL, "A name has 1 to %d printable characters",
                       NAME_MAX_CHARS);
        return;
    }
    CF_CLEANUP(cf_secret_free_p)
    struct cf_secret *text = make(cf_api_of(req)->store, &row, key, &err);
    if (!text) {
        cf_problem_error(res, &err);
        return;
    }
    if (key && key->replayed) {
        tell_replayed(res, key);
        return;
    }
    cf_hub_nudge(cf_api_of(req)->hub);
    cf_http_response_headerf(res, "Location", "/api/v1/tokens/%s", row.id);
    cf_http_response_json_take(res, 201,
                               json_pack("{s:s,s:s,s:s,s:s}", "id", row.id, "name", row.name,
                                         "role", row.role, "token", cf_secret_data(text)));
}

void cf_get_tokens(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_page page;
    CF_CLEANUP(cf_token_list_free) struct cf_token_list list = { 0 };
    if (!cf_page_of(req, res, false, &page))
        return;
    if (!cf_token_list_page(cf_api_of(req)->store, page.after, page.limit, &list, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.n; i++)
        json_array_append_new(items, cf_render_token(&list.rows[i]));
    cf_page_send(req, res, items, list.more, list.n ? list.rows[list.n - 1].id : "");
}

void cf_get_token(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_token_row_free) struct cf_token_row row = { 0 };
    if (cf_token_get(cf_api_of(req)->store, cf_http_request_param(req, "id"), &row, &err))
        cf_http_response_json_take(res, 200, cf_render_token(&row));
    else
        cf_problem_error(res, &err);
}

void cf_delete_token(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    if (!cf_token_revoke(cf_api_of(req)->store, cf_http_request_param(req, "id"), cf_principal(req),
                         &err)) {
        cf_problem_error(res, &err);
        return;
    }
    cf_hub_nudge(cf_api_of(req)->hub);
    cf_http_response_status(res, 204);
}
