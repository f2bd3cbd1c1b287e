/* SPDX-License-Identifier: Apache-2.0 */
/* The freeze, bridges and tokens. */
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/output.h"

enum {
    PATH_MAX_BYTES = 8192,
    REMOVAL_MS = 8000, /* a lane looks within 5 s */
    REMOVAL_LOOK_MS = 250,
};

/* One request without an interesting answer; `done` is said when it worked. */
static int simply(struct cf_cli *cli, const struct cf_ask *ask, const char *done)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, ask, &a);
    if (code)
        return code;
    if (!a.json || !cf_print_data(cli, a.json))
        cf_note(cli, "%s", done);
    return CF_EXIT_OK;
}

static int list(struct cf_cli *cli, const char *path, const struct cf_column *columns,
                const char *name)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    cf_autojson json_t *items = NULL;
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask_list(&client, path, 0, &items);
    return code ? code : cf_print_list(cli, items, columns, name);
}

int cf_cmd_freeze(struct cf_cli *cli)
{
    const char *reason = cf_arg(cli, "reason");
    if (!reason)
        return cf_usage_error(cli, "--reason TEXT is needed: everybody will see it");
    cf_autojson json_t *body = json_pack("{s:s}", "reason", reason);
    struct cf_ask ask = { .method = "PUT", .path = "/api/v1/freeze", .json = body };
    return simply(cli, &ask,
                  "Frozen: nothing moves forward until crossfade unfreeze. Rollbacks go on.");
}

int cf_cmd_unfreeze(struct cf_cli *cli)
{
    struct cf_ask ask = { .method = "DELETE", .path = "/api/v1/freeze" };
    return simply(cli, &ask, "No longer frozen.");
}

int cf_cmd_bridge_list(struct cf_cli *cli)
{
    static const struct cf_column columns[] = {
        { "ID", "/id", false },
        { "CLUSTER", "/cluster", false },
        { "SERVICE", "/service", false },
        { "NAMESPACE", "/namespace", false },
        { "BY NAME", "/byName", false },
        { "TO", "/target/cluster /targetCluster", false },
        { "STATE", "/state", false },
        { "READY", "/status/ready /ready", false },
        { "RUN", "/run", false },
        { "WHY", "/status/why /why", false },
        { .title = NULL },
    };
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(PATH_MAX_BYTES);
    cf_buf_puts(&path, "/api/v1/bridges");
    cf_path_query(&path, "run", cf_arg(cli, "run"));
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, &(struct cf_ask){ .path = cf_buf_str(&path) }, &a);
    return code ? code : cf_print_list(cli, cf_json_at(a.json, "items", NULL), columns, "/id");
}

/* Looks until the bridge is gone or its lane has said why it stays. */
static int follow_removal(const struct cf_cli *cli, struct cf_client *client, const char *path)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t until = cf_mono_now_ms() + REMOVAL_MS;
    const char *why = "";
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    while (!*why && cf_mono_now_ms() < until) {
        cf_answer_free(&a);
        if (!cf_client_call(client, &(struct cf_ask){ .path = path }, &a, &err))
            return cf_fail(&err);
        if (a.status == 404) {
            cf_note(cli, "The bridge is gone.");
            return CF_EXIT_OK;
        }
        why = cf_json_str(a.json, "", "status", "why", NULL);
        cf_sleep_ms(&cf_clock_real, REMOVAL_LOOK_MS);
    }
    cf_note(cli, "The bridge stays for now: %s", *why ? why : "its lane has not answered yet");
    cf_note(cli, "It goes by itself as soon as nothing names it: crossfade bridge list");
    return CF_EXIT_WAITING;
}

int cf_cmd_bridge_remove(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autofree char *path = cf_path("/api/v1/bridges/", cli->operands[0], NULL);
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, &(struct cf_ask){ .method = "DELETE", .path = path }, &a);
    if (code || cf_print_data(cli, a.json))
        return code;
    return follow_removal(cli, &client, path);
}

int cf_cmd_token_create(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    const char *role = cf_arg(cli, "role"), *expires = cf_arg(cli, "expires");
    cf_autojson json_t *body =
        json_pack("{s:s, s:s}", "name", cli->operands[0], "role", role ? role : "viewer");
    if (expires)
        json_object_set_new(body, "expiresIn", json_string(expires));
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client,
                      &(struct cf_ask){ .method = "POST", .path = "/api/v1/tokens", .json = body },
                      &a);
    if (code || cf_print_data(cli, a.json))
        return code;
    printf("%s\n", cf_json_str(a.json, "", "token", NULL));
    cf_note(cli, "This text is shown once. Keep it in a file that only you can read: "
                 "CROSSFADE_TOKEN_FILE=FILE");
    return CF_EXIT_OK;
}

int cf_cmd_token_list(struct cf_cli *cli)
{
    static const struct cf_column columns[] = {
        { "ID", "/id", false },
        { "NAME", "/name", false },
        { "ROLE", "/role", false },
        { "EXPIRES", "/expiresAt", false },
        { "LAST USED", "/lastUsedAt", false },
        { "REVOKED", "/revokedAt", false },
        { "BY", "/createdBy", true },
        { "CREATED", "/createdAt", true },
        { .title = NULL },
    };
    return list(cli, "/api/v1/tokens", columns, "/id");
}

int cf_cmd_token_revoke(struct cf_cli *cli)
{
    cf_autofree char *path = cf_path("/api/v1/tokens/", cli->operands[0], NULL);
    struct cf_ask ask = { .method = "DELETE", .path = path };
    return simply(cli, &ask, "Revoked.");
}
