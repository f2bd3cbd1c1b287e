/* SPDX-License-Identifier: Apache-2.0 */
/* Gate checkpoints: the detectors' sums, so that a restarted replica goes on where the last one
 * stood.
 *
 * One statement for all owned gates, every ten seconds and at each decision. Rows whose fence does
 * not hold are left out. */
#ifndef CF_STORE_GATES_H
#define CF_STORE_GATES_H

#include "store/fence.h"
#include "store/store.h"

struct cf_gate_checkpoint {
    char run_id[CF_UUID_TEXT];
    int shard;
    int64_t epoch;      /* of the fence */
    const char *stream; /* "successRate/target" */
    const json_t *doc;  /* the detector's state */
};
/* *out_written is how many rows were inside their fence. */
bool cf_gates_save(struct cf_store *store, const char *owner, const struct cf_gate_checkpoint *rows,
                   size_t n, size_t *out_written, struct cf_error *err) CF_NODISCARD;
/* Object: stream → doc; {} if there is none. New reference. *out_age_ms is the oldest row's age (0
 * if none). */
bool cf_gates_load(struct cf_store *store, const char *run_id, json_t **out, int64_t *out_age_ms,
                   struct cf_error *err) CF_NODISCARD;

#endif
