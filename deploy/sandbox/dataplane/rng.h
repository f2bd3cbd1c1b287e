/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers for splits and faults: xoshiro256**, by Blackman and Vigna. One thread at a time.
 */
#ifndef DEPLOY_SANDBOX_DATAPLANE_RNG_H
#define DEPLOY_SANDBOX_DATAPLANE_RNG_H

#include <stdint.h>

struct sbx_rng {
    uint64_t s[4];
};

void sbx_rng_seed(struct sbx_rng *r, uint64_t seed); /* the same numbers for the same seed */
void sbx_rng_seed_any(struct sbx_rng *r);            /* from the kernel */
double sbx_rng_uniform(struct sbx_rng *r);           /* in [0, 1), 53 bits */

#endif
