/* SPDX-License-Identifier: Apache-2.0 */
/* The way back by hand: the kubectl line that sends a router's traffic to the source without us.
 *
 * A line is given only while it works: while the object carries our marks and is armed. At every
 * other time there is a sentence that says why there is none. Called by holds, views and reports;
 * pure, any thread. */
#ifndef CF_ENGINE_WAY_BACK_H
#define CF_ENGINE_WAY_BACK_H

#include "base/buf.h"
#include "base/json.h"
#include "orchestrator/engine/run.h"

/* Whether going back is safe by what was last recorded of this router. */
bool cf_way_back_is_armed(const struct cf_run_router *r);

/* Appends the router's line; nothing unless it is armed. */
void cf_way_back_line(const struct cf_run_router *r, struct cf_buf *out);

/* The lines of all armed routers. New reference. */
json_t *cf_way_back_lines(const struct cf_live *run) CF_NODISCARD;

/* Why there is no line for any router; NULL while there is one. */
const char *cf_way_back_missing(const struct cf_live *run);

#endif
