/* SPDX-License-Identifier: Apache-2.0 */
/* Help for people, and docs/cli.md: two renderings of the command tree. */
#include "orchestrator/cli/help.h"

#include <stdio.h>
#include <string.h>

#include "orchestrator/cli/config_table.h"

static void put_path(struct cf_buf *out, const struct cf_command *const *path, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        cf_buf_printf(out, "%s%s", i ? " " : "", path[i]->name);
}

static void put_usage(struct cf_buf *out, const struct cf_command *const *path, size_t depth)
{
    const struct cf_command *c = path[depth - 1];
    put_path(out, path, depth);
    if (c->sub)
        cf_buf_puts(out, " COMMAND");
    else if (*c->operands)
        cf_buf_printf(out, " %s", c->operands);
    cf_buf_puts(out, " [OPTION]…\n");
}

/* "-o, --output FORMAT" */
static void option_head(const struct cf_option *o, char *buf, size_t size)
{
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(buf, size, "%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static void put_options(struct cf_buf *out, const struct cf_option *list)
{
    for (const struct cf_option *o = list; o->name; o++) {
        char head[128];
        option_head(o, head, sizeof head);
        cf_buf_printf(out, "  %-34s %s", head, o->help);
        if (o->words)
            cf_buf_printf(out, " (%s)", o->words);
        cf_buf_puts(out, "\n");
    }
}

static const char *list_title(const struct cf_option *list)
{
    if (list == cf_options_client)
        return "Connection";
    if (list == cf_options_output)
        return "Output";
    if (list == cf_options_everywhere)
        return "Everywhere";
    return list == cf_config_options() ? "Configuration (also by file and environment)" : "Options";
}

void cf_help_text(struct cf_buf *out, const struct cf_command *const *path, size_t depth)
{
    const struct cf_command *c = path[depth - 1];
    cf_buf_printf(out, "%s\n\nUsage: ", c->help);
    put_usage(out, path, depth);
    if (c->more)
        cf_buf_printf(out, "\n%s\n", c->more);
    if (c->sub) {
        cf_buf_puts(out, "\nCommands:\n");
        for (const struct cf_command *s = c->sub; s->name; s++)
            cf_buf_printf(out, "  %-12s %s\n", s->name, s->help);
    }
    const struct cf_option *lists[5];
    size_t n = cf_command_options(c, lists);
    for (size_t i = 0; i < n; i++) {
        cf_buf_printf(out, "\n%s:\n", list_title(lists[i]));
        put_options(out, lists[i]);
    }
    if (depth > 1)
        return;
    cf_buf_puts(out, "\nExit codes:\n");
    for (const struct cf_exit_row *r = cf_exit_rows; r->meaning; r++)
        cf_buf_printf(out, "  %3d  %s\n", r->code, r->meaning);
}

void cf_help_print(FILE *f, const struct cf_command *const *path, size_t depth)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HELP_TEXT_MAX);
    cf_help_text(&text, path, depth);
    fputs(cf_buf_str(&text), f);
}

/* --- docs/cli.md --- */

static void put_cell(struct cf_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            cf_buf_putc(out, '\\');
        cf_buf_putc(out, *text);
    }
}

static void markdown_options(struct cf_buf *out, const struct cf_option *list)
{
    cf_buf_puts(out, "\n| option | |\n|---|---|\n");
    for (const struct cf_option *o = list; o->name; o++) {
        cf_buf_puts(out, "| ");
        if (o->letter)
            cf_buf_printf(out, "`-%c`, ", o->letter);
        cf_buf_printf(out, "`--%s%s%s`%s | ", o->name, o->arg ? " " : "", o->arg ? o->arg : "",
                      o->repeated ? " …" : "");
        put_cell(out, o->help);
        if (o->words) {
            cf_buf_puts(out, ": ");
            put_cell(out, o->words);
        }
        cf_buf_puts(out, " |\n");
    }
}

static void markdown_command(struct cf_buf *out, const struct cf_command **path, size_t depth)
{
    const struct cf_command *c = path[depth - 1];
    for (const struct cf_command *s = c->sub; s && s->name; s++) {
        cf_assert(depth < CF_CLI_DEPTH_MAX);
        path[depth] = s;
        markdown_command(out, path, depth + 1);
    }
    if (c->sub)
        return;
    cf_buf_puts(out, "\n## ");
    put_path(out, path, depth);
    cf_buf_printf(out, "\n\n%s.\n\n```\n", c->help);
    put_usage(out, path, depth);
    cf_buf_puts(out, "```\n");
    if (c->more)
        cf_buf_printf(out, "\n```text\n%s\n```\n", c->more);
    if (c->options)
        markdown_options(out, c->options);
    const char *extra = c->flags & CF_CMD_CONFIG ? "the keys of the configuration" : NULL;
    if (extra)
        cf_buf_printf(out, "\nAlso: %s.\n", extra);
    else if (c->flags & (CF_CMD_OUTPUT | CF_CMD_CLIENT))
        cf_buf_printf(out, "\nAlso: the options of %s%s%s.\n",
                      c->flags & CF_CMD_OUTPUT ? "output" : "",
                      (c->flags & CF_CMD_OUTPUT) && (c->flags & CF_CMD_CLIENT) ? " and " : "",
                      c->flags & CF_CMD_CLIENT ? "connection" : "");
}

static const char preface[] =
    "<!-- Made by `crossfade help --markdown`; a test keeps it current. -->\n"
    "# Command line\n\n"
    "Results go to stdout, messages to stderr. Without a terminal nothing is animated or coloured; "
    "`NO_COLOR` (not empty) "
    "turns colours off. A run is named `PLAN/3`, `PLAN@latest` or by its id. `-` as a file is "
    "standard input.\n\n"
    "Where the service is: `--server` and `--token-file`, else `CROSSFADE_SERVER` and "
    "`CROSSFADE_TOKEN_FILE`, else the "
    "context (`--context`, `CROSSFADE_CONTEXT`, or `current`) of "
    "`$XDG_CONFIG_HOME/crossfade/config.yaml`:\n\n"
    "```yaml\ncurrent: prod\ncontexts:\n  prod: {server: \"https://crossfade.example.org\", "
    "tokenFile: ~/.config/crossfade/token, "
    "caFile: /etc/ssl/crossfade-ca.pem}\n```\n";

char *cf_cli_markdown(void)
{
    struct cf_buf out = CF_BUF_INIT(CF_HELP_TEXT_MAX);
    cf_buf_puts(&out, preface);
    cf_buf_puts(&out, "\n## Exit codes\n\n| code | |\n|---|---|\n");
    for (const struct cf_exit_row *r = cf_exit_rows; r->meaning; r++)
        cf_buf_printf(&out, "| %d | %s |\n", r->code, r->meaning);
    cf_buf_puts(&out, "\n## Options of output\n");
    markdown_options(&out, cf_options_output);
    cf_buf_puts(&out, "\n## Options of connection\n");
    markdown_options(&out, cf_options_client);
    cf_buf_puts(&out, "\n## Options everywhere\n");
    markdown_options(&out, cf_options_everywhere);
    cf_buf_puts(&out, "\n## Configuration of the service\n\n");
    cf_config_markdown(cf_config_table, &out);
    const struct cf_command *path[CF_CLI_DEPTH_MAX] = { &cf_command_root };
    markdown_command(&out, path, 1);
    return cf_buf_take(&out);
}
