/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts: one case per command, with its subcommands and options (help.h). Names of
 * plans, runs and clusters come from the service, quietly nothing if it does not answer. */
#include <string.h>

#include "orchestrator/cli/help.h"

typedef void put_case(struct cf_buf *out, const char *key, const struct cf_command *c);

/* Every command with its path, from the root on. */
static void walk(struct cf_buf *out, const struct cf_command *c, const char *key, put_case *put)
{
    put(out, key, c);
    for (const struct cf_command *s = c->sub; s && s->name; s++) {
        cf_autofree char *below = cf_xasprintf("%s%s%s", key, *key ? " " : "", s->name);
        walk(out, s, below, put);
    }
}

static void put_words(struct cf_buf *out, const struct cf_command *c)
{
    const struct cf_option *lists[5];
    size_t n = cf_command_options(c, lists);
    for (const struct cf_command *s = c->sub; s && s->name; s++)
        cf_buf_printf(out, "%s ", s->name);
    for (size_t i = 0; i < n; i++)
        for (const struct cf_option *o = lists[i]; o->name; o++)
            cf_buf_printf(out, "--%s ", o->name);
}

/* What lists the names that the first operand may be; NULL: none. */
static const char *names_of(const struct cf_command *c)
{
    static const struct {
        const char *operand, *command;
    } rows[] = {
        { "PLAN", "plan list" },       { "[PLAN]", "plan list" },   { "RUN", "run list" },
        { "CLUSTER", "cluster list" }, { "BRIDGE", "bridge list" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].operand, c->operands) == 0)
            return rows[i].command;
    return NULL;
}

static void bash_case(struct cf_buf *out, const char *key, const struct cf_command *c)
{
    cf_buf_printf(out, "    \"%s\") words=\"", key);
    put_words(out, c);
    cf_buf_putc(out, '"');
    if (names_of(c))
        cf_buf_printf(
            out,
            "; [[ $cur == -* ]] || words+=\" $(crossfade %s -q -o name --timeout 2s 2>/dev/null)\"",
            names_of(c));
    if (strcmp(c->operands, "bash|zsh|fish") == 0)
        cf_buf_puts(out, "; words+=\" bash zsh fish\"");
    cf_buf_puts(out, " ;;\n");
}

static const char bash_head[] =
    "# bash completion of crossfade\n"
    "_crossfade() {\n"
    "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} key= words= word i\n"
    "  case $prev in --*file|-f|--kubeconfig|--config) COMPREPLY=($(compgen -f -- \"$cur\")); "
    "return ;; esac\n"
    "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "    word=${COMP_WORDS[i]}\n"
    "    [[ $word == -* ]] && continue\n"
    "    case \" $(_crossfade_words \"$key\") \" in *\" $word \"*) key=${key:+$key }$word ;; esac\n"
    "  done\n"
    "  words=$(_crossfade_words \"$key\" \"$cur\")\n"
    "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
    "}\n"
    "_crossfade_words() {\n"
    "  local words= cur=${2--}\n"
    "  case $1 in\n";
static const char bash_tail[] =
    "  esac\n  printf '%s' \"$words\"\n}\ncomplete -F _crossfade crossfade\n";

static void fish_case(struct cf_buf *out, const char *key, const struct cf_command *c)
{
    const struct cf_option *lists[5];
    size_t n = cf_command_options(c, lists);
    cf_autofree char *condition = cf_xasprintf("__crossfade_at '%s'", key);
    for (const struct cf_command *s = c->sub; s && s->name; s++)
        cf_buf_printf(out, "complete -c crossfade -n \"%s\" -f -a %s -d \"%s\"\n", condition,
                      s->name, s->help);
    for (size_t i = 0; i < n && c->run; i++)
        for (const struct cf_option *o = lists[i]; o->name; o++)
            cf_buf_printf(out, "complete -c crossfade -n \"%s\" -l %s%s\n", condition, o->name,
                          o->arg ? " -r" : "");
    if (names_of(c))
        cf_buf_printf(out,
                      "complete -c crossfade -n \"%s\" -f -a \"(crossfade %s -q -o name --timeout "
                      "2s 2>/dev/null)\"\n",
                      condition, names_of(c));
}

static const char fish_head[] =
    "# fish completion of crossfade\n"
    "function __crossfade_at\n"
    "  set -l words (commandline -opc)[2..]\n"
    "  set -l plain (string match -v -- '-*' $words)\n"
    "  set -l want (string split ' ' -- $argv[1])\n"
    "  test -z \"$argv[1]\"; and begin; test (count $plain) -eq 0; return; end\n"
    "  test \"$plain[1..\"(count $want)\"]\" = \"$argv[1]\"\n"
    "end\n";

bool cf_completion_script(const char *shell, struct cf_buf *out)
{
    bool is_zsh = strcmp(shell, "zsh") == 0;
    if (strcmp(shell, "fish") == 0) {
        cf_buf_puts(out, fish_head);
        walk(out, &cf_command_root, "", fish_case);
        return true;
    }
    if (!is_zsh && strcmp(shell, "bash") != 0)
        return false;
    if (is_zsh) /* zsh runs bash's functions */
        cf_buf_puts(out, "#compdef crossfade\nautoload -U +X bashcompinit && bashcompinit\n");
    cf_buf_puts(out, bash_head);
    walk(out, &cf_command_root, "", bash_case);
    cf_buf_puts(out, bash_tail);
    return true;
}
