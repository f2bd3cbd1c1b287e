/* SPDX-License-Identifier: Apache-2.0 */
/* The log of one load and what it says in short. Any thread. */
#ifndef DEPLOY_SANDBOX_LOAD_BOOK_H
#define DEPLOY_SANDBOX_LOAD_BOOK_H

#include "deploy/sandbox/dataplane/wire.h"
#include "base/json.h"

struct sbx_book;

/* `log_path` NULL: no log. UNAVAILABLE when it cannot be written. */
struct sbx_book *sbx_book_open(const char *log_path, struct cf_error *err) CF_NODISCARD;
void sbx_book_free(struct sbx_book *b); /* accepts NULL */
/* Request `n` began at `begin_ns` (Unix) and came to this; `answer` NULL: it was not sent. */
void sbx_book_add(struct sbx_book *b, int64_t n, int64_t begin_ns,
                  const struct sbx_wire_answer *answer);
/* sent, failed, first_failure, last_failure, begin, end, p50_us, p99_us, max_us, by_cluster,
 * errors. New reference. */
json_t *sbx_book_summary(struct sbx_book *b);

#endif
