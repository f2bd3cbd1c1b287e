/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the service and what is printed when it refuses. */
#include "orchestrator/cli/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/thread.h"
#include "base/units.h"
#include "base/url.h"
#include "base/uuid.h"
#include "orchestrator/cli/connection.h"

enum {
    TOKEN_FILE_MAX = 4096,
    CA_FILE_MAX = 4 * 1024 * 1024,
    TIMEOUT_MS = 30000,
    HEADERS_MAX = 8,
    PAGE = 200, /* items of one request of a list */
};

static const char *env_value(const char *name)
{
    return getenv(name);
}

static char *context_file(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && *xdg)
        return cf_xasprintf("%s/crossfade/config.yaml", xdg);
    return home && *home ? cf_xasprintf("%s/.config/crossfade/config.yaml", home) : NULL;
}

/* "Bearer TOKEN" of a token file; NULL with a clear error when there is no file to read. */
static bool authorize(struct cf_endpoint *endpoint, const char *token_file, struct cf_error *err)
{
    if (!token_file)
        return true;
    size_t len;
    char *token = cf_file_read(token_file, TOKEN_FILE_MAX, &len, err);
    if (!token)
        return cf_error_wrap(err, "token");
    size_t n = strcspn(token, " \t\r\n");
    if (n == 0) {
        free(token);
        return cf_error_set(err, CF_ERR_DENIED, "token: %s does not begin with a token",
                            token_file);
    }
    char *value = cf_xasprintf("Bearer %.*s", (int)n, token);
    bool ok = cf_endpoint_set_authorization(endpoint, value, err) ||
              cf_error_wrap(err, "token in %s", token_file);
    cf_zero(value, strlen(value));
    cf_zero(token, len);
    free(value);
    free(token);
    return ok;
}

static bool open_endpoint(const struct cf_connection *where, struct cf_client *c,
                          struct cf_error *err)
{
    cf_autofree char *ca = NULL;
    if (where->ca_file && !(ca = cf_file_read(where->ca_file, CA_FILE_MAX, NULL, err)))
        return cf_error_wrap(err, "CA");
    struct cf_endpoint_options options = { .base_url = where->server,
                                           .ca_pem = ca,
                                           .user_agent = "crossfade/" CF_VERSION };
    c->endpoint = cf_endpoint_new(&options, err);
    return c->endpoint && authorize(c->endpoint, where->token_file, err);
}

bool cf_client_open(const struct cf_cli *cli, struct cf_client *out, struct cf_error *err)
{
    cf_autofree char *file = context_file();
    struct cf_connection_given given = {
        .server = cf_arg(cli, "server"),
        .token_file = cf_arg(cli, "token-file"),
        .ca_file = cf_arg(cli, "ca-file"),
        .context = cf_arg(cli, "context"),
        .env = env_value,
        .home = getenv("HOME"),
        .file = file,
    };
    CF_CLEANUP(cf_connection_free) struct cf_connection where = { 0 };
    struct cf_client c = { .timeout_ms = TIMEOUT_MS };
    const char *timeout = cf_arg(cli, "timeout");
    if (timeout && !cf_duration_parse(timeout, &c.timeout_ms, err))
        return cf_error_wrap(err, "--timeout");
    if (!cf_connection_resolve(&given, &where, err))
        return false;
    if (!open_endpoint(&where, &c, err) ||
        !(c.transport =
              cf_transport_new(&(struct cf_transport_options){ .name = "client" }, err))) {
        cf_endpoint_unref(c.endpoint);
        return false;
    }
    c.server = cf_steal(&where.server);
    *out = c;
    return true;
}

int cf_client_of(const struct cf_cli *cli, struct cf_client *out)
{
    struct cf_error err = CF_ERROR_INIT;
    return cf_client_open(cli, out, &err) ? CF_EXIT_OK : cf_fail(&err);
}

void cf_client_close(struct cf_client *c)
{
    cf_transport_free(c->transport);
    cf_endpoint_unref(c->endpoint);
    free(c->server);
    *c = (struct cf_client){ 0 };
}

void cf_answer_free(struct cf_answer *a)
{
    json_decref(a->json);
    free(a->text);
    *a = (struct cf_answer){ 0 };
}

/* --- one request --- */

struct headers {
    char texts[HEADERS_MAX][160];
    const char *list[HEADERS_MAX + 1];
    size_t n;
};

static void add_header(struct headers *h, const char *name, const char *value)
{
    if (!value)
        return;
    cf_assert(h->n < HEADERS_MAX);
    snprintf(h->texts[h->n], sizeof h->texts[0], "%s: %s", name, value);
    h->list[h->n] = h->texts[h->n];
    h->n++;
}

static void fill_answer(struct cf_http_reply *reply, struct cf_answer *out)
{
    *out = (struct cf_answer){ .status = reply->status };
    cf_http_reply_header(reply, "ETag", out->etag, sizeof out->etag);
    cf_http_reply_header(reply, "Location", out->location, sizeof out->location);
    char type[128] = "";
    cf_http_reply_header(reply, "Content-Type", type, sizeof type);
    struct cf_error ignored = CF_ERROR_INIT;
    if (strstr(type, "json") && !strstr(type, "ndjson"))
        out->json = cf_json_parse(cf_buf_str(&reply->body), reply->body.len, 0, &ignored);
    out->text = cf_xstrndup(cf_buf_str(&reply->body), reply->body.len);
}

bool cf_client_call(struct cf_client *c, const struct cf_ask *ask, struct cf_answer *out,
                    struct cf_error *err)
{
    struct headers h = { .n = 0 };
    char key[CF_UUID_TEXT], wait[32];
    bool is_post = ask->method && strcmp(ask->method, "POST") == 0;
    add_header(&h, "Idempotency-Key", is_post ? cf_uuid_v7(key) : NULL);
    add_header(&h, "If-Match", ask->if_match);
    add_header(&h, "If-None-Match", ask->if_none_match);
    snprintf(wait, sizeof wait, "wait=%d", ask->wait_s);
    add_header(&h, "Prefer", ask->wait_s ? wait : NULL);
    cf_autofree char *json = ask->json ? cf_json_dump(ask->json) : NULL;
    const char *body = json ? json : ask->text;
    struct cf_http_call_request request = {
        .method = ask->method,
        .path = ask->path,
        .headers = h.n ? h.list : NULL,
        .content_type = json ? "application/json" : ask->content_type,
        .accept = ask->accept ? ask->accept : "application/json",
        .body = body,
        .body_len = json ? strlen(json) : ask->text_len,
    };
    for (int attempt = 0;; attempt++) {
        CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
        request.deadline_ms = cf_mono_now_ms() + c->timeout_ms + ask->wait_s * 1000;
        if (cf_http_call(c->transport, c->endpoint, &request, &reply, err)) {
            fill_answer(&reply, out);
            return true;
        }
        if (err->kind != CF_ERR_UNKNOWN || !is_post || attempt > 0)
            return false;
        cf_error_clear(err); /* the key makes the second one harmless */
    }
}

/* --- what people read --- */

static void put_place(const json_t *e, const char *file, struct cf_buf *out)
{
    const char *pointer = cf_json_str(e, "", "pointer", NULL);
    int64_t line = cf_json_int(e, 0, "line", NULL), column = cf_json_int(e, 0, "column", NULL);
    if (file)
        cf_buf_printf(out, "%s:", strcmp(file, "-") == 0 ? "<stdin>" : file);
    if (line > 0)
        cf_buf_printf(out, "%lld:%lld:", (long long)line, (long long)column);
    cf_buf_printf(out, "%s%s%s", file || line > 0 ? " " : "", pointer, *pointer ? ": " : "");
}

void cf_problem_text(const json_t *problem, int status, const char *file, struct cf_buf *out)
{
    const char *title = cf_json_str(problem, NULL, "title", NULL),
               *detail = cf_json_str(problem, NULL, "detail", NULL);
    const char *code = cf_json_str(problem, NULL, "code", NULL),
               *hint = cf_json_str(problem, NULL, "hint", NULL);
    if (!detail && !title) {
        cf_buf_printf(out, "crossfade: the service answered %d\n", status);
        return;
    }
    cf_buf_printf(out, "crossfade: %s", detail ? detail : title);
    if (code)
        cf_buf_printf(out, " (%d %s)", status, code);
    cf_buf_putc(out, '\n');
    size_t i;
    json_t *e;
    json_array_foreach(cf_json_at(problem, "errors", NULL), i, e)
    {
        put_place(e, file, out);
        cf_buf_printf(out, "%s\n", cf_json_str(e, "", "detail", NULL));
        const char *own = cf_json_str(e, NULL, "hint", NULL);
        if (own)
            cf_buf_printf(out, "    hint: %s\n", own);
    }
    if (hint)
        cf_buf_printf(out, "hint: %s\n", hint);
    const char *trace = cf_json_str(problem, NULL, "traceId", NULL);
    if (trace && status >= 500)
        cf_buf_printf(out, "traceId: %s\n", trace);
}

int cf_ask(struct cf_client *c, const struct cf_ask *ask, struct cf_answer *out)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    if (!cf_client_call(c, ask, &a, &err)) {
        int code = cf_fail(&err);
        if (strstr(err.message, "wrong version number"))
            fputs("hint: no TLS is spoken there; on this machine the service is http://\n", stderr);
        else if (strcmp(err.reason, "TLS") == 0)
            fputs("hint: --ca-file FILE (or CROSSFADE_CA_FILE) names the certificates to trust\n",
                  stderr);
        else if (code == CF_EXIT_UNREACHABLE)
            fputs("hint: is the service running there? --server URL or CROSSFADE_SERVER name "
                  "another\n",
                  stderr);
        return code;
    }
    if (a.status >= 200 && a.status < 300) {
        *out = a;
        a = (struct cf_answer){ 0 };
        return CF_EXIT_OK;
    }
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(256 * 1024);
    cf_problem_text(a.json, a.status, ask->file, &text);
    fputs(cf_buf_str(&text), stderr);
    return cf_exit_of_status(a.status);
}

int cf_ask_list(struct cf_client *c, const char *path, size_t limit, json_t **out)
{
    cf_autojson json_t *all = json_array();
    cf_autofree char *cursor = NULL;
    do {
        CF_CLEANUP(cf_buf_free) struct cf_buf url = CF_BUF_INIT(8192);
        CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
        size_t left = limit ? limit - json_array_size(all) : PAGE;
        char size[24];
        snprintf(size, sizeof size, "%zu", CF_MIN(left, (size_t)PAGE));
        cf_buf_puts(&url, path);
        cf_path_query(&url, "limit", size);
        cf_path_query(&url, "cursor", cursor);
        int code = cf_ask(c, &(struct cf_ask){ .path = cf_buf_str(&url) }, &a);
        if (code)
            return code;
        json_array_extend(all, cf_json_unconst(cf_json_at(a.json, "items", NULL)));
        free(cursor);
        cursor = cf_xstrdup(cf_json_str(a.json, NULL, "nextCursor", NULL));
    } while (cursor && *cursor && (!limit || json_array_size(all) < limit));
    *out = cf_steal(&all);
    return CF_EXIT_OK;
}

char *cf_path(const char *prefix, const char *segment, const char *rest)
{
    struct cf_buf b = CF_BUF_INIT(8192);
    cf_buf_puts(&b, prefix);
    cf_url_escape(&b, segment);
    cf_buf_puts(&b, rest ? rest : "");
    return cf_buf_take(&b);
}

void cf_path_query(struct cf_buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    cf_buf_printf(path, "%c%s=", strchr(cf_buf_str(path), '?') ? '&' : '?', name);
    cf_url_escape(path, value);
}
