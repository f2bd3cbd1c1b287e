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

static const json_t *findings_of(const json_t *preflight)
{
    const json_t *list = cf_json_at(preflight, "findings", NULL);
    return list ? list : cf_json_at(preflight, "result", "findings", NULL);
}

/* 6 if anything blocks. */
static int report(const struct cf_cli *cli, const json_t *preflight)
{
    static const struct cf_column columns[] = {
        { "LEVEL", "/level /severity", false },
        { "CHECK", "/check /id", false },
        { "ABOUT", "/about /subject", true },
        { "FINDING", "/message /detail", false },
        { "HINT", "/hint", false },
        { .title = NULL },
    };
    const json_t *findings = findings_of(preflight);
    size_t blockers = 0, i;
    json_t *f;
    json_array_foreach(findings, i, f)
    {
        const char *level = cf_json_str(f, cf_json_str(f, "", "severity", NULL), "level", NULL);
        blockers += strcmp(level, "blocker") == 0 || strcmp(level, "error") == 0;
    }
    bool failed = blockers > 0 || strcmp(cf_json_str(preflight, "", "state", NULL), "failed") == 0;
    cf_autojson json_t *none = json_array();
    if (!cf_print_data(cli, preflight))
        cf_print_list(cli, findings ? findings : none, columns, "/check");
    const char *message = cf_json_str(preflight, "", "message", NULL);
    if (*message)
        cf_note(cli, "%s", message);
    cf_note(cli, failed ? "Preflight: %zu blockers." : "Preflight: nothing blocks.", blockers);
    return failed ? CF_EXIT_INVALID : CF_EXIT_OK;
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
