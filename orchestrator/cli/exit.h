/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes: stable numbers that scripts rely on, in one table. */
#ifndef CF_CLI_EXIT_H
#define CF_CLI_EXIT_H

#include "base/error.h"

enum cf_exit {
    CF_EXIT_OK = 0,
    CF_EXIT_FAILURE = 1,
    CF_EXIT_USAGE = 2,
    CF_EXIT_NOT_FOUND = 3,
    CF_EXIT_DENIED = 4,
    CF_EXIT_CONFLICT = 5,
    CF_EXIT_INVALID = 6,
    CF_EXIT_RUN_FAILED = 10,
    CF_EXIT_RUN_ROLLED_BACK = 11,
    CF_EXIT_TIMED_OUT = 12,
    CF_EXIT_WAITING = 13,
    CF_EXIT_UNREACHABLE = 20,
    CF_EXIT_INTERRUPTED = 130,
};

struct cf_exit_row {
    int code;
    const char *meaning;
};
extern const struct cf_exit_row cf_exit_rows[]; /* ends with a row without a meaning */

int cf_exit_of_status(int http_status);
int cf_exit_of_error(const struct cf_error *err);
/* Of a run that ended in this state ("completed", "rolled-back" …); WAITING if it has not ended. */
int cf_exit_of_run(const char *state);

#endif
