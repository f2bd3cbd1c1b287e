/* SPDX-License-Identifier: Apache-2.0 */
/* The rollback lane's memory on disk: JSON lines, each durable (fsync) before append returns.
 *
 * It lets a restarted process know which ways back it has promised and which rollbacks were under
 * way, without PostgreSQL. One file in the state directory, mode 0600, written by one process (the
 * state directory is locked). The last line may be torn by a crash: it was never acknowledged and
 * is dropped. One thread at a time (the lane's mutex). */
#ifndef CF_ENGINE_LOCAL_JOURNAL_H
#define CF_ENGINE_LOCAL_JOURNAL_H

#include "base/json.h"

/* Thousands of runs with large routers; beyond it nothing is raised. */
enum { CF_LOCAL_JOURNAL_MAX = 64 * 1024 * 1024 };

struct cf_local_journal;

/* Opens or makes the file; *out_lines are the whole lines that stand there (new reference). */
struct cf_local_journal *cf_local_journal_open(const char *path, json_t **out_lines,
                                               struct cf_error *err) CF_NODISCARD;
void cf_local_journal_close(struct cf_local_journal *j); /* accepts NULL */

bool cf_local_journal_append(struct cf_local_journal *j, const json_t *line,
                             struct cf_error *err) CF_NODISCARD;
/* Puts these lines in place of all (write beside, fsync, rename). */
bool cf_local_journal_rewrite(struct cf_local_journal *j, const json_t *lines,
                              struct cf_error *err) CF_NODISCARD;
size_t cf_local_journal_bytes(const struct cf_local_journal *j);

#endif
