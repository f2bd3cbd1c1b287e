/* SPDX-License-Identifier: Apache-2.0 */
/* Watching, waiting for a place, and reading a run's events. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/run_tree.h"
#include "orchestrator/cli/watch.h"
#include "orchestrator/engine/holds.h"

enum { LINE_MAX_BYTES = 256 * 1024, PAGE = 500, PATH_MAX_BYTES = 8192 };

int cf_cmd_run_watch(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    int code = cf_client_of(cli, &client);
    struct cf_watch watch = { .run = cli->operands[0],
                              .tree = true,
                              .follow = cf_arg_given(cli, "follow") };
    return code ? code : cf_watch_run(cli, &client, &watch);
}

/* --- wait --- */

struct goal {
    const char *word; /* "weight=50" */
    int64_t weight;   /* of weight= */
};

static bool is_reached(const struct goal *g, const json_t *run)
{
    const char *hold = cf_json_str(run, "", "hold", "reason", NULL);
    if (strcmp(g->word, "committed") == 0)
        return cf_json_str(run, NULL, "committedAt", NULL) != NULL;
    if (strcmp(g->word, "paused") == 0)
        return strcmp(hold, "paused") == 0;
    if (strcmp(g->word, "hold") == 0)
        return *hold != '\0';
    if (strncmp(g->word, "phase=", 6) == 0)
        return strcmp(cf_json_str(run, "", "phase", NULL), g->word + 6) == 0;
    if (strncmp(g->word, "weight=", 7) == 0)
        return cf_json_int(run, -1, "weight", "applied", NULL) >= g->weight;
    return false;
}

static bool needs_person(const json_t *run)
{
    enum cf_hold_reason reason;
    const char *name = cf_json_str(run, "", "hold", "reason", NULL);
    return *name && cf_hold_parse(name, &reason) && cf_hold_rows[reason].way == CF_HOLD_BY_PERSON;
}

static bool wait_until(void *arg, const json_t *run, int *out_code)
{
    const struct goal *g = arg;
    *out_code = CF_EXIT_OK;
    if (is_reached(g, run))
        return true;
    *out_code = CF_EXIT_WAITING;
    return needs_person(run);
}

static bool goal_of(const char *word, struct goal *out, struct cf_error *err)
{
    static const char *const words[] = { "ended", "completed", "committed", "paused", "hold" };
    *out = (struct goal){ .word = word };
    for (size_t i = 0; i < CF_ARRAY_LEN(words); i++)
        if (strcmp(words[i], word) == 0)
            return true;
    if (strncmp(word, "weight=", 7) == 0)
        return cf_int_parse(word + 7, 0, 100, &out->weight, err) ||
               cf_error_wrap(err, "--for weight");
    return strncmp(word, "phase=", 6) == 0 ||
           cf_error_set(err, CF_ERR_INVALID,
                        "--for takes ended, completed, committed, paused, hold, phase=NAME or "
                        "weight=PERCENT, not \"%.40s\"",
                        word);
}

int cf_cmd_run_wait(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    struct goal goal;
    const char *word = cf_arg(cli, "for"), *limit = cf_arg(cli, "wait-timeout");
    struct cf_watch watch = { .run = cli->operands[0], .until = wait_until, .arg = &goal };
    if (!goal_of(word ? word : "ended", &goal, &err) ||
        (limit && !cf_duration_parse(limit, &watch.limit_ms, &err)))
        return cf_usage_error(cli, "%s", err.message);
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    int code = cf_client_of(cli, &client);
    return code ? code : cf_watch_run(cli, &client, &watch);
}

/* --- events --- */

static void print_event(const struct cf_cli *cli, const json_t *event)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf line = CF_BUF_INIT(LINE_MAX_BYTES);
    if (cf_format_of(cli) == CF_FORMAT_JSON) {
        cf_autofree char *text = cf_json_dump(event);
        puts(text);
        return;
    }
    if (cf_event_line(event, &line))
        puts(cf_buf_str(&line));
    else
        printf("%s %s %s\n", cf_json_str(event, "", "at", NULL),
               cf_json_str(event, "", "run", NULL), cf_json_str(event, "", "kind", NULL));
}

int cf_cmd_run_events(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    const char *given = cf_arg(cli, "after");
    cf_autofree char *after = cf_xstrdup(given ? given : "0");
    int code = cf_client_of(cli, &client);
    if (!code && cf_arg_given(cli, "follow")) {
        struct cf_watch watch = { .run = cli->operands[0] };
        return cf_watch_run(cli, &client, &watch);
    }
    for (bool more = true; !code && more;) {
        CF_CLEANUP(cf_buf_free) struct cf_buf rest = CF_BUF_INIT(PATH_MAX_BYTES);
        CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
        cf_buf_puts(&rest, "/events?limit=500");
        cf_path_query(&rest, "after", after);
        cf_autofree char *path = cf_path("/api/v1/runs/", cli->operands[0], cf_buf_str(&rest));
        code = cf_ask(&client, &(struct cf_ask){ .path = path }, &a);
        size_t i;
        json_t *event;
        json_array_foreach(cf_json_at(a.json, "items", NULL), i, event)
        {
            print_event(cli, event);
        }
        more = cf_json_bool(a.json, false, "more", NULL);
        free(after);
        after = cf_xstrdup(cf_json_str(a.json, "0", "next", NULL));
    }
    return code;
}
