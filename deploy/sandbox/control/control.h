/* SPDX-License-Identifier: Apache-2.0 */
/* The control endpoint: faults, load, somebody else's edits, reset. Its routes are listed in control.c and in README.md. */
#ifndef DEPLOY_SANDBOX_CONTROL_CONTROL_H
#define DEPLOY_SANDBOX_CONTROL_CONTROL_H

#include "deploy/sandbox/world.h"

/* `state_dir` is where loads write their logs unless told otherwise; may be NULL. */
struct sbx_control *sbx_control_new(struct sbx_world *w, int port, const char *state_dir, bool demo, struct cf_error *err) CF_NODISCARD;
void sbx_control_free(struct sbx_control *c); /* after the HTTP server has stopped; accepts NULL */
const char *sbx_control_url(const struct sbx_control *c);

#endif
