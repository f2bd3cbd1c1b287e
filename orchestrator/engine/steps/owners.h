/* SPDX-License-Identifier: Apache-2.0 */
/* Pausing the GitOps owners of what a freeze stops, and letting them go exactly as they were: a
 * Kustomization that goes on would start the writers again in the middle of the last pass.
 *
 * What an owner had is saved once, as a row {"apiVersion", "kind", "namespace", "name", "uid", "had":
 * the field's value, or null}, in the intent of quiesce, before it is paused. One that is paused
 * already has no row: it stays so. Called by: quiesce, volume.final_sync, cleanup. */
#ifndef CF_ENGINE_STEPS_OWNERS_H
#define CF_ENGINE_STEPS_OWNERS_H

#include "orchestrator/engine/steps/freeze.h"

/* The rows of who keeps `writers` and `more` (freeze.h), as the plan's volumes.finalSync.gitops wants it.
 * *out DONE; WAIT while one of them is putting something back; HOLD `data` where one goes on that the
 * run cannot pause, or that the plan leaves to a person. New reference, NULL without DONE. */
bool cf_owners_rows(const struct cf_freeze *f, const json_t *writers, const json_t *more,
                    json_t **out_rows, struct cf_outcome *out, struct cf_error *err) CF_NODISCARD;

/* Pauses them; idempotent. *out DONE when none is at work any more; WAIT until then; HOLD `data` where
 * somebody has changed one since it was saved. */
bool cf_owners_pause(const struct cf_freeze *f, const json_t *rows, struct cf_outcome *out,
                     struct cf_error *err) CF_NODISCARD;

/* Gives each what it had, where our pause is still in place; what somebody has changed stays theirs,
 * and is named in `left`. Idempotent. */
bool cf_owners_give_back(const struct cf_freeze *f, const json_t *rows, json_t *left,
                         struct cf_error *err) CF_NODISCARD;

/* What quiesce of this run has paused; NULL: nothing. Borrowed. */
const json_t *cf_owners_of(const struct cf_live *run);

/* "; Kustomization flux-system/shop of dc1 stays paused: …", or nothing. */
void cf_owners_say_what_stays(const struct cf_pass *p, struct cf_buf *out);

#endif
