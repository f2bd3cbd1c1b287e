/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes which exit code. */
#include "orchestrator/cli/exit.h"

#include <string.h>

const struct cf_exit_row cf_exit_rows[] = {
    { CF_EXIT_OK, "done" },
    { CF_EXIT_FAILURE, "failed; for diffs: there are differences" },
    { CF_EXIT_USAGE, "the command line is wrong" },
    { CF_EXIT_NOT_FOUND, "there is no such thing" },
    { CF_EXIT_DENIED, "no valid token, or its role does not allow this" },
    { CF_EXIT_CONFLICT, "the state of things does not allow this, or it was changed meanwhile" },
    { CF_EXIT_INVALID, "the document is not valid, or preflight found a blocker" },
    { CF_EXIT_RUN_FAILED, "the run failed or was canceled" },
    { CF_EXIT_RUN_ROLLED_BACK, "the run was rolled back" },
    { CF_EXIT_TIMED_OUT, "the time for waiting is over" },
    { CF_EXIT_WAITING, "the run waits for a person; or what was asked for waits" },
    { CF_EXIT_UNREACHABLE, "the service cannot be reached" },
    { CF_EXIT_INTERRUPTED, "interrupted; a run goes on without us" },
    { 0, NULL },
};

int cf_exit_of_status(int status)
{
    switch (status) {
    case 400:
        return CF_EXIT_USAGE;
    case 404:
    case 410:
        return CF_EXIT_NOT_FOUND;
    case 401:
    case 403:
        return CF_EXIT_DENIED;
    case 409:
    case 412:
    case 428:
        return CF_EXIT_CONFLICT;
    case 422:
        return CF_EXIT_INVALID;
    case 503:
    case 504:
        return CF_EXIT_UNREACHABLE;
    default:
        return status >= 200 && status < 300 ? CF_EXIT_OK : CF_EXIT_FAILURE;
    }
}

int cf_exit_of_error(const struct cf_error *err)
{
    static const int codes[CF_ERR_KINDS] = {
        [CF_ERR_NONE] = CF_EXIT_OK,
        [CF_ERR_CONFLICT] = CF_EXIT_CONFLICT,
        [CF_ERR_TRANSIENT] = CF_EXIT_UNREACHABLE,
        [CF_ERR_DENIED] = CF_EXIT_DENIED,
        [CF_ERR_INVALID] = CF_EXIT_INVALID,
        [CF_ERR_NOT_FOUND] = CF_EXIT_NOT_FOUND,
        [CF_ERR_CANCELLED] = CF_EXIT_INTERRUPTED,
        [CF_ERR_UNAVAILABLE] = CF_EXIT_UNREACHABLE,
        [CF_ERR_UNKNOWN] = CF_EXIT_UNREACHABLE,
        [CF_ERR_FENCED] = CF_EXIT_CONFLICT,
        [CF_ERR_LIMIT] = CF_EXIT_FAILURE,
        [CF_ERR_BUG] = CF_EXIT_FAILURE,
    };
    return codes[err->kind];
}

int cf_exit_of_run(const char *state)
{
    static const struct {
        const char *state;
        int code;
    } rows[] = {
        { "completed", CF_EXIT_OK },
        { "rolled-back", CF_EXIT_RUN_ROLLED_BACK },
        { "failed", CF_EXIT_RUN_FAILED },
        { "canceled", CF_EXIT_RUN_FAILED },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].state, state) == 0)
            return rows[i].code;
    return CF_EXIT_WAITING;
}
