/* SPDX-License-Identifier: Apache-2.0 */
/* The proof, carried by every statement that writes a run, that the writer still owns the run's
 * shard.
 *
 * The statement takes FOR SHARE on the shard's row and compares owner and epoch; a claim by
 * somebody else waits for it or makes it write nothing. CF_RECORD_FENCED: drop everything of that
 * shard from memory. Values, copied freely. */
#ifndef CF_STORE_FENCE_H
#define CF_STORE_FENCE_H

#include <stdint.h>

#include "base/uuid.h"

struct cf_fence {
    int shard;
    char owner[CF_UUID_TEXT]; /* the replica's id */
    int64_t epoch;
};

/* What became of a fenced write. Only CF_RECORDED wrote anything. */
enum cf_record {
    CF_RECORDED,
    CF_RECORD_FENCED, /* the shard is not ours (any more) */
    CF_RECORD_STALE, /* ours, but the row has changed since it was read: load again, decide again */
};

const char *cf_record_name(enum cf_record r); /* "recorded", "fenced", "stale" */

#endif
