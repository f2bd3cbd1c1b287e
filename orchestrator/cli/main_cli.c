/* SPDX-License-Identifier: Apache-2.0 */
/* The way in: parse, run, flush. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "orchestrator/cli/command.h"

/* A reader that has seen enough is no news; anything else is said. */
static bool flushed(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    if (errno != EPIPE)
        fputs("crossfade: the output could not be written\n", stderr);
    return false;
}

int cf_cli_main(int argc, char **argv, const struct cf_cli_parts *parts)
{
    struct cf_cli cli = { .parts = parts };
    int code;
    signal(SIGPIPE, SIG_IGN);
    cf_log_setup(CF_LOG_WARN, CF_LOG_AUTO);
    if (cf_args_parse(&cli, argc, argv, &code))
        code = cli.command->run(&cli);
    return flushed() ? code : code ? code : CF_EXIT_FAILURE;
}
