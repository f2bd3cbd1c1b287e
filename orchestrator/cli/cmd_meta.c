/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about the program itself. */
#include <string.h>

#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/help.h"
#include "orchestrator/engine/fsm.h"

enum { PICTURE_MAX = 64 * 1024 };

int cf_cmd_version(struct cf_cli *cli)
{
    (void)cli;
    puts("crossfade " CF_VERSION);
    return CF_EXIT_OK;
}

int cf_cmd_help(struct cf_cli *cli)
{
    if (cf_arg_given(cli, "markdown")) {
        cf_autofree char *page = cf_cli_markdown();
        fputs(page, stdout);
        return CF_EXIT_OK;
    }
    const struct cf_command *path[CF_CLI_DEPTH_MAX] = { &cf_command_root };
    size_t depth = 1;
    for (size_t i = 0; i < cli->n_operands; i++) {
        const struct cf_command *s = path[depth - 1]->sub;
        while (s && s->name && strcmp(s->name, cli->operands[i]) != 0)
            s++;
        if (!s || !s->name)
            return cf_usage_error(cli, "there is no command \"%s\"", cli->operands[i]);
        path[depth++] = s;
    }
    cf_help_print(stdout, path, depth);
    return CF_EXIT_OK;
}

int cf_cmd_completion(struct cf_cli *cli)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_HELP_TEXT_MAX);
    if (!cf_completion_script(cli->operands[0], &out))
        return cf_usage_error(cli, "\"%s\" is none of bash, zsh and fish", cli->operands[0]);
    fputs(cf_buf_str(&out), stdout);
    return CF_EXIT_OK;
}

int cf_cmd_fsm(struct cf_cli *cli)
{
    const char *format = cf_arg(cli, "format");
    bool is_table = format && strcmp(format, "markdown") == 0;
    const char *one = cf_operand(cli, 0);
    const char *machines[] = { one ? one : "run", one ? NULL : "step", NULL };
    /* Two pictures are two documents: a page of Markdown with a heading for each. */
    bool is_page = !one, fenced = is_page && !is_table;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(PICTURE_MAX);
    for (size_t i = 0; machines[i]; i++) {
        if (is_page)
            cf_buf_printf(&out, "%s## %s\n\n%s", i ? "\n" : "", machines[i],
                          fenced ? "```mermaid\n" : "");
        if (!(is_table ? cf_fsm_markdown : cf_fsm_mermaid)(machines[i], &out))
            return cf_usage_error(cli, "\"%s\" is neither run nor step", machines[i]);
        cf_buf_puts(&out, fenced ? "```\n" : "");
    }
    fputs(cf_buf_str(&out), stdout);
    return CF_EXIT_OK;
}

int cf_cmd_sandbox(struct cf_cli *cli)
{
    return cli->parts->sandbox(cli->raw_argc, cli->raw_argv);
}
