/* SPDX-License-Identifier: Apache-2.0 */
/* A whole service on an empty database for tests of the API, with a client for each role. Included
 * by one file of each test program; what fails here fails the test. */
#ifndef TESTS_UNIT_ORCHESTRATOR_API_FIXTURE_H
#define TESTS_UNIT_ORCHESTRATOR_API_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/transport.h"
#include "orchestrator/api/service.h"
#include "orchestrator/api/token.h"
#include "store/migrate.h"
#include "tests/support/file.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

enum { VIEWER, OPERATOR, ADMIN, NOBODY, CALLERS };

struct fixture {
    char dir[64];
    char *database;
    struct cf_store *store; /* of the test's own, beside the service */
    struct cf_service *service;
    struct cf_transport *transport;
    struct cf_endpoint *as[CALLERS];
    char *token[CALLERS]; /* NOBODY: NULL */
};

/* The test's own view of an answer. */
struct answer {
    int status;
    json_t *json; /* NULL when it is not JSON */
    struct cf_http_reply reply;
};

static inline void answer_free(struct answer *a)
{
    json_decref(a->json);
    cf_http_reply_free(&a->reply);
    *a = (struct answer){ 0 };
}
#define AUTO_ANSWER CF_CLEANUP(answer_free) struct answer

static inline void make_token(struct fixture *f, int who, const char *role)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_token_new row = { .name = role, .role = role, .created_by = "test" };
    struct cf_secret *text = cf_token_draw(&row);
    assert_ok(cf_token_add(f->store, &row, NULL, &err), &err);
    f->token[who] = cf_xstrdup(cf_secret_data(text));
    cf_secret_free(text);
}

static inline void write_key_file(const char *path)
{
    struct cf_secret *line = cf_keyring_generate_line();
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_true(fwrite(cf_secret_data(line), 1, cf_secret_len(line), out) > 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, 0600), 0);
    cf_secret_free(line);
}

static inline void open_clients(struct fixture *f)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_endpoint_options options = { .base_url = cf_service_url(f->service) };
    f->transport = cf_transport_new(NULL, &err);
    assert_non_null(f->transport);
    for (int i = 0; i < CALLERS; i++) {
        f->as[i] = cf_endpoint_new(&options, &err);
        assert_non_null(f->as[i]);
        cf_autofree char *bearer = f->token[i] ? cf_xasprintf("Bearer %s", f->token[i]) : NULL;
        assert_ok(cf_endpoint_set_authorization(f->as[i], bearer, &err), &err);
    }
}

static inline void wait_until_ready(struct fixture *f);

/* On a database of the caller's (malloc'd, taken). */
static inline struct fixture *fixture_start_on(char *database)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report;
    struct fixture *f = cf_xcalloc(1, sizeof *f);
    cf_log_setup(CF_LOG_ERROR, CF_LOG_JSON);
    snprintf(f->dir, sizeof f->dir, "/tmp/crossfade-api-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->database = database;
    f->store = cf_store_open(&(struct cf_store_config){ .conninfo = f->database }, &err);
    assert_non_null(f->store);
    assert_ok(cf_store_migrate(f->store, &report, &err), &err);
    make_token(f, VIEWER, "viewer");
    make_token(f, OPERATOR, "operator");
    make_token(f, ADMIN, "admin");
    cf_autofree char *key = cf_xasprintf("%s/key", f->dir);
    cf_autofree char *state = cf_xasprintf("%s/state", f->dir);
    cf_autofree char *clusters = cf_xasprintf("%s/clusters", f->dir);
    write_key_file(key);
    struct cf_service_config config = { .database = f->database,
                                        .key_file = key,
                                        .state_dir = state,
                                        .clusters_folder = clusters,
                                        .in_cluster = "here",
                                        .port = -1,
                                        .workers = 2,
                                        .drain_ms = 500,
                                        .version = "test" };
    f->service = cf_service_start(&config, &err);
    if (!f->service)
        fail_msg("the service did not start: %s", err.message);
    open_clients(f);
    wait_until_ready(f);
    return f;
}

static inline struct fixture *fixture_start(void)
{
    return fixture_start_on(cf_test_pg_database());
}

static inline void fixture_stop(struct fixture *f)
{
    cf_service_stop(f->service);
    for (int i = 0; i < CALLERS; i++) {
        cf_endpoint_unref(f->as[i]);
        free(f->token[i]);
    }
    cf_transport_free(f->transport);
    cf_store_close(f->store);
    cf_autofree char *remove = cf_xasprintf("rm -rf %s", f->dir);
    assert_int_equal(system(remove), 0);
    free(f->database);
    free(f);
}

/* One request; `headers` is NULL or a list of "Name: value" ended by NULL. */
static inline struct answer ask(struct fixture *f, int who, const char *method, const char *path,
                                const char *type, const char *body, const char *const *headers)
{
    struct cf_error err = CF_ERROR_INIT;
    struct answer a = { 0 };
    char media[128] = "";
    struct cf_http_call_request r = { .method = method,
                                      .path = path,
                                      .headers = headers,
                                      .content_type = body ? type : NULL,
                                      .body = body,
                                      .body_len = body ? strlen(body) : 0,
                                      .deadline_ms = cf_mono_now_ms() + 30000 };
    if (!cf_http_call(f->transport, f->as[who], &r, &a.reply, &err))
        fail_msg("%s %s: %s", method, path, err.message);
    a.status = a.reply.status;
    (void)cf_http_reply_header(&a.reply, "Content-Type", media, sizeof media);
    if (strstr(media, "json") && a.reply.body.len > 0 && !strstr(media, "ndjson")) {
        a.json = cf_json_parse(cf_buf_str(&a.reply.body), a.reply.body.len, 0, &err);
        if (!a.json)
            fail_msg("%s %s: not JSON: %s", method, path, cf_buf_str(&a.reply.body));
    }
    /* Everything that is not 2xx or 304 is a problem document. */
    if (a.status >= 400) {
        if (strcmp(media, "application/problem+json") != 0)
            fail_msg("%s %s: %d is no problem document but %s", method, path, a.status, media);
        assert_int_equal(cf_json_int(a.json, 0, "status", NULL), a.status);
        assert_true(*cf_json_str(a.json, "", "code", NULL) != 0);
        assert_true(*cf_json_str(a.json, "", "traceId", NULL) != 0);
    }
    return a;
}

static inline struct answer get(struct fixture *f, int who, const char *path)
{
    return ask(f, who, "GET", path, NULL, NULL, NULL);
}

static inline struct answer post_json(struct fixture *f, int who, const char *path,
                                      const char *body)
{
    return ask(f, who, "POST", path, "application/json", body, NULL);
}

/* Status and problem code. */
static inline void expect_at(const struct answer *a, int status, const char *code, int line)
{
    const char *got = cf_json_str(a->json, "", "code", NULL);
    if (a->status != status || (code && strcmp(got, code) != 0))
        fail_msg("line %d: %d %s instead of %d %s: %s", line, a->status, got, status,
                 code ? code : "", cf_buf_str(&a->reply.body));
}
#define expect(a, status, code) expect_at(&(a), (status), (code), __LINE__)

static inline void wait_until_ready(struct fixture *f)
{
    for (int i = 0; i < 200; i++) {
        AUTO_ANSWER a = get(f, NOBODY, "/readyz");
        if (a.status == 200)
            return;
        usleep(50000);
    }
    fail_msg("the service is not ready");
}

/* The twelve-line plan under a name. Caller frees. */
static inline char *plan_text(const char *name)
{
    return cf_xasprintf(
        "apiVersion: crossfade.dev/v1alpha1\nkind: MigrationPlan\nmetadata: {name: %s}\nspec:\n"
        "  source: {cluster: dc1, namespace: web}\n  target: {cluster: dc2}\n  traffic:\n"
        "    router: {type: virtualService, name: web}\n    steps: [5, 25, 50, 100]\n    hold: 5m\n"
        "  gates:\n    - successRate: \">= 99.5%%\"\n",
        name);
}

static inline struct answer put_plan(struct fixture *f, int who, const char *name, const char *text,
                                     const char *condition)
{
    const char *headers[] = { condition, NULL };
    cf_autofree char *path = cf_xasprintf("/api/v1/plans/%s", name);
    return ask(f, who, "PUT", path, "application/yaml", text, condition ? headers : NULL);
}

#endif
