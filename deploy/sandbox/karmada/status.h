/* SPDX-License-Identifier: Apache-2.0 */
/* Writing into a status that others write into as well. */
#ifndef DEPLOY_SANDBOX_KARMADA_STATUS_H
#define DEPLOY_SANDBOX_KARMADA_STATUS_H

#include "deploy/sandbox/karmada/round.h"

struct km_condition {
    const char *type, *status, *reason, *message;
};

/* Sets a condition (`c` NULL: none) and the other members of `more` (taken; NULL: none) in the
 * status of the object as it is at this moment; writes only what differs. */
bool km_set_status(struct km_round *r, const char *manager, const char *group, const char *plural,
                   const json_t *object, const struct km_condition *c, json_t *more_take);

#endif
