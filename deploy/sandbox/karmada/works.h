/* SPDX-License-Identifier: Apache-2.0 */
/* Making a Work, or making it say what it should. */
#ifndef DEPLOY_SANDBOX_KARMADA_WORKS_H
#define DEPLOY_SANDBOX_KARMADA_WORKS_H

#include "deploy/sandbox/karmada/overrides.h"

struct km_work {
    const char *cluster;
    const json_t *template; /* the manifest comes from it */
    json_t *manifest; /* copied, revised, overridden; not yet marked. Taken by km_work_write */
    json_t *labels, *annotations; /* of the Work; taken */
    json_t *owners;               /* ownerReferences or NULL; taken */
    const struct km_overridden *overridden;
    const json_t *binding_spec; /* suspension and preserve; NULL: the Work has no such fields */
};

/* True when it is accepted, or there was nothing to write. A Work of that name that is going is
 * waited for (false). */
bool km_work_write(struct km_round *r, struct km_work *w);

#endif
