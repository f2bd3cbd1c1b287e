/* SPDX-License-Identifier: Apache-2.0 */
/* Inside lb/ only: pieces of rendering that the write protocol needs by themselves. Pure; any
 * thread. */
#ifndef CF_LB_RENDER_H
#define CF_LB_RENDER_H

#include "base/json_patch.h"
#include "lb/kinds.h"

/* The text of the restore mark: a JSON Patch as kubectl takes it, or "" when there is no safe way
 * back. Caller frees. */
char *cf_render_restore_text(const json_t *baseline, const json_t *object,
                             const struct cf_router_grip *grip) CF_NODISCARD;

/* The patch of a rollback document. */
json_t *cf_render_rollback_patch(const json_t *baseline, const json_t *object,
                                 const struct cf_router_grip *grip, const char *seq,
                                 const char *why, struct cf_error *err) CF_NODISCARD;

#endif
