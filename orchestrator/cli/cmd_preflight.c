/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a plan against both clusters, stored or from a file. */
#include <string.h>

#include "base/units.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/plan_file.h"

enum { WAIT_S = 30, ROUNDS_MAX = 20 };

static int body_of(const struct cf_cli *cli, json_t **out)
{
    const char *plan = cf_operand(cli, 0), *revision = cf_arg(cli, "revision");
    if (plan && cf_arg_given(cli, "file"))
        return cf_usage_error(cli, "a stored plan or --file, not both");
    if (!plan) {
        CF_CLEANUP(cf_plan_file_free) struct cf_plan_file file = { 0 };
        int code = cf_plan_file_read(cli, NULL, &file);
        if (!code)
            *out = json_pack("{s:s}", "document", file.text);
        return code;
    }
    struct cf_error err = CF_ERROR_INIT;
    int64_t n = 0;
    if (revision && !cf_int_parse(revision, 1, INT32_MAX, &n, &err))
        return cf_usage_error(cli, "--revision: %s", err.message);
    *out = json_pack("{s:s}", "plan", plan);
    if (revision)
        json_object_set_new(*out, "revision", json_integer(n));
    return CF_EXIT_OK;
}

static bool is_open(const json_t *preflight)
{
    const char *state = cf_json_str(preflight, "", "state", NULL);
    return strcmp(state, "queued") == 0 || strcmp(state, "running") == 0 ||
           strcmp(state, "open") == 0;
}

/* 6 if anything blocks. */
static int report(const struct cf_cli *cli, const json_t *preflight)
{
    static const struct cf_column columns[] = {
        { "LEVEL", "/level", false },
        { "CHECK", "/id", false },
        { "CLUSTER", "/cluster", false },
        { "FINDING", "/message", false },
        { "HINT", "/hint", true },
        { "COMMAND", "/command", true },
        { .title = NULL },
    };
    const json_t *results = cf_json_at(preflight, "result", "results", NULL);
    int64_t blockers = cf_json_int(preflight, 0, "result", "blockers", NULL);
    int64_t warnings = cf_json_int(preflight, 0, "result", "warnings", NULL);
    int64_t skipped = cf_json_int(preflight, 0, "result", "skipped", NULL);
    bool failed = strcmp(cf_json_str(preflight, "", "state", NULL), "failed") == 0;
    size_t i;
    json_t *r;
    if (cf_print_data(cli, preflight))
        return failed || blockers > 0 ? CF_EXIT_INVALID : CF_EXIT_OK;
    if (failed) {
        fprintf(stderr, "crossfade: preflight could not be done: %s\n",
                cf_json_str(preflight, "", "message", NULL));
        return CF_EXIT_INVALID;
    }
    cf_print_list(cli, results, columns, "/id");
    json_array_foreach(results, i, r)
    {
        const char *hint = cf_json_str(r, "", "hint", NULL),
                   *command = cf_json_str(r, "", "command", NULL);
        if (strcmp(cf_json_str(r, "", "level", NULL), "blocker") == 0 && (*hint || *command))
            cf_note(cli, "%s: %s%s%s", cf_json_str(r, "", "id", NULL), hint,
                    *hint && *command ? ": " : "", command);
    }
    cf_note(cli, "Preflight: %lld blockers, %lld warnings, %lld not checked.", (long long)blockers,
            (long long)warnings, (long long)skipped);
    return blockers > 0 ? CF_EXIT_INVALID : CF_EXIT_OK;
}

int cf_cmd_preflight(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autojson json_t *body = NULL;
    int code = body_of(cli, &body);
    if (!code)
        code = cf_client_of(cli, &client);
    struct cf_ask ask = {
        .method = "POST", .path = "/api/v1/preflights", .json = body, .file = cf_arg(cli, "file")
    };
    if (!code)
        code = cf_ask(&client, &ask, &a);
    if (code)
        return code;
    cf_autofree char *path =
        cf_path("/api/v1/preflights/", cf_json_str(a.json, "", "id", NULL), NULL);
    for (int i = 0; is_open(a.json) && i < ROUNDS_MAX; i++) {
        cf_answer_free(&a);
        code = cf_ask(&client, &(struct cf_ask){ .path = path, .wait_s = WAIT_S }, &a);
        if (code)
            return code;
    }
    if (is_open(a.json)) {
        cf_note(cli, "It is still running: GET %s", path);
        return CF_EXIT_TIMED_OUT;
    }
    return report(cli, a.json);
}
