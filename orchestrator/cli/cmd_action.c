/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a run: pause, resume, advance, rollback, commit. The owner's answer is waited
 * for. */
#include <string.h>

#include "orchestrator/cli/client.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/watch.h"

enum { ANSWER_WAIT_S = 20 };

static json_t *body_of(const struct cf_cli *cli, const char *action)
{
    const char *reason = cf_arg(cli, "reason"), *expect = cf_arg(cli, "expect");
    json_t *body = json_pack("{s:s}", "action", action);
    if (reason)
        json_object_set_new(body, "reason", json_string(reason));
    bool discard = cf_arg_given(cli, "discard-target-data");
    if (expect || discard)
        json_object_set_new(
            body, "expect",
            json_pack("{s:s*,s:s*}", "phase", expect, "targetData", discard ? "discard" : NULL));
    return body;
}

static const struct cf_column columns[] = {
    { "ID", "/id", false },           { "ACTION", "/action", false },
    { "RUN", "/run", false },         { "STATE", "/state", false },
    { "MESSAGE", "/message", false }, { "REASON", "/reason", false },
    { "BY", "/actor", false },        { .title = NULL },
};

static int report(const struct cf_cli *cli, const json_t *action)
{
    const char *state = cf_json_str(action, "", "state", NULL),
               *message = cf_json_str(action, "", "message", NULL);
    if (cf_arg_given(cli, "output"))
        cf_print_one(cli, action, columns, "/id");
    else
        printf("%s of %s: %s%s%s\n", cf_json_str(action, "", "action", NULL),
               cf_json_str(action, "", "run", NULL),
               strcmp(state, "open") == 0 ? "asked, not yet answered" : state, *message ? ": " : "",
               message);
    return strcmp(state, "refused") == 0 ? CF_EXIT_CONFLICT : CF_EXIT_OK;
}

static int act(struct cf_cli *cli, const char *action)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autojson json_t *body = body_of(cli, action);
    cf_autofree char *path = cf_path("/api/v1/runs/", cli->operands[0], "/actions");
    int code = cf_client_of(cli, &client);
    struct cf_ask ask = { .method = "POST", .path = path, .json = body, .wait_s = ANSWER_WAIT_S };
    if (!code)
        code = cf_ask(&client, &ask, &a);
    if (!code)
        code = report(cli, a.json);
    if (code || !cf_arg_given(cli, "watch"))
        return code;
    struct cf_watch watch = { .run = cli->operands[0], .tree = true };
    return cf_watch_run(cli, &client, &watch);
}

int cf_cmd_pause(struct cf_cli *cli)
{
    return act(cli, "pause");
}

int cf_cmd_resume(struct cf_cli *cli)
{
    return act(cli, "resume");
}

int cf_cmd_advance(struct cf_cli *cli)
{
    return act(cli, "advance");
}

int cf_cmd_rollback(struct cf_cli *cli)
{
    return act(cli, "rollback");
}

int cf_cmd_commit(struct cf_cli *cli)
{
    return act(cli, "commit");
}
