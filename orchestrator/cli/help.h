/* SPDX-License-Identifier: Apache-2.0 */
/* Help, the page docs/cli.md and completion scripts, all made of the command tree. Pure but for
 * printing. */
#ifndef CF_CLI_HELP_H
#define CF_CLI_HELP_H

#include <stdio.h>

#include "base/buf.h"
#include "orchestrator/cli/command.h"

/* Help of the command at the end of the path. */
void cf_help_print(FILE *f, const struct cf_command *const *path, size_t depth);
void cf_help_text(struct cf_buf *out, const struct cf_command *const *path, size_t depth);

/* docs/cli.md. Caller frees. */
char *cf_cli_markdown(void) CF_NODISCARD;

/* "bash", "zsh" or "fish"; false for another word. */
bool cf_completion_script(const char *shell, struct cf_buf *out) CF_NODISCARD;

enum { CF_HELP_TEXT_MAX = 1024 * 1024 };

#endif
