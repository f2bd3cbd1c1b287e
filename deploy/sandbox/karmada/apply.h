/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one manifest into a member, and taking it back. */
#ifndef DEPLOY_SANDBOX_KARMADA_APPLY_H
#define DEPLOY_SANDBOX_KARMADA_APPLY_H

#include "deploy/sandbox/karmada/round.h"

/* The object of that manifest in the member as it is now; new reference, or NULL. */
json_t *km_live(const struct km_member *m, const json_t *manifest);
bool km_is_managed(const json_t *live);

/* Creates the object, or updates it where Karmada manages it or may take it over: *out_written (new
 * reference) is what then stands. False: *out_why, the caller's to free, says why not. */
bool km_apply(struct km_member *m, const json_t *manifest, json_t **out_written, char **out_why);
/* Deletes the object if Karmada manages it. The same. */
bool km_take_back(struct km_member *m, const json_t *manifest, char **out_why);
/* Leaves the object there without Karmada's marks, by a last PUT of the manifest. An object that is
 * gone, or a stranger's, cannot be let go: false. */
bool km_let_go(struct km_member *m, const json_t *manifest, char **out_why);

#endif
