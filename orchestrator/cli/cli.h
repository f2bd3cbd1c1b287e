/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one table of commands (tree.c) from which parsing, help, completion scripts and
 * docs/cli.md come.
 *
 * Called by: main, with the parts of the service that stand on the same floor; nothing else. One
 * thread, but for `serve` (whose threads belong to the parts) and the watch (whose stream runs on a
 * transport's thread). Results go to stdout, messages to stderr; the process's exit code is one of
 * exit.h. */
#ifndef CF_CLI_CLI_H
#define CF_CLI_CLI_H

#include "base/config.h"
#include "base/error.h"
#include "store/access.h"

/* What the command line starts but does not know. */
struct cf_cli_parts {
    /* Starts the service with this configuration; returns it once it listens. *out_url (caller
     * frees) is where. */
    void *(*service_start)(const struct cf_config *config, char **out_url, struct cf_error *err);
    /* Drains and stops; returns within about 10 s. */
    void (*service_stop)(void *service);
    /* Reads the certificate and its key again. */
    bool (*service_reload)(void *service, struct cf_error *err);
    /* Draws a token: fills id and hash, returns the text. */
    struct cf_secret *(*token_draw)(struct cf_token_new *row);
    /* `crossfade sandbox`: argv[0] is "sandbox". Returns an exit code. */
    int (*sandbox)(int argc, char **argv);
};

/* Runs one command; returns the process's exit code. */
int cf_cli_main(int argc, char **argv, const struct cf_cli_parts *parts);

#define CF_VERSION "0.1.0"

#endif
