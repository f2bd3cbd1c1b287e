/* SPDX-License-Identifier: Apache-2.0 */
/* The way in: parse, run, flush. */
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "orchestrator/cli/command.h"

int cf_cli_main(int argc, char **argv, const struct cf_cli_parts *parts)
{
    struct cf_cli cli = { .parts = parts };
    int code;
    signal(SIGPIPE, SIG_IGN);
    cf_log_setup(CF_LOG_WARN, CF_LOG_AUTO);
    if (!cf_args_parse(&cli, argc, argv, &code))
        return code;
    code = cli.command->run(&cli);
    if (fflush(stdout) != 0 && code == CF_EXIT_OK)
        code = CF_EXIT_FAILURE;
    return code;
}
