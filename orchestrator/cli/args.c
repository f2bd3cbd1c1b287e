/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the command and its options in argv, by the tree. Options may stand before and behind
 * operands; "--" ends them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/help.h"

enum { WORDS_MAX = 256 };

char *cf_command_path(const struct cf_cli *cli, char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < cli->depth && at < size; i++)
        at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? " " : "", cli->path[i]->name);
    return buf;
}

int cf_usage_error(const struct cf_cli *cli, const char *fmt, ...)
{
    char path[128];
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s: ", cf_command_path(cli, path, sizeof path));
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nHelp: %s --help\n", path);
    va_end(ap);
    return CF_EXIT_USAGE;
}

int cf_fail(const struct cf_error *err)
{
    fprintf(stderr, "crossfade: %s\n", err->message);
    return cf_exit_of_error(err);
}

void cf_note(const struct cf_cli *cli, const char *fmt, ...)
{
    if (cf_arg_given(cli, "quiet"))
        return;
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

size_t cf_command_options(const struct cf_command *c, const struct cf_option *lists[5])
{
    size_t n = 0;
    if (c->options)
        lists[n++] = c->options;
    if (c->flags & CF_CMD_CONFIG)
        lists[n++] = cf_config_options();
    if (c->flags & CF_CMD_OUTPUT)
        lists[n++] = cf_options_output;
    if (c->flags & CF_CMD_CLIENT)
        lists[n++] = cf_options_client;
    lists[n++] = cf_options_everywhere;
    return n;
}

static const struct cf_option *find_option(const struct cf_command *c, const char *name, size_t len,
                                           char letter)
{
    const struct cf_option *lists[5];
    size_t n = cf_command_options(c, lists);
    for (size_t i = 0; i < n; i++)
        for (const struct cf_option *o = lists[i]; o->name; o++)
            if (letter ? o->letter == letter
                       : strlen(o->name) == len && memcmp(o->name, name, len) == 0)
                return o;
    return NULL;
}

static int unknown_option(const struct cf_cli *cli, const char *text, size_t len)
{
    const char *words[WORDS_MAX];
    const struct cf_option *lists[5];
    size_t n_words = 0, n = cf_command_options(cli->command, lists);
    for (size_t i = 0; i < n; i++)
        for (const struct cf_option *o = lists[i]; o->name && n_words + 1 < WORDS_MAX; o++)
            words[n_words++] = o->name;
    words[n_words] = NULL;
    cf_autofree char *name = cf_xstrndup(text, len);
    const char *near = cf_suggest(name, words);
    return near ? cf_usage_error(cli, "unknown option --%s; did you mean --%s?", name, near)
                : cf_usage_error(cli, "unknown option --%s", name);
}

static const struct cf_command *find_sub(const struct cf_command *c, const char *name)
{
    for (const struct cf_command *s = c->sub; s && s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

/* What every program is asked for. */
static const struct cf_command *conventional(const struct cf_cli *cli, const char *text)
{
    bool asks = strcmp(text, "--version") == 0 || strcmp(text, "-V") == 0;
    return asks && cli->depth == 1 ? find_sub(cli->command, "version") : NULL;
}

static bool is_one_of(const char *value, const char *words)
{
    size_t len = strlen(value);
    while (*words) {
        size_t n = strcspn(words, "|");
        if (n == len && memcmp(words, value, n) == 0)
            return true;
        words += n + (words[n] == '|');
    }
    return false;
}

static int take_option(struct cf_cli *cli, const struct cf_option *o, const char *value)
{
    if (value && o->words && !is_one_of(value, o->words))
        return cf_usage_error(cli, "--%s takes one of %s, not \"%s\"", o->name, o->words, value);
    if (!o->repeated && cf_arg_given(cli, o->name) && o->arg)
        return cf_usage_error(cli, "--%s is given twice", o->name);
    if (cli->n_given == CF_CLI_GIVEN_MAX)
        return cf_usage_error(cli, "more than %d options", CF_CLI_GIVEN_MAX);
    cli->given[cli->n_given++] = (struct cf_given){ o, value };
    return 0;
}

/* One argument that begins with '-'; *i moves when the value is the next one. */
static int parse_option(struct cf_cli *cli, int argc, char **argv, int *i)
{
    const char *text = argv[*i];
    const char *value = NULL;
    const struct cf_option *o;
    if (text[1] == '-') {
        size_t len = strcspn(text + 2, "=");
        o = find_option(cli->command, text + 2, len, 0);
        if (!o)
            return unknown_option(cli, text + 2, len);
        if (text[2 + len] == '=')
            value = text + 3 + len;
    } else {
        o = find_option(cli->command, NULL, 0, text[1]);
        if (!o)
            return cf_usage_error(cli, "unknown option -%c", text[1]);
        if (text[2])
            value = text[2] == '=' ? text + 3 : text + 2;
    }
    if (!o->arg && value)
        return cf_usage_error(cli, "--%s is a switch and takes no value", o->name);
    if (o->arg && !value) {
        if (*i + 1 >= argc)
            return cf_usage_error(cli, "--%s needs a value: --%s %s", o->name, o->name, o->arg);
        value = argv[++*i];
    }
    return take_option(cli, o, value);
}

static int unknown_command(const struct cf_cli *cli, const char *name)
{
    const char *words[WORDS_MAX];
    size_t n = 0;
    for (const struct cf_command *s = cli->command->sub; s->name && n + 1 < WORDS_MAX; s++)
        words[n++] = s->name;
    words[n] = NULL;
    const char *near = cf_suggest(name, words);
    return near ? cf_usage_error(cli, "unknown command \"%s\"; did you mean \"%s\"?", name, near)
                : cf_usage_error(cli, "unknown command \"%s\"", name);
}

static void descend(struct cf_cli *cli, const struct cf_command *c)
{
    cf_assert(cli->depth < CF_CLI_DEPTH_MAX);
    cli->path[cli->depth++] = c;
    cli->command = c;
}

/* Everything behind the program's name; 0, or the exit code of a mistake. */
static int parse_words(struct cf_cli *cli, int argc, char **argv)
{
    bool operands_only = false;
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        int code = 0;
        if (!operands_only && strcmp(text, "--") == 0) {
            operands_only = true;
        } else if (!operands_only && conventional(cli, text)) {
            descend(cli, conventional(cli, text));
        } else if (!operands_only && text[0] == '-' && text[1]) {
            code = parse_option(cli, argc, argv, &i);
        } else if (!cli->command->run) {
            const struct cf_command *sub = find_sub(cli->command, text);
            if (!sub)
                return unknown_command(cli, text);
            descend(cli, sub);
            if (sub->flags & CF_CMD_RAW) {
                cli->raw_argc = argc - i;
                cli->raw_argv = argv + i;
                return 0;
            }
        } else if (cli->n_operands == CF_CLI_OPERANDS_MAX) {
            code = cf_usage_error(cli, "more than %d operands", CF_CLI_OPERANDS_MAX);
        } else {
            cli->operands[cli->n_operands++] = text;
        }
        if (code)
            return code;
    }
    return 0;
}

static int check_operands(const struct cf_cli *cli)
{
    const struct cf_command *c = cli->command;
    if (c->flags & CF_CMD_RAW)
        return 0;
    if ((int)cli->n_operands < c->operands_min)
        return cf_usage_error(cli, "%s is missing", c->operands);
    if ((int)cli->n_operands > c->operands_max)
        return cf_usage_error(cli, "unexpected \"%s\"", cli->operands[c->operands_max]);
    for (size_t i = 0; i < cli->n_operands; i++)
        if (!*cli->operands[i])
            return cf_usage_error(cli, "%s is empty", c->operands);
    return 0;
}

bool cf_args_parse(struct cf_cli *cli, int argc, char **argv, int *out_code)
{
    cli->depth = 0;
    descend(cli, &cf_command_root);
    *out_code = parse_words(cli, argc, argv);
    if (*out_code)
        return false;
    if (cf_arg_given(cli, "help")) {
        cf_help_print(stdout, cli->path, cli->depth);
        return false;
    }
    if (!cli->command->run) {
        cf_help_print(cli->depth == 1 ? stdout : stderr, cli->path, cli->depth);
        *out_code = cli->depth == 1 && argc <= 1 ? CF_EXIT_OK : CF_EXIT_USAGE;
        return false;
    }
    *out_code = check_operands(cli);
    return *out_code == 0;
}

const char *cf_arg(const struct cf_cli *cli, const char *option)
{
    for (size_t i = cli->n_given; i-- > 0;)
        if (strcmp(cli->given[i].option->name, option) == 0)
            return cli->given[i].value;
    return NULL;
}

bool cf_arg_given(const struct cf_cli *cli, const char *option)
{
    for (size_t i = 0; i < cli->n_given; i++)
        if (strcmp(cli->given[i].option->name, option) == 0)
            return true;
    return false;
}

const char *cf_operand(const struct cf_cli *cli, size_t i)
{
    return i < cli->n_operands ? cli->operands[i] : NULL;
}
