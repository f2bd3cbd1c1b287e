/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: start, list, show, report. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/run_tree.h"
#include "orchestrator/cli/watch.h"

#define RUNS "/api/v1/runs/"

enum { PATH_MAX_BYTES = 8192, LIST_DEFAULT = 50 };

static const struct cf_column columns[] = {
    { "RUN", "/name", false },
    { "STATE", "/state", false },
    { "PHASE", "/phase", false },
    { "HOLD", "/hold/reason", false },
    { "WEIGHT", "/weight/applied", false },
    { "SOURCE", "/source", false },
    { "TARGET", "/target", false },
    { "STARTED", "/startedAt", false },
    { "FINISHED", "/finishedAt", true },
    { "BY", "/startedBy", true },
    { "ID", "/id", true },
    { .title = NULL },
};

static int body_of_start(const struct cf_cli *cli, json_t **out)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *revision = cf_arg(cli, "revision"), *reason = cf_arg(cli, "reason");
    int64_t n = 0;
    if (revision && !cf_int_parse(revision, 1, INT32_MAX, &n, &err))
        return cf_usage_error(cli, "--revision: %s", err.message);
    *out = json_pack("{s:s}", "plan", cli->operands[0]);
    if (revision)
        json_object_set_new(*out, "revision", json_integer(n));
    if (cf_arg(cli, "diff"))
        json_object_set_new(*out, "diff", json_string(cf_arg(cli, "diff")));
    if (reason)
        json_object_set_new(*out, "reason", json_string(reason));
    return CF_EXIT_OK;
}

int cf_cmd_run_start(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autojson json_t *body = NULL;
    int code = body_of_start(cli, &body);
    if (!code)
        code = cf_client_of(cli, &client);
    if (!code)
        code =
            cf_ask(&client,
                   &(struct cf_ask){ .method = "POST", .path = "/api/v1/runs", .json = body }, &a);
    if (code)
        return code;
    const char *name = cf_json_str(a.json, "", "name", NULL);
    if (cf_arg_given(cli, "watch")) {
        struct cf_watch watch = { .run = name, .tree = true };
        return cf_watch_run(cli, &client, &watch);
    }
    if (!cf_print_data(cli, a.json)) {
        printf(cf_format_of(cli) == CF_FORMAT_NAME ? "%s\n" : "run %s started\n", name);
        cf_note(cli, "Next: crossfade run watch %s", name);
    }
    return CF_EXIT_OK;
}

int cf_cmd_run_list(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(PATH_MAX_BYTES);
    cf_autojson json_t *items = NULL;
    int64_t limit = LIST_DEFAULT;
    const char *text = cf_arg(cli, "limit");
    if (text && !cf_int_parse(text, 1, 1000000, &limit, &err))
        return cf_usage_error(cli, "--limit: %s", err.message);
    cf_buf_puts(&path, "/api/v1/runs");
    cf_path_query(&path, "plan", cf_arg(cli, "plan"));
    cf_path_query(&path, "state", cf_arg(cli, "state"));
    cf_path_query(&path, "cluster", cf_arg(cli, "cluster"));
    cf_path_query(&path, "active", cf_arg_given(cli, "active") ? "true" : NULL);
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask_list(&client, cf_buf_str(&path), (size_t)limit, &items);
    return code ? code : cf_print_list(cli, items, columns, "/name");
}

int cf_cmd_run_get(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autofree char *path = cf_path(RUNS, cli->operands[0], NULL);
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, &(struct cf_ask){ .path = path }, &a);
    if (code)
        return code;
    enum cf_format format = cf_format_of(cli);
    if (cf_arg_given(cli, "output") && format != CF_FORMAT_TREE)
        return cf_print_one(cli, a.json, columns, "/name");
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_OUTPUT_MAX);
    cf_run_tree(a.json, &(struct cf_tree_options){ .color = cf_use_color(cli) }, &out);
    fputs(cf_buf_str(&out), stdout);
    return CF_EXIT_OK;
}

int cf_cmd_run_report(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autofree char *path = cf_path(RUNS, cli->operands[0], "/report");
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, &(struct cf_ask){ .path = path }, &a);
    if (code)
        return code;
    if (!cf_print_data(cli, a.json)) {
        const char *text = cf_json_str(a.json, "", "text", NULL);
        size_t len = strlen(text);
        printf("%s%s", text, len && text[len - 1] == '\n' ? "" : "\n");
    }
    return CF_EXIT_OK;
}
