/* SPDX-License-Identifier: Apache-2.0 */
/* The plan file of a command line: -f FILE, the operand, or standard input. */
#ifndef CF_CLI_PLAN_FILE_H
#define CF_CLI_PLAN_FILE_H

#include "orchestrator/cli/command.h"

struct cf_plan_file {
    const char *path;  /* "-": standard input */
    const char *shown; /* for messages */
    char *text;
    size_t len;
    bool is_json; /* by its first character */
};
void cf_plan_file_free(struct cf_plan_file *f); /* for CF_CLEANUP */

/* 0, or the exit code after a message. */
int cf_plan_file_read(const struct cf_cli *cli, const char *operand,
                      struct cf_plan_file *out) CF_NODISCARD;
const char *cf_plan_file_media(const struct cf_plan_file *f);

#endif
