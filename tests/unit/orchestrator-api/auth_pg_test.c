/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call what: every route of the table without a token, with each role; what the refusals
 * say; what is recorded of them. */
#include "orchestrator/api/routes.h"
#include "store/events.h"
#include "tests/unit/orchestrator-api/fixture.h"

/* The route's path with something in place of each parameter. Caller frees. */
static char *some_path(const struct cf_route *r)
{
    struct cf_buf b = CF_BUF_INIT(1024);
    for (const char *c = r->path; *c; c++) {
        if (*c != '{') {
            cf_buf_putc(&b, *c);
            continue;
        }
        cf_buf_puts(&b, strncmp(c, "{revision}", 10) == 0 ? "1" : "nothing");
        c = strchr(c, '}');
    }
    return cf_buf_take(&b);
}

static struct answer try(struct fixture *f, int who, const struct cf_route *r)
{
    const char *headers[] = { "If-Match: *", "Accept: application/json, */*;q=0.1", NULL };
    cf_autofree char *path = some_path(r);
    return ask(f, who, r->method, path, "application/json", r->request ? "{}" : NULL, headers);
}

static void without_a_token_there_is_nothing(void **state)
{
    struct fixture *f = *state;
    for (const struct cf_route *r = cf_routes; r->method; r++) {
        AUTO_ANSWER a = try(f, NOBODY, r);
        char challenge[64] = "";
        if (r->role == CF_ROLE_NONE) {
            expect(a, 200, NULL);
            continue;
        }
        expect(a, 401, "UNAUTHENTICATED");
        assert_true(
            cf_http_reply_header(&a.reply, "WWW-Authenticate", challenge, sizeof challenge));
        assert_string_equal(challenge, "Bearer realm=\"crossfade\"");
    }
}

static void roles_bound_what_is_done(void **state)
{
    struct fixture *f = *state;
    static const enum cf_role roles[] = { CF_ROLE_VIEWER, CF_ROLE_OPERATOR, CF_ROLE_ADMIN };
    for (const struct cf_route *r = cf_routes; r->method; r++) {
        for (int who = VIEWER; who <= ADMIN; who++) {
            if (r->handler == cf_put_freeze || r->handler == cf_delete_freeze)
                continue;
            AUTO_ANSWER a = try(f, who, r);
            if (roles[who] >= r->role) {
                if (a.status == 401 || a.status == 403 || a.status >= 500)
                    fail_msg("%s %s as %s: %d %s", r->method, r->path, cf_role_name(roles[who]),
                             a.status, cf_buf_str(&a.reply.body));
                continue;
            }
            expect(a, 403, "FORBIDDEN");
            assert_non_null(strstr(cf_json_str(a.json, "", "detail", NULL), cf_role_name(r->role)));
        }
    }
}

static void denials_are_recorded(void **state)
{
    struct fixture *f = *state;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_event_list_free) struct cf_event_list list = { 0 };
    struct cf_event_filter filter = { .kind_prefix = "access.denied" };
    AUTO_ANSWER a = ask(f, VIEWER, "DELETE", "/api/v1/freeze", NULL, NULL, NULL);
    expect(a, 403, "FORBIDDEN");
    assert_ok(cf_events_last(f->store, &filter, 1, &list, &err), &err);
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].actor, "viewer");
    assert_string_equal(cf_json_str(list.rows[0].body, "", "path", NULL), "/api/v1/freeze");
}

static void wrong_tokens_are_told_apart_only_by_form(void **state)
{
    struct fixture *f = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_token_new row = { .name = "x", .role = "admin", .created_by = "t" };
    struct cf_secret *unknown = cf_token_draw(&row);
    const char *values[] = { "Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer abc",
                             "bearer cf_00000000_x_000000" };
    cf_autofree char *made_up = cf_xasprintf("Bearer %s", cf_secret_data(unknown));
    cf_secret_free(unknown);
    for (size_t i = 0; i < CF_ARRAY_LEN(values); i++) {
        assert_ok(cf_endpoint_set_authorization(f->as[NOBODY], values[i], &err), &err);
        AUTO_ANSWER a = get(f, NOBODY, "/api/v1/me");
        expect(a, 401, "UNAUTHENTICATED");
    }
    assert_ok(cf_endpoint_set_authorization(f->as[NOBODY], made_up, &err), &err);
    AUTO_ANSWER b = get(f, NOBODY, "/api/v1/me");
    expect(b, 401, "UNAUTHENTICATED");
    assert_ok(cf_endpoint_set_authorization(f->as[NOBODY], NULL, &err), &err);
}

static void tokens_are_made_used_and_revoked(void **state)
{
    struct fixture *f = *state;
    struct cf_error err = CF_ERROR_INIT;
    AUTO_ANSWER a = post_json(f, ADMIN, "/api/v1/tokens",
                              "{\"name\":\"ci\",\"role\":\"operator\",\"expiresIn\":\"1d\"}");
    expect(a, 201, NULL);
    cf_autofree char *bearer = cf_xasprintf("Bearer %s", cf_json_str(a.json, "", "token", NULL));
    cf_autofree char *path = cf_xasprintf("/api/v1/tokens/%s", cf_json_str(a.json, "", "id", NULL));
    assert_ok(cf_endpoint_set_authorization(f->as[NOBODY], bearer, &err), &err);
    AUTO_ANSWER me = get(f, NOBODY, "/api/v1/me");
    expect(me, 200, NULL);
    assert_string_equal(cf_json_str(me.json, "", "role", NULL), "operator");
    assert_string_equal(cf_json_str(me.json, "", "name", NULL), "ci");
    AUTO_ANSWER list = get(f, ADMIN, "/api/v1/tokens");
    expect(list, 200, NULL);
    assert_null(strstr(cf_buf_str(&list.reply.body), bearer + 7));
    AUTO_ANSWER gone = ask(f, ADMIN, "DELETE", path, NULL, NULL, NULL);
    expect(gone, 204, NULL);
    AUTO_ANSWER after = get(f, NOBODY, "/api/v1/me");
    expect(after, 401, "UNAUTHENTICATED");
    assert_ok(cf_endpoint_set_authorization(f->as[NOBODY], NULL, &err), &err);
    AUTO_ANSWER long_life = post_json(
        f, ADMIN, "/api/v1/tokens", "{\"name\":\"x\",\"role\":\"viewer\",\"expiresIn\":\"366d\"}");
    expect(long_life, 422, "INVALID_BODY");
    AUTO_ANSWER blank =
        post_json(f, ADMIN, "/api/v1/tokens", "{\"name\":\"  \",\"role\":\"viewer\"}");
    expect(blank, 422, "INVALID_BODY");
    AUTO_ANSWER role = post_json(f, ADMIN, "/api/v1/tokens", "{\"name\":\"x\",\"role\":\"viewr\"}");
    expect(role, 422, "INVALID_BODY");
    assert_string_equal(json_string_value(cf_json_pointer(role.json, "/errors/0/hint")),
                        "did you mean \"viewer\"?");
}

static void a_secret_is_shown_once_also_to_a_repeated_request(void **state)
{
    struct fixture *f = *state;
    const char *headers[] = { "Idempotency-Key: token-1", NULL };
    const char *body = "{\"name\":\"ci\",\"role\":\"viewer\"}";
    char place[128], replayed[16];
    AUTO_ANSWER first = ask(f, ADMIN, "POST", "/api/v1/tokens", "application/json", body, headers);
    expect(first, 201, NULL);
    AUTO_ANSWER again = ask(f, ADMIN, "POST", "/api/v1/tokens", "application/json", body, headers);
    expect(again, 409, "SECRET_SHOWN");
    assert_null(strstr(cf_buf_str(&again.reply.body), "cf_"));
    assert_true(cf_http_reply_header(&again.reply, "Location", place, sizeof place));
    assert_true(cf_http_reply_header(&again.reply, "Idempotency-Replayed", replayed, 16));
    AUTO_ANSWER record = get(f, ADMIN, place);
    expect(record, 200, NULL);
    assert_string_equal(cf_json_str(record.json, "", "id", NULL),
                        cf_json_str(first.json, "?", "id", NULL));
    AUTO_ANSWER other = ask(f, ADMIN, "POST", "/api/v1/tokens", "application/json",
                            "{\"name\":\"cd\",\"role\":\"viewer\"}", headers);
    expect(other, 422, "IDEMPOTENCY_MISMATCH");
    AUTO_ANSWER none = get(f, ADMIN, "/api/v1/tokens/00000000");
    expect(none, 404, "NOT_FOUND");
}

static void the_first_token_is_made_once(void **state)
{
    struct fixture *f = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_token_new row = { .name = "first", .role = "admin", .created_by = "bootstrap" };
    cf_secret_free(cf_token_draw(&row));
    assert_fails(cf_token_bootstrap(f->store, &row, &err), &err, CF_ERR_CONFLICT, "");
}

/* What never reaches a handler has the same form (ask() checks it). */
static void the_server_itself_answers_with_problems(void **state)
{
    struct fixture *f = *state;
    char *large = cf_xmalloc(2 * 1024 * 1024);
    memset(large, ' ', 2 * 1024 * 1024 - 1);
    large[2 * 1024 * 1024 - 1] = 0;
    AUTO_ANSWER path = get(f, VIEWER, "/nothing");
    expect(path, 404, "NOT_FOUND");
    AUTO_ANSWER method = ask(f, VIEWER, "PATCH", "/api/v1/plans", NULL, NULL, NULL);
    expect(method, 405, "METHOD_NOT_ALLOWED");
    AUTO_ANSWER size = ask(f, OPERATOR, "POST", "/api/v1/plans", "text/yaml", large, NULL);
    expect(size, 413, "TOO_LARGE");
    AUTO_ANSWER type = ask(f, ADMIN, "PUT", "/api/v1/freeze", "text/html", "x", NULL);
    expect(type, 415, "UNSUPPORTED_MEDIA_TYPE");
    large[20000] = 0;
    cf_autofree char *header = cf_xasprintf("X-Large: %s", large);
    memset(header + 9, 'x', 20000);
    const char *headers[] = { header, NULL };
    AUTO_ANSWER head = ask(f, VIEWER, "GET", "/api/v1/me", NULL, NULL, headers);
    expect(head, 431, "HEADERS_TOO_LARGE");
    free(large);
}

static int start(void **state)
{
    *state = fixture_start();
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_token_there_is_nothing),
        cmocka_unit_test(roles_bound_what_is_done),
        cmocka_unit_test(denials_are_recorded),
        cmocka_unit_test(wrong_tokens_are_told_apart_only_by_form),
        cmocka_unit_test(tokens_are_made_used_and_revoked),
        cmocka_unit_test(a_secret_is_shown_once_also_to_a_repeated_request),
        cmocka_unit_test(the_first_token_is_made_once),
        cmocka_unit_test(the_server_itself_answers_with_problems),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
