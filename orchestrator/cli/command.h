/* SPDX-License-Identifier: Apache-2.0 */
/* What a command is (a row of the tree), and what was given to it on the command line. */
#ifndef CF_CLI_COMMAND_H
#define CF_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "orchestrator/cli/cli.h"
#include "orchestrator/cli/exit.h"

enum {
    CF_CLI_DEPTH_MAX = 4,   /* crossfade cluster add is 3 */
    CF_CLI_GIVEN_MAX = 128, /* options of one command line */
    CF_CLI_OPERANDS_MAX = 32,
};

struct cf_cli;

struct cf_option {
    const char *name; /* "output", given as --output */
    char letter;      /* 'o', or 0 */
    const char *arg;  /* what its value is called: "FILE"; NULL: a switch */
    const char *help;
    const char *words; /* the values it takes, separated by '|', or NULL: any */
    bool repeated;     /* may be given more than once */
};

enum cf_command_flags {
    CF_CMD_CLIENT = 1, /* talks to the service: takes the connection options */
    CF_CMD_OUTPUT = 2, /* prints things: takes -o, --no-headers, -q */
    CF_CMD_CONFIG = 4, /* reads the service's configuration: every key is an option */
    CF_CMD_RAW = 8,    /* parses its own arguments */
};

struct cf_command {
    const char *name;
    const char *operands; /* "FILE", "PLAN [REVISION]", "" */
    int operands_min, operands_max;
    const char *help;                /* one line */
    const char *more;                /* a paragraph or two with an example, or NULL */
    const struct cf_option *options; /* its own; ends with a row without a name; or NULL */
    unsigned flags;
    int (*run)(struct cf_cli *cli); /* NULL: it has subcommands */
    const struct cf_command *sub;   /* ends with a row without a name; or NULL */
};

/* The root of the tree: its `sub` are the commands. */
extern const struct cf_command cf_command_root;
extern const struct cf_option cf_options_everywhere[], cf_options_client[], cf_options_output[];

struct cf_given {
    const struct cf_option *option;
    const char *value; /* NULL for a switch */
};

/* One invocation. */
struct cf_cli {
    const struct cf_cli_parts *parts;
    const struct cf_command *path[CF_CLI_DEPTH_MAX]; /* from the root */
    size_t depth;
    const struct cf_command *command; /* the last of the path */
    struct cf_given given[CF_CLI_GIVEN_MAX];
    size_t n_given;
    const char *operands[CF_CLI_OPERANDS_MAX];
    size_t n_operands;
    int raw_argc; /* of a CF_CMD_RAW command, from its name on */
    char **raw_argv;
};

/* Finds the command and its options. False: the mistake was printed; *out_code is the exit code (0
 * when help was asked for and shown). */
bool cf_args_parse(struct cf_cli *cli, int argc, char **argv, int *out_code) CF_NODISCARD;

/* The option lists that a command takes, in the order of its help; n of them in `lists` (5 rows).
 */
size_t cf_command_options(const struct cf_command *c, const struct cf_option *lists[5]);
/* The configuration's keys as options ("tls.cert-file" is --tls-cert-file). */
const struct cf_option *cf_config_options(void);
/* "crossfade plan apply" into buf; returns buf. */
char *cf_command_path(const struct cf_cli *cli, char *buf, size_t size);

const char *cf_arg(const struct cf_cli *cli, const char *option); /* the last one given, or NULL */
bool cf_arg_given(const struct cf_cli *cli, const char *option);
/* Operand number i, or NULL. */
const char *cf_operand(const struct cf_cli *cli, size_t i);

/* "crossfade: TEXT" to stderr, and where help is; returns CF_EXIT_USAGE. */
int cf_usage_error(const struct cf_cli *cli, const char *fmt, ...) CF_PRINTF(2, 3);
/* "crossfade: message" to stderr; returns the exit code of the error. */
int cf_fail(const struct cf_error *err);
/* A message for people to stderr, unless -q. */
void cf_note(const struct cf_cli *cli, const char *fmt, ...) CF_PRINTF(2, 3);

#endif
