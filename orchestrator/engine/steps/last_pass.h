/* SPDX-License-Identifier: Apache-2.0 */
/* What the last pass there (volume.final_sync) and the last pass back (bring_back.h) have in common: their
 * parts, and whether it may count, for nobody has written since the writers stopped. */
#ifndef CF_ENGINE_STEPS_LAST_PASS_H
#define CF_ENGINE_STEPS_LAST_PASS_H

#include "orchestrator/engine/moves.h"

enum { CF_LAST_PASS_WHY_MAX = 400 }; /* bytes of a reason, with its end */

/* One part of a pass with number `n`: what it is, and the driver's call that goes on with it. */
struct cf_last_part {
    const char *what;
    bool (*call)(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err);
    enum cf_part clock;
};

/* Reads what stands still. */
bool cf_last_pass_read(const struct cf_volumes *v, int n, struct cf_moving *out,
                       struct cf_error *err) CF_NODISCARD;
/* Takes away what the restore of a void pass has made, so that this one's can be. */
bool cf_last_pass_clear(const struct cf_volumes *v, int n, struct cf_moving *out,
                        struct cf_error *err) CF_NODISCARD;
bool cf_last_pass_restore(const struct cf_volumes *v, int n, struct cf_moving *out,
                          struct cf_error *err) CF_NODISCARD;

/* The writers of the source, or of the target, as they stand (freeze.h: generations). `before`: as they
 * stood when the pass began; NULL: it begins now. `why`: for what reason it counts for nothing; "": it
 * counts. *out_now is a new reference. */
bool cf_last_pass_look(struct cf_pass *p, bool target, const json_t *before, json_t **out_now,
                       char why[static CF_LAST_PASS_WHY_MAX], struct cf_error *err) CF_NODISCARD;

#endif
